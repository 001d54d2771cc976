"""The man page and the completions: as they would be written now, whole, and understood by each shell."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from exporter.commands.parsers import PARSERS
from tests.docs.pages import ROOT
from tests.support.require import require_program

FOLDER = ROOT / "deploy" / "shell"
SHELLS = {
    "bash": ("mx-exporter.bash", "-n"),
    "zsh": ("_mx-exporter", "-n"),
    "fish": ("mx-exporter.fish", "--no-execute"),
}
FILES = ["mx-exporter.1", *(name for name, _ in SHELLS.values())]
FLAGS = sorted({flag for make in PARSERS.values() for flag in make().flags} - {"-h", "--help"})
_COMPLETE = """
source {file}
COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
function=$(complete -p mx-exporter | sed 's/.*-F \\([^ ]*\\).*/\\1/')
"$function" mx-exporter "${{COMP_WORDS[COMP_CWORD]}}" "${{COMP_WORDS[COMP_CWORD - 1]}}"
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def _run(*argv: str) -> str:
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_they_are_as_they_would_be_written_now(tmp_path: Path) -> None:
    _run(sys.executable, str(FOLDER / "generate.py"), str(tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(FILES)
    for name in FILES:
        assert (tmp_path / name).read_text(encoding="utf-8") == (FOLDER / name).read_text(encoding="utf-8"), name


def test_the_package_brings_each_to_where_it_is_looked_for() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    shared = pyproject["tool"]["hatch"]["build"]["targets"]["wheel"]["shared-data"]
    assert shared == {
        "deploy/shell/mx-exporter.1": "share/man/man1/mx-exporter.1",
        "deploy/shell/mx-exporter.bash": "share/bash-completion/completions/mx-exporter",
        "deploy/shell/_mx-exporter": "share/zsh/site-functions/_mx-exporter",
        "deploy/shell/mx-exporter.fish": "share/fish/vendor_completions.d/mx-exporter.fish",
    }
    assert "!deploy/shell" in (ROOT / ".dockerignore").read_text(encoding="utf-8").split()


@pytest.mark.parametrize("name", FILES)
def test_every_flag_is_in_each(name: str) -> None:
    text = (FOLDER / name).read_text(encoding="utf-8").replace("\\fR", " ").replace("\\", "")
    for flag in FLAGS:
        written = rf"-[sl] {re.escape(flag.lstrip('-'))} " if name.endswith(".fish") else re.escape(flag) + r"(?![\w-])"
        assert re.search(written, text), flag


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_reads_its_file(shell: str) -> None:
    name, without_running = SHELLS[shell]
    assert _run(require_program(shell), without_running, str(FOLDER / name)) == ""


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (("",), {"probe", "trace", "demo"}),
        (("pr",), {"probe"}),
        (("--config.",), {"--config.file", "--config.check", "--config.reload-on-change"}),
        (("--log.format", ""), {"logfmt", "json"}),
        (("probe", "--nag"), {"--nagios"}),
        (("probe", "--log.level", "d"), {"debug"}),
        (("trace", "--ag"), {"--against"}),
        (("--config.file", "config.exa"), {"config.example.yaml"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_bash_completes_commands_flags_values_and_files(typed: tuple[str, ...], offered: set[str]) -> None:
    words = shlex.join(("mx-exporter", *typed))
    script = _COMPLETE.format(file=shlex.quote(str(FOLDER / "mx-exporter.bash")), words=words)
    assert set(_run(require_program("bash"), "-c", script).split()) == offered


def test_the_man_page_is_shown_whole() -> None:
    shown = _run(require_program("groff"), "-man", "-Tascii", "-ww", str(FOLDER / "mx-exporter.1"))
    shown = re.sub(".\b", "", shown)  # bold: each letter twice
    for heading in ("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "COMMANDS", "EXAMPLES"):
        assert heading in shown
