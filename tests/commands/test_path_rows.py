"""The rows of a path, each as soon as it is settled."""

from __future__ import annotations

import pytest

from exporter.commands.path_rows import PathRows
from exporter.model.path_trace import Hop, HopKind, PathTrace
from exporter.probe.traceroute import TraceRequest

K = HopKind
TARGET = "192.0.2.25"
ROUTER = Hop(1, K.TIME_EXCEEDED, "192.0.2.254", 0.001)
SILENT = Hop(2, K.SILENT)
REACHED = Hop(2, K.REACHED, TARGET, 0.02)
OTHER = PathTrace(TARGET, 443, (Hop(1, K.TIME_EXCEEDED, "192.0.2.254", 0.0005), REACHED))
PATHS = PathTrace(TARGET, 25, (ROUTER, SILENT), OTHER)
REQUEST = TraceRequest(TARGET, 25, 443)


def rows(width: int | None = None, request: TraceRequest = REQUEST) -> PathRows:
    return PathRows("mx.example.org", request, width)


def texts(lines: object) -> list[str]:
    return [line.text for line in lines]  # type: ignore[attr-defined]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr("exporter.commands.path_rows.time.monotonic", lambda: now[0])
    return now


@pytest.mark.parametrize("width", [None, 200, 120, 92])
def test_where_there_is_room_both_ports_have_their_place(width: int | None) -> None:
    shown = rows(width)
    assert shown.heading().text == "mx.example.org [192.0.2.25]"
    assert texts(shown.end(PATHS))[:3] == [
        " hop  port 25                                             port 443",
        "   1  192.0.2.254  1.0 ms                                 192.0.2.254  0.5 ms",
        "   2  *                                                   192.0.2.25  20.0 ms  reached",
    ]


def test_on_a_narrower_terminal_they_come_closer() -> None:
    assert texts(rows(80).end(PATHS))[:3] == [
        " hop  port 25                             port 443",
        "   1  192.0.2.254  1.0 ms                 192.0.2.254  0.5 ms",
        "   2  *                                   192.0.2.25  20.0 ms  reached",
    ]


def test_and_on_the_narrowest_one_stands_below_the_other() -> None:
    assert texts(rows(60).end(PATHS))[:6] == [
        " hop  port 25",
        "   1  192.0.2.254  1.0 ms",
        "   2  *",
        " hop  port 443",
        "   1  192.0.2.254  0.5 ms",
        "   2  192.0.2.25  20.0 ms  reached",
    ]


def test_a_row_is_shown_as_soon_as_both_ports_have_answered_and_once() -> None:
    shown = rows()
    assert texts(shown.rows()) == []
    shown.take(25, (ROUTER, SILENT), False)
    assert texts(shown.rows()) == []
    shown.take(443, OTHER.hops, False)
    assert len(texts(shown.rows())) == 2  # the ports and the first row
    assert texts(shown.rows()) == []
    assert shown.waiting() == f"tracing the path to {TARGET} port 25 and 443, hop 2"
    shown.take(443, OTHER.hops, True)
    assert shown.waiting() == f"tracing the path to {TARGET} port 25, hop 2"
    assert len(texts(shown.end(PATHS))) == 2  # the second row and the finding
    assert shown.waiting() == ""


def test_a_hop_is_silent_when_its_time_is_over_and_a_later_answer_has_a_row_of_its_own(clock: list[float]) -> None:
    shown = rows(request=TraceRequest(TARGET, 25))
    shown.take(25, (Hop(1, K.SILENT), Hop(2, K.TIME_EXCEEDED, "192.0.2.9", 0.002)), False)
    assert texts(shown.rows()) == []
    clock[0] += 3.0
    assert texts(shown.rows())[1:] == ["   1  *", "   2  192.0.2.9  2.0 ms"]
    late = Hop(1, K.TIME_EXCEEDED, "192.0.2.254", 3.5)
    path = PathTrace(TARGET, 25, (late, Hop(2, K.TIME_EXCEEDED, "192.0.2.9", 0.002), Hop(3, K.REACHED, TARGET, 0.003)))
    assert texts(shown.end(path))[:-1] == ["   3  192.0.2.25  3.0 ms  reached", "   1  192.0.2.254  3500.0 ms"]


def test_rows_behind_the_end_of_a_path_are_not_shown() -> None:
    shown = rows(request=TraceRequest(TARGET, 25))
    shown.take(25, (ROUTER, REACHED, Hop(3, K.REACHED, TARGET, 0.02)), False)
    assert len(texts(shown.rows())) == 3
    assert [text[:4] for text in texts(shown.end(PathTrace(TARGET, 25, (ROUTER, REACHED))))] == ["The "]


def test_an_interrupted_path_shows_all_answers_and_claims_nothing() -> None:
    shown = rows()
    shown.take(25, (ROUTER, SILENT, Hop(3, K.SILENT)), False)
    shown.take(443, (*OTHER.hops, Hop(3, K.SILENT)), False)
    *_, second, finding = texts(shown.interrupted())
    assert second.endswith("192.0.2.25  20.0 ms  reached")
    assert finding == "interrupted: the path of ports 25 and 443 is known up to hop 1, so there is no finding"


@pytest.mark.parametrize(("width", "beside"), [(118, True), (117, False)])
def test_addresses_of_ipv6_take_more_room(width: int, beside: bool) -> None:
    target = "2001:db8::25"
    hop = Hop(1, K.REACHED, target, 0.001)
    path = PathTrace(target, 25, (hop,), PathTrace(target, 443, (hop,)))
    first, *_ = texts(rows(width, TraceRequest(target, 25, 443)).end(path))
    assert ("port 443" in first) is beside
