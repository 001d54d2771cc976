"""`mx-exporter demo`: the mail world on loopback, and the exporter as users run it, probing it."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from exporter.app.log_writer import LogWriter, sink_of
from exporter.app.logs import FLUSH_SECONDS, say
from exporter.app.process import ServeOptions, serve
from exporter.app.web_options import WebOptions
from exporter.demo.domains import DEMO, is_of_the_demo
from exporter.demo.domains.provider import PROVIDER, PROVIDERS
from exporter.demo.folder import demo_folder
from exporter.demo.levers import panel
from exporter.demo.mail_hosts import WorldError
from exporter.demo.mailbox import PASSWORD_FILE
from exporter.demo.world import DemoWorld
from exporter.egress.settings import counts_as_outside
from exporter.standing.checks import Pace

_FAILED: Final = 1
# As quick as the probes of the demo, whose DNS is its own.
_STANDING: Final = Pace(look=2.0, names=3.0, lists=3.0, between=0.1)
# The pages, each with its contents.
_PAGES: Final = (
    ("/", "every domain, the worst first: search, filters, and buttons to break things"),
    ("/domain/healthy.example", "two mail hosts: phases, certificate and the whole dialogue of each"),
    ("/domain/blocklisted.example", "refused by a block list: what the server said, and when"),
    ("/domain/filtered.example", "blocked, not dead: another port of the silent host answers"),
    ("/?group=provider", "the same by provider: one row for each, however many domains it has"),
    ("/standing", "our own standing: public address, reverse DNS, SPF, block lists"),
    ("/egress", "the egress: references, and the addresses that witness ports had to be asked on"),
)


async def demo(web_options: WebOptions) -> int:
    """Serve the demo until SIGTERM, SIGINT, or the end of its terminal (SIGHUP); returns the exit code."""
    stopping = _stopped_by_signals()
    world = DemoWorld()
    try:
        await asyncio.to_thread(world.start)
    except WorldError as error:
        say(f"mx-exporter demo: {error}")
        return _FAILED
    try:
        with demo_folder() as folder:
            return await _serve(web_options, world, folder, stopping)
    finally:
        await asyncio.to_thread(world.stop)


def _stopped_by_signals() -> asyncio.Event:
    """An event that they set, from the first moment on: a demo that died of one would leave its folder behind."""
    stopping = asyncio.Event()
    numbers = [signal.SIGTERM, signal.SIGINT]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as nohup has it, for it is to outlive its terminal
        numbers.append(signal.SIGHUP)
    for number in numbers:
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    return stopping


async def _serve(web_options: WebOptions, world: DemoWorld, folder: Path, stopping: asyncio.Event) -> int:
    path = folder / "config.yaml"
    path.write_text(world.config_yaml(with_canaries=True), encoding="utf-8")
    (folder / PASSWORD_FILE).write_text(world.mailbox.password, encoding="ascii")
    # In this world the demo's authority is the one that all clients trust.
    roots = folder / "roots.pem"
    roots.write_text(world.authority.pem, encoding="ascii")
    os.environ["SSL_CERT_FILE"] = str(roots)
    by_hand = f"SSL_CERT_FILE={shlex.quote(str(roots))} {own_command()} probe --config.file={shlex.quote(str(path))}"
    # Beside the loop, as log lines are: a terminal that is stopped (Ctrl-S) stops no probe.
    page = LogWriter(sink_of(sys.stdout))

    def introduce(url: str) -> None:
        for line in _introduction(url, world, by_hand):
            page.put(f"{line}\n")

    try:
        return await serve(
            ServeOptions(
                path,
                web_options,
                port=world.smtp_port,
                is_outside=is_outside,
                standing_pace=_STANDING,
                panel=panel(world),
                on_serving=introduce,
                stopping=stopping,
            )
        )
    finally:
        page.flush(FLUSH_SECONDS)


def is_outside(address: str) -> bool:
    """True for an address that counts as outside in this world: its hosts too, though no packet to them leaves."""
    return counts_as_outside(address) or is_of_the_demo(address)


def own_command() -> str:
    """The command as another terminal would call it: by its name where a shell finds it."""
    program = Path(sys.argv[0])
    if program.name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m exporter"
    found = shutil.which(program.name)
    if found is not None and Path(found).resolve() == program.resolve():
        return program.name
    return shlex.quote(str(program.absolute()))


def _introduction(base: str, world: DemoWorld, by_hand: str) -> Iterator[str]:
    """The greeting on the terminal: the addresses of the demo, its pages and its levers."""
    width = max(len(domain.name) for domain in DEMO)
    yield f"A mail world of {len(DEMO)} domains and {len(world.hosts)} mail hosts on loopback, probed every 5 seconds."
    yield ""
    yield "Open in a browser:"
    pages = (*_PAGES, (f"/{world.canary_page}", "a message a minute, and the folder in which it arrives"))
    for path, what in pages:
        yield f"  {base}{path:{max(len(path) for path, _ in pages)}}  {what}"
    yield ""
    yield "What Prometheus scrapes, and a probe now with its dialogue as text:"
    yield f"  {base}/metrics"
    yield f"  {base}/probe?target=healthy.example&debug=true"
    yield ""
    yield "The same by hand, in another terminal, with any of the names below:"
    yield f"  {by_hand} healthy.example"
    yield ""
    yield "Break it on purpose, and watch it being diagnosed, with the buttons on the first page, or:"
    yield f"  curl -X POST {base}/levers/gateway/throw     blocks port 25 at the gateway: egress_blocked in 10 seconds"
    yield f"  curl -X POST {base}/levers/mx1/throw         kills one of the two mail hosts of healthy.example"
    yield f"  curl -X POST {base}/levers/provider/throw    kills {PROVIDER}: {len(PROVIDERS)} domains, one row"
    yield f"  curl -X POST {base}/levers/all/restore       repairs everything"
    yield ""
    for domain in DEMO:
        if domain.exchanges:
            continue  # the provider's own line tells of its customers
        state = "up" if domain.expected is None else domain.expected.value
        yield f"  {domain.name:{width}}  {state:22}  {domain.shows}"
    yield ""
    yield "Ctrl-C ends it."
