"""Times for a person and for a machine."""

from __future__ import annotations

from datetime import UTC, datetime


def age(then: float | None, now: float) -> str:
    """How long ago, in the largest unit that says it."""
    return "" if not then else f"{span(max(0.0, now - then))} ago"


def span(seconds: float) -> str:
    """So long, in the largest unit that says it."""
    for unit, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * unit:
            return f"{seconds // unit:.0f} {name}"
    return f"{seconds:.0f} s"


def clock(at: float) -> str:
    """A Unix time for a person, in UTC, for servers are everywhere."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"


def iso(at: float) -> str:
    """A Unix time for a machine (RFC 3339)."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"
