"""What stands in deploy/ is what the commands take, so that no timer fails on a misspelt option at night."""

import configparser
import shlex
from pathlib import Path

import click
import pytest

from archive.settings import Settings
from musevault.command import main

UNITS = sorted(Path("deploy/systemd").iterdir())
SERVICES = [unit for unit in UNITS if unit.suffix == ".service"]
CRON = Path("deploy/musevault.cron").read_text()


def understood(words: list[str]) -> bool:
    """Whether ``musevault`` takes these words, without doing what they say."""
    command: click.Command = main
    context = click.Context(main, info_name="musevault")
    while isinstance(command, click.Group):
        found = command.get_command(context, words.pop(0))
        assert found is not None
        command = found
    command.make_context("musevault", words, parent=context)
    return True


def read(unit: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(unit)
    return parser


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.name)
def test_units_run_commands_that_exist(unit: Path) -> None:
    service = read(unit)["Service"]
    program, *words = shlex.split(service["ExecStart"])
    assert program == "/opt/musevault/.venv/bin/musevault"
    assert understood(words)
    assert service["EnvironmentFile"] == "/etc/musevault.env"
    assert service["User"] == "musevault"


@pytest.mark.parametrize("unit", [unit for unit in UNITS if unit.suffix == ".timer"], ids=lambda unit: unit.name)
def test_every_timer_has_its_service(unit: Path) -> None:
    assert "OnCalendar" in read(unit)["Timer"]
    assert read(unit.with_suffix(".service"))["Service"]["Type"] == "oneshot"


@pytest.mark.parametrize("line", [line for line in CRON.splitlines() if "$MUSEVAULT " in line])
def test_the_crontab_runs_commands_that_exist(line: str) -> None:
    for called in line.split("$MUSEVAULT ")[1:]:
        words = called.split(">")[0].split("&&")[0].split()
        assert understood(words)


def test_the_settings_are_known() -> None:
    names = [line.partition("=")[0] for line in Path("deploy/musevault.env").read_text().splitlines()]
    found = [name.removeprefix("MUSEVAULT_").lower() for name in names if name and not name.startswith("#")]
    assert set(found) <= set(Settings.model_fields)


def test_a_worker_is_given_longer_to_stop_than_it_gives_its_jobs() -> None:
    service = read(Path("deploy/systemd/musevault-worker.service"))["Service"]
    assert float(service["TimeoutStopSec"]) > Settings.model_fields["worker_grace"].default + 30
    assert service["KillMode"] == "mixed"
