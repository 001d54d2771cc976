"""The state of the egress from the outcomes on unrelated networks, and its changes."""

from __future__ import annotations

import pytest

from exporter.diagnosis.egress_state import EgressJudge, EgressObservation, InspectionResult
from exporter.model.address import Family
from exporter.model.egress import EgressState, EgressView
from exporter.model.evidence import ConnectOutcome, Evidence, Witness
from exporter.model.failure import Confidence

INTERVAL = 60.0
S, W = EgressState, ConnectOutcome
ANSWERING_443 = (Witness(443, W.ANSWERED),)
SILENT_443 = (Witness(443, W.NO_ANSWER),)
PROXY = ("name:proxy.isp.example",)


class Story:
    """Sightings in order, a second each."""

    def __init__(self) -> None:
        self.book = EgressJudge(INTERVAL)
        self.now = 1000.0

    def see(
        self,
        network: int,
        way: ConnectOutcome,
        witnesses: tuple[Witness, ...] = ANSWERING_443,
        *,
        host: int = 1,
        reference: str = "",
        fingerprints: tuple[str, ...] = (),
        port: int = 25,
    ) -> EgressView:
        """An address of the network `network` did this."""
        self.now += 1.0
        evidence = Evidence(
            port, witnesses=() if way in (W.ANSWERED, W.RESET) else witnesses, fingerprints=fingerprints
        )
        self.tell(f"{network}.1.0.{host}", f"mx.domain{network}.example", way, evidence, reference=reference)
        return self.judge()

    def tell(
        self, address: str, mx: str, way: ConnectOutcome, evidence: Evidence, *, reference: str = "", on: float = 0.0
    ) -> None:
        self.book.record(EgressObservation(address, mx, evidence, way, self.now, on or self.now, self.now, reference))

    def judge(self) -> EgressView:
        self.book.judge(self.now, self.now)
        return self.book.views[Family.IPV4]

    def all_see(
        self,
        way: ConnectOutcome,
        witnesses: tuple[Witness, ...] = ANSWERING_443,
        *,
        count: int = 4,
        reference: str = "",
        fingerprints: tuple[str, ...] = (),
    ) -> EgressView:
        for number in range(count):
            self.see(60 + number, way, witnesses, reference=reference, fingerprints=fingerprints)
        return self.judge()

    def listen(self) -> list[str]:
        return [suspect.mark for _, suspect in self.book.suspects(self.now)]


def test_nothing_seen_is_nothing_known() -> None:
    assert Story().judge().state is S.UNKNOWN


def test_one_that_answers_proves_it_open() -> None:
    story = Story()
    story.all_see(W.NO_ANSWER, count=3)
    assert story.see(90, W.ANSWERED).state is S.OPEN


@pytest.mark.parametrize("way", [W.NO_ANSWER, W.PROHIBITED])
def test_four_networks_that_fail_in_one_way_while_other_ports_get_out_are_a_block(way: ConnectOutcome) -> None:
    story = Story()
    assert story.all_see(way, count=3).state is S.UNKNOWN
    view = story.see(90, way)
    assert (view.state, view.confidence, view.networks) == (S.BLOCKED, Confidence.LIKELY, 4)
    assert view.passing_traffic == "port 443 of 90.1.0.1"


def test_with_a_reference_it_is_certain() -> None:
    view = Story().all_see(W.NO_ANSWER, reference="mx.reference.example")
    assert (view.state, view.confidence, view.references) == (S.BLOCKED, Confidence.CERTAIN, 4)


def test_four_hosts_of_one_network_are_one() -> None:
    story = Story()
    for host in range(1, 9):
        view = story.see(60, W.NO_ANSWER, host=host)
    assert view.state is S.UNKNOWN


def test_a_router_that_says_so_only_now_and_then_is_silent_in_between() -> None:
    story = Story()
    story.all_see(W.NO_ANSWER)
    assert story.see(90, W.PROHIBITED).state is S.BLOCKED


def test_resets_everywhere_are_a_block_once_another_port_is_known_to_get_out() -> None:
    story = Story()
    assert story.all_see(W.RESET).state is S.UNKNOWN
    story.book.record_other_egress(Family.IPV4, story.now, "the nameserver 9.9.9.9")
    assert story.judge().state is S.BLOCKED


def test_resets_by_all_that_answered_a_moment_ago_need_no_other_port() -> None:
    story = Story()
    story.all_see(W.ANSWERED, count=5)
    view = story.all_see(W.RESET, count=5)
    assert (view.state, view.confidence) == (S.BLOCKED, Confidence.LIKELY)


def test_failures_of_different_kinds_have_no_common_cause() -> None:
    story = Story()
    for network, way in enumerate((W.NO_ANSWER, W.RESET, W.NO_ANSWER, W.RESET, W.NO_ANSWER), 60):
        view = story.see(network, way)
    assert view.state is S.UNKNOWN


def test_if_nothing_else_gets_out_either_this_host_is_offline() -> None:
    view = Story().all_see(W.NO_ANSWER, SILENT_443)
    assert view.state is S.OFFLINE


def test_what_is_looked_for_seldom_counts_for_longer() -> None:
    """A trace is kept for minutes; meanwhile mail hosts that are silent on other ports do not make us offline."""
    story = Story()
    story.all_see(W.NO_ANSWER, SILENT_443)
    story.book.record_other_egress(Family.IPV4, story.now, "port 443 towards 60.1.0.1", lasts=10 * INTERVAL)
    assert story.judge().state is S.BLOCKED
    story.now += 5 * INTERVAL
    assert story.all_see(W.NO_ANSWER, SILENT_443).state is S.BLOCKED
    story.now += 5 * INTERVAL
    assert story.all_see(W.NO_ANSWER, SILENT_443).state is S.OFFLINE


def test_without_witnesses_nobody_can_tell() -> None:
    assert Story().all_see(W.NO_ANSWER, ()).state is S.UNKNOWN


def test_no_route_is_offline_for_its_family_alone() -> None:
    story = Story()
    story.tell("2a01:4f00::1", "mx.example", W.NO_ROUTE, Evidence(25))
    story.see(60, W.ANSWERED)
    view = story.book.views[Family.IPV6]
    assert (view.state, view.confidence) == (S.OFFLINE, Confidence.LIKELY)
    assert story.book.views[Family.IPV4].state is S.OPEN


@pytest.mark.parametrize("way", [W.UNREACHABLE, W.FAILED])
def test_a_far_router_or_our_own_shortage_says_nothing(way: ConnectOutcome) -> None:
    assert Story().all_see(way).state is S.UNKNOWN


def test_one_slow_reference_flips_nothing() -> None:
    story = Story()
    story.all_see(W.ANSWERED)
    assert story.see(90, W.NO_ANSWER, reference="mx.slow.example").state is S.OPEN


def test_it_turns_as_soon_as_each_network_was_seen_again() -> None:
    story = Story()
    story.all_see(W.ANSWERED)
    assert story.all_see(W.NO_ANSWER, count=3).state is S.OPEN
    assert story.see(63, W.NO_ANSWER).state is S.BLOCKED


def test_one_greeting_proves_it_open_and_what_was_begun_before_is_judged_as_before() -> None:
    story = Story()
    shut = story.all_see(W.NO_ANSWER)
    view = story.see(60, W.ANSWERED)
    assert (view.state, view.before, view.opened) == (S.OPEN, shut, story.now)


def test_a_connect_that_began_after_the_one_that_was_answered_in_the_end_is_judged_as_before_too() -> None:
    """The SYN was repeated after the opening; other connects that began meanwhile may have failed before that."""
    story = Story()
    shut = story.all_see(W.NO_ANSWER)
    began, story.now = story.now + 1.0, story.now + 16.0
    answered = Evidence(25)
    story.book.record(
        EgressObservation("60.1.0.1", "mx.domain60.example", answered, W.ANSWERED, began, began, story.now)
    )
    view = story.judge()
    assert (view.state, view.before, view.opened) == (S.OPEN, shut, story.now)


@pytest.mark.parametrize("way", [W.NO_GREETING, W.HUNG_UP])
def test_accepted_and_not_a_word_everywhere_is_a_block(way: ConnectOutcome) -> None:
    view = Story().all_see(way, reference="mx.reference.example")
    assert (view.state, view.confidence) == (S.BLOCKED, Confidence.CERTAIN)


def test_accepted_and_not_a_word_is_no_proof_of_an_open_way() -> None:
    story = Story()
    assert story.all_see(W.NO_GREETING, count=3).state is S.UNKNOWN
    assert story.see(90, W.HUNG_UP).state is S.BLOCKED


def test_a_reset_that_is_the_hosts_own_proves_it_open() -> None:
    story = Story()
    story.all_see(W.NO_ANSWER, count=3)
    story.see(90, W.RESET)
    assert story.judge().state is S.UNKNOWN
    story.book.confirm_reset("90.1.0.1", 0.0)
    assert story.judge().state is S.OPEN


def test_another_port_is_a_witness_and_no_more() -> None:
    story = Story()
    assert story.see(90, W.ANSWERED, port=587).state is S.UNKNOWN
    view = story.all_see(W.NO_ANSWER, ())
    assert (view.state, view.passing_traffic) == (S.BLOCKED, "port 587 of 90.1.0.1")
    assert story.see(91, W.NO_ANSWER, port=587).state is S.BLOCKED


def test_one_who_fails_otherwise_ends_it() -> None:
    story = Story()
    story.all_see(W.NO_ANSWER)
    view = story.see(90, W.NO_GREETING)
    assert view.state is S.UNKNOWN
    assert view.before is not None
    assert story.all_see(W.ANSWERED).state is S.OPEN


def test_one_address_counts_once_however_often_it_is_told_of() -> None:
    story = Story()
    story.all_see(W.NO_ANSWER)
    for _ in range(5):
        story.tell("60.1.0.1", "mx.domain60.example", W.NO_ANSWER, Evidence(25), on=1.5)
    assert story.judge().state is S.BLOCKED
    assert story.judge().networks == 4


def test_what_was_seen_too_long_ago_does_not_count() -> None:
    story = Story()
    story.all_see(W.ANSWERED)
    story.now += 10 * INTERVAL
    assert story.judge().state is S.UNKNOWN


def test_from_blocked_to_offline_when_the_other_ports_fall_silent_too() -> None:
    story = Story()
    story.all_see(W.NO_ANSWER)
    story.now += 2 * INTERVAL
    assert story.all_see(W.NO_ANSWER, SILENT_443).state is S.OFFLINE


def test_a_view_stays_the_same_object_while_nothing_turns() -> None:
    story = Story()
    view = story.all_see(W.NO_ANSWER)
    assert story.see(90, W.NO_ANSWER) is view
    assert story.book.judge(story.now, story.now) == ()


def test_a_proxy_is_seen_after_a_closer_look() -> None:
    story = Story()
    assert story.all_see(W.ANSWERED, fingerprints=PROXY).state is S.OPEN
    assert story.listen() == list(PROXY)
    assert story.judge().state is S.OPEN
    story.book.record_check(Family.IPV4, PROXY[0], InspectionResult.FOREIGN, story.now)
    view = story.judge()
    assert (view.state, view.confidence, view.common_fingerprint) == (S.INTERCEPTED, Confidence.CERTAIN, PROXY[0])
    assert story.listen() == []


@pytest.mark.parametrize(
    ("finding", "state", "confidence"),
    [(InspectionResult.OWN, S.OPEN, Confidence.CERTAIN), (InspectionResult.OPEN, S.INTERCEPTED, Confidence.LIKELY)],
)
def test_what_the_closer_look_says_decides(
    finding: InspectionResult, state: EgressState, confidence: Confidence
) -> None:
    story = Story()
    story.all_see(W.ANSWERED, fingerprints=PROXY)
    story.listen()
    story.book.record_check(Family.IPV4, PROXY[0], finding, story.now)
    assert (story.judge().state, story.judge().confidence) == (state, confidence)


def test_a_reference_that_bears_the_mark_too_makes_it_certain() -> None:
    story = Story()
    story.all_see(W.ANSWERED, fingerprints=PROXY, reference="mx.reference.example")
    story.listen()
    story.book.record_check(Family.IPV4, PROXY[0], InspectionResult.OPEN, story.now)
    assert (story.judge().state, story.judge().confidence) == (S.INTERCEPTED, Confidence.CERTAIN)


def test_a_look_without_result_convicts_nobody_who_has_an_alibi() -> None:
    story = Story()
    story.all_see(W.ANSWERED, fingerprints=PROXY)
    story.see(90, W.ANSWERED, fingerprints=("name:mx.domain90.example",))
    story.listen()
    story.book.record_check(Family.IPV4, PROXY[0], InspectionResult.OPEN, story.now)
    assert story.judge().state is S.OPEN


def test_a_proxy_that_is_gone_is_forgotten() -> None:
    story = Story()
    story.all_see(W.ANSWERED, fingerprints=PROXY)
    story.listen()
    story.book.record_check(Family.IPV4, PROXY[0], InspectionResult.FOREIGN, story.now)
    assert story.judge().state is S.INTERCEPTED
    for number in range(4):
        story.see(60 + number, W.ANSWERED, fingerprints=(f"name:mx.domain{60 + number}.example",))
    story.listen()
    assert story.judge().state is S.OPEN


def test_an_outcome_counts_until_the_next_slow_failure_is_known() -> None:
    """Probes that meet silence take longer than the interval: no moment in which nothing is known lies between."""
    story = Story()
    story.book.interval, story.book.takes = 5.0, 30.0
    story.all_see(W.NO_ANSWER)
    story.now += 32.0
    assert story.judge().state is S.BLOCKED
    story.now += 6.0
    assert story.judge().state is S.UNKNOWN


def test_a_host_without_a_route_does_not_hide_that_the_way_out_is_shut() -> None:
    """One on our own network that is gone, or a network that we have blackholed: nothing of it leaves."""
    story = Story()
    for way in (W.ANSWERED, W.NO_ANSWER):
        story.see(99, W.NO_ROUTE)
        story.all_see(way)
    assert story.judge().state is S.BLOCKED
    assert story.see(99, W.NO_ROUTE).state is S.BLOCKED
    assert story.judge().networks == 4


@pytest.mark.parametrize("domain_first", [True, False])
def test_a_reference_that_is_a_domains_mail_host_too_is_a_reference(domain_first: bool) -> None:
    story = Story()
    for way in (W.ANSWERED, W.NO_ANSWER):
        story.all_see(way)
        for reference in ("", "mx.domain90.example") if domain_first else ("mx.domain90.example", ""):
            evidence = Evidence(25, witnesses=() if way is W.ANSWERED else ANSWERING_443)
            story.tell("90.1.0.1", "mx.domain90.example", way, evidence, reference=reference, on=story.now)
    view = story.judge()
    assert (view.state, view.confidence, view.references) == (S.BLOCKED, Confidence.CERTAIN, 1)


def test_one_session_told_as_a_domains_and_then_as_a_references_is_one_of_a_reference() -> None:
    story = Story()
    story.all_see(W.NO_ANSWER)
    for reference in ("", "mx.domain60.example"):
        evidence = Evidence(25, witnesses=ANSWERING_443)
        story.tell("60.1.0.1", "mx.domain60.example", W.NO_ANSWER, evidence, reference=reference, on=story.now)
    assert story.judge().confidence is Confidence.CERTAIN


def test_of_a_references_addresses_without_end_the_first_are_forgotten() -> None:
    """Its DNS may give another each time; what is remembered of them is that a domain's host is a reference, too."""

    def references_after(invented: int) -> int:
        story = Story()
        story.all_see(W.ANSWERED, reference="r")
        for number in range(invented):
            address = f"44.0.{number // 256}.{number % 256}"
            story.tell(address, "mx.example.net", W.UNREACHABLE, Evidence(25), reference="r")
        return story.all_see(W.NO_ANSWER).references  # asked for as the hosts of domains

    assert references_after(10) == 4
    assert references_after(3000) == 0
