"""The interception check: what hosts that share a fingerprint show on another port, and on their paths."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from exporter.diagnosis.egress_state import InspectionResult
from exporter.diagnosis.fingerprints import Suspect
from exporter.egress.interception_check import CheckOptions, check_interception
from exporter.lab.smtp_host import SmtpHost
from exporter.lab.smtp_script import ordinary
from exporter.model.path_trace import HopKind, PathTrace
from exporter.smtp.plan import Plan
from tests.paths import OPEN_443, path

PROXY = "proxy.isp.example"
ADDRESSES = tuple(f"127.{number}.0.1" for number in (66, 67, 68))
R = InspectionResult


@asynccontextmanager
async def submission(name: str) -> AsyncIterator[int]:
    """Hosts that all greet by this name on another port than 25; the port."""
    hosts = [SmtpHost(ordinary(name, ("STARTTLS",))) for _ in ADDRESSES]
    port = 0
    try:
        for host, address in zip(hosts, ADDRESSES, strict=True):
            port = await host.start(address, port)
        yield port
    finally:
        for host in hosts:
            await host.stop()


def suspect() -> Suspect:
    return Suspect(f"name:{PROXY}", tuple((address, f"mx.{address}.example") for address in ADDRESSES), True)


def options(port: int, find_path: Callable[[str], Awaitable[PathTrace]] | None = None) -> CheckOptions:
    return CheckOptions(Plan(b"probe.example"), lambda address: "", find_path, port)


@pytest.mark.parametrize("name", ["mx.their-own.example", PROXY])
async def test_another_name_elsewhere_is_foreign_and_the_same_is_not(name: str) -> None:
    async with submission(name) as port:
        found = await check_interception(suspect(), options(port))
    assert (found is R.FOREIGN) is (name != PROXY)


async def test_hosts_without_another_port_leave_it_open() -> None:
    async with submission(PROXY) as port:
        pass
    assert await check_interception(suspect(), options(port)) is R.OPEN


async def test_an_answer_from_nearer_than_the_host_is_proof() -> None:
    async def nearer(address: str) -> PathTrace:
        return path(HopKind.REACHED, against=OPEN_443)

    async with submission(PROXY) as port:
        assert await check_interception(suspect(), options(port, nearer)) is R.PROVEN
