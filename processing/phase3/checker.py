"""Check files as ESO's Phase 3 would: each by itself, and all of them together.

The rules are a table; ``RULES`` and ``BATCH_RULES`` are the whole of it.  Nothing is changed, and a file of any size is
read in pieces, or not at all beyond its headers.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from processing.phase3 import rules_of_ancillaries, rules_of_axes, rules_of_batches, rules_of_cubes, rules_of_files
from processing.phase3.profiles import Profile
from processing.phase3.rule import BatchRule, Rule, Severity
from processing.phase3.submitted import Batch, SubmittedFile

__all__ = ["BATCH_RULES", "RULES", "Report", "Violation", "check", "listing"]

RULES: Final[tuple[Rule, ...]] = (
    *rules_of_files.RULES,
    *rules_of_cubes.RULES,
    *rules_of_axes.RULES,
    *rules_of_ancillaries.RULES,
)
BATCH_RULES: Final[tuple[BatchRule, ...]] = rules_of_batches.RULES

AnyRule = TypeVar("AnyRule", Rule, BatchRule)

WHATEVER: Final = frozenset({"whole-fits", "file-name-length", "file-name-ending", "file-name-characters"})
"""Rules that can be asked of a file that cannot be read."""


@dataclass(frozen=True)
class Violation:
    """Something that is wrong with a file."""

    file: str
    rule_id: str
    severity: Severity
    message: str
    asks: str
    source: str

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "file": self.file,
            "rule": self.rule_id,
            "severity": str(self.severity),
            "message": self.message,
            "asks": self.asks,
            "source": self.source,
        }


@dataclass(frozen=True)
class Report:
    """What came out of a check of some files."""

    profile: str
    files: tuple[str, ...]
    rules: int
    violations: tuple[Violation, ...]

    @property
    def errors(self) -> int:
        """For how many things ESO would refuse them."""
        return sum(one.severity is Severity.ERROR for one in self.violations)

    @property
    def warnings(self) -> int:
        """How many things ESO would rather have otherwise."""
        return len(self.violations) - self.errors

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "profile": self.profile,
            "files": list(self.files),
            "rules": self.rules,
            "errors": self.errors,
            "warnings": self.warnings,
            "violations": [one.to_json() for one in self.violations],
        }


def check(paths: Sequence[Path], profile: Profile, *, headers_only: bool = False) -> Report:
    """Check files that are to be submitted together; ``headers_only`` leaves out what has to read pixels."""
    batch = Batch(tuple(SubmittedFile.read(path) for path in paths))
    rules = _asked(RULES, profile, headers_only=headers_only)
    together = _asked(BATCH_RULES, profile, headers_only=headers_only)
    found = [*_alone(batch, rules, profile), *_together(batch, together, profile)]
    order = {file.name: n for n, file in enumerate(batch.files)}
    found.sort(key=lambda one: order[one.file])
    return Report(profile.name, tuple(order), len(rules) + len(together), tuple(found))


def listing(profile: Profile) -> list[dict[str, str]]:
    """Return all that a profile asks for, as JSON has it."""
    asked: list[tuple[Rule | BatchRule, str]] = []
    asked += [(rule, rule.kind.name) for rule in _asked(RULES, profile, headers_only=False)]
    asked += [(rule, "all together") for rule in _asked(BATCH_RULES, profile, headers_only=False)]
    return [
        {
            "rule": rule.rule_id,
            "severity": str(rule.severity),
            "files": files,
            "asks": rule.asks,
            "source": rule.source,
        }
        for rule, files in asked
    ]


def _asked(rules: Iterable[AnyRule], profile: Profile, *, headers_only: bool) -> list[AnyRule]:
    mine = [rule for rule in rules if profile.name in rule.profiles]
    return [rule for rule in mine if not (headers_only and rule.reads_pixels)]


def _alone(batch: Batch, rules: Sequence[Rule], profile: Profile) -> Iterator[Violation]:
    for file in batch.files:
        for rule in rules:
            if (file.hdus or rule.rule_id in WHATEVER) and rule.kind.holds(file):
                for message in rule.finds(file, profile):
                    yield _violation(file.name, rule, message)


def _together(batch: Batch, rules: Sequence[BatchRule], profile: Profile) -> Iterator[Violation]:
    for rule in rules:
        for name, message in rule.finds(batch, profile):
            yield _violation(name, rule, message)


def _violation(name: str, rule: Rule | BatchRule, message: str) -> Violation:
    return Violation(name, rule.rule_id, rule.severity, message, rule.asks, rule.source)
