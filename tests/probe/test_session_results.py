"""The results of many names from one record."""

from __future__ import annotations

from dataclasses import replace

from exporter.model.failure import Stage
from exporter.model.target import Module, Settings
from exporter.model.warning import HostWarning
from exporter.probe.dialogue import HostDialogue
from exporter.probe.hosts import Host, HostKey
from exporter.probe.session_record import SessionRecord
from exporter.probe.session_results import SessionResults
from exporter.smtp.events import Problem, ProblemKind
from exporter.smtp.plan import Plan
from exporter.smtp.reply import Reply
from tests.probe.probing import Names, domain_of
from tests.probe.test_hosts import Kept

W = HostWarning
RECORD = SessionRecord(
    1000.0,
    replies=((Stage.BANNER, Reply(220, (b"node.farm.example ESMTP",))), (Stage.EHLO, Reply(250, (b"hello",)))),
    plan=Plan(b"me.example"),
    quit_clean=True,
    spoke=True,
)


def dialogue(module: Module | None = None) -> HostDialogue:
    return Kept().dialogues.of(domain_of("a.example", Settings(module=module or Module())))


def results(resolver: Names | None = None) -> SessionResults:
    return SessionResults(RECORD, dialogue(), resolver or Names(), with_dane=False, with_transcript=False)


def host(name: str, address: str = "192.0.2.1", *, is_alias: bool = False) -> Host:
    made = Host(HostKey(name, address, dialogue()))
    made.is_alias = is_alias
    return made


def test_results_of_one_record_differ_in_their_name_alone() -> None:
    made = results()
    first, second = (made.of(host(name), RECORD) for name in ("a.farm.example", "b.farm.example"))
    assert (first.mx, second.mx) == ("a.farm.example", "b.farm.example")
    assert first.facts is second.facts
    assert first.outcome is second.outcome


def test_an_alias_is_the_fault_of_its_own_name() -> None:
    made = results()
    hosts = (host("a.example"), host("b.example", is_alias=True), host("c.example"))
    aliased = [W.MX_IS_CNAME in made.of(each, RECORD).outcome.warnings for each in hosts]
    assert aliased == [False, True, False]


def test_another_record_makes_another_result() -> None:
    made = results()
    made.of(host("a.example"), RECORD)
    other = made.of(host("b.example"), replace(RECORD, quit_clean=False))
    assert W.QUIT_UNCLEAN in other.outcome.warnings


async def test_a_greeting_of_another_organisation_is_looked_up_once() -> None:
    resolver = Names(hosts={"node.farm.example": ("192.0.2.9",)})
    made = results(resolver)
    ours, foreign, too = (made.of(host(name), RECORD) for name in ("mx.farm.example", "a.example", "b.example"))
    assert not made.is_doubtful(ours)
    for result in (foreign, too):
        assert made.is_doubtful(result)
        assert W.BANNER_NAME_MISMATCH in (await made.looked_up(result)).outcome.warnings
    assert resolver.asked == ["node.farm.example"]


async def test_a_greeting_that_leads_to_the_address_is_no_fault() -> None:
    made = results(Names(hosts={"node.farm.example": ("192.0.2.1",)}))
    result = made.of(host("a.example"), RECORD)
    assert await made.looked_up(result) is result


def test_of_a_host_that_fails_the_greeting_does_not_matter() -> None:
    failing = replace(RECORD, problem=Problem(Stage.EHLO, None, ProblemKind.CLOSED, "closed"))
    made = results()
    result = made.of(host("a.example"), failing)
    assert not result.up
    assert not made.is_doubtful(result)
