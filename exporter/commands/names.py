"""The names that a command is given, as arguments or in a file -> targets, and the mistakes in them.

Whoever has a URL or a mail address at hand need not cut it: its host, or its domain, is taken, and that is told.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urlsplit

from exporter.commands.mistakes import ManualError
from exporter.config.target_names import parse_target
from exporter.model.printable import printable, quoted
from exporter.model.target import Settings, Target

# Ports of the URLs that name a mail host rather than a domain.
_MAIL_PORTS: Final = {"smtp": 25, "smtps": 465, "submission": 587, "submissions": 465}
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|//")
_SHOWN: Final = 80  # characters of a name

Parse = Callable[[str, Settings], Target]


@dataclass(slots=True)
class Names:
    """Targets in the order of their names; `taken` tells what a name was understood as."""

    targets: list[Target] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    mistakes: list[str] = field(default_factory=list)


def arguments_of(names: Iterable[str], settings: Settings, parse: Parse = parse_target) -> Names:
    """The targets of the command line. Raises ManualError, which tells all mistakes."""
    found = _read(((f"argument {number}", name) for number, name in enumerate(names, 1)), settings, parse)
    if found.mistakes:
        raise ManualError("\n".join(found.mistakes))
    return found


def lines_of(file: str, settings: Settings, parse: Parse = parse_target) -> Names:
    """The targets of a file: one name a line; # begins a comment. Raises ManualError where it cannot be read."""
    try:
        # Bytes that are no UTF-8 spoil their own line alone.
        text = _bytes_of(file).decode("utf-8-sig", "surrogateescape")
    except OSError as error:
        raise ManualError(f"--input: {printable(file, _SHOWN)}: {error.strerror or error}") from None
    lines = ((f"{file}:{number}", line.partition("#")[0].strip()) for number, line in enumerate(text.split("\n"), 1))
    return _read(((place, line) for place, line in lines if line), settings, parse)


def _bytes_of(file: str) -> bytes:
    if file != "-":
        return Path(file).read_bytes()
    # Not through the buffer of sys.stdin: a reader that is left behind by Ctrl-C would hold its lock.
    with io.FileIO(sys.stdin.fileno(), closefd=False) as stream:
        return stream.readall()


def _read(placed: Iterable[tuple[str, str]], settings: Settings, parse: Parse) -> Names:
    found = Names()
    for place, text in placed:
        name, kind = _understood(text)
        if (raw := text.encode("utf-8", "surrogateescape")).decode("utf-8", "replace") != text:
            found.mistakes.append(f"{printable(place)}: '{printable(raw, _SHOWN)}' is not UTF-8")
            continue
        try:
            target = parse(name, settings)
        except ValueError as error:
            about = f"{quoted(text)} is {kind}, and its " if kind else ""
            found.mistakes.append(f"{printable(place)}: {about}{error}")
            continue
        found.targets.append(target)
        if kind:
            found.taken.append(f"{printable(place)}: {quoted(text)} is {kind}; taken is {target.name}")
    return found


def _understood(text: str) -> tuple[str, str]:
    """A name, and the kind of text that it was found in; "" where the text is a name."""
    text = text.strip()
    bare = text.strip("<>").removeprefix("mailto:")
    if _SCHEME.match(text) is None and "@" in bare and "/" not in bare.rpartition("@")[2]:
        return bare.rpartition("@")[2].partition("?")[0], "a mail address"
    if _SCHEME.match(text) is None and ("/" not in text or text.startswith("/")):
        return text, ""
    try:
        parts = urlsplit(text if _SCHEME.match(text) else f"//{text}")
        return _host_of(parts), "a URL"
    except ValueError:
        return text, ""


def _host_of(parts: SplitResult) -> str:
    """The domain of a URL; of one of a mail host, the host with its port. Raises ValueError."""
    host, port = parts.hostname or "", parts.port
    if parts.scheme in _MAIL_PORTS:
        port = port or _MAIL_PORTS[parts.scheme]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return host
