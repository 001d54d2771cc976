"""Old versions of TLS: sessions that offer one version alone, at an interval of their own, beside the turns of a host.

A session costs the host a connection, so they are few: one for each version in six hours, one after the other, within
the limits of all sessions, and each says QUIT. A turn waits for none of them where it has a next one.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final, NamedTuple

from exporter.concurrency.bounded_dict import BoundedDict
from exporter.concurrency.shared_tasks import SharedTasks
from exporter.concurrency.slots import ProbeSlots
from exporter.model.failure import Stage
from exporter.model.result import HostResult
from exporter.model.tls_version import OLD_VERSIONS, OldVersion, VersionState
from exporter.model.warning import HostWarning
from exporter.probe.cpu_cost import CpuCosts
from exporter.probe.session_record import SessionRecord
from exporter.probe.session_recorder import SessionRecorder
from exporter.probe.session_request import SessionRequest
from exporter.probe.session_runner import CostPauseError, SessionRunner
from exporter.smtp.events import ProblemKind
from exporter.smtp.plan import Plan, State, TlsPlan
from exporter.tls.handshake_failures import FINITE_FIELD_CHOSEN, NO_CIPHER
from exporter.tls.version_support import speaks

INTERVAL_SECONDS: Final = 21_600.0
# After sessions that did not come so far.
_RETRY_SECONDS: Final = 1800.0
_SPREAD: Final = 0.1
# Between two sessions the host sees the first one end: some count their clients.
_FAREWELL_SECONDS: Final = 0.1
_MAX_KEPT: Final = 100_000
_MAX_UNDER_WAY: Final = 100
_UNTESTABLE: Final = "the OpenSSL of this exporter does not speak it"
_NOT_ASKED: Final = "not asked about, for the session before came to nothing"

# Address, port, and whether TLS comes first.
_Key = tuple[str, int, bool]
Found = tuple[OldVersion, ...]


class VersionTools(NamedTuple):
    """The parts that the sessions need."""

    runner: SessionRunner
    slots: ProbeSlots
    costs: CpuCosts
    on_session: Callable[[], None]


class VersionChecks:
    """The last finding about each host, and the sessions under way."""

    def __init__(self) -> None:
        self._running: SharedTasks[_Key, None] = SharedTasks(_tell_bug)
        self._found: BoundedDict[_Key, tuple[float, Found]] = BoundedDict(_MAX_KEPT)

    def known(self, request: SessionRequest) -> Found:
        """The last finding about the host of `request`; empty: none yet."""
        key = _key_of(request)
        kept = None if key is None else self._found.get(key)
        return () if kept is None else kept[1]

    def begin(self, request: SessionRequest, tools: VersionTools) -> asyncio.Task[None] | None:
        """Begin the sessions with the host of `request`, if they are due; the task that is under way.

        To be called when a session of `request` has come to TLS: without that a refusal would say nothing.
        """
        key = _key_of(request)
        if key is None:
            return None
        task = self._running.get(key)
        due, _ = self._found.get(key, (0.0, ()))
        if task is None and due <= time.monotonic() and len(self._running) < _MAX_UNDER_WAY:
            task = self._running.start(key, self._check(key, request, tools))
        return task

    async def close(self) -> None:
        """Cancel the sessions under way."""
        await self._running.close()

    async def _check(self, key: _Key, request: SessionRequest, tools: VersionTools) -> None:
        found: list[OldVersion] = []
        is_open = False
        for version in OLD_VERSIONS:
            if not speaks(version):
                found.append(OldVersion(version, VersionState.UNTESTABLE, _UNTESTABLE))
            elif is_open:  # of a host that limits its sessions, or is down by now
                found.append(OldVersion(version, VersionState.UNKNOWN, _NOT_ASKED))
            else:
                await asyncio.sleep(_FAREWELL_SECONDS)
                found.append(await _ask(version, request, tools))
                is_open = found[-1].state is VersionState.UNKNOWN
        seconds = _RETRY_SECONDS if is_open else INTERVAL_SECONDS
        seconds *= 1 + random.uniform(-_SPREAD, _SPREAD)  # noqa: S311 - no secret
        self._found[key] = (time.monotonic() + seconds, tuple(found))


async def _ask(version: str, request: SessionRequest, tools: VersionTools) -> OldVersion:
    plan = version_plan(request.plan, version)
    await tools.slots.take()
    try:
        asked = request._replace(plan=plan, recorder=SessionRecorder)
        record = await tools.runner.run(asked, tools.on_session)
    except CostPauseError as error:
        return OldVersion(version, VersionState.UNKNOWN, str(error))
    finally:
        tools.slots.free()
    tools.costs.settle(request.endpoint.address, record.cost)
    return finding(version, record)


def version_plan(plan: Plan, version: str) -> Plan:
    """The dialogue up to the handshake with one version alone, and QUIT. Pure."""
    if plan.tls is None:
        raise ValueError("a plan without TLS")
    steps = (State.EHLO,) if plan.tls.implicit else (State.EHLO, State.STARTTLS)
    tls = TlsPlan(plan.tls.server_name, implicit=plan.tls.implicit, required=True, version=version)
    return Plan(plan.helo, steps, tls=tls, proxy_protocol=plan.proxy_protocol)


def finding(version: str, record: SessionRecord) -> OldVersion:
    """The outcome of such a session. Pure."""
    if record.tls is not None:
        return OldVersion(version, VersionState.ACCEPTED, f"with {record.tls.handshake.cipher}")
    problem = record.problem
    if problem is not None and problem.detail == FINITE_FIELD_CHOSEN:
        return OldVersion(version, VersionState.ACCEPTED, f"it {FINITE_FIELD_CHOSEN}")
    if problem is not None and problem.stage is Stage.TLS and problem.kind is ProblemKind.HANDSHAKE:
        how = NO_CIPHER if problem.detail.startswith(NO_CIPHER) else problem.detail  # DHE was offered, too
        return OldVersion(version, VersionState.REFUSED, f"to it alone the host {how}")
    why = "" if problem is None else problem.detail
    return OldVersion(version, VersionState.UNKNOWN, f"it {why}" if why else "the session did not come so far")


def with_old_versions(result: HostResult, found: Found) -> HostResult:
    """`result` with what is known of old versions, and the warning where one is accepted. Pure."""
    result = replace(result, facts=replace(result.facts, old_versions=found))
    accepted = any(each.state is VersionState.ACCEPTED for each in found)
    outcome = result.outcome
    # A host whose best is old has a warning of its own for that.
    if not accepted or outcome.failure is not None or HostWarning.TLS_OUTDATED in outcome.warnings:
        return result
    return replace(result, outcome=replace(outcome, warnings=(*outcome.warnings, HostWarning.TLS_OLD_ACCEPTED)))


def _key_of(request: SessionRequest) -> _Key | None:
    tls = request.plan.tls
    return None if tls is None else (request.endpoint.address, request.endpoint.port, tls.implicit)


def _tell_bug(key: _Key, task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:  # a bug of ours, and nobody waits for it
        about = {"message": "a check for old versions of TLS failed", "exception": error, "task": task}
        task.get_loop().call_exception_handler(about)
