"""Names of IMAP folders, as they are sent, and as a server lists them. Pure."""

from __future__ import annotations

import base64
import re
from typing import Final

_LISTED: Final = re.compile(rb'\(([^()]*)\) (?:NIL|"(?:[^"\\]|\\.)*") ("(?:[^"\\]|\\.)*"|[^\s"(){%*\\]+|\{[0-9]+\})')
# They cannot be opened (RFC 5258 3.4: the second one implies the first).
_CLOSED: Final = frozenset((rb"\noselect", rb"\nonexistent"))
_BEYOND: Final = re.compile(r"&|[^\x20-\x7e]+")


def quoted(text: str) -> str:
    """A quoted string (RFC 3501 4.3)."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def sent_name(name: str) -> str:
    """The name of a folder ready to be sent: beyond ASCII in modified UTF-7 (RFC 3501 5.1.3), else as it stands."""
    return quoted(name if name.isascii() else _BEYOND.sub(_in_base64, name))


def junk_name(line: object) -> str:
    """The name of a folder of LIST, ready to be sent, if it is marked as the one for junk and can be opened."""
    head, literal = line if isinstance(line, tuple) else (line, None)
    match = _LISTED.match(head) if isinstance(head, bytes) else None
    marks = frozenset(() if match is None else match[1].lower().split())
    if match is None or rb"\junk" not in marks or marks & _CLOSED:
        return ""
    name = match[2].decode("utf-8", "replace")
    if not isinstance(literal, bytes):
        return "" if name.startswith("{") else name
    text = literal.decode("utf-8", "replace")
    return quoted(text) if text.isprintable() else ""


def _in_base64(match: re.Match[str]) -> str:
    if match[0] == "&":
        return "&-"
    coded = base64.b64encode(match[0].encode("utf-16-be")).decode("ascii")
    return "&" + coded.rstrip("=").replace("/", ",") + "-"
