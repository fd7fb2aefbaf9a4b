"""Maps as rows: loaded, replaced and withdrawn with their product, and asked for over HTTP."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvo
from astropy.io import fits
from astropy.table import Table
from click.testing import CliRunner
from sqlalchemy import exc, text

from archive import maps_rows, maps_staging, products
from archive.archive import Archive
from archive.cli import withdraw
from archive.errors import Refused
from ingest.outcome import Became
from ingest.products import ingest_products
from tests.support import archives, maps

NAME = "NGC4321_MAPS_native"


@pytest.fixture
def vault(server: str, survey_template: str, tmp_path: Path) -> Iterator[Archive]:
    with (
        archives.fresh_database(server, template=survey_template) as url,
        archives.opened(url, tmp_path / "vault") as archive,
    ):
        yield archive


def ask(archive: Archive, query: str, **given: Any) -> Any:
    with archive.database.reading() as session:
        return session.execute(text(query), given).all()


def counts(archive: Archive) -> tuple[int, int]:
    ((spaxels, bins),) = ask(archive, "SELECT (SELECT count(*) FROM maps.spaxel), (SELECT count(*) FROM maps.bin)")
    return spaxels, bins


def tables(archive: Archive) -> int:
    """Count the tables that hold rows, whether anybody sees them or not."""
    query = "SELECT count(*) FROM pg_class WHERE relnamespace = 'maps_rows'::regnamespace AND relkind = 'r'"
    ((count,),) = ask(archive, query)
    return int(count)


def replace_and_fail(archive: Archive, path: Path) -> None:
    """Bring other rows into the product's place, and never come to the end of it."""
    with archive.database.transaction() as session:
        maps_rows.attach(session, maps_staging.stage(archive.database, session, products.get(archive, NAME), path))
        assert session.scalar(text("SELECT count(*) FROM maps.spaxel")) == 91
        raise RuntimeError("killed in between")


def test_a_file_of_the_release_becomes_rows_with_its_product(vault: Archive, tmp_path: Path) -> None:
    made = maps.images()
    maps.publish(vault, maps.write(tmp_path / "maps.fits", made))
    assert counts(vault) == (30 * 40 - 9, 48)
    (row,) = ask(vault, "SELECT * FROM maps.spaxel WHERE x = 8 AND y = 21")
    assert (row.product_id, row.target, row.resolution) == (NAME, "NGC4321", "native")
    assert row.bin_id == made["BIN_ID"][20, 7]
    assert row.ha6562_flux == made["HA6562_FLUX"][20, 7]
    assert row.sii6730_sigma_err == made["SII6730_SIGMA_ERR"][20, 7]
    assert (row.snr, row.ha6562_flags, row.bin_ra) == (None, None, None)  # what the release did not tell
    assert row.ra == pytest.approx(maps.RA + (19.5 - 7) * 0.2 / 3600 / np.cos(np.radians(maps.DEC)), abs=1e-6)
    assert row.dec == pytest.approx(maps.DEC + (20 - 14.5) * 0.2 / 3600, abs=1e-6)


def test_what_is_no_number_is_null(vault: Archive, tmp_path: Path) -> None:
    maps.publish(vault, maps.write(tmp_path / "maps.fits", maps.images(more=True)))
    assert ask(vault, "SELECT v_stars, snr > 0 FROM maps.spaxel WHERE x = 11 AND y = 11") == [(None, True)]
    assert ask(vault, "SELECT count(*) FROM maps.spaxel WHERE x <= 3 AND y <= 3") == [(0,)]
    assert ask(vault, "SELECT count(*) FROM maps.spaxel WHERE v_stars = 'NaN' OR ha6562_flux = 'NaN'") == [(0,)]


def test_bins_have_their_spaxels_and_their_place(vault: Archive, tmp_path: Path) -> None:
    made = maps.images(more=True)
    maps.publish(vault, maps.write(tmp_path / "maps.fits", made))
    (row,) = ask(vault, "SELECT * FROM maps.bin WHERE bin_id = 20")
    assert (row.n_spaxels, row.v_stars, row.ebv_stars) == (25, 2.0, pytest.approx(0.02))
    assert row.dec == pytest.approx(maps.DEC + (12 - 14.5) * 0.2 / 3600, abs=1e-6)
    assert ask(vault, "SELECT n_spaxels FROM maps.bin WHERE bin_id = 0") == [(25 - 9,)]


def test_rows_lie_in_partitions_of_galaxy_resolution_and_product(vault: Archive, tmp_path: Path) -> None:
    path = maps.write(tmp_path / "maps.fits", maps.images())
    for number, (target, resolution) in enumerate((("NGC4321", "native"), ("NGC4321", "copt"), ("NGC1365", "copt"))):
        written = maps.write(tmp_path / f"{number}.fits", maps.images(seed=number + 2))
        maps.publish(vault, written, f"{target}_MAPS_{resolution}", target=target, resolution=resolution)
    maps.publish(vault, path, "Abell_MAPS", target=None, target_name="Abell 478", resolution=None)
    assert counts(vault)[0] == 4 * 1191
    plan = ask(vault, "EXPLAIN SELECT * FROM maps.spaxel WHERE target = 'NGC4321' AND resolution = 'copt'")
    assert sum("Scan" in line for (line,) in plan) == 1
    assert ask(vault, "SELECT DISTINCT target, resolution FROM maps.spaxel ORDER BY 1, 2") == [
        ("Abell 478", "unknown"),
        ("NGC1365", "copt"),
        ("NGC4321", "copt"),
        ("NGC4321", "native"),
    ]


def test_a_large_field_comes_in_strips_and_goes_whole(
    vault: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maps_staging, "SPAXELS_A_STRIP", 250)
    made = maps.images()
    maps.publish(vault, maps.write(tmp_path / "one.fits", made))
    assert tables(vault) == 5 + 1
    assert counts(vault) == (1191, 48)
    rows = ask(vault, "SELECT x, y, ha6562_flux FROM maps.spaxel WHERE y IN (6, 7, 30)")
    assert {(x, y): flux for x, y, flux in rows} == {
        (x, y): made["HA6562_FLUX"][y - 1, x - 1] for x in range(1, 41) for y in (6, 7, 30)
    }
    maps.publish(vault, maps.write(tmp_path / "two.fits", maps.images(seed=2)), replaces=True)
    assert (tables(vault), counts(vault)) == (5 + 1, (1191, 48))
    products.withdraw(vault, NAME)
    assert (tables(vault), counts(vault)) == (0, (0, 0))


def test_a_new_edition_takes_the_place_of_the_rows_whole(vault: Archive, tmp_path: Path) -> None:
    maps.publish(vault, maps.write(tmp_path / "one.fits", maps.images()))
    again = maps.images((10, 10), seed=2)
    maps.publish(vault, maps.write(tmp_path / "two.fits", again), replaces=True)
    assert counts(vault) == (91, 4)
    assert ask(vault, "SELECT ha6562_flux FROM maps.spaxel WHERE x = 9 AND y = 5") == [(again["HA6562_FLUX"][4, 8],)]
    assert tables(vault) == 2


def test_what_goes_wrong_in_between_leaves_the_earlier_rows(vault: Archive, tmp_path: Path) -> None:
    maps.publish(vault, maps.write(tmp_path / "one.fits", maps.images()))
    broken = maps.images((10, 10), seed=3)
    del broken["HA6562_FLUX"]
    with pytest.raises(Refused, match="no file of maps: HA6562_FLUX is not in it"):
        maps.publish(vault, maps.write(tmp_path / "two.fits", broken), replaces=True)
    path = maps.write(tmp_path / "three.fits", maps.images((10, 10), seed=4))
    with pytest.raises(RuntimeError, match="in between"):
        replace_and_fail(vault, path)
    assert counts(vault) == (1191, 48)
    assert tables(vault) == 4
    maps_staging.sweep(vault.database)
    assert tables(vault) == 2


def test_what_another_is_staging_is_not_swept_away(vault: Archive, tmp_path: Path) -> None:
    maps.publish(vault, maps.write(tmp_path / "one.fits", maps.images()))
    path = maps.write(tmp_path / "two.fits", maps.images((10, 10), seed=4))
    with vault.database.transaction() as session:
        staged = maps_staging.stage(vault.database, session, products.get(vault, NAME), path)
        maps.publish(vault, maps.write(tmp_path / "other.fits", maps.images(seed=5)), "NGC4321_MAPS_copt")
        assert tables(vault) == 6
        maps_rows.attach(session, staged)
    maps_staging.sweep(vault.database)
    assert tables(vault) == 4
    assert counts(vault) == (91 + 1191, 4 + 48)


def test_a_long_query_keeps_only_the_new_edition_waiting(
    vault: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    maps.publish(vault, maps.write(tmp_path / "one.fits", maps.images()))
    path = maps.write(tmp_path / "two.fits", maps.images((10, 10), seed=2))
    monkeypatch.setattr(maps_rows, "PAUSE_SECONDS", 0.1)
    with ThreadPoolExecutor(1) as pool:
        with vault.database.reading() as reader:
            assert reader.scalar(text("SELECT count(*) FROM maps.spaxel")) == 1191
            coming = pool.submit(maps.publish, vault, path, replaces=True)
            with pytest.raises(TimeoutError):
                coming.result(timeout=1.5)
            assert counts(vault) == (1191, 48)
            other = maps.write(tmp_path / "other.fits", maps.images(seed=3))
            maps.publish(vault, other, "NGC1365_MAPS_native", target="NGC1365")
            assert counts(vault) == (2 * 1191, 2 * 48)
        coming.result(timeout=30)
    assert counts(vault) == (91 + 1191, 4 + 48)


def test_two_new_editions_and_a_withdrawal_at_once_do_not_stand_in_each_others_way(
    vault: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["NGC4321_MAPS_native", "NGC1365_MAPS_native", "NGC0628_MAPS_native"]
    for seed, name in enumerate(names):
        written = maps.write(tmp_path / f"{name}.fits", maps.images(seed=seed))
        maps.publish(vault, written, name, target=name.partition("_")[0])
    again = [maps.write(tmp_path / f"{name}_again.fits", maps.images((10, 10), seed=7)) for name in names[:2]]
    monkeypatch.setattr(maps_rows, "PAUSE_SECONDS", 0.1)
    with ThreadPoolExecutor(3) as pool:
        with vault.database.reading() as reader:  # so that all three have begun when the way is free
            assert reader.scalar(text("SELECT count(*) FROM maps.spaxel")) == 3 * 1191
            coming = [
                pool.submit(maps.publish, vault, path, name, target=name.partition("_")[0], replaces=True)
                for path, name in zip(again, names, strict=False)
            ]
            coming.append(pool.submit(products.withdraw, vault, names[2]))
            with pytest.raises(TimeoutError):
                coming[0].result(timeout=1.5)
        for one in coming:
            one.result(timeout=30)
    assert counts(vault) == (2 * 91, 2 * 4)


def test_reading_one_galaxy_does_not_keep_another_waiting(vault: Archive, tmp_path: Path) -> None:
    maps.publish(vault, maps.write(tmp_path / "one.fits", maps.images()))
    maps.publish(vault, maps.write(tmp_path / "two.fits", maps.images(seed=2)), "NGC1365_MAPS", target="NGC1365")
    with vault.database.reading() as reader:
        assert reader.scalar(text("SELECT count(*) FROM maps.spaxel WHERE target = 'NGC1365'")) == 1191
        maps.publish(vault, maps.write(tmp_path / "new.fits", maps.images((10, 10), seed=3)), replaces=True)
        assert counts(vault) == (91 + 1191, 4 + 48)


def test_rows_that_are_read_all_the_time_are_not_withdrawn_and_it_is_said(
    vault: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    maps.publish(vault, maps.write(tmp_path / "one.fits", maps.images()))
    monkeypatch.setattr(maps_rows, "PATIENCE_SECONDS", 0.1)
    with vault.database.reading() as reader:
        assert reader.scalar(text("SELECT count(*) FROM maps.spaxel")) == 1191
        with pytest.raises(Refused, match="somebody reads its rows all the time"):
            products.withdraw(vault, NAME)
    assert counts(vault) == (1191, 48)


def test_the_server_going_away_while_it_waits_is_an_outage(
    vault: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    maps.publish(vault, maps.write(tmp_path / "one.fits", maps.images()))
    path = maps.write(tmp_path / "two.fits", maps.images((10, 10), seed=2))
    monkeypatch.setattr(maps_rows, "PAUSE_SECONDS", 0.1)
    with ThreadPoolExecutor(1) as pool, vault.database.reading() as reader:
        own = reader.scalar(text("SELECT pg_backend_pid() FROM (SELECT count(*) FROM maps.spaxel) AS read"))
        coming = pool.submit(maps.publish, vault, path, replaces=True)
        with pytest.raises(TimeoutError):
            coming.result(timeout=1.5)
        others = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid NOT IN (:own, pg_backend_pid())"
        )
        with vault.database.reading() as another:
            another.execute(text(others), {"own": own})
        with pytest.raises(exc.OperationalError):
            coming.result(timeout=30)
    assert counts(vault) == (1191, 48)


def test_a_product_that_is_withdrawn_takes_its_rows_along(vault: Archive, tmp_path: Path) -> None:
    maps.publish(vault, maps.write(tmp_path / "one.fits", maps.images()))
    maps.publish(vault, maps.write(tmp_path / "two.fits", maps.images(seed=5)), "NGC4321_MAPS_copt", resolution="copt")
    products.withdraw(vault, NAME)
    assert products.find(vault, NAME) is None
    assert ask(vault, "SELECT DISTINCT product_id FROM maps.spaxel") == [("NGC4321_MAPS_copt",)]
    with pytest.raises(Refused, match="there is no product"):
        products.withdraw(vault, NAME)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda made: made.pop("BIN_ID"), "BIN_ID"),
        (lambda made: made.update(V_STARS=np.zeros((3, 3))), "V_STARS has"),
    ],
)
def test_a_foreign_file_is_refused_with_the_reason(tmp_path: Path, vault: Archive, spoil: Any, reason: str) -> None:
    made = maps.images((8, 8))
    shape = made["BIN_ID"]
    spoil(made)
    made.setdefault("BIN_ID", shape) if reason != "BIN_ID" else None
    path = tmp_path / "odd.fits"
    fits.HDUList([fits.PrimaryHDU(), *(fits.ImageHDU(image, name=name) for name, image in made.items())]).writeto(path)
    with pytest.raises(Refused, match=reason):
        maps.publish(vault, path)


@pytest.mark.parametrize(
    ("spoil", "cards", "reason"),
    [
        ({"BIN_ID": 0.5}, {}, "BIN_ID has 0.5, which is no whole number"),
        ({"BIN_ID": 3e9}, {}, r"BIN_ID has 3e\+09, which is no whole number"),
        ({}, {"CTYPE1": "DEC--TAN", "CTYPE2": "RA---TAN", "CRVAL1": maps.DEC, "CRVAL2": maps.RA}, "in this order"),
        ({}, {"CTYPE1": "GLON-TAN", "CTYPE2": "GLAT-TAN"}, "not in RA and DEC"),
    ],
)
def test_odd_bins_and_odd_axes_are_refused(
    vault: Archive, tmp_path: Path, spoil: dict[str, float], cards: dict[str, Any], reason: str
) -> None:
    made = maps.images((8, 8))
    for name, value in spoil.items():
        made[name][4, 4] = value
    path = maps.write(tmp_path / "odd.fits", made)
    with fits.open(path, mode="update") as hdus:
        for hdu in hdus[1:]:
            hdu.header.update(cards)
    with pytest.raises(Refused, match=reason):
        maps.publish(vault, path)
    assert tables(vault) == 0


def test_a_bin_has_the_values_that_any_of_its_spaxels_has(vault: Archive, tmp_path: Path) -> None:
    made = maps.images(more=True)
    first = tuple(axis[0] for axis in np.nonzero(made["BIN_ID"] == 20))
    made["V_STARS"][first] = np.nan
    maps.publish(vault, maps.write(tmp_path / "maps.fits", made))
    assert ask(vault, "SELECT v_stars FROM maps.bin WHERE bin_id = 20") == [(2.0,)]


def test_one_query_finds_shocked_gas_near_regions_that_are_uploaded(
    server: str, survey_template: str, tmp_path: Path
) -> None:
    made = maps.images((40, 40), seed=7)
    made["HA6562_FLUX"][20, 21] = 0.0  # fits that take no negative flux have such
    with (
        archives.fresh_database(server, template=survey_template) as url,
        archives.served(url, tmp_path / "vault") as (archive, base),
    ):
        maps.publish(archive, maps.write(tmp_path / "maps.fits", made))
        service = pyvo.dal.TAPService(f"{base}/tap")
        near = 500 / 74.0 / 3600  # 500 pc at 15.2 Mpc, degrees
        regions = Table({"number": [1, 2], "ra": [maps.RA, maps.RA + 0.1], "dec": [maps.DEC, maps.DEC]})
        found = service.run_sync(
            "SELECT s.x, s.y, s.nii6583_flux / s.ha6562_flux AS ratio, r.number "
            "FROM maps.spaxel AS s JOIN TAP_UPLOAD.regions AS r "
            f"ON 1 = CONTAINS(POINT(s.ra, s.dec), CIRCLE(r.ra, r.dec, {near})) "
            "WHERE s.nii6583_flux > 0.6 * s.ha6562_flux AND s.ha6562_flux > 0 AND s.ha6562_sigma > 60 "
            "AND s.target = 'NGC4321'",
            uploads={"regions": regions},
        ).to_table()
        columns = service.search(
            "SELECT column_name, unit, ucd FROM tap_schema.columns WHERE table_name = 'maps.spaxel'"
        )
        joined = service.search(
            "SELECT COUNT(*) AS n, MIN(o.dataproduct_type) AS kind FROM maps.bin AS b "
            "JOIN ivoa.obscore AS o ON o.dp_id = b.product_id"
        )
    y, x = np.indices((40, 40))
    away = np.hypot(x - 19.5, y - 19.5) * 0.2 / 3600
    flux = made["HA6562_FLUX"]
    wanted = (made["NII6583_FLUX"] > 0.6 * flux) & (flux > 0) & (made["HA6562_SIGMA"] > 60) & (away < near)
    assert len(found) == wanted.sum() > 100
    assert set(found["number"]) == {1}
    units = {row["column_name"]: row["unit"] for row in columns}
    assert (units["ha6562_vel"], units["ra"]) == ("km/s", "deg")
    assert units["ha6562_flux"] == "10**-23W.m**-2"
    assert joined["n"][0] == 64


def test_a_file_of_the_release_is_taken_in_by_its_name(vault: Archive, tmp_path: Path) -> None:
    path = maps.write(tmp_path / "NGC4321_MAPS_copt_1.16asec.fits", maps.images(), OBJECT="NGC4321")
    (outcome,) = ingest_products(vault, [path], collection="PHANGS")
    assert outcome.became is Became.NEW
    (product,) = products.latest(vault, kind="maps")
    assert (product.target, product.resolution, product.spatial_resolution) == ("NGC4321", "copt", 1.16)
    assert product.release_id == "phangs-muse"
    assert product.footprint is not None
    assert counts(vault) == (1191, 48)
    (again,) = ingest_products(vault, [path], collection="PHANGS")
    assert again.became is not Became.NEW
    assert counts(vault) == (1191, 48)


def test_a_command_withdraws(vault: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    maps.publish(vault, maps.write(tmp_path / "one.fits", maps.images()))
    monkeypatch.setenv("MUSEVAULT_ROOT", str(vault.settings.root))
    monkeypatch.setenv("MUSEVAULT_DATABASE_URL", str(vault.settings.database_url))
    done = CliRunner().invoke(withdraw, [NAME])
    assert (done.exit_code, done.output.splitlines()[-1]) == (0, f"withdrawn  {NAME}")
    assert counts(vault) == (0, 0)
