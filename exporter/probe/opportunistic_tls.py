"""Opportunistic TLS (RFC 7435): the rules of a sender where STARTTLS is offered and the handshake fails. Pure.

The sender goes on in the clear, unless TLS is required. So the host is up if a second session without STARTTLS passes
all stages, with a warning that says why there is no TLS; if that session fails, its failure counts. A server that takes
nothing of the offer does not say why: once a day a further session asks about the likeliest cause.

The record of both is that of the second, which shows whether mail passes, with the findings of the first: the answer
to STARTTLS and its time, the dialogue of both one after the other, the plan that asked for TLS.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from exporter.model.failure import Stage
from exporter.probe.session_record import FailedTls, SessionRecord
from exporter.smtp.events import ProblemKind
from exporter.smtp.plan import Plan, State, TlsPlan
from exporter.tls.handshake_failures import FINITE_FIELD_ALONE

_T = TypeVar("_T")


def plan_in_the_clear(record: SessionRecord) -> Plan | None:
    """The plan of a second session; None where the end of the first one stands."""
    plan, problem = record.plan, record.problem
    if plan is None or plan.tls is None or plan.tls.required or problem is None:
        return None
    if problem.stage is not Stage.TLS or problem.kind is ProblemKind.CERTIFICATE:
        return None
    return replace(plan, tls=None, steps=tuple(step for step in plan.steps if step is not State.STARTTLS))


def untried(first: SessionRecord, why: str) -> SessionRecord:
    """The first session alone, whose failure stands: it is not known whether mail goes on without TLS."""
    return replace(first, failed_tls=FailedTls(_detail(first), why))


def merged(first: SessionRecord, second: SessionRecord) -> SessionRecord:
    """Both sessions as one record."""
    shift = second.at - first.at
    later = tuple(line._replace(at=line.at + shift) for line in second.transcript)
    return replace(
        second,
        at=first.at,
        phases=_with_starttls(second.phases, first.phases),
        replies=_with_starttls(second.replies, first.replies),
        transcript=(*first.transcript, *later),
        plan=first.plan,
        took=first.took + second.took,
        cost=first.cost + second.cost,
        failed_tls=FailedTls(_detail(first)),
    )


def question(first: SessionRecord) -> Plan | None:
    """The plan that shows whether the server takes finite-field Diffie-Hellman alone; None where it is no question."""
    plan = first.plan
    if not first.refused_hello or plan is None or plan.tls is None or plan.tls.finite_field:
        return None
    steps = (State.EHLO,) if plan.tls.implicit else (State.EHLO, State.STARTTLS)
    tls = TlsPlan(plan.tls.server_name, implicit=plan.tls.implicit, required=True, finite_field=True)
    return Plan(plan.helo, steps, tls=tls, proxy_protocol=plan.proxy_protocol)


def takes_finite_field(answer: SessionRecord) -> bool | None:
    """The answer to :func:`question`; None where the session did not come so far."""
    if answer.problem is None or answer.problem.stage is not Stage.TLS:
        return None
    return answer.problem.detail == FINITE_FIELD_ALONE


def named(record: SessionRecord, cause: str) -> SessionRecord:
    """`record` with the cause of the failed handshake."""
    if record.failed_tls is not None:
        record = replace(record, failed_tls=replace(record.failed_tls, detail=cause))
    if record.problem is not None and record.problem.kind is ProblemKind.HANDSHAKE:
        record = replace(record, problem=replace(record.problem, detail=cause))
    return record


def _with_starttls(
    second: tuple[tuple[Stage, _T], ...], first: tuple[tuple[Stage, _T], ...]
) -> tuple[tuple[Stage, _T], ...]:
    """The entries of the second session, and the first one's STARTTLS in its place after EHLO."""
    asked = tuple(entry for entry in first if entry[0] is Stage.STARTTLS)
    place = next((index for index, (stage, _) in reversed([*enumerate(second)]) if stage is Stage.EHLO), None)
    return second if place is None else (*second[: place + 1], *asked, *second[place + 1 :])


def _detail(first: SessionRecord) -> str:
    return "" if first.problem is None else first.problem.detail
