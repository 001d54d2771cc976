"""The transcripts that are kept: no conversation, server or number of them makes them more than their bound."""

from __future__ import annotations

import pytest

from exporter.model.failure import FailureClass
from exporter.model.result import HostIdentity, HostResult, Said, TranscriptLine
from exporter.store.transcripts import (
    MAX_CONVERSATION_BYTES,
    MAX_STORED_BYTES,
    OVERHEAD_BYTES,
    StoredTranscript,
    TranscriptStore,
    keys_of,
)
from tests.results import AT, changed, down_host, up_host

C = FailureClass
LINES = (TranscriptLine(0.25, False, b"220 mx ESMTP\r\n"), TranscriptLine(0.5, True, b"QUIT\r\n"))


def spoke(host: HostResult, at: float = AT, *lines: TranscriptLine) -> HostResult:
    return changed(host, at=at, transcript=lines or LINES)


def worked(at: float = AT, address: str = "192.0.2.1", *lines: TranscriptLine) -> HostResult:
    return spoke(up_host(address=address), at, *lines)


def failed(failure_class: FailureClass, at: float = AT, *lines: TranscriptLine) -> HostResult:
    return spoke(down_host(failure_class, "mx1.healthy.example", "192.0.2.1"), at, *lines)


def key(name: str = "", address: str = "192.0.2.1") -> HostIdentity:
    return HostIdentity(name, address, 25, "default")


HERE = key()


def keep(dialogues: TranscriptStore, *hosts: HostResult, at: HostIdentity = HERE) -> None:
    for host in hosts:
        dialogues.keep(at, host, Said.of(host.transcript))


def kept(dialogues: TranscriptStore) -> tuple[StoredTranscript, ...]:
    return dialogues.of([HERE])


def ways(dialogues: TranscriptStore) -> list[FailureClass | None]:
    return [one.failure.failure_class if one.failure else None for one in kept(dialogues)]


def test_a_dialogue_comes_back_as_it_was() -> None:
    dialogues = TranscriptStore()
    keep(dialogues, worked(), down_host())
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
    keep(dialogues, up_host())
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


def test_words_that_come_again_have_new_times_and_the_last_place_and_take_no_more_room() -> None:
    said = Said.of(LINES)
    dialogues, other = TranscriptStore(max_bytes=3 * OVERHEAD_BYTES), key(address="192.0.2.2")
    dialogues.keep(HERE, worked(), said)
    dialogues.keep(other, worked(AT, "192.0.2.2"), said)
    size = dialogues.size
    for at in (AT + 60.0, AT + 60.0, AT + 120.0):
        dialogues.keep(HERE, worked(at), said._replace(times=(0.5, 0.75)))
    (one,) = kept(dialogues)
    assert (one.times, one.at, one.words is said.words) == (3, AT + 120.0, True)
    assert [line.at for line in one.transcript] == [0.5, 0.75]
    assert dialogues.size == size
    keep(dialogues, worked(AT, "192.0.2.3"), at=key(address="192.0.2.3"))
    assert (len(kept(dialogues)), dialogues.of([other])) == (1, ()), "the one that was kept longest ago goes"


@pytest.mark.parametrize("lines", [1, 1000])
def test_a_flood_is_cut_and_says_so(lines: int) -> None:
    flood = tuple(TranscriptLine(0.0, False, b"x" * (1_000_000 // lines)) for _ in range(lines))
    dialogues = TranscriptStore()
    keep(dialogues, worked(AT, "192.0.2.1", *flood))
    (one,) = kept(dialogues)
    assert not one.whole
    assert sum(len(line.data) for line in one.transcript) == MAX_STORED_BYTES


def test_a_conversation_has_a_bound_of_its_own_and_successes_go_first() -> None:
    long = TranscriptLine(0.0, False, b"x" * 1000)
    dialogues = TranscriptStore()
    keep(dialogues, worked(AT, "192.0.2.1", long))
    keep(dialogues, *(failed(failure_class, AT + 100 + n, long) for n, failure_class in enumerate(C)))
    assert sum(one.size for one in kept(dialogues)) <= MAX_CONVERSATION_BYTES
    assert ways(dialogues).count(None) == 1
    assert ways(dialogues)[0] is list(C)[-1]  # the latest


def test_all_together_have_a_bound_in_which_failures_outlive_successes() -> None:
    most = 100 * (OVERHEAD_BYTES + 100)
    dialogues = TranscriptStore(most)
    keep(dialogues, failed(C.TIMEOUT), at=key("broken.example"))
    for number in range(1000):
        keep(dialogues, worked(AT + number), at=key(f"d{number}.example"))
    assert dialogues.size <= most
    assert len(dialogues.of([key("broken.example")])) == 1
    assert dialogues.of([key("d0.example")]) == ()
    assert len(dialogues.of([key("d999.example")])) == 1


def test_failures_leave_successes_their_share() -> None:
    most = 100 * (OVERHEAD_BYTES + 100)
    dialogues = TranscriptStore(most)
    for number in range(10):
        keep(dialogues, worked(AT + number), at=key(f"up{number}.example"))
    for number in range(1000):
        keep(dialogues, failed(C.TIMEOUT, AT + number), at=key(f"down{number}.example"))
    assert dialogues.size <= most
    assert len(dialogues.of([key("up0.example")])) == 1
    assert dialogues.of([key("down0.example")]) == ()


def test_what_is_forgotten_leaves_the_rest() -> None:
    dialogues = TranscriptStore()
    keep(dialogues, worked(), failed(C.TIMEOUT))
    keep(dialogues, worked(), at=key("other.example"))
    dialogues.forget([HERE, key("never.example")])
    assert kept(dialogues) == ()
    assert len(dialogues.of([key("other.example")])) == 1
    dialogues.forget([key("other.example")])
    assert dialogues.size == 0


def test_a_page_has_those_of_shared_sessions_and_of_a_host_s_own_the_latest_first() -> None:
    dialogues = TranscriptStore()
    host = key("mx1.a.example")
    shared, own = keys_of(host)
    assert (shared, own) == (HERE, host)
    keep(dialogues, worked(AT), at=shared)
    keep(dialogues, failed(C.TIMEOUT, AT + 1), at=own)
    keep(dialogues, failed(C.CLOSED, AT + 2), at=shared)
    keep(dialogues, worked(AT + 3), at=key("mx2.b.example"))
    found = dialogues.of([*keys_of(host), *keys_of(key("mx9.c.example"))])
    assert [one.at - AT for one in found] == [2, 1, 0]


def test_a_session_that_another_name_leads_follows_in_the_same_conversation() -> None:
    dialogues = TranscriptStore()
    keep(dialogues, worked(AT), changed(worked(AT + 1), mx="mx2.other.example"))
    (one,) = kept(dialogues)
    assert (one.times, one.mx) == (2, "mx2.other.example")
