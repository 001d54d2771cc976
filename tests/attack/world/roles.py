"""The processes of the world, and what each tells the soak: arrivals at the good hosts, and how often who attacked."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from types import MappingProxyType
from typing import Any, Final

from exporter.lab.smtp_host import SmtpHost
from exporter.lab.smtp_script import SmtpScript, SwitchToTls, ordinary, reply
from tests.attack.world.kinds import Kind, Room
from tests.attack.world.mail_hosts import scripts
from tests.attack.world.name_server import NameServer
from tests.attack.world.plan import Plan, good_domain
from tests.attack.world.policy_hosts import start_honest, start_hostile
from tests.attack.world.records_attack import RecordsHost
from tests.attack.world.tampering import Tampering
from tests.attack.world.web_clients import Seen, WebClients
from tests.attack.world.zone import Zone
from tests.support.certificates import server_context

_TELL_SECONDS: Final = 0.5
_CLOCK_SECONDS: Final = 0.05
# Attackers have machines of their own; here they leave the two cores to the exporter and the good hosts first.
_NICE: Final = 5
_LAST_BREATH_SECONDS: Final = 2.0

# What a process tells: any of these, each a table.
Report = Mapping[str, Any]
_Tell = Callable[[Report], None]
_Role = Callable[[Plan, contextlib.AsyncExitStack], Coroutine[Any, Any, Callable[[], Report]]]


class Clock:
    """How late this loop itself is: by so much the times of arrival may be wrong, and so busy is the machine."""

    def __init__(self) -> None:
        self._late = 0.0

    async def run(self) -> None:
        """Without end."""
        while True:
            before = time.monotonic()
            await asyncio.sleep(_CLOCK_SECONDS)
            self._late = max(self._late, time.monotonic() - before - _CLOCK_SECONDS)

    def latest(self) -> float:
        """The worst since it was asked last, in seconds."""
        late, self._late = self._late, 0.0
        return late


async def _good(plan: Plan, stack: contextlib.AsyncExitStack) -> Callable[[], Report]:
    """The name server, the good mail hosts and their policy host, and who must not be connected to."""
    zone = Zone(plan)
    await NameServer(zone.answer).start(plan.nameserver, plan.dns_port)
    hosts = [await _listening(_good_script(plan, number), plan.good_address(number), plan, stack)
             for number in range(plan.pace.good)]  # fmt: skip
    await _listening(ordinary("mx.bystander.example"), plan.bystander, plan, stack)
    forbidden = await _listening(ordinary("mx.forbidden.example"), plan.forbidden, plan, stack)
    if plan.policies:
        await start_honest(plan, stack)
    told = [0] * len(hosts)
    clock = Clock()
    stack.callback(asyncio.ensure_future(clock.run()).cancel)

    def report() -> Report:
        arrivals = []
        for number, host in enumerate(hosts):
            new, told[number] = host.connections - told[number], host.connections
            arrivals += [(number, session.opened) for session in list(host.sessions)[len(host.sessions) - new :]]
        asked = {kind: count for kind, count in zone.asked.items() if kind.startswith("dns-")}
        return {
            "arrivals": arrivals,
            "tries": asked,
            "strangers": dict(zone.strangers),
            "forbidden": forbidden.connections,
            "clock": clock.latest(),
        }

    return report


def _good_script(plan: Plan, number: int) -> SmtpScript:
    name = f"mx.{good_domain(number)}"
    if not plan.has_tls(number):
        return ordinary(name)
    context = server_context(*(plan.path(f"good.{end}") for end in ("pem", "key")))
    secured = (reply(220, "2.0.0 Ready"), SwitchToTls(context, ordinary(name)))
    return ordinary(name, ("SIZE 10485760", "STARTTLS"), STARTTLS=secured)


async def _mail(plan: Plan, stack: contextlib.AsyncExitStack) -> Callable[[], Report]:
    return await _hostile_hosts(plan, stack, Room.SMTP)


async def _tls(plan: Plan, stack: contextlib.AsyncExitStack) -> Callable[[], Report]:
    """Apart from the others, for its handshakes burn CPU here as well."""
    policies: Counter[str] = Counter()
    if plan.policies:
        await start_hostile(plan, stack, policies)
    hosts = await _hostile_hosts(plan, stack, Room.TLS)

    def report() -> Report:
        found = hosts()
        return {**found, "tries": {**found["tries"], **policies}}

    return report


async def _hostile_hosts(plan: Plan, stack: contextlib.AsyncExitStack, room: Room) -> Callable[[], Report]:
    made: dict[str, list[SmtpScript]] = {}
    hosts: list[tuple[Kind, SmtpHost | RecordsHost]] = []
    for kind, number, where in plan.hosts():
        if kind.name == "tls-records" and room is Room.TLS:
            crafted = RecordsHost(number, plan.path("."))
            await asyncio.start_server(crafted.serve, where, plan.smtp_port)
            hosts.append((kind, crafted))
        elif kind.room is room:
            script = made.setdefault(kind.name, scripts(kind, plan))[number]
            hosts.append((kind, await _listening(script, where, plan, stack)))

    def report() -> Report:
        tries: Counter[str] = Counter()
        passwords = 0
        for kind, host in hosts:
            tries[kind.name] += host.connections
            if isinstance(host, SmtpHost) and kind.name == "auth-thief":
                passwords += sum(b"AUTH" in session.verbs for session in host.sessions)
        return {"tries": tries, "passwords": passwords}

    return report


async def _web(plan: Plan, stack: contextlib.AsyncExitStack) -> Callable[[], Report]:
    """The web clients, and who edits the domain files."""
    seen = Seen()
    jobs = WebClients(plan, seen).jobs()
    if any(kind.name == "own-files" for kind in plan.active(Room.OWN)):
        jobs.append(Tampering(plan, seen.tries).run())
    tasks = [asyncio.ensure_future(job) for job in jobs]

    async def end() -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    stack.push_async_callback(end)

    def report() -> Report:
        for task in tasks:
            if task.done():
                task.result()  # a client that fell over attacks no more, and that must be known
        return {"tries": seen.tries, "broken": seen.broken, "obeyed": seen.obeyed}

    return report


async def _listening(script: SmtpScript, where: str, plan: Plan, stack: contextlib.AsyncExitStack) -> SmtpHost:
    host = SmtpHost(script)
    await host.start(where, plan.smtp_port)
    stack.push_async_callback(host.stop)
    return host


ROLES: Final[Mapping[str, _Role]] = MappingProxyType({"good": _good, "mail": _mail, "tls": _tls, "web": _web})


async def play(role: str, plan: Plan, gone: asyncio.Event, tell: _Tell) -> None:
    """Play the role until `gone`."""
    async with contextlib.AsyncExitStack() as stack:
        report = await ROLES[role](plan, stack)
        tell({"ready": True})
        while not gone.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(gone.wait(), _TELL_SECONDS)
            tell(report())


def main(role: str) -> None:
    """Take a plan from standard input and play until it is closed; tell on standard output, a JSON object a line."""
    plan = Plan.from_json(sys.stdin.readline())
    if role != "good":
        os.nice(_NICE)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_until_closed(role, plan))
    os._exit(0)  # whatever a client or host still waits for


async def _until_closed(role: str, plan: Plan) -> None:
    gone = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), gone.set)
    with contextlib.suppress(BrokenPipeError, TimeoutError):
        await play(role, plan, gone, lambda report: print(json.dumps(report), flush=True))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop
    except ImportError:
        return asyncio.SelectorEventLoop
    made: Callable[[], asyncio.AbstractEventLoop] = uvloop.Loop
    return made
