"""A cascade of three steps for tests: cubes to images (the real task), an image to its sum, the sums to one list."""

import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from astropy.io import fits
from sqlalchemy import select

from archive import products
from archive.archive import Archive
from archive.errors import Refused
from archive.execution import Progress, Run, do
from archive.products import NewFile, Publication
from archive.tasks import installed
from processing.bands import WHITE
from processing.cascade import TASKS
from processing.order import Order, Work
from processing.task import Item, Task, own_file, per_gigabyte
from schema.jobs import Job, Phase
from schema.products import Product

NEWEST = 9
"""Of the versions that tests ask for."""


def image_sum(archive: Archive, parameters: Mapping[str, Any], job_id: str, _progress: Progress) -> None:
    """Write the sum of an image, times ``scale``; ``fails`` finds it wrong."""
    work = Work(archive, Order.from_parameters("image_sum", parameters), job_id, version=NEWEST)
    (image,) = work.inputs
    for output, given in work.outstanding().items():
        if given.get("fails"):
            raise Refused("the image has no sum")
        with fits.open(io.BytesIO(_content(archive, image))) as hdus:
            total = float(np.nansum(hdus["DATA"].data)) * given["scale"]
        _publish(archive, work, _product(output, "sum", image), f"{total:.6g}\n")


def sum_list(archive: Archive, parameters: Mapping[str, Any], job_id: str, _progress: Progress) -> None:
    """Write the sums one a line."""
    work = Work(archive, Order.from_parameters("sum_list", parameters), job_id, version=NEWEST)
    for output in work.outstanding():
        lines = "".join(_content(archive, one).decode() for one in work.inputs)
        _publish(archive, work, _product(output, "list", work.inputs[0]), lines)


def sums(inputs: Sequence[Item]) -> Iterator[Item]:
    """An image has one sum."""
    (image,) = inputs
    yield Item(_product(f"{image.product_id}_SUM", "sum", image.product), 20)


def lists(inputs: Sequence[Item]) -> Iterator[Item]:
    """A collection has one list."""
    first = inputs[0].product
    yield Item(_product(f"{first.collection}_LIST", "list", first), 20 * len(inputs))


IMAGE_SUM = Task(
    "image_sum",
    version=1,
    takes=frozenset({"image"}),
    together=lambda image: image.product_id if image.filter == WHITE else None,
    makes=sums,
    parameters={"scale": 1},
    seconds=per_gigabyte(least=2.0, rate=0.0),
    memory=per_gigabyte(least=500e6, rate=0.0),
)
SUM_LIST = Task(
    "sum_list",
    version=1,
    takes=frozenset({"sum"}),
    together=lambda one: one.collection,
    makes=lists,
    seconds=per_gigabyte(least=1.0, rate=0.0),
    memory=per_gigabyte(least=500e6, rate=0.0),
)
CHAIN = (*TASKS, IMAGE_SUM, SUM_LIST)


def table() -> Mapping[str, Run]:
    """What a worker can do: the tasks of this chain too."""
    return {**installed(), "image_sum": image_sum, "sum_list": sum_list}


def do_queued(archive: Archive) -> list[str]:
    """Do the jobs that are queued in this process until there are none; returns their tasks in order."""
    done: list[str] = []
    while True:
        with archive.database.reading() as session:
            query = select(Job).where(Job.phase == Phase.QUEUED).order_by(Job.created, Job.job_id).limit(1)
            job = session.scalar(query)
        if job is None:
            return done
        do(archive, table(), job.job_id)
        done.append(job.task)


def content(archive: Archive, product_id: str) -> bytes:
    """The file of a product."""
    return _content(archive, products.get(archive, product_id))


def _content(archive: Archive, product: Product) -> bytes:
    file = own_file(product)
    assert file is not None
    return archive.store.get(file.sha256).read_bytes()


def _product(product_id: str, kind: str, like: Product) -> Product:
    return Product(
        product_id=product_id,
        kind=kind,
        title=product_id,
        collection=like.collection,
        target=like.target,
        calib_level=3,
        simulated=0,
    )


def _publish(archive: Archive, work: Work, product: Product, text: str) -> None:
    name = f"{product.product_id}.txt"
    stored = archive.store.write(lambda target: target.write(text.encode()))
    activity, used = work.record(product.product_id, role="INPUT")
    file = NewFile(stored, artifact_id=name, file_name=name, media_type="text/plain")
    products.publish(archive, Publication(product, [file], activity, used, remakes=True))
