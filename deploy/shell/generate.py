"""Write the man page and the completions of the shells from the parsers: `python deploy/shell/generate.py [FOLDER]`.

Run it in the root of the repository, in an environment that has the exporter and its extra `test`. FOLDER: write there,
not here. The wheel brings the files to share/ ([tool.hatch.build.targets.wheel.shared-data] of pyproject.toml).
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from types import MappingProxyType
from typing import Final

import shtab
from argparse_manpage.manpage import Manpage

from exporter import __version__
from exporter.commands.parser import PROGRAM
from exporter.commands.parsers import EXAMPLES, PARSERS, SERVE

_HERE: Final = Path(__file__).parent
# The shell -> its file. For zsh and fish the name is what makes the shell find it.
COMPLETIONS: Final = MappingProxyType(
    {"bash": f"{PROGRAM}.bash", "zsh": f"_{PROGRAM}", "fish": f"{PROGRAM}.fish"},
)
MAN_PAGE: Final = f"{PROGRAM}.1"
_PURPOSE: Final = "Prometheus exporter for mail-server reachability"
_FILES: Final = ("config_file", "web_config_file", "input")  # what is completed with the names of files


def whole_parser() -> argparse.ArgumentParser:
    """The parser of the server with those of the other commands below it."""
    root = PARSERS[SERVE]()
    root.usage = f"{PROGRAM} --config.file FILE [FLAG ...]"
    root.epilog = None
    commands = root.add_subparsers(title="commands", metavar="COMMAND", parser_class=argparse.ArgumentParser)
    for name in filter(None, PARSERS):
        parser = PARSERS[name]()
        names = [
            f"{action.metavar} ..." if action.nargs == "*" else str(action.metavar)
            for action in parser._actions
            if not action.option_strings
        ]
        commands.add_parser(
            name,
            parents=[parser],
            add_help=False,
            prog=f"{PROGRAM} {name}",
            usage=" ".join((PROGRAM, name, "[FLAG ...]", *names)),
            description=parser.description,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            help=EXAMPLES[name][1],
        )
        _complete_files(parser)
    _complete_files(root)
    return root


def _complete_files(parser: argparse.ArgumentParser) -> None:
    for action in parser._actions:
        if action.dest in _FILES:
            action.complete = shtab.FILE  # type: ignore[attr-defined] # where shtab looks for it


def man_page() -> str:
    """The man page of all commands."""
    page = Manpage(whole_parser(), format="single-commands-section")
    page.description = _PURPOSE
    page.source = f"{PROGRAM} {__version__}"
    page.manual = "System Administration"
    page.date = ""  # the version says as much
    uses = "".join(f".B {PROGRAM}\n{use}\n.br\n" for use in ("--config.file FILE [FLAG ...]", "COMMAND [FLAG ...]"))
    page.add_section("synopsis", "=", _escaped(uses))
    examples = "".join(f".TP\n.B {PROGRAM} {use}\n{purpose}\n" for use, purpose in EXAMPLES.values())
    page.add_section("examples", "=", _escaped(examples))
    return str(page).replace("…", "...")  # older formatters know ASCII alone


def _escaped(text: str) -> str:
    return text.replace("-", r"\-").rstrip("\n")


def main(folder: Path) -> None:
    """Write the files."""
    os.environ["COLUMNS"] = "80"  # argparse wraps text to it
    (folder / MAN_PAGE).write_text(man_page(), encoding="utf-8")
    for shell, name in COMPLETIONS.items():
        (folder / name).write_text(shtab.complete(whole_parser(), shell=shell), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else _HERE)
