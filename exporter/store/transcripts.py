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
from functools import lru_cache
from itertools import count
from typing import Final, NamedTuple

from exporter.concurrency import steady_clock
from exporter.model.failure import Failure
from exporter.model.result import HostIdentity, HostResult, Said, TlsResult, TranscriptLine

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

# The cost of one word beside its bytes, and the most words of one transcript: a server may send them byte by byte.
_WORD_BYTES: Final = 48
_MAX_WORDS: Final = 256
# Orders of turns in a dialogue, of which nearly all are the same.
_MAX_TURNS: Final = 256


def keys_of(host: HostIdentity) -> tuple[HostIdentity, HostIdentity]:
    """The keys of a host's transcripts: of sessions that all MX names of the address share, and of sessions of its own.

    The first has no MX name; else a key is the identity of the host.
    """
    return host._replace(mx=""), host


class StoredTranscript(NamedTuple):
    """The transcript of a session with one address; `failure` None: it worked.

    Its words are those of the session before, the same objects, where that said the same (exporter.probe.express).
    """

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
    words: tuple[bytes, ...]
    sent: tuple[bool, ...]  # by the exporter
    seconds: bytes  # packed: since the connect began, of each of the words
    size: int  # the bytes that the transcript counts for
    whole: bool  # nothing was cut off

    @property
    def first_at(self) -> float:
        """Unix time of the first session that ended alike."""
        return steady_clock.unix(self.first)

    @property
    def transcript(self) -> tuple[TranscriptLine, ...]:
        """The lines; show them escaped."""
        return Said(self.words, self.sent, _times(len(self.words)).unpack(self.seconds)).lines


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

    def latest(self) -> Iterator[tuple[HostIdentity, StoredTranscript]]:
        """The latest transcript of each conversation as it is now."""
        for key, kept in list(self._kept.items()):
            yield key, kept[-1]

    def keep(self, key: HostIdentity, host: HostResult, said: Said) -> None:
        """Keep the transcript of a session that gave the result `host`; one without a line is none."""
        if not said.words:
            return
        before = self._kept.get(key, ())
        if len(before) == 1 and before[0].words is said.words and before[0].failure is None and host.up:
            self._keep_again(before[0], key, host, said)  # as nearly always: it takes as much room as before
            return
        self._put(key, host, said)
        if len(self._kept[key]) > 1:
            self._make_room_in(key)
        if self.size > self._max_bytes:
            self._make_room()

    def forget(self, keys: Iterable[HostIdentity]) -> None:
        """Forget the transcripts of these conversations."""
        for key in keys:
            for kept in self._kept.pop(key, ()):
                self._order(kept).remove(kept)

    def _keep_again(self, before: StoredTranscript, key: HostIdentity, host: HostResult, said: Said) -> None:
        """Keep the transcript of a session that went as the one before."""
        if before.at != host.timings.at:  # else told of twice
            kept = self._stored(host, said, before)
            self._successes.replace(before, kept, key)
            self._kept[key] = (kept,)

    def _put(self, key: HostIdentity, host: HostResult, said: Said) -> None:
        before, failure, alike = self._kept.get(key, ()), host.outcome.failure, None
        for one in before:
            if ended_alike(one.failure, failure):
                alike = one
        if alike is None:
            kept = self._stored(host, said, None)
        elif alike.at == host.timings.at:
            return  # told of twice
        else:
            kept = self._stored(host, said, alike if alike is before[-1] else None)
            self._order(alike).remove(alike)
            before = tuple([one for one in before if one is not alike]) if len(before) > 1 else ()
        self._order(kept).add(kept, key)
        self._kept[key] = (*before, kept)

    def _stored(self, host: HostResult, said: Said, again: StoredTranscript | None) -> StoredTranscript:
        """A transcript to keep; `again`: the one of the session before, which ended alike."""
        timings = host.timings
        moment = steady_clock.moment(timings.at)
        failure = host.outcome.failure
        if again is not None and again.words is said.words:
            words, sent, size, whole, seconds = again.words, again.sent, again.size, True, said.times
        else:
            words, whole = _bounded(said.words)
            sent, seconds = _turns(said.sent[: len(words)]), said.times[: len(words)]
            size = OVERHEAD_BYTES + sum([len(word) + _WORD_BYTES for word in words])
            size += 0 if failure is None else len(failure.detail)
        return StoredTranscript(
            next(self._numbers),
            host.identity.mx,
            host.identity.address,
            timings.at,
            failure,
            host.facts.tls,
            timings.tls_at,
            moment,
            moment if again is None else again.first,
            1 if again is None else again.times + 1,
            words,
            sent,
            _times(len(words)).pack(*seconds),
            size,
            whole,
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

    def replace(self, before: StoredTranscript, kept: StoredTranscript, key: HostIdentity) -> None:
        """Have one take the place of another, of the same size, as the latest."""
        del self._kept[before.number]
        self._kept[kept.number] = kept, key

    def oldest(self) -> tuple[StoredTranscript, HostIdentity]:
        return next(iter(self._kept.values()))


def _oldest_failure(kept: tuple[StoredTranscript, ...]) -> StoredTranscript:
    return next(one for one in kept if one.failure is not None)


def ended_alike(one: Failure | None, other: Failure | None) -> bool:
    """True where both sessions worked, or failed by one class."""
    if one is None or other is None:
        return one is None and other is None
    return one.failure_class is other.failure_class


def _bounded(words: tuple[bytes, ...]) -> tuple[tuple[bytes, ...], bool]:
    """The words as far as they are kept, and whether that is all of them."""
    if len(words) <= _MAX_WORDS and sum(map(len, words)) <= MAX_STORED_BYTES:
        return words, True
    kept: list[bytes] = []
    left = MAX_STORED_BYTES
    for word in words[:_MAX_WORDS]:
        kept.append(word[:left])
        left -= len(kept[-1])
        if len(kept[-1]) < len(word) or left <= 0:
            break
    return tuple(kept), False


@lru_cache(maxsize=_MAX_TURNS)
def _turns(sent: tuple[bool, ...]) -> tuple[bool, ...]:
    """One object for equal turns."""
    return sent


@lru_cache(maxsize=_MAX_TURNS)
def _times(count: int) -> struct.Struct:
    """The packing of so many times."""
    return struct.Struct(f"<{count}f")
