"""How a benchmark tells what it found: one line a figure on the terminal, and the same in ``results.json``.

Every figure stands beside a reference measured in the same run, so that a ratio says the same on any machine.
"""

import json
from pathlib import Path
from typing import Final

__all__ = ["report"]

RESULTS: Final = Path(__file__).with_name("results.json")


def report(name: str, ours: float, reference: float, target: float, *, more_is_better: bool) -> None:
    """Print ``name | ours | reference | ratio | target | ok or short`` and replace the line of that name in the file.

    Parameters
    ----------
    name
        What is measured, with its unit and what it is held against.
    ours, reference
        The two figures, in one unit.
    target
        What ``ours / reference`` should reach, or stay below when less is better.
    """
    ratio = ours / reference
    verdict = "ok" if (ratio >= target if more_is_better else ratio <= target) else "short"
    print(f"{name} | {_figure(ours)} | {_figure(reference)} | {ratio:.2f} | {target:g} | {verdict}", flush=True)
    figures = {"ours": float(f"{ours:.4g}"), "reference": float(f"{reference:.4g}"), "ratio": round(ratio, 3)}
    _keep(name, {**figures, "target": target, "verdict": verdict})


def _keep(name: str, line: dict[str, str | float]) -> None:
    kept = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else []
    kept = [each for each in kept if each["name"] != name] + [{"name": name, **line}]
    RESULTS.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
