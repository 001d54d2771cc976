"""The names of an address for which one session with TLS counts: those that its certificate is for.

A session that had a handshake was one with the name that it sent as SNI. For another name it would have been the same
if the server's certificate is for that name too, and, where a certificate that is not trusted ends the dialogue, if it
is trusted for both or for neither. A session that came to no handshake was the same for all names, as the name is said
nowhere else.
"""

from __future__ import annotations

from dataclasses import replace

from exporter.model.failure import FailureClass, Stage
from exporter.probe.session_record import SessionRecord
from exporter.smtp.events import ProblemKind
from exporter.smtp.plan import TlsPlan
from exporter.tls.roots import Roots
from exporter.tls.verification import examine


def record_for(
    record: SessionRecord, name: str, roots: Roots, *, despite_mismatch: bool = False
) -> SessionRecord | None:
    """The record as that of a session with the MX host `name`; None: only a session of its own can show its state.

    `despite_mismatch`: its own is known to show the same certificate, though that is not for it.
    """
    plan, tls = _plan_of(record), record.tls
    if plan is None or tls is None or plan.server_name == name:
        return record
    # OpenSSL's answer, not that of the names alone: the result for `name` is then that of a session with it.
    trust = examine(tls.chain, name, record.at, roots)
    if not despite_mismatch and any(fault.failure_class is FailureClass.TLS_NAME_MISMATCH for fault in trust.faults):
        return None
    if plan.verify and trust.verified is not tls.trust.verified:
        return None
    return record if trust == tls.trust else replace(record, tls=replace(tls, trust=trust))


def handshake_failed(record: SessionRecord) -> bool:
    """The handshake was begun and came to nothing, be it that a session in the clear followed."""
    if record.failed_tls is not None:
        return True
    problem = record.problem
    return problem is not None and problem.stage is Stage.TLS and problem.kind is not ProblemKind.CERTIFICATE


def leaf(record: SessionRecord) -> bytes:
    """The server's own certificate; empty where the session has none."""
    return record.tls.chain[0] if record.tls is not None and record.tls.chain else b""


def _plan_of(record: SessionRecord) -> TlsPlan | None:
    return None if record.plan is None else record.plan.tls
