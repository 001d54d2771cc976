"""The certificates this system trusts, found as OpenSSL finds them: SSL_CERT_FILE, SSL_CERT_DIR, else its defaults."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.x509.verification import Store

from exporter.tls.certificate import load, unwise_is_fine

_PEM: Final = re.compile(rb"-----BEGIN CERTIFICATE-----\s.*?-----END CERTIFICATE-----", re.DOTALL)
# OpenSSL reads of a folder only what c_rehash named: eight digits of the subject's hash and a number.
_HASHED: Final = re.compile(r"[0-9a-f]{8}\.[0-9]{1,3}")


class Roots:
    """Certificates trusted by themselves, and to vouch for others."""

    def __init__(self, certificates: Iterable[x509.Certificate]) -> None:
        self.certificates = frozenset(certificates)
        self.store = Store(list(self.certificates)) if self.certificates else None


FileState = tuple[str, int, int]  # path, modification time in nanoseconds, size


def system_roots() -> Roots:
    """All of them, each once; read again when the file or folder has changed."""
    paths = ssl.get_default_verify_paths()
    return _read(tuple(_state(path) for path in (paths.cafile, paths.capath) if path))


def _state(path: str) -> FileState:
    try:
        status = Path(path).stat()
    except OSError:
        return (path, 0, 0)
    return (path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=2)
def _read(states: tuple[FileState, ...]) -> Roots:
    with unwise_is_fine():
        return Roots(set(_certificates(states)))


def _certificates(states: tuple[FileState, ...]) -> Iterator[x509.Certificate]:
    seen: set[bytes] = set()  # what is in the file is usually in the folder, too
    for path, _, _ in states:
        for text in _texts(Path(path)):
            for block in _PEM.findall(text):
                if block in seen:
                    continue
                seen.add(block)
                # One that cannot be read is no reason to do without the others.
                try:
                    certificate = load(ssl.PEM_cert_to_DER_cert(block.decode("ascii")))
                except ValueError:
                    continue
                if certificate is not None:
                    yield certificate


def _texts(path: Path) -> Iterator[bytes]:
    try:
        files = sorted(file for file in path.iterdir() if _HASHED.fullmatch(file.name)) if path.is_dir() else [path]
    except OSError:
        return
    for file in files:
        try:
            yield file.read_bytes()
        except OSError:
            continue
