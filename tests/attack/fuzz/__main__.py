"""The command: each target in a process of its own, and what they found."""

from __future__ import annotations

import argparse
import importlib.util
import re
import secrets
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from tests.attack.fuzz.corpus import corpus_of
from tests.attack.fuzz.engine import Journal, follow_coverage, instrumented, mutate, replay, save
from tests.attack.fuzz.frame import ROOT, Finding, Kind, Target

# A process that has been asked to end after so much more than its time is one that never will.
_GRACE_SECONDS: Final = 300.0
PROGRAM = [sys.executable, "-m", "tests.attack.fuzz"]


def targets_by_name() -> dict[str, Target]:
    """All of them. Imported here, for with atheris it is this import whose modules are instrumented."""
    from tests.attack.fuzz.targets import TARGETS

    return {target.name: target for target in TARGETS}


def main() -> int:
    """Exit 0: nothing found, 1: something, 2: usage."""
    arguments = _arguments()
    if arguments.child:
        return _child(arguments)
    targets = targets_by_name()
    unknown = [name for name in arguments.names if name not in targets]
    if unknown:
        print(f"there is no target {', '.join(unknown)}: see --list", file=sys.stderr)
        return 2
    names = arguments.names or [*targets]
    if arguments.list:
        print("\n".join(names))
        return 0
    if arguments.replay:
        return _replayed([targets[name] for name in names], arguments.replay)
    folder = arguments.findings or Path(tempfile.mkdtemp(prefix="fuzz-"))
    folder.mkdir(parents=True, exist_ok=True)
    print(f"seed {arguments.seed}, {arguments.engine}, findings in {folder}", flush=True)
    failed = [name for name in names if not _hunted(name, arguments, folder)]
    print(f"findings in {folder}: {', '.join(failed)}" if failed else "nothing found")
    return int(bool(failed))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.attack.fuzz", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="targets; all without any")
    parser.add_argument("--seconds", type=float, default=10.0, help="for each target (default: 10)")
    parser.add_argument("--seed", type=int, default=secrets.randbits(31), help="for the same inputs again")
    parser.add_argument("--list", action="store_true", help="print the targets")
    parser.add_argument("--replay", nargs="+", type=Path, metavar="FILE", help="try these inputs alone")
    parser.add_argument("--findings", type=Path, metavar="DIR", help="where findings go (default: a new directory)")
    available = importlib.util.find_spec("atheris") is not None
    parser.add_argument("--engine", choices=("atheris", "mutations"), default="atheris" if available else "mutations")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def _replayed(targets: list[Target], files: list[Path]) -> int:
    found = False
    for target in targets:
        for file in files:
            for finding in replay(target, [file.read_bytes()]).findings.values():
                print(f"{file}: {finding}")
                found = True
    return int(found)


def _hunted(name: str, arguments: argparse.Namespace, folder: Path) -> bool:
    """Run one target; whether nothing was found."""
    before = {*folder.glob(f"{name}-*")}
    command = [*PROGRAM, name, "--child", "--findings", str(folder)]
    command += ["--seconds", str(arguments.seconds), "--seed", str(arguments.seed), "--engine", arguments.engine]
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=arguments.seconds + _GRACE_SECONDS,
        )
        code, told = done.returncode, done.stdout + done.stderr
    except subprocess.TimeoutExpired as late:
        code, told = -1, str(late)
    if code < 0 or "ERROR: libFuzzer" in told:
        save(Finding(name, Kind.CRASHES, "", told[-2000:], Journal.last(folder / f"{name}.journal")), folder)
    elif code > 0:
        print(told[-4000:], file=sys.stderr)
    (folder / f"{name}.journal").unlink(missing_ok=True)
    counted = re.search(r"Done (\d+) runs|inputs: (\d+)", told)
    new = sorted({*folder.glob(f"{name}-*")} - before)
    count = next(filter(None, counted.groups())) if counted else "?"
    print(f"{name}: {count} inputs, {'FOUND' if new else 'FAILED' if code else 'nothing found'}", flush=True)
    for path in new:
        print(f"  {path}" + (f": {path.read_text()[:600].strip()}" if path.suffix == ".txt" else ""), flush=True)
    return not new and code == 0


def _child(arguments: argparse.Namespace) -> int:
    """One target, in this process."""
    (name,) = arguments.names
    folder: Path = arguments.findings
    journal = Journal(folder / f"{name}.journal")
    if arguments.engine == "atheris":
        follow_coverage(instrumented(targets_by_name)[name], arguments.seconds, arguments.seed, folder, journal)
        return 0
    target = targets_by_name()[name]
    for data in corpus_of(name).values():
        journal.note(data)
        for finding in replay(target, [data]).findings.values():
            save(finding, folder)
    hunt = mutate(target, arguments.seconds, arguments.seed, journal.note)
    for finding in hunt.findings.values():
        save(finding, folder)
    print(f"inputs: {hunt.inputs}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
