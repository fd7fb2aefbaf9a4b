"""The commands ``musevault phase3 check`` and ``musevault phase3 export``."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archive.archive import open_archive
from archive.log import configure
from archive.settings import load

if TYPE_CHECKING:
    from processing.phase3.checker import Report
    from processing.phase3.fitsverify import Verified

__all__ = ["phase3"]

PROFILE = click.option(
    "--profile", "profile_name", default="sdps8", show_default=True, help="release-2021 or sdps8: the standard."
)
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@click.group()
def phase3() -> None:
    """Submit products to ESO's archive, and check what is to be submitted."""


@phase3.command("check")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@PROFILE
@click.option("--headers-only", is_flag=True, help="Leave out what reads pixels: checksums, voids.")
@click.option("--fitsverify", "with_fitsverify", is_flag=True, help="Run fitsverify too, where it is installed.")
@AS_JSON
def check_command(
    files: tuple[Path, ...], *, profile_name: str, headers_only: bool, with_fitsverify: bool, as_json: bool
) -> None:
    """Check files as ESO's Phase 3 would: each by itself, and all of them together."""
    from processing.phase3.checker import check
    from processing.phase3.fitsverify import verify
    from processing.phase3.profiles import profile_named

    report = check(files, profile_named(profile_name), headers_only=headers_only)
    verified = {path.name: verify(path) for path in files} if with_fitsverify else {}
    click.echo(_to_json(report, verified) if as_json else _to_text(report, verified))
    if report.errors or any(one.errors for one in verified.values()):
        raise SystemExit(1)


@phase3.command("rules")
@PROFILE
@AS_JSON
def rules_command(*, profile_name: str, as_json: bool) -> None:
    """List what is checked: rule, whose it is, of which files, what it asks."""
    from processing.phase3.checker import listing
    from processing.phase3.profiles import profile_named

    rules = listing(profile_named(profile_name))
    if as_json:
        click.echo(json.dumps(rules, indent=2))
        return
    for one in rules:
        click.echo(f"{one['rule']:22}  {one['severity']:7}  {one['files']:25}  {one['asks']}  [{one['source']}]")


@phase3.command("export")
@click.argument("targets", nargs=-1, required=True)
@click.argument("folder", type=click.Path(path_type=Path))
@PROFILE
@click.option("--partial", "is_partial", is_flag=True, help="Go without images that the archive does not have.")
@AS_JSON
def export_command(
    targets: tuple[str, ...], folder: Path, *, profile_name: str, is_partial: bool, as_json: bool
) -> None:
    """Write the cubes of galaxies with all that belongs to them into a new FOLDER, as ESO wants them."""
    from processing.phase3.export import export
    from processing.phase3.profiles import profile_named

    configure()
    profile = profile_named(profile_name)
    with open_archive(load()) as archive:
        made = export(archive, targets, folder, profile, is_partial=is_partial)
    if as_json:
        told = {"folder": str(made.folder), "bytes": made.size, "lacking": list(made.lacking)}
        click.echo(json.dumps({**told, **made.report.to_json()}, indent=2))
        return
    for name in made.files:
        click.echo(made.folder / name)
    click.echo(_to_text(made.report, {}))


def _to_json(report: "Report", verified: "dict[str, Verified]") -> str:
    told = report.to_json()
    if verified:
        told["fitsverify"] = {
            name: {"errors": one.errors, "warnings": one.warnings, "messages": list(one.messages)}
            for name, one in verified.items()
        }
    return json.dumps(told, indent=2)


def _to_text(report: "Report", verified: "dict[str, Verified]") -> str:
    lines = [f"{one.file}  {one.severity}  {one.rule_id}: {one.message}  [{one.asks}]" for one in report.violations]
    for name, one in verified.items():
        lines += [f"{name}  fitsverify: {message}" for message in one.messages]
        lines.append(f"{name}  fitsverify: {one.errors} errors, {one.warnings} warnings")
    counted = f"{len(report.files)} files, {report.rules} rules of {report.profile}"
    return "\n".join([*lines, f"{counted}: {report.errors} errors, {report.warnings} warnings"])
