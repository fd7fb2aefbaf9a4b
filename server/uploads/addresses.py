"""Which machines a table may be fetched from: public ones, and those that the operator lists."""

import ipaddress
import socket
from collections.abc import Collection

from server.uploads.errors import UploadError

__all__ = ["is_public", "resolved"]

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def resolved(host: str, port: int, *, allowed: Collection[str]) -> tuple[str, ...]:
    """Return the addresses of a host, all of which may be connected to.

    The caller connects to one of these, not to the name: a second look-up might answer otherwise.

    Raises
    ------
    UploadError
        The host is unknown, or one of its addresses is not public and the operator does not list the host.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    except (OSError, UnicodeError) as error:
        raise UploadError(f"the host {host[:80]!r} is not known") from error
    addresses = tuple(dict.fromkeys(str(one[4][0]) for one in found))
    if host.lower() not in allowed and not all(is_public(address) for address in addresses):
        raise UploadError(f"tables are not fetched from {host[:80]!r}: it is not a public address")
    return addresses


def is_public(written: str) -> bool:
    """Whether an address is one of the public Internet, also where an IPv6 address stands for an IPv4 one."""
    try:
        address = ipaddress.ip_address(written)
    except ValueError:  # with a scope, as only local ones have
        return False
    if isinstance(address, ipaddress.IPv6Address):
        if address in ipaddress.ip_network("64:ff9b::/96"):
            return _is_global(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is not None:
            return _is_global(inner)
    return _is_global(address)


def _is_global(address: Address) -> bool:
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)
