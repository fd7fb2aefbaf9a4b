"""The recursive questions of provenance, as SQL; ``provenance`` asks them and says what the answers are.

From activity to activity: over inputs that were made here, and over what a pipeline told of its earlier steps.  An
activity is visited once, whatever the number of ways to it, so that neither diamonds nor circles cost anything.
"""

from typing import Final

from schema.provenance import INPUT

__all__ = ["AFFECTED", "HISTORY", "MADE_FROM", "RAW_FRAMES"]

_USED: Final = INPUT.replace("product_id", "u.product_id").replace("entity", "u.entity")
_ACTIVITY: Final = "SELECT * FROM provenance.activity WHERE activity_id = step.activity_id OFFSET 0"
"""Nobody can foretell how many steps there are; OFFSET keeps the planner from reading the whole table for a few."""

# The steps behind a product, the nearest first: a recursive query yields one generation after the other.
BEHIND: Final = f"""
WITH RECURSIVE behind (activity_id) AS (
  SELECT activity_id FROM provenance.was_generated_by WHERE product_id = :subject
  UNION
  SELECT earlier.activity_id FROM behind CROSS JOIN LATERAL (
    SELECT g.activity_id FROM provenance.used AS u
    JOIN provenance.was_generated_by AS g ON g.product_id = {_USED}
    WHERE u.activity_id = behind.activity_id
    UNION ALL
    SELECT i.informant_id FROM provenance.was_informed_by AS i WHERE i.activity_id = behind.activity_id
  ) AS earlier
), step AS (
  SELECT activity_id, row_number() OVER () AS place FROM (SELECT activity_id FROM behind LIMIT :most) AS nearest
)"""

HISTORY: Final = f"""{BEHIND}
SELECT a.activity_id, a.name, a.task_version, a.software, a.started, a.ended, a.host, a.job_id,
  a.parameters, inputs.used,
  ARRAY(SELECT i.informant_id FROM provenance.was_informed_by AS i WHERE i.activity_id = a.activity_id
    ORDER BY i.informant_id) AS builds_on,
  EXISTS (SELECT FROM provenance.was_generated_by AS g
    WHERE g.activity_id = a.activity_id AND g.product_id = :subject) AS is_last
FROM step CROSS JOIN LATERAL ({_ACTIVITY}) AS a
CROSS JOIN LATERAL (
  SELECT json_agg(json_build_array({_USED}, u.role, u.md5, p.kind, p.title, g.activity_id,
    e.dp_id IS NOT NULL OR u.entity ~ :raw_name) ORDER BY u.used_id) AS used
  FROM provenance.used AS u
  LEFT JOIN survey.product AS p ON p.product_id = {_USED}
  LEFT JOIN survey.exposure AS e ON e.dp_id = {_USED}
  LEFT JOIN provenance.was_generated_by AS g ON g.product_id = {_USED}
  WHERE u.activity_id = a.activity_id
) AS inputs
ORDER BY step.place
"""

RAW_FRAMES: Final = f"""{BEHIND}
SELECT {_USED} AS dp_id, string_agg(DISTINCT u.role, ', ' ORDER BY u.role) AS roles, min(e.object) AS object,
  bool_or(p.product_id IS NOT NULL) AS is_held
FROM step CROSS JOIN LATERAL (SELECT * FROM provenance.used WHERE activity_id = step.activity_id OFFSET 0) AS u
LEFT JOIN survey.exposure AS e ON e.dp_id = {_USED}
LEFT JOIN survey.product AS p ON p.product_id = {_USED}
WHERE e.dp_id IS NOT NULL OR u.entity ~ :raw_name
GROUP BY 1 ORDER BY 1
"""

# What an activity led to: those that used its products, and those that built on it.
LATER: Final = f"""
    SELECT u.activity_id FROM provenance.was_generated_by AS g
    JOIN provenance.used AS u ON {_USED} = g.product_id
    WHERE g.activity_id = {{activity}}
    UNION ALL
    SELECT i.activity_id FROM provenance.was_informed_by AS i WHERE i.informant_id = {{activity}}"""

# The steps that something went into, the nearest first.
BEYOND: Final = f"""
WITH RECURSIVE beyond (activity_id) AS (
  SELECT u.activity_id FROM provenance.used AS u WHERE {_USED} = :subject OR u.entity = :subject
  UNION
  SELECT later.activity_id FROM beyond CROSS JOIN LATERAL ({LATER.format(activity="beyond.activity_id")}
  ) AS later
), step AS (
  SELECT activity_id, row_number() OVER () AS place FROM (SELECT activity_id FROM beyond LIMIT :most) AS nearest
)"""

AFFECTED: Final = f"""{BEYOND}
SELECT a.activity_id, a.name, ARRAY({LATER.format(activity="a.activity_id")}
  ) AS later, made.products
FROM step CROSS JOIN LATERAL ({_ACTIVITY}) AS a
CROSS JOIN LATERAL (
  SELECT json_agg(json_build_array(p.product_id, p.kind, p.title) ORDER BY p.product_id) AS products
  FROM provenance.was_generated_by AS g JOIN survey.product AS p USING (product_id)
  WHERE g.activity_id = a.activity_id
) AS made
ORDER BY step.place
"""

MADE_FROM: Final = f"""{BEYOND}
SELECT DISTINCT p.product_id, p.title
FROM step JOIN provenance.was_generated_by AS g ON g.activity_id = step.activity_id
JOIN survey.product AS p ON p.product_id = g.product_id
ORDER BY p.product_id LIMIT :most
"""
