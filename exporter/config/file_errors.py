"""Errors of files that may pass by themselves, unlike a mistake in a configuration."""

from __future__ import annotations

import errno
from typing import Final

# A file server, a disk or a table of open files that is busy or away for a moment.
_PASSING: Final = frozenset(
    {
        errno.EAGAIN,
        errno.EBUSY,
        errno.EHOSTDOWN,
        errno.EHOSTUNREACH,
        errno.EINTR,
        errno.EIO,
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOMEM,
        errno.ENOTCONN,
        errno.ESTALE,
        errno.ETIMEDOUT,
    }
)


def may_pass(error: OSError) -> bool:
    """True where the file is there and may be read another time."""
    return error.errno in _PASSING


def may_come(error: OSError) -> bool:
    """The same of a file that another program writes, which may not have written it yet."""
    return error.errno == errno.ENOENT or may_pass(error)
