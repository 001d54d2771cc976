"""Does it hold under everything at once? Run: python -m tests.attack.soak --minutes 30

Starts the exporter as users do and the hostile world beside it, all on loopback addresses of its own; first with the
good domains alone, then with every attack (or those of --only), then alone again, and ends it with SIGTERM while it is
attacked once more. Prints what was tried how often and a verdict; exit code 0 if all of it holds. MTA-STS policy hosts
need port 443, so root or net.ipv4.ip_unprivileged_port_start; without, they are left out and that is said.

The default pace: 50 good domains every 5 s beside some 700 hostile ones, 250 clients that read next to nothing, 250
that send byte by byte, 50 connections a second that are dropped, 10 odd requests a second, 4 probes a second of names
nobody has configured, a reload every 5 s, a log that is read for 2 s of 22. It wants two cores; where other work
takes them, see what it says of the good hosts' own clock before you believe that a probe was late. One attack alone:
--only KIND (--list has them); each in turn, a minute each: --each. tests/attack/test_soak.py is the same for seven
seconds.
"""

from __future__ import annotations

import argparse
import random
import socket
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from tests.attack.course import Bounds, Course, Outcome
from tests.attack.verdict import attack_table, table
from tests.attack.world.kinds import KINDS, Room
from tests.attack.world.plan import Pace, Plan
from tests.attack.world.policy_hosts import HTTPS_PORT
from tests.support.daemons import free_port

# What the verdict of 30 minutes was made with: the defaults of Pace.
WHOLE: Final = Pace()
# Second numbers of 127.0.0.0/8 for worlds; the next one up is that of the forbidden address.
_BLOCKS: Final = range(64, 250, 2)


def soak(kinds: Sequence[str], pace: Pace, seconds: float, bounds: Bounds) -> Outcome:
    """One soak of `seconds` with these kinds."""
    block = random.choice(_BLOCKS)
    policies = may_listen(f"127.{block}.254.1", HTTPS_PORT)
    rooms = set(Room) if policies else set(Room) - {Room.POLICY}
    # Who steals a password needs somebody who takes it.
    wanted = {*kinds, "auth-thief"} if "web-thief" in kinds else {*kinds}
    chosen = tuple(name for name in KINDS if name in wanted and KINDS[name].room in rooms)
    with tempfile.TemporaryDirectory(prefix="mx-soak-") as folder:
        port = free_port("0.0.0.0")
        plan = Plan(block, port, free_port("0.0.0.0"), chosen, pace, policies, folder)
        return Course(plan, bounds).run(seconds)


def may_listen(address: str, port: int) -> bool:
    """Whether this process may listen there."""
    try:
        socket.create_server((address, port)).close()
    except OSError:
        return False
    return True


def main() -> None:
    """Soak, tell, and exit 0 if all holds."""
    arguments = _arguments()
    if arguments.list:
        for kind in KINDS.values():
            print(f"{kind.name:22} {kind.does}")
        return
    kinds = arguments.only or list(KINDS)
    pace = scaled(replace(WHOLE, good=arguments.good, interval=arguments.interval), arguments.scale)
    bounds = Bounds(late=arguments.late, memory=arguments.memory * 1e6)
    seconds = 60 * arguments.minutes
    holds = True
    for chosen in [[kind] for kind in kinds] if arguments.each else [kinds]:
        outcome = soak(chosen, pace, seconds, bounds)
        holds &= outcome.holds
        if arguments.each:
            print(f"| {chosen[0]} | {outcome.in_short()} |", flush=True)
            continue
        print(f"\n{seconds:g} s, {pace}\n")
        print("\n".join(attack_table(outcome.tries, {name: kind.does for name, kind in KINDS.items()})))
        print()
        print("\n".join(table(outcome.checks)), flush=True)
        if arguments.log is not None:
            arguments.log.write_text("\n".join(outcome.log))
    sys.exit(0 if holds else 1)


def scaled(pace: Pace, by: float) -> Pace:
    """More or less of everything that is a number of clients or a rate."""
    return replace(
        pace,
        readers=round(pace.readers * by),
        dripping=round(pace.dripping * by),
        requests=pace.requests * by,
        pages=pace.pages * by,
        probes=pace.probes * by,
        connects=pace.connects * by,
        policies=round(pace.policies * by),
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.attack.soak", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=1.0, help="of attack; half a minute comes on top (default: 1)")
    parser.add_argument("--only", metavar="KIND", action="append", choices=KINDS, help="this attack; repeatable")
    parser.add_argument("--each", action="store_true", help="one attack after the other, a line each")
    parser.add_argument("--list", action="store_true", help="the attacks")
    parser.add_argument("--good", type=int, default=WHOLE.good, help="good domains (default: %(default)s)")
    parser.add_argument("--interval", type=float, default=WHOLE.interval, help="seconds (default: %(default)s)")
    parser.add_argument("--scale", type=float, default=1.0, help="so many times the clients and rates (default: 1)")
    parser.add_argument("--late", type=float, default=1.0, help="seconds that a probe may be late (default: 1)")
    parser.add_argument("--memory", type=float, default=200.0, help="MB of memory at most (default: 200)")
    parser.add_argument("--log", type=Path, metavar="FILE", help="where to keep what the exporter logged")
    return parser.parse_args()


if __name__ == "__main__":
    main()
