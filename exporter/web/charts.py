"""Pictures as inline SVG: made of numbers and of words from closed lists, with a text for who cannot see them.

Colours are classes of the style sheet, for both its light and its dark; a style attribute would be against the pages'
Content-Security-Policy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from markupsafe import Markup, escape

from exporter.history import MAX_RECENT, Recent
from exporter.path import Hop, HopKind, PathTrace
from exporter.result import Stage

# Pixels.
_BAR: Final = 3
_SPARK_HEIGHT: Final = 20
_LABEL: Final = 76
_CHART: Final = 400
_VALUE: Final = 78
_ROW: Final = 22
_HOP: Final = 74
_LANE: Final = 62
# Hops of a silence that goes on to the end of a path: enough to see that it does.
_SILENT_TAIL: Final = 3


def sparkline(recent: Sequence[Recent]) -> Markup:
    """The last probes, the latest at the right: a bar each, as high as it took long; a failure always full."""
    if not recent:
        return Markup("")
    width = MAX_RECENT * (_BAR + 1)
    longest = max((one.duration for one in recent if one.verdict is None), default=0.0)
    good: list[str] = []
    bad: list[str] = []
    left = width - len(recent) * (_BAR + 1)
    for place, one in enumerate(recent):
        height = _SPARK_HEIGHT
        if one.verdict is None:
            height = max(2, round(_SPARK_HEIGHT * one.duration / longest)) if longest > 0 else 2
        (good if one.verdict is None else bad).append(
            f"M{left + place * (_BAR + 1)} {_SPARK_HEIGHT}v-{height}h{_BAR}v{height}z"
        )
    text = f"last {len(recent)} probes: {len(good)} up, {len(bad)} down"
    return Markup(
        '<svg class="spark" role="img" aria-label="{}" viewBox="0 0 {} {}" width="{}" height="{}"><title>{}</title>'
        '<path class="track" d="M0 {}H{}"/><path class="good" d="{}"/><path class="bad" d="{}"/></svg>'
    ).format(
        text,
        width,
        _SPARK_HEIGHT,
        width,
        _SPARK_HEIGHT,
        text,
        _SPARK_HEIGHT - 0.5,
        width - 1,
        "".join(good),
        "".join(bad),
    )


def waterfall(phases: Sequence[tuple[Stage, float]], scale: float, failed: Stage | None = None) -> Markup:
    """The phases of one session, each where the last one ended, on an axis of `scale` seconds; `failed` in red."""
    if not phases:
        return Markup("")
    scale = _rounded(scale)
    width, height = _LABEL + _CHART + _VALUE, len(phases) * _ROW + 18
    pieces = [_axis(scale, height)]
    began = 0.0
    for place, (stage, seconds) in enumerate(phases):
        y = place * _ROW
        x = _LABEL + _CHART * min(1.0, began / scale)
        long = max(1.5, _CHART * min(1.0, seconds / scale))
        long = min(long, _LABEL + _CHART - x + 1.5)
        kind = "bad" if stage is failed else stage.value
        pieces.append(
            Markup(
                '<text class="name" x="{}" y="{}">{}</text><rect class="phase {}" x="{:.1f}" y="{}" width="{:.1f}"'
                ' height="{}" rx="2"/><text x="{:.1f}" y="{}">{}</text>'
            ).format(
                _LABEL - 8, y + 15, stage.value, kind, x, y + 4, long, _ROW - 8, x + long + 6, y + 15, duration(seconds)
            )
        )
        began += seconds
    text = ", ".join(f"{stage.value} {duration(seconds)}" for stage, seconds in phases)
    return Markup(
        '<svg class="waterfall" role="img" aria-label="phases: {}" viewBox="0 0 {} {}" width="{}" height="{}">{}</svg>'
    ).format(text, width, height, width, height, Markup("").join(pieces))


def path_picture(path: PathTrace) -> Markup:
    """The hops from here to the target, a lane for each port."""
    other = path.against
    lanes = [path, *([other] if other is not None else [])]
    shown = [_without_tail(lane.hops) for lane in lanes]
    width, height = _LABEL + (max(map(len, shown)) + 1) * _HOP, len(lanes) * _LANE
    pieces: list[Markup] = []
    for row, (lane, hops) in enumerate(zip(lanes, shown, strict=True)):
        y = row * _LANE + 24
        pieces.append(Markup('<text class="name" x="{}" y="{}">port {}</text>').format(_LABEL - 8, y + 4, lane.port))
        pieces.append(_node(_LABEL + 10, y, "here", "here", ""))
        x, open_ = _LABEL + 10, True
        for hop in hops:
            to = _LABEL + 10 + hop.ttl * _HOP
            kind = "silent" if hop.kind is HopKind.SILENT else "stopped" if _ends_badly(hop) else "passed"
            pieces.append(
                Markup('<path class="way {}" d="M{} {}H{}"/>').format(kind if open_ else "silent", x + 6, y, to - 6)
            )
            open_ = open_ and hop.kind is not HopKind.SILENT
            pieces.append(_node(to, y, _node_kind(hop), f"hop {hop.ttl}", hop_text(hop)))
            x = to
        if len(hops) < len(lane.hops):
            pieces.append(Markup('<text class="more" x="{}" y="{}">…</text>').format(x + 12, y + 4))
    text = "; ".join(f"port {lane.port}: {', '.join(hop_text(hop) for hop in lane.hops)}" for lane in lanes)
    return Markup(
        '<svg class="path" role="img" aria-label="{}" viewBox="0 0 {} {}" width="{}" height="{}">{}</svg>'
    ).format(text, width, height, width, height, Markup("").join(pieces))


def _rounded(scale: float) -> float:
    """The next number above whose quarters are good to read."""
    scale = max(scale, 1e-6)
    power = 10.0 ** math.floor(math.log10(scale))
    return next((step * power for step in (1, 2, 4, 6, 8) if step * power >= scale), 10 * power)


def duration(seconds: float) -> str:
    """In the unit a person would say it in."""
    if seconds < 0.001:
        return f"{seconds * 1e6:.0f} µs"
    if seconds < 0.01:
        return f"{seconds * 1000:.1f} ms"
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def hop_text(hop: Hop) -> str:
    """Who answered at a hop, and how."""
    if hop.kind is HopKind.SILENT:
        return "no answer"
    took = "" if hop.rtt is None else f" in {duration(hop.rtt)}"
    word = "" if hop.kind is HopKind.TIME_EXCEEDED else f" {hop.kind.value.replace('_', ' ')}"
    return f"{hop.address or 'this host'}{word}{took}"


def _without_tail(hops: Sequence[Hop]) -> Sequence[Hop]:
    """The hops but for most of the silence at their end."""
    answered = max((place for place, hop in enumerate(hops, 1) if hop.kind is not HopKind.SILENT), default=0)
    return hops[: answered + _SILENT_TAIL]


def _ends_badly(hop: Hop) -> bool:
    return hop.kind in (HopKind.PROHIBITED, HopKind.UNREACHABLE, HopKind.REFUSED, HopKind.LOCAL)


def _node_kind(hop: Hop) -> str:
    if hop.kind is HopKind.SILENT:
        return "silent"
    if hop.kind is HopKind.REACHED:
        return "reached"
    return "stopped" if _ends_badly(hop) else "passed"


def _node(x: int, y: int, kind: str, below: str, title: str) -> Markup:
    label = Markup('<text class="below" x="{}" y="{}">{}</text>').format(x, y + 22, below)
    hint = Markup("<title>{}</title>").format(title) if title else Markup("")
    return Markup('<g>{}<circle class="hop {}" cx="{}" cy="{}" r="6"/>{}</g>').format(hint, kind, x, y, label)


def _axis(scale: float, height: int) -> Markup:
    """Four lines behind the bars, with their times below."""
    pieces = []
    for part in range(5):
        x = _LABEL + _CHART * part / 4
        pieces.append(
            Markup('<path class="grid" d="M{:.1f} 0V{}"/><text class="tick" x="{:.1f}" y="{}">{}</text>').format(
                x, height - 16, x, height - 3, escape(duration(scale * part / 4)) if part else "0"
            )
        )
    return Markup("").join(pieces)
