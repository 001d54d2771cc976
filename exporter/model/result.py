"""The vocabulary every room speaks: stages, failure classes, verdicts and the values a probe hands on.

Everything here is immutable and knows no socket, no clock and no metric. A fault of a remote server is a
:class:`Failure` inside a result, never an exception that travels. Times are seconds; `at` values are Unix time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from exporter.model.evidence import Evidence
from exporter.model.failure import _ALWAYS_TOLD, Failure, FailureClass, Stage
from exporter.model.policy import Dane, MtaSts, TlsRpt
from exporter.model.warning import HostWarning


@dataclass(frozen=True, slots=True)
class MxHost:
    """One host that takes mail for a domain, with what its name resolved to.

    `addresses` are canonical texts (IPv4 dotted, IPv6 compressed), sorted, IPv4 before IPv6, each once;
    `failure` says why there are none. `filtered`: the resolver put these addresses there itself, or took them away, and
    how that is known.

    `asked_at`, `nameserver` and `cause` are about the questions for the addresses: when the first of them began (Unix
    time; None: all answers were remembered ones), who answered last, and what was wrong with the answer itself, before
    it became a failure of the MX host. Where nobody answered (`dns_timeout`), all who were asked are named.
    """

    name: str  # lower-case A-labels without the final dot
    preference: int
    addresses: tuple[str, ...] = ()
    failure: Failure | None = None
    is_cname: bool = False  # RFC 2181 10.3, RFC 5321 5.1: an MX target may not be an alias
    asked_at: float | None = None
    nameserver: str = ""
    cause: FailureClass | None = None
    filtered: Failure | None = None
    more: int = 0  # addresses that it has besides, counted and not kept


@dataclass(frozen=True, slots=True)
class MxLookup:
    """The hosts of a domain by preference, then name (RFC 5321 5.1), or the failure that left none.

    `asked_at`, `nameserver` and `filtered` are about the MX question alone, as in :class:`MxHost`; its own failure is
    `failure` where there are no hosts and none was looked for.
    """

    domain: str
    hosts: tuple[MxHost, ...] = ()
    failure: Failure | None = None
    mx_records: int = 0  # 0 with an implicit MX
    authenticated: bool = False  # AD bit of the MX answer
    duration: float | None = None  # seconds the last real lookup took; an answer within its TTL is not asked again
    null_mx_among_others: bool = False
    asked_at: float | None = None
    nameserver: str = ""
    cause: FailureClass | None = None
    filtered: Failure | None = None
    alias_of: str = ""  # the name at the end of the domain's CNAMEs, where it has any


class TranscriptLine(NamedTuple):
    """One line of a dialogue as it went over the wire, bounded by the transport; show it escaped."""

    at: float  # seconds since the connect began
    sent: bool  # by us; else by the server
    data: bytes


@dataclass(frozen=True, slots=True)
class TlsResult:
    """The TLS of a conversation. Times but `at` are Unix time; texts of the certificate are a stranger's."""

    version: str  # as OpenSSL names it: TLSv1.2, TLSv1.3
    cipher: str
    verified: bool  # chain, name and dates
    faults: tuple[Failure, ...] = ()  # why it is not
    not_before: float | None = None  # when the last certificate of the path begins, without one of those sent
    not_after: float | None = None  # when the first of them ends
    subject: str = ""  # the names of the server's own certificate
    issuer: str = ""
    at: float = 0.0  # seconds since the connect began


@dataclass(frozen=True, slots=True)
class HostResult:
    """What one address of one MX host showed. `address` is empty where the host's name gave none.

    `failure` is the diagnosis; `own_failure` what the session by itself showed, from which it is made anew whenever
    what is known around the host has changed. of `warnings` those count that are :attr:`told`.
    """

    mx: str
    address: str
    preference: int | None  # None: no MX lookup led here
    failure: Failure | None = None
    warnings: tuple[HostWarning, ...] = ()
    phases: tuple[tuple[Stage, float], ...] = ()  # seconds
    waits: tuple[tuple[Stage, float], ...] = ()  # phases and all else that was waited for; empty where that is nothing
    unfinished: tuple[Stage, float] | None = None  # what was waited for at the end, and how long
    reply_codes: tuple[tuple[Stage, int], ...] = ()
    enhanced: tuple[tuple[Stage, str], ...] = ()  # RFC 3463 codes of failing replies
    tcp_rtt: float | None = None  # seconds, the kernel's own measure
    esmtp: bool | None = None  # False: only HELO worked; None: not known
    extensions: tuple[str, ...] = ()  # of the closed list smtp.ehlo.EXTENSIONS
    size_limit: int | None = None  # bytes, RFC 1870; 0: announced without a limit
    transcript: tuple[TranscriptLine, ...] = ()
    at: float = 0.0
    own_failure: Failure | None = None
    evidence: Evidence | None = None  # None: no session, or none whose judgement could change
    last_hop: str = ""  # the last router on the way that answered, or the one that prohibits it
    tls: TlsResult | None = None
    remarks: tuple[str, ...] = ()  # what a warning rests on, and what only some senders mind; for a person
    recipients: tuple[tuple[str, int], ...] = ()  # the code each RCPT was answered with, in their order
    auth_plaintext: tuple[str, ...] = ()  # SASL mechanisms offered without TLS, of smtp.ehlo.MECHANISMS
    auth_tls: tuple[str, ...] = ()  # and with it
    dane: Dane | None = None  # None: not asked for, or not known in time
    mta_sts_match: bool | None = None  # whether the domain's policy names the MX host; None without one

    @property
    def up(self) -> bool:
        """Every stage of the module passed."""
        return self.failure is None

    @property
    def told(self) -> tuple[HostWarning, ...]:
        """The warnings that count: all while the host is up, else those that are about its refusal."""
        if self.failure is None or not self.warnings:
            return self.warnings
        return tuple(warning for warning in self.warnings if warning in _ALWAYS_TOLD)


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """One probe of one target, whole: the value that travels from the probe to the store."""

    at: float  # Unix time at its start
    duration: float  # seconds, lookup and all addresses
    lookup: MxLookup | None  # None for a target named by its host
    hosts: tuple[HostResult, ...]
    addresses: int  # all that were found, probed or not
    failure: Failure | None
    mta_sts: MtaSts | None = None  # None: not asked for
    tls_rpt: TlsRpt | None = None
    named: tuple[MxHost, ...] = ()  # the lookup of a target that is named by its host

    @property
    def up(self) -> bool:
        """Mail could be handed over: at least one address passed every stage."""
        return self.failure is None

    @property
    def addresses_up(self) -> int:
        """How many addresses passed every stage."""
        return sum(host.up for host in self.hosts)
