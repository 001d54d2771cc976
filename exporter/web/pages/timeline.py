"""The last 24 hours as inline SVG: the states of one target, and the number of targets by verdict.

Made of numbers and of words from closed lists, each with a text for screen readers. The pictures are stretched to the
width of the page; texts are beside them and are not. Times are Unix times, and hours are those of UTC.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from markupsafe import Markup

from exporter.concurrency import steady_clock
from exporter.store.history import StateChange
from exporter.store.verdict_counts import VerdictCount
from exporter.web.pages.target_row import STATES, UP, WAITING
from exporter.web.pages.times import clock, minute, span

DAY: Final = 86400.0
_HOUR: Final = 3600.0
# The hours that the counts are shown for, and the seconds between two ticks; so their labels have room on a telephone.
TICKS: Final = MappingProxyType({24: 4 * _HOUR, 6: _HOUR, 1: _HOUR / 6})
# No tick so near to the right edge, in per cent: the present stands there, and on a telephone takes more of the width.
_NEAR_NOW: Final = 20.0
_NEAR_NOW_NARROW: Final = 28.0
# Nor to the left one, where it would be cut off.
_NEAR_LEFT: Final = 5.0
# Pixels.
_BAND: Final = 22
_PLOT: Final = 72
_AXIS: Final = 17
# A state of seconds is drawn for so long at least, or it would not be seen.
_LEAST: Final = DAY / 400
# Columns of the counts at most: of each, the minute with the most targets that are not up.
_COLUMNS: Final = 480
# A count stands for the time up to the next one; where that is missing, for so long.
_HOLDS: Final = 2.5 * 60.0
_STACKED: Final = tuple(state for state in STATES if state not in (UP, WAITING))


class Band(NamedTuple):
    """A state of a target from `at` to `until`, and the reason for it."""

    at: float
    until: float
    state: str
    reason: str


class DayView(NamedTuple):
    """The last hours of the fleet: the picture, its text, and the states in it."""

    hours: int
    chart: Markup
    text: str
    states: tuple[str, ...]  # the worst first


class StateCount(NamedTuple):
    """The number of targets by state at a time."""

    at: float
    states: Mapping[str, int]


def bands_of(changes: Sequence[StateChange], now: float) -> tuple[Band, ...]:
    """The states of a target between its changes, up to `now`."""
    begins = [steady_clock.unix(change.at) for change in changes]
    return tuple(
        Band(
            at,
            max(at, until),
            UP if change.verdict is None else change.verdict.value,
            "" if change.failure_class is None else change.failure_class.value,
        )
        for change, at, until in zip(changes, begins, (*begins[1:], now), strict=False)
    )


def day_view(counts: Iterable[VerdictCount], now: float, hours: int = 24) -> DayView | None:
    """The last hours of the fleet, as many as one of TICKS; None without a count."""
    known = [
        StateCount(
            at,
            {UP if verdict is None else verdict.value: number for verdict, number in count.states.items()}
            | {WAITING: count.waiting},
        )
        for count in counts
        if (at := steady_clock.unix(count.at)) > now - hours * _HOUR
    ]
    if not known:
        return None
    states = tuple(state for state in _STACKED if any(count.states.get(state) for count in known))
    return DayView(hours, count_timeline(known, now, hours), counts_text(known), states)


def state_timeline(bands: Sequence[Band], now: float) -> Markup:
    """The states of one target; where none is known, the band is empty."""
    begin = now - DAY
    shown = [band._replace(at=max(band.at, begin)) for band in bands if band.until > begin]
    if not shown:
        return Markup("")
    # What is down comes last, for its least width may lie over what is up.
    shown.sort(key=lambda band: (band.state != UP, band.at))
    drawn = Markup("").join(
        Markup('<rect class="{}" x="{:.0f}" width="{:.0f}" height="1"><title>{}</title></rect>').format(
            band.state, min(band.at - begin, DAY - _LEAST), max(band.until - band.at, _LEAST), _told(band)
        )
        for band in shown
    )
    return _chart(_states_text(shown, begin), (DAY, 1), _BAND, drawn, _ticks(now, _BAND, 24))


def count_timeline(counts: Sequence[StateCount], now: float, hours: int = 24) -> Markup:
    """The targets that are not up, by verdict one upon the other, the worst at the bottom; a time without a count is
    a gap."""
    wide = min(_COLUMNS, hours * 60)
    columns = _columns(counts, now - hours * _HOUR, now, wide)
    if not columns:
        return Markup("")
    top = _rounded(max(_down(count.states) for count in columns.values()))
    drawn = Markup("").join(
        Markup('<path class="{}" d="{}"/>').format(state, outline)
        for state in reversed(_STACKED)
        if (outline := _outline(columns, _STACKED[: _STACKED.index(state) + 1], state, top))
    )
    known = Markup('<path class="known" d="{}"/>').format(_known(columns, top))
    scale = Markup('<text class="scale" x="2" y="11">{:,}</text>').format(top)
    return _chart(counts_text(counts), (wide, top), _PLOT, known + drawn, scale + _ticks(now, _PLOT, hours))


def counts_text(counts: Sequence[StateCount]) -> str:
    """The course of the counts in one sentence."""
    last, worst = counts[-1], max(counts, key=lambda count: _down(count.states))
    most = _down(worst.states)
    waiting = last.states.get(WAITING, 0)
    unknown = f", {waiting:,} not probed yet" if waiting else ""
    text = f"Not up now: {_down(last.states):,} of {sum(last.states.values()):,} targets{unknown}"
    if not most:
        return f"{text}, and never more since {clock(counts[0].at)}"
    return f"{text}; the most at once: {most:,}, at {clock(worst.at)}"


def _columns(counts: Sequence[StateCount], begin: float, now: float, wide: int) -> dict[int, StateCount]:
    """The count of each of the `wide` columns that has one."""
    columns: dict[int, StateCount] = {}
    width = (now - begin) / wide
    for place, count in enumerate(counts):
        until = counts[place + 1].at if place + 1 < len(counts) else now
        until = min(until, count.at + _HOLDS, now)
        if until < begin:
            continue
        first = max(0, int((count.at - begin) / width))
        last = min(wide - 1, max(first, math.ceil((until - begin) / width) - 1))
        for column in range(min(first, wide - 1), last + 1):
            known = columns.get(column)
            if known is None or _down(known.states) < _down(count.states):
                columns[column] = count
    return columns


def _known(columns: Mapping[int, StateCount], top: int) -> str:
    """The whole height of the columns that have a count."""
    runs: list[list[int]] = []
    for column in sorted(columns):
        if runs and runs[-1][1] == column:
            runs[-1][1] += 1
        else:
            runs.append([column, column + 1])
    return "".join(f"M{first} 0H{end}V{top}H{first}z" for first, end in runs)


def _outline(columns: Mapping[int, StateCount], below: Sequence[str], state: str, top: int) -> str:
    """The area under all states up to `state`, where that one occurs; those below are drawn over it."""
    pieces: list[str] = []
    height, before = 0, -2
    for column, count in sorted(columns.items()):
        states = count.states
        new = sum([states.get(each, 0) for each in below]) if states.get(state) else 0
        if column != before + 1 and height:
            pieces.append(f"H{before + 1}V{top}z")
            height = 0
        if new != height:
            if not height:
                pieces.append(f"M{column} {top}V{top - new}")
            elif not new:
                pieces.append(f"H{column}V{top}z")
            else:
                pieces.append(f"H{column}V{top - new}")
            height = new
        before = column
    if height:
        pieces.append(f"H{before + 1}V{top}z")
    return "".join(pieces)


def _chart(text: str, box: tuple[float, float], height: int, drawn: Markup, marks: Markup) -> Markup:
    """The picture of `box` stretched over the whole width, with its axis."""
    return Markup(
        '<svg class="timeline" role="img" aria-label="{}" width="100%" height="{}"><rect class="plot" width="100%"'
        ' height="{}"/><svg viewBox="0 0 {:.0f} {:.0f}" preserveAspectRatio="none" width="100%" height="{}">{}</svg>'
        "{}</svg>"
    ).format(text, height + _AXIS, height, *box, height, drawn, marks)


def _ticks(now: float, height: int, hours: int) -> Markup:
    """The round times below a picture, and the present at its right."""
    pieces, begin, tick = [], now - hours * _HOUR, TICKS[hours]
    at = math.ceil(begin / tick) * tick
    while (place := 100 * (at - begin) / (hours * _HOUR)) < 100 - _NEAR_NOW:
        if place > _NEAR_LEFT:
            kind = "tick near" if place > 100 - _NEAR_NOW_NARROW else "tick"
            pieces.append(
                Markup(
                    '<line class="grid" x1="{:.2f}%" x2="{:.2f}%" y1="0" y2="{}"/>'
                    '<text class="{}" x="{:.2f}%" y="{}" data-at="{:.0f}">{}</text>'
                ).format(place, place, height + 3, kind, place, height + 14, at, minute(at))
            )
        at += tick
    pieces.append(
        Markup('<text class="tick now" x="100%" y="{}" data-at="{:.0f}">{} UTC</text>').format(
            height + 14, now, minute(now)
        )
    )
    return Markup("").join(pieces)


def _told(band: Band) -> str:
    reason = f" ({band.reason})" if band.reason else ""
    return f"{band.state}{reason} from {clock(band.at)} for {span(band.until - band.at)}"


def _states_text(bands: Sequence[Band], begin: float) -> str:
    lasted: Counter[str] = Counter()
    for band in bands:
        lasted[band.state] += round(band.until - band.at)
    text = ", ".join(f"{state} for {span(seconds)}" for state, seconds in lasted.most_common())
    first = min(band.at for band in bands)
    known = f", known since {clock(first)}" if first > begin else ""
    return f"States of the last 24 hours: {text}{known}"


def _down(states: Mapping[str, int]) -> int:
    """The targets that are known not to be up."""
    return sum([states.get(state, 0) for state in _STACKED])


def _rounded(most: int) -> int:
    """The top of a scale for `most`: the next number of one digit, which may be half of the next power."""
    power = int("1" + "0" * (len(str(most)) - 1))
    return max(4, min(step * power for step in (1, 2, 3, 4, 5, 6, 8, 10) if step * power >= most))
