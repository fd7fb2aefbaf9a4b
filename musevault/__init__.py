"""Musevault: the archive of an integral-field survey."""

from importlib.metadata import version

__version__ = version("musevault")
