"""The table of hosts: what is held stays, what nobody holds goes, and the counts are those of a recount."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.model.failure import Stage
from exporter.model.result import HostIdentity
from exporter.model.target import Auth, Module, Settings, Target, TargetKind
from exporter.probe.conversation import Conversation, ConversationKey
from exporter.probe.demands import Demand
from exporter.probe.dialogue import Dialogues, HostDialogue
from exporter.probe.hosts import Hold, Host, HostKey, HostTable
from exporter.schedule.scheduled import Scheduled
from tests.probe.hosting import Holder
from tests.probe.probing import domain_of

MINUTE, FIVE = Demand(60.0, 30.0), Demand(300.0, 10.0)
LEASE = Demand(15.0, 45.0, is_lease=True)
ADDRESS = "192.0.2.1"


class Places:
    """A schedule that only notes what has a place in it."""

    def __init__(self) -> None:
        self.placed: set[Scheduled] = set()
        self.moves = 0
        self.dropped: list[Scheduled] = []

    def add(self, turn: Scheduled) -> None:
        assert turn not in self.placed
        self.placed.add(turn)

    def moved(self, turn: Scheduled) -> None:
        assert turn in self.placed
        self.moves += 1

    def suspend(self, turn: Scheduled) -> None:
        self.placed.remove(turn)

    def drop(self, turn: Scheduled) -> None:
        self.placed.discard(turn)
        self.dropped.append(turn)


async def _no_session(conversation: Conversation) -> None:
    raise AssertionError


class Kept:
    """A table, and what it calls."""

    def __init__(self) -> None:
        self.places = Places()
        self.attached: list[Host] = []
        self.gone: list[Host] = []
        self.dialogues = Dialogues("probe.example")
        self.table = HostTable(self.places, self._begin, self.attached.append, self.gone.append)
        self.plain = self.dialogues.of(domain_of("a.example", Settings()))

    def key(self, mx: str = "mx.example", address: str = ADDRESS, dialogue: HostDialogue | None = None) -> HostKey:
        return HostKey(mx, address, dialogue or self.plain)

    @staticmethod
    def _begin(key: ConversationKey) -> Conversation:
        return Conversation(key, _no_session)


def domain(name: str = "a.example", *, is_lease: bool = False) -> Holder:
    return Holder(domain_of(name, Settings()), is_lease)


def test_names_of_one_address_share_its_conversation_and_the_last_one_ends_it() -> None:
    kept, holder = Kept(), domain()
    first = kept.table.hold(holder, kept.key("a.mx.example"), FIVE)
    second = kept.table.hold(holder, kept.key("b.mx.example"), MINUTE)
    conversation = first.host.conversation
    assert conversation is not None
    assert second.host.conversation is conversation
    assert [*conversation.hosts] == ["a.mx.example", "b.mx.example"]
    assert (conversation.interval, conversation.timeout) == (60.0, 30.0)
    assert kept.places.placed == {conversation}
    assert kept.places.moves == 1, "the second wants it more often"
    kept.table.release(holder, first)
    assert [*conversation.hosts] == ["b.mx.example"]
    assert kept.places.dropped == []
    kept.table.release(holder, second)
    assert kept.places.dropped == [conversation]
    assert conversation.is_gone
    assert kept.gone == [first.host, second.host]
    assert not kept.table.hosts
    assert not kept.table.conversations


def test_other_addresses_and_dialogues_have_conversations_of_their_own() -> None:
    kept, holder = Kept(), domain()
    other = kept.dialogues.of(domain_of("a.example", Settings(helo="other.example")))
    holds = [
        kept.table.hold(holder, key, MINUTE)
        for key in (kept.key(), kept.key(address="192.0.2.2"), kept.key(dialogue=other))
    ]
    assert len({hold.host.conversation for hold in holds}) == 3


def test_a_secret_is_shared_with_no_other_name() -> None:
    kept, holder = Kept(), domain()
    module = Module(name="m", stages=(Stage.EHLO, Stage.AUTH), auth=Auth("me", "secret"))
    dialogue = kept.dialogues.of(domain_of("a.example", Settings(module=module)))
    first, second = (kept.table.hold(holder, kept.key(name, dialogue=dialogue), MINUTE) for name in ("a", "b"))
    assert first.host.conversation is not second.host.conversation
    assert first.host.identity.domain == "a.example"


def test_a_host_has_the_labels_of_its_dialogue() -> None:
    kept = Kept()
    host = kept.table.hold(domain(), kept.key("mx.example", "2001:db8::1"), MINUTE).host
    assert host.identity == HostIdentity("mx.example", "2001:db8::1", 25, "default", "")


def test_who_needs_no_session_holds_a_host_without_a_conversation() -> None:
    kept, forbidding, allowing = Kept(), domain("a.example"), domain("b.example")
    settled = kept.table.hold(forbidding, kept.key(), None)
    assert not kept.table.conversations
    assert kept.attached == []
    probing = kept.table.hold(allowing, kept.key(), MINUTE)
    assert probing.host is settled.host
    conversation = settled.host.conversation
    assert conversation is not None
    assert kept.attached == [settled.host]
    kept.table.release(allowing, probing)
    assert settled.host.conversation is None
    assert kept.places.dropped == [conversation]
    assert kept.gone == []
    assert kept.table.change(settled, FIVE) is settled
    kept.table.release(forbidding, settled)
    assert kept.gone == [settled.host]


def test_a_lease_is_no_reason_for_a_place_in_the_schedule() -> None:
    kept, target, lease = Kept(), domain(), domain(is_lease=True)
    leased = kept.table.hold(lease, kept.key(), LEASE)
    conversation = leased.host.conversation
    assert conversation is not None
    assert kept.places.placed == set()
    assert (conversation.interval, conversation.timeout) == (15.0, 45.0)
    hold = kept.table.hold(target, kept.key(), MINUTE)
    assert kept.places.placed == {conversation}
    assert (conversation.interval, conversation.timeout) == (60.0, 45.0), "a lease asks for no interval"
    kept.table.release(target, hold)
    assert kept.places.placed == set()
    assert kept.places.dropped == []
    assert leased.host.sharing.domains == 0


def test_another_interval_changes_the_place_and_nothing_else() -> None:
    kept, holder = Kept(), domain()
    hold = kept.table.hold(holder, kept.key(), MINUTE)
    conversation = hold.host.conversation
    changed = kept.table.change(hold, FIVE)
    assert changed == Hold(hold.host, FIVE)
    assert hold.host.conversation is conversation
    assert conversation is not None
    assert (conversation.interval, conversation.timeout) == (300.0, 10.0)
    assert kept.places.placed == {conversation}
    assert kept.attached == [hold.host]


def test_who_holds_the_same_host_again_before_letting_go_keeps_it() -> None:
    """With few sharers and with many."""
    kept, holder = Kept(), domain()
    crowd = [domain(f"d{number}.example") for number in range(9)]
    others = [(each, kept.table.hold(each, kept.key(), MINUTE)) for each in crowd]
    before = kept.table.hold(holder, kept.key(), None)
    after = kept.table.hold(holder, kept.key(), MINUTE)
    kept.table.release(holder, before)
    for other in others:
        kept.table.release(*other)
    assert [*after.host.sharers] == [holder]
    assert kept.gone == []
    kept.table.release(holder, after)
    assert kept.gone == [after.host]


def test_a_parted_host_has_its_own_conversation_until_it_is_united() -> None:
    kept, holder = Kept(), domain()
    first, second = (kept.table.hold(holder, kept.key(name), MINUTE).host for name in ("a", "b"))
    shared = first.conversation
    assert shared is not None
    kept.attached.clear()
    kept.table.part(second)
    own = second.conversation
    assert own is not None
    assert (own.key.name, [*own.hosts], [*shared.hosts]) == ("b", ["b"], ["a"])
    assert kept.attached == [second], "its next session is wanted soon"
    assert kept.table.shared(second) is shared
    assert kept.table.has_parted(shared)
    kept.table.part(second)
    assert second.conversation is own
    kept.attached.clear()
    kept.table.unite(second)
    assert second.conversation is shared
    assert kept.attached == [], "its last session shows its state"
    assert kept.places.dropped == [own]
    assert not kept.table.has_parted(shared)


def test_the_last_of_a_conversation_may_be_parted_and_nothing_of_it_stays() -> None:
    kept, holder = Kept(), domain()
    hold = kept.table.hold(holder, kept.key(), MINUTE)
    shared = hold.host.conversation
    kept.table.part(hold.host)
    assert kept.places.dropped == [shared]
    assert kept.table.shared(hold.host) is None
    kept.table.release(holder, hold)
    assert not kept.table.conversations
    assert not kept.places.placed


Action = Callable[[Kept, list[tuple[Holder, Hold]]], None]
NAMES, ADDRESSES = ("a.mx.example", "b.mx.example"), (ADDRESS, "2001:db8::1")


@given(st.data())
def test_any_holds_and_releases_come_to_what_a_recount_gives(data: st.DataObject) -> None:
    kept = Kept()
    secured = kept.dialogues.of(domain_of("a.example", Settings(module=Module(name="s", stages=(Stage.STARTTLS,)))))
    holders = [domain(f"d{number}.example", is_lease=number == 2) for number in range(12)]
    holds: list[tuple[Holder, Hold]] = []
    for _ in range(data.draw(st.integers(0, 40), "steps")):
        action = data.draw(st.sampled_from(("hold", "hold", "release", "change", "part", "unite")), "action")
        if action == "hold" or not holds:
            holder = data.draw(st.sampled_from(holders))
            key = kept.key(
                data.draw(st.sampled_from(NAMES)),
                data.draw(st.sampled_from(ADDRESSES)),
                data.draw(st.sampled_from((kept.plain, secured))),
            )
            demand = data.draw(st.sampled_from((LEASE,) if holder.is_lease else (MINUTE, FIVE, None)))
            holds.append((holder, kept.table.hold(holder, key, demand)))
            continue
        place = data.draw(st.integers(0, len(holds) - 1), "place")
        holder, hold = holds[place]
        if action == "release":
            del holds[place]
            kept.table.release(holder, hold)
        elif action == "change":
            demand = LEASE if holder.is_lease else data.draw(st.sampled_from((MINUTE, FIVE)))
            holds[place] = holder, kept.table.change(hold, demand)
        else:
            (kept.table.part if action == "part" else kept.table.unite)(hold.host)
        check(kept, holds)
    for each in holds:
        kept.table.release(*each)
    check(kept, [])


def check(kept: Kept, holds: list[tuple[Holder, Hold]]) -> None:
    by_host: dict[Host, list[tuple[Holder, Demand | None]]] = {}
    for holder, hold in holds:
        by_host.setdefault(hold.host, []).append((holder, hold.demand))
    assert kept.table.hosts == {host.key: host for host in by_host}
    demands: dict[Conversation, Counter[Demand]] = {}
    for host, held in by_host.items():
        assert set(host.sharers) == {holder for holder, _ in held}
        assert host.sharing.domains == len({holder for holder, _ in held if not holder.is_lease})
        wanted = Counter(demand for _, demand in held if demand is not None)
        assert dict(host.demands) == dict(wanted)
        assert (host.conversation is not None) is bool(wanted)
        if host.conversation is not None:
            assert host.conversation.hosts[host.key.mx] is host
            demands.setdefault(host.conversation, Counter()).update(wanted)
            assert host.conversation.key.name == (host.key.mx if host.is_parted else "")
            assert not host.is_parted or kept.table._parted[host.conversation.key._replace(name="")]
    assert set(kept.table.conversations.values()) == set(demands)
    for conversation, wanted in demands.items():
        assert dict(conversation.demands) == dict(wanted)
        configured = [demand for demand in wanted if not demand.is_lease]
        assert conversation.interval == min(demand.interval for demand in configured or wanted)
        assert conversation.timeout == max(demand.timeout for demand in wanted)
        assert (conversation in kept.places.placed) is bool(configured)
        assert not conversation.is_gone
    assert sum(kept.table._parted.values()) == sum(host.is_parted and host.conversation is not None for host in by_host)
    assert kept.places.placed <= set(demands)


def test_the_holds_of_alike_sharers_are_one_object() -> None:
    kept = Kept()
    holders = [Holder(domain_of(f"d{number}.example", Settings())) for number in range(3)]
    first, second = (kept.table.hold(holder, kept.key(), MINUTE) for holder in holders[:2])
    assert first is second
    other = kept.table.hold(holders[2], kept.key(), FIVE)
    assert (other.host, other.demand) == (first.host, FIVE)
    for holder, hold in zip(holders, (first, second, other), strict=True):
        kept.table.release(holder, hold)
    assert not kept.table.hosts


@pytest.mark.parametrize("count", [1, 8, 9, 30])
def test_the_widest_series_and_the_domains_are_counted_with_few_and_with_many(count: int) -> None:
    kept = Kept()
    quiet = Settings(host_series="none")
    holders = [Holder(domain_of(f"d{number}.example", quiet)) for number in range(count)]
    holders.append(Holder(Target(TargetKind.HOST, "mx.example", "mx.example", replace(quiet, host_series="failing"))))
    loud = Settings(host_series="all")
    holders += [Holder(domain_of("l.example", loud), is_lease=True)]
    holders += [Holder(Target(TargetKind.REFERENCE, "mx.example", "mx.example", loud))]
    holds = [(holder, kept.table.hold(holder, kept.key(), MINUTE)) for holder in holders]
    host = holds[0][1].host
    assert (host.sharing.series, host.sharing.domains) == ("failing", count)
    holders[0].target = domain_of("d0.example", loud)
    host.refresh(holders[0])
    assert host.sharing.series == "all"
    kept.table.release(*holds[0])
    assert (host.sharing.series, host.sharing.domains) == ("failing", count - 1)
