"""Clients of the archive: one asks TAP over HTTP, one asks PostgreSQL by COPY, and several of either ask at once."""

import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Final
from urllib.parse import urlencode

import psycopg

from archive.archive import Archive
from schema.published import catalogue
from server.adql import translate

__all__ = ["CLIENTS", "Answer", "copied", "drained", "fetched", "per_second"]

CLIENTS: Final = 8
REQUESTS: Final = 400
READ_BYTES: Final = 256 * 1024


@dataclass(frozen=True)
class Answer:
    """What a client saw: seconds to the first byte and to the last, and the number of lines."""

    first: float
    last: float
    lines: int


def fetched(port: int, query: str, name: str) -> Answer:
    """Ask the service over a new connection and read to the end."""
    connection = HTTPConnection("127.0.0.1", port)
    begin = time.perf_counter()
    form = urlencode({"LANG": "ADQL", "QUERY": query, "RESPONSEFORMAT": name})
    connection.request("POST", "/tap/sync", form, {"Content-Type": "application/x-www-form-urlencoded"})
    response = connection.getresponse()
    block = response.read(1)
    first, lines = time.perf_counter() - begin, block.count(b"\n")
    end = b""
    while block:
        end, block = end[-100:] + block, response.read(READ_BYTES)
        lines += block.count(b"\n")
    connection.close()
    assert response.status == 200
    assert name == "csv" or end.endswith(b"</VOTABLE>\n")
    return Answer(first, time.perf_counter() - begin, lines)


def drained(port: int, parameters: dict[str, str]) -> tuple[float, float, int]:
    """Ask the service and read the answer as bytes off a socket, nothing looked at but its beginning and its end.

    Returns
    -------
    tuple of float, float, int
        Seconds to the first byte of the answer's body and to the last, and bytes in all.
    """
    form = urlencode(parameters)
    request = (
        "POST /tap/sync HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(form)}\r\n\r\n{form}"
    )
    room, head, end, size, first = bytearray(READ_BYTES), b"", b"", 0, 0.0
    begin = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(request.encode())
        while count := connection.recv_into(room):
            if not first:
                head += room[:count]
                first = time.perf_counter() - begin if head.partition(b"\r\n\r\n")[2] else 0.0
            size, end = size + count, bytes(room[max(0, count - 5) : count])
    assert head.startswith(b"HTTP/1.1 200"), head[:500]
    assert end.endswith(b"0\r\n\r\n"), end
    return first, time.perf_counter() - begin, size


def copied(archive: Archive, query: str) -> Answer:
    """Read the rows of the same SQL, as the same role, on a new connection, in PostgreSQL's own CSV."""
    sql, settings = translate(query, catalogue()).sql, archive.settings
    options = archive.database.reader_options(timeout=60, base_url=settings.base_url, authority=settings.authority)
    begin, first, lines = time.perf_counter(), 0.0, 0
    with psycopg.connect(archive.database.url, options=options) as connection, connection.cursor() as cursor:
        with cursor.copy(f"COPY ({sql}) TO STDOUT (FORMAT csv)") as copy:
            for block in copy:
                first = first or time.perf_counter() - begin
                lines += bytes(block).count(b"\n")
        return Answer(first, time.perf_counter() - begin, lines)


def per_second(ask: Callable[[], Answer]) -> float:
    """Return how often a second several clients at once are answered."""
    with ThreadPoolExecutor(CLIENTS) as clients:
        list(clients.map(lambda _: ask(), range(CLIENTS)))
        begin = time.perf_counter()
        list(clients.map(lambda _: ask(), range(REQUESTS)))
        return REQUESTS / (time.perf_counter() - begin)
