"""A service checked from outside, over HTTP, with nothing but the standard library: what a monitor would do."""

import csv
import hashlib
import io
import subprocess
import time
from collections.abc import Callable, Mapping
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import click

__all__ = ["await_health", "check"]

PATIENCE_SECONDS = 60.0
CONE = "1 = CONTAINS(POINT(s_ra, s_dec), CIRCLE({ra}, {dec}, 0.01))"


def await_health(url: str, server: subprocess.Popen[bytes]) -> None:
    """Wait until the service answers.

    Raises
    ------
    click.ClickException
        It ended, or does not answer in time.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise click.ClickException(f"the service ended with status {server.returncode}")
        try:
            urlopen(f"{url}/healthz", timeout=5).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise click.ClickException(f"the service does not answer within {PATIENCE_SECONDS:g} s")


def check(url: str, survey: Mapping[str, int]) -> None:
    """Try every service once and say what was seen; ``survey`` has the counts that the release's tables gave.

    Raises
    ------
    click.ClickException
        A service does not do what it should; the text names it.
    """
    _tell("TAP", _counts(url, survey))
    for name, probe in CHECKS.items():
        _tell(name, probe(url))


def _tell(name: str, seen: str) -> None:
    click.echo(f"  ok  {name:<10} {seen}")


def _counts(url: str, survey: Mapping[str, int]) -> str:
    queries = {
        "targets": "SELECT COUNT(*) FROM survey.target",
        "pointings": "SELECT COUNT(*) FROM survey.pointing",
        "AO": "SELECT COUNT(*) FROM survey.pointing WHERE ao_mode = 'AO'",
        "observing_blocks": "SELECT COUNT(*) FROM survey.observing_block",
        "exposures": "SELECT SUM(exposures_used) FROM survey.observing_block",
    }
    seen = {name: int(_value(url, query)) for name, query in queries.items()}
    _expect(seen, {name: survey[name] for name in queries}, "the survey's counts")
    return ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in seen.items())


def _cone(url: str) -> str:
    row = _cube(url)
    ra, dec = float(row["s_ra"]), float(row["s_dec"])
    here = _value(url, f"SELECT COUNT(*) FROM ivoa.obscore WHERE {CONE.format(ra=ra, dec=dec)}")
    away = _value(url, f"SELECT COUNT(*) FROM ivoa.obscore WHERE {CONE.format(ra=ra + 1, dec=dec)}")
    _expect([int(here) > 0, away], [True, "0"], "the cone search")
    return f"{here} products around {ra:.3f} {dec:.3f}, none one degree away"


def _images(url: str) -> str:
    row = _cube(url)
    pos = urlencode({"POS": f"CIRCLE {row['s_ra']} {row['s_dec']} 0.01", "DPTYPE": "cube", "RESPONSEFORMAT": "csv"})
    found = list(csv.DictReader(io.StringIO(_get(f"{url}/sia2/query?{pos}").decode())))
    here = CONE.format(ra=row["s_ra"], dec=row["s_dec"])
    cubes = _rows(url, f"SELECT access_url FROM ivoa.obscore WHERE dataproduct_type = 'cube' AND {here}")
    _expect(sorted(r["access_url"] for r in found), sorted(r["access_url"] for r in cubes), "SIA2")
    return f"SIA2 finds the cubes there, {len(found)}"


def _download(url: str) -> str:
    address = _cube(url)["access_url"]
    expected = _value(url, f"SELECT sha256 FROM survey.artifact WHERE artifact_id = '{address.rsplit('/', 1)[1]}'")
    content = _get(address)
    _expect(hashlib.sha256(content).hexdigest(), expected, "the checksum of the download")
    with urlopen(Request(address, headers={"Range": "bytes=2880-5759"}), timeout=60) as part:
        _expect((part.status, part.read()), (206, content[2880:5760]), "a part of the file")
    return f"{len(content)} bytes, SHA-256 {expected[:12]}..., ranges"


def _pages(url: str) -> str:
    product = _cube(url)["dp_id"]
    target = _value(url, "SELECT MIN(name) FROM survey.target")
    for page in ("/", f"/targets/{target}", f"/products/{product}", "/query"):
        _expect(_get(url + page).count(b"</html>"), 1, f"page {page}")
    return "home, target, product, query"


def _maps(url: str) -> str:
    bins = _rows(url, "SELECT COUNT(*) AS n, AVG(sigma_stars) AS sigma FROM maps.bin")[0]
    spaxels = _value(url, "SELECT COUNT(*) FROM maps.spaxel WHERE ha6562_an > 5")
    _expect([int(bins["n"]) > 0, int(spaxels) > 0], [True, True], "the maps")
    return f"{bins['n']} bins of {float(bins['sigma']):.0f} km/s, H alpha in {spaxels} spaxels"


CHECKS: dict[str, Callable[[str], str]] = {
    "cone": _cone,
    "SIA2": _images,
    "download": _download,
    "maps": _maps,
    "pages": _pages,
}


def _cube(url: str) -> dict[str, str]:
    rows = _rows(url, "SELECT * FROM ivoa.obscore WHERE dataproduct_type = 'cube' ORDER BY dp_id")
    _expect(min(len(rows), 1), 1, "cubes in ivoa.obscore")
    return rows[0]


def _value(url: str, query: str) -> str:
    return next(iter(_rows(url, query)[0].values()))


def _rows(url: str, query: str) -> list[dict[str, str]]:
    body = urlencode({"LANG": "ADQL", "RESPONSEFORMAT": "csv", "QUERY": query}).encode()
    with urlopen(Request(f"{url}/tap/sync", data=body), timeout=60) as answer:
        return list(csv.DictReader(io.StringIO(answer.read().decode())))


def _get(address: str) -> bytes:
    with urlopen(address, timeout=60) as answer:
        content: bytes = answer.read()
    return content


def _expect(seen: object, wanted: object, what: str) -> None:
    if seen != wanted:
        raise click.ClickException(f"{what}: {seen!r} instead of {wanted!r}")
