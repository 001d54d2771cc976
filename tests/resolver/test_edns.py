"""Knowledge about the EDNS support of nameservers, and how long it holds."""

from __future__ import annotations

from exporter.resolver.edns import RELEARN_SECONDS, EdnsSupport

SERVER = ("192.0.2.53", 53)


def test_what_was_learned_of_edns_is_learned_anew_after_a_while() -> None:
    memory = EdnsSupport()
    memory.rejected(SERVER, 0.0)
    assert not memory.prefers_edns(SERVER, RELEARN_SECONDS - 1)
    assert memory.prefers_edns(SERVER, RELEARN_SECONDS)
    memory.answered(SERVER, with_opt=True)
    memory.suspected(SERVER, 0.0)
    memory.suspected(SERVER, 0.0)
    assert memory.prefers_edns(SERVER, 0.0), "two lost datagrams are no box"


def test_no_more_nameservers_are_remembered_than_anybody_has() -> None:
    memory = EdnsSupport()
    for number in range(1000):
        memory.rejected((f"192.0.2.{number}", 53), 0.0)
    assert sum(not memory.prefers_edns((f"192.0.2.{number}", 53), 1.0) for number in range(1000)) <= 64
