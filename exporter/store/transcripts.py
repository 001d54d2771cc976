"""The last transcripts of every address of every target, to be read when something has happened.

Of each address one success and one failure of each class are kept, the latest, with the number of sessions that ended
alike since the last one that did not. A success says little that the next one does not say, so where room runs out
successes go first, down to a share of their own, and then the failures seen longest ago.

A hundred thousand domains must not fill the memory of the machine: there is a bound for one transcript, one for a
target, and one for all together, in which each transcript counts with the overhead of Python.
"""

from __future__ import annotations

import struct
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Final

from exporter.concurrency import steady_clock
from exporter.model.failure import Failure
from exporter.model.result import HostResult, ProbeResult, TlsResult, TranscriptLine
from exporter.model.target import Target, TargetKey

# The whole session with an ordinary server, STARTTLS and envelope included, is about 1 KiB; a long greeting fits too.
MAX_STORED_BYTES: Final = 4096
# Sixteen addresses (the default `max_addresses`) with an ordinary transcript each.
MAX_TARGET_BYTES: Final = 16384
# 80,000 ordinary transcripts.
MAX_BYTES: Final = 64 * 1024 * 1024
# The part of it that successes keep however many failures there are.
SUCCESS_SHARE: Final = 0.25
# The cost of keeping one beside its text: the value, its places in a tuple and in the order (measured with
# tracemalloc, CPython 3.11).
OVERHEAD_BYTES: Final = 512

# Targets forgotten between two looks at the clock.
_STEP: Final = 500

_LINE: Final = struct.Struct("<fBH")  # seconds since the connect began, whether we sent it, length
_MAX_LINE: Final = 0xFFFF


# MX host and address.
HostKey = tuple[str, str]


@dataclass(frozen=True, slots=True)
class StoredTranscript:
    """The transcript of a session with one address; `failure` None: it worked."""

    number: int  # counted from the first that was kept
    mx: str
    address: str
    at: float  # Unix time of the session, by the clock of then
    failure: Failure | None
    tls: TlsResult | None
    tls_at: float | None  # seconds from the begin of the connect to the end of the handshake
    moment: float  # the same as a moment of exporter.concurrency.steady_clock
    first: float  # the moment of the first session that ended alike, with none that ended otherwise since
    times: int  # sessions since then, this one included
    packed: bytes
    whole: bool  # nothing was cut off

    @property
    def first_at(self) -> float:
        """Unix time of the first session that ended alike."""
        return steady_clock.unix(self.first)

    @property
    def transcript(self) -> tuple[TranscriptLine, ...]:
        """The lines; show them escaped."""
        return tuple(_unpacked(self.packed))

    @property
    def size(self) -> int:
        """The bytes that the transcript counts for."""
        return len(self.packed) + OVERHEAD_BYTES + (len(self.failure.detail) if self.failure is not None else 0)


class TranscriptStore:
    """Transcripts by target. Written by the probes' event loop; :meth:`of` may be called from any thread."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._numbers = count(1)
        self._kept: dict[TargetKey, tuple[StoredTranscript, ...]] = {}
        self._successes = _Order()
        self._failures = _Order()

    @property
    def size(self) -> int:
        """The bytes that all transcripts count for."""
        return self._successes.size + self._failures.size

    def of(self, key: TargetKey) -> tuple[StoredTranscript, ...]:
        """The transcripts of one target, the latest first: in the order in which they came, which no clock changes."""
        return self._kept.get(key, ())[::-1]

    def keep(
        self, target: Target, result: ProbeResult, transcripts: Mapping[HostKey, tuple[TranscriptLine, ...]]
    ) -> None:
        """Keep the transcripts of the hosts of `result`."""
        key = target.key
        for host in result.hosts:
            transcript = transcripts.get((host.mx, host.address))
            if transcript:
                self._put(key, host, transcript)
        if len(self._kept.get(key, ())) > 1:
            self._make_room_in(key)
        if self.size > self._max_bytes:
            self._make_room()

    def keeping(self, targets: Iterable[Target]) -> Iterator[None]:
        """Forget the transcripts of all other targets, in steps."""
        gone = self._kept.keys() - {target.key for target in targets}
        for number, key in enumerate(gone, 1):
            self.forget((key,))
            if number % _STEP == 0:
                yield

    def forget(self, keys: Iterable[TargetKey]) -> None:
        """Forget the transcripts of these targets."""
        for key in keys:
            for kept in self._kept.pop(key, ()):
                self._order(kept).remove(kept)

    def _put(self, key: TargetKey, host: HostResult, transcript: tuple[TranscriptLine, ...]) -> None:
        before = self._kept.get(key, ())
        alike: StoredTranscript | None = None
        latest: StoredTranscript | None = None
        for one in before:
            if one.address == host.address and one.mx == host.mx:
                latest = one
                if _ended_alike(one.failure, host.failure):
                    alike = one
        if alike is not None and alike.at == host.timings.at:
            return  # a session that is shared for a whole interval is reported again
        again = alike is not None and latest is not None and latest.number == alike.number
        kept = self._stored(host, transcript, alike if again else None)
        if alike is not None:
            self._order(alike).remove(alike)
            before = tuple(one for one in before if one.number != alike.number)
        self._order(kept).add(kept, key)
        self._kept[key] = (*before, kept)

    def _stored(
        self, host: HostResult, transcript: tuple[TranscriptLine, ...], again: StoredTranscript | None
    ) -> StoredTranscript:
        """A transcript to keep; `again`: the one of the session before, which ended alike."""
        moment = steady_clock.moment(host.timings.at)
        packed, whole = _packed(transcript)
        return StoredTranscript(
            number=next(self._numbers),
            mx=host.mx,
            address=host.address,
            at=host.timings.at,
            failure=host.failure,
            tls=host.facts.tls,
            tls_at=host.timings.tls_at,
            moment=moment,
            first=moment if again is None else again.first,
            times=1 if again is None else again.times + 1,
            packed=packed,
            whole=whole,
        )

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
        left = tuple(kept for kept in self._kept[key] if kept.number != dropped.number)
        if left:
            self._kept[key] = left
        else:
            del self._kept[key]

    def _order(self, kept: StoredTranscript) -> _Order:
        return self._successes if kept.failure is None else self._failures


class _Order:
    """Transcripts in the order in which they were kept, and the bytes they count for."""

    def __init__(self) -> None:
        self.size = 0
        self._kept: OrderedDict[int, tuple[StoredTranscript, TargetKey]] = OrderedDict()  # by number

    def add(self, kept: StoredTranscript, key: TargetKey) -> None:
        self._kept[kept.number] = kept, key
        self.size += kept.size

    def remove(self, kept: StoredTranscript) -> None:
        del self._kept[kept.number]
        self.size -= kept.size

    def oldest(self) -> tuple[StoredTranscript, TargetKey]:
        return next(iter(self._kept.values()))


def _oldest_failure(kept: tuple[StoredTranscript, ...]) -> StoredTranscript:
    return next(one for one in kept if one.failure is not None)


def _ended_alike(one: Failure | None, other: Failure | None) -> bool:
    if one is None or other is None:
        return one is None and other is None
    return one.failure_class is other.failure_class


def _packed(transcript: tuple[TranscriptLine, ...]) -> tuple[bytes, bool]:
    """The lines as bytes, and whether all of them are there."""
    pieces: list[bytes] = []
    if sum([len(data) for _, _, data in transcript]) <= MAX_STORED_BYTES:
        for at, sent, data in transcript:
            pieces += (_LINE.pack(at, sent, len(data)), data)
        return b"".join(pieces), True
    left = MAX_STORED_BYTES
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
