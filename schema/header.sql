-- One value of the primary header of a raw frame or calibration, as text without quotes: what mv_header asks.
-- Headers are kept for the archive itself; this function is how queries see into them.
CREATE FUNCTION survey.header_value(dp_id text, keyword text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog
AS $$
  SELECT COALESCE(replace(rtrim(found[1]), '''''', ''''), NULLIF(btrim(found[2]), ''))
  FROM (
    SELECT regexp_match(
      h.cards,
      '(?n)^(?:HIERARCH )?' || upper(btrim(keyword)) || ' *= *(?:''((?:[^'']|'''')*)''|([^''/\n ][^/\n]*))'
    ) AS found
    FROM survey.artifact AS a
    JOIN archive.header AS h ON h.artifact_id = a.artifact_id AND h.extension = 0
    WHERE a.product_id = dp_id AND a.role = 'this' AND keyword ~ '^[A-Za-z0-9 _-]+$'
  ) AS card
$$;
