"""From a module to the plan of the dialogue with one host, and the message that DATA delivers."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime

from exporter.diagnosis.networks import registrant
from exporter.model.failure import Stage
from exporter.model.target import (
    CANARY_FIELD,
    CANARY_ID_PREFIX,
    DOMAIN_PLACEHOLDER,
    Canary,
    Module,
    PolicyKind,
    TlsMode,
)
from exporter.net.helo_name import address_literal
from exporter.smtp.plan import Credentials, Plan, State, TlsPlan


def is_same_for_all(module: Module) -> bool:
    """The plan names neither domain nor host: a greeting and nothing else."""
    plain = module.stages == (Stage.EHLO,) and module.tls is not TlsMode.IMPLICIT
    return plain and not module.proxy_protocol


def plan_of(module: Module, helo: str, domain: str, server_name: str, *, from_mx: bool = False) -> Plan:
    """The dialogue with a host called `server_name`, as mail for `domain` would have it.

    `helo` is the EHLO name; empty: there is none. `from_mx`: only an MX record says that `server_name` is a host of
    `domain`.
    """
    own = helo.encode("ascii")
    expect = tuple(sorted(module.expect.items()))
    if is_same_for_all(module):
        return Plan(own, (State.HELO,) if module.force_helo else (State.EHLO,), expect)
    recipients = tuple(recipient.replace(DOMAIN_PLACEHOLDER, domain) for recipient in module.rcpt_to)
    steps = _steps(module, len(recipients))
    return Plan(
        helo=own,
        steps=steps,
        expect=expect,
        tls=_tls(module, server_name, domain if from_mx else ""),
        credentials=_credentials(module),
        reverse_path=module.mail_from if State.MAIL in steps else "",
        recipients=recipients if State.RCPT in steps else (),
        size=module.size,
        vrfy=module.vrfy,
        expn=module.expn,
        proxy_protocol=module.proxy_protocol,
        canary=module.data if State.DATA in steps else None,
    )


def without_message(plan: Plan) -> Plan:
    """The plan up to the message, which is not sent."""
    return replace(plan, steps=tuple(step for step in plan.steps if step is not State.DATA), canary=None)


def mail_domain(host: str) -> str:
    """The part behind the @ in mail for a host itself; an address as a literal (RFC 5321 4.1.3)."""
    try:
        return address_literal(host)
    except ValueError:
        return host


def _steps(module: Module, recipients: int) -> tuple[State, ...]:
    """The stages of a module; RCPT is said once for each recipient."""
    steps: list[State] = []
    for stage in module.stages:
        state = State.HELO if stage is Stage.EHLO and module.force_helo else State(stage.value)
        steps += [state] * (recipients if stage is Stage.RCPT else 1)
    return tuple(steps)


def _credentials(module: Module) -> Credentials | None:
    if module.auth is None or Stage.AUTH not in module.stages:
        return None
    return Credentials(module.auth.username, module.auth.password)


def _tls(module: Module, server_name: str, mx_of: str) -> TlsPlan | None:
    implicit = module.tls is TlsMode.IMPLICIT
    if not implicit and Stage.STARTTLS not in module.stages:
        return None
    # A password goes only to a server that has proven its name.
    secret = _credentials(module) is not None
    # RFC 7672 3.1.1: TLSA records may vouch for a certificate that no authority does, which is judged afterwards.
    verify = module.starttls.verify == "require" and PolicyKind.DANE not in module.policies
    # A forger of DNS answers can name a host of their own there, with a certificate for its own name (RFC 9525 6.1: the
    # name to verify comes from the configuration, or over a path that cannot be forged).
    forgeable = secret and mx_of and not module.starttls.server_name and registrant(server_name) != registrant(mx_of)
    return TlsPlan(
        module.starttls.server_name or server_name,
        implicit=implicit,
        required=implicit or secret or module.starttls.required,
        verify=secret or verify,
        identity=mx_of if forgeable else "",
    )


def new_canary_id(canary: Canary, plan: Plan) -> str:
    """A Message-ID, without brackets, that nobody can guess, so that no other message is taken for it."""
    domain = (canary.sender or plan.reverse_path).rpartition("@")[2] or plan.helo.decode("ascii")
    # IMAP searches for ASCII; the random part makes it one of its kind (RFC 5322 3.6.4).
    return f"{CANARY_ID_PREFIX}{secrets.token_hex(16)}@{domain if domain and domain.isascii() else 'localhost'}"


def canary_message(canary: Canary, plan: Plan, at: float, own_address: str = "", canary_id: str = "") -> bytes:
    """The message of DATA as of Unix time `at`: one of its kind, marked as automatic (RFC 3834 5).

    `own_address` stands for the name of this machine where the plan has none; `canary_id`: of :func:`new_canary_id`.
    """
    own = plan.helo.decode("ascii") or address_literal(own_address or "127.0.0.1")
    # A message without a configured sender comes from the postmaster of this machine (RFC 2142 5).
    sender = canary.sender or plan.reverse_path or f"postmaster@{own}"
    recipients = canary.to or plan.recipients
    international = not all(part.isascii() for part in (sender, *recipients, *canary.cc, canary.reply_to))
    message = EmailMessage(policy.SMTPUTF8 if international else policy.SMTP)
    message["From"] = sender
    message["To"] = ", ".join(recipients)
    if canary.cc:
        message["Cc"] = ", ".join(canary.cc)
    if canary.reply_to:
        message["Reply-To"] = canary.reply_to
    message["Subject"] = canary.subject
    message["Date"] = format_datetime(datetime.fromtimestamp(at, UTC))
    message["Message-ID"] = f"<{canary_id or new_canary_id(canary, plan)}>"
    message["Auto-Submitted"] = "auto-generated"
    field, word = CANARY_FIELD
    message[field] = word
    message.set_content(canary.body)
    return message.as_bytes()
