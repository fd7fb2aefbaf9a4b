"""What is missing: the cascade against what the archive holds."""

from collections.abc import Sequence

from archive import jobs, products
from archive.archive import Archive
from archive.errors import Refused
from processing.cascade import TASKS
from schema.jobs import Job
from schema.products import Product

__all__ = ["submit_missing"]


def submit_missing(archive: Archive, names: Sequence[str]) -> list[Job]:
    """Submit a job for every task whose products are not all there; a second call submits nothing new.

    Parameters
    ----------
    names
        Products or galaxies; none means everything that the archive holds.

    Raises
    ------
    Refused
        A name is neither.
    """
    held = {p.product_id: p for p in products.latest(archive)}
    wanted = held.values() if not names else [p for name in names for p in _chosen(held, name)]
    return [
        jobs.submit(archive.database, task.name, task.parameters(product))
        for task in TASKS
        for product in wanted
        if product.kind == task.takes and not task.is_done(product, held)
    ]


def _chosen(held: dict[str, Product], name: str) -> list[Product]:
    chosen = [p for p in held.values() if name in (p.product_id, p.target)]
    if not chosen:
        raise Refused(f"{name} is neither a product nor a galaxy with products")
    return chosen
