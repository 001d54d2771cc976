"""The conversation, fed whole and byte by byte, against servers that keep to the protocol and that do not."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.model.failure import Stage
from exporter.smtp.dialogue import Dialogue
from exporter.smtp.events import Finished, Listen, Problem, ProblemKind
from exporter.smtp.plan import Plan, State
from exporter.smtp.reply import Reply
from tests.smtp.feeding import FEEDS, Feed, bytewise, whole
from tests.smtp.talking import BYE, EOF, GREETING, converse

EHLO = Plan(b"probe.example")
CAPABILITIES = b"250-mx.example\r\n250 SIZE 1000\r\n"


@pytest.mark.parametrize("feed", FEEDS)
def test_the_ordinary_conversation_is_banner_ehlo_quit(feed: Feed) -> None:
    dialogue, log = converse(EHLO, GREETING, CAPABILITIES, BYE, feed=feed)
    assert log == ["< banner 220", "> EHLO probe.example", "< ehlo 250", "> QUIT", "< quit 221", "."]
    assert dialogue.result.problem is None
    assert dialogue.result.quit_clean
    assert not dialogue.result.helo_only
    assert dialogue.result.ehlo == Reply(250, (b"mx.example", b"SIZE 1000"))
    assert dialogue.state is State.FINISHED
    assert dialogue.stage is None


def test_nothing_is_said_before_the_greeting() -> None:
    _, log = converse(EHLO)
    assert log == []


@pytest.mark.parametrize("refusal", [b"500 what\r\n", b"502 not implemented\r\n", b"550 no\r\n", b"450 later\r\n"])
def test_helo_follows_a_refused_ehlo(refusal: bytes) -> None:
    dialogue, log = converse(EHLO, GREETING, refusal, b"250 mx.example\r\n", BYE)
    assert log[2:] == [
        f"< ehlo {refusal[:3].decode()}",
        "> HELO probe.example",
        "< ehlo 250",
        "> QUIT",
        "< quit 221",
        ".",
    ]
    assert dialogue.result.helo_only
    assert dialogue.result.ehlo is None
    assert dialogue.result.problem is None


def test_helo_refused_too_is_the_problem_and_ehlos_answer_is_kept() -> None:
    dialogue, log = converse(EHLO, GREETING, b"550 5.7.1 listed\r\n", b"500 no\r\n", BYE)
    assert log[-3:] == ["> QUIT", "< quit 221", "."]
    assert dialogue.result.problem == Problem(Stage.EHLO, Reply(500, (b"no",)))
    assert dialogue.result.refusals == [(Stage.EHLO, Reply(550, (b"5.7.1 listed",)))]


def test_a_module_can_ask_for_helo_alone_and_then_it_is_no_fault_of_the_server() -> None:
    dialogue, log = converse(Plan(b"probe.example", (State.HELO,)), GREETING, b"250 mx\r\n", BYE)
    assert log[1] == "> HELO probe.example"
    assert dialogue.result.problem is None
    assert not dialogue.result.helo_only


@pytest.mark.parametrize("code", [450, 550, 554])
def test_after_a_refusing_greeting_the_client_still_quits(code: int) -> None:
    dialogue, log = converse(EHLO, f"{code} no\r\n".encode(), BYE)
    assert log == [f"< banner {code}", "> QUIT", "< quit 221", "."]
    assert dialogue.result.problem == Problem(Stage.BANNER, Reply(code, (b"no",)))


@pytest.mark.parametrize(
    ("turns", "stage"), [((b"421 busy\r\n",), Stage.BANNER), ((GREETING, b"421 busy\r\n"), Stage.EHLO)]
)
def test_421_ends_the_conversation_without_another_word(turns: tuple[bytes, ...], stage: Stage) -> None:
    dialogue, log = converse(EHLO, *turns)
    assert log[-2:] == [f"< {stage} 421", "."]
    assert dialogue.result.problem == Problem(stage, Reply(421, (b"busy",)))


@pytest.mark.parametrize("feed", FEEDS)
@pytest.mark.parametrize(
    ("turns", "stage", "kind"),
    [
        ((EOF,), Stage.BANNER, ProblemKind.CLOSED),
        ((b"220 mx", EOF), Stage.BANNER, ProblemKind.CLOSED),
        ((GREETING, EOF), Stage.EHLO, ProblemKind.CLOSED),
        ((GREETING, b"250-mx\r\n", EOF), Stage.EHLO, ProblemKind.CLOSED),
        ((b"22\r\n",), Stage.BANNER, ProblemKind.VIOLATION),
        ((b"250 hello\r\n",), Stage.BANNER, ProblemKind.VIOLATION),
        ((b"354 go on\r\n",), Stage.BANNER, ProblemKind.VIOLATION),
        ((GREETING, b"354 go on\r\n"), Stage.EHLO, ProblemKind.VIOLATION),
        ((GREETING, b"221 goodbye then\r\n"), Stage.EHLO, ProblemKind.VIOLATION),
        ((GREETING, b"250-a\r\n150 b\r\n"), Stage.EHLO, ProblemKind.VIOLATION),
        ((b"SSH-2.0-OpenSSH\r\n",), Stage.BANNER, ProblemKind.NOT_SMTP),
        ((b"220 (vsFTPd 3.0.5)\r\n",), Stage.BANNER, ProblemKind.NOT_SMTP),
        ((b"router login: ",), Stage.BANNER, ProblemKind.NOT_SMTP),
        ((b"\x16\x03\x01",), Stage.BANNER, ProblemKind.NOT_SMTP),
    ],
)
def test_a_broken_conversation_names_its_stage_and_says_nothing_more(
    turns: tuple[bytes, ...], stage: Stage, kind: ProblemKind, feed: Feed
) -> None:
    dialogue, log = converse(EHLO, *turns, feed=feed)
    assert dialogue.result.problem is not None
    assert (dialogue.result.problem.stage, dialogue.result.problem.kind) == (stage, kind)
    assert log[-1] == "."
    assert "> QUIT" not in log


def test_a_server_that_speaks_before_its_turn_is_a_violation() -> None:
    dialogue, log = converse(EHLO, GREETING + CAPABILITIES)
    assert log == ["< banner 220", "."]
    assert dialogue.result.problem is not None
    assert dialogue.result.problem.kind is ProblemKind.VIOLATION


@pytest.mark.parametrize("end", [EOF, b"250 ok\r\n", b"500 no\r\n", b"221 bye\r\nmore", b"garbage\r\n", b"421 bye\r\n"])
def test_after_quit_nothing_can_fail_but_it_is_not_clean(end: bytes) -> None:
    dialogue, log = converse(EHLO, GREETING, CAPABILITIES, end)
    assert log[-1] == "."
    assert dialogue.result.problem is None
    assert not dialogue.result.quit_clean


def test_expected_codes_replace_the_standards() -> None:
    plan = Plan(b"probe.example", expect=((Stage.BANNER, frozenset({554})),))
    refused, log = converse(plan, b"554 no mail here\r\n", CAPABILITIES, BYE)
    assert refused.result.problem is None
    assert "> EHLO probe.example" in log
    greeted, log = converse(plan, GREETING, BYE)
    assert greeted.result.problem is not None
    assert greeted.result.problem.kind is ProblemKind.UNEXPECTED
    assert log[1] == "> QUIT"


def test_silence_ends_it_with_the_awaited_stage() -> None:
    dialogue, _ = converse(EHLO, GREETING)
    dialogue.expire()
    assert dialogue.result.problem is not None
    assert (dialogue.result.problem.stage, dialogue.result.problem.kind) == (Stage.EHLO, ProblemKind.TIMEOUT)
    assert dialogue.next_event() == Finished()
    dialogue.receive_data(CAPABILITIES)
    assert dialogue.next_event() is None  # a late reply must not be answered


@given(st.lists(st.sampled_from([GREETING, CAPABILITIES, BYE, b"421 x\r\n", b"5", b"00 no\r\n", b"\0", EOF, b"\n"])))
def test_no_order_of_turns_makes_it_talk_out_of_turn(turns: list[bytes]) -> None:
    """A dialogue sends a command only after a reply, each at most once, QUIT last."""
    _, log = converse(EHLO, *turns)
    said = [line for line in log if line.startswith(">")]
    assert len(said) == len(set(said))
    assert all(before.startswith("<") for before, line in itertools.pairwise(log) if line.startswith(">"))
    if "> QUIT" in said:
        assert said[-1] == "> QUIT"
    assert log.count(".") <= 1


LISTED = b"5.7.1 blocked using zen.spamhaus.org"
# One answer to the greeting or to EHLO, and the code of the refusal in it: None where there is none.
ANSWERS = [
    (b"554 " + LISTED + b"\r\n", 554),
    (b"220-mx\r\n521 " + LISTED + b"\r\n", 521),
    (b"421-" + LISTED + b"\r\n554 bye\r\n", 554),
    (b"554-" + LISTED + b"\r\n250 bye\r\n", None),
    (b"554-" + LISTED + b"\r\n", 554),
    (b"554 " + LISTED, 554),
    (b"Welcome\r\n554 " + LISTED + b"\r\n", 554),
    (b"\r\n\r\n421 " + LISTED + b"\r\n", 421),
    (b"554 " + LISTED + b"\0\r\n", 554),
    (b"554-a\r\nb\r\n554 " + LISTED + b"\r\n", 554),
    (b"999 x\r\n", None),
    (b"Welcome\r\n", None),
    (b"login: ", None),
    (b"SSH-2.0-x\r\n554 x\r\n", None),
    (b"<?xml version='1.0'?>\r\n<stream:stream>", None),
    (b"\x00\x01\x02\x03", None),
    (b"250-mx\r\n\r\n250 x\r\n", None),
    (b"250-mx\r\n250-x\r\n", None),
]


@pytest.mark.parametrize("stage", [Stage.BANNER, Stage.EHLO])
@pytest.mark.parametrize("end", [EOF, None])
@pytest.mark.parametrize(("data", "code"), ANSWERS)
@given(cuts=st.lists(st.integers(0, 60), max_size=8))
def test_in_whatever_pieces_an_answer_comes_the_outcome_is_one(
    data: bytes, code: int | None, end: bytes | None, stage: Stage, cuts: list[int]
) -> None:
    def pieces(whole: bytes) -> Iterator[bytes]:
        places = sorted({0, len(whole), *(cut for cut in cuts if cut < len(whole))})
        return (whole[begin:after] for begin, after in itertools.pairwise(places))

    before = [GREETING] if stage is Stage.EHLO else []
    outcomes = []
    for feed in (whole, bytewise, pieces):
        dialogue, log = converse(EHLO, *before, data, *([end] if end is not None else []), feed=feed)
        if dialogue.state is not State.FINISHED:
            dialogue.expire()
            while (event := dialogue.next_event()) is not None:
                log.append(str(type(event)))
        outcomes.append((dialogue.result.problem, dialogue.result.refusals, log))
    assert outcomes[0] == outcomes[1] == outcomes[2]
    if code is not None:
        problem, refusals, log = outcomes[0]
        said = [each.code for _, each in refusals]
        assert problem is not None
        assert code in (*said, problem.reply.code if problem.reply is not None else None)
        assert "zen" in "".join(each.text for _, each in refusals) + (problem.reply.text if problem.reply else "")


UNASKED = [b"421 busy\r\n", b"554 " + LISTED + b"\r\n", b"450-a\r\n450 b\r\n"]


@pytest.mark.parametrize("unasked", UNASKED)
@pytest.mark.parametrize(("before", "stage"), [((GREETING,), Stage.BANNER), ((GREETING, CAPABILITIES), Stage.EHLO)])
def test_a_refusal_behind_a_positive_reply_is_that_stages(
    unasked: bytes, before: tuple[bytes, ...], stage: Stage
) -> None:
    *turns, last = before
    dialogue, log = converse(EHLO, *turns, last + unasked, BYE)
    assert dialogue.result.problem is not None
    assert dialogue.result.problem.reply is not None
    assert (dialogue.result.problem.stage, dialogue.result.problem.reply.code) == (stage, int(unasked[:3]))
    assert log[-1] == "."
    assert ("> QUIT" in log) is not unasked.startswith(b"421")
    asked = ["> EHLO probe.example"] if stage is Stage.EHLO else []
    assert [line for line in log if line.startswith("> ") and line != "> QUIT"] == asked


def test_after_something_broken_it_listens_for_a_moment_and_says_nothing() -> None:
    dialogue = Dialogue(EHLO)
    dialogue.receive_data(b"Welcome\r\n")
    assert dialogue.next_event() == Listen()
    assert dialogue.next_event() is None
    dialogue.receive_data(b"to this place\r\n55")
    assert dialogue.next_event() is None
    dialogue.expire()
    assert dialogue.next_event() == Finished()
    assert dialogue.result.problem is not None
    assert dialogue.result.problem.detail == 'greeted with a malformed reply: line 1 has no reply code: "Welcome"'


def test_what_is_listened_to_is_bounded() -> None:
    dialogue = Dialogue(EHLO)
    dialogue.receive_data(b"Welcome\r\n" * 1000)
    assert dialogue.next_event() == Finished()


@pytest.mark.parametrize(
    ("turns", "detail"),
    [
        ((GREETING, b"250-mx\r\n250-SIZE\r\n"), "line 2 of its reply announces another that never came"),
        ((GREETING, b"250-mx\r\n250-SI"), "line 2 of its reply has no end"),
        ((b"220 mx",), "line 1 of its reply has no end"),
    ],
)
def test_a_last_line_that_never_comes_is_told(turns: tuple[bytes, ...], detail: str) -> None:
    for end in ("closed the connection", "did not answer in time"):
        dialogue, _ = converse(EHLO, *turns, *([EOF] if end.startswith("closed") else []))
        dialogue.expire()
        assert dialogue.result.problem is not None
        assert dialogue.result.problem.detail.startswith(f"{end}: {detail}: ")


@pytest.mark.parametrize(
    ("greeting", "answers", "spoken"),
    [
        (b"220 FTP Server ready\r\n", (b"530 Please login with USER and PASS.\r\n",), ["EHLO", "QUIT"]),
        (b"220 ftp.example.net ready\r\n", (b"500 what\r\n", b"500 what\r\n"), ["EHLO", "HELO", "QUIT"]),
        (b"220 mx LMTP\r\n", (b"500 what\r\n", b"500 what\r\n"), ["EHLO", "HELO", "QUIT"]),
        (b"220 ready\r\n", (b"530 Please login with USER and PASS.\r\n",), ["EHLO", "QUIT"]),
        (b"220 ready\r\n", (b"500 Use LHLO\r\n",), ["EHLO", "QUIT"]),
    ],
)
def test_who_refuses_ehlo_as_another_protocol_would_is_asked_nothing_more(
    greeting: bytes, answers: tuple[bytes, ...], spoken: list[str]
) -> None:
    dialogue, log = converse(EHLO, greeting, *answers, BYE)
    assert dialogue.result.problem is not None
    assert (dialogue.result.problem.stage, dialogue.result.problem.kind) == (Stage.BANNER, ProblemKind.NOT_SMTP)
    assert [line.split()[1] for line in log if line.startswith(">")] == spoken


@pytest.mark.parametrize("answer", [b"250 ftp.example.net\r\n", b"500 what\r\n"])
def test_a_mail_host_called_ftp_is_one(answer: bytes) -> None:
    dialogue, _ = converse(EHLO, b"220 ftp.example.net ready\r\n", answer, b"250 hello\r\n", BYE)
    assert dialogue.result.problem is None
