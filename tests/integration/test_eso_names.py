"""astroquery.eso, unmodified, against this archive: only the addresses that it asks are set."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import astropy.units as u
import pytest
from astropy.coordinates import BarycentricMeanEcliptic, SkyCoord
from astropy.io import fits
from astroquery.eso.core import EsoClass
from astroquery.exceptions import NoResultsWarning
from bs4 import BeautifulSoup

from archive.archive import Archive
from archive.products import HeaderText, NewFile, Publication, publish
from ingest.products import ingest_products
from schema.exposures import Exposure, KnownFrom
from schema.nights import BlockReport, ReportedExposure
from schema.observations import Programme
from schema.products import Product
from schema.provenance import Activity
from tests.support import archives
from tests.support.eso_client import pointed_at

FRAME = "MUSE.2018-06-05T01:06:59.418"
LISTED = "MUSE.2019-03-01T05:00:00.000"
BIAS = "MUSE.2018-06-05T10:00:00.000"
OTHER = "FORS2.2018-06-05T02:00:00.000"
OF_THE_CUBE = "MUSE.2014-12-08T02:48:56.798"
RUN = "1100.B-0651(A)"


@dataclass(frozen=True)
class Served:
    """An archive with one raw frame held, three that it has heard of, and a cube, which tells of a fourth."""

    archive: Archive
    url: str
    raw: bytes

    def get(self, path: str, **headers: str) -> tuple[int, str, bytes]:
        """Ask for a path; returns status, Content-Type and Content-Disposition, and what came."""
        try:
            with urlopen(Request(self.url + path, headers=headers), timeout=30) as answer:
                told = f"{answer.headers['Content-Type']} {answer.headers['Content-Disposition']}"
                return answer.status, told, answer.read()
        except HTTPError as error:
            with error:
                return error.code, error.headers["Content-Type"], error.read()


def frame(dp_id: str, **facts: object) -> Exposure:
    start = dt.datetime.fromisoformat(dp_id.partition(".")[2])
    known: dict[str, object] = {"instrument": "MUSE", "telescope": "ESO-VLT-U4", "dp_cat": "SCIENCE", "dp_tech": "IFU"}
    return Exposure(dp_id=dp_id, known_from=KnownFrom.HEADER, exp_start=start, **{**known, **facts})


def field(ra: float, dec: float) -> dict[str, object]:
    half = 1 / 120
    corners = [ra - half, dec - half, ra + half, dec - half, ra + half, dec + half, ra - half, dec + half]
    return {"ra": ra, "dec": dec, "footprint": corners}


def heard_of() -> list[Exposure]:
    held = frame(
        FRAME, dp_type="OBJECT", object="NGC4254", ins_mode="WFM-NOAO-N", run_id=RUN, programme_id="1100.B-0651",
        eso_ob_id=2001, exptime=645.0, moon_illumination=0.6, mjd_obs=58274.04652104, **field(184.7, 14.42),
    )  # fmt: skip
    listed = frame(
        LISTED, dp_type="OBJECT", object="NGC 300", ins_mode="WFM-AO-E", run_id="0101.A-0127(B)", access_estsize=280000,
        public_from=dt.datetime(2020, 3, 1), **field(13.72, -37.68),
    )  # fmt: skip
    bias = frame(BIAS, dp_cat="CALIB", dp_type="BIAS", dp_tech="IMAGE", object="BIAS", run_id="60.A-9100(G)")
    return [held, listed, bias, frame(OTHER, instrument="FORS2", dp_type="OBJECT", run_id="106.20Y7.001")]


def raw_file(path: Path) -> list[str]:
    """Write a small raw frame; returns the cards of its primary header."""
    primary = fits.PrimaryHDU()
    primary.header["OBJECT"] = ("NGC4254 <P01> & more", "what was observed")
    primary.header["HIERARCH ESO OBS NAME"] = "O'Neill's block"
    primary.header["HIERARCH ESO OBS ID"] = 2001
    primary.header["EXPTIME"] = 645.0
    fits.HDUList([primary, fits.ImageHDU(name="CHAN01")]).writeto(path)
    return [card.rstrip() for card in primary.header.tostring(sep="\n", endcard=True, padding=False).splitlines()]


def report() -> list[object]:
    text = "OB: 2001\nGrade: A\n"
    return [
        BlockReport(report_id="2001 2018-06-05", eso_ob_id=2001, grade="A", source_sha256="0" * 64, text=text),
        ReportedExposure(report_id="2001 2018-06-05", dp_id=FRAME),
    ]


def hold_frame(archive: Archive, path: Path) -> None:
    cards = raw_file(path)
    stored = archive.store.put(path)
    name, text = f"{FRAME}.fits", HeaderText(0, None, "\n".join(cards))
    product = Product(product_id=FRAME, kind="exposure", title="Raw", collection="MUSE", calib_level=0)
    activity = Activity(activity_id="ingest", name="ingest", parameters={})
    files = [NewFile(stored, name, name, "application/fits", headers=(text,))]
    programme = Programme(programme_id="1100.B-0651", name="PHANGS-MUSE")
    assert publish(archive, Publication(product, files, activity, programme=programme, exposures=heard_of()))
    with archive.database.transaction() as session:
        for row in report():
            session.add(row)
            session.flush()


@pytest.fixture(scope="module")
def served(server: str, survey_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    root = tmp_path_factory.mktemp("eso")
    with (
        archives.fresh_database(server, template=survey_template) as database,
        archives.served(database, root) as (archive, url),
    ):
        hold_frame(archive, root / "raw.fits")
        assert [o.reason for o in ingest_products(archive, [archives.REAL_CUBE], collection="PHANGS")] == [None]
        yield Served(archive, url, (root / "raw.fits").read_bytes())


@pytest.fixture
def eso(served: Served, tmp_path: Path) -> Iterator[EsoClass]:
    with pointed_at(served.url, tmp_path) as client:
        yield client


def test_instruments_and_collections_are_listed(eso: EsoClass) -> None:
    assert eso.list_instruments() == ["muse"]
    assert eso.list_surveys() == ["PHANGS"]


def test_there_are_no_catalogues_which_is_no_error(eso: EsoClass) -> None:
    with pytest.warns(NoResultsWarning):
        assert eso.list_catalogs() == []


def test_frames_of_muse_come_with_the_columns_first_that_matter(eso: EsoClass) -> None:
    found = eso.query_instrument("muse")
    assert found.colnames[:6] == ["object", "ra", "dec", "dp_id", "date_obs", "prog_id"]
    assert sorted(found["dp_id"]) == [OF_THE_CUBE, FRAME, BIAS, LISTED]


def test_a_cone_and_conditions_choose_frames(eso: EsoClass) -> None:
    found = eso.query_instrument(
        "muse",
        cone_ra=184.71, cone_dec=14.42, cone_radius=0.05,
        column_filters={
            "dp_cat": "SCIENCE",
            "exp_start": "between '2018-01-01' and '2019-01-01'",
            "prog_id": "like '1100.B-0651%'",
            "exptime": "> 600",
            "release_date": "< '2024-01-01T00:00:00'",
        },
        columns="dp_id, prog_id, period, lambda_min, lambda_max, access_url, prog_title, moon_illu, access_estsize",
    )  # fmt: skip
    (row,) = found
    assert (row["dp_id"], row["prog_id"], row["period"]) == (FRAME, RUN, 100)
    assert (row["lambda_min"], row["lambda_max"], row["moon_illu"]) == (480, 930, 0.6)
    assert row["access_url"] == f"{eso.DOWNLOAD_URL}{FRAME}"
    assert row["prog_title"] == "PHANGS-MUSE"


def test_frames_far_from_the_cone_are_not_found(eso: EsoClass) -> None:
    with pytest.warns(NoResultsWarning):
        found = eso.query_instrument("MUSE", cone_ra=184.7, cone_dec=15.42, cone_radius=0.5)
    assert len(found) == 0


def test_a_frame_that_is_only_heard_of_has_its_size_from_eso_and_no_address(eso: EsoClass) -> None:
    columns = ["dp_id", "access_url", "access_estsize", "release_date", "lambda_min", "period", "datalink_url"]
    (row,) = eso.query_main("MUSE", column_filters={"dp_id": LISTED}, columns=columns)
    assert (row["access_url"], row["access_estsize"]) == ("", 280000)
    assert (row["release_date"][:10], row["lambda_min"], row["period"]) == ("2020-03-01", 465, 101)
    assert row["datalink_url"].endswith(f"/datalink/links?ID=ivo://musevault/ID?{LISTED}")


@pytest.mark.parametrize(
    ("run", "period"),
    [
        ("099.B-0242(A)", 99),
        ("0100.B-0116(A)", 100),
        ("1100.B-0651(A)", 100),
        ("197.A-0384(B)", 97),
        ("60.A-9100(G)", 60),
        ("106.20Y7.001", 106),
        ("108.2289.001", 108),
        ("UNKNOWN", None),
    ],
)
def test_the_period_is_in_the_number_of_the_programme(archive: Archive, run: str, period: int | None) -> None:
    with archive.database.transaction() as session:
        session.add(frame(FRAME, run_id=run))
    with archive.database.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT period FROM dbo.raw").scalar() == period


def test_rows_are_counted_and_payloads_shown(eso: EsoClass) -> None:
    assert eso.query_instrument("muse", count_only=True) == 4
    assert eso.query_main(count_only=True) == 5
    assert eso.query_surveys("PHANGS", count_only=True) == 1
    assert eso.query_main("MUSE", column_filters={"dp_type": "BIAS"}, count_only=True) == 1
    assert "ist.muse" in eso.query_instrument("muse", get_query_payload=True)


@pytest.mark.parametrize("ask", ["query_instrument", "query_main"])
def test_help_shows_columns_and_their_number(eso: EsoClass, ask: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="astroquery")
    from astroquery import log

    log.propagate = True
    try:
        getattr(eso, ask)(*(["muse"] if ask == "query_instrument" else []), help=True)
    finally:
        log.propagate = False
    assert "lambda_min" in caplog.text
    assert "Number of records" in caplog.text


def test_products_of_a_collection_are_found(eso: EsoClass) -> None:
    found = eso.query_surveys("PHANGS", cone_ra=63.355, cone_dec=10.465, cone_radius=0.01)
    assert len(found) == 1
    assert found.colnames[:3] == ["target_name", "s_ra", "s_dec"]
    row = found[0]
    assert (row["multi_ob"], row["obstech"], row["obs_collection"]) == ("S", "IFU", "PHANGS")
    assert row["gal_lat"] == pytest.approx(SkyCoord(row["s_ra"], row["s_dec"], unit="deg").galactic.b.deg, abs=1e-4)


def test_the_limit_of_rows_is_the_clients(eso: EsoClass) -> None:
    assert len(eso.query_main(top=2)) == 2
    assert len(eso.query_main(column_filters={"dp_cat": "in ('CALIB', 'SCIENCE')"})) == 4


QUERIES = {
    "alias without AS, sum, ORDER BY a number": """SELECT dataproduct_type, COUNT(*) NumProducts,
        SUM(access_estsize)/1000000000. TB FROM ivoa.ObsCore GROUP BY dataproduct_type ORDER BY 3 DESC""",
    "bare names": "select ra, dec, filter_path, object, exposure, period from dbo.raw where dec > 12",
    "filter and type": "select filter, dataproduct_type as type from ivoa.ObsCore where em_min*1E9 < 500",
    "old polygon": """SELECT t_min, snr, abmaglim, dataproduct_type as type, dp_id FROM ivoa.ObsCore
        WHERE INTERSECTS(s_region, POLYGON('J2000', 63.3,10.4, 63.4,10.4, 63.4,10.5, 63.3,10.5))=1
        ORDER BY t_min ASC""",
    "circle in no frame": "SELECT * FROM ist.MUSE WHERE INTERSECTS(s_region, CIRCLE('', 13.7, -37.7, 0.1))=1",
    "shared areas": """SELECT J.dp_id FROM
        (SELECT * FROM ivoa.ObsCore WHERE gal_lat < 90) J, (SELECT * FROM ivoa.ObsCore) H
        WHERE INTERSECTS(J.s_region, H.s_region)=1
        AND ESO_INTERSECTION(J.s_region, H.s_region) > 0.8 * AREA(J.s_region)""",
    "moment with a blank": "select dp_id from dbo.raw where exp_start >= '2019-01-01 01:00:00.5'",
    "now": "select dp_id from dbo.raw where release_date <= getdate() and exp_start > '2019-01-01'",
    "parts and sums": """select eso_substring(prog_id, 1, 4) from dbo.raw
        where eso_dateadd_sec(60, exp_start) > '2019-03-01T05:00:59'""",
    "files of products": """select p.original_filename, p.extension from phase3v2.product_files p
        join ivoa.ObsCore o on o.dp_id = p.product_id where p.archive_id = o.dp_id and p.extension = 'FITS'""",
    "keyword": f"select mv_header(dp_id, 'ESO OBS NAME') v from dbo.raw where dp_id = '{FRAME}'",
}


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_queries_as_they_are_written_for_eso_find_the_one_row(eso: EsoClass, query: str) -> None:
    assert len(eso.query_tap(query)) == 1


def test_a_header_is_asked_for_any_keyword(eso: EsoClass) -> None:
    asked = "mv_header(dp_id, 'ESO OBS NAME') name, mv_header(dp_id, 'exptime') t"
    assert list(eso.query_tap(f"select {asked} from dbo.raw where dp_id='{FRAME}'")[0]) == ["O'Neill's block", "645.0"]


@pytest.mark.parametrize(
    ("shapes", "shared"),
    [
        ("POLYGON(10,0,11,0,11,1,10,1), POLYGON(10.5,0,12,0,12,1,10.5,1)", 0.5),
        ("POLYGON(10,0,10.01,0,10.01,0.01,10,0.01), POLYGON(9,-1,11,-1,11,1,9,1)", 1e-4),
        ("CIRCLE(10,0,0.01), CIRCLE(10,0,0.02)", 3.14159e-4),
        ("CIRCLE(10,0,1), POLYGON(20,0,21,0,21,1,20,1)", 0.0),
    ],
)
def test_the_area_that_two_shapes_share_is_right_to_a_percent(eso: EsoClass, shapes: str, shared: float) -> None:
    (row,) = eso.query_tap(f"select top 1 ESO_INTERSECTION({shapes}) a from dbo.raw")
    assert row["a"] == pytest.approx(shared, rel=0.01)


def test_coordinates_in_other_frames_are_those_of_astropy(served: Served) -> None:
    places = [(0.0, 0.0), (184.7, 14.42), (266.4051, -28.936175), (192.85948, 27.12825), (359.9, -89.9), (270.0, 66.56)]
    shown = "gal_lon, gal_lat, ecl_lon, ecl_lat"
    with served.archive.database.transaction() as session:
        session.add_all(frame(f"MUSE.2001-01-0{i}T00:00:00.000", ra=r, dec=d) for i, (r, d) in enumerate(places, 1))
        session.flush()
        query = f"SELECT {shown} FROM dbo.raw WHERE dp_id LIKE 'MUSE.2001%%' ORDER BY dp_id"
        rows = session.connection().exec_driver_sql(query).all()
        session.rollback()
    here = SkyCoord(places, unit="deg", frame="icrs")
    galactic = SkyCoord([(r[0], r[1]) for r in rows], unit="deg", frame="galactic")
    ecliptic = SkyCoord([(r[2], r[3]) for r in rows], unit="deg", frame=BarycentricMeanEcliptic())
    assert (here.galactic.separation(galactic) < 1e-4 * u.deg).all()
    assert (here.transform_to(BarycentricMeanEcliptic()).separation(ecliptic) < 1e-4 * u.deg).all()
    assert all(0 <= r[0] < 360 and 0 <= r[2] < 360 for r in rows)


def test_a_raw_frame_is_retrieved_as_it_is(eso: EsoClass, served: Served, tmp_path: Path) -> None:
    got = eso.retrieve_data(FRAME, destination=str(tmp_path))
    assert Path(got).name == f"{FRAME}.fits"
    assert Path(got).read_bytes() == served.raw


def test_products_are_retrieved_by_their_dp_id(eso: EsoClass, tmp_path: Path) -> None:
    (product,) = eso.query_surveys("PHANGS")["dp_id"]
    got = eso.retrieve_data([product, LISTED], destination=str(tmp_path))
    assert [Path(g).read_bytes() for g in got] == [archives.REAL_CUBE.read_bytes()]


@pytest.mark.parametrize("path", [f"/dataPortal/file/{FRAME}", f"/dataportal_new/file/{FRAME}", f"/files/{FRAME}.fits"])
def test_a_part_of_a_file_is_sent(served: Served, path: str) -> None:
    status, told, got = served.get(path, Range="bytes=2880-2979")
    assert status == 206
    assert f"{FRAME}.fits" in told
    assert got == served.raw[2880:2980]


def test_a_file_is_also_had_by_its_own_name(served: Served) -> None:
    assert served.get(f"/dataPortal/file/{FRAME}.fits")[2] == served.raw


def test_the_report_on_the_night_belongs_to_the_frame(served: Served) -> None:
    status, told, got = served.get(f"/dataPortal/file/{FRAME}.NL")
    assert (status, got) == (200, b"OB: 2001\nGrade: A\n")
    assert told.startswith("text/plain")
    assert served.get(f"/dataPortal/file/{BIAS}.NL")[0] == 404


def test_the_header_is_a_page_as_astroquery_reads_it(served: Served) -> None:
    """Its address is fixed in astroquery: what ``get_headers`` does with the page is done here."""
    status, told, page = served.get(f"/hdr?DpId={FRAME}")
    assert status == 200
    assert told.startswith("text/html")
    header = BeautifulSoup(page, "html5lib").select("pre")[0].text
    cards = header.rstrip("\n").split("\n")
    assert {len(card) for card in cards} == {80}
    assert cards[-1].rstrip() == "END"
    assert any(card.startswith("OBJECT  = 'NGC4254 <P01> & more'") for card in cards)
    assert served.get(f"/hdr?DpId={FRAME}", Accept="text/plain")[2].decode() == header


@pytest.mark.parametrize(
    "path",
    [
        "/hdr",
        "/hdr?DpId=",
        f"/hdr?DpId={LISTED}",
        "/hdr?DpId=a%00b",
        f"/dataPortal/file/{LISTED}",
        "/dataPortal/file/%00",
    ],
)
def test_what_the_archive_does_not_hold_is_not_found(served: Served, path: str) -> None:
    assert served.get(path)[0] == 404


def test_the_functions_are_declared(served: Served) -> None:
    capabilities = served.get("/tap/capabilities")[2].decode()
    assert "mv_header(dp_id VARCHAR, keyword VARCHAR) -&gt; VARCHAR" in capabilities


@pytest.mark.parametrize(
    ("condition", "index"),
    [
        (f"dp_id = '{FRAME}'", "pk_exposure"),
        ("exp_start BETWEEN '2018-06-05' AND '2018-06-06'", "exp_start"),
        ("INTERSECTS(s_region, CIRCLE('ICRS', 184.7, 14.42, 0.1)) = 1", "footprint"),
        ("CONTAINS(POINT(ra, dec), CIRCLE(184.7, 14.42, 0.1)) = 1", "position"),
        ("ob_id = 2001", "ix_exposure_ob"),
    ],
)
def test_conditions_on_the_view_use_the_indexes_of_the_table(served: Served, condition: str, index: str) -> None:
    from schema.published import catalogue
    from server.adql import translate

    sql = translate(f"SELECT * FROM ist.muse WHERE {condition}", catalogue()).sql
    with served.archive.database.engine.connect() as connection:
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        plan = "\n".join(connection.exec_driver_sql(f"EXPLAIN {sql}".replace("%", "%%")).scalars())
    assert index in plan
