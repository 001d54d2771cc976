"""The probes under way: lines as they come, and what is waited for."""

from __future__ import annotations

import pytest

from exporter.commands.live import Awaited, LiveSession, result_of
from exporter.model.failure import Stage
from exporter.model.result import TlsResult, TranscriptLine
from exporter.probe.transcript_recorder import MAX_TRANSCRIPT_BYTES
from tests.commands.watching import Watched
from tests.results import result, up_host

ADDRESS = "192.0.2.7"


def session() -> LiveSession:
    begun = LiveSession("mx.example", ADDRESS)
    begun.awaits(Stage.CONNECT)
    return begun


def said(live: LiveSession, *pieces: tuple[bool, bytes]) -> list[str]:
    for sent, data in pieces:
        live.said(TranscriptLine(0.5, sent, data))
    return [one.mark + one.text for one in live.lines]


def test_a_wait_names_its_address_and_its_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [5.0]
    monkeypatch.setattr("exporter.commands.live.time.monotonic", lambda: now[0])
    live = session()
    assert live.wait == Awaited(f"connecting to {ADDRESS}", 5.0)
    now[0] = 6.0
    live.connected(1.0, None)
    assert live.wait == Awaited("waiting for a turn with mx.example", 6.0)
    for stage, text in (
        (Stage.BANNER, f"waiting for the greeting of {ADDRESS}"),
        (Stage.EHLO, f"waiting for the answer of {ADDRESS} to EHLO"),
        (Stage.RCPT, f"waiting for the answer of {ADDRESS} to RCPT"),
        (Stage.TLS, f"TLS handshake with {ADDRESS}"),
    ):
        live.awaits(stage)
        assert live.wait.text == text
    live.ended()
    assert live.wait.text == f"looking further into {ADDRESS}"


def test_a_line_is_shown_whole_and_what_steers_a_terminal_is_escaped() -> None:
    assert said(session(), (False, b"220 m")) == []
    whole = ["< 220 mx", "> QUIT", "< 221 \\x1b[2J"]
    assert (
        said(session(), (False, b"220 m"), (False, b"x\r\n"), (True, b"QUIT\r\n"), (False, b"221 \x1b[2J\n")) == whole
    )
    assert said(session(), (False, b"220-a\r\n220 b\r\n250"), (True, b"QUIT\r\n")) == [
        "< 220-a", "< 220 b", "< 250", "> QUIT",
    ]  # fmt: skip
    live = session()
    said(live, (False, b"220 m"))
    live.ended()
    assert [one.text for one in live.lines] == ["220 m"]


def test_a_server_that_says_too_much_is_cut() -> None:
    live = session()
    assert len(said(live, *[(False, b"x" * 999 + b"\n")] * 50)) == MAX_TRANSCRIPT_BYTES // 1000
    assert len(said(session(), (False, b"\n" * 5000))) == 1000


def test_the_handshake_stands_in_its_place() -> None:
    live = session()
    said(live, (False, b"220 ready\r\n"))
    live.secured(0.6, TlsResult("TLSv1.3", "AES", verified=True, subject="mx.example"))
    lines = said(live, (True, b"EHLO me\r\n"))
    assert lines == ["< 220 ready", "* TLSv1.3 AES, certificate for mx.example, verified", "> EHLO me"]


def test_a_second_session_of_a_conversation_goes_on_behind_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [5.0]
    monkeypatch.setattr("exporter.commands.live.time.monotonic", lambda: now[0])
    live = session()
    live.connected(0.1, None)
    live.ended()
    now[0] = 8.0
    live.awaits(Stage.CONNECT)
    live.connected(0.25, 0.2)
    assert [(one.at, one.mark + one.text) for one in live.lines] == [
        (0.1, "connected"), (3.0, "* another session"), (3.25, "connected (kernel round-trip time 200.0 ms)"),
    ]  # fmt: skip


def test_the_sessions_of_a_host_are_those_with_its_name() -> None:
    watched = Watched(result(up_host(), up_host("mx2.example", "192.0.2.2")))
    first, second = watched.hosts
    second.conversation = first.conversation
    watched.greet(0)
    assert watched.live.session_of(first) is not None
    assert watched.live.session_of(second) is None


def test_a_session_with_a_host_that_was_seen_is_not_shown() -> None:
    watched = Watched(result(up_host()))
    watched.greet(0)
    assert result_of(watched.hosts[0]) is None
    assert result_of(watched.hosts[0]) is not watched.end(0)
    session = watched.live.session_of(watched.hosts[0])
    watched.greet(0)
    assert watched.live.session_of(watched.hosts[0]) is session
    assert session is not None
    assert len(session.lines) == 2
