"""What a stranger sent, made harmless to look at: on a terminal, in a log line, on a page.

Control characters (ANSI escapes, CR, NUL), format characters (bidirectional overrides, zero width), line separators,
surrogates and undecodable bytes come out as backslash escapes; everything else stays readable.
"""

from __future__ import annotations

import codecs
import unicodedata
from typing import Final

# Python reads a codec from its file when it is first used; that must not be when the process has run out of files,
# which is a moment with something to say.
codecs.lookup("unicode_escape")

# General categories (Unicode 4.5) that can change how the text around them is shown.
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def printable(raw: bytes | str, limit: int = 1024) -> str:
    """At most `limit` bytes or characters of `raw`, escaped, with an ellipsis where something was cut."""
    cut = raw[:limit]
    text = cut if isinstance(cut, str) else cut.decode("utf-8", "backslashreplace")
    if not (text.isascii() and text.isprintable()):
        text = "".join(_escape(char) for char in text)
    return text + "…" if len(raw) > limit else text


def _escape(char: str) -> str:
    if unicodedata.category(char) not in _UNSAFE:
        return char
    return char.encode("unicode_escape").decode("ascii")


_QUOTED: Final = 80  # characters of a wrong value shown in a message


def quoted(text: str) -> str:
    """`text` for a message: bounded, and harmless to look at."""
    return f"'{printable(text, _QUOTED)}'"
