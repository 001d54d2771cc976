"""The server process: configuration, monitor, web server, and the end in order.

Probes run in the main thread's event loop. The web server has a thread and a loop of its own, so neither a slow scraper
nor the joining of a large answer holds up a probe's clock; its requests to the probes cross over by
`run_coroutine_threadsafe`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from socket import socket
from typing import Final

from exporter import __version__
from exporter.app import systemd
from exporter.app.backend import MonitorBackend
from exporter.app.background_tasks import BackgroundTasks
from exporter.app.logs import say
from exporter.app.memory_limit import MemoryCheck, hopeless
from exporter.app.monitor import Monitor, Vantage
from exporter.app.reload import ConfigurationReload
from exporter.app.reload_requests import ReloadRequests
from exporter.app.standing import StandingTask
from exporter.app.state_keeping import StateKeeper
from exporter.app.tuning import leave_the_heap, pause_collections, spare_the_heap
from exporter.app.watchers import Watchers
from exporter.app.web_options import WebOptions, page_url
from exporter.config.domain_lists import DomainLists
from exporter.config.load import ConfigError, load_both
from exporter.config.web.load import WebConfig
from exporter.egress.settings import counts_as_outside
from exporter.model.configuration import Config
from exporter.model.egress import SMTP_PORT
from exporter.net import connection
from exporter.net.helo_name import ehlo_argument, faults, local_helo, names_in
from exporter.net.open_files import raise_open_files
from exporter.schedule.shard import Shard
from exporter.standing.checks import Pace
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
_USUAL_PACE: Final = Pace()
# The first process of a container: to it, the kernel delivers only the signals that it takes.
_INIT: Final = 1


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """The options of the server: its flags, and the further settings of the demo."""

    config_file: Path
    web: WebOptions
    shard: Shard = _ONLY_SHARD
    port: int = SMTP_PORT  # whose egress is judged
    is_outside: Callable[[str], bool] = counts_as_outside  # the addresses that are reached by the egress
    storage: Path | None = None  # the folder in which the state survives a restart
    panel: Panel | None = None  # shown on the status page
    standing_pace: Pace = _USUAL_PACE
    on_serving: Callable[[str], None] | None = None  # gets the URL of the status page once it can be opened
    stopping: asyncio.Event | None = None  # the end, in place of the signals, which are the caller's then
    reload_on_change: bool = False  # of the configuration; domain files are read again in any case


async def serve(options: ServeOptions) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit code."""
    signals = _Signals(options.stopping)
    check_memory = MemoryCheck()
    check_memory(0)  # first, for a large configuration may be the end of us
    try:
        sources = _read(options)
    except ConfigError as error:
        say(str(error))
        return _code(error)
    except ListenError as error:
        say(f"--web.listen-address: {error}")
        return _code(error)
    connection.TcpConnection.most_files = raise_open_files(sources.config.limits.concurrency).probes_below
    helo = await asyncio.to_thread(local_helo)
    if signals.stop.is_set():
        return 0
    monitor = Monitor(sources.config, Vantage(helo, options.port, options.is_outside), options.shard)
    targets = len(monitor.active.targets)
    check_memory(targets)
    if (reason := hopeless(targets)) is not None:
        say(reason)
        return FAILED
    exporter = _Exporter(options, sources, monitor, helo, check_memory)
    pause_collections()
    await exporter.load_state()
    signals.take_stop_signals()
    await exporter.begin_with_state()
    exporter.start(signals.hangup)
    try:
        await signals.stop.wait()
    finally:
        log.info("stopping")
        signals.ignore_hangup()
        await exporter.stop()
        leave_the_heap()
    return 0


def _code(error: ConfigError | ListenError) -> int:
    """The exit code: supervisors start again what may heal, and a wrong configuration only once it is mended."""
    return FAILED if error.heals else USAGE


class _Signals:
    """The signals of the process, as events."""

    def __init__(self, stopping: asyncio.Event | None) -> None:
        """Take SIGHUP, first of all: while a large configuration loads, a request to reload must not be the end.

        With `stopping` the signals are the caller's.
        """
        self._loop = asyncio.get_running_loop()
        self._are_ours = stopping is None
        self.hangup = asyncio.Event()
        self.stop = stopping or asyncio.Event()
        if self._are_ours:
            self._loop.add_signal_handler(signal.SIGHUP, self.hangup.set)
        if os.getpid() == _INIT:
            self.take_stop_signals()

    def take_stop_signals(self) -> None:
        """Take SIGTERM and SIGINT from now on; before, they end the process at once."""
        if self._are_ours:
            for number in (signal.SIGTERM, signal.SIGINT):
                self._loop.add_signal_handler(number, self.stop.set)

    def ignore_hangup(self) -> None:
        """Ignore SIGHUP: the loop's end would give it back its default action, and one that comes late would kill."""
        self._loop.remove_signal_handler(signal.SIGHUP)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)


@dataclass(frozen=True, slots=True)
class _Sources:
    """The things that the process begins with: both configurations, and the sockets that are listened on."""

    config: Config
    lists: DomainLists
    web_config: WebConfig | None
    sockets: list[socket] = field(default_factory=list)


def _read(options: ServeOptions) -> _Sources:
    """Raises ConfigError or ListenError."""
    lists = DomainLists()
    config, web_config = load_both(options.config_file, options.web.config_file, lists)
    return _Sources(config, lists, web_config, listen(options.web.listen_addresses))


class _Exporter:
    """The parts of the server, started and stopped in order."""

    def __init__(
        self, options: ServeOptions, sources: _Sources, monitor: Monitor, helo: str, check_memory: MemoryCheck
    ) -> None:
        self._options = options
        self._monitor = monitor
        self._helo = helo
        self._security = ActiveWebConfig(options.web.config_file, sources.web_config, monitor.metrics.web_loaded)
        self._reload = ConfigurationReload(
            options.config_file, monitor, sources.lists, follows_main=options.reload_on_change
        )
        self._requests = ReloadRequests(self._reload, self._security, monitor, check_memory)
        self._watchers = Watchers(monitor, self._reload)
        self._backend = MonitorBackend(monitor, self._requests.reload, asyncio.get_running_loop(), helo)
        self._web = self._web_server(sources.sockets)
        self._tasks = BackgroundTasks(monitor.metrics.internal_error)
        self._state = None if options.storage is None else StateKeeper(options.storage, monitor)

    async def load_state(self) -> None:
        """Read what is known from before a restart."""
        if self._state is not None:
            await self._state.load()

    async def begin_with_state(self) -> None:
        """Have the monitor begin with it. An end from now on is one that counts."""
        if self._state is not None:
            await self._state.begin()

    def _web_server(self, sockets: list[socket]) -> WebServer:
        web = self._options.web
        app = create_app(
            self._backend,
            self._security,
            AppOptions(
                route_prefix=web.prefix,
                external_url=web.external_url,
                allowed_hosts=web.hosts([sock.getsockname()[0] for sock in sockets], self._helo),
                probes=web.probes,
                lifecycle=web.lifecycle,
                panel=self._options.panel,
            ),
        )
        return WebServer(app, sockets, self._security)

    def start(self, hangup: asyncio.Event) -> None:
        """Probe, serve, and report that to the supervisor and the log."""
        self._reload.adopt_first()
        self._watchers.start()
        self._web.start()
        if self._options.on_serving is not None:
            tls = self._security.config.tls is not None
            self._options.on_serving(page_url(self._options.web, self._web.addresses[0], tls=tls))
        spare_the_heap()
        self._tasks.start("reload on SIGHUP", self._requests.reload_on(hangup))
        self._tasks.start("web configuration", self._security.watch())
        self._tasks.start("systemd watchdog", systemd.feed_watchdog(lambda: self._monitor.heartbeat.trouble))
        self._tasks.start("EHLO name", self._warn_of_helo())
        self._tasks.start("own standing", StandingTask(self._monitor, self._helo, self._options.standing_pace).run())
        if self._state is not None:
            self._tasks.start("saved state", self._state.keep())
        self._requests.report_ready()
        self._log_serving()

    async def stop(self) -> None:
        """Stop to probe, then to serve."""
        self._requests.stop()
        systemd.notify(systemd.STOPPING)
        self._backend.stop()  # first: scrapers that wait are told so, and no lookup ends under their feet
        await self._watchers.stop()
        await self._monitor.stop()
        if self._state is not None:
            await self._state.close()
        # Last, so that the end is still to be seen from outside; in a thread, for it waits.
        await asyncio.to_thread(self._web.stop, _WEB_GRACE_SECONDS)
        await self._tasks.stop()

    def _log_serving(self) -> None:
        addresses = [f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in self._web.addresses]
        active = self._monitor.active
        fields = {
            "version": __version__,
            "targets": len(active.targets),
            "listen": " ".join(addresses),
            "helo": ehlo_argument(active.config.defaults.helo or self._helo),
        }
        log.info("serving", extra={"fields": fields})

    async def _warn_of_helo(self) -> None:
        names = names_in(self._monitor.active.config, self._helo)
        for fault in await faults(names, self._monitor.engine.resolver):
            log.warning("EHLO name unusable", extra={"fields": {"problem": fault}})
