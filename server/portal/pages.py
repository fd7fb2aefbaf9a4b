"""The pages: each route asks the archive, hands the answer to its template, and no more.

The templates link to ``/files``, ``/tap`` and ``/sia2`` of the same application, which are not made here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from archive import observations, products, provenance, quality, survey
from archive.archive import Archive
from musevault import __version__
from schema.observations import Target
from schema.products import Artifact, Product, Role
from schema.published import catalogue
from server.portal import (
    answers,
    examples,
    facts,
    footprints,
    formats,
    job_facts,
    job_pages,
    observation_pages,
    provenance_pages,
    quality_facts,
    release_files,
    sky,
)
from server.portal.footprints import Disk, Drawing, Field
from server.portal.sky import Place, SkyMap
from server.query import Queries

__all__ = ["blueprint"]

PAGE: Final = 48
"""Products on one page of the list: a multiple of 2, 3 and 4, as the grid has columns."""

NEWEST: Final = 4
FILTERS: Final[dict[str, Callable[..., str]]] = {
    "size": formats.size,
    "ra": formats.right_ascension,
    "dec": formats.declination,
    "moment": formats.moment,
    "without_folders": job_facts.without_folders,
}


def blueprint(archive: Archive, queries: Queries) -> Blueprint:
    """Return the pages of an archive, to be registered at the root of an application."""
    portal = Blueprint(
        "portal", __name__, template_folder="templates", static_folder="static", static_url_path="/portal"
    )
    pages = Pages(archive, queries)
    portal.add_url_rule("/", "home", pages.home)
    portal.add_url_rule("/targets/<name>", "target", pages.target)
    portal.add_url_rule("/products", "products", pages.products)
    portal.add_url_rule("/products/<product_id>", "product", pages.product)
    portal.add_url_rule("/query", "query", pages.query, methods=["GET", "POST"])
    observation_pages.register(portal, archive.database)
    provenance_pages.register(portal, archive)
    job_pages.register(portal, archive)
    portal.before_request(_refuse_nul)
    portal.register_error_handler(HTTPException, _failure)
    portal.app_errorhandler(404)(_failure)  # also where no service has a route
    portal.app_context_processor(pages.everywhere)
    for name, written in FILTERS.items():
        portal.add_app_template_filter(written, name)
    return portal


@dataclass(frozen=True)
class Pages:
    """The routes over one archive."""

    archive: Archive
    queries: Queries

    def everywhere(self) -> dict[str, Any]:
        """Return what every page shows: addresses, version, releases."""
        return {
            "base_url": self.archive.settings.base_url,
            "version": __version__,
            "releases": observations.releases(self.archive.database),
            "file_url": _file_url,
            "preview_of": _preview_of,
        }

    def home(self) -> ResponseReturnValue:
        """The survey at a glance."""
        database = self.archive.database
        targets = survey.targets(database)
        return render_template(
            "home.html",
            counts=observations.counts(database),
            volume=survey.volume(database),
            targets=targets,
            sky=_sky(targets, survey.spots(database)),
            newest=survey.listing(database, most=NEWEST).products,
            recipes=examples.recipes(self.archive.settings.base_url, _for_example(targets)),
        )

    def target(self, name: str) -> ResponseReturnValue:
        """One galaxy."""
        record = survey.find_target(self.archive.database, name)
        if record is None:
            abort(404, f"There is no target {name} in this archive.")
        return render_template(
            "target.html",
            record=record,
            facts=facts.target_facts(record.target),
            drawing=_drawing(record),
            files=release_files.release_files(record.target, record.rules, record.products),
        )

    def products(self) -> ResponseReturnValue:
        """The list of products, page by page."""
        kind, named = request.args.get("kind") or None, request.args.get("named") or None
        if kind == "exposure":
            return redirect(url_for("portal.exposures"))
        page = min(max(request.args.get("page", 1, type=int), 1), 100_000)
        first = (page - 1) * PAGE
        found = survey.listing(self.archive.database, kind=kind, named=named, first=first, most=PAGE)
        pages = max(-(-found.total // PAGE), 1)
        return render_template("products.html", found=found, kind=kind, named=named, page=page, pages=pages)

    def product(self, product_id: str) -> ResponseReturnValue:
        """One product."""
        product = products.find(self.archive, product_id)
        if product is None:
            abort(404, f"There is no product {product_id} in this archive.")
        steps = provenance.history(self.archive, product_id)
        inputs = {used.name for step in steps for used in step.used}
        database = self.archive.database
        told = quality.find(database, product)
        return render_template(
            "product.html",
            product=product,
            facts=facts.product_facts(product),
            headers=[
                (a, products.headers(self.archive, a.artifact_id)) for a in product.artifacts if a.role == Role.THIS
            ],
            steps=steps,
            drawing=provenance_pages.drawing(product, steps) if steps else None,
            made_of=provenance.made_of(self.archive, product_id),
            exposures=survey.exposures(database, product, inputs),
            findings=survey.findings(database, f"product:{product_id}"),
            quality=None if told is None else quality_facts.quality_section(told),
        )

    def query(self) -> ResponseReturnValue:
        """A form for ADQL, the first rows of its answer, and what can be asked."""
        asked = request.values.get("QUERY", "").strip()
        samples = examples.queries(_for_example(survey.targets(self.archive.database)))
        return render_template(
            "query.html",
            adql=asked or samples[0].adql,
            answer=answers.first_rows(self.queries, asked) if asked else None,
            samples=samples,
            tables=catalogue(),
        )


def _for_example(targets: list[survey.TargetSummary]) -> Target | None:
    """Return a galaxy around which a search finds something, if there is one."""
    return next((t.target for t in sorted(targets, key=lambda t: t.products == 0)), None)


def _sky(targets: list[survey.TargetSummary], spots: list[survey.Spot]) -> SkyMap:
    """Targets first, so that they get the labels; targets without a position are in the table only."""
    places = [
        Place(
            name=t.target.name,
            href=url_for("portal.target", name=t.target.name),
            ra=t.target.ra,
            dec=t.target.dec,
            kind="held" if t.products else "expected",
            note=f"{t.pointings} pointings, {t.products} products",
        )
        for t in targets
        if t.target.ra is not None and t.target.dec is not None
    ]
    return sky.draw(places + [_spot_place(spot) for spot in spots])


def _spot_place(spot: survey.Spot) -> Place:
    single = spot.products == 1 or spot.name is None
    href = (
        url_for("portal.product", product_id=spot.product_id) if single else url_for("portal.products", named=spot.name)
    )
    note = "1 product" if spot.products == 1 else f"{spot.products} products"
    return Place(spot.name or spot.product_id, href, spot.ra, spot.dec, "other", note)


def _drawing(record: survey.TargetRecord) -> Drawing | None:
    """Draw around the galaxy's centre, or around its first pointing where the centre is not known."""
    target, pointings = record.target, record.pointings
    if not pointings:
        return None
    fields = [
        Field(p.number, p.ra, p.dec, p.footprint, p.ao_mode == "AO", f"{p.ao_mode}, FWHM {p.psf_fwhm:.2f} arcsec")
        for p in pointings
    ]
    centre = (pointings[0].ra, pointings[0].dec)
    if target.ra is not None and target.dec is not None:
        centre = (target.ra, target.dec)
    disk = None
    if target.ra is not None and target.position_angle is not None and target.inclination is not None:
        disk = Disk(target.position_angle, target.inclination)
    return footprints.draw(centre, fields, parsec_per_arcsec=target.scale, disk=disk)


def _file_url(artifact: Artifact) -> str:
    return f"{request.script_root}/files/{quote(artifact.artifact_id)}"


def _preview_of(product: Product) -> Artifact | None:
    return next((a for a in product.artifacts if a.role == Role.PREVIEW), None)


def _refuse_nul() -> None:
    """PostgreSQL cannot be asked for a NUL, which no name contains anyway."""
    values = [*(request.view_args or {}).values(), *request.args.values()]
    if any("\0" in str(value) for value in values):
        abort(400, "The address contains a character that no name has.")


def _failure(error: HTTPException) -> ResponseReturnValue:
    return render_template("error.html", error=error), error.code or 500
