"""A plan in words: a table for people, JSON for scripts."""

import json
from collections.abc import Iterator
from typing import Any, Final

from processing.step import Plan, Step

__all__ = ["to_json", "to_table"]

HEADINGS: Final = ("product", "why", "task", "time", "memory", "disk")
NUMBERS: Final = 3


def to_table(plan: Plan) -> str:
    """Return a line for each product, and one for all; time and memory are those of a job, which may make several."""
    if not plan.steps:
        return "nothing to do"
    rows = [HEADINGS, *(row for step in plan.steps for row in _rows(step)), _totals(plan)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(HEADINGS))]
    return "\n".join(_line(row, widths) for row in rows)


def to_json(plan: Plan) -> str:
    """Return the plan as one object, in seconds and bytes."""
    totals = {"seconds": plan.seconds, "memory": plan.memory, "disk": plan.disk}
    return json.dumps({"steps": [_step(step) for step in plan.steps], "totals": totals})


def _rows(step: Step) -> Iterator[tuple[str, ...]]:
    for number, due in enumerate(step.due):
        of_job = ("", "") if number else (_time(step.seconds), _bytes(step.needs.memory))
        yield due.item.product_id, str(due.reason), step.task.name, *of_job, _bytes(due.item.size)


def _totals(plan: Plan) -> tuple[str, ...]:
    products = sum(len(step.due) for step in plan.steps)
    jobs = len(plan.steps)
    told = f"{products} product{'' if products == 1 else 's'}", f"{jobs} job{'' if jobs == 1 else 's'}"
    return *told, "", _time(plan.seconds), _bytes(plan.memory), _bytes(plan.disk)


def _step(step: Step) -> dict[str, Any]:
    return {
        "task": step.task.name,
        "version": step.task.version,
        "inputs": [item.product_id for item in step.inputs],
        "products": [
            {
                "product": due.item.product_id,
                "why": due.reason.why,
                "of": due.reason.of,
                "parameters": due.item.parameters,
                "disk": due.item.size,
            }
            for due in step.due
        ],
        "seconds": step.seconds,
        "cores": step.needs.cores,
        "memory": step.needs.memory,
        "disk": step.disk,
    }


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    words = [cell.ljust(width) for cell, width in zip(row[:-NUMBERS], widths[:-NUMBERS], strict=True)]
    numbers = [cell.rjust(width) for cell, width in zip(row[-NUMBERS:], widths[-NUMBERS:], strict=True)]
    return "  ".join([*words, *numbers]).rstrip()


def _time(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def _bytes(number: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "B" or number >= 10 else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"
