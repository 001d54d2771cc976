"""A session as it is asked for: a plain value. Two probes that ask for equal ones may share the record of one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Hashable
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple

from exporter.model.target import Canary
from exporter.probe.cpu_cost import MAX_SECONDS
from exporter.smtp.plan import Plan


class Endpoint(NamedTuple):
    """The address and port to connect to, and the address to connect from; empty: the system's choice."""

    address: str
    port: int
    source: str = ""


class SessionOptions(NamedTuple):
    """The settings of a session beside its plan."""

    transcript: bool = False
    message: bytes = b""  # delivered by DATA, where the plan has it
    cpu_limit: float = MAX_SECONDS  # CPU seconds after which the session is ended


class SessionRequest(NamedTuple):
    """The address, the dialogue with it and the time it may take."""

    address: str
    port: int
    name: str  # MX host and port: the sessions with one name are limited together
    source: str  # the address to connect from; empty: the system's choice
    plan: Plan
    canary: Canary | None  # the message of DATA, sent where the plan has that step
    timeout: float  # seconds
    interval: float  # seconds for which a record may be shared
    transcript: bool

    @property
    def dialogue_key(self) -> Hashable:
        """Equal for requests with one address whose dialogues are the same, however long each may take.

        A request for one host alone keeps its name: several hosts may have one address, and equal plans.
        """
        plan = self.plan
        return (self.port, self.source, plan, "" if plan.credentials is None and plan.canary is None else self.name)

    @property
    def sharing_key(self) -> Hashable:
        """Equal for requests that one record answers.

        The timeout is part of it: the end of a short one says nothing to a probe that grants more.
        """
        return (self.address, self.timeout, self.dialogue_key)


class TimeBudget(NamedTuple):
    """The time of one probe, and its slot, which is given to other probes while this one waits."""

    ends: float | None  # time.perf_counter(); None: no common end, every session has its own timeout
    paused: Callable[[], AbstractAsyncContextManager[None]]

    @property
    def left(self) -> float | None:
        """Seconds until the end, 0 after it; None without an end."""
        return None if self.ends is None else max(0.0, self.ends - time.perf_counter())

    def timeout(self) -> asyncio.Timeout:
        """A context that raises TimeoutError at the end."""
        return asyncio.timeout(self.left)
