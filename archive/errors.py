"""The few errors that the archive tells people about.  Each ends a command with one clear line."""

import click

__all__ = ["ArchiveError", "ClusterError", "Refused", "SchedulerAway", "StoreAway", "StoreError"]


class ArchiveError(click.ClickException):
    """Something that a person can act on; its text is the whole story, in one line."""


class ClusterError(ArchiveError):
    """The embedded PostgreSQL cannot be made, started or reached."""


class StoreError(ArchiveError):
    """A file of the store is missing, damaged or cannot be written."""


class StoreAway(StoreError):
    """The whole store cannot be reached: not mounted, or moved.  Its files are not lost; it may come back."""


class SchedulerAway(ArchiveError):
    """The Dask scheduler of the settings does not answer, or was lost.  It may come back."""


class Refused(ArchiveError):
    """What was given cannot be taken in; the reason is the user's to mend."""
