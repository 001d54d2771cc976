"""The events of a dialogue for the session around it, and the failures of a dialogue."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from exporter.model.failure import Stage
from exporter.smtp.reply import Reply


@dataclass(frozen=True, slots=True)
class Send:
    """Bytes to write now; the reply to them ends `stage`. `shown`: the bytes for the transcript in their place."""

    stage: Stage
    data: bytes
    shown: bytes | None = None


@dataclass(frozen=True, slots=True)
class StartTls:
    """Shake hands now, then call `secured`, `distrust` or `handshake_failed`."""


@dataclass(frozen=True, slots=True)
class Listen:
    """Say nothing and wait for a moment: call `expire` when it is over.

    The last line is unreadable already; a refusal behind it would be the reason.
    """


@dataclass(frozen=True, slots=True)
class Answered:
    """A reply ended `stage`, or one of its parts; a reply that is `cut` ended nothing."""

    stage: Stage
    reply: Reply


class ProblemKind(StrEnum):
    """The ways in which a dialogue fails: by a refusing reply, or in the stage whose reply is awaited."""

    REFUSED = "refused"  # 4xx or 5xx
    CLOSED = "closed"
    TIMEOUT = "timeout"
    VIOLATION = "violation"
    NOT_SMTP = "not_smtp"
    UNEXPECTED = "unexpected"
    NOT_OFFERED = "not_offered"  # STARTTLS or AUTH, which the plan cannot do without
    TOO_LARGE = "too_large"  # the size to declare is over the server's limit
    INTERNATIONAL = "international"  # an address needs SMTPUTF8, which is not offered
    INJECTION = "injection"  # plaintext between the 220 to STARTTLS and the handshake
    HANDSHAKE = "handshake"
    CERTIFICATE = "certificate"  # it does not verify, and the plan asks for that


@dataclass(frozen=True, slots=True)
class Problem:
    """The first thing that went wrong, of several recipients the worst."""

    stage: Stage
    reply: Reply | None = None  # a refusal, or the unexpected reply
    kind: ProblemKind = ProblemKind.REFUSED
    detail: str = ""
    further: tuple[Reply, ...] = ()  # refusals that stood behind the reply, unasked


@dataclass(frozen=True, slots=True)
class Finished:
    """Nothing more will be said; close the connection."""


Event = Send | StartTls | Listen | Answered | Finished
