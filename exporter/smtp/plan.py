"""The plan of a dialogue: its states, and the values from which its commands are written."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from exporter.model.failure import Stage


class State(StrEnum):
    """The reply that is awaited; in the two TLS states, the end of the handshake."""

    IMPLICIT_TLS = "implicit_tls"  # RFC 8314 3.3: the handshake comes before the greeting
    BANNER = "banner"
    EHLO = "ehlo"
    HELO = "helo"
    STARTTLS = "starttls"
    TLS = "tls"
    EHLO_TLS = "ehlo_tls"
    AUTH = "auth"  # PLAIN
    AUTH_LOGIN = "auth_login"  # its first 334, which asks for the user name
    AUTH_USERNAME = "auth_username"  # and its second, which asks for the password
    AUTH_PASSWORD = "auth_password"  # noqa: S105 - no password: the name of a state
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"  # the 354
    MESSAGE = "message"  # the reply after the dot
    VRFY = "vrfy"
    EXPN = "expn"
    RSET = "rset"
    QUIT = "quit"
    FINISHED = "finished"

    # Enum's own is written in Python, and states are looked up several times for each reply.
    __hash__ = str.__hash__


# Results speak of stages: several states may belong to one.
STAGES: Final = MappingProxyType(
    {
        **{state: Stage(state.value) for state in State if state.value in set(Stage)},
        State.IMPLICIT_TLS: Stage.TLS,
        State.HELO: Stage.EHLO,
        State.AUTH_LOGIN: Stage.AUTH,
        State.AUTH_USERNAME: Stage.AUTH,
        State.AUTH_PASSWORD: Stage.AUTH,
        State.MESSAGE: Stage.DATA,
    }
)


@dataclass(frozen=True, slots=True)
class TlsPlan:
    """The demands on TLS. `server_name` is the host name or address that the certificate must be for.

    `identity` takes its place in that where it is given: `server_name` is then known from the DNS alone.
    """

    server_name: str
    implicit: bool = False
    required: bool = False  # a dialogue without TLS has failed
    finite_field: bool = False  # test whether the server accepts finite-field Diffie-Hellman, and go no further
    verify: bool = False  # so has one with a certificate that does not verify; nothing but QUIT is said after it
    identity: str = ""
    version: str = ""  # offer this old version alone, by OpenSSL's name


@dataclass(frozen=True, slots=True)
class Credentials:
    """For AUTH; the password is in no representation of it."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Plan:
    """The commands to say; hashable, for equal plans may share a session.

    `helo` follows EHLO; empty: the literal of the session's own address, which the session sets.
    `steps` are the commands between greeting and QUIT, RCPT once for each of `recipients`. `expect` names the codes
    that count as success where they are not the standard's; those of DATA are expected after the dot.
    """

    helo: bytes
    steps: tuple[State, ...] = (State.EHLO,)
    expect: tuple[tuple[Stage, frozenset[int]], ...] = ()
    tls: TlsPlan | None = None
    credentials: Credentials | None = None
    reverse_path: str = ""  # of MAIL FROM; "" is <>
    recipients: tuple[str, ...] = ()
    size: int = 0  # octets declared with MAIL; 0: none
    vrfy: str = ""
    expn: str = ""
    proxy_protocol: bool = False  # the PROXY protocol's header comes before all else
    canary: Hashable = None  # the source of the message of DATA: plans with another one are not equal

    @property
    def needs_smtputf8(self) -> bool:
        """RFC 6531 3.4: one address beyond ASCII makes the whole transaction international."""
        return not (self.reverse_path.isascii() and all(path.isascii() for path in self.recipients))
