"""The system's own nameservers, looked at again when their file changes (a laptop that moved, a new DHCP lease)."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Final

import dns.exception
import dns.resolver

log = logging.getLogger(__name__)

RESOLV_CONF: Final = Path("/etc/resolv.conf")
_PORT: Final = 53
# resolv.conf(5): without a nameserver line, the one on this machine.
_NOTHING_CONFIGURED: Final = (("127.0.0.1", _PORT),)
_LOOK_AGAIN_SECONDS: Final = 1.0


class SystemNameservers:
    """The pairs of address and port that hold now."""

    def __init__(self, path: Path = RESOLV_CONF, look_again: float = _LOOK_AGAIN_SECONDS) -> None:
        self._path = path
        self._look_again = look_again
        self._state: object = None
        self._looked = 0.0
        self._nameservers: tuple[tuple[str, int], ...] = _NOTHING_CONFIGURED

    def __call__(self) -> tuple[tuple[str, int], ...]:
        """Read them again if the file has changed."""
        now = time.monotonic()
        if now - self._looked >= self._look_again or not self._looked:
            self._looked = now
            state = _state(self._path)
            if state != self._state:
                self._state = state
                self._nameservers = _read(self._path)
        return self._nameservers


def _state(path: Path) -> object:
    try:
        status = path.stat()
    except OSError:
        return "absent"
    return status.st_mtime_ns, status.st_ino, status.st_size


def _read(path: Path) -> tuple[tuple[str, int], ...]:
    try:
        found = _registry() if sys.platform == "win32" else _nameservers(path.read_text("utf-8", "replace"))
    except (dns.exception.DNSException, OSError) as error:
        log.warning("nameserver file unusable", extra={"fields": {"file": str(path), "problem": str(error)}})
        return _NOTHING_CONFIGURED
    return tuple((address, _PORT) for address in found) or _NOTHING_CONFIGURED


def _nameservers(text: str) -> Sequence[str]:
    """The addresses of the nameserver lines, each once.

    Read here and not by dnspython, for which one line it does not like (a search list with an empty label, a
    nameserver by its name) makes the file worthless; the C library passes over such lines.
    """
    found: dict[str, None] = {}
    for line in text.splitlines():
        words = line.split()
        if words[:1] != ["nameserver"]:
            continue
        try:
            found[str(ip_address(words[1]))] = None
        except (IndexError, ValueError):
            log.warning("nameserver line skipped", extra={"fields": {"line": line}})
    return tuple(found)


def _registry() -> Sequence[str]:
    return [server for server in dns.resolver.Resolver().nameservers if isinstance(server, str)]
