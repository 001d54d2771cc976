"""Fleets as they really are: domains that share their mail hosts, as zone files have them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Final

from tests.bench.peers import address, domain

# MX names of the provider, and addresses of each.
PROVIDER_NAMES: Final = 5
PROVIDER_ADDRESSES: Final = 2
_PROVIDER_HOSTS: Final = PROVIDER_NAMES * PROVIDER_ADDRESSES
# Front ends that many tenants share, each tenant with an MX name of its own.
_FRONT_ENDS: Final = 50
# Domains of each of ten hosts in a row, of which there are 5,000 among 30,000; the others have one.
_SHARED_BY: Final = (2, 3, 4, 5, 6, 7, 8, 20, 3, 2)


@dataclass(frozen=True, slots=True)
class Fleet:
    """Domains by the kind of their mail hosts."""

    on_provider: int  # all with the same MX names
    tenants: int  # each with an MX name of its own on one of the front ends
    others: int  # on hosts of one to twenty domains each

    @property
    def count(self) -> int:
        """All domains."""
        return self.on_provider + self.tenants + self.others

    def zone(self) -> Iterator[str]:
        """The lines of the zone; domain `d0` and those after it are the provider's."""
        numbers = iter(range(self.count))
        for name in range(PROVIDER_NAMES):
            for each in range(PROVIDER_ADDRESSES):
                yield f"provider{name} A {address(name * PROVIDER_ADDRESSES + each)}"
        for number in islice(numbers, self.on_provider):
            yield from (f"d{number} MX {10 * (name + 1)} provider{name}" for name in range(PROVIDER_NAMES))
        for place, number in enumerate(islice(numbers, self.tenants)):
            yield f"d{number} MX 10 tenant{number}"
            yield f"tenant{number} A {address(_PROVIDER_HOSTS + place % _FRONT_ENDS)}"
        first = _PROVIDER_HOSTS + _FRONT_ENDS
        for host, size in enumerate(self._sizes()):
            yield f"host{host} A {address(first + host)}"
            yield from (f"d{number} MX 10 host{host}" for number in islice(numbers, size))

    def _sizes(self) -> Iterator[int]:
        """The number of domains of each host of the others: one of six hosts has several."""
        left = self.others
        for size in (size for shared in cycle(_SHARED_BY) for size in (1, 1, 1, 1, 1, shared)):
            if left <= 0:
                return
            yield min(size, left)
            left -= size


def fleet_of(count: int) -> Fleet:
    """A real fleet: a quarter on one provider, a fifth as tenants, the rest on hosts of their own or of a few."""
    return Fleet(count // 4, count // 5, count - count // 4 - count // 5)


def names(count: int) -> Iterator[str]:
    """The names of all domains."""
    return map(domain, range(count))
