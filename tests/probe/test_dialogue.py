"""Dialogues: equal ones are one, and no two with one host have the same labels."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.model.failure import Stage
from exporter.model.target import Auth, Module, Settings, Starttls, Target, TargetKind, TlsMode
from exporter.probe import dialogue as dialogue_module
from exporter.probe.dialogue import Dialogues, HostDialogue
from exporter.probe.module_plan import plan_of
from exporter.smtp.plan import Plan
from tests.probe.probing import domain_of

RCPT = (Stage.EHLO, Stage.MAIL, Stage.RCPT)
PLAIN = Module()
TLS = Module(name="tls", stages=(Stage.EHLO, Stage.STARTTLS))
MAILBOX = Module(name="mailbox", stages=RCPT, rcpt_to=("postmaster@{domain}",))
FIXED = Module(name="fixed", stages=RCPT, rcpt_to=("postmaster@example.net",))
LOGIN = Module(name="login", stages=(Stage.EHLO, Stage.AUTH), auth=Auth("me", "correct horse"))
MODULES = {module.name: module for module in (PLAIN, TLS, MAILBOX, FIXED, LOGIN)}


def host(name: str, settings: Settings, kind: TargetKind = TargetKind.HOST) -> Target:
    return Target(kind, name, name, settings)


def configured(usual: Settings | None = None) -> Dialogues:
    made = Dialogues("probe.example")
    made.adopt(MODULES, usual or Settings())
    return made


def test_targets_that_say_the_same_have_one_dialogue() -> None:
    made = configured()
    first = made.of(domain_of("a.example", Settings()))
    assert made.of(domain_of("b.example", Settings(interval=300.0, timeout=5.0, max_addresses=1))) is first
    assert made.of(host("relay.example", Settings())) is first
    assert made.of(domain_of("a.example", Settings(module=replace(PLAIN)))) is first
    others = [Settings(port=26), Settings(helo="x.example"), Settings(source_ipv4="192.0.2.1"), Settings(module=TLS)]
    assert len({made.of(domain_of("a.example", settings)) for settings in others} | {first}) == 5


@pytest.mark.parametrize(("module", "is_own"), [(MAILBOX, True), (LOGIN, True), (FIXED, False), (TLS, False)])
def test_what_is_about_one_domain_is_its_own(module: Module, is_own: bool) -> None:
    made, settings = configured(), Settings(module=module)
    a, b = (made.of(domain_of(f"{letter}.example", settings)) for letter in "ab")
    assert (a is not b) is is_own
    assert a.domain == ("a.example" if is_own else "")
    relay = made.of(host("a.example", settings))
    assert relay.domain == "", "a host is told by its name"
    assert (relay is not a) is is_own


def test_the_label_is_the_module_with_what_is_not_usual() -> None:
    made = configured(Settings(helo="usual.example", source_ipv6="2001:db8::1"))
    usual = Settings(helo="usual.example", source_ipv6="2001:db8::1")
    labels = [
        made.of(domain_of("a.example", settings)).label
        for settings in (
            usual,
            replace(usual, module=TLS),
            replace(usual, helo="other.example"),
            replace(usual, helo=""),
            replace(usual, source_ipv6=""),
            replace(usual, source_ipv4="192.0.2.7", source_ipv6="2001:db8::7"),
        )
    ]
    assert labels == [
        "default",
        "tls",
        "default@other.example",
        "default@*helo",
        "default@*ipv6",
        "default@192.0.2.7@2001:db8::7",
    ]


SETTINGS = st.builds(
    Settings,
    module=st.sampled_from((*MODULES.values(), replace(TLS, proxy_protocol=True), Module(name="gone"))),
    port=st.sampled_from((25, 465)),
    helo=st.sampled_from(("", "a.example", "retired", "[192.0.2.1]")),
    source_ipv4=st.sampled_from(("", "192.0.2.1")),
    source_ipv6=st.sampled_from(("", "2001:db8::1")),
)
TARGETS = st.builds(
    lambda kind, name, settings: Target(kind, name, name, settings),
    st.sampled_from(TargetKind),
    st.sampled_from(("a.example", "b.example")),
    SETTINGS,
)


@given(TARGETS, TARGETS, SETTINGS, st.booleans())
def test_two_dialogues_with_one_host_never_have_the_same_labels(
    one: Target, other: Target, usual: Settings, default_has_changed: bool
) -> None:
    """Prometheus refuses a scrape with the same series twice."""
    made = Dialogues("probe.example")
    modules = {**MODULES, "default": replace(PLAIN, force_helo=True)} if default_has_changed else MODULES
    made.adopt(modules, usual)
    first, second = made.of(one), made.of(other)
    if first.retired or second.retired or first is second:
        return  # no session is begun with those
    labels = [(each.label, each.port, each.domain) for each in (first, second)]
    if labels[0] == labels[1]:
        # Each is about one host alone, whose name is a label too.
        assert first.owner != second.owner
        assert not first.is_for_domain
        assert not second.is_for_domain


def test_a_reload_retires_what_has_changed_and_nothing_else() -> None:
    made = configured()
    kept, changed, gone = (made.of(domain_of("a.example", Settings(module=module))) for module in (PLAIN, TLS, FIXED))
    tighter = replace(TLS, starttls=Starttls(required=True))
    made.adopt({"default": PLAIN, "tls": tighter}, Settings())
    assert [each.retired for each in (kept, changed, gone)] == [False, True, True]
    assert made.of(domain_of("a.example", Settings())) is kept
    assert made.of(domain_of("a.example", Settings(module=TLS))).retired, "the old words are not said any more"
    now = made.of(domain_of("a.example", Settings(module=tighter)))
    assert not now.retired
    assert now is not changed


def test_other_usual_names_retire_whose_label_they_change() -> None:
    made = configured()
    before = made.of(domain_of("a.example", Settings()))
    made.adopt(MODULES, Settings(helo="usual.example"))
    assert before.retired
    assert made.of(domain_of("a.example", Settings(helo="usual.example"))).label == "default"


def test_a_reference_says_what_it_always_says() -> None:
    """The dialogue of a reference stays, however the configuration changes the default module."""
    made = Dialogues("probe.example")
    made.adopt({"default": replace(PLAIN, force_helo=True)}, Settings())
    reference = made.of(host("reference.example", Settings(), TargetKind.REFERENCE))
    assert (reference.retired, reference.label) == (False, "@reference")


def test_a_dialogue_that_nobody_has_any_more_is_forgotten() -> None:
    made = configured()
    reference = weakref.ref(made.of(domain_of("a.example", Settings(helo="x.example"))))
    gc.collect()
    assert reference() is None


def test_no_text_of_a_dialogue_shows_a_secret() -> None:
    assert "horse" not in repr(configured().of(domain_of("a.example", Settings(module=LOGIN))))


def test_the_source_is_that_of_the_family() -> None:
    made = configured().of(domain_of("a.example", Settings(source_ipv4="192.0.2.1", source_ipv6="2001:db8::1")))
    assert (made.source("198.51.100.1"), made.source("2001:db8::2")) == ("192.0.2.1", "2001:db8::1")


@pytest.mark.parametrize(
    ("module", "plans"), [(PLAIN, 1), (FIXED, 1), (TLS, 2), (replace(PLAIN, tls=TlsMode.IMPLICIT), 2)]
)
def test_plans_are_made_once_and_for_each_host_only_where_they_name_it(
    monkeypatch: pytest.MonkeyPatch, module: Module, plans: int
) -> None:
    made: list[Plan] = []

    def plan(*arguments: Any, **named: Any) -> Plan:
        made.append(plan_of(*arguments, **named))
        return made[-1]

    monkeypatch.setattr(dialogue_module, "plan_of", plan)
    dialogues = Dialogues("probe.example")
    found = dialogues.of(domain_of("a.example", Settings(module=module)))
    for name in ("a.mx.example", "b.mx.example") * 3:
        assert dialogues.plan(found, name).helo == b"probe.example"
    assert len(made) == plans


def test_the_recipients_are_those_of_the_domain_or_of_the_host_itself() -> None:
    dialogues = configured()

    def recipients(target: Target) -> tuple[str, ...]:
        found: HostDialogue = dialogues.of(target)
        return dialogues.plan(found, "mx.example").recipients

    settings = Settings(module=MAILBOX)
    assert recipients(domain_of("a.example", settings)) == ("postmaster@a.example",)
    assert recipients(host("192.0.2.1", settings)) == ("postmaster@[192.0.2.1]",)
