"""The transcripts that are kept: no target, server or number of them makes them more than their bound."""

from __future__ import annotations

import pytest

from exporter.model.failure import FailureClass
from exporter.model.result import HostResult, ProbeResult, TranscriptLine
from exporter.model.target import Target
from exporter.store.transcripts import (
    MAX_STORED_BYTES,
    MAX_TARGET_BYTES,
    OVERHEAD_BYTES,
    StoredTranscript,
    TranscriptStore,
)
from tests.results import AT, changed, domain, down_host, result, up_host
from tests.support.steps import at_once

C = FailureClass
LINES = (TranscriptLine(0.25, False, b"220 mx ESMTP\r\n"), TranscriptLine(0.5, True, b"QUIT\r\n"))


def spoke(host: HostResult, at: float = AT, *lines: TranscriptLine) -> HostResult:
    return changed(host, at=at, transcript=lines or LINES)


def worked(at: float = AT, address: str = "192.0.2.1", *lines: TranscriptLine) -> HostResult:
    return spoke(up_host(address=address), at, *lines)


def failed(failure_class: FailureClass, at: float = AT, *lines: TranscriptLine) -> HostResult:
    return spoke(down_host(failure_class, "mx1.healthy.example", "192.0.2.1"), at, *lines)


def take_in(dialogues: TranscriptStore, probed: ProbeResult, target: Target | None = None) -> None:
    heard = {(host.mx, host.address): host.transcript for host in probed.hosts}
    dialogues.keep(target or domain(), probed, heard)


def keep(dialogues: TranscriptStore, *hosts: HostResult, target: Target | None = None) -> None:
    for host in hosts:
        take_in(dialogues, result(host), target)


def kept(dialogues: TranscriptStore) -> tuple[StoredTranscript, ...]:
    return dialogues.of(domain().key)


def ways(dialogues: TranscriptStore) -> list[FailureClass | None]:
    return [one.failure.failure_class if one.failure else None for one in kept(dialogues)]


def test_a_dialogue_comes_back_as_it_was() -> None:
    dialogues = TranscriptStore()
    take_in(dialogues, result(worked(), down_host()))
    (one,) = kept(dialogues)
    assert (one.transcript, one.whole, one.mx, one.address, one.at) == (
        LINES,
        True,
        "mx1.healthy.example",
        "192.0.2.1",
        AT,
    )


def test_of_a_host_that_said_nothing_nothing_is_kept() -> None:
    dialogues = TranscriptStore()
    take_in(dialogues, result(up_host()))
    assert kept(dialogues) == ()


def test_one_success_and_one_failure_of_each_class_are_kept_the_latest_first() -> None:
    dialogues = TranscriptStore()
    keep(
        dialogues,
        failed(C.GREYLISTED, AT),
        worked(AT + 1),
        worked(AT + 2),
        failed(C.TIMEOUT, AT + 3),
        failed(C.GREYLISTED, AT + 4),
        worked(AT + 5),
    )
    assert [(one.at - AT, way) for one, way in zip(kept(dialogues), ways(dialogues), strict=True)] == [
        (5, None),
        (4, C.GREYLISTED),
        (3, C.TIMEOUT),
    ]


def test_how_often_it_went_this_way_in_a_row_is_counted() -> None:
    dialogues = TranscriptStore()
    keep(dialogues, worked(AT), *(failed(C.TIMEOUT, AT + number) for number in (1, 2, 3)))
    assert [(one.times, one.first_at - AT) for one in kept(dialogues)] == [(3, 1), (1, 0)]
    keep(dialogues, worked(AT + 4), failed(C.TIMEOUT, AT + 5))
    assert [(one.times, one.first_at - AT) for one in kept(dialogues)] == [(1, 5), (1, 4)]


def test_a_session_that_is_told_of_twice_counts_once() -> None:
    dialogues = TranscriptStore()
    keep(dialogues, worked(AT), worked(AT))
    assert [one.times for one in kept(dialogues)] == [1]


@pytest.mark.parametrize("lines", [1, 1000])
def test_a_flood_is_cut_and_says_so(lines: int) -> None:
    flood = tuple(TranscriptLine(0.0, False, b"x" * (1_000_000 // lines)) for _ in range(lines))
    dialogues = TranscriptStore()
    keep(dialogues, worked(AT, "192.0.2.1", *flood))
    (one,) = kept(dialogues)
    assert not one.whole
    assert sum(len(line.data) for line in one.transcript) == MAX_STORED_BYTES


def test_a_target_has_a_bound_of_its_own_and_successes_go_first() -> None:
    long = TranscriptLine(0.0, False, b"x" * 1000)
    dialogues = TranscriptStore()
    keep(dialogues, *(worked(AT + number, f"192.0.2.{number}", long) for number in range(1, 30)))
    assert 0 < sum(one.size for one in kept(dialogues)) <= MAX_TARGET_BYTES
    keep(dialogues, *(failed(failure_class, AT + 100 + n, long) for n, failure_class in enumerate(C)))
    assert sum(one.size for one in kept(dialogues)) <= MAX_TARGET_BYTES
    assert ways(dialogues).count(None) == 1
    assert ways(dialogues)[0] is list(C)[-1]  # the latest


def test_all_together_have_a_bound_in_which_failures_outlive_successes() -> None:
    most = 100 * (OVERHEAD_BYTES + 100)
    dialogues = TranscriptStore(most)
    keep(dialogues, failed(C.TIMEOUT), target=domain("broken.example"))
    for number in range(1000):
        keep(dialogues, worked(AT + number), target=domain(f"d{number}.example"))
    assert dialogues.size <= most
    assert len(dialogues.of(domain("broken.example").key)) == 1
    assert dialogues.of(domain("d0.example").key) == ()
    assert len(dialogues.of(domain("d999.example").key)) == 1


def test_failures_leave_successes_their_share() -> None:
    most = 100 * (OVERHEAD_BYTES + 100)
    dialogues = TranscriptStore(most)
    for number in range(10):
        keep(dialogues, worked(AT + number), target=domain(f"up{number}.example"))
    for number in range(1000):
        keep(dialogues, failed(C.TIMEOUT, AT + number), target=domain(f"down{number}.example"))
    assert dialogues.size <= most
    assert len(dialogues.of(domain("up0.example").key)) == 1
    assert dialogues.of(domain("down0.example").key) == ()


def test_what_is_no_longer_configured_is_forgotten() -> None:
    dialogues = TranscriptStore()
    keep(dialogues, worked(), failed(C.TIMEOUT))
    keep(dialogues, worked(), target=domain("other.example"))
    at_once(dialogues.keeping([domain("other.example")]))
    assert kept(dialogues) == ()
    assert len(dialogues.of(domain("other.example").key)) == 1
    at_once(dialogues.keeping([]))
    assert dialogues.size == 0
