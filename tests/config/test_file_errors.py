"""Errors of files: those that pass, those of files that may come, and those that somebody has to mend."""

from __future__ import annotations

import errno

import pytest

from exporter.config.file_errors import may_come, may_pass


@pytest.mark.parametrize(
    ("number", "passes", "comes"),
    [
        (errno.ESTALE, True, True),
        (errno.EIO, True, True),
        (errno.EMFILE, True, True),
        (errno.ENOENT, False, True),
        (errno.EACCES, False, False),
        (errno.EISDIR, False, False),
        (errno.ELOOP, False, False),
    ],
)
def test_what_another_try_may_find_mended(number: int, passes: bool, comes: bool) -> None:
    error = OSError(number, "no")
    assert (may_pass(error), may_come(error)) == (passes, comes)
