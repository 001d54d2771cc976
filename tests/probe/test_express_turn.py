"""Turns of conversations by callbacks, over sockets: what is seen of a host that says the same."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager

import pytest

from exporter.lab.silent_host import SilentHost
from exporter.lab.smtp_host import SmtpHost
from exporter.lab.smtp_script import SwitchToTls, ordinary
from exporter.model.configuration import Limits
from exporter.model.failure import FailureClass, Stage
from exporter.model.result import HostResult
from exporter.model.target import Module
from exporter.model.warning import HostWarning
from exporter.net.connection import TcpConnection
from exporter.net.deadlines import deadlines_of
from exporter.probe import expectation
from exporter.probe.conversation import Conversation
from exporter.probe.dialogue import Dialogues
from exporter.probe.express import ExpressSession, Unchanged
from exporter.probe.express_turn import ExpressTurn
from exporter.probe.hosts import Host
from exporter.probe.session_record import SessionRecord
from exporter.probe.session_request import Endpoint
from tests.probe.hosting import BeginsWhatItIsAsked, Holder, HostWorld
from tests.probe.probing import PLAIN, Names, domain_of, settings_of
from tests.probe.test_session_tls import GO_AHEAD, GOOD, NAME, offering
from tests.support.mail_servers import MAIL_SERVERS, MailServer
from tests.support.waiting import until

S = Stage
MX = "mx.a.example"
BANNER = b"220 mx.a.example ESMTP\r\n"
EHLO = b"250-mx.a.example\r\n250-SIZE 1000\r\n250 8BITMIME\r\n"
BYE = b"221 2.0.0 Bye\r\n"


@pytest.fixture(autouse=True)
def _never_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expectation, "_CHECKED_SHARE", 0.0)


class Server:
    """A host that says, session by session, what it is told to; and all that it hears in each."""

    def __init__(self) -> None:
        self.sessions: list[Sequence[bytes]] = []
        self.heard: list[bytes] = []
        self.hangs_up = ""  # in place of the answer to EHLO, and how
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = len(self.heard)
        self.heard.append(b"")
        for said in self.sessions[min(number, len(self.sessions) - 1)]:
            for piece in said.split(b"|"):
                writer.write(piece)
                await writer.drain()
                if b"|" in said:
                    await asyncio.sleep(0.02)
            line = await reader.readline()
            self.heard[number] += line
            if self.hangs_up and line.startswith(b"EHLO"):
                if self.hangs_up == "reset":
                    writer.transport.abort()
                break
            if not line:
                break
        if self.hangs_up:
            writer.close()
            return
        self.heard[number] += await reader.read()
        writer.close()


@asynccontextmanager
async def serving(*sessions: Sequence[bytes]) -> AsyncIterator[Server]:
    server = Server()
    server.sessions = list(sessions)
    listener = await asyncio.start_server(server.serve, "127.0.0.2", 0)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()


def hold(world: HostWorld, port: int, *names: str, module: Module = PLAIN) -> list[Host]:
    settings = settings_of(port, module=module)
    return [world.hold(Holder(domain_of(f"d-{name}", settings)), name, "127.0.0.2").host for name in names]


async def turns(world: HostWorld, host: Host, count: int) -> list[HostResult]:
    (first,) = await world.first_results(host)
    return [first, *[await world.again(host) for _ in range(count - 1)]]


async def test_of_a_host_that_says_the_same_only_the_numbers_are_new() -> None:
    async with serving((BANNER, EHLO, BYE)) as server, HostWorld(once=False) as world:
        (host,) = hold(world, server.port, MX)
        _, first, second, third = await turns(world, host, 4)
        await until(lambda: len(b"".join(server.heard)) == 4 * len(server.heard[0]))
    assert [type(told.record) for told in world.told] == [SessionRecord, SessionRecord, Unchanged, Unchanged]
    assert (third.identity, third.outcome, third.facts, third.evidence) == (
        first.identity,
        first.outcome,
        first.facts,
        first.evidence,
    )
    assert third.outcome is second.outcome
    assert third.facts is second.facts
    assert third.evidence is first.evidence
    assert third.timings.stages is first.timings.stages
    assert first.timings.at < second.timings.at < third.timings.at
    assert all(seconds > 0.0 for seconds in third.timings.seconds)
    assert set(server.heard) == {b"EHLO probe.example\r\nQUIT\r\n"}
    assert world.told[1].said.words == world.told[2].said.words
    assert world.told[2].said.words is world.told[3].said.words
    assert world.told[3].said.times == tuple(sorted(world.told[3].said.times))


@pytest.mark.parametrize(
    ("words", "seen"),
    [
        ((BANNER, EHLO.replace(b"8BITMIME", b"SMTPUTF8"), BYE), {"extensions": ("SIZE", "SMTPUTF8")}),
        ((BANNER, EHLO.replace(b"1000", b"2000"), BYE), {"size_limit": 2000}),
        ((BANNER, EHLO.replace(b"SIZE 1000", b"STARTTLS"), BYE), {"extensions": ("STARTTLS", "8BITMIME")}),
        ((BANNER.replace(b"ESMTP", b"|ESMTP"), EHLO.replace(b"1000", b"20|00"), BYE), {"size_limit": 2000}),
        ((BANNER, EHLO.replace(b"250", b"252"), BYE), {"reply_codes": ((S.BANNER, 220), (S.EHLO, 252), (S.QUIT, 221))}),
    ],
)  # fmt: skip
async def test_another_fact_is_seen_in_the_session_that_shows_it(
    words: Sequence[bytes], seen: dict[str, object]
) -> None:
    usual = (BANNER, EHLO, BYE)
    async with serving(usual, usual, usual, words) as server, HostWorld(once=False) as world:
        (host,) = hold(world, server.port, MX)
        *_, last = await turns(world, host, 4)
        await until(lambda: server.heard[3].endswith(b"QUIT\r\n"))
    assert {name: getattr(last.facts, name) for name in seen} == seen
    assert server.heard == [b"EHLO probe.example\r\nQUIT\r\n"] * 4, "nothing is said twice, in no second session"
    assert [type(told.record) for told in world.told[2:]] == [Unchanged, SessionRecord]


async def test_another_name_and_a_refusal_are_seen_at_once_and_the_old_words_hold_again_after_it() -> None:
    usual, named = (BANNER, EHLO, BYE), (BANNER.replace(b"mx.a", b"node7.a"), EHLO, BYE)
    refused = (b"554 5.7.1 your address is listed by a block list\r\n", BYE)
    async with (
        serving(usual, usual, named, named, named, refused, named) as server,
        HostWorld(once=False) as world,
    ):
        (host,) = hold(world, server.port, MX)
        _, first, second, *_, third, fourth = await turns(world, host, 7)
    assert first.evidence is not None
    assert second.evidence is not None
    assert "name:mx.a.example" in first.evidence.fingerprints
    assert "name:node7.a.example" in second.evidence.fingerprints
    assert third.failure is not None
    assert third.failure.failure_class is FailureClass.REPUTATION_BLOCKED
    assert fourth.up
    assert isinstance(world.told[6].record, Unchanged)
    assert server.heard[5] == b"QUIT\r\n"


async def test_a_greeting_of_another_organisation_is_looked_up_each_time() -> None:
    names = Names(hosts={"mx.b.example": ("127.0.0.9",)})
    words = (BANNER.replace(b"mx.a", b"mx.b"), EHLO, BYE)
    async with serving(words) as server, HostWorld(names, once=False) as world:
        (host,) = hold(world, server.port, MX)
        *_, second = await turns(world, host, 3)
        names.hosts = {"mx.b.example": ("127.0.0.2",)}
        third = await world.again(host)
    assert HostWarning.BANNER_NAME_MISMATCH in second.outcome.warnings
    assert HostWarning.BANNER_NAME_MISMATCH not in third.outcome.warnings
    assert [type(told.record) for told in world.told] == [SessionRecord, SessionRecord, Unchanged, Unchanged]
    assert names.asked == ["mx.b.example"] * 4


async def test_what_is_looked_up_after_a_turn_by_callbacks_is_looked_up_as_for_its_conversation() -> None:
    entered: list[bool] = []

    @contextmanager
    def noting(conversation: Conversation) -> Iterator[None]:
        entered.append(isinstance(conversation.course, asyncio.Task))
        yield

    names = Names(hosts={"mx.b.example": ("127.0.0.9",)})
    words = (BANNER.replace(b"mx.a", b"mx.b"), EHLO, BYE)
    async with serving(words) as server, HostWorld(names, once=False) as world:
        (host,) = hold(world, server.port, MX)
        await learnt(world, host)
        world.tools.lookups_of = noting
        await world.again(host)
    assert isinstance(world.told[-1].record, Unchanged)
    assert entered == [True]
    assert len(names.asked) == 4


async def test_hosts_that_share_a_session_have_what_it_showed() -> None:
    async with serving((BANNER, EHLO, BYE)) as server, HostWorld(once=False) as world:
        one, other = hold(world, server.port, MX, "mx2.a.example")
        await turns(world, one, 5)
        assert other.conversation is one.conversation
        (third,) = hold(world, server.port, "mx3.a.example")
        assert third.result is not None, "from the last session"
        results = [host.result for host in (one, other, third)]
    assert len(server.heard) == 5
    facts = [result.facts for result in results if result is not None]
    assert facts[0] is facts[1]
    assert facts[0] == facts[2]
    assert [len(told.results) for told in world.told] == [2, 2, 2, 2, 2, 1]
    last = world.told[4].record
    assert isinstance(last, SessionRecord)
    assert world.told[4].results[one].timings.at > world.told[3].results[one].timings.at
    assert last.replies == world.told[0].record.replies  # type: ignore[union-attr]


async def test_a_host_that_comes_during_the_session_has_its_result_from_it() -> None:
    slow = (b"220 mx.|a.example ESMTP\r\n", EHLO, BYE)
    usual = (BANNER, EHLO, BYE)
    async with serving(usual, usual, usual, slow) as server, HostWorld(once=False) as world:
        (host,) = hold(world, server.port, MX)
        await turns(world, host, 3)
        again = asyncio.ensure_future(world.again(host))
        await until(lambda: len(server.heard) == 4)
        (other,) = hold(world, server.port, "mx2.a.example")
        await again
        (result,) = await world.first_results(other)
        assert result.up
    assert [len(told.results) for told in world.told] == [1, 1, 1, 2]
    assert len(server.heard) == 4


async def test_a_module_with_starttls_is_read_from_the_handshake_on(monkeypatch: pytest.MonkeyPatch) -> None:
    module = Module(name="tls", stages=(Stage.EHLO, Stage.STARTTLS))
    made: list[ExpressSession] = []
    begin = ExpressSession.begin

    def counted(self: ExpressSession, connection: TcpConnection, endpoint: Endpoint, timeout: float) -> None:
        made.append(self)
        begin(self, connection, endpoint, timeout)

    monkeypatch.setattr(ExpressSession, "begin", counted)
    smtp = SmtpHost(offering(GO_AHEAD, SwitchToTls(GOOD.context(), ordinary(NAME))))
    port = await smtp.start("127.0.0.2")
    try:
        async with HostWorld(once=False) as world:
            (host,) = hold(world, port, MX, module=module)
            first, *later = await turns(world, host, 3)
    finally:
        await smtp.stop()
    assert len(made) == 2
    assert first.facts.tls is not None
    for result in later:
        assert (result.facts, result.outcome, result.evidence) == (first.facts, first.outcome, first.evidence)
        assert result.timings.stages == first.timings.stages
    assert len({tuple(line.data for line in told.said.lines) for told in world.told}) == 1


@pytest.mark.parametrize("server", MAIL_SERVERS, ids=lambda server: server.__name__)
async def test_a_real_mail_server_that_says_the_time_needs_no_reading_either(
    server: MailServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with server(tmp_path_factory.mktemp("mail"), "mx.real.example") as port:
        async with HostWorld(once=False) as world:
            settings = settings_of(port, 20.0)
            host = world.hold(Holder(domain_of("real.example", settings)), "mx.real.example", "127.0.0.1").host
            results = await world.first_results(host)
            for _ in range(3):
                began = int(time.time())
                await until(lambda: int(time.time()) > began)  # noqa: B023 - awaited at once
                results.append(await world.again(host))
    assert all(result.up for result in results)
    assert len({result.facts for result in results}) == 1
    assert len({result.outcome for result in results}) == 1
    assert len({result.evidence for result in results}) == 1
    assert isinstance(world.told[3].record, Unchanged), [told.said.words[0] for told in world.told]


async def test_of_a_host_that_shows_something_else_each_time_nothing_is_expected() -> None:
    sessions = [(BANNER, EHLO.replace(b"1000", b"%d" % number), BYE) for number in range(6)]
    async with serving(*sessions) as server, HostWorld(once=False) as world:
        (host,) = hold(world, server.port, MX)
        results = await turns(world, host, 6)
        assert host.conversation is not None
        assert host.conversation.familiar is None
    assert [result.facts.size_limit for result in results] == [0, 1, 2, 3, 4, 5]


async def test_a_host_that_has_gone_away_or_silent_is_found_so_with_its_witnesses() -> None:
    async with HostWorld(witness_ports=(9,), once=False) as world:
        async with serving((BANNER, EHLO, BYE)) as server:
            settings = settings_of(server.port, timeout=0.6)
            host = world.hold(Holder(domain_of("d.example", settings)), MX, "127.0.0.2").host
            assert (await turns(world, host, 3))[-1].up
        assert isinstance(world.told[-1].record, Unchanged)
        refused = await world.again(host)
        silent = SilentHost()
        await silent.start("127.0.0.2", server.port)
        try:
            unanswered = await world.again(host)
        finally:
            await silent.stop()
    assert refused.failure is not None
    assert refused.failure.failure_class is FailureClass.CONNECT_REFUSED
    assert unanswered.failure is not None
    assert unanswered.failure.failure_class is FailureClass.CONNECT_TIMEOUT
    assert unanswered.evidence is not None
    assert [witness.port for witness in unanswered.evidence.witnesses] == [9]
    assert 0.5 < unanswered.timings.took < 2.0


@pytest.mark.parametrize("end", ["close", "reset"])
async def test_a_server_that_hangs_up_early_has_done_so(end: str) -> None:
    usual = (BANNER, EHLO, BYE)
    async with serving(usual, usual, usual) as server, HostWorld(once=False) as world:
        (host,) = hold(world, server.port, MX)
        await turns(world, host, 3)
        server.hangs_up = end
        cut = await world.again(host)
    assert cut.failure is not None
    assert (cut.failure.stage, cut.failure.failure_class) == (Stage.EHLO, FailureClass.CLOSED)
    assert server.heard[3] == b"EHLO probe.example\r\n"


async def test_a_turn_that_is_cancelled_says_goodbye() -> None:
    usual = (BANNER, EHLO, BYE)
    async with serving(usual, usual, (BANNER, b"")) as server, HostWorld(once=False) as world:
        (host,) = hold(world, server.port, MX)
        await turns(world, host, 2)
        assert host.conversation is not None
        world.schedule.soon((host.conversation,))
        await until(lambda: server.heard[2:] == [b"EHLO probe.example\r\n"])
        await world.schedule.stop(0.0)
        await until(lambda: server.heard[2].endswith(b"QUIT\r\n"))


@pytest.mark.parametrize("grace", [0.0, 10.0])
async def test_at_the_end_of_the_exporter_it_has_its_grace_and_says_goodbye(grace: float) -> None:
    usual = (BANNER, EHLO, BYE)
    last = (BANNER, b"250-mx.|a.example\r\n250 HELP\r\n", BYE) if grace else (BANNER, b"")
    async with (
        serving(usual, usual, usual, last) as server,
        HostWorld(once=False, is_scheduled=True) as world,
    ):
        (host,) = hold(world, server.port, MX)
        await learnt(world, host)
        conversation = await under_way(world, host)
        await until(lambda: len(server.heard) == 4 and b"EHLO" in server.heard[3])
        await world.schedule.stop(grace)
        assert (conversation.course, world.slots.used, world.bugs) == (None, 0, 0)
        assert not deadlines_of(asyncio.get_running_loop())._waits
        assert world.limiter.acquire_nowait("127.0.0.2") is not None
        await until(lambda: server.heard[3] == b"EHLO probe.example\r\nQUIT\r\n")
    assert [type(told.record) for told in world.told[3:]] == ([SessionRecord] if grace else [])


async def test_a_session_that_is_read_after_its_end_takes_no_place_and_needs_no_address_of_ours() -> None:
    usual, slow = (BANNER, EHLO, BYE), (b"220 mx.|a.example ESMTP\r\n", EHLO, BYE)
    limits = Limits(per_address=1, per_address_interval=0.0)
    async with (
        serving(usual, usual, slow, usual) as server,
        HostWorld(once=False, limits=limits) as world,
    ):
        world.dialogues = world.tools.dialogues = Dialogues("")
        (host,) = hold(world, server.port, MX)
        await turns(world, host, 2)
        again = asyncio.ensure_future(world.again(host))
        await until(lambda: len(server.heard) == 3)
        (other,) = hold(world, server.port, "mx2.a.example")
        both = [await again, *await world.first_results(other)]
        last = await world.again(host)
    assert world.bugs == 0
    assert all(result.up for result in (*both, last))
    assert both[0].timings == both[1].timings
    assert both[0].timings.took < 5.0
    assert [len(told.results) for told in world.told] == [1, 1, 2, 2]
    assert server.heard == [b"EHLO [127.0.0.1]\r\nQUIT\r\n"] * 4


async def learnt(world: HostWorld, host: Host) -> None:
    """From here on the words of the host are expected."""
    await turns(world, host, 3)
    assert isinstance(world.told[-1].record, Unchanged)


async def under_way(world: HostWorld, host: Host) -> Conversation:
    conversation = host.conversation
    assert conversation is not None
    world.schedule.soon((conversation,))
    for _ in range(10):
        if isinstance(conversation.course, ExpressTurn):
            break
        await asyncio.sleep(0)
    else:
        raise AssertionError("it is no turn by callbacks")
    return conversation


async def test_a_turn_has_no_task_and_gives_all_back() -> None:
    async with serving((BANNER, EHLO, BYE)) as server, HostWorld(once=False) as world:
        (host,) = hold(world, server.port, MX)
        await learnt(world, host)
        lags, sessions = len(world.lags), world.sessions
        conversation = await under_way(world, host)
        assert (conversation.takes_in, conversation.in_session, world.slots.used) == (True, True, 1)
        assert world.limiter.acquire_nowait("127.0.0.2") is None
        await conversation.ended()
        assert (conversation.takes_in, conversation.in_session, world.slots.used) == (False, False, 0)
        assert conversation.course is None
        permit = world.limiter.acquire_nowait("127.0.0.2", f"{MX}:{server.port}")
        assert permit is not None
        permit.release()
    assert (len(world.lags), world.sessions) == (lags + 1, sessions + 1)


@pytest.mark.parametrize("is_heard", [False, True])
async def test_dropped_in_the_session_it_says_goodbye_and_gives_all_back(is_heard: bool) -> None:
    usual = (BANNER, EHLO, BYE)
    slow = (BANNER, b"") if is_heard else (b"",)
    async with serving(usual, usual, usual, slow) as server, HostWorld(once=False) as world:
        (host,) = hold(world, server.port, MX)
        await learnt(world, host)
        conversation = await under_way(world, host)
        if is_heard:
            await until(lambda: len(server.heard) == 4 and b"EHLO" in server.heard[3])
        else:
            await until(lambda: len(server.heard) == 4)
        world.let_go()
        await conversation.ended()
        await until(lambda: world.slots.used == 0)
        assert world.limiter.acquire_nowait("127.0.0.2") is not None
        await until(lambda: server.heard[3].endswith(b"EHLO probe.example\r\nQUIT\r\n" if is_heard else b""))
    assert len(world.told) == 3


async def test_a_bug_in_what_comes_of_a_session_is_told_and_gives_all_back() -> None:
    async with serving((BANNER, EHLO, BYE)) as server, HostWorld(once=False) as world:
        (host,) = hold(world, server.port, MX)
        await learnt(world, host)

        def broken(*_: object) -> None:
            raise ValueError("x")

        tell, world.tools.on_results = world.tools.on_results, broken
        conversation = await under_way(world, host)
        await conversation.ended()
        world.tools.on_results = tell
        assert isinstance(world.schedule, BeginsWhatItIsAsked)
        assert [str(error) for error in world.schedule.errors] == ["x", "x"], "of the session, and of the news of that"
        assert world.slots.used == 0
        assert (await world.again(host)).up


async def test_a_turn_leaves_no_circle_behind() -> None:
    """The garbage collector would look at all objects of the exporter for it, again and again."""

    def alive() -> int:
        return sum(isinstance(each, ExpressTurn | ExpressSession | TcpConnection) for each in gc.get_objects())

    async with serving((BANNER, EHLO, BYE)) as server, HostWorld(once=False) as world:
        (host,) = hold(world, server.port, MX)
        await learnt(world, host)
        world.told.clear()
        gc.collect()
        gc.disable()
        try:
            before = alive()
            await turns(world, host, 3)
            world.told.clear()
            assert alive() == before
        finally:
            gc.enable()


async def test_without_a_permit_it_waits_as_others_do() -> None:
    async with serving((BANNER, EHLO, BYE)) as server, HostWorld(once=False) as world:
        (host,) = hold(world, server.port, MX)
        await learnt(world, host)
        permit = world.limiter.acquire_nowait("127.0.0.2")
        assert permit is not None
        again = asyncio.ensure_future(world.again(host))
        await until(lambda: world.limiter._by_address)
        assert world.slots.used == 0
        permit.release()
        assert (await again).up
    assert isinstance(world.told[-1].record, SessionRecord)
