"""The first word of a command line that is no command: the command that was meant, with an example."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from exporter.commands.parser import PROGRAM
from exporter.commands.parsers import EXAMPLES
from exporter.config.suggestions import nearest_name
from exporter.model.printable import printable, quoted

_SHOWN: Final = 80  # characters of a word
_MOST_WORDS: Final = 3  # of the names behind it: the user knows the others
_COMMANDS: Final = tuple(filter(None, EXAMPLES))
# Words of other tools for what is a flag here.
_FLAGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(("serve", "server", "run", "start"), "--config.file=FILE"),
        **dict.fromkeys(("check", "config", "validate"), "--config.check --config.file=FILE"),
        "help": "--help",
        "version": "--version",
    }
)


def overview() -> str:
    """The commands with an example of each."""
    width = max(len(use) for use, _ in EXAMPLES.values())
    lines = (f"  {PROGRAM} {use:{width}}  {purpose}" for use, purpose in EXAMPLES.values())
    return "\n".join((f"{PROGRAM} needs a configuration or a command:", *lines, "Each has its own --help."))


def unknown_command(word: str, names: Sequence[str]) -> str:
    """The sentence about a word that is no command; `names`: the words behind it."""
    known = f"there are {', '.join(_COMMANDS)}; to serve, --config.file=FILE"
    meant = _meant(word, names)
    told = f"; did you mean `{PROGRAM} {meant}`?" if meant else f": {known}"
    return f"{PROGRAM}: unknown command {quoted(word)}{told}"


def _meant(word: str, names: Sequence[str]) -> str:
    """The command line that was meant, as far as it shows; empty where it does not."""
    if word.lower().endswith((".yaml", ".yml")):
        return f"--config.file={printable(word, _SHOWN)}"
    near = nearest_name(word.lower(), (*_COMMANDS, *_FLAGS))
    if near in _FLAGS:
        return _FLAGS[near]
    if near:
        return _joined(near, *names)
    is_target = any(char in word for char in ".:@")
    return _joined("probe", word, *names) if is_target else ""


def _joined(*words: str) -> str:
    shown = [printable(word, _SHOWN) for word in words[: _MOST_WORDS + 1]]
    return " ".join((*shown, "…") if len(words) > len(shown) else shown)
