"""All that is declared, in one place: the tables of every module, and the views in the order in which they build."""

from typing import Final

from sqlalchemy import MetaData

from schema import (  # noqa: F401  they fill the metadata
    accounts,
    alignment,
    calibrations,
    conditions,
    eso,
    eso_listing,
    exposures,
    findings,
    intake,
    jobs,
    maps,
    nights,
    obscore,
    observations,
    obsplan,
    products,
    provenance,
    psf,
    quality,
    tap_schema,
    uws,
)
from schema.base import Base
from schema.views import View

__all__ = ["VIEWS", "metadata"]

VIEWS: Final[tuple[View, ...]] = (obscore.VIEW, obsplan.VIEW, conditions.VIEW, eso.RAW, eso.MUSE, eso.PRODUCT_FILES)


def metadata() -> MetaData:
    """Return every declared table."""
    return Base.metadata
