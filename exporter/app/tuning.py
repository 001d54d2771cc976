"""The interpreter, set for a process that keeps many small values for years."""

from __future__ import annotations

import gc
from typing import Final

# New objects before a young collection; young ones before a middle one, those before a full one.
_GC_THRESHOLDS: Final = (20_000, 50, 100)


def pause_collections() -> None:
    """Search for no cycles until :func:`spare_the_heap`: what a start makes stays, and it takes half the time."""
    gc.disable()


def spare_the_heap() -> None:
    """Tune the garbage collector to a large heap that lives long, and probes that leave next to no cycles.

    By default it starts after every 700 new objects and walks all results again and again: with 3,000 domains a fifth
    of a probe's CPU (430 µs with it, 350 without), and pauses that every clock shows. Counted is what was made less
    what has gone: where each result replaces another, hardly anything adds up.
    """
    gc.collect()
    gc.freeze()  # the configuration and the code: there for good
    gc.set_threshold(*_GC_THRESHOLDS)
    gc.enable()


def leave_the_heap() -> None:
    """At the end of the process: what is left of the heap goes with it, and is not searched for cycles before.

    The interpreter's last collection takes 15 s with 100,000 domains. Supervisors kill after 10.
    """
    gc.freeze()
