"""The table of the decision, row by row: what was seen -> class, confidence, last hop."""

from __future__ import annotations

import errno
from dataclasses import replace

import pytest

from exporter.diagnosis.connect_errors import judge_connect
from exporter.diagnosis.decision import AGAIN, diagnose, diagnose_all, unrelated_evidence
from exporter.model.address import Family
from exporter.model.egress import EGRESS_UNKNOWN, EgressByFamily, EgressState, EgressView
from exporter.model.evidence import ConnectEvidence, ConnectOutcome, ErrorOrigin, Evidence, IcmpError, Witness
from exporter.model.failure import Confidence, Failure, FailureClass, Stage, Verdict
from exporter.model.path_trace import HopKind, PathTrace
from exporter.model.resolver import ResolverState, ResolverSymptom, ResolverView
from exporter.model.result import HostResult, MxHost, MxLookup
from tests.paths import GONE_443, OPEN_443, ROUTERS, TARGET, path
from tests.results import changed, down_host, host_of, lookup_failed, result, up_host

C, S, W, K = FailureClass, EgressState, ConnectOutcome, HopKind
CERTAIN, LIKELY, UNCERTAIN = Confidence.CERTAIN, Confidence.LIKELY, Confidence.UNCERTAIN

SILENCE = ConnectEvidence(TARGET, None, elapsed=3.0)
UNSENT = replace(SILENCE, unsent=True)
BRIEF = replace(SILENCE, elapsed=0.9)
RST = ConnectEvidence(TARGET, errno.ECONNREFUSED)
PROHIBITED = ConnectEvidence(
    TARGET, errno.EHOSTUNREACH, IcmpError(ErrorOrigin.ICMP, 3, 13, errno.EHOSTUNREACH, ROUTERS[1]), elapsed=0.01
)
OWN_REJECT = replace(
    PROHIBITED, icmp=IcmpError(ErrorOrigin.ICMP, 3, 13, errno.EHOSTUNREACH, "10.0.0.5"), own_sender=True
)
UNREACHABLE = replace(PROHIBITED, icmp=IcmpError(ErrorOrigin.ICMP, 3, 1, errno.EHOSTUNREACH, ROUTERS[1]))
NO_ROUTE = ConnectEvidence(TARGET, errno.ENETUNREACH)

ANSWERS = (Witness(443, W.ANSWERED),)
REFUSES = (Witness(443, W.SILENT), Witness(587, W.RESET))
QUIET = (Witness(443, W.SILENT), Witness(587, W.SILENT))
REJECTED = (Witness(443, W.PROHIBITED),)

DROPPED = frozenset({W.SILENT, W.PROHIBITED})
OPEN = EgressView(S.OPEN, CERTAIN)
BLOCKED = EgressView(S.BLOCKED, CERTAIN, DROPPED, 7, 3, "port 443 of 192.0.2.9")
RESET_OUT = EgressView(S.BLOCKED, LIKELY, frozenset({W.RESET}), 4, 0, "the nameserver 192.0.2.53")
OFFLINE = EgressView(S.OFFLINE, LIKELY, DROPPED, 5)
UNKNOWN = EgressView()

LOST_AT_1 = path(K.TIME_EXCEEDED, K.SILENT, K.SILENT, against=OPEN_443)
LOST_AT_3 = path(K.TIME_EXCEEDED, K.TIME_EXCEEDED, K.TIME_EXCEEDED, K.SILENT, against=GONE_443)
LOST_AT_1_OF_3 = path(K.TIME_EXCEEDED, K.SILENT, K.SILENT, against=path(K.TIME_EXCEEDED, K.TIME_EXCEEDED, K.REACHED))
NO_HOP = path(K.SILENT, K.SILENT, against=OPEN_443)
FORGED = path(K.TIME_EXCEEDED, K.TIME_EXCEEDED, K.REFUSED, against=OPEN_443)
FORGED_AT_ONCE = path(K.REFUSED, against=OPEN_443)
RESET_WITHIN = replace(FORGED_AT_ONCE, reset_within=True)
GENUINE = path(K.TIME_EXCEEDED, K.TIME_EXCEEDED, K.TIME_EXCEEDED, K.REFUSED, against=OPEN_443)
SAYS_PROHIBITED = path(K.TIME_EXCEEDED, K.TIME_EXCEEDED, (K.PROHIBITED, ROUTERS[1]))
SAYS_UNREACHABLE = path(K.TIME_EXCEEDED, (K.UNREACHABLE, ROUTERS[1]))


def someone(_: HostResult) -> float:
    """Somebody unrelated has answered just now."""
    return 10.0


def someone_before(_: HostResult) -> float:
    """Somebody unrelated answered before the session, and nobody since."""
    return -10.0


def around(view: EgressView) -> EgressByFamily:
    return {Family.IPV4: view, Family.IPV6: EgressView()}


def host(
    connect: ConnectEvidence | None,
    witnesses: tuple[Witness, ...] = (),
    found: PathTrace | None = None,
    speaker: tuple[str, ...] = (),
) -> HostResult:
    evidence = Evidence(25, connect, witnesses, found, speaker)
    failure = None if connect is None else judge_connect(connect)
    return host_of("mx.a.example", TARGET, 10, failure=failure, own_failure=failure, evidence=evidence)


@pytest.mark.parametrize(
    ("connect", "witnesses", "found", "egress", "failure_class", "confidence", "hop"),
    [
        # This host itself, whatever else is so.
        (UNSENT, ANSWERS, None, UNKNOWN, C.LOCAL_FIREWALL, CERTAIN, ""),
        (UNSENT, QUIET, LOST_AT_1, BLOCKED, C.LOCAL_FIREWALL, CERTAIN, ROUTERS[0]),
        (BRIEF, ANSWERS, NO_HOP, UNKNOWN, C.LOCAL_FIREWALL, LIKELY, ""),
        (OWN_REJECT, (), None, UNKNOWN, C.LOCAL_FIREWALL, CERTAIN, ""),
        (OWN_REJECT, (), None, BLOCKED, C.LOCAL_FIREWALL, CERTAIN, ""),
        (RST, (), RESET_WITHIN, OPEN, C.LOCAL_FIREWALL, CERTAIN, ""),
        (RST, (), RESET_WITHIN, RESET_OUT, C.LOCAL_FIREWALL, CERTAIN, ""),
        (ConnectEvidence(TARGET, errno.EPERM), (), None, BLOCKED, C.LOCAL_FIREWALL, CERTAIN, ""),
        # A SYN that left refutes the trace: the filter stands right behind this host.
        (SILENCE, ANSWERS, NO_HOP, UNKNOWN, C.PORT_FILTERED, LIKELY, ""),
        # The way out.
        (SILENCE, ANSWERS, None, BLOCKED, C.EGRESS_BLOCKED, CERTAIN, ""),
        (SILENCE, QUIET, LOST_AT_1, BLOCKED, C.EGRESS_BLOCKED, CERTAIN, ROUTERS[0]),
        (PROHIBITED, ANSWERS, None, BLOCKED, C.EGRESS_BLOCKED, CERTAIN, ROUTERS[1]),
        (RST, (), None, BLOCKED, C.CONNECT_REFUSED, LIKELY, ""),
        (RST, (), FORGED, RESET_OUT, C.EGRESS_BLOCKED, LIKELY, ROUTERS[1]),
        (SILENCE, ANSWERS, None, RESET_OUT, C.PORT_FILTERED, LIKELY, ""),
        (SILENCE, QUIET, None, OFFLINE, C.OFFLINE, LIKELY, ""),
        (PROHIBITED, REJECTED, None, OFFLINE, C.CONNECT_PROHIBITED, CERTAIN, ROUTERS[1]),
        # A filter on the way to this host.
        (PROHIBITED, ANSWERS, None, OPEN, C.CONNECT_PROHIBITED, CERTAIN, ROUTERS[1]),
        (SILENCE, ANSWERS, SAYS_PROHIBITED, OPEN, C.CONNECT_PROHIBITED, CERTAIN, ROUTERS[1]),
        (RST, (), FORGED, OPEN, C.CONNECT_PROHIBITED, LIKELY, ROUTERS[1]),
        (RST, (), FORGED_AT_ONCE, OPEN, C.CONNECT_PROHIBITED, LIKELY, ROUTERS[0]),
        (SILENCE, ANSWERS, None, OPEN, C.PORT_FILTERED, LIKELY, ""),
        (SILENCE, ANSWERS, LOST_AT_1_OF_3, OPEN, C.PORT_FILTERED, CERTAIN, ROUTERS[0]),
        (SILENCE, REFUSES, LOST_AT_1, UNKNOWN, C.PORT_FILTERED, LIKELY, ROUTERS[0]),
        (SILENCE, QUIET, LOST_AT_1, OPEN, C.PORT_FILTERED, LIKELY, ROUTERS[0]),
        # Nothing speaks for a block.
        (RST, (), GENUINE, OPEN, C.CONNECT_REFUSED, CERTAIN, ""),
        (RST, (), None, UNKNOWN, C.CONNECT_REFUSED, LIKELY, ""),
        (SILENCE, QUIET, SAYS_UNREACHABLE, OPEN, C.CONNECT_UNREACHABLE, LIKELY, ROUTERS[1]),
        (SILENCE, QUIET, None, OPEN, C.CONNECT_TIMEOUT, LIKELY, ""),
        (SILENCE, QUIET, LOST_AT_3, OPEN, C.CONNECT_TIMEOUT, LIKELY, ROUTERS[2]),
        (SILENCE, REJECTED, None, UNKNOWN, C.CONNECT_TIMEOUT, UNCERTAIN, ""),
        (SILENCE, (), None, OPEN, C.CONNECT_TIMEOUT, UNCERTAIN, ""),
        (SILENCE, QUIET, None, UNKNOWN, C.CONNECT_TIMEOUT, UNCERTAIN, ""),
        (UNREACHABLE, (), None, OPEN, C.CONNECT_UNREACHABLE, LIKELY, ROUTERS[1]),
        (NO_ROUTE, (), None, OPEN, C.NO_ROUTE, CERTAIN, ""),
        (NO_ROUTE, (), None, OFFLINE, C.NO_ROUTE, CERTAIN, ""),
        (ConnectEvidence(TARGET, errno.EMFILE), (), None, BLOCKED, C.LOCAL_RESOURCE, CERTAIN, ""),
    ],
)
def test_a_row(
    connect: ConnectEvidence,
    witnesses: tuple[Witness, ...],
    found: PathTrace | None,
    egress: EgressView,
    failure_class: FailureClass,
    confidence: Confidence,
    hop: str,
) -> None:
    seen = diagnose(host(connect, witnesses, found), around(egress), someone if egress is OPEN else unrelated_evidence)
    assert seen.failure is not None
    assert (seen.failure.failure_class, seen.failure.confidence, seen.outcome.last_hop) == (
        failure_class,
        confidence,
        hop,
    )
    assert seen.failure.stage is Stage.CONNECT
    assert seen.failure.detail
    assert "None" not in seen.failure.detail


@pytest.mark.parametrize(
    ("connect", "witnesses", "found", "egress", "words"),
    [
        (SILENCE, ANSWERS, LOST_AT_1, OPEN, ("3.0 s", "port 443 of the same address accepts", ROUTERS[0], "their end")),
        (SILENCE, REFUSES, None, UNKNOWN, ("port 587 of the same address refuses", "theirs or ours")),
        (SILENCE, QUIET, None, OPEN, ("nor do ports 443 and 587", "other networks answer")),
        (SILENCE, ANSWERS, None, BLOCKED, ("all 7 unrelated networks", "3 of them references", "192.0.2.9", "clouds")),
        (PROHIBITED, ANSWERS, None, BLOCKED, ("ICMP 3/13", ROUTERS[1])),
        (RST, (), FORGED, OPEN, ("not by the host", ROUTERS[1])),
    ],
)  # fmt: skip
def test_the_sentence_names_the_evidence(
    connect: ConnectEvidence,
    witnesses: tuple[Witness, ...],
    found: PathTrace | None,
    egress: EgressView,
    words: tuple[str, ...],
) -> None:
    failure = diagnose(
        host(connect, witnesses, found), around(egress), someone if egress is OPEN else unrelated_evidence
    ).failure
    assert failure is not None
    assert [word for word in words if word not in failure.detail] == []


def test_a_verdict_turns_with_the_surroundings_and_back() -> None:
    before = diagnose(host(SILENCE, ANSWERS), around(OPEN))
    while_blocked = diagnose(before, around(BLOCKED))
    assert while_blocked.failure is not None
    assert while_blocked.failure.failure_class is C.EGRESS_BLOCKED
    assert while_blocked.failure.verdict is Verdict.BLOCKED
    assert diagnose(while_blocked, around(OPEN)) == before
    assert diagnose(before, around(OPEN)) is before


def test_who_speaks_like_the_proxy_is_intercepted_and_who_does_not_is_not() -> None:
    proxy = EgressView(S.INTERCEPTED, LIKELY, networks=5, speaker="name:proxy.isp.example")
    caught = diagnose(host(None, speaker=("name:proxy.isp.example",)), around(proxy))
    assert caught.failure is not None
    assert (caught.failure.stage, caught.failure.failure_class) == (Stage.BANNER, C.EGRESS_INTERCEPTED)
    assert "proxy.isp.example" in caught.failure.detail
    assert diagnose(caught, around(OPEN)).up
    assert diagnose(host(None, speaker=("name:mx.a.example",)), around(proxy)).up
    own = changed(host(None, speaker=("name:proxy.isp.example",)), mx="mx.isp.example")
    assert diagnose(own, around(proxy)).up


def test_a_whole_result_turns_and_its_domain_with_it() -> None:
    down = replace(result(host(SILENCE, ANSWERS)), failure=judge_connect(SILENCE))
    seen = diagnose_all(down, around(BLOCKED))
    assert seen.failure is not None
    assert seen.failure.failure_class is C.EGRESS_BLOCKED
    assert diagnose_all(seen, around(BLOCKED)) is seen


def test_a_result_without_evidence_is_left_alone() -> None:
    for plain in (result(up_host()), result(down_host()), lookup_failed(C.DNS_NXDOMAIN)):
        assert diagnose_all(plain, EGRESS_UNKNOWN) is plain


def test_an_answer_from_before_the_silence_counts_against_nobody() -> None:
    """The way out may have shut meanwhile: nothing is more than uncertain until somebody else is heard."""
    for witnesses in (ANSWERS, QUIET):
        failure = diagnose(host(SILENCE, witnesses), around(OPEN), someone_before).failure
        assert failure is not None
        assert failure.confidence is UNCERTAIN
    silent = diagnose(host(SILENCE, QUIET), around(OPEN), someone_before).failure
    assert silent is not None
    assert silent.verdict is Verdict.UNDETERMINED


def test_what_began_before_the_way_opened_keeps_its_class_and_is_marked() -> None:
    opened = EgressView(S.OPEN, CERTAIN, before=BLOCKED, opened=100.0)
    silent = changed(host(SILENCE, ANSWERS), at=99.0)
    failure = diagnose(silent, around(opened), someone).failure
    assert failure is not None
    assert failure.failure_class is C.EGRESS_BLOCKED
    assert AGAIN in failure.evidence
    later = diagnose(changed(silent, at=101.0), around(opened), someone).failure
    assert later is not None
    assert later.failure_class is C.PORT_FILTERED


@pytest.mark.parametrize("way", [W.MUTE, W.HUNG_UP])
def test_accepted_and_not_a_word_is_undetermined_unless_everything_fails_so(way: ConnectOutcome) -> None:
    failure_class = C.BANNER_TIMEOUT if way is W.MUTE else C.BANNER_CLOSED
    own = Failure(Stage.BANNER, failure_class, "no greeting came")
    mute = host_of(
        "mx.a.example", TARGET, 10, failure=own, own_failure=own, evidence=Evidence(25, witnesses=ANSWERS, accepted=way)
    )
    alone = diagnose(mute, around(OPEN), someone).failure
    assert alone is not None
    assert (alone.failure_class, alone.verdict) == (failure_class, Verdict.UNDETERMINED)
    wordless = EgressView(S.BLOCKED, CERTAIN, frozenset({W.MUTE, W.HUNG_UP}), 9, 3, "port 443 of 192.0.2.9")
    shared = diagnose(mute, around(wordless), unrelated_evidence).failure
    assert shared is not None
    assert (shared.failure_class, shared.stage, shared.verdict) == (C.EGRESS_BLOCKED, Stage.BANNER, Verdict.BLOCKED)
    assert "accepts and says nothing" in shared.detail
    assert diagnose(mute, around(BLOCKED), unrelated_evidence).failure == alone


def test_the_state_of_port_25_says_nothing_of_another_port() -> None:
    submission = replace(host(SILENCE, ANSWERS), evidence=Evidence(587, SILENCE, ANSWERS))
    failure = diagnose(submission, around(BLOCKED)).failure
    assert failure is not None
    assert failure.failure_class is C.PORT_FILTERED
    offline = diagnose(replace(submission, evidence=Evidence(587, SILENCE, QUIET)), around(OFFLINE)).failure
    assert offline is not None
    assert offline.failure_class is C.OFFLINE


def test_an_inspection_of_tls_shows_at_tls() -> None:
    mark = "issuer:CN=Corp, key 01"
    view = EgressView(S.INTERCEPTED, LIKELY, networks=5, speaker=mark)
    failure = diagnose(host(None, speaker=(mark,)), around(view)).failure
    assert failure is not None
    assert (failure.stage, failure.failure_class) == (Stage.TLS, C.EGRESS_INTERCEPTED)
    assert diagnose(host(None, speaker=("issuer:",)), around(view)).up


FAILING = ResolverView(ResolverState.FAILING, LIKELY, ResolverSymptom.NO_ANSWER, 5)


def test_a_lookup_that_fails_as_all_do_is_the_resolvers() -> None:
    for failure_class in (C.DNS_SERVFAIL, C.DNS_TIMEOUT, C.DNS_BOGUS):
        failure = diagnose_all(lookup_failed(failure_class), EGRESS_UNKNOWN, resolver=FAILING).failure
        assert failure is not None
        assert (failure.failure_class, failure.verdict) == (C.RESOLVER_FAILING, Verdict.LOCAL)
    absent = diagnose_all(lookup_failed(C.DNS_NXDOMAIN), EGRESS_UNKNOWN, resolver=FAILING).failure
    assert absent is not None
    assert absent.failure_class is C.DNS_NXDOMAIN


def test_a_host_whose_name_could_not_be_looked_up_is_so_too() -> None:
    own = Failure(Stage.DNS, C.MX_UNRESOLVABLE, "no address")
    unresolved = host_of("mx.a.example", "", 10, failure=own, own_failure=own)
    looked_up = MxLookup(
        "a.example", (MxHost("mx.a.example", 10, failure=own, cause=C.DNS_SERVFAIL, asked_at=5.0),), own
    )
    failed = replace(result(unresolved), lookup=looked_up, failure=own)
    seen = diagnose_all(failed, EGRESS_UNKNOWN, resolver=FAILING)
    assert seen.failure is not None
    assert seen.failure.failure_class is C.RESOLVER_FAILING
    assert diagnose_all(seen, EGRESS_UNKNOWN, resolver=ResolverView(ResolverState.WORKING)).failure == own
