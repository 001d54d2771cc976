"""The record of one session: all that the host said and did, before any judgement."""

from __future__ import annotations

from dataclasses import dataclass

from exporter.model.evidence import ConnectEvidence, Witness
from exporter.model.failure import Stage
from exporter.model.result import TranscriptLine
from exporter.smtp.events import Problem
from exporter.smtp.plan import Plan
from exporter.smtp.reply import Reply
from exporter.tls.client import TlsHandshake
from exporter.tls.verification import Trust


@dataclass(frozen=True, slots=True)
class FailedTls:
    """A handshake that came to nothing where TLS was not required, so that a sender would go on in the clear.

    The record is that of the session without TLS; `untried`: the reason why there was none.
    """

    detail: str  # the predicate of a sentence about the server
    untried: str = ""


@dataclass(frozen=True, slots=True)
class TlsRecord:
    """A handshake that was done: its result, and the trust in its certificates."""

    handshake: TlsHandshake
    trust: Trust
    at: float  # seconds since the connect began

    @property
    def chain(self) -> tuple[bytes, ...]:
        """The certificates as the server sent them: DER, its own first."""
        return self.handshake.chain


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """All that one session showed, before judgement."""

    at: float  # Unix time
    phases: tuple[tuple[Stage, float], ...] = ()  # seconds
    unfinished: tuple[Stage, float] | None = None  # the stage awaited at the end, and for how long
    replies: tuple[tuple[Stage, Reply], ...] = ()
    connect: ConnectEvidence | None = None  # only where the connect failed
    problem: Problem | None = None
    ehlo: Reply | None = None
    refusals: tuple[tuple[Stage, Reply], ...] = ()  # beside that of the problem: exporter.smtp.dialogue
    helo_only: bool = False
    quit_clean: bool = False
    tcp_rtt: float | None = None  # seconds
    witnesses: tuple[Witness, ...] = ()  # other ports of the address, asked where this one did not answer
    transcript: tuple[TranscriptLine, ...] = ()
    ehlo_tls: Reply | None = None
    tls: TlsRecord | None = None
    plan: Plan | None = None
    spoke: bool = False  # the server sent something, be it no reply
    took: float = 0.0  # seconds, without the wait for the place of its MX name
    failed_tls: FailedTls | None = None
    refused_hello: bool = False  # the handshake ended before the server had chosen from the offer
    cost: float = 0.0  # CPU seconds of the expensive parts: TLS, and many small pieces

    @property
    def implicit_tls(self) -> bool:
        """The handshake came before the greeting, or should have."""
        return self.plan is not None and self.plan.tls is not None and self.plan.tls.implicit
