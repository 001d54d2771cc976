"""The TLS layer of one session, between its connection and its dialogue. Sans-IO, as both its neighbours are."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from exporter.model.failure import FailureClass
from exporter.probe.session_record import TlsRecord
from exporter.smtp.dialogue import Dialogue
from exporter.smtp.plan import Plan, TlsPlan
from exporter.tls import handshake_failures
from exporter.tls.client import TlsClient, TlsFault, TlsHandshake, is_record
from exporter.tls.roots import Roots
from exporter.tls.verification import Trust, examine

# A second session in the clear takes about as long as the first took to the handshake, which is twice reserved for it,
# with a moment for what comes after; at most half of what is left.
_RESERVED_TIMES: Final = 2.0
_RESERVED_SECONDS: Final = 1.0


def handshake_deadline(began: float, deadline: float, took: float) -> float:
    """The moment until which a handshake that began at `began` may take where a session in the clear may follow.

    `took`: seconds of the session up to the handshake; `deadline`: the end of all.
    """
    reserved = _RESERVED_TIMES * took + _RESERVED_SECONDS
    return deadline - min(reserved, (deadline - began) / 2)


class SessionTls:
    """The client's side of the handshake and all that is sent and received after its begin."""

    __slots__ = ("_client", "_dialogue", "_needs_trust", "_plan", "_roots", "record", "refused_hello")

    def __init__(self, plan: Plan, dialogue: Dialogue, roots: Callable[[], Roots]) -> None:
        """Begin the handshake; :meth:`outgoing` has its first records. `roots`: the authorities that are trusted."""
        if plan.tls is None:
            raise ValueError("TLS without a plan for it")
        self._plan = plan.tls
        self._needs_trust = plan.tls.verify or plan.credentials is not None
        self._dialogue = dialogue
        self._roots = roots
        self._client = TlsClient(plan.tls.server_name, finite_field=plan.tls.finite_field, version=plan.tls.version)
        self.record: TlsRecord | None = None
        self.refused_hello = False  # the handshake ended before the server had chosen from the offer

    @property
    def is_shaking_hands(self) -> bool:
        """The handshake is not done."""
        return self._client.handshake is None

    def outgoing(self) -> bytes:
        """The records to send now."""
        return self._client.outgoing()

    def encrypt(self, data: bytes) -> bytes:
        """The records that hold `data`; empty before the end of the handshake."""
        if self._client.handshake is None:
            return b""
        self._client.encrypt(data)
        return self._client.outgoing()

    def receive(self, data: bytes, at: float) -> bytes:
        """Hand `data`, received `at` seconds after the connect began, on to the dialogue; the plain bytes in it.

        :meth:`outgoing` gives the answer to send.
        """
        client, dialogue = self._client, self._dialogue
        is_shaking = client.handshake is None
        if is_shaking and not client.begun and not is_record(data):
            dialogue.answered_in_clear(data)
            return data
        received = client.receive(data)
        if isinstance(received, TlsFault):
            if received.of_handshake:
                self.fail(received)
            else:
                dialogue.abort(received.detail)
            return b""
        if is_shaking and client.handshake is not None:
            self._secured(client.handshake, at)
        if received:
            dialogue.receive_data(received)
        if client.closed:
            dialogue.receive_eof()
        return received

    def receive_eof(self) -> None:
        """The connection is closed beneath: the handshake may have failed by that."""
        if self._client.handshake is None:
            self.fail(self._client.ended())
        elif self._client.unheard:
            # The last reply of the server may be lost with the reset that followed it.
            self.fail(TlsFault(handshake_failures.CLOSED_UNHEARD))

    def fail(self, fault: TlsFault) -> None:
        """There is no TLS."""
        self.record = None
        self.refused_hello = fault.refused_hello
        self._dialogue.handshake_failed(fault.detail)

    def _secured(self, handshake: TlsHandshake, at: float) -> None:
        plan = self._plan
        trust = examine(handshake.chain, plan.identity or plan.server_name, time.time(), self._roots())
        if plan.identity:
            trust = _explained(trust, plan)
        self.record = TlsRecord(handshake, trust, at)
        if self._needs_trust and not trust.verified:
            self._dialogue.distrust(trust.faults[0].detail)
        else:
            self._dialogue.secured()


def _explained(trust: Trust, plan: TlsPlan) -> Trust:
    """`trust` with the reason why the certificate has to be for another name than that of the host."""
    why = (
        f"a password goes to {plan.identity} alone: that its mail host is {plan.server_name} the DNS says, which can be"
        " forged; `hosts` or `starttls.server_name` would say so for certain"
    )
    faults = [
        replace(fault, evidence=(*fault.evidence, why))
        if fault.failure_class is FailureClass.TLS_NAME_MISMATCH
        else fault
        for fault in trust.faults
    ]
    return replace(trust, faults=tuple(faults))
