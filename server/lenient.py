"""Requests of clients in use that are nearly what the standards ask for, taken as they are meant."""

import re
from typing import Any, Final

from flask import Request

__all__ = ["LenientRequest"]

BARE_BOUNDARY: Final = re.compile(r'(;\s*boundary=)([^\s";]+)', re.IGNORECASE)


class LenientRequest(Request):
    """A request whose boundary between parts need not be quoted.

    astroquery's TapPlus has equals signs in it, which only quotes allow: without them the parts would not be found.
    """

    def __init__(self, environ: dict[str, Any], *arguments: Any, **keywords: Any) -> None:
        if "CONTENT_TYPE" in environ:
            environ["CONTENT_TYPE"] = BARE_BOUNDARY.sub(r'\1"\2"', environ["CONTENT_TYPE"])
        super().__init__(environ, *arguments, **keywords)
