"""What a browser may do with our pages, as it is told in their Content-Security-Policy."""

from typing import Final

__all__ = ["LIVE_PAGE", "PAGE", "REPORT"]

PAGE: Final = (
    "default-src 'none'; img-src 'self'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""No page needs a script."""

LIVE_PAGE: Final = f"{PAGE}; script-src 'self'; connect-src 'self'"
"""Those that show what goes on have one, which looks again now and then."""

REPORT: Final = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; sandbox; base-uri 'none'; frame-ancestors 'none'"
)
"""A report is one file, which brings its style and its pictures along."""
