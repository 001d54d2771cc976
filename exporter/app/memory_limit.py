"""The memory that this process may use and needs: a limit that is too small is reported before it kills.

Limits are those of the control groups the process is in, up to the root (a unit's MemoryMax, a container's limit), and
of the process itself (setrlimit(2)). The need is that of docs/reference/sizing.md.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

log = logging.getLogger(__name__)

MIB: Final = 1 << 20
# Measured: 75 MiB, and 32 that web clients may leave unread.
RESIDENT_BYTES: Final = 107 * MIB
TARGET_BYTES: Final = 11 * 1024
# Of these at least come after the start: the text of a target's series, its result, its place in the schedule.
_LATER_BYTES: Final = 6 * 1024
# The code of all libraries is mapped, and each thread has a stack, whether they are used or not.
ADDRESS_BYTES: Final = 256 * MIB
# Below it not even the libraries can be loaded, or a thread started: nothing is tried then.
LEAST_ADDRESS_BYTES: Final = 144 * MIB
LEAST_DATA_BYTES: Final = 80 * MIB
# A worker's calls are not deep; by default each thread reserves 8 MiB of the address space.
STACK_BYTES: Final = 2 * MIB
# mallopt(3), glibc: how many heaps threads may have beside each other. By itself each reserves 64 MiB.
_M_ARENA_MAX: Final = -8
# Version 1 has a number for "none": the largest page of a signed 64-bit count.
_NONE: Final = 1 << 60

_SHORTAGE: Final = ("cannot allocate memory", "failed to map segment", "can't start new thread", "out of memory")
_CAUSES: Final = 10  # errors behind an error that are looked at

_UNIT: Final = "MemoryMax= or MemoryHigh= of the unit, or the container's memory limit"


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit. `base`: the need without any target; `least`: the need to begin at all."""

    size: int
    name: str
    change: str
    base: int
    least: int = 0
    address: bool = False  # of the address space, used or not

    def need(self, targets: int) -> int:
        """Bytes that `targets` targets need."""
        return self.base + targets * TARGET_BYTES


def limits(root: Path = Path("/")) -> list[Limit]:
    """All limits of this process; `root` is where /proc and the mounts are."""
    return [*_of_groups(root), *_of_process()]


def _of_process() -> Iterator[Limit]:
    try:
        import resource
    except ImportError:  # Windows has none
        return
    address, _ = resource.getrlimit(resource.RLIMIT_AS)
    if address != resource.RLIM_INFINITY:
        change = "ulimit -v, or LimitAS= of the unit"
        yield Limit(address, "RLIMIT_AS", change, ADDRESS_BYTES, LEAST_ADDRESS_BYTES, address=True)
    data, _ = resource.getrlimit(resource.RLIMIT_DATA)
    if data != resource.RLIM_INFINITY:
        yield Limit(data, "RLIMIT_DATA", "ulimit -d, or LimitDATA= of the unit", RESIDENT_BYTES, LEAST_DATA_BYTES)


def _of_groups(root: Path) -> Iterator[Limit]:
    """The limits of the memory controllers, version 2 or 1 (cgroups(7))."""
    try:
        own = (root / "proc/self/cgroup").read_text(encoding="utf-8", errors="replace").splitlines()
        mounts = (root / "proc/self/mountinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # another system, or hidden from us
        return
    for line in own:
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        files = ("memory.limit_in_bytes",) if controllers else ("memory.max", "memory.high")
        for mount, folder in _folders(mounts, path, version_1=bool(controllers)):
            yield from _up(root, mount, folder, files)


def _folders(mounts: list[str], path: str, *, version_1: bool) -> Iterator[tuple[str, str]]:
    """The mount points of the hierarchy, and the process's group in it (proc(5), mountinfo)."""
    for line in mounts:
        fields, _, rest = line.partition(" - ")
        kind, _, options = rest.partition(" ")
        if version_1 and (kind != "cgroup" or "memory" not in options.split(" ")[-1].split(",")):
            continue
        if not version_1 and kind != "cgroup2":
            continue
        mounted, mount = fields.split(" ")[3:5]
        below = path.removeprefix(mounted) if mounted != "/" else path
        yield mount, below.strip("/")


def _up(root: Path, mount: str, below: str, files: tuple[str, ...]) -> Iterator[Limit]:
    folder = Path(mount) / below
    while True:
        for name in files:
            size = _size(root / str(folder).lstrip("/") / name)
            if size is not None:
                yield Limit(size, f"{name} of {folder}", _UNIT, RESIDENT_BYTES)
        if str(folder) == mount or folder == folder.parent:
            return
        folder = folder.parent


def _size(file: Path) -> int | None:
    try:
        size = int(file.read_text(encoding="ascii"))
    except (OSError, ValueError):  # none there, or "max"
        return None
    return size if size < _NONE else None


def unusable() -> str | None:
    """The reason not to begin under the process's own limits; None where there is none."""
    for limit in _of_process():
        if limit.size < limit.least:
            return _too_small(limit, 0)
    return None


def share_one_heap() -> None:
    """Have all threads use one heap; call it before there is a second thread.

    By itself glibc gives each a heap of its own and reserves 64 MiB of the address space for it; what one thread has
    given back another cannot use then.
    """
    try:
        import ctypes

        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)
    except (ImportError, OSError, AttributeError):  # another C library
        return


def hopeless(targets: int) -> str | None:
    """The reason not to go on with so many targets, now that they are loaded; None where there is none.

    A limit of the process itself makes allocations fail, which few libraries survive; that of a group may have swap.
    """
    used = _address_bytes()
    for limit in _of_process():
        if limit.address and used + targets * _LATER_BYTES > limit.size:
            return _too_small(limit, targets)
    return None


def _address_bytes() -> int:
    """Address space in use (proc(5), statm); 0 where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _too_small(limit: Limit, targets: int) -> str:
    return (
        f"the memory limit is too small: {limit.name} is {_mib(limit.size)}, and for {targets} targets"
        f" {_mib(limit.need(targets))} are needed; raise {limit.change}"
    )


class MemoryCheck:
    """Reports a limit that is too small, again only when a quarter more is needed."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root
        self._reported = 0  # bytes of need

    def __call__(self, targets: int) -> None:
        """Check the limits for so many targets."""
        short = [limit for limit in limits(self._root) if limit.size < limit.need(targets)]
        if not short:
            return
        worst = min(short, key=lambda limit: limit.size - limit.need(targets))
        need = worst.need(targets)
        if need <= self._reported * 5 // 4:
            return
        self._reported = need
        log.warning(
            "memory limit too small",
            extra={
                "fields": {
                    "limit": _mib(worst.size),
                    "needed": _mib(need),
                    "targets": targets,
                    "where": worst.name,
                    "change": f"raise {worst.change}, or have fewer targets",
                }
            },
        )


def _mib(size: int) -> str:
    return f"{size / MIB:.0f} MiB"


def is_shortage(error: BaseException | None) -> bool:
    """True if memory was lacking: for an allocation, a library to be mapped, a thread."""
    for _ in range(_CAUSES):
        if error is None:
            return False
        text = str(error).lower()
        if isinstance(error, MemoryError) or any(words in text for words in _SHORTAGE):
            return True
        error = error.__cause__ or error.__context__
    return False
