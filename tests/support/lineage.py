"""Products with a history that is as the test wants it: rows only, there are no files behind them."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from archive.archive import Archive
from schema.products import Product
from schema.provenance import Activity, Used, WasGeneratedBy, WasInformedBy

__all__ = ["record"]

STARTED = datetime(2026, 3, 1, 12, 0)
ENDED = datetime(2026, 3, 1, 12, 5, 30)


def record(
    archive: Archive,
    made: Mapping[str, Sequence[str]],
    *,
    informed: Mapping[str, Mapping[str, Sequence[str]]] | None = None,
    by_name: bool = False,
) -> None:
    """Write products with the activities ``make-<product>`` that made them.

    Parameters
    ----------
    made
        Inputs of each product; those that are products are used as such.
    informed
        For an activity, those that it built on with their inputs.
    by_name
        Inputs are told by name only, as in the headers of pipelines.
    """
    with archive.database.transaction() as session:
        session.add_all(_product(name) for name in made)
        session.flush()
        for name, inputs in made.items():
            session.add(_activity(f"make-{name}"))
            session.flush()
            session.add(WasGeneratedBy(product_id=name, activity_id=f"make-{name}"))
            session.add_all(_used(f"make-{name}", inputs, () if by_name else made))
        for later, earlier in (informed or {}).items():
            for name, inputs in earlier.items():
                session.add(_activity(name))
                session.flush()
                session.add(WasInformedBy(activity_id=later, informant_id=name))
                session.add_all(_used(name, inputs, made))


def _product(name: str) -> Product:
    return Product(
        product_id=name,
        kind="cube",
        title=f"The product {name}",
        collection="MADE-UP",
        calib_level=2,
        simulated=0,
        ingested=ENDED,
    )


def _activity(name: str) -> Activity:
    return Activity(
        activity_id=name,
        name=name,
        software="musevault/0.1.0 numpy/2.0",
        started=STARTED,
        ended=ENDED,
        parameters={"nifu": -1, "skymethod": "model", "ranges": [1, 2]},
    )


def _used(activity: str, inputs: Sequence[str], products: Mapping[str, object] | tuple[()]) -> list[Used]:
    return [
        Used(activity_id=activity, entity=name, product_id=name if name in products else None, role="INPUT")
        for name in inputs
    ]
