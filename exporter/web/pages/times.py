"""Times and durations as text, for a person and for a machine."""

from __future__ import annotations

from datetime import UTC, datetime


def age(then: float | None, now: float) -> str:
    """The time since `then`, in the largest unit that fits twice: "3 min ago"; "" without a time."""
    return "" if not then else f"{span(max(0.0, now - then))} ago"


def span(seconds: float) -> str:
    """A time span in the largest unit that fits twice."""
    for unit, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * unit:
            return f"{seconds // unit:.0f} {name}"
    return f"{seconds:.0f} s"


def duration(seconds: float) -> str:
    """A short duration in µs, ms or s."""
    if seconds < 0.001:
        return f"{seconds * 1e6:.0f} µs"
    if seconds < 0.01:
        return f"{seconds * 1000:.1f} ms"
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def clock(at: float) -> str:
    """A Unix time for a person, in UTC, because servers and readers are in many time zones."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"


def minute(at: float) -> str:
    """The hour and minute of a Unix time in UTC."""
    return f"{datetime.fromtimestamp(at, UTC):%H:%M}"


def short_clock(at: float, now: float) -> str:
    """The minute of a Unix time in UTC, with the day unless it is that of `now`."""
    before = "" if at // 86400 == now // 86400 else f"{day(at)} "
    return f"{before}{datetime.fromtimestamp(at, UTC):%H:%M} UTC"


def day(at: float) -> str:
    """The day of a Unix time in UTC."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d}"


def iso(at: float) -> str:
    """A Unix time for a machine (RFC 3339)."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"
