"""Parameters that somebody sets for what is to be made: ``--set stars.monte_carlo=20``.

What was set is recorded with the product and holds for its later editions, until somebody sets it otherwise; what is
set to what the task does anyway is no choice any more.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from archive.errors import Refused
from processing.choices import Choice
from processing.task import CHOSEN, Item, Task

__all__ = ["as_chosen", "check", "choose"]

WRITTEN: Final = re.compile(r"(?P<task>[^.=]+)\.(?P<parameter>[^.=]+)=(?P<value>.*)", re.DOTALL)


def choose(tasks: Sequence[Task], written: Sequence[str], names: Sequence[str]) -> Sequence[Task]:
    """Return the cascade with parameters set.

    Parameters
    ----------
    written
        Such as ``stars.monte_carlo=20``; a value is JSON, or else text.
    names
        Products or galaxies that it is for; none for all.

    Raises
    ------
    Refused
        There is no such parameter, or the value will not do.
    """
    chosen: dict[str, dict[str, Any]] = {}
    for text in written:
        found = WRITTEN.fullmatch(text.strip())
        if found is None:
            raise Refused(f"{text}: write TASK.PARAMETER=VALUE, such as stars.monte_carlo=20")
        choice = _choice(tasks, found["task"], found["parameter"])
        value = _value(found["value"])
        _check(f"{found['task']}.{found['parameter']}", choice, value)
        if choice.of_one and not names:
            raise Refused(f"{found['task']}.{found['parameter']} is of one galaxy: name it, or products of it")
        chosen.setdefault(found["task"], {})[found["parameter"]] = value
    return tuple(replace(task, chosen=chosen.get(task.name, {})) for task in tasks)


def as_chosen(task: Task, item: Item, earlier: Mapping[str, Any]) -> Item:
    """Return what a task makes with the parameters that were chosen: now, or for an earlier edition of it."""
    kept = {name: earlier[name] for name in earlier.get(CHOSEN, ()) if _still_holds(task, name, earlier)}
    wanted = {**kept, **task.chosen}
    different = {name: value for name, value in sorted(wanted.items()) if value != item.parameters[name]}
    if not different:
        return item
    return replace(item, parameters={**item.parameters, **different, CHOSEN: list(different)})


def check(task: Task, parameters: Mapping[str, Any]) -> None:
    """Look at the parameters of a job before it begins.

    Raises
    ------
    Refused
        A value will not do.
    """
    for name, choice in task.choices.items():
        if name in parameters:
            _check(f"{task.name}.{name}", choice, parameters[name])


def _choice(tasks: Sequence[Task], name: str, parameter: str) -> Choice:
    known = {f"{task.name}.{one}": choice for task in tasks for one, choice in task.choices.items()}
    if (choice := known.get(f"{name}.{parameter}")) is None:
        raise Refused(f"{name}.{parameter} cannot be set; what can is {', '.join(known)}")
    return choice


def _check(name: str, choice: Choice, value: Any) -> None:
    if not choice.holds(value):
        raise Refused(f"{name} is {choice.words}, not {json.dumps(value)}")


def _still_holds(task: Task, name: str, parameters: Mapping[str, Any]) -> bool:
    """Tell whether a later version of the task still has the choice."""
    return name in task.choices and name in parameters and task.choices[name].holds(parameters[name])


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
