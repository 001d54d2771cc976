"""Text from remote servers, escaped so that a terminal, a log or a page can show it safely.

Control characters (ANSI escapes, CR, NUL), format characters (bidirectional overrides, zero width), line separators,
surrogates and undecodable bytes become backslash escapes; all other characters stay readable.
"""

from __future__ import annotations

import codecs
import unicodedata
from typing import Final

# Python reads a codec from its file at the first use. Read now: later the process may have no file descriptor left,
# and just then log lines are needed.
codecs.lookup("unicode_escape")

# General categories (Unicode 4.5) that can change the display of the text around them.
_UNSAFE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Characters of an invalid value in a message.
_QUOTED: Final = 80


def printable(raw: bytes | str, limit: int = 1024) -> str:
    """At most `limit` bytes or characters of `raw`, escaped, with an ellipsis at a cut."""
    cut = raw[:limit]
    text = cut if isinstance(cut, str) else cut.decode("utf-8", "backslashreplace")
    if not (text.isascii() and text.isprintable()):
        text = "".join(_escape(char) for char in text)
    return text + "…" if len(raw) > limit else text


def _escape(char: str) -> str:
    if unicodedata.category(char) not in _UNSAFE:
        return char
    return char.encode("unicode_escape").decode("ascii")


def quoted(text: str) -> str:
    """`text` in quotes for a message: bounded and escaped."""
    return f"'{printable(text, _QUOTED)}'"
