"""The small database that the conformance tests ask."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.integration.adql import lab
from tests.integration.adql.sky import SKY
from tests.support import archives
from tests.unit.server.adql.conftest import TABLES


@pytest.fixture(scope="session")
def known(server: str, empty_template: str) -> Iterator[lab.Lab]:
    """The small database."""
    with archives.fresh_database(server, template=empty_template) as url:
        lab.made(url)
        with psycopg.connect(url) as connection, connection.cursor() as cursor:
            with cursor.copy("COPY lab.sky FROM STDIN") as copy:
                for row in zip(range(1, len(SKY) + 1), *SKY.T, strict=True):
                    copy.write_row(row)
            cursor.execute("CREATE INDEX ON lab.sky USING gist (spoint(radians(ra), radians(dec)))")
        with lab.opened(url) as opened:
            yield opened


@pytest.fixture(scope="session")
def empty(server: str, empty_template: str) -> Iterator[lab.Lab]:
    """The tables that the unit tests of ADQL query, without rows."""
    with archives.fresh_database(server, template=empty_template) as url:
        lab.made(url, "DROP VIEW ivoa.obscore CASCADE;" + "".join(map(lab.created, TABLES)))
        with psycopg.connect(url, autocommit=True) as connection:
            yield lab.Lab(connection, TABLES)
