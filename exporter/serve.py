"""The process: signals, the web server in its thread, and what it may ask of the service.

Probes run in the main thread's event loop. The web server has a thread and a loop of its own, so neither a slow scraper
nor the joining of a large answer holds up a probe's clock; what it asks of the probes crosses over by
`run_coroutine_threadsafe`.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import socket
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from exporter import __version__, systemd, transport
from exporter.config.domain_lists import DomainLists
from exporter.config.effective import effective_yaml
from exporter.config.load import ConfigError, load
from exporter.config.model import Config, Settings, Target, TargetKind
from exporter.config.targets import parse_target
from exporter.config.values import quoted
from exporter.config.web import load_web
from exporter.diagnosis.egress import SMTP_PORT
from exporter.discovery import CONTENT_TYPE, http_sd
from exporter.egress import counts_as_outside
from exporter.entrusted import Entrusted, refusal
from exporter.log import say
from exporter.memory import MemoryCheck, hopeless
from exporter.metrics.blackbox import probe_series
from exporter.metrics.exposition import exposition, negotiate
from exporter.metrics.samples import render
from exporter.open_files import raise_open_files
from exporter.own_side import HIDING, OwnSide, own_side, own_side_lines
from exporter.probe.helo import HostLookup, faults, in_words, local_helo, names_in
from exporter.probe.transcript import dialogue_text
from exporter.result import ProbeResult
from exporter.sentence import conclude, conclusion_lines
from exporter.service import Service
from exporter.shard import Shard
from exporter.store import TargetRecord
from exporter.web.app import create_app
from exporter.web.backend import EgressFacts, Exposition, NoTurn, ProbeRefused, TargetFacts
from exporter.web.hosts import OwnHosts
from exporter.web.listen import ListenError, listen
from exporter.web.panel import Panel
from exporter.web.security import Security
from exporter.web.server import WebServer

log = logging.getLogger(__name__)

_T = TypeVar("_T")
FAILED: Final = 1
USAGE: Final = 2
# New objects before a young collection; young ones before a middle one, those before a full one.
_GC_THRESHOLDS: Final = (20_000, 50, 100)
# A scrape under way at the end may still be answered.
_WEB_GRACE_SECONDS: Final = 1.0
# Beyond this over its time, a probe for a scraper waits for something that will not come in time (a turnstile's pause).
_PROBE_SLACK_SECONDS: Final = 0.4
_ONLY_SHARD: Final = Shard()
# Of what listens there, this machine knows a better name.
_EVERYWHERE: Final = frozenset({"", "::", "0.0.0.0"})  # noqa: S104 - compared with, not bound
# A person waits for a probe no longer; a target with its own long timeout shows its result when it is there.
_PERSON_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class WebOptions:
    """The flags `--web.…`."""

    listen_addresses: Sequence[str]
    config_file: Path | None = None
    external_url: str = ""
    route_prefix: str | None = None  # None: the path of the external URL
    lifecycle: bool = True
    probes: bool = True
    allowed_hosts: Sequence[str] = ()  # beside those that are ours anyway

    @property
    def prefix(self) -> str:
        """What every path begins with."""
        return (urlsplit(self.external_url).path if self.route_prefix is None else self.route_prefix) or "/"

    def hosts(self, addresses: Iterable[str], helo: str) -> OwnHosts:
        """By what we may be asked, where `addresses` are listened on and `helo` is what this machine calls itself."""
        named = [address.rpartition(":")[0] for address in self.listen_addresses]
        own = socket.gethostname()
        # The full name may be what a DNS server says of our address: believed as far as it has our own before it.
        full = helo if helo.partition(".")[0] == own.partition(".")[0].lower() else ""
        names = [name for name in (*named, own, full, urlsplit(self.external_url).hostname) if name]
        return OwnHosts(names, addresses, self.allowed_hosts)


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
    transport.Connection.most_files = raise_open_files(config.limits.concurrency).probes_below
    helo = await asyncio.to_thread(local_helo)
    service = Service(path, config, helo, shard, lists=lists, is_outside=is_outside, port=port)
    check_memory(len(service.targets))
    if (reason := hopeless(len(service.targets))) is not None:
        say(reason)
        return FAILED
    security = Security(web_options.config_file, web_config, service.own.web_loaded)
    reload = _Reload(service, security, check_memory)
    app = create_app(
        _ServiceBackend(service, reload, loop, helo),
        route_prefix=web_options.prefix,
        security=security,
        lifecycle=web_options.lifecycle,
        probes=web_options.probes,
        panel=panel,
        hosts=web_options.hosts([sock.getsockname()[0] for sock in sockets], helo),
        external_url=web_options.external_url,
    )
    web = WebServer(app, sockets, security)
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    service.start()
    web.start()
    if on_serving is not None:
        on_serving(page_url(web_options, web.addresses[0], tls=security.config.tls is not None))
    _spare_the_heap()
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


def page_url(web_options: WebOptions, address: tuple[str, int], *, tls: bool) -> str:
    """Where a person on this machine, or wherever --web.external-url says, opens the status page; without a final /."""
    if web_options.external_url:
        return web_options.external_url.rstrip("/")
    host, port = address
    name = "localhost" if host in _EVERYWHERE else f"[{host}]" if ":" in host else host
    return f"http{'s' if tls else ''}://{name}:{port}{web_options.prefix.rstrip('/')}"


class _Reload:
    """Both configurations loaded again, and the supervisor told."""

    def __init__(self, service: Service, security: Security, check_memory: MemoryCheck) -> None:
        self._service = service
        self._security = security
        self._check_memory = check_memory

    async def __call__(self) -> list[str]:
        """What is wrong with them, a line each."""
        systemd.notify_reloading()
        try:
            problems = [*await self._service.reload(), *await self._security.reload()]
            self._check_memory(len(self._service.targets))
            return problems
        finally:
            # Whatever came of it: what held before holds on.
            systemd.notify(systemd.READY, f"STATUS=probing {len(self._service.targets)} targets")

    async def whenever(self, hung_up: asyncio.Event) -> None:
        """Each time that the signal has come, without end."""
        while True:
            await hung_up.wait()
            hung_up.clear()
            try:
                await self()
            except Exception:
                log.exception("internal error while loading the configuration")
                self._service.own.crashed()


class _ServiceBackend:
    """What the web server may ask; it is called in the web server's threads."""

    def __init__(self, service: Service, reload: _Reload, loop: asyncio.AbstractEventLoop, helo: str) -> None:
        """`helo`: what this host calls itself where the configuration says nothing."""
        self._helo = helo
        self._service = service
        self._reload = reload
        self._listed: tuple[Config, tuple[bytes, ...]] | None = None
        self._entrusted = Entrusted()
        self._written: tuple[Config, str] | None = None
        self._loop = loop

    def trouble(self) -> str:
        return self._service.heartbeat.trouble

    def ready(self) -> bool:
        return True  # without a configuration nothing is served

    def metrics(self, accept: str) -> Exposition:
        format_ = negotiate(accept)
        samples = [record.samples for record in self._service.store.records()]
        return Exposition(format_.content_type, exposition(samples, self._service.own.registry, format_))

    async def probe(self, target: str, module: str | None, within: float | None, accept: str) -> Exposition:
        found = self._target(target, module)
        result = await self._probe_now(found, within)
        format_ = negotiate(accept)
        record = TargetRecord(found, result, probes=1, probe_failures=int(not result.up))
        series = probe_series(result, format_.openmetrics)
        return Exposition(format_.content_type, chain(series, exposition([render(record)], None, format_)))

    async def probe_dialogue(self, target: str, module: str | None, within: float | None) -> str:
        found = self._target(target, module)
        result = await self._probe_now(found, within)
        concluded = conclude(found.name, result, helo=found.settings.helo or self._helo, port=found.settings.port)
        first = "".join(f"{each}\n\n" for each in own_side_lines(self.own_side()))
        said = "\n".join(conclusion_lines(concluded, result.failure))
        return f"{first}{dialogue_text(result, concluded=True)}\n{said}\n"

    async def _probe_now(self, target: Target, within: float | None) -> ProbeResult:
        try:
            async with asyncio.timeout(None if within is None else within + _PROBE_SLACK_SECONDS):
                return await self._in_probes_loop(self._service.probe_now(target, within))
        except TimeoutError:
            raise NoTurn(f"{target.name} had no turn within {within:g} s: sessions are limited") from None

    async def reload(self) -> list[str]:
        return await self._in_probes_loop(self._reload())

    def discovery(self) -> Exposition:
        config, listed = self._service.config, self._listed
        if listed is None or listed[0] is not config:
            # Once a configuration: with many targets and shards it takes seconds, and is asked for every minute.
            listed = self._listed = config, tuple(http_sd(config.targets, self._service.shard.total))
        return Exposition(CONTENT_TYPE, listed[1])

    def effective_config(self) -> str:
        config, written = self._service.config, self._written
        if written is None or written[0] is not config:
            written = self._written = config, effective_yaml(config)
        return written[1]

    def records(self) -> Sequence[TargetRecord]:
        return self._service.store.records()

    def target(self, kind: TargetKind, name: str) -> TargetFacts | None:
        record = self._service.record(kind, name)
        if record is None:
            return None
        target = record.target
        return TargetFacts(record, self._service.dialogues.of(target.key), target.settings.helo or self._helo)

    def own_side(self) -> OwnSide:
        service = self._service
        return own_side(
            service.egress.surroundings, service.egress.turns, service.store.failing(HIDING), service.egress.resolver
        )

    def egress(self) -> EgressFacts:
        service = self._service
        return EgressFacts(
            service.egress.surroundings,
            service.egress.turns,
            service.references.records(),
            service.store.records(),
            service.config.egress.witness_ports,
            service.config.egress.trace,
            service.egress.resolver,
        )

    async def probe_in_between(self, kind: TargetKind, name: str) -> None:
        record = self._service.record(kind, name)
        if record is None:
            raise ProbeRefused("no such target")
        try:
            async with asyncio.timeout(_PERSON_SECONDS):
                await self._in_probes_loop(self._service.probe_in_between(record.target))
        except TimeoutError:
            raise NoTurn(f"no turn within {_PERSON_SECONDS:g} s: sessions are limited") from None

    def _target(self, name: str, module: str | None) -> Target:
        """A configured target is probed as it is configured, unless a module is named.

        What a module hands over goes to nobody but the targets that are configured with it.
        """
        service = self._service
        config = service.config
        try:
            settings = config.settings(module)
        except KeyError:
            raise ProbeRefused(f"unknown module {quoted(module or '')}") from None
        target = self._asked_for(name, module, settings)
        if not target.settings.module.entrusted:
            return target
        named = self._entrusted.find(config, target)
        if named is None:
            raise ProbeRefused(refusal(target))
        return named

    def _asked_for(self, name: str, module: str | None, settings: Settings) -> Target:
        service = self._service
        # A host that is configured without its port cannot be told from a domain by its name.
        host = service.find(TargetKind.HOST, name)
        if host is not None and service.find(TargetKind.DOMAIN, name) is None:
            return host if module is None else replace(host, settings=replace(settings, port=host.settings.port))
        try:
            target = parse_target(name, settings)
        except ValueError as error:
            raise ProbeRefused(str(error)) from None
        configured = service.find(*target.key)
        return configured if configured is not None and module is None else target

    async def _in_probes_loop(self, work: Coroutine[Any, Any, _T]) -> _T:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))


def _spare_the_heap() -> None:
    """Tune the garbage collector to a large heap that lives long, and probes that leave next to no cycles.

    By default it starts after every 700 new objects and walks all results again and again: with 3,000 domains a fifth
    of a probe's CPU (430 µs with it, 350 without), and pauses that every clock shows. Counted is what was made less
    what has gone: where each result replaces another, hardly anything adds up.
    """
    gc.collect()
    gc.freeze()  # the configuration and the code: there for good
    gc.set_threshold(*_GC_THRESHOLDS)
