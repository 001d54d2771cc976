"""The process: signals, the web server in its thread, and what it may ask of the service.

Probes run in the main thread's event loop. The web server has a thread and a loop of its own, so neither a slow scraper
nor the joining of a large answer holds up a probe's clock; what it asks of the probes crosses over by
`run_coroutine_threadsafe`.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Final

from exporter import __version__
from exporter.app import systemd
from exporter.app.backend import EngineBackend
from exporter.app.engine import Engine
from exporter.app.logs import say
from exporter.app.memory_limit import MemoryCheck, hopeless
from exporter.app.reload import Reload
from exporter.app.tuning import spare_the_heap
from exporter.app.web_options import WebOptions, page_url
from exporter.config.domain_lists import DomainLists
from exporter.config.load import ConfigError, load
from exporter.config.web.load import load_web
from exporter.egress.watch import counts_as_outside
from exporter.model.configuration import Config
from exporter.model.egress import SMTP_PORT
from exporter.net import connection
from exporter.net.helo_name import HostLookup, faults, in_words, local_helo, names_in
from exporter.net.open_files import raise_open_files
from exporter.schedule.shard import Shard
from exporter.web.access.active_config import ActiveWebConfig
from exporter.web.app import AppOptions, create_app
from exporter.web.pages.panel import Panel
from exporter.web.server.listen import ListenError, listen
from exporter.web.server.server import WebServer

log = logging.getLogger(__name__)

FAILED: Final = 1
USAGE: Final = 2
# A scrape under way at the end may still be answered.
_WEB_GRACE_SECONDS: Final = 1.0
_ONLY_SHARD: Final = Shard()


async def serve(
    path: Path,
    web_options: WebOptions,
    shard: Shard = _ONLY_SHARD,
    *,
    is_outside: Callable[[str], bool] = counts_as_outside,
    port: int = SMTP_PORT,
    panel: Panel | None = None,
    on_serving: Callable[[str], None] | None = None,
) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit code.

    `is_outside` tells the addresses that are reached by the way out, which is that of `port`; `panel` is shown on the
    status page; `on_serving` is told the URL of the status page once it can be opened.
    """
    loop = asyncio.get_running_loop()
    hung_up = asyncio.Event()
    # First of all: while a large configuration loads, the signal that asks for it once more must not be the end of us.
    loop.add_signal_handler(signal.SIGHUP, hung_up.set)
    check_memory = MemoryCheck()
    check_memory(0)  # first, for a large configuration may be the end of us
    try:
        lists = DomainLists()
        config = load(path, lists)
        web_config = None if web_options.config_file is None else load_web(web_options.config_file)
        sockets = listen(web_options.listen_addresses)
    except ConfigError as error:
        say(str(error))
        return USAGE
    except ListenError as error:
        say(f"--web.listen-address: {error}")
        return USAGE
    connection.TcpConnection.most_files = raise_open_files(config.limits.concurrency).probes_below
    helo = await asyncio.to_thread(local_helo)
    service = Engine(path, config, helo, shard, lists=lists, is_outside=is_outside, port=port)
    check_memory(len(service.targets))
    if (reason := hopeless(len(service.targets))) is not None:
        say(reason)
        return FAILED
    security = ActiveWebConfig(web_options.config_file, web_config, service.own.web_loaded)
    reload = Reload(service, security, check_memory)
    app = create_app(
        EngineBackend(service, reload, loop, helo),
        security,
        AppOptions(
            route_prefix=web_options.prefix,
            external_url=web_options.external_url,
            allowed_hosts=web_options.hosts([sock.getsockname()[0] for sock in sockets], helo),
            probes=web_options.probes,
            lifecycle=web_options.lifecycle,
            panel=panel,
        ),
    )
    web = WebServer(app, sockets, security)
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    service.start()
    web.start()
    if on_serving is not None:
        on_serving(page_url(web_options, web.addresses[0], tls=security.config.tls is not None))
    spare_the_heap()
    fed = systemd.feed_watchdog(lambda: service.heartbeat.trouble)
    tasks = [loop.create_task(work) for work in (reload.whenever(hung_up), security.watch(), fed)]
    targets = len(service.targets)
    systemd.notify(systemd.READY, f"STATUS=probing {targets} targets")
    addresses = " ".join(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in web.addresses)
    log.info(
        "serving",
        extra={
            "fields": {
                "version": __version__,
                "targets": targets,
                "listen": addresses,
                "helo": in_words(config.defaults.helo or helo),
            }
        },
    )
    tasks.append(loop.create_task(_warn_of_helo(config, helo, service.resolver)))
    try:
        await stopping.wait()
    finally:
        log.info("stopping")
        # The loop's end would give the signal back its default action, and one that comes late would kill.
        loop.remove_signal_handler(signal.SIGHUP)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        systemd.notify(systemd.STOPPING)
        await service.stop()
        # Last, so that the end is still to be seen from outside; in a thread, for it waits.
        await asyncio.to_thread(web.stop, _WEB_GRACE_SECONDS)
        for task in tasks:
            task.cancel()
    return 0


async def _warn_of_helo(config: Config, helo: str, lookup: HostLookup) -> None:
    for fault in await faults(names_in(config, helo), lookup):
        log.warning(fault)
