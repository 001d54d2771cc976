"""The references among the turns."""

from __future__ import annotations

from exporter.app.references import References, is_reference
from exporter.model.result import MxHost
from exporter.model.target import Settings, Target, TargetKind
from tests.probe.turning import NETWORKS, Turns

SETTINGS = Settings(allow_addresses=NETWORKS)


async def test_a_reference_is_known_by_the_conversation_with_any_of_its_hosts() -> None:
    turns, references = Turns(), References()
    for name, addresses in (("ref.example", ("192.0.2.1", "192.0.2.2")), ("mx.example", ("192.0.2.3",))):
        turns.dns.hosts[name] = MxHost(name, 0, addresses)
    reference, other = [
        turns.turn(Target(kind, name, name, SETTINGS))
        for kind, name in ((TargetKind.REFERENCE, "ref.example"), (TargetKind.HOST, "mx.example"))
    ]
    assert (is_reference(reference), is_reference(other)) == (True, False)
    references.replace([other, reference])
    assert references.turns() == (reference,)
    assert references.conversations() == []  # nothing has been looked up
    assert reference.run_now()
    assert other.run_now()
    conversations = references.conversations()
    assert [each.address for each in conversations] == ["192.0.2.1", "192.0.2.2"]
    assert {references.name_of(each) for each in conversations} == {"ref.example"}
    (no_reference,) = [host.conversation for host, _ in other.holds]
    assert no_reference is not None
    assert references.name_of(no_reference) == ""


async def test_those_of_a_command_come_one_by_one_and_a_reload_replaces_all() -> None:
    turns, references = Turns(), References()
    kinds = (TargetKind.REFERENCE, TargetKind.DOMAIN, TargetKind.REFERENCE)
    made = [turns.turn(Target(kind, f"{number}.example", "a.example", SETTINGS)) for number, kind in enumerate(kinds)]
    for turn in made:
        references.add(turn)
    assert references.turns() == (made[0], made[2])
    references.replace(())
    assert references.turns() == ()
