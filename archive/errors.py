"""The few errors that the archive tells people about.  Each ends a command with one clear line."""

import click

__all__ = ["ArchiveError", "ClusterError", "Refused", "StoreError"]


class ArchiveError(click.ClickException):
    """Something that a person can act on; its text is the whole story, in one line."""


class ClusterError(ArchiveError):
    """The embedded PostgreSQL cannot be made, started or reached."""


class StoreError(ArchiveError):
    """A file of the store is missing, damaged or cannot be written."""


class Refused(ArchiveError):
    """What was given cannot be taken in; the reason is the user's to mend."""
