"""The operating-system account that runs the embedded PostgreSQL.

PostgreSQL refuses to run as root.  Started by root, everything that touches the cluster runs as the ``postgres``
account that Debian's package makes; started by anyone else, as themselves.
"""

import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from archive.errors import ClusterError

__all__ = ["Account", "owner_of"]


@dataclass(frozen=True)
class Account:
    """A user and group; ``switched`` tells whether commands must change to it."""

    name: str
    uid: int
    gid: int
    switched: bool

    @classmethod
    def for_cluster(cls) -> "Account":
        """Return the account that the cluster runs under.

        Raises
        ------
        ClusterError
            Root, and there is no ``postgres`` account.
        """
        uid = os.geteuid()
        if uid != 0:
            return cls(owner_of(uid), uid, os.getegid(), switched=False)
        try:
            entry = pwd.getpwnam("postgres")
        except KeyError as error:
            raise ClusterError("no account 'postgres' to drop to: apt-get install postgresql-15") from error
        return cls(entry.pw_name, entry.pw_uid, entry.pw_gid, switched=True)

    def run(self, command: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
        """Run a program as this account, away from any folder it may not enter; its output is captured."""
        return subprocess.run(
            [str(part) for part in command],
            check=False,
            capture_output=True,
            text=True,
            cwd="/",
            stdin=subprocess.DEVNULL,
            umask=0o077,
            user=self.uid if self.switched else None,
            group=self.gid if self.switched else None,
            extra_groups=[] if self.switched else None,
        )

    def may_enter(self, folder: Path) -> bool:
        """Tell whether the account may reach into a folder."""
        return self.run(["test", "-x", folder]).returncode == 0

    def give(self, path: Path) -> None:
        """Hand a file or folder to the account."""
        if self.switched:
            os.chown(path, self.uid, self.gid)


def owner_of(uid: int) -> str:
    """Return the name of a user."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # a container's made-up user
        return str(uid)
