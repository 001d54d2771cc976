"""Conversations: their shortest interval and longest timeout, the sessions that answer, and who waits for them."""

from __future__ import annotations

import asyncio

import pytest

from exporter.model.failure import Stage
from exporter.model.target import Canary, CanaryMailbox, Module, Settings
from exporter.probe.conversation import Conversation, ConversationKey
from exporter.probe.demands import Demand
from exporter.probe.dialogue import Dialogues
from tests.probe.probing import domain_of


async def _nothing(conversation: Conversation) -> None:
    await asyncio.sleep(0)


def conversation(name: str = "", module: Module = Module()) -> Conversation:  # noqa: B008 - frozen
    dialogue = Dialogues("probe.example").of(domain_of("a.example", Settings(module=module)))
    return Conversation(ConversationKey("192.0.2.1", dialogue, name), _nothing)


def test_the_shortest_interval_and_the_longest_timeout_count() -> None:
    made = conversation()
    made.demand(Demand(60.0, 30.0), 2)
    made.demand(Demand(300.0, 60.0), 1)
    made.demand(Demand(1.0, 90.0, is_lease=True), 1)
    assert (made.interval, made.timeout, made.is_scheduled) == (60.0, 90.0, True)
    made.demand(Demand(60.0, 30.0), -1)
    assert made.interval == 60.0
    made.demand(Demand(60.0, 30.0), -1)
    assert (made.interval, made.timeout) == (300.0, 90.0)
    made.demand(Demand(300.0, 60.0), -1)
    assert (made.interval, made.timeout, made.is_scheduled) == (1.0, 90.0, False)


def test_a_session_answers_while_it_is_young_and_more_time_would_have_shown_no_more() -> None:
    made = conversation()
    assert not made.answers(1e9, 1.0, now=1000.0), "there was none"
    made.began, made.granted = 1000.0, 10.0
    assert made.answers(57.0, 30.0, now=1050.0)
    assert not made.answers(57.0, 30.0, now=1058.0)
    made.timed_out = True
    assert made.answers(57.0, 10.0, now=1050.0)
    assert not made.answers(57.0, 30.0, now=1050.0)


def test_a_session_without_the_message_shows_less_than_one_with_it() -> None:
    assert conversation().shows_all(0.0)
    made = conversation(module=Module("canary", (Stage.EHLO, Stage.DATA), data=Canary(arrival=CanaryMailbox())))
    assert made.shows_all(0.0), "none has been sent"
    made.canary_at = 1000.0
    assert not made.shows_all(1284.0)
    assert made.shows_all(1285.0)


def test_each_conversation_has_a_phase_of_its_own_in_every_process() -> None:
    assert conversation().phase_key == "192.0.2.1 25 default  "
    assert conversation("mx.example").phase_key == "192.0.2.1 25 default  mx.example"
    assert not Conversation.reports_start


async def test_all_that_wait_are_woken_at_the_end_of_a_turn_and_of_the_conversation() -> None:
    made = conversation()
    waiting = [asyncio.shield(made.ended()) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await made.run()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert [task.cancelled() for task in waiting] == [True, False, False]
    last = made.ended()
    await asyncio.sleep(0)
    made.end()
    await last
    await made.ended()
    made.wake()


@pytest.mark.parametrize("cancelled", [True, False])
async def test_nobody_waits_for_a_turn_that_was_broken_off(cancelled: bool) -> None:
    failed: list[Exception] = []

    async def broken(_: Conversation) -> None:
        await asyncio.sleep(0)
        raise RuntimeError("a bug")

    dialogue = conversation().dialogue
    key = ConversationKey("192.0.2.1", dialogue, "")
    made = Conversation(key, broken, lambda _, error: failed.append(error))
    waiting = made.ended()
    turn = asyncio.create_task(made.run())
    await asyncio.sleep(0)
    if cancelled:
        turn.cancel()
    await asyncio.gather(turn, return_exceptions=True)
    await waiting
    error = RuntimeError("a bug")
    made.failed(error)
    assert failed == [error]
