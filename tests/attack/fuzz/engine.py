"""The search for findings: by mutation of the corpus, or with atheris by the coverage of our own code."""

from __future__ import annotations

import hashlib
import mmap
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.attack.fuzz.corpus import CORPUS, corpus_of
from tests.attack.fuzz.frame import MAX_INPUT_BYTES, Finding, Kind, Target, examine, forget_peak
from tests.attack.fuzz.mutations import Mutator

# Different findings of one target; who has so many need not go on.
MAX_FINDINGS: Final = 10
# After so many the peak of memory is measured anew.
_INPUTS_OF_A_PEAK: Final = 1000
# What counting every branch costs, generously.
_INSTRUMENTED: Final = 6.0
# libFuzzer's own bounds, behind ours.
_UNIT_SECONDS: Final = 180


@dataclass(slots=True)
class Hunt:
    """What a search of one target has come to."""

    target: Target
    inputs: int = 0
    findings: dict[tuple[Kind, str], Finding] = field(default_factory=dict)  # the shortest of each mark

    def attempt(self, data: bytes, slowness: float = 1.0) -> Finding | None:
        """Try one input; what is found first, or in fewer bytes than before."""
        if self.inputs % _INPUTS_OF_A_PEAK == 0:
            forget_peak()
        self.inputs += 1
        found = examine(self.target, data, slowness=slowness)
        if found is None:
            return None
        known = self.findings.get((found.kind, found.mark))
        if known is not None and len(known.data) <= len(found.data):
            return None
        self.findings[found.kind, found.mark] = found
        return found

    @property
    def full(self) -> bool:
        """Enough is found."""
        return len(self.findings) >= MAX_FINDINGS


def replay(target: Target, inputs: Iterable[bytes]) -> Hunt:
    """Try these inputs."""
    hunt = Hunt(target)
    for data in inputs:
        hunt.attempt(data)
    return hunt


def mutate(
    target: Target, seconds: float, seed: int, told: Callable[[bytes], object] = len, enough: int = MAX_FINDINGS
) -> Hunt:
    """Try mutations of the corpus for so long, or until so much is found. `told` hears of each input first."""
    pool = [*corpus_of(target.name).values()]
    mutator = Mutator(pool, target.tokens, target.max_bytes, seed)
    hunt, end = Hunt(target), time.monotonic() + seconds
    while time.monotonic() < end and len(hunt.findings) < enough:
        data = mutator.next()
        told(data)
        hunt.attempt(data)
    return hunt


class Journal:
    """The input that is being tried, where it survives the process."""

    def __init__(self, path: Path) -> None:
        path.write_bytes(bytes(8 + MAX_INPUT_BYTES))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)

    def note(self, data: bytes) -> None:
        """`data` is next."""
        data = data[:MAX_INPUT_BYTES]
        self._map[: 8 + len(data)] = len(data).to_bytes(8, "big") + data

    @staticmethod
    def last(path: Path) -> bytes:
        """What was noted last in the journal at `path`."""
        kept = path.read_bytes() if path.exists() else b""
        return kept[8 : 8 + int.from_bytes(kept[:8], "big")]


def save(found: Finding, folder: Path) -> Path:
    """Write a finding's input, and beside it what it does."""
    digest = hashlib.sha256(f"{found.kind} {found.mark}".encode()).hexdigest()[:8]
    path = folder / f"{found.target}-{found.kind}-{digest}"
    path.write_bytes(found.data)
    path.with_suffix(".txt").write_text(f"{found}\n")
    return path


def follow_coverage(target: Target, seconds: float, seed: int, folder: Path, journal: Journal) -> None:
    """The same with atheris, which ends the process. New inputs of interest stay in `folder` for the next time."""
    import atheris

    hunt = Hunt(target)

    def attempt(data: bytes) -> None:
        journal.note(data)
        found = hunt.attempt(data, _INSTRUMENTED)
        if found is not None and not hunt.full:
            save(found, folder)

    grown = folder / f"{target.name}.corpus"
    grown.mkdir(exist_ok=True)
    words = folder / f"{target.name}.dict"
    words.write_text("".join(_quoted(token) for token in target.tokens if token))
    arguments = {
        "max_total_time": max(1, round(seconds)),
        "seed": seed % 2**31 or 1,
        "max_len": target.max_bytes,
        "timeout": _UNIT_SECONDS,
        "rss_limit_mb": 2048,
        "artifact_prefix": f"{folder}/{target.name}-",
        "dict": words,
    }
    known = CORPUS / target.name
    folders = [str(grown), *([str(known)] if known.is_dir() else [])]
    atheris.Setup(["fuzz", *(f"-{name}={value}" for name, value in arguments.items()), *folders], attempt)
    atheris.Fuzz()


def _quoted(token: bytes) -> str:
    """As a line of libFuzzer's dictionaries."""
    return '"' + "".join(f"\\x{byte:02x}" for byte in token) + '"\n'


def instrumented(load: Callable[[], Any]) -> Any:
    """What `load` imports, with its branches counted; of other packages those that read for us."""
    import atheris

    with atheris.instrument_imports(include=["exporter", "h11", "dns"]):
        return load()
