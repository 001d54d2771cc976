"""The names of one address that share sessions, and those that need their own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.model.failure import Stage
from exporter.model.policy import TlsaLookup, TlsaStatus
from exporter.model.target import Module, Settings, Starttls
from exporter.probe.conversation import Conversation
from exporter.probe.hosts import Host
from exporter.probe.name_sharing import CONTROL_SECONDS, OWN_SESSION_SECONDS, NameSharing
from exporter.probe.session_record import SessionRecord
from exporter.smtp.events import Problem, ProblemKind
from tests.probe.probing import domain_of
from tests.probe.test_hosts import MINUTE, Kept, domain
from tests.probe.test_name_coverage import ROOT, ROOTS, session
from tests.support.certificates import Issued, issue

MODULE = Module(name="tls", stages=(Stage.EHLO, Stage.STARTTLS))
FRONT = issue("a.example", by=ROOT)


class Front:
    """Hosts of one address, whose clock is the test's."""

    def __init__(self, *names: str, module: Module = MODULE) -> None:
        self.kept = Kept()
        dialogue = self.kept.dialogues.of(domain_of("d.example", Settings(module=module)))
        holder = domain()
        self.hosts = {
            name: self.kept.table.hold(holder, self.kept.key(name, dialogue=dialogue), MINUTE).host for name in names
        }
        self.sharing = NameSharing(self.kept.table, lambda: ROOTS)
        self.now = 1000.0
        self.sharing._time = lambda: self.now

    def __getitem__(self, name: str) -> Host:
        return self.hosts[f"{name}.example"]

    @property
    def shared(self) -> Conversation:
        found = self["a"].conversation
        assert found is not None
        return found


def of(name: str, issued: Issued = FRONT) -> SessionRecord:
    return session(issued, led=f"{name}.example")


async def test_covered_names_share_and_others_do_not() -> None:
    front = Front("a.example", "b.example", "c.example")
    record = of("a", issue("a.example", "b.example", by=ROOT))
    assert front.sharing.record_for(front["a"], record, None) is record
    assert front.sharing.record_for(front["b"], record, None) is record
    assert front.sharing.record_for(front["c"], record, None) is None


@pytest.mark.parametrize("status", TlsaStatus)
async def test_tlsa_records_bind_a_name_to_a_session_of_its_own(status: TlsaStatus) -> None:
    """RFC 7672 3.1: what they say of one name, they say of no other; and not known is not absent."""
    front = Front("a.example", "b.example")
    record = of("a", issue("a.example", "b.example", by=ROOT))
    binds = status in (TlsaStatus.FOUND, TlsaStatus.FAILED)
    assert (front.sharing.record_for(front["b"], record, TlsaLookup(status)) is None) is binds
    assert front.sharing.record_for(front["a"], record, TlsaLookup(status)) is record
    assert front.sharing.record_for(front["b"], replace(record, tls=None), TlsaLookup(status)) is not None


async def test_a_name_in_the_module_counts_for_all() -> None:
    front = Front("a.example", "b.example", module=replace(MODULE, starttls=Starttls(server_name="front.example")))
    record = session(FRONT, led="front.example")
    assert front.sharing.record_for(front["b"], record, TlsaLookup(TlsaStatus.FOUND)) is record


async def test_a_name_shares_again_when_it_is_covered() -> None:
    front = Front("a.example", "b.example")
    front.kept.table.part(front["b"])
    own = of("b", issue("b.example", by=ROOT))
    assert not front.sharing.may_unite(front["b"], own, None), "nothing is known of the shared session yet"
    front.shared.record = of("a")
    assert not front.sharing.may_unite(front["b"], own, None)
    front.shared.record = of("a", issue("a.example", "b.example", by=ROOT))
    assert front.sharing.may_unite(front["b"], own, None)
    assert not front.sharing.may_unite(front["b"], own, TlsaLookup(TlsaStatus.FOUND))


async def test_a_name_without_any_other_beside_it_leads() -> None:
    front = Front("b.example")
    front.kept.table.part(front["b"])
    assert front.sharing.may_unite(front["b"], of("b"), None)


async def test_a_session_that_failed_on_its_way_to_tls_unites_nobody() -> None:
    front = Front("a.example", "b.example")
    front.kept.table.part(front["b"])
    without = replace(of("a"), tls=None)
    front.shared.record = replace(without, problem=None)
    assert front.sharing.may_unite(front["b"], without, None), "a server without TLS"
    assert not front.sharing.may_unite(front["b"], of("b"), None)
    front.shared.record = replace(without, problem=Problem(Stage.EHLO, None, ProblemKind.CLOSED, "closed"))
    assert not front.sharing.may_unite(front["b"], without, None)


async def test_the_same_wrong_certificate_for_all_is_told_to_all_and_asked_for_once_a_day() -> None:
    front = Front("a.example", "b.example")
    front.kept.table.part(front["b"])
    front.shared.record = of("a")
    assert front.sharing.may_unite(front["b"], of("b"), None)
    front.kept.table.unite(front["b"])
    told = front.sharing.record_for(front["b"], of("a"), None)
    assert told is not None
    assert told.tls is not None
    assert "not for b.example" in told.tls.trust.faults[0].detail
    assert front.sharing.record_for(front["b"], of("a", issue("a.example", by=ROOT)), None) is None, "another one"
    front.now += OWN_SESSION_SECONDS
    assert front.sharing.record_for(front["b"], of("a"), None) is None


async def test_a_handshake_that_fails_is_tried_with_a_second_name_once_an_hour() -> None:
    front = Front("a.example", "b.example")
    assert front.sharing.wants_control(front.shared)
    assert not front.sharing.wants_control(front.shared)
    front.now += CONTROL_SECONDS + 1
    assert front.sharing.wants_control(front.shared)
    front.sharing.worked(front.shared)
    assert front.sharing.wants_control(front.shared), "a new failure"
    alone = Front("a.example")
    assert not alone.sharing.wants_control(alone.shared)
