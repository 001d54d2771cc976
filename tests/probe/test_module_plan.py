"""From a module to what is said: only what it names, with the domain's own recipients; and the canary."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from exporter.config.load import parse
from exporter.config.schema import CanarySection
from exporter.model.target import Canary, Settings
from exporter.probe.module_plan import canary_message, mail_domain, plan_of
from exporter.smtp.commands import message
from exporter.smtp.plan import Plan, State, TlsPlan

S = State


def settings(module: str) -> Settings:
    return parse(f"modules: {{m: {module}}}", "c.yaml").settings("m")


def plan(module: str) -> Plan:
    return plan_of(settings(module).module, "me.example", domain="d.example", server_name="mx.d.example")


def test_the_default_module_says_ehlo() -> None:
    assert plan("{}") == Plan(b"me.example", (S.EHLO,))
    assert plan("{stages: [helo]}") == Plan(b"me.example", (S.HELO,))


def test_recipients_are_those_of_the_domain_and_one_step_each() -> None:
    made = plan("{stages: [ehlo, mail, rcpt], rcpt_to: ['postmaster@{domain}', 'x@y.example'], mail_from: p@q.example}")
    assert made.steps == (S.EHLO, S.MAIL, S.RCPT, S.RCPT)
    assert made.recipients == ("postmaster@d.example", "x@y.example")
    assert made.reverse_path == "p@q.example"
    assert made.tls is None


@pytest.mark.parametrize(
    ("module", "steps"),
    [
        ("{stages: [ehlo, vrfy, expn], vrfy: root, expn: staff}", (S.EHLO, S.VRFY, S.EXPN)),
        ("{stages: [ehlo], vrfy: root, rcpt_to: a@b.example, mail_from: c@d.example}", (S.EHLO,)),
        ("{stages: [helo, mail, rset]}", (S.HELO, S.MAIL, S.RSET)),
    ],
)
def test_a_stage_runs_only_if_it_is_named(module: str, steps: tuple[State, ...]) -> None:
    assert plan(module).steps == steps


@pytest.mark.parametrize(
    ("module", "tls"),
    [
        ("{stages: [ehlo, starttls]}", TlsPlan("mx.d.example")),
        ("{stages: [ehlo, starttls], starttls: {required: true}}", TlsPlan("mx.d.example", required=True)),
        ("{stages: [ehlo, starttls], starttls: {verify: require}}", TlsPlan("mx.d.example", verify=True)),
        ("{tls: implicit}", TlsPlan("mx.d.example", implicit=True, required=True)),
    ],
)
def test_what_is_asked_of_tls(module: str, tls: TlsPlan) -> None:
    assert plan(module).tls == tls


def test_a_password_makes_tls_and_its_verification_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "x")
    made = plan(
        "{stages: [ehlo, starttls, auth], starttls: {verify: require}, auth: {username: me, password_env: SECRET}}"
    )
    assert made.tls == TlsPlan("mx.d.example", required=True, verify=True)
    assert made.credentials is not None


def test_plans_with_different_canaries_share_no_session() -> None:
    """Nor those with different passwords or certificates' names; where nothing of it is said, they do."""
    canary = "{{stages: [ehlo, mail, rcpt, data], rcpt_to: a@b.example, data: {{subject: {}}}}}"
    assert plan(canary.format("a")) != plan(canary.format("b"))
    assert plan(canary.format("a")) == plan(canary.format("a"))
    assert plan("{data: {subject: a}}") == plan("{data: {subject: b}}")
    secured = settings("{stages: [ehlo, starttls]}")
    names = [
        plan_of(secured.module, "me.example", domain="d.example", server_name=name)
        for name in ("a.example", "b.example")
    ]
    assert names[0] != names[1]


@pytest.mark.parametrize(
    ("host", "domain"),
    [("a.example", "a.example"), ("192.0.2.1", "[192.0.2.1]"), ("2001:db8::1", "[IPv6:2001:db8::1]")],
)
def test_mail_for_a_host_itself(host: str, domain: str) -> None:
    assert mail_domain(host) == domain


ENVELOPE = Plan(b"me.example", reverse_path="probe@me.example", recipients=("a@b.example", "c@d.example"))


def read(raw: bytes) -> EmailMessage:
    found = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    return found


def test_a_canary_is_from_the_sender_to_the_recipients_unless_it_says_otherwise() -> None:
    made = read(canary_message(Canary(), ENVELOPE, 1_700_000_000.0))
    assert made["From"] == "probe@me.example"
    assert made["To"] == "a@b.example, c@d.example"
    assert made["Cc"] is made["Reply-To"] is None
    assert made["Date"].datetime.timestamp() == 1_700_000_000
    assert made["Auto-Submitted"] == "auto-generated"
    assert made["X-Mx-Exporter-Canary"] == "yes"
    nobody = read(canary_message(Canary(), Plan(b"me.example", recipients=("a@b.example",)), 0.0))
    assert nobody["From"] == "postmaster@me.example"


def test_each_canary_is_one_of_its_kind() -> None:
    first, second = (read(canary_message(Canary(), ENVELOPE, 0.0)) for _ in range(2))
    assert first["Message-ID"] != second["Message-ID"]


def test_a_canary_needs_8bitmime_only_where_its_addresses_are_international() -> None:
    odd = Canary(subject="grüßt \u202e", body="ü" * 500 + "\n")
    assert canary_message(odd, ENVELOPE, 0.0).isascii()
    assert "ü@b.example" in canary_message(Canary(to=("ü@b.example",)), ENVELOPE, 0.0).decode()


@given(st.text(max_size=200), st.text(max_size=60))
def test_whatever_is_configured_ends_no_message_and_no_header_early(body: str, subject: str) -> None:
    try:
        section = CanarySection.model_validate({"subject": subject.strip(), "body": body})
    except ValidationError:
        return  # what is not taken cannot harm
    raw = message(canary_message(Canary(subject=section.subject, body=section.body), ENVELOPE, 0.0))
    assert raw.endswith(b"\r\n.\r\n")
    assert raw.count(b"\r\n.\r\n") == 1
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert read(raw)["To"] == "a@b.example, c@d.example"
