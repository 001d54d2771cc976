from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from exporter.arrival import awaited_message, mailbox_watch
from exporter.arrival.awaited_message import News
from exporter.arrival.bounded_imap import MailboxError
from exporter.arrival.mailbox_watch import MAX_AWAITED, MailboxWatch
from exporter.model.arrival import Folder, Found, MailboxProblem
from exporter.model.target import CanaryMailbox
from tests.support.waiting import until

MAILBOX = CanaryMailbox("imap.example", within=0.2)


@dataclass
class Mails:
    """A mailbox in memory, and the sessions with it."""

    messages: dict[str, Folder] = field(default_factory=dict)
    problem: MailboxProblem | None = None
    knows_junk: bool = True
    opened: int = 0
    closed: int = 0
    looks: int = 0
    cleaned: int = 0

    def open(self, mailbox: CanaryMailbox) -> Mails:
        if self.problem is not None:
            raise MailboxError(self.problem, "for a test")
        self.opened += 1
        return self

    def look(self, awaited: tuple[str, ...]) -> tuple[Found, ...]:
        self.looks += 1
        return tuple(Found(each, self.messages.pop(each)) for each in awaited if each in self.messages)

    def remove_old(self) -> int:
        self.cleaned += 1
        return 0

    def close(self) -> None:
        self.closed += 1


def no_bug() -> None:
    pytest.fail("an internal error is reported")


def watch_of(mails: Mails, mailbox: CanaryMailbox = MAILBOX, bug: Callable[[], None] = no_bug) -> MailboxWatch:
    return MailboxWatch(mailbox, mails.open, on_internal_error=bug, first_pause=0.01)


def into(heard: list[News]) -> Callable[[News], bool]:
    """Somebody who notes what is found out, and wants to know more."""

    def tell(news: News) -> bool:
        heard.append(news)
        return True

    return tell


async def outcome(watch: MailboxWatch, message_id: str = "a", accepted_at: float | None = None) -> list[News]:
    heard: list[News] = []
    watch.expect(message_id, time.time() if accepted_at is None else accepted_at, into(heard))
    await until(lambda: any(news.found or news.missing for news in heard))
    return heard


async def test_a_message_that_is_there_is_told_and_the_session_ends_with_logout() -> None:
    mails = Mails({"a": Folder.JUNK, "private": Folder.INBOX})
    watch = watch_of(mails)
    heard = await outcome(watch)
    await until(lambda: mails.closed)
    assert heard[-1].found == Found("a", Folder.JUNK)
    assert heard[-1].seconds is not None
    assert (mails.opened, mails.closed, mails.cleaned) == (1, 1, 1)
    assert mails.messages == {"private": Folder.INBOX}
    await watch.close()


async def test_a_mailbox_that_is_slow_to_open_is_open_when_the_message_is_accepted() -> None:
    mails, may_open = Mails({"a": Folder.INBOX}), threading.Event()

    def slow(mailbox: CanaryMailbox) -> Mails:
        assert may_open.wait(10.0)
        return mails.open(mailbox)

    watch = MailboxWatch(replace(MAILBOX, within=30.0), slow, on_internal_error=no_bug)
    watch.get_ready("a", 30.0)
    may_open.set()
    await until(lambda: mails.opened)
    accepted_at = time.time()
    assert mails.looks == 0
    heard = await outcome(watch, accepted_at=accepted_at)
    assert heard[-1].found is not None
    assert heard[-1].seconds is not None
    await until(lambda: mails.closed)
    await watch.close()
    assert (mails.opened, mails.closed, mails.looks) == (1, 1, 1)


async def test_the_session_ends_without_a_look_when_the_message_is_not_accepted() -> None:
    mails = Mails()
    watch = watch_of(mails)
    watch.get_ready("a", 0.2)
    await until(lambda: mails.closed)
    await watch.close()
    assert (mails.opened, mails.looks) == (1, 0)


async def test_one_session_serves_all_that_are_awaited() -> None:
    mails = Mails()
    watch = watch_of(mails, CanaryMailbox("imap.example", within=30.0))
    other = asyncio.create_task(outcome(watch, "b"))
    first = asyncio.create_task(outcome(watch, "a"))
    await until(lambda: mails.looks > 1)
    mails.messages |= {"a": Folder.INBOX, "b": Folder.INBOX}
    await asyncio.gather(first, other)
    await watch.close()
    assert (mails.opened, mails.closed) == (1, 1)


@pytest.mark.parametrize(
    ("knows_junk", "where"), [(True, "neither the inbox nor junk"), (False, "the only folder known")]
)
async def test_a_message_is_missing_after_a_whole_look_that_began_after_its_time(knows_junk: bool, where: str) -> None:
    mails = Mails(knows_junk=knows_junk)
    watch = watch_of(mails)
    began = time.monotonic()
    heard = await outcome(watch)
    assert time.monotonic() - began >= MAILBOX.within
    assert where in heard[-1].missing
    await watch.close()


async def test_a_message_that_was_missing_and_comes_is_told_as_late() -> None:
    mails = Mails()
    watch = watch_of(mails)
    heard: list[News] = []
    watch.expect("a", time.time(), into(heard))
    await until(lambda: heard and heard[-1].missing)
    assert [news.missing for news in heard if news.missing] == [heard[-1].missing]
    mails.messages["a"] = Folder.INBOX
    await until(lambda: heard[-1].found)
    assert heard[-1].is_late
    assert heard[-1].seconds is not None
    assert heard[-1].seconds > MAILBOX.within
    await until(lambda: mails.closed)
    await watch.close()
    assert [bool(news.missing) for news in heard].count(True) == 1


async def test_a_message_that_nobody_wants_to_know_of_is_looked_for_no_more() -> None:
    mails = Mails()
    watch = watch_of(mails, replace(MAILBOX, within=30.0))
    watch.expect("a", time.time(), lambda _: False)
    await until(lambda: mails.closed)
    await watch.close()
    assert mails.looks == 1


async def test_between_looks_for_late_messages_nobody_is_logged_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox_watch, "_IDLE_SECONDS", 0.0)
    mails = Mails()
    watch = watch_of(mails)
    heard: list[News] = []
    watch.expect("a", time.time() - 3600, into(heard))
    await until(lambda: mails.closed)
    assert heard[-1].missing
    assert (mails.opened, mails.looks, mails.cleaned) == (1, 1, 1)
    watch.get_ready("b", 30.0)  # the session for another stays open until its message comes
    await until(lambda: mails.opened == 2)
    mails.messages |= {"a": Folder.INBOX, "b": Folder.INBOX}
    assert (await outcome(watch, "b"))[-1].found is not None
    await until(lambda: mails.closed == 2)
    await watch.close()
    assert (mails.opened, mails.looks) == (2, 2)
    assert "a" in mails.messages  # its next look is minutes away


@pytest.mark.parametrize("problem", MailboxProblem)
async def test_a_mailbox_that_fails_is_left_alone_ever_longer(problem: MailboxProblem) -> None:
    mails, attempts = Mails(problem=problem), 0

    def counted(mailbox: CanaryMailbox) -> Mails:
        nonlocal attempts
        attempts += 1
        return mails.open(mailbox)

    watch = MailboxWatch(MAILBOX, counted, on_internal_error=no_bug)
    heard: list[News] = []
    watch.expect("a", time.time(), into(heard))
    await until(lambda: heard)
    for number in range(20):  # others tell no other story, and do not have it asked again at once
        watch.get_ready(f"{number}", 1.0)
        watch.expect(f"{number}", time.time(), into(heard))
    await asyncio.sleep(0)
    assert attempts == 1
    assert {*heard} == {News(problem=problem)}
    assert len(heard) == 21
    least = 100.0 if problem is MailboxProblem.LOGIN else 0.9
    assert watch._pause() > least
    await watch.close()


async def test_another_problem_has_its_own_pauses() -> None:
    mails = Mails(problem=MailboxProblem.UNREACHABLE)
    watch = watch_of(mails)
    heard: list[News] = []
    watch.expect("a", time.time(), into(heard))
    await until(lambda: len(heard) > 5)
    mails.problem = MailboxProblem.LOGIN
    await until(lambda: heard[-1].problem is MailboxProblem.LOGIN)
    assert watch._pause() < 3.0  # twice a fiftieth of a minute
    await watch.close()


def test_servers_lock_out_nobody_who_tries_a_wrong_password_as_seldom() -> None:
    watch = watch_of(Mails())
    pauses = []
    for _ in range(40):
        watch._pause_after(mailbox_watch._PAUSES[MailboxProblem.LOGIN])
        pauses.append(round(watch._pause() * 50))  # the first pause of these tests is a fiftieth
    assert pauses[:5] == [120, 240, 480, 960, 1920]
    assert pauses[-1] >= 3600


async def test_nothing_is_said_of_arrival_while_the_mailbox_fails() -> None:
    mails = Mails(problem=MailboxProblem.UNREACHABLE)
    watch = watch_of(mails)
    heard: list[News] = []
    watch.expect("a", time.time() - 10 * MAILBOX.within, into(heard))
    await until(lambda: len(heard) > 2)
    assert {*heard} == {News(problem=MailboxProblem.UNREACHABLE)}
    mails.problem = None
    mails.messages["a"] = Folder.INBOX
    await until(lambda: heard[-1].found)
    assert heard[-1].problem is None
    await watch.close()


async def test_after_a_gap_the_seconds_to_arrival_are_not_known() -> None:
    mails = Mails({"a": Folder.INBOX})
    watch = watch_of(mails)
    assert (await outcome(watch, accepted_at=time.time() - 3600))[-1].seconds is None
    await watch.close()


async def test_what_is_awaited_for_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(awaited_message, "PATIENCE_SECONDS", 0.0)
    mails = Mails(problem=MailboxProblem.UNREACHABLE)
    watch = watch_of(mails)
    heard: list[News] = []
    watch.expect("a", time.time() - 10.0, into(heard))
    await until(lambda: heard)
    await watch.close()
    assert heard == [News(problem=MailboxProblem.UNREACHABLE)]


async def test_of_too_many_messages_the_oldest_is_forgotten() -> None:
    mails = Mails({"0": Folder.INBOX, "1": Folder.INBOX})
    watch = watch_of(mails, CanaryMailbox("imap.example", within=30.0))
    heard: dict[str, list[News]] = {}
    for number in range(MAX_AWAITED + 1):
        watch.expect(str(number), time.time(), into(heard.setdefault(str(number), [])))
    await until(lambda: heard["1"])
    await watch.close()
    assert heard["0"] == []
    assert mails.closed == mails.opened


async def test_a_new_message_wakes_a_watch_that_sleeps_long() -> None:
    mails = Mails()
    watch = watch_of(mails, CanaryMailbox("imap.example", within=7200.0))
    watch.expect("old", time.time() - 3600, lambda _: True)  # by its age alone the next look is in 30 s
    await until(lambda: mails.looks == 1)
    mails.messages["new"] = Folder.INBOX
    heard = await outcome(watch, "new")
    assert heard[-1].seconds is not None
    assert heard[-1].seconds < 2
    await watch.close()


async def test_a_message_that_comes_while_the_session_ends_is_looked_for() -> None:
    mails = Mails({"a": Folder.INBOX, "b": Folder.INBOX})
    watch = watch_of(mails)
    heard: list[News] = []
    close = mails.close

    def closing() -> None:
        if mails.closed == 0:
            loop.call_soon_threadsafe(watch.expect, "b", time.time(), into(heard))
        close()

    loop = asyncio.get_running_loop()
    mails.close = closing  # type: ignore[method-assign]
    await outcome(watch)
    await until(lambda: heard and heard[-1].found)
    await watch.close()


async def test_a_bug_of_one_message_is_reported_and_the_others_are_told_of() -> None:
    mails, bugs = Mails(), []
    watch = watch_of(mails, bug=lambda: bugs.append(1))

    def tell(news: News) -> bool:
        raise RuntimeError("for a test")

    watch.expect("broken", time.time() - 1, tell)
    await until(lambda: bugs)
    mails.messages["a"] = Folder.INBOX
    assert (await outcome(watch))[-1].found is not None
    await watch.close()
    assert bugs == [1]


async def test_after_a_bug_in_a_look_the_watch_goes_on() -> None:
    mails, bugs = Mails({"a": Folder.INBOX}), []
    look = mails.look

    def broken(awaited: tuple[str, ...]) -> tuple[Found, ...]:
        mails.look = look  # type: ignore[method-assign]
        raise RuntimeError("for a test")

    mails.look = broken  # type: ignore[method-assign]
    watch = watch_of(mails, bug=lambda: bugs.append(1))
    assert (await outcome(watch))[-1].found is not None
    await watch.close()
    assert bugs == [1]
