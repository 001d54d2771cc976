"""The row about hostile mail hosts beside a fleet: the times of the honest ones, with them and without."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import cycle, islice
from pathlib import Path

from tests.attack.world.certificates import write_certificates
from tests.attack.world.kinds import KINDS, Room
from tests.attack.world.plan import Pace, Plan
from tests.attack.world.process import WorldProcess
from tests.bench.fleets import fleet_of
from tests.bench.peers import ZONE, Peers
from tests.bench.subject import Subject, configuration, phases, subject
from tests.bench.table import REMEMBERED, Line, Scale, peers_for, percentiles
from tests.support.daemons import free_port

_ROOMS = (Room.SMTP, Room.TLS)
# Second number of the addresses of the hostile hosts; that of the others is 54.
_BLOCK = 64
_PHASES = ("connect", "banner", "ehlo")


def attacked(scale: Scale) -> Iterator[Line]:
    """The fleet, then the same process with every hostile host of tests/attack in turn as hosts of further domains."""
    fleet = fleet_of(scale.fleet)
    with peers_for(scale.fleet) as hosts, _hostile_world(hosts.folder) as plan:
        zone = [*fleet.zone(), *_hostile_zone(plan, scale.hostile)]
        with hosts.name_server(REMEMBERED, zone) as dns, subject(hosts, dns, fleet.count, scale.long) as ours:
            ours.catch_up(2.0, 2 * scale.long)
            alone = _honest_times(ours, hosts, scale)
            ours.configure(configuration(hosts, dns, fleet.count, scale.long) + _hostile_group(plan, scale))
            beside = _honest_times(ours, hosts, scale)
    before, after = percentiles(alone), percentiles(beside)
    well = all(len(beside[phase]) == len(alone[phase]) for phase in alone)
    what = (
        f"a fleet of {fleet.count:,} domains at {scale.long:g} s beside {scale.hostile} hostile hosts, to the same"
        " without them:"
    )
    for phase in alone:
        for name, place, goal in (("median", 49, 0.001), ("99th percentile", 98, 0.010)):
            difference = after[phase][place] - before[phase][place]
            by_client = phase not in _PHASES
            yield Line(
                f"{what} {phase} time of the honest, {name}",
                "" if by_client else f"within {1e3 * goal:g} ms",
                f"{1e3 * difference:+.2f} ms (to {1e3 * before[phase][place]:.2f} ms)",
                None if by_client else well and abs(difference) <= goal,
            )
            what = "the same:"


def _honest_times(ours: Subject, hosts: Peers, scale: Scale) -> dict[str, list[float]]:
    """The latest duration of each phase, when every host has had a session within the window.

    With those of the C client, of which what differs is the machine's: all hosts and attackers are on it.
    """
    ours.watch(max(scale.minute, 1.1 * scale.long))
    text = ours.scrape("mx_host_phase_duration_seconds")
    honest = "\n".join(line for line in text.splitlines() if 'mx="hostile' not in line)
    client = hosts.converse(max(20, scale.sessions // 10), rate=100.0)
    found = {phase: phases(honest, phase) for phase in _PHASES}
    return {**found, "the C client's connect": client.connects, "the C client's banner": client.banners}


@contextmanager
def _hostile_world(folder: Path) -> Iterator[Plan]:
    kinds = tuple(name for name, kind in KINDS.items() if kind.room in _ROOMS)
    world = folder / "hostile"
    world.mkdir()
    plan = Plan(_BLOCK, free_port("0.0.0.0"), 0, kinds, Pace(good=1), policies=False, folder=str(world))
    write_certificates(plan)
    with ExitStack() as stack:
        attackers = [WorldProcess(room.value.replace("smtp", "mail"), plan, lambda *_: None) for room in _ROOMS]
        for attacker in attackers:
            stack.callback(attacker.stop)
        for attacker in attackers:
            attacker.wait_ready()
        yield plan
        complaints = "".join(attacker.complaints for attacker in attackers)
        assert not complaints, complaints


def _hostile_zone(plan: Plan, count: int) -> Iterator[str]:
    """An MX name for each hostile domain: there are fewer addresses, but what has a name of its own is a host."""
    by_kind = sorted(plan.hosts(), key=lambda host: host[1])  # the first of each kind before the second of any
    for number, (_, _, address) in enumerate(islice(cycle(by_kind), count)):
        yield f"h{number} MX 10 hostile{number}"
        yield f"hostile{number} A {address}"


def _hostile_group(plan: Plan, scale: Scale) -> str:
    pace = plan.pace
    interval, timeout = (min(seconds, scale.long) for seconds in (pace.hostile_interval, pace.hostile_timeout))
    names = ", ".join(f"h{number}.{ZONE}" for number in range(scale.hostile))
    return (
        "modules: {tls: {stages: [ehlo, starttls]}}\n"
        f"groups:\n  - {{port: {plan.smtp_port}, module: tls, interval: {interval:g}s, timeout: {timeout:g}s,"
        f" domains: [{names}]}}\n"
    )
