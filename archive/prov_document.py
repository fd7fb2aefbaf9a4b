"""A product's history as a document of the W3C's PROV: JSON for programs, PROV-N for humans.  Pure: steps in, text out.

Names are those of the archive's IVOA authority: products and frames have the identifier that ObsCore shows of them.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

from prov.identifier import Namespace, QualifiedName
from prov.model import PROV, ProvDocument

from archive.provenance import Input, Step
from schema.products import Product
from schema.provenance import Activity

__all__ = ["Names", "document", "to_json", "to_provn"]

WRITABLE: Final = "/@~&+*?#$!=',():;[]-._"
"""What a local name of PROV-N may have beside letters and digits; the rest is percent-encoded as in any address."""


Told = dict[QualifiedName | str, Any]
"""Attributes by name."""


@dataclass(frozen=True)
class Names:
    """Under which names a service's documents speak of things; ``base_url`` leads to its pages."""

    authority: str
    base_url: str

    def thing(self, name: str, *, is_held: bool) -> QualifiedName:
        """Name a product or a raw frame, or something that is only known by the name of a file."""
        return self._named("product", "ID?", name) if is_held else self._named("file", "file?", name)

    def activity(self, activity_id: str) -> QualifiedName:
        """Name a run of a task."""
        return self._named("activity", "activity?", activity_id)

    def software(self, program: str) -> QualifiedName:
        """Name a program in one version."""
        return self._named("software", "software?", program)

    def parameter(self, name: str) -> QualifiedName:
        """Name a parameter of a task."""
        return self._named("parameter", "parameter?", name)

    def term(self, word: str) -> QualifiedName:
        """Name what only this archive has a word for."""
        return self._named("mv", "provenance#", word)

    @property
    def archive(self) -> QualifiedName:
        """The archive itself."""
        return self._named("ivo", "", self.authority, under="ivo://")

    def _named(self, prefix: str, path: str, local: str, *, under: str | None = None) -> QualifiedName:
        return Namespace(prefix, under or f"ivo://{self.authority}/{path}")[quote(local, safe=WRITABLE)]


def to_json(made: ProvDocument) -> str:
    """Write PROV-JSON."""
    return str(made.serialize(format="json", indent=1)) + "\n"


def to_provn(made: ProvDocument) -> str:
    """Write PROV-N."""
    return str(made.get_provn()) + "\n"


def document(product: Product, steps: Sequence[Step], names: Names) -> ProvDocument:
    """Return what is recorded of a product: what was used, what was done, with which software, and what came of it.

    Derivations are told within an activity only: through steps whose results were not kept they would be guesses.
    """
    made = ProvDocument()
    made.agent(names.archive, {"prov:type": PROV["Organization"], "prov:label": names.authority})
    subject = made.entity(names.thing(product.product_id, is_held=True), _of_product(product, names))
    made.wasAttributedTo(subject, names.archive, other_attributes={"prov:role": "publisher"})
    things = {_thing(step, one, names): one for step in steps for one in step.used if one.name != product.product_id}
    for name, one in things.items():
        made.entity(name, _of_input(one, names))
        if one.product_id is not None:
            made.wasAttributedTo(name, names.archive, other_attributes={"prov:role": "publisher"})
    for program in dict.fromkeys(program for step in steps for program in _programs(step.activity)):
        made.agent(names.software(program), _of_program(program, names))
    for step in steps:
        _add_activity(made, step, names)
    for step in steps:
        _add_relations(made, step, names)
    return made


def _add_activity(made: ProvDocument, step: Step, names: Names) -> None:
    it = step.activity
    told: Told = {"prov:label": it.name, names.term("host"): it.host, names.term("job"): it.job_id}
    for name, value in it.parameters.items():
        told[names.parameter(name)] = _literal(value)
    activity = names.activity(it.activity_id)
    made.activity(activity, _utc(it.started), _utc(it.ended), _known(told))
    for program in _programs(it):
        made.wasAssociatedWith(activity, names.software(program))


def _add_relations(made: ProvDocument, step: Step, names: Names) -> None:
    activity = names.activity(step.activity.activity_id)
    results = [names.thing(name, is_held=True) for name in step.generated]
    for result in results:
        made.wasGeneratedBy(result, activity, _utc(step.activity.ended))
    for one in step.used:
        made.used(activity, _thing(step, one, names), other_attributes=_known({"prov:role": one.role}))
    for name in dict.fromkeys(_thing(step, one, names) for one in step.used):
        for result in results:
            made.wasDerivedFrom(result, name, activity)
    for informant in step.builds_on:
        made.wasInformedBy(activity, names.activity(informant))


def _of_product(product: Product, names: Names) -> Told:
    return _known(
        {
            "prov:label": product.title,
            "prov:type": names.term(product.kind),
            "prov:location": f"{names.base_url}/products/{quote(product.product_id)}",
            names.term("collection"): product.collection,
            names.term("target"): product.target_name,
        }
    )


def _of_input(one: Input, names: Names) -> Told:
    kind = one.kind or ("exposure" if one.is_exposure else None)
    return _known(
        {
            "prov:label": one.title or one.name,
            "prov:type": None if kind is None else names.term(kind),
            "prov:location": None if one.kind is None else f"{names.base_url}/products/{quote(one.name)}",
            names.term("md5"): one.md5,
        }
    )


def _of_program(program: str, names: Names) -> Told:
    name, _, version = program.partition("/")
    return _known({"prov:type": PROV["SoftwareAgent"], "prov:label": name, names.term("version"): version or None})


def _thing(step: Step, one: Input, names: Names) -> QualifiedName:
    return names.thing(one.identity(step.activity.activity_id), is_held=one.kind is not None or one.is_exposure)


def _programs(activity: Activity) -> list[str]:
    """Programs are told as ``name/version``, several with blanks between."""
    return (activity.software or "").split()


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)


def _literal(value: object) -> object:
    return value if isinstance(value, str | int | float) else json.dumps(value)


def _known(told: Mapping[QualifiedName | str, Any]) -> Told:
    return {name: value for name, value in told.items() if value is not None and value != ""}
