"""One stream of column batches, many formats: ``find`` leads from what a client asked for to its encoder."""

from server.encoders.choice import acceptable, find
from server.encoders.formats import FORMATS, Format

__all__ = ["FORMATS", "Format", "acceptable", "find"]
