"""A product's history for programs and as a picture: ``/products/<product>/provenance.json``, ``.provn``, ``.svg``."""

from collections.abc import Sequence

from flask import Blueprint, Response, abort, url_for
from markupsafe import Markup

from archive import products, provenance
from archive.archive import Archive
from archive.lineage import lineage
from archive.lineage_drawing import draw
from archive.lineage_svg import to_svg
from archive.prov_document import Names, document, to_json, to_provn
from archive.provenance import Step
from schema.products import Product

__all__ = ["drawing", "register"]


def register(portal: Blueprint, archive: Archive) -> None:
    """Add the routes to the portal's."""

    @portal.get("/products/<product_id>/provenance.<any(json, provn, svg):shape>", endpoint="provenance")
    def history(product_id: str, shape: str) -> Response:
        product = products.find(archive, product_id)
        if product is None:
            abort(404, f"There is no product {product_id} in this archive.")
        steps = provenance.history(archive, product_id)
        if shape == "svg":
            return Response(drawing(product, steps), content_type="image/svg+xml; charset=utf-8")
        made = document(product, steps, Names(archive.settings.authority, archive.settings.base_url))
        if shape == "json":
            return Response(to_json(made), content_type="application/json")
        return Response(to_provn(made), content_type="text/provenance-notation; charset=utf-8")


def drawing(product: Product, steps: Sequence[Step]) -> Markup:
    """Draw a history with links to the pages of its products."""
    title = f"How {product.product_id} was made, from raw frames at the left to the product at the right"
    svg = to_svg(draw(lineage(product, steps)), title, lambda other: url_for("portal.product", product_id=other))
    return Markup(svg)  # noqa: S704  the writer escapes what headers say
