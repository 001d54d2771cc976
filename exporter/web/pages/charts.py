"""Charts as inline SVG, made of numbers and of words from closed lists, each with a text for screen readers.

Colours are classes of the style sheet, which has light and dark ones; the Content-Security-Policy of the pages allows
no style attribute.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from markupsafe import Markup

from exporter.model.failure import Stage
from exporter.model.path_trace import Hop, HopKind, PathTrace
from exporter.store.history import MAX_RECENT, Recent
from exporter.web.pages.times import duration

# Pixels.
_BAR: Final = 3
_SPARK_HEIGHT: Final = 20
_OUTLIER: Final = 4  # times the median; longer probes get no higher bar
_ROW: Final = 22
_PAIR: Final = 38  # a name above a bar
_LABEL: Final = 76
_HOP: Final = 74
_LETTER: Final = 6.5  # the average width of a letter of an address
_LANE: Final = 90
# Per cent of the available width, so that a waterfall fits on a telephone.
_NAME: Final = 22.0
_CHART: Final = 60.0
_WHOLE: Final = 86.0  # of a chart whose names stand above the bars
_LEAST: Final = 0.4  # the narrowest bar
# Hops without an answer that are shown at the end of a path.
_SILENT_TAIL: Final = 3


class SessionBar(NamedTuple):
    """The phases of one session, and the one in which it failed."""

    name: str
    phases: Sequence[tuple[Stage, float]]
    failed: Stage | None


def sparkline(recent: Sequence[Recent]) -> Markup:
    """The last probes, the latest at the right: the height of a bar is the duration, a failure is a full bar."""
    if not recent:
        return Markup("")
    width = MAX_RECENT * (_BAR + 1)
    took = sorted(one.duration for one in recent if one.verdict is None)
    # A single very long probe must not make all others look the same.
    longest = min(took[-1], _OUTLIER * took[len(took) // 2]) if took else 0.0
    bars: dict[str, list[str]] = {}
    left = width - len(recent) * (_BAR + 1)
    for place, one in enumerate(recent):
        height = _SPARK_HEIGHT
        if one.verdict is None:
            height = max(2, round(_SPARK_HEIGHT * min(1.0, one.duration / longest))) if longest > 0 else 2
        bars.setdefault("up" if one.verdict is None else one.verdict.value, []).append(
            f"M{left + place * (_BAR + 1)} {_SPARK_HEIGHT}v-{height}h{_BAR}v{height}z"
        )
    probes = f"{len(recent)} probes" if len(recent) > 1 else "probe"
    text = f"last {probes}: {', '.join(f'{len(found)} {state}' for state, found in bars.items())}"
    return Markup(
        '<svg class="spark" role="img" aria-label="{}" viewBox="0 0 {} {}" width="{}" height="{}"><title>{}</title>'
        '<path class="track" d="M0 {}H{}"/>{}</svg>'
    ).format(
        text,
        width,
        _SPARK_HEIGHT,
        width,
        _SPARK_HEIGHT,
        text,
        _SPARK_HEIGHT - 0.5,
        width - 1,
        Markup("").join(
            Markup('<path class="{}" d="{}"/>').format(state, "".join(found)) for state, found in bars.items()
        ),
    )


def waterfall(phases: Sequence[tuple[Stage, float]], scale: float, failed: Stage | None = None) -> Markup:
    """The phases of one session, each after the one before, on an axis of `scale` seconds; `failed` in red."""
    if not phases:
        return Markup("")
    scale = _rounded(scale)
    height = len(phases) * _ROW + 18
    pieces = [_axis(scale, height)]
    began = 0.0
    for place, (stage, seconds) in enumerate(phases):
        y = place * _ROW
        x = _NAME + _CHART * min(1.0, began / scale)
        long = max(_LEAST, _CHART * min(1.0, seconds / scale))
        long = min(long, _NAME + _CHART - x + _LEAST)
        kind = "bad" if stage is failed else stage.value
        pieces.append(
            Markup(
                '<text class="name" x="{}%" dx="-8" y="{}">{}</text><rect class="phase {}" x="{:.2f}%" y="{}"'
                ' width="{:.2f}%" height="{}" rx="2"/><text x="{:.2f}%" dx="6" y="{}">{}</text>'
            ).format(_NAME, y + 15, stage.value, kind, x, y + 4, long, _ROW - 8, x + long, y + 15, duration(seconds))
        )
        began += seconds
    text = ", ".join(f"{stage.value} {duration(seconds)}" for stage, seconds in phases)
    return Markup('<svg class="waterfall" role="img" aria-label="phases: {}" width="100%" height="{}">{}</svg>').format(
        text, height, Markup("").join(pieces)
    )


def comparison(sessions: Sequence[SessionBar]) -> Markup:
    """The phases of several sessions, one below the other on one axis, so that they can be compared."""
    longest = max((sum(seconds for _, seconds in session.phases) for session in sessions), default=0.0)
    if len(sessions) < 2 or not longest:
        return Markup("")
    scale = _rounded(longest)
    height = len(sessions) * _PAIR + 18
    pieces = [_axis(scale, height, 0.0, _WHOLE)]
    for place, session in enumerate(sessions):
        y, began = place * _PAIR, 0.0
        pieces.append(Markup('<text class="session" x="0" y="{}">{}</text>').format(y + 14, session.name))
        for stage, seconds in session.phases:
            pieces.append(
                Markup(
                    '<rect class="phase {}" x="{:.2f}%" y="{}" width="{:.2f}%" height="12"><title>{}</title></rect>'
                ).format(
                    "bad" if stage is session.failed else stage.value,
                    _WHOLE * began / scale,
                    y + 19,
                    max(_LEAST / 2, _WHOLE * seconds / scale),
                    f"{stage.value} {duration(seconds)}",
                )
            )
            began += seconds
        pieces.append(
            Markup('<text x="{:.2f}%" dx="6" y="{}">{}</text>').format(_WHOLE * began / scale, y + 29, duration(began))
        )
    text = "; ".join(
        f"{session.name}: {', '.join(f'{stage.value} {duration(seconds)}' for stage, seconds in session.phases)}"
        for session in sessions
    )
    return Markup(
        '<svg class="comparison" role="img" aria-label="phases on one scale: {}" width="100%" height="{}">{}</svg>'
    ).format(text, height, Markup("").join(pieces))


def path_chart(path: PathTrace) -> Markup:
    """The hops from this host to the target, a lane for each port."""
    other = path.against
    lanes = [path, *([other] if other is not None else [])]
    shown = [_without_tail(lane.hops) for lane in lanes]
    # The distance of two hops, by the longest address.
    step = round(max(_HOP, *(len(hop.address) * _LETTER + 12 for hops in shown for hop in hops)))
    width, height = round(_LABEL + (max(map(len, shown)) + 0.6) * step), len(lanes) * _LANE
    pieces = [_lane(lane, row * _LANE + 24, step) for row, lane in enumerate(lanes)]
    text = "; ".join(f"port {lane.port}: {', '.join(hop_text(hop) for hop in lane.hops)}" for lane in lanes)
    return Markup(
        '<svg class="path" role="img" aria-label="{}" viewBox="0 0 {} {}" width="{}" height="{}">{}</svg>'
    ).format(text, width, height, width, height, Markup("").join(pieces))


def _lane(path: PathTrace, y: int, step: int) -> Markup:
    """The hops of one port in one row."""
    shown = _without_tail(path.hops)
    x, open_ = _LABEL + 10, True
    pieces = [
        Markup('<text class="name" x="{}" y="{}">port {}</text>').format(_LABEL - 8, y + 4, path.port),
        _node(x, y, "here", ["here"], ""),
    ]
    for hop in shown:
        to = _LABEL + 10 + hop.ttl * step
        kind = "silent" if hop.kind is HopKind.SILENT else "stopped" if _ends_badly(hop) else "passed"
        pieces.append(
            Markup('<path class="way {}" d="M{} {}H{}"/>').format(kind if open_ else "silent", x + 6, y, to - 6)
        )
        open_ = open_ and hop.kind is not HopKind.SILENT
        pieces.append(_node(to, y, _node_kind(hop), [f"hop {hop.ttl}", *_below(hop)], hop_text(hop)))
        x = to
    if len(shown) < len(path.hops):
        pieces.append(Markup('<text class="more" x="{}" y="{}">…</text>').format(x + 12, y + 4))
    return Markup("").join(pieces)


def _rounded(scale: float) -> float:
    """The next number above `scale` with simple quarters."""
    scale = max(scale, 1e-6)
    power = 10.0 ** math.floor(math.log10(scale))
    return next((step * power for step in (1, 2, 4, 6, 8) if step * power >= scale), 10 * power)


def hop_text(hop: Hop) -> str:
    """The answer of a hop: address, kind and time."""
    if hop.kind is HopKind.SILENT:
        return "no answer"
    took = "" if hop.rtt is None else f" in {duration(hop.rtt)}"
    word = "" if hop.kind is HopKind.TIME_EXCEEDED else f" {hop.kind.value.replace('_', ' ')}"
    return f"{hop.address or 'this host'}{word}{took}"


def _without_tail(hops: Sequence[Hop]) -> Sequence[Hop]:
    """The hops without most of those at the end that did not answer."""
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


def _below(hop: Hop) -> Iterator[str]:
    """The lines of text below a hop: its address, and its kind unless it is a router on the path."""
    if hop.kind is HopKind.SILENT:
        yield "no answer"
        return
    yield hop.address or "this host"
    if hop.kind is not HopKind.TIME_EXCEEDED:
        yield hop.kind.value.replace("_", " ")


def _node(x: int, y: int, kind: str, below: Sequence[str], title: str) -> Markup:
    labels = Markup("").join(
        Markup('<text class="below" x="{}" y="{}">{}</text>').format(x, y + 22 + 14 * row, text)
        for row, text in enumerate(below)
    )
    hint = Markup("<title>{}</title>").format(title) if title else Markup("")
    return Markup('<g>{}<circle class="hop {}" cx="{}" cy="{}" r="6"/>{}</g>').format(hint, kind, x, y, labels)


def _axis(scale: float, height: int, left: float = _NAME, width: float = _CHART) -> Markup:
    """The lines behind the bars, with their times below."""
    pieces = []
    for part in range(5):
        x = left + width * part / 4
        pieces.append(
            Markup(
                '<line class="grid" x1="{}%" x2="{}%" y1="0" y2="{}"/><text class="{}" x="{}%" y="{}">{}</text>'
            ).format(
                x,
                x,
                height - 16,
                "tick" if x else "tick first",
                x,
                height - 3,
                duration(scale * part / 4) if part else "0",
            )
        )
    return Markup("").join(pieces)
