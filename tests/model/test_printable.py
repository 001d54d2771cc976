from __future__ import annotations

import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.model.printable import printable


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"220 mx.example ESMTP", "220 mx.example ESMTP"),
        ("grüße 你好".encode(), "grüße 你好"),
        (b"\x1b[31mred", "\\x1b[31mred"),
        (b"a\r\nb\0c\td", "a\\r\\nb\\x00c\\td"),
        (b"\xff\xfe", "\\xff\\xfe"),
        ("a\u202eb\u200bc\u2028d\ufeff", "a\\u202eb\\u200bc\\u2028d\\ufeff"),
        ("\x85\x9b", "\\x85\\x9b"),
    ],
)
def test_what_steers_a_terminal_or_reorders_text_is_escaped(raw: bytes | str, shown: str) -> None:
    assert printable(raw) == shown


def test_long_text_is_cut_with_an_ellipsis() -> None:
    assert printable(b"a" * 11, limit=10) == "a" * 10 + "…"
    assert printable(b"a" * 10, limit=10) == "a" * 10


@given(st.binary() | st.text())
def test_no_control_or_format_character_comes_through(raw: bytes | str) -> None:
    assert not {unicodedata.category(char) for char in printable(raw)} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


@pytest.mark.unmeasured
def test_it_works_where_no_more_files_can_be_opened() -> None:
    script = (
        "import resource, sys\n"
        "from exporter.model.printable import printable\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))\n"
        "sys.stdout.write(printable('\\x1b'))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("\\x1b", "")
