"""The last dialogues with every address of every target, to be read when something has happened.

What is worth keeping: of each address what it says now, what it said when it last worked, and what it said at each
kind of failure. So there is one success and one failure of each class, the latest, with how often it was the same.
A success says little that the next one does not, so where room runs out successes go first, down to a share of their
own, and then the failures seen longest ago.

A hundred thousand domains must not fill the memory of the machine: there is a bound for one dialogue, one for a
target, and one for all together, in which each dialogue counts with what Python needs to keep it.
"""

from __future__ import annotations

import struct
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from exporter.concurrency import steady_clock
from exporter.model.failure import Failure
from exporter.model.result import HostResult, ProbeResult, TlsResult, TranscriptLine
from exporter.model.target import Target, TargetKey

# The whole dialogue with an ordinary server, STARTTLS and envelope included, is about 1 KiB; a long greeting fits too.
MAX_DIALOGUE_BYTES: Final = 4096
# Sixteen addresses (the default `max_addresses`) with an ordinary dialogue each.
MAX_TARGET_BYTES: Final = 16384
# 80,000 ordinary dialogues.
MAX_BYTES: Final = 64 * 1024 * 1024
# Of it, what successes keep however many failures there are.
SUCCESS_SHARE: Final = 0.25
# What keeping one costs beside its text: the value, its places in a tuple and in the order (measured with
# tracemalloc, CPython 3.11).
OVERHEAD_BYTES: Final = 512

# Targets forgotten between two looks at the clock.
_STEP: Final = 500

_LINE: Final = struct.Struct("<fBH")  # seconds since the connect began, whether we sent it, length
_MAX_LINE: Final = 0xFFFF


@dataclass(frozen=True, slots=True, eq=False)
class StoredTranscript:
    """A dialogue with one address; `failure` None: it worked. Two are the same only if they are one."""

    mx: str
    address: str
    at: float  # Unix time of the session, by the clock of then
    failure: Failure | None
    tls: TlsResult | None
    tls_at: float | None  # seconds from the begin of the connect to the end of the handshake
    moment: float  # the same as a moment of exporter.concurrency.steady_clock
    first: float  # the moment when it went this way first, without another way since
    times: int  # how often since then
    packed: bytes
    whole: bool  # nothing was cut off

    @property
    def first_at(self) -> float:
        """Unix time of the first one."""
        return steady_clock.unix(self.first)

    @property
    def transcript(self) -> tuple[TranscriptLine, ...]:
        """Its lines; show them escaped."""
        return tuple(_unpacked(self.packed))

    @property
    def size(self) -> int:
        """Bytes that it counts for."""
        return len(self.packed) + OVERHEAD_BYTES + (len(self.failure.detail) if self.failure is not None else 0)


class TranscriptStore:
    """What is kept, by target. Written by the probes' event loop; :meth:`of` may be called from any thread."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._kept: dict[TargetKey, tuple[StoredTranscript, ...]] = {}
        self._successes = _Order()
        self._failures = _Order()

    @property
    def size(self) -> int:
        """Bytes that all of them count for."""
        return self._successes.size + self._failures.size

    def of(self, key: TargetKey) -> tuple[StoredTranscript, ...]:
        """The dialogues of one target, the latest first: in the order in which they came, which no clock changes."""
        return self._kept.get(key, ())[::-1]

    def keep(
        self, target: Target, result: ProbeResult, heard: Mapping[tuple[str, str], tuple[TranscriptLine, ...]]
    ) -> None:
        """Keep what was `heard` of the hosts of `result`, by MX host and address."""
        key = target.key
        for host in result.hosts:
            transcript = heard.get((host.mx, host.address))
            if transcript:
                self._put(key, host, transcript)
        if len(self._kept.get(key, ())) > 1:
            self._make_room_in(key)
        if self.size > self._max_bytes:
            self._make_room()

    def keep_targets(self, targets: Iterable[Target]) -> None:
        """Forget those of all other targets."""
        for _ in self.keeping(targets):
            pass

    def keeping(self, targets: Iterable[Target]) -> Iterator[None]:
        """The same in steps."""
        gone = self._kept.keys() - {target.key for target in targets}
        for number, key in enumerate(gone, 1):
            self.forget((key,))
            if number % _STEP == 0:
                yield

    def forget(self, keys: Iterable[TargetKey]) -> None:
        """Forget those of these targets."""
        for key in keys:
            for kept in self._kept.pop(key, ()):
                self._order(kept).remove(kept)

    def _put(self, key: TargetKey, host: HostResult, transcript: tuple[TranscriptLine, ...]) -> None:
        alike: StoredTranscript | None = None
        others: list[StoredTranscript] = []
        same = False  # as the last time
        for kept in self._kept.get(key, ()):
            if _is_alike(kept, host):
                alike, same = kept, True
                continue
            others.append(kept)
            if kept.address == host.address and kept.mx == host.mx:
                same = False
        if alike is not None and alike.at == host.timings.at:
            return  # a session that is shared for a whole interval is told of again
        moment = steady_clock.moment(host.timings.at)
        packed, whole = _packed(transcript)
        kept = StoredTranscript(
            mx=host.mx,
            address=host.address,
            at=host.timings.at,
            failure=host.failure,
            tls=host.facts.tls,
            tls_at=host.timings.tls_at,
            moment=moment,
            first=alike.first if alike is not None and same else moment,
            times=alike.times + 1 if alike is not None and same else 1,
            packed=packed,
            whole=whole,
        )
        if alike is not None:
            self._order(alike).remove(alike)
        self._order(kept).add(kept, key)
        self._kept[key] = (*others, kept)

    def _make_room_in(self, key: TargetKey) -> None:
        while sum(kept.size for kept in self._kept[key]) > MAX_TARGET_BYTES:
            kept = self._kept[key]
            successes = [one for one in kept if one.failure is None]
            # Successes go first; but a target that only works keeps them, and one success is there to compare with.
            oldest = successes[0] if len(successes) > 1 or len(successes) == len(kept) else _oldest_failure(kept)
            self._drop(oldest, key)

    def _make_room(self) -> None:
        while self.size > self._max_bytes:
            order = self._successes if self._successes.size > SUCCESS_SHARE * self._max_bytes else self._failures
            self._drop(*order.oldest())

    def _drop(self, dropped: StoredTranscript, key: TargetKey) -> None:
        self._order(dropped).remove(dropped)
        left = tuple(kept for kept in self._kept[key] if kept is not dropped)
        if left:
            self._kept[key] = left
        else:
            del self._kept[key]

    def _order(self, kept: StoredTranscript) -> _Order:
        return self._successes if kept.failure is None else self._failures


class _Order:
    """Dialogues in the order in which they were kept, and the bytes they count for."""

    def __init__(self) -> None:
        self.size = 0
        self._keys: OrderedDict[StoredTranscript, TargetKey] = OrderedDict()

    def add(self, kept: StoredTranscript, key: TargetKey) -> None:
        self._keys[kept] = key
        self.size += kept.size

    def remove(self, kept: StoredTranscript) -> None:
        del self._keys[kept]
        self.size -= kept.size

    def oldest(self) -> tuple[StoredTranscript, TargetKey]:
        return next(iter(self._keys.items()))


def _oldest_failure(kept: tuple[StoredTranscript, ...]) -> StoredTranscript:
    return next(one for one in kept if one.failure is not None)


def _is_alike(kept: StoredTranscript, host: HostResult) -> bool:
    """One address, ending in one way."""
    if kept.address != host.address or kept.mx != host.mx:
        return False
    if kept.failure is None or host.failure is None:
        return kept.failure is host.failure
    return kept.failure.failure_class is host.failure.failure_class


def _packed(transcript: tuple[TranscriptLine, ...]) -> tuple[bytes, bool]:
    """The lines as bytes, and whether all of them are there."""
    pieces: list[bytes] = []
    if sum([len(data) for _, _, data in transcript]) <= MAX_DIALOGUE_BYTES:
        for at, sent, data in transcript:
            pieces += (_LINE.pack(at, sent, len(data)), data)
        return b"".join(pieces), True
    left = MAX_DIALOGUE_BYTES
    for line in transcript:
        data = line.data[: min(left, _MAX_LINE)]
        pieces += (_LINE.pack(line.at, line.sent, len(data)), data)
        left -= len(data)
        if len(data) < len(line.data) or left <= 0:
            break
    return b"".join(pieces), False


def _unpacked(packed: bytes) -> Iterator[TranscriptLine]:
    place = 0
    while place < len(packed):
        at, sent, length = _LINE.unpack_from(packed, place)
        place += _LINE.size
        yield TranscriptLine(at, bool(sent), packed[place : place + length])
        place += length
