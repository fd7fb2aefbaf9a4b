"""The command that simulates exposures of a galaxy of the survey: ``musevault simulate``."""

import re
from pathlib import Path
from typing import Final

import click

from archive.archive import open_archive
from archive.errors import Refused
from archive.log import configure
from archive.settings import load
from processing.simulate.observation import Spectral

__all__ = ["simulate"]

WAVELENGTHS: Final = re.compile(r"(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)(?::(\d+(?:\.\d+)?))?")


@click.command()
@click.argument("target")
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--pointings", default="2", show_default=True, help="How many beside each other, or which: P01,P02.")
@click.option("--size", type=float, default=24.0, show_default=True, help="Side of a field, arcsec; 60 is a whole one.")
@click.option(
    "--wavelengths", default="6500-6780", show_default=True, help="From and to, Angstrom, and a step if not 1.25."
)
@click.option("--exposures", type=click.IntRange(min=1), help="A pointing at most (default: all of the log).")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Of all chance.")
@click.option("--realisation", type=click.IntRange(min=0), default=0, help="Another one has other noise only.")
@click.option("--outputs", default="object", show_default=True, help="Of object, reduced and raw, with commas.")
@click.option("--ifus", default="1,10", show_default=True, help="Of which there are raw frames, with commas.")
@click.option("--filter", "band", default="Cousins_R", show_default=True, help="Of the reference image.")
@click.option("--templates", help="Folder of stellar population models (default: of the data packages), or `analytic`.")
def simulate(  # noqa: PLR0913 - each option of a command is a parameter
    target: str,
    out: Path,
    *,
    pointings: str,
    size: float,
    wavelengths: str,
    exposures: int | None,
    seed: int,
    realisation: int,
    outputs: str,
    ifus: str,
    band: str,
    templates: str | None,
) -> None:
    """Simulate exposures of a galaxy into the folder OUT, with the truth beside them.

    Pointings, dates, modes, seeing and numbers of exposures are those of the survey's log.  Fields smaller than a whole
    one are drawn together around the galaxy's centre, so that they overlap.
    """
    from processing.filters import read_curve
    from processing.simulate import catalogue
    from processing.simulate import templates as models
    from processing.simulate.simulation import Request, prepare, write

    configure()
    wanted = _outputs(outputs)
    spectral = _spectral(wavelengths)
    settings = load()
    if templates == models.ANALYTIC:
        populations = models.analytic()
    else:
        populations = models.read_populations(Path(templates) if templates else settings.data / models.MODELS)
    with open_archive(settings) as archive:
        record = catalogue.find_galaxy(archive, target)
        scale = catalogue.scale_for(size)
        places = catalogue.places_of(archive, record, catalogue.chosen(record, pointings), scale=scale)
        request = Request(
            galaxy=catalogue.galaxy_of(record),
            places=places,
            size=size,
            scale=scale,
            spectral=spectral,
            band=read_curve(settings.data, band).band,
            populations=populations,
            seed=seed,
            most=exposures,
            realisation=realisation,
            ifus=_ifus(ifus),
        )
    write(prepare(request), out, outputs=wanted, tell=click.echo)


def _outputs(words: str) -> tuple[str, ...]:
    from processing.simulate.simulation import OUTPUTS

    wanted = tuple(dict.fromkeys(word.strip() for word in words.split(",")))
    if unknown := [word for word in wanted if word not in OUTPUTS]:
        raise Refused(f"no output {', '.join(map(repr, unknown))}: there are {', '.join(OUTPUTS)}")
    return wanted


def _ifus(words: str) -> tuple[int, ...]:
    try:
        return tuple(dict.fromkeys(int(word) for word in words.split(",")))
    except ValueError as error:
        raise Refused(f"IFUs are numbers from 1 to 24 with commas, not {words!r}") from error


def _spectral(words: str) -> Spectral:
    match = WAVELENGTHS.fullmatch(words.strip())
    if match is None:
        raise Refused(f"wavelengths are written as 6300-6800 or 4700-9400:10, not {words!r}")
    low, high, step = match.groups()
    return Spectral(float(low), float(high), float(step or 1.25))
