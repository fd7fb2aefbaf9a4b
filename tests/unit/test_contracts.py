"""Promises about the code as a whole that no single module can keep."""

import ast
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

OURS = ("musevault", "schema", "archive", "ingest", "processing", "server")
FILES = {"os", "io", "pathlib", "shutil", "tempfile", "astropy.io"}


def imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


@pytest.mark.parametrize("name", OURS)
def test_no_other_installed_package_claims_the_name_of_one_of_ours(name: str) -> None:
    assert set(packages_distributions().get(name, [])) <= {"musevault"}


def test_science_opens_no_files() -> None:
    for path in Path("processing/science").glob("*.py"):
        assert not imported(path) & FILES, path
        assert "open(" not in path.read_text(), path


def test_nothing_but_the_survey_folder_knows_the_survey() -> None:
    for package in OURS:
        for path in Path(package).rglob("*.py"):
            text = path.read_text().lower()
            if path != Path("musevault/demo.py"):  # which shows this survey
                assert "phangs" not in text, path
