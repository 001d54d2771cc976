"""A closer look at somebody who seems to answer for everyone: is it the hosts themselves after all?

A few of the addresses are greeted on a port that proxies of port 25 leave alone, and their paths are traced. An answer
from nearer than the host gives a proxy away, and so does another name, or encryption offered, on the other port. The
same name there is the host's own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from exporter.diagnosis.egress_state import InspectionResult
from exporter.diagnosis.fingerprints import Suspect
from exporter.model.path_trace import PathTrace
from exporter.probe.session import Session
from exporter.probe.session_fingerprint import fingerprint
from exporter.probe.session_record import SessionRecord
from exporter.smtp.ehlo import parse_ehlo
from exporter.smtp.plan import Plan

# Some have no such port, or are the proxy's own customers.
ADDRESSES_ASKED: Final = 3
SUBMISSION_PORT: Final = 587  # RFC 6409: a mail host that has it greets on it as on port 25
_SECONDS: Final = 5.0
# Hosts that must offer STARTTLS there: one may be set up so on purpose.
_LEAST_ENCRYPTED: Final = 2


async def check_interception(
    suspect: Suspect,
    plan: Plan,
    source: Callable[[str], str],
    find_path: Callable[[str], Awaitable[PathTrace]] | None,
    port: int = SUBMISSION_PORT,
) -> InspectionResult:
    """What the hosts show elsewhere. `plan` says EHLO and QUIT; `find_path` None: paths are not traced."""
    if not suspect.shows_elsewhere:
        return InspectionResult.OPEN
    addresses = [address for address, _ in suspect.addresses[:ADDRESSES_ASKED]]
    records = await asyncio.gather(*(_session(address, port, source(address), plan) for address in addresses))
    if find_path is not None:
        paths = await asyncio.gather(*(find_path(address) for address in addresses))
        if any(path.intercepted for path in paths):
            return InspectionResult.PROVEN
    spoken = [record for record in records if record.replies]
    if suspect.needs_proof:
        encrypted = sum(record.ehlo is not None and "STARTTLS" in parse_ehlo(record.ehlo) for record in spoken)
        return InspectionResult.FOREIGN if encrypted >= _LEAST_ENCRYPTED else InspectionResult.OPEN
    if not spoken:
        return InspectionResult.OPEN
    if not any(suspect.mark in fingerprint(record) for record in spoken):
        return InspectionResult.FOREIGN
    return InspectionResult.OWN if suspect.may_be_own else InspectionResult.OPEN


async def _session(address: str, port: int, source: str, plan: Plan) -> SessionRecord:
    return await Session(plan).run(address, port, _SECONDS, source)
