"""Every fuzzer for a moment: the whole corpus, and some thousand inputs that nobody has tried before.

A failure is a fault of the reader or of its promise, and never of chance: the seed in its message makes it again.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.attack.fuzz import __main__ as command
from tests.attack.fuzz import frame, planted
from tests.attack.fuzz.corpus import CORPUS, corpus_of
from tests.attack.fuzz.engine import mutate, replay
from tests.attack.fuzz.frame import ROOT, Kind, Target, examine, forget_peak
from tests.attack.fuzz.targets import TARGETS

pytestmark = pytest.mark.unmeasured

SECONDS = float(os.environ.get("FUZZ_SECONDS", "0.4"))
SEED = int(os.environ.get("FUZZ_SEED", secrets.randbits(31)))


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_the_corpus_and_new_inputs_keep_every_promise(target: Target) -> None:
    known = corpus_of(target.name)
    assert known, "a target has a corpus"
    for name, data in known.items():
        found = examine(target, data)
        assert found is None, f"{name}: {found}"
    hunt = mutate(target, SECONDS, SEED)
    again = f"python -m tests.attack.fuzz {target.name} --engine mutations --seconds {SECONDS:g} --seed {SEED}"
    assert not hunt.findings, "\n".join([*(f"{found}\n{found.data!r}" for found in hunt.findings.values()), again])
    assert hunt.inputs > 0


def test_every_folder_of_the_corpus_is_that_of_a_target_and_the_whole_is_small() -> None:
    assert {folder.name for folder in CORPUS.iterdir() if folder.is_dir()} == {target.name for target in TARGETS}
    assert sum(file.stat().st_size for file in CORPUS.rglob("*") if file.is_file()) < 400_000


# The frame itself: what was planted is found, and told with the input that shows it.


def test_a_planted_fault_is_found_by_mutation_and_the_same_seed_finds_the_same() -> None:
    target = Target("toy", planted.crashes, tokens=(b"b", b"u"))
    first, second = (mutate(target, 60.0, 7, enough=1).findings for _ in range(2))
    (finding,) = first.values()
    assert (finding.kind, finding.mark.partition(" at ")[0]) == (Kind.RAISES, "KeyError")
    assert "planted" in finding.detail
    assert first == second
    assert replay(target, [finding.data]).findings == first


def test_what_is_documented_is_no_finding_and_all_else_that_is_raised_is_one() -> None:
    assert examine(Target("toy", planted.refuses, (ValueError,)), b"x") is None
    found = examine(Target("toy", planted.refuses, (KeyError,)), b"x")
    assert found is not None
    assert found.kind is Kind.RAISES


@pytest.mark.parametrize(
    ("attempt", "data", "kind"),
    [
        (planted.differs, b"X", Kind.DISAGREES),
        (planted.burns, b"slow", Kind.SLOW),
        (planted.swells, b"large", Kind.LARGE),
    ],
)
def test_a_broken_promise_slowness_and_size_are_found(
    attempt: Callable[[bytes], None], data: bytes, kind: Kind
) -> None:
    target = Target("toy", attempt, cpu_seconds=0.02 if kind is Kind.SLOW else 30.0)
    forget_peak()
    assert examine(target, b"harmless") is None
    found = examine(target, data)
    assert found is not None
    assert (found.kind, found.data) == (kind, data)


def test_an_input_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame, "ENDLESS_SECONDS", 0.2)
    found = examine(Target("toy", planted.never_ends), b"loop")
    assert found is not None
    assert found.kind is Kind.ENDLESS


def test_the_command_tells_what_it_found_and_exits_1_even_where_the_process_dies(tmp_path: Path) -> None:
    argv = [
        sys.executable,
        "-m",
        "tests.attack.fuzz.planted",
        "--engine",
        "mutations",
        "--seconds",
        "0.5",
        "--seed",
        "7",
    ]
    argv += ["--findings", str(tmp_path)]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "seed 7" in done.stdout
    found = {path.name.rpartition("-")[0]: path.read_bytes() for path in tmp_path.glob("*-*") if not path.suffix}
    assert set(found) == {"crash-raises", "death-crashes"}, done.stdout + done.stderr
    assert b"u" in found["crash-raises"]
    assert b"die" in found["death-crashes"]
    assert "inputs, nothing found" in done.stdout.partition("well: ")[2]


def test_the_command_lists_its_targets_and_knows_no_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["fuzz", "--list"])
    assert command.main() == 0
    assert capsys.readouterr().out.split() == [target.name for target in TARGETS]
    monkeypatch.setattr(sys, "argv", ["fuzz", "nothing"])
    assert command.main() == 2
    assert "nothing" in capsys.readouterr().err
