"""Scripts of SMTP servers: the answers to the connection and to each verb, well-behaved unless scripted otherwise.

An answer is a step or a tuple of steps, played in order: bytes are sent as they stand, the other steps wait, drip,
flood, close, reset, or turn the connection into TLS. :class:`exporter.lab.smtp_host.SmtpHost` plays a script.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Final


class End(Enum):
    """A step that ends our side of the connection."""

    CLOSE = "close"
    RESET = "reset"  # RST in place of FIN; data sent just before may be lost with it
    HALF_CLOSE = "half close"  # FIN, and go on reading


CLOSE: Final = End.CLOSE
RESET: Final = End.RESET
HALF_CLOSE: Final = End.HALF_CLOSE


@dataclass(frozen=True, slots=True)
class Wait:
    """Do nothing for a while, or until the client has gone."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Drip:
    """Send byte by byte."""

    data: bytes
    seconds: float = 0.0  # before each byte


@dataclass(frozen=True, slots=True)
class Flood:
    """Send the same over and over until the client has gone."""

    data: bytes
    seconds: float = 0.0  # between two


@dataclass(frozen=True, slots=True)
class SwitchToTls:
    """Take a TLS handshake; afterwards `then` is the script, without its greeting. None: the same goes on."""

    context: ssl.SSLContext
    then: SmtpScript | None = None


Step = bytes | Wait | Drip | Flood | SwitchToTls | End
# None: the client gets no answer, and is listened to further.
Answer = Step | tuple[Step, ...] | None

_ORDINARY: Final[Mapping[bytes, Answer]] = MappingProxyType(
    {
        b"EHLO": (
            b"250-mx.example\r\n250-PIPELINING\r\n250-SIZE 10485760\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES\r\n"
        ),
        b"HELO": b"250 mx.example\r\n",
        b"MAIL": b"250 2.1.0 Ok\r\n",
        b"RCPT": b"250 2.1.5 Ok\r\n",
        b"DATA": b"354 End data with <CR><LF>.<CR><LF>\r\n",
        b".": b"250 2.0.0 Ok: queued\r\n",
        b"RSET": b"250 2.0.0 Ok\r\n",
        b"NOOP": b"250 2.0.0 Ok\r\n",
        b"VRFY": b"252 2.0.0 Cannot VRFY user\r\n",
        b"QUIT": (b"221 2.0.0 Bye\r\n", CLOSE),
    }
)


@dataclass(frozen=True, slots=True)
class SmtpScript:
    """The answers of a host: `replies` by verb, over those of an ordinary ESMTP server.

    The verb `.` stands for the end of a message after a 354 to DATA.
    """

    greeting: Answer = b"220 mx.example ESMTP\r\n"
    replies: Mapping[bytes, Answer] = field(default_factory=lambda: MappingProxyType({}))
    otherwise: Answer = b"502 5.5.1 Command not implemented\r\n"
    implicit_tls: ssl.SSLContext | None = None  # TLS from the first byte, as on port 465

    def answer(self, verb: bytes) -> Answer:
        """The answer to the command `verb` (upper case)."""
        if verb in self.replies:
            return self.replies[verb]
        return _ORDINARY.get(verb, self.otherwise)


ORDINARY_EXTENSIONS: Final = ("PIPELINING", "SIZE 10485760", "8BITMIME", "ENHANCEDSTATUSCODES")


def reply(code: int, *lines: str) -> bytes:
    """A well-formed reply of one or more lines (RFC 5321 4.2)."""
    *first, last = lines or ("",)
    return "".join([*(f"{code}-{line}\r\n" for line in first), f"{code} {last}\r\n"]).encode()


def ordinary(name: str, extensions: tuple[str, ...] = ORDINARY_EXTENSIONS, /, **replies: Answer) -> SmtpScript:
    """A well-behaved server called `name`; `RCPT=...` and the like replace its answers, `greeting=...` the greeting."""
    spoken: dict[bytes, Answer] = {b"EHLO": reply(250, name, *extensions), b"HELO": reply(250, name)}
    greeting = replies.pop("greeting", reply(220, f"{name} ESMTP"))
    spoken.update({verb.encode(): answer for verb, answer in replies.items()})
    return SmtpScript(greeting, MappingProxyType(spoken))
