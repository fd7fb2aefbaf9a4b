"""Which addresses are of the public Internet."""

import pytest

from server.uploads.addresses import is_public, resolved
from server.uploads.errors import UploadError


@pytest.mark.parametrize("address", ["134.171.2.1", "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.9.9.9", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",  # noqa: S104
        "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "::1", "::", "fe80::1", "fe80::1%eth0",
        "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:a9fe:a9fe::", "2001:db8::1", "::7f00:1", "nonsense",
    ],
)  # fmt: skip
def test_addresses_of_no_use_to_strangers(address: str) -> None:
    assert not is_public(address)


def test_a_listed_host_may_be_private() -> None:
    assert resolved("127.0.0.1", 80, allowed={"127.0.0.1"}) == ("127.0.0.1",)
    for host in ("127.0.0.1", "0x7f.1", "2130706433", "localhost"):
        with pytest.raises(UploadError, match="not a public address"):
            resolved(host, 80, allowed={"example.org"})
    with pytest.raises(UploadError, match="not known"):
        resolved("no.such.host.invalid", 80, allowed=())
