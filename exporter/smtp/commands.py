"""The text of commands (RFC 5321 4.1.1 and its extensions), and the mask of the password. Nothing is decided here."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Final

from exporter.smtp.ehlo import Ehlo
from exporter.smtp.plan import Credentials, Plan
from exporter.smtp.reply import Reply

# Stands in a transcript for a secret.
MASK: Final = b"****"
# Characters of base64 that are no accident: a server may repeat a command cut short.
_PIECE: Final = 8
# The shortest beginning of a secret that is masked at the end of a transcript.
_LEAST_PIECE: Final = 4
_MAX_SECRETS: Final = 64
_LINE_END: Final = re.compile(rb"\r\n|\r|\n")


def mail(plan: Plan, offered: Ehlo) -> bytes:
    """MAIL with SIZE (RFC 1870 5) and SMTPUTF8 (RFC 6531 3.4), each only where it is offered."""
    line = f"MAIL FROM:<{plan.reverse_path}>"
    if plan.size and "SIZE" in offered:
        line += f" SIZE={plan.size}"
    if plan.needs_smtputf8 and "SMTPUTF8" in offered:
        line += " SMTPUTF8"
    return _line(line)


def rcpt(recipient: str) -> bytes:
    """RCPT for one recipient."""
    return _line(f"RCPT TO:<{recipient}>")


def ask(verb: str, argument: str) -> bytes:
    """VRFY or EXPN; an argument beyond ASCII needs SMTPUTF8 (RFC 6531 3.7.4.2)."""
    return _line(f"{verb} {argument}" + ("" if argument.isascii() else " SMTPUTF8"))


def message(text: bytes) -> bytes:
    """The lines of a message with dots doubled at their start, and the dot that ends it (RFC 5321 4.5.2)."""
    lines = _LINE_END.split(text)
    if lines[-1] == b"":
        lines.pop()
    return b"".join(b"." * line.startswith(b".") + line + b"\r\n" for line in lines) + b".\r\n"


def auth_plain(credentials: Credentials) -> bytes:
    """RFC 4616 2, as an initial response (RFC 4954 4)."""
    return b"AUTH PLAIN " + encoded(f"\0{credentials.username}\0{credentials.password}")


AUTH_PLAIN_SHOWN: Final = b"AUTH PLAIN " + MASK + b"\r\n"
AUTH_LOGIN: Final = b"AUTH LOGIN\r\n"


def encoded(text: str) -> bytes:
    """One line of an AUTH exchange (RFC 4954 4)."""
    return b64encode(text.encode()) + b"\r\n"


def masked(data: bytes, credentials: Credentials) -> bytes:
    """`data` without the password, which a server may repeat: whole, cut short, or in other case."""
    lower = data.lower()
    places = [place for secret in _secrets(credentials) for place in _places(secret, lower)]
    if not places:
        return data
    kept: list[bytes] = []
    end = 0
    for start, stop in sorted(places):
        if start > end or not kept:
            kept += [data[end:start], MASK]
        end = max(end, stop)
    return b"".join((*kept, data[end:]))


@lru_cache(maxsize=_MAX_SECRETS)
def _secrets(credentials: Credentials) -> tuple[bytes, ...]:
    """In lower case, the forms in which the password may come back; of those that were sent, each piece."""
    password = credentials.password
    forms = {password.encode(), password.encode("latin-1", "ignore")}
    for line in (auth_plain(credentials).removeprefix(b"AUTH PLAIN "), encoded(password)):
        line = line.strip()
        forms |= {line[start : start + _PIECE] for start in range(max(1, len(line) - _PIECE + 1))}
    return tuple({form.lower() for form in forms if form})


def _places(secret: bytes, data: bytes) -> Iterator[tuple[int, int]]:
    """The places of `secret` in `data`; at the end of it, cut off there, the beginning of the secret."""
    at = data.find(secret)
    while at >= 0:
        yield at, at + len(secret)
        at = data.find(secret, at + len(secret))
    for length in range(len(secret) - 1, _LEAST_PIECE - 1, -1):
        if data.endswith(secret[:length]):
            yield len(data) - length, len(data)
            return


def without_password(reply: Reply, credentials: Credentials) -> Reply:
    """`reply` without the password; its words go into reports and logs. All lines at once: there may be thousands."""
    said = b"\n".join(reply.lines)
    shown = masked(said, credentials)
    refusal = None if reply.refusal is None else without_password(reply.refusal, credentials)
    if shown is said and refusal == reply.refusal:
        return reply
    return replace(reply, lines=tuple(shown.split(b"\n")), refusal=refusal)


def _line(text: str) -> bytes:
    return text.encode() + b"\r\n"
