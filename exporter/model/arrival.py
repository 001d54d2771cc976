"""The arrival of a canary message in its mailbox: closed lists and values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Folder(StrEnum):
    """The kind of folder a message was found in."""

    INBOX = "inbox"
    JUNK = "junk"  # marked so by the server (RFC 6154), or named in the configuration


class AuthenticationMethod(StrEnum):
    """A method of Authentication-Results that is told."""

    SPF = "spf"
    DKIM = "dkim"
    DMARC = "dmarc"


class AuthenticationResult(StrEnum):
    """A result of Authentication-Results (RFC 8601 2.7)."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    SOFTFAIL = "softfail"
    NEUTRAL = "neutral"
    NONE = "none"
    POLICY = "policy"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"
    OTHER = "other"  # a word that the RFC does not have


class MailboxProblem(StrEnum):
    """The reason why nothing can be said about arrival."""

    UNREACHABLE = "unreachable"  # no connection, or no answer in time
    TLS = "tls"  # no handshake, or a certificate that is not valid for the name
    LOGIN = "login"  # the credentials are refused
    FOLDER = "folder"  # a folder cannot be opened or searched
    PROTOCOL = "protocol"  # an answer that is not IMAP, or too large


Authentication = tuple[tuple[AuthenticationMethod, AuthenticationResult], ...]

# The state of an arrival that is not known yet has neither folder nor `missing`.
NO_AUTHENTICATION: Final[Authentication] = ()


@dataclass(frozen=True, slots=True)
class Arrival:
    """The outcome of the newest canary whose arrival is settled, and the state of its mailbox.

    `seconds` is from the acceptance to the look that found it, and None where no look before was recent enough to tell.
    While the newest is missing, it is that of an earlier one that has arrived since.
    """

    folder: Folder | None = None
    seconds: float | None = None
    at: float | None = None  # Unix time of the last arrival, be it of an earlier message
    authentication: Authentication = NO_AUTHENTICATION
    missing: str = ""  # the sentence about a message that was accepted and did not arrive
    problem: MailboxProblem | None = None  # of the mailbox, now
    is_late: bool = False  # the message that took `seconds` was missing before
    awaited_since: float | None = None  # Unix time at which a newer one was accepted, whose outcome is not known


@dataclass(frozen=True, slots=True)
class Found:
    """A message of ours, as it was found."""

    message_id: str
    folder: Folder
    authentication: Authentication = NO_AUTHENTICATION
