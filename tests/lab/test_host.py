"""The common part of all hosts of the lab: started, stopped, and on loopback only."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import Any

import pytest

from exporter.lab.dns_host import DnsHost
from exporter.lab.host import LabHost, LoopThread, listening, listening_in_thread, require_loopback
from exporter.lab.https_host import HttpsHost
from exporter.lab.silent_host import SilentHost
from exporter.lab.smtp_host import SmtpHost
from exporter.lab.smtp_script import SmtpScript, ordinary


def _all_hosts() -> list[LabHost[Any]]:
    return [SmtpHost(SmtpScript()), SilentHost(), DnsHost({}), HttpsHost([])]


def _name(host: LabHost[Any]) -> str:
    return type(host).__name__


@pytest.mark.parametrize("address", ["127.0.0.1", "127.54.3.2", "::1"])
def test_any_loopback_address_will_do(address: str) -> None:
    require_loopback(address)


@pytest.mark.parametrize("host", _all_hosts(), ids=_name)
@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.0.2.1", "10.0.0.1", "mx.example", ""])
async def test_no_host_listens_beyond_loopback(host: LabHost[Any], address: str) -> None:
    with pytest.raises(ValueError, match=r"loopback|address"):
        await host.start(address)


async def test_in_a_network_namespace_of_ones_own_a_host_may() -> None:
    async with listening(SmtpHost(ordinary("mx.example"), beyond_loopback=True), "0.0.0.0") as port:
        _, writer = await asyncio.open_connection("127.0.0.7", port)
        writer.close()


@pytest.mark.parametrize("host", [SmtpHost(SmtpScript()), HttpsHost([])], ids=_name)
async def test_a_host_refuses_after_the_block_whatever_happened_in_it(host: LabHost[int]) -> None:
    with pytest.raises(LookupError):
        async with listening(host) as port:
            raise LookupError
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)


def test_without_an_event_loop_a_host_has_a_thread_for_the_block() -> None:
    before = threading.active_count()
    host = SmtpHost(ordinary("mx.example"))
    with listening_in_thread(host, "127.0.0.9") as port, socket.create_connection(("127.0.0.9", port), 10.0) as client:
        assert client.recv(100) == b"220 mx.example ESMTP\r\n"
        assert threading.active_count() == before + 1
    assert threading.active_count() == before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.9", port), 10.0)


def test_a_port_that_is_taken_leaves_no_thread() -> None:
    before = threading.active_count()
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):  # noqa: SIM117
        with listening_in_thread(SmtpHost(SmtpScript()), port=taken.getsockname()[1]):
            pass
    assert threading.active_count() == before


def test_a_thread_runs_what_it_is_given_and_first_what_it_enters_by() -> None:
    entered: list[str] = []

    async def where() -> tuple[str, list[str]]:
        return threading.current_thread().name, list(entered)

    thread = LoopThread("somewhere", lambda: entered.append(threading.current_thread().name))
    with thread:
        assert thread.call(where()) == ("somewhere", ["somewhere"])
    with pytest.raises(RuntimeError, match="somewhere is not running"):
        thread.call(where())
    thread.stop()


def test_a_thread_that_takes_too_long_is_not_waited_for() -> None:
    with LoopThread("slow") as thread:
        never = asyncio.Event()
        with pytest.raises(TimeoutError):
            thread.call(never.wait(), seconds=0.05)
        thread.call(_cancel_all())


async def _cancel_all() -> None:
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        assert task is not None
        task.cancel()
