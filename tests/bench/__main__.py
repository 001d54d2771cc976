"""How fast is it on this machine? Run: python -m tests.bench [ROW…]

Builds what it compares with (an epoll client and a mail host in C, nsd, blackbox_exporter), measures both sides in turn
and prints the table as Markdown. The figures of a busy machine move; the ratios move less, and are what counts. All
rows together take half an hour, most of it the rows `many`, `fleet` and `attacked`.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import replace

from tests.bench.peers import versions
from tests.bench.rows import ROWS
from tests.bench.table import SMOKE, WHOLE


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of {', '.join(ROWS)}; all where none is named")
    parser.add_argument("--smoke", action="store_true", help="small and short: shows that it works, measures nothing")
    parser.add_argument("--rounds", type=int, help="how often both sides take turns")
    parser.add_argument("--minute", type=float, help="seconds for which the rows about fleets watch")
    arguments = parser.parse_args()
    unknown = set(arguments.rows) - set(ROWS)
    if unknown:
        parser.error(f"no such row: {', '.join(sorted(unknown))}")
    scale = SMOKE if arguments.smoke else WHOLE
    chosen = {name: getattr(arguments, name) for name in ("rounds", "minute") if getattr(arguments, name) is not None}
    scale = replace(scale, **chosen)
    print(f"{versions()}, {os.cpu_count()} cores\n")
    print("| what | goal | measured | |\n|---|---|---|---|", flush=True)
    for name in arguments.rows or ROWS:
        for line in ROWS[name](scale):
            met = {None: "", True: "met", False: "**missed**"}[line.met]
            print(f"| {line.what} | {line.goal} | {line.measured} | {met} |", flush=True)


if __name__ == "__main__":
    main()
