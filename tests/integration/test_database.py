"""The database is what the code declares, and queries see of it what is published."""

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from archive.archive import Archive
from archive.database import READER, Database, prepare
from archive.errors import ArchiveError
from schema import obscore
from schema.comparison import comparison_options
from schema.published import catalogue


def reader(archive: Archive) -> psycopg.Connection[tuple[object, ...]]:
    options = archive.database.reader_options(timeout=5, base_url="http://x y\\z", authority="musevault")
    return psycopg.connect(archive.database.url, options=options)


def test_migrations_give_what_is_declared(archive: Archive) -> None:
    with archive.database.engine.connect() as connection:
        options = comparison_options()
        metadata = options.pop("target_metadata")
        context = MigrationContext.configure(connection, opts={**options, "version_table_schema": "archive"})
        assert compare_metadata(context, metadata) == []


def test_preparing_again_changes_nothing(archive: Archive) -> None:
    snapshot = text("SELECT sum(hashtext(t::text)::bigint) FROM tap_schema.columns AS t")
    with archive.database.reading() as session:
        before = session.scalar(snapshot)
    prepare(archive.database)
    with archive.database.reading() as session:
        assert session.scalar(snapshot) == before


def test_the_catalogue_names_what_the_database_has(archive: Archive) -> None:
    with reader(archive) as connection:
        for table in catalogue():
            names = ", ".join(f'"{c.name}"' for c in table.columns)
            cursor = connection.execute(f'SELECT {names} FROM "{table.schema}"."{table.name}" LIMIT 0')
            assert cursor.description is not None
            assert [d.name for d in cursor.description] == [c.name for c in table.columns]


def test_comments_in_the_database_are_the_descriptions(archive: Archive) -> None:
    query = "SELECT col_description('survey.pointing'::regclass, attnum) FROM pg_attribute WHERE attname = 'psf_fwhm'"
    with archive.database.reading() as session:
        comments = set(session.scalars(text(query)))
    assert "FWHM of the PSF on the combined data of the pointing." in comments


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO survey.programme (programme_id) VALUES ('x')",
        "DELETE FROM survey.target",
        "CREATE TABLE public.mine (a int)",
        "SELECT * FROM jobs.job",
        "SELECT * FROM archive.intake",
        "SELECT * FROM queue.procrastinate_jobs",
        "COPY survey.target TO '/tmp/stolen'",
    ],
)
def test_the_role_of_the_queries_reads_what_is_published_and_nothing_else(archive: Archive, statement: str) -> None:
    with (
        reader(archive) as connection,
        pytest.raises(psycopg.Error, match="permission denied|read-only|must be superuser"),
    ):
        connection.execute(statement)


def test_queries_have_a_time_limit(archive: Archive) -> None:
    options = archive.database.reader_options(timeout=0.2, base_url="", authority="")
    with (
        psycopg.connect(archive.database.url, options=options) as connection,
        pytest.raises(psycopg.errors.QueryCanceled),
    ):
        connection.execute("SELECT pg_sleep(5)")


def test_the_services_own_address_is_part_of_the_view(archive: Archive) -> None:
    with reader(archive) as connection:
        row = connection.execute("SELECT current_setting('musevault.base_url'), current_user").fetchone()
    assert row == ("http://x y\\z", READER)
    assert "musevault.base_url" in obscore.VIEW.create()


def test_a_polygon_is_searched_on_the_sphere(archive: Archive) -> None:
    query = "SELECT spoint(radians({0}), radians({1})) <@ sphere.polygon(ARRAY[359.9,-1,0.1,-1,0.1,1,359.9,1.0])"
    with archive.database.reading() as session:
        assert session.scalar(text(query.format(0.0, 0.5))) is True
        assert session.scalar(text(query.format(180.0, 0.5))) is False


def test_a_server_that_cannot_be_reached_is_named() -> None:
    with pytest.raises(ArchiveError, match="the database cannot be prepared"):
        prepare(Database("postgresql://nobody@127.0.0.1:1/none?connect_timeout=2"))


@pytest.mark.parametrize(
    ("vertices", "refused"),
    [
        ("0,0,10,10,10,0,0,10", "overlap"),
        ("0,0,1,0,NULL,1", "spherepol|syntax|invalid"),
        ("0,0,1,0,'NaN',1", "spherepol|syntax|invalid"),
        ("0,0,1,0", "spherepol|polygon|invalid"),
    ],
)
def test_what_is_no_polygon_is_refused_and_the_server_lives(archive: Archive, vertices: str, refused: str) -> None:
    with archive.database.reading() as session, pytest.raises(DBAPIError, match=refused):
        session.scalar(text(f"SELECT sphere.polygon(ARRAY[{vertices}]::float8[])::text"))
    with archive.database.reading() as session:
        assert session.scalar(text("SELECT 1")) == 1


def test_tiny_and_negative_coordinates_make_polygons(archive: Archive) -> None:
    query = "SELECT spoint(0, 0) <@ sphere.polygon(ARRAY[-1e-5,-1e-5,1e-5,-1e-5,1e-5,1e-5,-1e-5,1e-5])"
    with archive.database.reading() as session:
        assert session.scalar(text(query)) is True


def test_the_centroid_of_a_square_is_its_middle_even_at_the_seam_and_the_pole(archive: Archive) -> None:
    query = "SELECT sphere.centroid(ARRAY[{}])"
    with archive.database.reading() as session:
        assert session.scalar(text(query.format("359,-1,1,-1,1,1,359,1")))[1] == pytest.approx(0, abs=1e-12)
        assert session.scalar(text(query.format("359,-1,1,-1,1,1,359,1")))[0] % 360 == pytest.approx(0, abs=1e-9)
        assert session.scalar(text(query.format("0,89,90,89,180,89,270,89")))[1] == pytest.approx(90)
