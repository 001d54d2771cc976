"""What becomes of a domain file on a bad day: cut while it is written, emptied, gone, full of nonsense, restored."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from pathlib import Path
from typing import Final

from tests.attack.world.plan import Plan, listed

WATCHED: Final = "domains.d/good.txt"
_CHURN: Final = "domains.d/churn.txt"
# A file that has been still for 2 s counts as written (interface 6.12): one that is cut is whole again well before.
_CUT_SECONDS: Final = 0.7
_NEW_NAMES: Final = 20


class Tampering:
    """Two files: of one the good domains must never be lost, the other lists ever new ones."""

    def __init__(self, plan: Plan, tries: Counter[str]) -> None:
        self._path = Path(plan.folder, WATCHED)
        self._churn = Path(plan.folder, _CHURN)
        self._whole = "".join(f"{name}\n" for name in listed(plan))
        self._tries = tries
        self._names = itertools.count(1000)
        self._stays = plan.pace.stays  # long enough that it is looked at

    async def run(self) -> None:
        """Without end; restored when it is cancelled."""
        try:
            for step in itertools.cycle((self._cut, self._empty, self._cut, self._gone, self._cut, self._nonsense)):
                self._list_new()
                await step()
                self._write(self._whole.encode())
                await asyncio.sleep(self._stays / 2)
        finally:
            self._path.write_text(self._whole)
            self._churn.unlink(missing_ok=True)

    async def _cut(self) -> None:
        """In the middle of a name, as who reads it meanwhile finds it: several times, each elsewhere."""
        for back in range(2, len(self._whole) // 2, 3):
            self._write(self._whole[:-back].encode())
            await asyncio.sleep(_CUT_SECONDS / 10)
            if back % 5 == 0:
                self._write(self._whole.encode())
                await asyncio.sleep(_CUT_SECONDS)

    async def _empty(self) -> None:
        self._write(b"")
        await asyncio.sleep(self._stays)

    async def _gone(self) -> None:
        self._tries["own-files"] += 1
        self._path.unlink()
        await asyncio.sleep(self._stays)

    async def _nonsense(self) -> None:
        """Bad lines are data: told, and the good ones hold."""
        lines = b"\0\0\n<script>\nxn--\n..\n127.0.0.1\n" + b"a" * 100_000 + b"\n\xff\xfe\n"
        self._write(lines + self._whole.encode() + lines)
        await asyncio.sleep(self._stays)

    def _write(self, data: bytes) -> None:
        """In place, as editors and scripts do that know no better."""
        self._tries["own-files"] += 1
        self._path.write_bytes(data)

    def _list_new(self) -> None:
        names = (f"dns-rotating-{next(self._names)}.example\n" for _ in range(_NEW_NAMES))
        self._churn.write_text("".join(names))
