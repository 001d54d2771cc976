"""A session as it is asked for: a plain value."""

from __future__ import annotations

from typing import Final, NamedTuple, Protocol

from exporter.model.target import Canary
from exporter.probe.cpu_cost import MAX_SECONDS
from exporter.probe.session_recorder import SessionRecorder
from exporter.smtp.plan import Plan


class Endpoint(NamedTuple):
    """The address and port to connect to, and the address to connect from; empty: the system's choice."""

    address: str
    port: int
    source: str = ""


class NewRecorder(Protocol):
    """Makes the recorder of a session that begins now."""

    def __call__(self, plan: Plan, /, *, transcript: bool) -> SessionRecorder:
        """See :class:`SessionRecorder`."""


class SessionOptions(NamedTuple):
    """The settings of a session beside its plan."""

    transcript: bool = False
    message: bytes = b""  # delivered by DATA, where the plan has it
    cpu_limit: float = MAX_SECONDS  # CPU seconds after which the session is ended
    recorder: NewRecorder = SessionRecorder


DEFAULT_OPTIONS: Final = SessionOptions()


class SessionRequest(NamedTuple):
    """The address, the dialogue with it and the time it may take."""

    endpoint: Endpoint
    name: str  # MX host and port: the sessions with one name are limited together
    plan: Plan
    canary: Canary  # the message of DATA, sent where the plan has that step
    timeout: float  # seconds
    recorder: NewRecorder = SessionRecorder
    canary_id: str = ""  # of the message, where its arrival is looked for; else it gets one of its own
