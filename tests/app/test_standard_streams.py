"""A process whose parent left it without standard streams, and one whose terminal cannot show every letter."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SCRIPT = """
import os, socket, sys
from exporter.app.standard_streams import open_standard_streams
open_standard_streams()
with socket.socket() as first:
    print("text that nobody reads")
    print("more of it", file=sys.stderr)
    os.write(int(sys.argv[1]), f"{first.fileno()} {sys.stdin is None}".encode())
"""


@pytest.mark.parametrize("closed", ["", "<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_no_socket_takes_the_place_of_a_stream_that_is_closed(closed: str) -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading) as told:
        done = subprocess.run(
            ["sh", "-c", f'exec "$@" {closed}', "sh", sys.executable, "-c", SCRIPT, str(writing)],
            pass_fds=[writing],
            capture_output=True,
            check=False,
            timeout=60,
        )
        os.close(writing)
        descriptor = told.read().split()[0]
    assert done.returncode == 0
    assert int(descriptor) > 2
    assert done.stdout == (b"" if ">&-" in closed.split() else b"text that nobody reads\n")
    assert done.stderr == (b"" if "2>&-" in closed.split() else b"more of it\n")


def test_what_the_encoding_cannot_show_is_escaped() -> None:
    script = 'from exporter.app.standard_streams import open_standard_streams as o; o(); print("stra\\xdfe")'
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        check=True,
        timeout=60,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert done.stdout == b"stra\\xdfe\n"
