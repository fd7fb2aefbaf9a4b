"""ESO's archive as a client sees it: questions and calibrations through astroquery, errors as one clear line.

What astroquery does not do is added here: a time limit, patience, and telling an empty answer from a refused query.
Files are fetched by ``download``, because astroquery cannot go on with half a file.
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from xml.etree import ElementTree as ET

import requests
from astroquery.eso import EsoClass, conf
from astroquery.eso.core import CalSelectorError
from pyvo.dal import DALAccessError, DALOverflowWarning, TAPService

from archive.errors import ArchiveError
from archive.settings import Settings
from ingest import eso_rows
from ingest.polite import Politeness, adopt

__all__ = ["Answer", "EsoArchive", "connect"]

MOST_DATASETS: Final = 100
"""How many frames one request for calibrations may name, as astroquery itself has it."""

LONGEST_REASON: Final = 300


@dataclass(frozen=True)
class Answer:
    """Rows as plain values; ``cut`` when the service had more than it gave."""

    rows: list[dict[str, Any]]
    cut: bool


class _Eso(EsoClass):  # type: ignore[misc]  # astroquery has no types
    """astroquery's own, asking through its own session: pyvo would open one without any time limit."""

    def tap(self, authenticated: bool = False, *, tap_endpoint: str = "tap_obs") -> TAPService:  # noqa: FBT001, FBT002
        del authenticated  # what is listed is public; the token goes with downloads only
        return TAPService(self._tap_url(tap_endpoint), session=self._session)


@dataclass(frozen=True)
class EsoArchive:
    """ESO's archive, or one that speaks like it."""

    eso: _Eso
    tap_url: str

    def ask(self, query: str, *, rows: int) -> Answer:
        """Return the answer to a query that asks for so many rows at most.

        Raises
        ------
        ArchiveError
            There is no answer, or the service does not take the query.
        """
        self.eso.ROW_LIMIT = rows
        with warnings.catch_warnings(record=True) as said, conf.set_temp("tap_obs_url", self.tap_url):
            warnings.simplefilter("always")
            try:
                table = self.eso.query_tap(query)
            except (DALAccessError, requests.RequestException, OSError, ValueError, TypeError) as error:
                raise ArchiveError(f"ESO's archive does not answer: {_reason(error)}") from error
        if not table.colnames:  # an answer without rows has columns; astroquery makes this of a refused query
            raise ArchiveError(f"ESO's archive does not take the query {query}")
        cut = any(issubclass(warning.category, DALOverflowWarning) for warning in said)
        return Answer(eso_rows.plain(table, table.colnames), cut)

    def calibrations(self, frames: Sequence[str], *, mode: str) -> list[str]:
        """Return the calibrations that belong to science frames, in alphabetical order.

        Parameters
        ----------
        mode
            ``raw`` for raw calibrations, ``processed`` for those made from them.

        Raises
        ------
        ArchiveError
            There is no answer, or none that can be read.
        """
        found: set[str] = set()
        for first in range(0, len(frames), MOST_DATASETS):
            try:
                found.update(self.eso.get_associated_files(frames[first : first + MOST_DATASETS], mode=mode))
            except (requests.RequestException, ET.ParseError, CalSelectorError, KeyError, ValueError) as error:
                raise ArchiveError(f"ESO's archive does not say which calibrations: {_reason(error)}") from error
        return sorted(found - set(frames))


@contextmanager
def connect(settings: Settings, politeness: Politeness) -> Iterator[EsoArchive]:
    """Open ESO's archive at the addresses of the settings; nothing is asked yet."""
    eso = _Eso()
    eso.CALSELECTOR_URL = settings.eso_calselector_url
    with adopt(eso._session, politeness):  # noqa: SLF001  astroquery has no other way to its session
        yield EsoArchive(eso, settings.eso_tap_url)


def _reason(error: BaseException) -> str:
    """The first cause in one line: astroquery adds the query and addresses of examples."""
    while error.__cause__ is not None:
        error = error.__cause__
    status = getattr(error, "code", None)
    words = " ".join(str(error).split())[:LONGEST_REASON] or type(error).__name__
    return f"{status}: {words}" if status and str(status) not in words else words
