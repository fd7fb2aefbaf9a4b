"""What a job of the cascade is told, and what it writes down of what it made: the two that the plan compares."""

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from archive import editions, products
from archive.archive import Archive
from archive.errors import Refused
from archive.products import activity_id
from musevault import __version__
from processing.names import role_of
from processing.task import FACTS, own_file
from schema.products import Product
from schema.provenance import Activity, Used

__all__ = ["Order", "Work"]


@dataclass(frozen=True)
class Order:
    """What is to be made, from which products, by which version of a task; ``outputs`` have their parameters."""

    task: str
    version: int
    inputs: tuple[str, ...]
    outputs: Mapping[str, Mapping[str, Any]]

    def to_parameters(self) -> dict[str, Any]:
        """Return it as the parameters of a job."""
        outputs = {name: dict(given) for name, given in self.outputs.items()}
        return {"version": self.version, "inputs": list(self.inputs), "outputs": outputs}

    @classmethod
    def from_parameters(cls, task: str, parameters: Mapping[str, Any]) -> Self:
        """Read it off the parameters of a job."""
        return cls(task, parameters["version"], tuple(parameters["inputs"]), parameters["outputs"])


class Work:
    """A job at work on an order: its inputs as they are now, and the record of what is made of them.

    Parameters
    ----------
    archive, order
        Where the inputs are, and what is asked for.
    job_id
        Of the job.
    version
        Of the task as this program knows it.

    Raises
    ------
    Refused
        An input is not there, or the version that is asked for is newer than this program.
    """

    def __init__(self, archive: Archive, order: Order, job_id: str, *, version: int) -> None:
        if order.version > version:
            raise Refused(f"this worker has version {version} of {order.task}, asked for is {order.version}: update it")
        self.order = order
        self.inputs: Sequence[Product] = [products.get(archive, name) for name in order.inputs]
        self._archive = archive
        self._job_id = job_id
        self._started = _now()

    def outstanding(self) -> dict[str, Mapping[str, Any]]:
        """Return the outputs that this job has not made yet, when it was begun before."""
        database = self._archive.database
        return {
            name: given
            for name, given in self.order.outputs.items()
            if editions.maker(database, name) != self._identity(name)
        }

    def record(
        self,
        output: str,
        *,
        role: str | None = None,
        software: str = "",
        files: Mapping[str, tuple[str, str]] | None = None,
        found: Mapping[str, Sequence[Product]] | None = None,
        inputs: Sequence[Product] | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> tuple[Activity, list[Used]]:
        """Return the activity that made an output, and what it used.

        Parameters
        ----------
        role
            What the inputs were used as; by default what their kinds say.
        software
            Programs beside this one, with their versions.
        files
            Name and MD5 of other files that were read, by their role.
        found
            Calibrations that the task found by itself, by their role: one that it says to find.
        inputs
            Those of the job's that this output was made of; by default all of them.
        facts
            What else it depends on: those that the task says.
        """
        identity = self._identity(output)
        activity = Activity(
            activity_id=identity,
            name=self.order.task,
            task_version=self.order.version,
            software=f"musevault/{__version__} {software}".strip(),
            started=self._started,
            ended=_now(),
            host=socket.gethostname(),
            job_id=self._job_id,
            parameters={**self.order.outputs[output], **({FACTS: dict(facts)} if facts else {})},
        )
        used = [
            _used(identity, product, role or role_of(product))
            for product in (self.inputs if inputs is None else inputs)
        ]
        used += [_used(identity, one, its_role) for its_role, held in (found or {}).items() for one in held]
        used += [Used(activity_id=identity, entity=n, role=r, md5=md5) for r, (n, md5) in (files or {}).items()]
        return activity, used

    def _identity(self, output: str) -> str:
        return activity_id(self.order.task, self._job_id, output)


def _used(identity: str, product: Product, role: str) -> Used:
    file = own_file(product)
    sha256 = None if file is None else file.sha256
    name = product.product_id
    return Used(activity_id=identity, entity=name, product_id=name, role=role, sha256=sha256)


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
