"""The last transcripts of every conversation with an address, to be read when something has happened.

Of each conversation one success and one failure of each class are kept, the latest, with the number of sessions that
ended alike since the last one that did not. MX names of one address that share its sessions share the transcripts. A
success says little that the next one does not say, so where room runs out successes go first, down to a share of their
own, and then the failures seen longest ago.

A hundred thousand domains must not fill the memory of the machine: there is a bound for one transcript, one for a
conversation, and one for all together, in which each transcript counts with the overhead of Python.
"""

from __future__ import annotations

import struct
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Final

from exporter.concurrency import steady_clock
from exporter.model.failure import Failure
from exporter.model.result import HostIdentity, HostResult, TlsResult, TranscriptLine

# The whole session with an ordinary server, STARTTLS and envelope included, is about 1 KiB; a long greeting fits too.
MAX_STORED_BYTES: Final = 4096
# A success and ten failures of an ordinary length.
MAX_CONVERSATION_BYTES: Final = 16384
# 80,000 ordinary transcripts.
MAX_BYTES: Final = 64 * 1024 * 1024
# The part of it that successes keep however many failures there are.
SUCCESS_SHARE: Final = 0.25
# The cost of keeping one beside its text: the value, its places in a tuple and in the order (measured with
# tracemalloc, CPython 3.11).
OVERHEAD_BYTES: Final = 512

_LINE: Final = struct.Struct("<fBH")  # seconds since the connect began, whether we sent it, length
_MAX_LINE: Final = 0xFFFF


def keys_of(host: HostIdentity) -> tuple[HostIdentity, HostIdentity]:
    """The keys of a host's transcripts: of sessions that all MX names of the address share, and of sessions of its own.

    The first has no MX name; else a key is the identity of the host.
    """
    return host._replace(mx=""), host


@dataclass(frozen=True, slots=True)
class StoredTranscript:
    """The transcript of a session with one address; `failure` None: it worked."""

    number: int  # counted from the first that was kept
    mx: str  # the name that led the session
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
    """Transcripts by conversation. Written by the probes' event loop; :meth:`of` may be called from any thread."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._numbers = count(1)
        self._kept: dict[HostIdentity, tuple[StoredTranscript, ...]] = {}
        self._successes = _Order()
        self._failures = _Order()

    @property
    def size(self) -> int:
        """The bytes that all transcripts count for."""
        return self._successes.size + self._failures.size

    def of(self, keys: Iterable[HostIdentity]) -> tuple[StoredTranscript, ...]:
        """The transcripts of these conversations, the latest first: as they came, which no clock changes."""
        found = [stored for key in dict.fromkeys(keys) for stored in self._kept.get(key, ())]
        return tuple(sorted(found, key=lambda stored: -stored.number))

    def keep(self, key: HostIdentity, host: HostResult, transcript: tuple[TranscriptLine, ...]) -> None:
        """Keep the transcript of a session that gave the result `host`; one without a line is none."""
        if not transcript:
            return
        self._put(key, host, transcript)
        if len(self._kept[key]) > 1:
            self._make_room_in(key)
        if self.size > self._max_bytes:
            self._make_room()

    def forget(self, keys: Iterable[HostIdentity]) -> None:
        """Forget the transcripts of these conversations."""
        for key in keys:
            for kept in self._kept.pop(key, ()):
                self._order(kept).remove(kept)

    def _put(self, key: HostIdentity, host: HostResult, transcript: tuple[TranscriptLine, ...]) -> None:
        before = self._kept.get(key, ())
        latest = before[-1] if before else None
        alike = next((one for one in before if ended_alike(one.failure, host.failure)), None)
        if alike is not None and alike.at == host.timings.at:
            return  # told of twice
        kept = self._stored(host, transcript, alike if alike is latest else None)
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

    def _make_room_in(self, key: HostIdentity) -> None:
        while sum(kept.size for kept in self._kept[key]) > MAX_CONVERSATION_BYTES:
            kept = self._kept[key]
            successes = [one for one in kept if one.failure is None]
            # Successes go first; but one that only works keeps them, and one success is there to compare with.
            oldest = successes[0] if len(successes) > 1 or len(successes) == len(kept) else _oldest_failure(kept)
            self._drop(oldest, key)

    def _make_room(self) -> None:
        while self.size > self._max_bytes:
            order = self._successes if self._successes.size > SUCCESS_SHARE * self._max_bytes else self._failures
            self._drop(*order.oldest())

    def _drop(self, dropped: StoredTranscript, key: HostIdentity) -> None:
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
        self._kept: OrderedDict[int, tuple[StoredTranscript, HostIdentity]] = OrderedDict()  # by number

    def add(self, kept: StoredTranscript, key: HostIdentity) -> None:
        self._kept[kept.number] = kept, key
        self.size += kept.size

    def remove(self, kept: StoredTranscript) -> None:
        del self._kept[kept.number]
        self.size -= kept.size

    def oldest(self) -> tuple[StoredTranscript, HostIdentity]:
        return next(iter(self._kept.values()))


def _oldest_failure(kept: tuple[StoredTranscript, ...]) -> StoredTranscript:
    return next(one for one in kept if one.failure is not None)


def ended_alike(one: Failure | None, other: Failure | None) -> bool:
    """True where both sessions worked, or failed by one class."""
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
