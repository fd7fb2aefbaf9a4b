"""Rows are written as PostgreSQL reads them: lengths, bytes, and nothing at all for what is null."""

import struct

import numpy as np

from archive.copy_binary import encoded


def test_a_row_is_a_count_and_fields_with_their_lengths() -> None:
    row = encoded(["ab"], np.array([[7]], np.int32), np.array([[1.5]]))
    expected = struct.pack(">h i2s ii id", 3, 2, b"ab", 4, 7, 8, 1.5)
    assert row == expected


def test_nulls_have_no_bytes() -> None:
    rows = encoded([], np.array([[-1], [2]], np.int32), np.array([[np.nan], [np.inf]]))
    assert rows == struct.pack(">h i i", 2, -1, -1) + struct.pack(">h ii i", 2, 4, 2, -1)


def test_no_rows_are_nothing() -> None:
    assert encoded(["a"], np.empty((0, 2), np.int32), np.empty((0, 3))) == b""
