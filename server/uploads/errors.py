"""The one error of uploads.  Its text is fit for the client: it says which upload and, where it can, which cell."""

__all__ = ["BadCell", "UploadError"]


class UploadError(ValueError):
    """A table cannot be taken; the reason is the client's to mend."""


class BadCell(ValueError):
    """A cell cannot be read; ``row`` counts from 0 within what was given to read."""

    def __init__(self, row: int, words: str) -> None:
        super().__init__(words)
        self.row = row
