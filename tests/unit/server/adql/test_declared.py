"""What the service declares of its own functions is what it has."""

import pytest

from server.adql.semantics.functions import AGGREGATES, DECLARED, FLAGS, FUNCTIONS
from server.adql.semantics.geometries import GEOMETRY_FUNCTIONS

NAMES = {form.partition("(")[0].upper() for form in DECLARED}
OWN = ("IVO_", "GAVO_", "ESO_", "MV_", "GETDATE")


def test_every_function_of_its_own_is_declared_and_no_other() -> None:
    known = {*FUNCTIONS, *FLAGS, *AGGREGATES, *GEOMETRY_FUNCTIONS}
    assert {name for name in known if name.startswith(OWN)} == NAMES


@pytest.mark.parametrize("form", DECLARED)
def test_a_declaration_has_as_many_arguments_as_the_function(form: str) -> None:
    name, _, rest = form.partition("(")
    function = {**FUNCTIONS, **FLAGS, **AGGREGATES}.get(name.upper())
    arguments = [a for a in rest.partition(")")[0].split(",") if a]
    assert len(arguments) == (len(function.args) if function else 2)
    assert DECLARED[form].endswith(".")
