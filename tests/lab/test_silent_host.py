"""The host that swallows SYNs."""

from __future__ import annotations

import asyncio
import socket

import pytest

from exporter.lab.silent_host import SilentHost
from exporter.lab.smtp_host import SmtpHost
from exporter.lab.smtp_script import ordinary
from tests.support.loops import LoopFactory, on_every_loop, run_on

# Beyond the first retransmission of the SYN (after 1 s): the silence is no single loss.
_LONGER_THAN_A_RETRY = 1.3


async def _connects(address: str, port: int, seconds: float) -> bool:
    """True if a connection comes about; refusal raises."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.setblocking(False)
        try:
            await asyncio.wait_for(asyncio.get_running_loop().sock_connect(sock, (address, port)), seconds)
        except TimeoutError:
            return False
        return True


@on_every_loop
@pytest.mark.parametrize("address", ["127.53.255.1", "::1"])
def test_connections_meet_silence(loop_factory: LoopFactory, address: str) -> None:
    async def main() -> None:
        host = SilentHost()
        try:
            port = await host.start(address)
            assert not await _connects(address, port, _LONGER_THAN_A_RETRY)
            # Many that give up leave it as it was.
            assert not any(await asyncio.gather(*(_connects(address, port, 0.05) for _ in range(50))))
            assert not await _connects(address, port, 0.1)
        finally:
            await host.stop()

    run_on(loop_factory, main())


@on_every_loop
def test_after_its_end_connections_are_refused_and_the_port_is_free(loop_factory: LoopFactory) -> None:
    async def main() -> None:
        silent = SilentHost()
        port = await silent.start("127.53.255.2")
        await silent.stop()
        with pytest.raises(ConnectionRefusedError):
            await _connects("127.53.255.2", port, 5.0)
        speaking = SmtpHost(ordinary("mx.example"))
        await speaking.start("127.53.255.2", port)
        assert await _connects("127.53.255.2", port, 5.0)
        await speaking.stop()
        await silent.start("127.53.255.2", port)
        assert not await _connects("127.53.255.2", port, 0.1)
        await silent.stop()

    run_on(loop_factory, main())


async def test_a_taken_port_is_an_error_and_leaves_nothing_open() -> None:
    with socket.create_server(("127.53.255.3", 0)) as listener, pytest.raises(OSError, match="in use"):
        await SilentHost().start("127.53.255.3", listener.getsockname()[1])
