"""What can be wrong with a query: one error for callers, one for the modules in here that know an offset only."""

__all__ = ["AdqlError", "Fault"]


class AdqlError(ValueError):
    """The query cannot be run as it stands; ``str()`` says where and why, for its author.

    ``line`` and ``column`` count from 1.
    """

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(f"line {line}, column {column}: {message}")
        self.message = message
        self.line = line
        self.column = column


class Fault(Exception):
    """Something is wrong at offset ``at`` of the text."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.message = message
        self.at = at

    def located(self, text: str) -> AdqlError:
        """Return the error that the author of ``text`` can use."""
        before = text[: self.at]
        return AdqlError(self.message, before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)
