"""astroquery.eso as its users have it, with nothing but the addresses changed: the lines of docs/querying.md."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from astroquery.eso import conf
from astroquery.eso.core import EsoClass


@contextmanager
def pointed_at(url: str, cache: Path) -> Iterator[EsoClass]:
    """A client of the service at this address, which keeps files in a folder of its own."""
    with conf.set_temp("tap_obs_url", f"{url}/tap"), conf.set_temp("tap_cat_url", f"{url}/tap"):
        client = EsoClass()
        client.DOWNLOAD_URL = f"{url}/dataPortal/file/"
        client.CALSELECTOR_URL = f"{url}/calselector/v1/associations"
        client.cache_location = cache
        yield client
