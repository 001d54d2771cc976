"""The search for a refusal after a violation, fed whole and byte by byte."""

from __future__ import annotations

import pytest

from exporter.model.failure import Stage
from exporter.smtp.events import Problem, ProblemKind
from exporter.smtp.refusal_listener import RefusalListener
from exporter.smtp.reply import MAX_BEHIND_BYTES, ReadError, Reply, ReplyReader
from tests.smtp.feeding import FEEDS, Feed, bytewise, whole

UNSOLICITED = Problem(Stage.EHLO, Reply(250, (b"mx",)), ProblemKind.VIOLATION, "spoke before it was its turn")


def finding(
    data: bytes, feed: Feed, *, stage: Stage = Stage.BANNER, violation: Problem | None = None, eof: bool = False
) -> Reply | Problem | None:
    """The finding in `data`, if it comes before or with the end of the data."""
    reader = ReplyReader()
    listener = RefusalListener(reader, stage, violation)
    for piece in feed(data):
        reader.receive_data(piece)
        if violation is None and not isinstance(reader.next_reply(), ReadError):
            continue  # the dialogue listens from the error on
        if (found := listener.finding(eof=False)) is not None:
            return found
    return listener.finding(eof=True) if eof else None


@pytest.mark.parametrize("feed", FEEDS)
@pytest.mark.parametrize("stage", [Stage.BANNER, Stage.EHLO])
def test_a_refusal_behind_a_malformed_line_is_found_at_once(feed: Feed, stage: Stage) -> None:
    assert finding(b"Welcome\r\n554 5.7.1 listed\r\n", feed, stage=stage) == Reply(554, (b"5.7.1 listed",))


@pytest.mark.parametrize("feed", FEEDS)
def test_an_unfinished_refusal_counts_only_at_the_end(feed: Feed) -> None:
    assert finding(b"Welcome\r\n554 lis", feed) is None
    assert finding(b"Welcome\r\n554 lis", feed, eof=True) == Reply(554, (b"lis",), cut=True)


@pytest.mark.parametrize("feed", FEEDS)
@pytest.mark.parametrize(("stage", "verb"), [(Stage.BANNER, "greeted"), (Stage.EHLO, "answered")])
def test_without_a_refusal_the_problem_is_the_malformed_line(feed: Feed, stage: Stage, verb: str) -> None:
    assert finding(b"Welcome\r\n", feed, stage=stage) is None
    detail = f'{verb} with a malformed reply: line 1 has no reply code: "Welcome"'
    assert finding(b"Welcome\r\n", feed, stage=stage, eof=True) == Problem(stage, None, ProblemKind.VIOLATION, detail)


@pytest.mark.parametrize("feed", FEEDS)
@pytest.mark.parametrize("data", [b"SSH-2.0-OpenSSH_9.6\r\n", b"router login: "])
def test_another_protocol_is_named_where_the_first_bytes_are_no_reply(feed: Feed, data: bytes) -> None:
    found = finding(data, feed, eof=True)
    assert isinstance(found, Problem)
    assert (found.stage, found.kind) == (Stage.BANNER, ProblemKind.NOT_SMTP)
    later = finding(data, feed, stage=Stage.EHLO, eof=True)
    assert isinstance(later, Problem)
    assert (later.stage, later.kind) == (Stage.EHLO, ProblemKind.VIOLATION)


@pytest.mark.parametrize("feed", FEEDS)
def test_behind_unsolicited_data_the_given_violation_is_the_problem_or_the_refusal_is(feed: Feed) -> None:
    assert finding(b"SSH-2.0-x\r\n", feed, violation=UNSOLICITED, eof=True) == UNSOLICITED
    assert finding(b"250 x\r\n421 bye\r\n", feed, violation=UNSOLICITED) == Reply(421, (b"bye",))


@pytest.mark.parametrize("feed", [whole, bytewise])
def test_the_bytes_listened_to_are_bounded(feed: Feed) -> None:
    found = finding(b"Welcome\r\n" + b"x" * (MAX_BEHIND_BYTES + 1), feed, stage=Stage.EHLO)
    assert isinstance(found, Problem)
    assert found.kind is ProblemKind.VIOLATION
