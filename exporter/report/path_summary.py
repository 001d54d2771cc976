"""The path to a host in one sentence."""

from __future__ import annotations

from exporter.model.path_trace import HopKind, PathTrace
from exporter.model.printable import printable


def path_summary(path: PathTrace) -> str:
    """The finding of a trace, the surest sign first, as a sentence."""
    what = f"port {path.port} of {path.address}"
    if path.local is not None:
        return f"This host does not let the connection out: {printable(path.local.detail)}."
    if path.reset_within:
        return f"This host itself resets connections to {what}: its own packet filter does."
    if path.rejected_by is not None:
        return f"{path.rejected_by.address} rejects {what}: {printable(path.rejected_by.detail)}."
    answered = path.answered
    if answered is not None and path.forged_reset:
        return (
            f"Another machine at hop {answered.ttl} resets connections to {what} in its name; the host is further away."
        )
    if answered is not None and path.intercepted:
        return f"Another machine at hop {answered.ttl} answers for {what} in its name; the host is further away."
    if answered is not None:
        refused = " and refuses" if answered.kind is HopKind.REFUSED else ""
        return f"The host answers{refused} at hop {answered.ttl}: nothing on the path blocks {what}."
    last = path.last_hop
    where = "with no answer from any router" if last is None else f"after {last.address} (hop {last.ttl})"
    what = what.capitalize()
    if path.stops_at_a_router and path.against is not None:
        where = "before the first router that answers" if last is None else where
        return f"{what} is dropped {where}, while port {path.against.port} gets further: a filter stands there."
    if path.stops_earlier and path.against is not None:
        behind = "" if last is None else f" {where}"
        other = f"while port {path.against.port} reaches the host"
        return f"{what} is dropped{behind}, {other}: a filter of the host itself, or on the way to it."
    if path.against is not None:
        return f"{what} is lost {where}, and so is port {path.against.port}: no filter of this port alone."
    return f"{what} is lost {where}."
