"""What the service declares of its own functions is what it has."""

import re

import pytest

from server.adql import AdqlError, translate
from server.adql.semantics.calls import KNOWN
from server.adql.semantics.declared import DECLARED
from tests.unit.server.adql.conftest import TABLES

OWN = ("IVO_", "GAVO_", "ESO_", "MV_", "GETDATE", "MOC")
ARGUMENTS = {
    "BIGINT": "1",
    "DOUBLE": "ra",
    "INTEGER": "2",
    "MOC": "MOC('0/1')",
    "POINT": "POINT(1, 2)",
    "REGION": "CIRCLE(1, 2, 3)",
    "TIMESTAMP": "observed",
    "VARCHAR": "galaxy",
}
WRITTEN_OUT = {
    "lower DOUBLE": "0",
    "upper DOUBLE": "1",
    "unit VARCHAR": "'nm'",
    "value_unit VARCHAR": "'keV'",
    "cells VARCHAR": "'4/3'",
}


def test_every_function_of_its_own_is_declared_and_no_other() -> None:
    names = {form.partition("(")[0].upper() for form in DECLARED}
    assert {name for name in KNOWN if name.startswith(OWN)} == names


@pytest.mark.parametrize("form", DECLARED)
def test_a_function_can_be_called_as_it_is_declared(form: str) -> None:
    name, _, rest = form.partition("(")
    parts = [part.strip() for part in rest.partition(")")[0].split(",") if part]
    arguments = [WRITTEN_OUT.get(part, ARGUMENTS[part.split()[1]]) for part in parts]

    if name == "gavo_specconv" and len(arguments) == 2:
        with pytest.raises(AdqlError, match="'deg' cannot be converted to 'nm'"):
            translate(f"SELECT {name}({', '.join(arguments)}) FROM survey.target", TABLES)
    else:
        assert translate(f"SELECT {name}({', '.join(arguments)}) FROM survey.target", TABLES).sql
    assert re.fullmatch(r"\w+\((\w+ [A-Z]+(, \w+ [A-Z]+)*)?\) -> [A-Z]+", form)
    assert DECLARED[form].endswith(".")
