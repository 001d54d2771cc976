"""The standard streams, made safe to print to whatever the parent process has left of them."""

from __future__ import annotations

import io
import os
import sys
from typing import Final

_STANDARD_ERROR: Final = 2


def open_standard_streams() -> None:
    """Open the streams that the parent closed: else a socket would take the place of one, and be printed into."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= _STANDARD_ERROR:
        pass
    os.close(descriptor)
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115 - as long as the process
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a name or a reply may not fit the terminal's encoding
