"""The arrival of canaries as facts and failures of hosts: an engine, a real Postfix, and a real Dovecot behind it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from exporter.app.arrivals import Arrivals
from exporter.arrival.awaited_message import News
from exporter.model.arrival import (
    Arrival,
    AuthenticationMethod,
    AuthenticationResult,
    Folder,
    Found,
    MailboxProblem,
)
from exporter.model.failure import Confidence, FailureClass, Stage, Verdict
from exporter.model.result import HostResult
from exporter.model.target import Canary, CanaryMailbox, Module, Settings, Target, TargetKind
from exporter.probe.conversation import Conversation, ConversationKey
from exporter.probe.dialogue import HostDialogue
from exporter.probe.hosts import Host, HostKey
from tests.app.engines import Running, running
from tests.probe.probing import LOOPBACK
from tests.support.dovecot import PASSWORD, USER, Dovecot, dovecot
from tests.support.mail_servers import postfix
from tests.support.waiting import until

DOMAIN = "mail.example"
LOST = "lost@mail.example"


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Dovecot, int]]:
    """A Postfix that hands to Dovecot what is not to be lost, and its port."""
    folder: Path = tmp_path_factory.mktemp("arrivals")
    with dovecot(folder / "dovecot") as mails:
        settings = f"""\
virtual_mailbox_domains = {DOMAIN}
virtual_transport = lmtp:inet:127.0.0.1:{mails.lmtp}
transport_maps = inline:{{ {{ {LOST} = discard: }} }}
smtpd_recipient_restrictions = check_recipient_access inline:{{
  {{ {USER} = PREPEND Authentication-Results: mx.mail.example; spf=pass; dmarc=fail }} }}
"""
        services = "lmtp unix - - n - - lmtp\n"
        with postfix(folder / "postfix", "mx.mail.example", settings, services) as port:
            yield mails, port


@asynccontextmanager
async def delivering(
    behind: tuple[Dovecot, int], monkeypatch: pytest.MonkeyPatch, subject: str, recipient: str = USER, **keys: object
) -> AsyncIterator[tuple[Running, Callable[[], HostResult | None], Target]]:
    """An engine that delivers a message to the server, once."""
    mails, port = behind
    monkeypatch.setenv("SSL_CERT_FILE", str(mails.roots))
    given = {"within": 1.0, "authserv_ids": ("mx.mail.example",), "password": PASSWORD, **keys}
    mailbox = CanaryMailbox("localhost", mails.imap, USER, **given)  # type: ignore[arg-type]
    stages = (Stage.EHLO, Stage.MAIL, Stage.RCPT, Stage.DATA)
    data = Canary(subject=subject, arrival=mailbox)
    module = Module("canary", stages, mail_from="probe@example.net", rcpt_to=(recipient,), data=data)
    settings = Settings(module=module, port=port, interval=3600.0, timeout=10.0, allow_addresses=LOOPBACK)
    async with running() as world:
        world.reconfigure(modules={"canary": module})
        target = Target(TargetKind.HOST, "127.0.0.1", "127.0.0.1", settings)
        world.adopt(target)
        assert (await world.engine.ask(target)).up
        yield world, lambda: next((host.result for host in world.hosts()), None), target


async def settled(result: Callable[[], HostResult | None], is_settled: Callable[[Arrival], object]) -> HostResult:
    """The result of the host when enough is known of the arrival."""

    def found() -> HostResult | None:
        host = result()
        return host if host is not None and host.facts.arrival is not None and is_settled(host.facts.arrival) else None

    await until(found, 30.0)
    host = found()
    assert host is not None
    return host


async def test_a_message_in_the_inbox_has_arrived(behind: tuple[Dovecot, int], monkeypatch: pytest.MonkeyPatch) -> None:
    began = time.time()
    async with delivering(behind, monkeypatch, "hello") as (world, result, target):
        host = await settled(result, lambda arrival: arrival.folder)
        arrival = host.facts.arrival
        assert host.up
        assert arrival is not None
        assert arrival.folder is Folder.INBOX
        assert arrival.seconds is not None
        assert 0 <= arrival.seconds < 30
        assert arrival.at is not None
        assert began - 1 <= arrival.at <= time.time() + 1
        assert arrival.authentication == (
            (AuthenticationMethod.SPF, AuthenticationResult.PASS),
            (AuthenticationMethod.DMARC, AuthenticationResult.FAIL),
        )
        assert world.owner.sessions == 1
        await world.engine.arrivals_settled()
        turn = world.engine.scheduled(target)  # its page is not one message behind
        await until(lambda: turn and turn.result and turn.result.hosts[0].facts.arrival == arrival)


async def test_within_the_interval_no_other_message_is_sent(
    behind: tuple[Dovecot, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with delivering(behind, monkeypatch, "filed as junk") as (world, result, target):
        await settled(result, lambda arrival: arrival.folder)
        again = await world.engine.ask(target, fresh=True)
        (host,) = again.hosts
        assert world.owner.sessions == 2
        assert Stage.DATA not in dict(host.facts.reply_codes)
        assert any("no message was sent" in remark for remark in host.outcome.remarks)
        assert again.failure is not None
        assert again.failure.failure_class is FailureClass.ARRIVED_AS_JUNK


async def test_a_message_that_is_filed_as_junk_is_a_failure_with_its_evidence(
    behind: tuple[Dovecot, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with delivering(behind, monkeypatch, "filed as junk") as (_, result, _):
        failure = (await settled(result, lambda arrival: arrival.folder)).failure
        assert failure is not None
        assert (failure.failure_class, failure.stage) == (FailureClass.ARRIVED_AS_JUNK, Stage.DATA)
        assert (failure.verdict, failure.confidence) == (Verdict.BLOCKED, Confidence.LIKELY)
        assert failure.evidence == ("the receiving server says: spf pass, dmarc fail",)


async def test_a_message_that_is_accepted_and_lost_has_not_arrived(
    behind: tuple[Dovecot, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with delivering(behind, monkeypatch, "hello", LOST) as (_, result, _):
        failure = (await settled(result, lambda arrival: arrival.missing)).failure
        assert failure is not None
        assert (failure.failure_class, failure.stage) == (FailureClass.NOT_ARRIVED, Stage.DATA)
        assert (failure.verdict, failure.confidence) == (Verdict.UNDETERMINED, Confidence.UNCERTAIN)
        assert "neither the inbox nor junk has got it" in failure.detail


async def test_nothing_is_said_of_arrival_while_the_mailbox_refuses_us(
    behind: tuple[Dovecot, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with delivering(behind, monkeypatch, "hello", LOST, password="wrong", within=0.1) as (_, result, _):
        host = await settled(result, lambda arrival: arrival.problem)
        assert host.up
        arrival = host.facts.arrival
        assert arrival is not None
        assert arrival.awaited_since is not None
        assert replace(arrival, awaited_since=None) == Arrival(problem=MailboxProblem.LOGIN)


class Told:
    """Arrivals whose watch is the test, and a host of a conversation with a message every now and then."""

    def __init__(self, before: HostResult | None = None) -> None:
        self.tell: dict[str, Callable[[News], bool]] = {}
        self.news = 0
        self.arrivals = Arrivals(self._on_news, lambda _: self, lambda _: before)  # type: ignore[arg-type,return-value]
        module = Module(stages=(Stage.EHLO, Stage.DATA), data=Canary(arrival=CanaryMailbox("imap.example")))
        dialogue = HostDialogue(Target(TargetKind.HOST, "a", "a", Settings(module=module)), "", "")
        self.conversation = Conversation(ConversationKey("192.0.2.1", dialogue, ""), never)
        self.host = Host(HostKey("a", "192.0.2.1", dialogue))

    def _on_news(self, conversation: Conversation) -> None:
        assert conversation is self.conversation
        self.news += 1

    def expect(self, message_id: str, at: float, tell: Callable[[News], bool]) -> None:
        self.tell[message_id] = tell

    def accepted(self, *ids: str, since: float = 1_700_000_000.0) -> None:
        """Messages that were accepted one after the other."""
        for message_id in ids:
            self.arrivals.accepted(self.conversation, message_id, since + 300.0 * len(self.tell))

    @property
    def result(self) -> HostResult:
        """The result of a session that works, with what is known of arrivals."""
        results = {self.host: HostResult(self.host.identity)}
        return self.arrivals.with_arrivals(self.conversation, results)[self.host]


def found(folder: Folder, seconds: float | None = 1.0, *, late: bool = False) -> News:
    return News(Found("", folder), seconds, late)


async def test_of_several_messages_the_newest_whose_outcome_is_known_counts() -> None:
    told = Told()
    told.accepted("a", "b", "c")
    assert told.result.facts.arrival == Arrival(awaited_since=1_700_000_600.0)
    told.tell["b"](found(Folder.INBOX))
    told.tell["a"](News(missing="a is not there"))
    told.tell["a"](found(Folder.JUNK, 900.0, late=True))
    assert told.result.up
    assert told.result.facts.arrival == Arrival(Folder.INBOX, 1.0, 1_700_000_301.0, awaited_since=1_700_000_600.0)
    assert told.news == 1
    told.tell["c"](found(Folder.JUNK))
    assert told.result.facts.arrival == Arrival(Folder.JUNK, 1.0, 1_700_000_601.0)
    assert told.result.failure is not None
    assert told.result.failure.failure_class is FailureClass.ARRIVED_AS_JUNK


async def test_a_message_that_comes_late_has_arrived() -> None:
    told = Told()
    told.accepted("a")
    told.tell["a"](News(missing="it is not there"))
    assert told.result.failure is not None
    told.tell["a"](found(Folder.INBOX, 900.0, late=True))
    assert told.result.up
    assert told.result.facts.arrival == Arrival(Folder.INBOX, 900.0, 1_700_000_900.0, is_late=True)


async def test_while_a_later_message_is_missing_a_late_one_is_told_beside_it() -> None:
    told = Told()
    told.accepted("a", "b")
    told.tell["a"](News(missing="a is not there"))
    told.tell["b"](News(missing="b is not there"))
    told.tell["a"](found(Folder.INBOX, 900.0, late=True))
    assert told.result.facts.arrival == Arrival(
        seconds=900.0, at=1_700_000_900.0, missing="b is not there", is_late=True
    )
    assert told.result.failure is not None
    assert told.result.failure.failure_class is FailureClass.NOT_ARRIVED


async def test_a_clock_that_is_set_back_makes_no_message_the_older_one() -> None:
    told, ahead = Told(), time.time() + 86_400.0
    told.accepted("a", since=ahead)
    told.tell["a"](found(Folder.INBOX))
    assert told.result.facts.arrival == Arrival(Folder.INBOX, 1.0, ahead + 1.0)
    told.accepted("b", since=ahead - 90_000.0)
    told.tell["b"](News(missing="b is not there"))
    assert told.result.failure is not None
    told.accepted("c", since=ahead - 90_000.0)
    told.tell["c"](found(Folder.INBOX))
    assert told.result.up
    arrival = told.result.facts.arrival
    assert arrival is not None
    assert arrival.at == pytest.approx(time.time(), abs=60.0), "the one that was to come is no time of an arrival"


async def test_a_message_of_a_conversation_that_has_gone_is_wanted_no_more() -> None:
    told = Told()
    told.accepted("a")
    assert told.tell["a"](News())
    told.conversation.end()
    assert not told.tell["a"](News())


async def test_what_was_known_before_a_restart_or_a_reload_stands_until_the_next_outcome() -> None:
    before = Told()
    before.accepted("a")
    before.tell["a"](News(missing="it is not there"))
    after = Told(before.result)
    assert after.result == before.result
    after.accepted("b")
    assert not after.result.up
    after.tell["b"](found(Folder.INBOX))
    assert after.result.up


@pytest.mark.parametrize("problem", [each for each in MailboxProblem if each is not MailboxProblem.UNREACHABLE])
async def test_nobody_waits_for_a_mailbox_that_refuses_us(problem: MailboxProblem) -> None:
    told = Told()
    told.arrivals.accepted(told.conversation, "a", time.time())
    waiting = asyncio.create_task(told.arrivals.settled())
    await asyncio.sleep(0)
    told.tell["a"](News(problem=problem))
    await asyncio.wait_for(waiting, 5.0)


async def test_the_watches_of_other_mailboxes_end() -> None:
    closed: list[str] = []

    class Watch:
        def __init__(self, mailbox: CanaryMailbox) -> None:
            self._host = mailbox.host

        def expect(self, *_: object) -> None:
            pass

        async def close(self) -> None:
            closed.append(self._host)

    kept, gone = CanaryMailbox("kept.example"), CanaryMailbox("gone.example")
    arrivals = Arrivals(lambda _: None, Watch)  # type: ignore[arg-type]
    for mailbox in (kept, gone):
        module = Module(stages=(Stage.EHLO, Stage.DATA), data=Canary(arrival=mailbox))
        key = ConversationKey(
            "192.0.2.1", HostDialogue(Target(TargetKind.HOST, "a", "a", Settings(module=module)), "", ""), ""
        )
        arrivals.accepted(Conversation(key, never), "a@b.example", 0.0)
    arrivals.keep({kept})
    await until(lambda: closed == ["gone.example"])
    await arrivals.close()
    assert closed == ["gone.example", "kept.example"]


async def test_the_mailbox_is_opened_while_the_message_is_sent() -> None:
    said: list[str] = []

    class Watch:
        def get_ready(self, message_id: str, seconds: float) -> None:
            said.append(f"get ready for {message_id} within {seconds:g} s")

        def expect(self, message_id: str, *_: object) -> None:
            said.append(f"expect {message_id}")

        async def close(self) -> None:
            pass

    arrivals = Arrivals(lambda _: None, lambda _: Watch())  # type: ignore[arg-type,return-value]
    module = Module(stages=(Stage.EHLO, Stage.DATA), data=Canary(arrival=CanaryMailbox("imap.example")))
    dialogue = HostDialogue(Target(TargetKind.HOST, "a", "a", Settings(module=module)), "", "")
    conversation = Conversation(ConversationKey("192.0.2.1", dialogue, ""), never)
    arrivals.under_way(conversation, "a@b.example", 5.0)
    arrivals.accepted(conversation, "a@b.example", 0.0)
    await arrivals.close()
    assert said == ["get ready for a@b.example within 5 s", "expect a@b.example"]


async def never(conversation: Conversation) -> None:
    raise AssertionError
