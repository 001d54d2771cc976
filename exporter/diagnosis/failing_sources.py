"""Sources whose last attempt failed in one way, with the number of their unrelated owners kept up to date. Pure.

Sources of one organisation or of one network have one owner: the outage of a provider is no sign of a cause near us.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from typing import Final, NamedTuple

# Unrelated owners that must fail in one way. Three failing together happens; four that share nothing but us does not.
OWNERS_NEEDED: Final = 4


class SourceOwner(NamedTuple):
    """The holder of a source. Two owners with the same organisation or the same network are related.

    A named tuple, as an outcome: each session makes some, in a quarter of the time that frozen dataclasses take.
    """

    organisation: str
    network: Hashable = None  # None: a name, which has none

    def is_unrelated_to(self, other: SourceOwner) -> bool:
        """True where the two share neither organisation nor network."""
        return self.organisation != other.organisation and (self.network is None or self.network != other.network)


class SourceOutcome(NamedTuple):
    """The outcome of one attempt. Times are seconds of one clock that never jumps."""

    owner: SourceOwner
    began: float  # of the attempt; of a success the moment that proves it
    seen: float  # when it was known
    failure_kind: str | None  # None: a success
    reference: bool = False
    # Begin of the uninterrupted row of equal outcomes, -inf: there never was another; set by SourceOutcomes.
    since: float = 0.0
    name: str = ""  # by which the owner is known, where it is not the source itself

    def in_row(self, since: float) -> SourceOutcome:
        """The same in a row of equal outcomes that began at `since`."""
        owner, began, seen, failure_kind, reference, _, name = self
        return SourceOutcome(owner, began, seen, failure_kind, reference, since, name)


class FailingSources:
    """Outcomes by source. Adding one costs the same with ten sources and with a hundred thousand."""

    def __init__(self) -> None:
        self._outcomes: dict[Hashable, SourceOutcome] = {}
        self._owners: Counter[SourceOwner] = Counter()  # thousands of sources may have one owner
        self._organisations: Counter[str] = Counter()
        self._networks: Counter[Hashable] = Counter()
        self.references = 0
        self._unrelated: list[SourceOwner] = []  # owners unrelated to each other, as many as are needed
        self._is_outdated = False  # `_unrelated` has lost an owner

    def __len__(self) -> int:
        return len(self._outcomes)

    def add(self, key: Hashable, outcome: SourceOutcome) -> None:
        """Add the outcome of a source that is not here."""
        self._outcomes[key] = outcome
        owner = outcome.owner
        self._owners[owner] += 1
        self._organisations[owner.organisation] += 1
        self._networks[owner.network] += 1
        self.references += outcome.reference
        if len(self._unrelated) < OWNERS_NEEDED and all(map(owner.is_unrelated_to, self._unrelated)):
            self._unrelated.append(owner)

    def remove(self, key: Hashable) -> None:
        """Remove the outcome of a source, if it is here."""
        outcome = self._outcomes.pop(key, None)
        if outcome is None:
            return
        owner = outcome.owner
        count_down(self._owners, owner)
        count_down(self._organisations, owner.organisation)
        count_down(self._networks, owner.network)
        self.references -= outcome.reference
        if owner in self._unrelated and owner not in self._owners:
            self._unrelated.remove(owner)
            self._is_outdated = True

    def has_related(self, owner: SourceOwner) -> bool:
        """True where a source here has this owner or a related one."""
        return owner.organisation in self._organisations or (
            owner.network is not None and owner.network in self._networks
        )

    @property
    def unrelated_owners(self) -> int:
        """The number of unrelated owners; where there are enough, an upper bound of it."""
        if self._is_outdated:
            self._choose()
        if len(self._unrelated) < OWNERS_NEEDED:
            return len(self._unrelated)
        networks = len(self._networks) - (None in self._networks)
        return min(len(self._organisations), networks) if networks else len(self._organisations)

    def _choose(self) -> None:
        self._is_outdated = False
        unrelated: list[SourceOwner] = []
        for owner in self._owners:
            if all(map(owner.is_unrelated_to, unrelated)):
                unrelated.append(owner)
                if len(unrelated) == OWNERS_NEEDED:
                    break
        self._unrelated = unrelated


def count_down(counter: Counter[SourceOwner] | Counter[str] | Counter[Hashable], key: object) -> None:
    """Take one from the count of `key`, and forget a count of 0."""
    counter[key] -= 1  # type: ignore[index]
    if not counter[key]:  # type: ignore[index]
        del counter[key]
