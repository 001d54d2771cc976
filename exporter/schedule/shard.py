"""The shard that a target belongs to, of several exporters: a rendezvous hash (Thaler and Ravishankar, 1998).

Each shard draws a number for each target, from the target's name alone, and the highest draw has it. So every process
knows its own targets without asking another, and where a shard is added only targets that go to it move: 1/N of all.

The draw is part of the interface, so that other programs can compute the shard of a target: BLAKE2b of the name in
UTF-8, with a digest of 8 bytes and the number of the shard as salt (8 bytes, little-endian). Draws are compared as
bytes; at a tie the lower shard has it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

# A process each; far more than a fleet of them needs.
MAX_SHARDS: Final = 4096
AUTO: Final = "auto"

_ORDINAL: Final = re.compile(r"[0-9]{1,6}\Z")


class ShardError(ValueError):
    """The flags name no shard; the message says why."""


@dataclass(frozen=True, slots=True)
class Shard:
    """One of `total`, counted from 0. The default is the only one and has every target."""

    index: int = 0
    total: int = 1

    def owns(self, name: str) -> bool:
        """The target `name` belongs to this shard."""
        encoded = name.encode()
        own = _draw(encoded, self.index)
        # The first higher draw settles it: few draws a target, however many shards.
        for other in range(self.total):
            draw = _draw(encoded, other)
            if draw > own or (draw == own and other < self.index):
                return False
        return True


def owner(name: str, total: int) -> int:
    """The shard of `total` that has the target `name`."""
    encoded = name.encode()
    return max(range(total), key=lambda index: (_draw(encoded, index), -index)) if total > 1 else 0


def parse_shard(shard: str | None, total: int | None, host_name: str) -> Shard:
    """The shard that `--shard` and `--total-shards` name on the machine `host_name`. Raises ShardError."""
    if shard is None and total is None:
        return Shard()
    if shard is None or total is None:
        raise ShardError("--shard and --total-shards are given together or not at all")
    if not 1 <= total <= MAX_SHARDS:
        raise ShardError(f"--total-shards must be between 1 and {MAX_SHARDS}, not {total}")
    if shard == AUTO:
        # A pod of a StatefulSet is NAME-ORDINAL; a name with a domain is still the machine's first label.
        found = _ORDINAL.search(host_name.partition(".")[0])
        if found is None:
            raise ShardError(f"--shard=auto: the host name {host_name} does not end in a number")
        index = int(found[0])
        where = f"--shard=auto: the number of the host name {host_name}"
    else:
        if _ORDINAL.fullmatch(shard) is None:
            raise ShardError(f"--shard must be a number or auto, not {shard!r}")
        index = int(shard)
        where = "--shard"
    if index >= total:
        raise ShardError(f"{where} must be between 0 and {total - 1} with --total-shards={total}, not {index}")
    return Shard(index, total)


def _draw(name: bytes, index: int) -> bytes:
    return blake2b(name, digest_size=8, salt=index.to_bytes(8, "little")).digest()
