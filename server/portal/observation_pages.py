"""The pages of what was observed: exposures, nights, runs of ingests.

Each route asks the archive, hands the answer to its template, and no more; ``pages`` has the others.
"""

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from flask import Blueprint, abort, render_template, request
from flask.typing import ResponseReturnValue

from archive import exposure_listing, exposure_record, night_record, run_listing
from archive.database import Database
from archive.exposure_listing import ExposureLine
from archive.exposure_record import ExposureRecord
from archive.night_record import NightRecord
from server.portal import alignment_facts, exposure_facts, exposure_form, footprints, night_plot
from server.portal.footprints import Drawing, Field
from server.portal.night_plot import Bar, Plot, Sample

__all__ = ["ObservationPages", "register"]

BAD_REQUEST: Final = 400
LINES: Final = {"dimm_seeing": "Seeing, arcsec", "wind_speed": "Wind, m/s"}
"""What is plotted of a night, by what the site's monitors call it."""

LONGEST: Final = 36_000.0
"""Seconds; a header that tells of a longer exposure is not believed by the plot."""


def register(portal: Blueprint, database: Database) -> None:
    """Add the routes to the portal's."""
    pages = ObservationPages(database)
    portal.add_url_rule("/exposures", "exposures", pages.exposures)
    portal.add_url_rule("/exposures/<dp_id>", "exposure", pages.exposure)
    portal.add_url_rule("/nights", "nights", pages.nights)
    portal.add_url_rule("/nights/<night>", "night", pages.night)
    portal.add_url_rule("/runs", "runs", pages.runs)


@dataclass(frozen=True)
class ObservationPages:
    """The routes over one archive's database."""

    database: Database

    def exposures(self) -> ResponseReturnValue:
        """The list of exposures, with the form that narrows it."""
        form = exposure_form.read(request.args)
        after = request.args.get("after") or None
        page = render_template(
            "exposures.html",
            form=form,
            found=None if form.problems else exposure_listing.listing(self.database, form.wanted, after=after),
            after=after,
            choices=exposure_listing.choices(self.database),
        )
        return (page, BAD_REQUEST) if form.problems else page

    def exposure(self, dp_id: str) -> ResponseReturnValue:
        """One exposure."""
        record = exposure_record.find(self.database, dp_id)
        if record is None:
            abort(404, f"There is no exposure {dp_id} in this archive.")
        return render_template(
            "exposure.html",
            record=record,
            groups=exposure_facts.groups(record.exposure),
            seeing=exposure_facts.seeing(record.exposure, record.conditions),
            conditions=exposure_facts.conditions_facts(record.conditions),
            alignment=[] if record.aligned is None else alignment_facts.alignment_facts(record.aligned),
            trails=[] if record.aligned is None else alignment_facts.trail_lines(record.aligned),
            drawing=_outline(record),
        )

    def nights(self) -> ResponseReturnValue:
        """The list of nights."""
        until = request.args.get("until", "").strip() or None
        if until is not None and not exposure_form.is_night(until):
            abort(BAD_REQUEST, f"A night is a date, as in 2019-11-05, and not {until}.")
        return render_template("nights.html", found=night_record.listing(self.database, until=until), until=until)

    def night(self, night: str) -> ResponseReturnValue:
        """One night."""
        record = night_record.find(self.database, night) if exposure_form.is_night(night) else None
        if record is None:
            abort(404, f"Nothing is known of a night {night} in this archive.")
        return render_template("night.html", record=record, plot=_plot(record))

    def runs(self) -> ResponseReturnValue:
        """What ingests did, and what they refused."""
        return render_template(
            "runs.html", runs=run_listing.latest(self.database), quarantine=run_listing.quarantine(self.database)
        )


def _outline(record: ExposureRecord) -> Drawing | None:
    """Draw the exposure's field over that of its pointing, which is number 0."""
    exposure, pointing = record.exposure, record.pointing
    if exposure.ra is None or exposure.dec is None or (exposure.footprint is None and pointing is None):
        return None
    fields = [Field(1, exposure.ra, exposure.dec, exposure.footprint, exposure.ao_mode == "AO", exposure.dp_id)]
    if pointing is not None:
        ao = pointing.ao_mode == "AO"
        fields.insert(0, Field(0, pointing.ra, pointing.dec, pointing.footprint, ao, pointing.pointing_id))
    return footprints.draw((exposure.ra, exposure.dec), fields, parsec_per_arcsec=1.0)


def _plot(record: NightRecord) -> Plot | None:
    """Plot what the site's monitors read, and what the headers of the exposures say of the same."""
    read = {
        name: [Sample(r.observed, r.value, "line") for r in record.readings if r.quantity == name] for name in LINES
    }
    headers: dict[str, list[Sample]] = {name: [] for name in LINES}
    for exposure in record.exposures:
        headers["dimm_seeing"] += _samples(exposure, exposure.dimm_fwhm_start, "monitor")
        headers["dimm_seeing"] += _samples(exposure, exposure.sgs_fwhm, "guiding")
        headers["wind_speed"] += _samples(exposure, exposure.wind_speed, "monitor")
    quantities = [(title, _finite(read[name] + headers[name])) for name, title in LINES.items()]
    return night_plot.draw(quantities, [_bar(e, e.exp_start) for e in record.exposures if e.exp_start is not None])


def _samples(exposure: ExposureLine, value: float | None, kind: str) -> list[Sample]:
    return [] if exposure.exp_start is None or value is None else [Sample(exposure.exp_start, value, kind)]


def _finite(samples: list[Sample]) -> list[Sample]:
    return [sample for sample in samples if math.isfinite(sample.value)]


def _bar(exposure: ExposureLine, moment: datetime) -> Bar:
    seconds = min(max(exposure.exptime or 0.0, 0.0), LONGEST)
    return Bar(moment, seconds, "science" if exposure.raw_tag == "OBJECT" else "other")
