"""Authentication-Results (RFC 8601) as results of a closed list. Pure.

Any server on the way can write such a field. Those of the receiving server, known by its authserv-id, alone are
believed: it removes what others have written in its name (RFC 8601 5).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Final

from exporter.model.arrival import Authentication, AuthenticationMethod, AuthenticationResult

_MAX_BYTES: Final = 16384
_FIELD: Final = b"authentication-results"
_FOLD: Final = re.compile(rb"\r?\n(?=[ \t])")
_LINE_END: Final = re.compile(rb"\r?\n")
# RFC 8601 2.2: the authserv-id, a token or quoted text, and perhaps the version, of which there is but one. With more,
# or less, the field is none that the server has written, nor one that it removes as a forged one of its own.
_SERVER: Final = re.compile(r"\s*(?:\"((?:[^\"\\]|\\.)*)\"|([^\s\"]+))(?:\s+1)?\s*")
# RFC 8601 2.2: method, perhaps with its version, and result.
_RESULT: Final = re.compile(r"\s*([A-Za-z0-9-]+)\s*(?:/\s*[0-9]+\s*)?=\s*([A-Za-z0-9-]+)")
_RESULTS: Final = {
    **{result.value: result for result in AuthenticationResult},
    "hardfail": AuthenticationResult.FAIL,  # of RFC 5451
}
_METHODS: Final = {method.value: method for method in AuthenticationMethod}


def fields(header: bytes, name: bytes) -> Iterator[str]:
    """The values of the fields called `name` (in lower case), unfolded, the topmost first."""
    for line in _LINE_END.split(_FOLD.sub(b"", header[:_MAX_BYTES])):
        key, colon, value = line.partition(b":")
        if colon and key.strip().lower() == name:
            yield value.decode("ascii", "replace").strip()


def authentication_of(header: bytes, believed: Collection[str]) -> Authentication:
    """The results of the methods, from the fields of the servers `believed` (in lower case).

    Of several results of a method in one field a pass counts (RFC 6376 6.1: one signature that verifies is enough),
    else the first; of several fields the topmost, which was written last.
    """
    found: dict[AuthenticationMethod, AuthenticationResult] = {}
    for value in fields(header, _FIELD):
        server, *results = _parts(value)
        if _name(server) in believed:
            for method, result in _of_field(results).items():
                found.setdefault(method, result)
    return tuple((method, found[method]) for method in AuthenticationMethod if method in found)


def _name(server: str) -> str:
    """The authserv-id in lower case; empty where the field does not begin as it must."""
    match = _SERVER.fullmatch(server)
    if match is None:
        return ""
    return (match[2] or re.sub(r"\\(.)", r"\1", match[1] or "")).lower()


def _of_field(results: list[str]) -> dict[AuthenticationMethod, AuthenticationResult]:
    found: dict[AuthenticationMethod, AuthenticationResult] = {}
    for text in results:
        match = _RESULT.match(text)
        method = None if match is None else _METHODS.get(match[1].lower())
        if match is not None and method is not None:
            result = _RESULTS.get(match[2].lower(), AuthenticationResult.OTHER)
            if method not in found or result is AuthenticationResult.PASS:
                found[method] = result
    return found


def _parts(value: str) -> list[str]:
    """The parts between semicolons, without comments, which nest; quoted text stays as it is (RFC 5322 3.2)."""
    parts: list[list[str]] = [[]]
    depth, quoted, escaped = 0, False, False
    for char in value:
        is_plain = not escaped
        escaped = is_plain and char == "\\" and (quoted or depth > 0)
        if is_plain and char == '"' and not depth:
            quoted = not quoted
        elif is_plain and char == "(" and not quoted:
            depth += 1
        elif is_plain and char == ")" and depth:
            depth -= 1
            parts[-1].append(" ")
            continue
        elif char == ";" and not quoted and not depth:
            parts.append([])
            continue
        if not depth:
            parts[-1].append(char)
    return ["".join(part) for part in parts]
