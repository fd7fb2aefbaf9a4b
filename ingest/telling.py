"""How the commands of ingest tell what became of files: a line each, a summary, an exit status.  Printing only."""

import json
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import click

from archive.intake import written
from archive.runs import TEMPORARY, Tally
from ingest.outcome import Became, Outcome

__all__ = ["JSON", "PATHS", "is_news", "leave", "source", "tell"]

PATHS = click.argument("paths", type=click.Path(path_type=Path), nargs=-1, required=True)
JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object a file.")


def source(paths: Iterable[Path]) -> str:
    """Return folders and files in words, for the record of a run."""
    return " ".join(written(path.absolute()) for path in paths)


def is_news(outcome: Outcome) -> bool:
    """Tell whether people want to read of it: of a file that is known they do not."""
    return outcome.became is not Became.KNOWN


def tell(
    outcomes: Iterable[Outcome],
    tally: Tally,
    *,
    as_json: bool,
    worth: Callable[[Outcome], bool] = is_news,
    summed: bool = True,
) -> Counter[Became]:
    """Print what became of files as it happens, and the sums; counts it in the record, too.

    Parameters
    ----------
    worth
        Which of them are worth a line; as JSON all are.
    summed
        Print the sums, too.
    """
    counted: Counter[Became] = Counter()
    for outcome in outcomes:
        tally.count(outcome.became)
        counted[outcome.became] += 1
        path = written(outcome.path)
        has_line = worth(outcome)
        if as_json:
            click.echo(json.dumps({**vars(outcome), "path": path}))
        elif has_line:
            click.echo(f"{outcome.became:<10} {path}: {outcome.key or outcome.reason}")
    summary = ", ".join(f"{counted[became]} {became}" for became in Became if counted[became])
    if summed:
        click.echo(summary or "nothing to take in", err=as_json)
    return counted


def leave(counted: Counter[Became]) -> None:
    """Leave with exit status 1 when something was refused, else 75 when something was left for the next run."""
    if counted[Became.REFUSED]:
        raise SystemExit(1)
    if counted[Became.POSTPONED]:
        raise SystemExit(TEMPORARY)
