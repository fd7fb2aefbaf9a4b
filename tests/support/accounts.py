"""Accounts and the clients that log in as them."""

from dataclasses import dataclass
from typing import Any

import pyvo
import requests
from pyvo.auth import AuthSession

from archive import accounts
from archive.archive import Archive

PASSWORD = "correct horse 5"


def made(archive: Archive, *names: str) -> None:
    """Make accounts, all with one password."""
    for name in names:
        accounts.create(archive.database, name, PASSWORD)


@dataclass(frozen=True)
class Client:
    """A plain client that logs in with every request, or with no name stays anonymous."""

    name: str | None

    def get(self, url: str, **options: Any) -> requests.Response:
        """Ask for something."""
        return self._sent("GET", url, **options)

    def put(self, url: str, **options: Any) -> requests.Response:
        """Put something there."""
        return self._sent("PUT", url, **options)

    def post(self, url: str, data: Any = None, **options: Any) -> requests.Response:
        """Send something."""
        return self._sent("POST", url, data=data, **options)

    def delete(self, url: str, **options: Any) -> requests.Response:
        """Remove something."""
        return self._sent("DELETE", url, **options)

    def _sent(self, method: str, url: str, **options: Any) -> requests.Response:
        auth = None if self.name is None else (self.name, PASSWORD)
        return requests.request(method, url, auth=auth, timeout=60, **options)


def tap(url: str, name: str, password: str = PASSWORD) -> pyvo.dal.TAPService:
    """pyvo's client that logs in by name and password, as its documentation does."""
    client = AuthSession()
    client.credentials.set_password(name, password)
    return pyvo.dal.TAPService(f"{url}/tap", session=client)


def tap_by_token(url: str, token: str) -> pyvo.dal.TAPService:
    """pyvo's client that shows a token."""
    bearer = requests.Session()
    bearer.headers["Authorization"] = f"Bearer {token}"
    client = AuthSession()
    client.credentials.set("ivo://ivoa.net/sso#token", bearer)
    return pyvo.dal.TAPService(f"{url}/tap", session=client)
