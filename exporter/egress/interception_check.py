"""The interception check: do the hosts themselves answer, or does one server on the path answer for all of them?

A few of the addresses are greeted on a port that proxies of port 25 leave alone, and their paths are traced. An answer
from nearer than the host gives a proxy away, and so does another name, or encryption offered, on the other port. The
same name there is the host's own.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from exporter.diagnosis.egress_state import InspectionResult
from exporter.diagnosis.fingerprints import Suspect, describe_mark
from exporter.egress.paths import HostPaths
from exporter.egress.settings import WatchSettings, source_of
from exporter.model.address import Family
from exporter.model.path_trace import PathTrace
from exporter.model.target import Settings
from exporter.probe.session import Session
from exporter.probe.session_fingerprint import fingerprint
from exporter.probe.session_record import SessionRecord
from exporter.probe.session_request import Endpoint
from exporter.smtp.ehlo import parse_ehlo
from exporter.smtp.plan import Plan

log = logging.getLogger(__name__)

# Some have no such port, or are the proxy's own customers.
ADDRESSES_ASKED: Final = 3
SUBMISSION_PORT: Final = 587  # RFC 6409: a mail host that has it greets on it as on port 25
_SECONDS: Final = 5.0
# Hosts that must offer STARTTLS there: one may be set up so on purpose.
_LEAST_ENCRYPTED: Final = 2


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """The options of a check: EHLO and QUIT as a plan, the address to connect from, and traces."""

    plan: Plan
    source: Callable[[str], str]
    find_path: Callable[[str], Awaitable[PathTrace]] | None  # None: paths are not traced
    port: int = SUBMISSION_PORT


async def check_interception(suspect: Suspect, options: CheckOptions) -> InspectionResult:
    """The evidence of the other port and of the paths of a few hosts that share a fingerprint."""
    if not suspect.shows_elsewhere:
        return InspectionResult.OPEN
    addresses = [address for address, _ in suspect.addresses[:ADDRESSES_ASKED]]
    records = await asyncio.gather(*(_session(address, options) for address in addresses))
    if options.find_path is not None:
        paths = await asyncio.gather(*map(options.find_path, addresses))
        if any(path.intercepted for path in paths):
            return InspectionResult.PROVEN
    answered = [record for record in records if record.replies]
    if suspect.needs_proof:
        encrypted = sum(record.ehlo is not None and "STARTTLS" in parse_ehlo(record.ehlo) for record in answered)
        return InspectionResult.FOREIGN if encrypted >= _LEAST_ENCRYPTED else InspectionResult.OPEN
    if not answered:
        return InspectionResult.OPEN
    if not any(suspect.mark in fingerprint(record) for record in answered):
        return InspectionResult.FOREIGN
    return InspectionResult.OWN if suspect.may_be_own else InspectionResult.OPEN


async def _session(address: str, options: CheckOptions) -> SessionRecord:
    endpoint = Endpoint(address, options.port, options.source(address))
    return await Session(options.plan, endpoint, _SECONDS).run()


class InterceptionChecks:
    """The checks under way, one for each family and fingerprint."""

    def __init__(self, paths: HostPaths, on_result: Callable[[Family, str, InspectionResult], None]) -> None:
        """`on_result` gets the result with the fingerprint that was checked."""
        self._paths = paths
        self._on_result = on_result
        self._tasks: dict[tuple[Family, str], asyncio.Task[None]] = {}

    def begin(self, family: Family, suspect: Suspect, settings: WatchSettings) -> None:
        """Check a fingerprint that is shared by unrelated hosts, unless that is under way."""
        key = family, suspect.mark
        if key not in self._tasks:
            self._tasks[key] = asyncio.get_running_loop().create_task(self._check(family, suspect, settings))

    async def finish(self) -> None:
        """Wait for the checks under way."""
        await asyncio.gather(*self._tasks.values())

    async def close(self) -> None:
        """End the checks under way."""
        tasks = tuple(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _check(self, family: Family, suspect: Suspect, settings: WatchSettings) -> None:
        references = settings.egress.references
        as_reference = references[0].settings if references else Settings()

        async def find_path(address: str) -> PathTrace:
            return await self._paths.find(address, as_reference.port, source_of(as_reference, address))

        options = CheckOptions(
            Plan((as_reference.helo or settings.helo).encode("ascii")),
            lambda address: source_of(as_reference, address),
            find_path if settings.egress.trace else None,
        )
        try:
            self._on_result(family, suspect.mark, await check_interception(suspect, options))
        except Exception:
            log.exception(
                "internal error in the interception check", extra={"fields": {"of": describe_mark(suspect.mark)}}
            )
        finally:
            del self._tasks[family, suspect.mark]
