"""The main file of a configuration and the files of passwords that it names: as they are on disk, and as loaded.

Everything here queries the file system, which may hang: call it in a thread, one call at a time.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from exporter.config import secrets
from exporter.config.domain_files import ListState, state_of
from exporter.config.stillness import Stillness
from exporter.model.configuration import Config

# A digest of each file; empty for one that cannot be read.
Fingerprint = tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class MainChanges:
    """The result of one check. `differs`: from what is loaded; `untried`: from what was read last, loaded or refused.

    `still`: nothing is being written.
    """

    differs: bool
    untried: bool
    still: bool


class MainFiles:
    """The files with their states. They are read only where a state has changed since the last check."""

    def __init__(self, path: Path, config: Config, clock: Callable[[], float] = time.monotonic) -> None:
        """`config` was loaded from `path`."""
        self._path = path
        self._stillness = Stillness(clock)
        self._states: dict[str, ListState] = {}
        self._present: Fingerprint = ()
        self._tried = loaded(config)

    def check(self, config: Config) -> MainChanges:
        """Compare the files with `config`, which is in use."""
        states = {str(path): state_of(path) for path in (self._path, *self._passwords(config))}
        self._stillness.look(states)
        if states != self._states:
            self._present = self.fingerprint(config)
            self._states = states
        present = self._present
        still = all(map(self._stillness.is_still, states))
        return MainChanges(present != loaded(config), present != self._tried, still)

    def fingerprint(self, config: Config) -> Fingerprint:
        """The files as they are now."""
        if self._path.exists() and not self._path.is_file():
            return loaded(config)  # a pipe can be read once, and tells of no change
        return (_digest_of(self._path), *map(_secret_digest, self._passwords(config)))

    def tried(self, read: Fingerprint) -> None:
        """Note that the files were read, with success or without."""
        self._tried = read

    def _passwords(self, config: Config) -> Iterator[Path]:
        for module in config.modules.values():
            if module.auth is not None and module.auth.password_file:
                yield self._path.parent / module.auth.password_file


def loaded(config: Config) -> Fingerprint:
    """The files as they were when `config` was loaded."""
    auths = (module.auth for module in config.modules.values())
    passwords = (auth.password for auth in auths if auth is not None and auth.password_file)
    return (_digest(config.source), *(_digest(password.encode()) for password in passwords))


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=16).digest()


def _digest_of(path: Path) -> bytes:
    try:
        return _digest(path.read_bytes())
    except OSError:
        return b""


def _secret_digest(path: Path) -> bytes:
    try:
        return _digest(secrets.from_file(path).encode()) if path.is_file() else b""
    except ValueError:
        return b""
