"""Ours or theirs: what fails alike at every unrelated place that was heard lately is ours. Pure.

One mechanism for all kinds of failure, be it port 25 of addresses or the resolver's answers about names. The newest
outcome of each source counts, for a while. Sources of one organisation or one network are one voice: a provider's
outage is its own.

Time tells a shared cause from many single ones. The newest outcome that worked is the proof that things worked then. A
source that failed already before that proof fails for a reason of its own; one that began to fail after it has turned.
All that was tried since the proof must fail in one way, each voice that worked must have turned, and more than one
that ever worked must have: four dead hosts and a fifth that dies are five dead hosts, and what works may be heard
seldom, as a name whose answer is remembered. Some ways to fail say nothing of the others: what never left this host, or
what has been so since before the proof. Taking an outcome in costs the same with ten sources and with a hundred
thousand.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict, deque
from collections.abc import Collection, Hashable
from dataclasses import dataclass, replace
from itertools import islice, takewhile
from typing import Final

# Unrelated voices that must fail alike. Three failing together happens; four that share nothing but us does not.
VOICES_NEEDED: Final = 4
# Unrelated voices that must have turned since the last proof: one that does so has a reason of its own.
TURNED_NEEDED: Final = 2
# Seconds; more than what is lost where one clock is converted into another.
_CLEARLY_BEFORE: Final = 1.0
# Sources whose newest outcome is kept: enough to judge by, whoever invents names and addresses without end. Beyond it
# the longest unheard is forgotten.
MAX_SOURCES: Final = 100_000
# Organisations that are remembered to have worked. Beyond it the first of them are forgotten, and have to do so again.
MAX_WORKED: Final = 100_000
# Forgotten in one go: to find the first of a dictionary is to walk past all that have gone.
_AT_ONCE: Final = 1000
# Voices whose newest proof is remembered: enough that one of them is unrelated to whoever asks.
_PROOFS_KEPT: Final = 8


@dataclass(frozen=True, slots=True)
class Voice:
    """The holder of a source. Two with the same organisation or the same network are related."""

    organisation: str
    network: Hashable = None  # None: a name, which has none

    def unrelated(self, other: Voice) -> bool:
        """Nothing in common with `other`."""
        return self.organisation != other.organisation and (self.network is None or self.network != other.network)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one attempt. Times are seconds of one clock that never jumps."""

    voice: Voice
    began: float  # the attempt; where it worked, the moment that proves it
    seen: float  # when it was known
    way: str | None  # how it failed; None: it worked
    reference: bool = False
    since: float = 0.0  # when the row of equal outcomes began, -inf: it never was otherwise; set by Scope


@dataclass(frozen=True, slots=True)
class Alike:
    """All that was heard fails in this way."""

    way: str
    voices: int  # unrelated ones
    turned: int  # those of them that did not fail before the last proof
    references: int  # sources that have turned, and are references

    @property
    def is_certain(self) -> bool:
        """Enough that worked, or were never seen to fail for themselves, and references among them."""
        return self.references > 0 and self.turned >= VOICES_NEEDED


@dataclass(frozen=True, slots=True)
class _Proof:
    at: float
    voice: Voice
    since: float  # of the row that it belongs to

    def of(self, began: float) -> float:
        """When it was proven, as far as it bears on what began at `began`.

        A source that failed itself in between does not show that things worked then.
        """
        return self.at if self.since <= began else min(self.at, began - _CLEARLY_BEFORE)


class _Failing:
    """Sources that fail, with what is asked about them kept as sums."""

    def __init__(self) -> None:
        self._outcomes: dict[Hashable, Outcome] = {}
        self._voices: Counter[Voice] = Counter()  # thousands of sources may be one
        self._organisations: Counter[str] = Counter()
        self._networks: Counter[Hashable] = Counter()
        self.references = 0
        self._chosen: list[Voice] = []  # unrelated to each other, as many as are needed
        self._choice_is_old = False

    def __len__(self) -> int:
        return len(self._outcomes)

    def add(self, key: Hashable, outcome: Outcome) -> None:
        self._outcomes[key] = outcome
        voice = outcome.voice
        self._voices[voice] += 1
        self._organisations[voice.organisation] += 1
        self._networks[voice.network] += 1
        self.references += outcome.reference
        if len(self._chosen) < VOICES_NEEDED and all(map(voice.unrelated, self._chosen)):
            self._chosen.append(voice)

    def remove(self, key: Hashable) -> None:
        outcome = self._outcomes.pop(key, None)
        if outcome is None:
            return
        voice = outcome.voice
        _less(self._voices, voice)
        _less(self._organisations, voice.organisation)
        _less(self._networks, voice.network)
        self.references -= outcome.reference
        if voice in self._chosen and voice not in self._voices:
            self._chosen.remove(voice)
            self._choice_is_old = True

    def include(self, voice: Voice) -> bool:
        """Whether a source of the voice is among them."""
        return voice.organisation in self._organisations or (
            voice.network is not None and voice.network in self._networks
        )

    @property
    def voices(self) -> int:
        """How many unrelated ones there are; where there are enough, at least so many."""
        if self._choice_is_old:
            self._choose()
        if len(self._chosen) < VOICES_NEEDED:
            return len(self._chosen)
        networks = len(self._networks) - (None in self._networks)
        return min(len(self._organisations), networks) if networks else len(self._organisations)

    def _choose(self) -> None:
        self._choice_is_old = False
        chosen: list[Voice] = []
        for voice in self._voices:
            if all(map(voice.unrelated, chosen)):
                chosen.append(voice)
                if len(chosen) == VOICES_NEEDED:
                    break
        self._chosen = chosen


class Scope:
    """The newest outcomes of many sources, and what they have in common."""

    def __init__(self, *, apart: Collection[str] = (), settled: Collection[str] = ()) -> None:
        """What fails in a way of `apart` is no sign against another way that all the rest fails in.

        Nor is what fails in a way of `settled`, and did so before the last proof.
        """
        self._apart = frozenset(apart)
        self._settled = frozenset(settled)
        self.proven = -math.inf  # the newest moment at which something worked
        self._newest: dict[Hashable, Outcome] = {}  # the longest unheard first
        self._working: Counter[Voice] = Counter()
        # Failures of attempts begun after the proof, by how they fail; those of them that are news have turned.
        self._after: dict[Hashable, Outcome] = {}
        self._failing: defaultdict[str, _Failing] = defaultdict(_Failing)
        self._turned: defaultdict[str, _Failing] = defaultdict(_Failing)
        # Those that have turned and are known to have worked, however long ago.
        self._fallen: defaultdict[str, _Failing] = defaultdict(_Failing)
        self._worked: dict[str, None] = {}  # organisations
        self._proofs: deque[_Proof] = deque(maxlen=_PROOFS_KEPT)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._newest

    def __len__(self) -> int:
        return len(self._newest)

    def newest(self, key: Hashable) -> Outcome | None:
        """What was heard last of a source."""
        return self._newest.get(key)

    def see(self, key: Hashable, outcome: Outcome) -> Outcome | None:
        """Take an outcome in; it is given back as it is kept, or None where a newer one is known."""
        if len(self._newest) > MAX_SOURCES + _AT_ONCE:
            for longest_unheard in list(islice(self._newest, _AT_ONCE)):
                self._forget(longest_unheard)
        before = self._newest.get(key)
        if before is not None:
            if outcome.began < before.began:
                return None
            self._forget(key)
        if outcome.way is None:
            since = -math.inf if before is None else before.since if before.way is None else outcome.began
            worked = replace(outcome, since=since)
            self._newest[key] = worked
            self._working[worked.voice] += 1
            self._worked[worked.voice.organisation] = None
            _shorten(self._worked, MAX_WORKED)
            self._prove(worked)
            return worked
        since = before.since if before is not None and before.way == outcome.way else outcome.began
        kept = Outcome(outcome.voice, outcome.began, outcome.seen, outcome.way, outcome.reference, since)
        self._newest[key] = kept
        self._keep_after(key, kept)
        return kept

    def forget_before(self, seen: float) -> None:
        """What was heard before then no longer counts."""
        for key in [key for key, _ in takewhile(lambda kept: kept[1].seen < seen, self._newest.items())]:
            self._forget(key)

    @property
    def works(self) -> bool:
        """Something that was heard works."""
        return bool(self._working)

    @property
    def turned(self) -> bool:
        """Something has begun to fail since the last proof."""
        return any(map(len, self._turned.values()))

    @property
    def failing(self) -> int:
        """How many sources failed when they were tried since the last proof."""
        return len(self._after)

    @property
    def one_way(self) -> str | None:
        """The one way in which all attempts since the last proof failed; None where there is none, or more."""
        ways = [way for way, failing in self._failing.items() if len(failing)]
        ways = [way for way in ways if way not in self._apart] or ways
        return ways[0] if len(ways) == 1 else None

    def alike(self) -> Alike | None:
        """What fails everywhere at once, if it does."""
        way = self.one_way
        if way is None:
            return None
        failing, turned = self._failing[way], self._turned[way]
        if len(turned) < TURNED_NEEDED or not all(map(turned.include, self._working)):
            return None
        if failing.voices < VOICES_NEEDED or turned.voices < TURNED_NEEDED:
            return None
        if self.proven > -math.inf and self._fallen[way].voices < TURNED_NEEDED:
            return None
        return Alike(way, failing.voices, turned.voices, turned.references)

    def proof_by_others(self, voice: Voice, began: float) -> float:
        """The newest moment at which something unrelated to `voice` worked; -inf if nothing is known to have.

        It is before `began`, that of an attempt in question, where nothing shows that things worked at that time.
        """
        return max((proof.of(began) for proof in self._proofs if proof.voice.unrelated(voice)), default=-math.inf)

    def _prove(self, outcome: Outcome) -> None:
        proof = next((proof for proof in self._proofs if proof.voice == outcome.voice), None)
        if proof is not None:
            if proof.at >= outcome.began:
                return
            self._proofs.remove(proof)
        self._proofs.append(_Proof(outcome.began, outcome.voice, outcome.since))
        if outcome.began <= self.proven:
            return
        self.proven = outcome.began
        if not self._after:
            return
        # Most that failed did so before: what is left is kept anew, in a moment even where all had been shut off.
        left = [(key, failed) for key, failed in self._after.items() if failed.began > self.proven]
        self._after = {}
        self._failing.clear()
        self._turned.clear()
        self._fallen.clear()
        for key, failed in left:
            self._keep_after(key, failed)

    def _keep_after(self, key: Hashable, failed: Outcome) -> None:
        """Keep what failed, if that was after the proof."""
        way, is_news = failed.way, failed.since > self.proven
        if way is None or failed.began <= self.proven or (way in self._settled and not is_news):
            return
        self._after[key] = failed
        self._failing[way].add(key, failed)
        if is_news:
            self._turned[way].add(key, failed)
            if failed.voice.organisation in self._worked:
                self._fallen[way].add(key, failed)

    def _forget(self, key: Hashable) -> None:
        known = self._newest.pop(key)
        if known.way is None:
            _less(self._working, known.voice)
        self._forget_after(key)

    def _forget_after(self, key: Hashable) -> None:
        failed = self._after.pop(key, None)
        if failed is not None and failed.way is not None:
            self._failing[failed.way].remove(key)
            self._turned[failed.way].remove(key)
            self._fallen[failed.way].remove(key)


def _shorten(kept: dict[str, None], limit: int) -> None:
    """Forget the first, some at a time, where there are clearly more than `limit`."""
    if len(kept) > limit + _AT_ONCE:
        for first in list(islice(kept, _AT_ONCE)):
            del kept[first]


def _less(counter: Counter[Voice] | Counter[str] | Counter[Hashable], key: object) -> None:
    counter[key] -= 1  # type: ignore[index]
    if not counter[key]:  # type: ignore[index]
        del counter[key]
