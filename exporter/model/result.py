"""The vocabulary every room speaks: stages, failure classes, verdicts and the values a probe hands on.

Everything here is immutable and knows no socket, no clock and no metric. A fault of a remote server is a
:class:`Failure` inside a result, never an exception that travels. Times are seconds; `at` values are Unix time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

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
    """The TLS of a session. Times are Unix time; texts of the certificate are a stranger's."""

    version: str  # as OpenSSL names it: TLSv1.2, TLSv1.3
    cipher: str
    verified: bool  # chain, name and dates
    faults: tuple[Failure, ...] = ()  # the reasons why it is not verified
    not_before: float | None = None  # begin of the last certificate of the path, else of those sent
    not_after: float | None = None  # end of the first of them
    subject: str = ""  # the names of the server's own certificate
    issuer: str = ""


@dataclass(frozen=True, slots=True)
class HostIdentity:
    """The name and the place of a host. `address` is empty where the name gave none."""

    mx: str
    address: str
    preference: int | None  # None: no MX lookup led here


@dataclass(frozen=True, slots=True)
class HostOutcome:
    """The judgement of a host.

    `failure` is the diagnosis, `own_failure` the failure that the session shows by itself: the diagnosis is made anew
    from it whenever the knowledge around the host has changed. Of `warnings` those count that are :attr:`told`.
    """

    failure: Failure | None = None
    own_failure: Failure | None = None
    warnings: tuple[HostWarning, ...] = ()
    remarks: tuple[str, ...] = ()  # the ground of a warning, and faults that only some senders mind; for a person
    last_hop: str = ""  # the last router on the way that answered, or the one that prohibits it

    @property
    def told(self) -> tuple[HostWarning, ...]:
        """The warnings that count: all while the host is up, else those that are about its refusal."""
        if self.failure is None or not self.warnings:
            return self.warnings
        return tuple(warning for warning in self.warnings if warning in _ALWAYS_TOLD)


@dataclass(frozen=True, slots=True)
class HostFacts:
    """The facts that a session showed of a host: no numbers that differ from one session to the next.

    A new fact is written in exporter.probe.host_facts and read where it shows: in the samples, on the host's page, in
    the JSON. Samples of a host with equal facts are kept, whatever facts there are.
    """

    reply_codes: tuple[tuple[Stage, int], ...] = ()
    enhanced: tuple[tuple[Stage, str], ...] = ()  # RFC 3463 codes of failing replies
    esmtp: bool | None = None  # False: only HELO worked; None: not known
    extensions: tuple[str, ...] = ()  # of the closed list smtp.ehlo.EXTENSIONS
    size_limit: int | None = None  # bytes, RFC 1870; 0: announced without a limit
    tls: TlsResult | None = None
    recipients: tuple[tuple[str, int], ...] = ()  # the code each RCPT was answered with, in their order
    auth_plaintext: tuple[str, ...] = ()  # SASL mechanisms offered without TLS, of smtp.ehlo.MECHANISMS
    auth_tls: tuple[str, ...] = ()  # and with it
    dane: Dane | None = None  # None: not asked for, or not known in time
    mta_sts_match: bool | None = None  # the domain's policy names the MX host; None without a policy


@dataclass(frozen=True, slots=True)
class HostTimings:
    """The times of a session: Unix time at its start, and seconds."""

    at: float = 0.0  # Unix time
    phases: tuple[tuple[Stage, float], ...] = ()
    waits: tuple[tuple[Stage, float], ...] = ()  # phases and all other waits; empty where there are no others
    unfinished: tuple[Stage, float] | None = None  # the wait that the end of the session cut off
    tcp_rtt: float | None = None  # the kernel's own measure
    tls_at: float | None = None  # from the begin of the connect to the end of the TLS handshake


_NO_OUTCOME: Final = HostOutcome()
_NO_FACTS: Final = HostFacts()
_NO_TIMINGS: Final = HostTimings()


@dataclass(frozen=True, slots=True)
class HostResult:
    """The result of one address of one MX host."""

    identity: HostIdentity
    outcome: HostOutcome = _NO_OUTCOME
    facts: HostFacts = _NO_FACTS
    timings: HostTimings = _NO_TIMINGS
    evidence: Evidence | None = None  # None: no session, or none whose judgement could change
    transcript: tuple[TranscriptLine, ...] = ()

    @property
    def mx(self) -> str:
        """The name of the MX host."""
        return self.identity.mx

    @property
    def address(self) -> str:
        """The address; empty where the name gave none."""
        return self.identity.address

    @property
    def failure(self) -> Failure | None:
        """The diagnosis; None: every stage of the module passed."""
        return self.outcome.failure

    @property
    def up(self) -> bool:
        """Every stage of the module passed."""
        return self.outcome.failure is None


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
