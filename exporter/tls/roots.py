"""The root certificates of this system, found as OpenSSL finds them: SSL_CERT_FILE, SSL_CERT_DIR, else its defaults.

They stand in OpenSSL's own stores: chains are verified with the library that most senders use.
"""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Final

from OpenSSL.crypto import X509Store

from exporter.tls.certificate import load, shown_name
from exporter.tls.dated_certificate import certificate_of

_PEM: Final = re.compile(
    rb"-----BEGIN ((?:X509 )?CERTIFICATE)-----(\s[A-Za-z0-9+/=\s]*)-----END \1-----",
)
# OpenSSL reads from a folder only files with the names of c_rehash: eight digits of the subject's hash and a number.
_HASHED: Final = re.compile(r"[0-9a-f]{8}\.[0-9]{1,3}")
# x509_vfy.h: X509_V_FLAG_NO_CHECK_TIME. The library passes flags on as they are, and has no name for this one.
_NO_CHECK_TIME: Final = 0x200000


class Roots:
    """Certificates (DER) that are trusted themselves, and as issuers of others."""

    def __init__(self, certificates: Iterable[bytes]) -> None:
        found = {der: certificate for der in certificates if (certificate := certificate_of(der)) is not None}
        self.certificates = frozenset(found)
        self._found = tuple(found.values())

    @cached_property
    def names(self) -> frozenset[str]:
        """The subjects of all roots, as those of other certificates are shown."""
        read = (load(der) for der in self.certificates)
        return frozenset(shown_name(one.subject) for one in read if one is not None)

    def store(self, at: float | None) -> X509Store:
        """A store of all roots, to verify with as of Unix time `at`; None: independent of dates.

        Each verification has its own: the time of a store cannot be changed, and to fill one takes 100 µs.
        """
        store = X509Store()
        if at is None:
            store.set_flags(_NO_CHECK_TIME)
        else:
            store.set_time(datetime.fromtimestamp(at, UTC))
        for certificate in self._found:
            store.add_cert(certificate)
        return store


FileState = tuple[str, int, int]  # path, modification time in nanoseconds, size


def system_roots() -> Roots:
    """The roots, each once; read again when the file or folder has changed."""
    paths = ssl.get_default_verify_paths()
    file = os.environ.get(paths.openssl_cafile_env, paths.openssl_cafile)
    # Several folders may be named, as in PATH.
    folders = os.environ.get(paths.openssl_capath_env, paths.openssl_capath).split(os.pathsep)
    return _read(tuple(_state(path) for path in (file, *folders) if path))


def _state(path: str) -> FileState:
    try:
        status = Path(path).stat()
    except OSError:
        return (path, 0, 0)
    return (path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=2)
def _read(states: tuple[FileState, ...]) -> Roots:
    return Roots(_certificates(states))


def _certificates(states: tuple[FileState, ...]) -> Iterator[bytes]:
    for path, _, _ in states:
        for text in _texts(Path(path)):
            for _, block in _PEM.findall(text):
                # A certificate that cannot be read does not keep out the others.
                try:
                    yield _der(block)
                except ValueError:
                    continue


def _der(block: bytes) -> bytes:
    return ssl.PEM_cert_to_DER_cert(f"-----BEGIN CERTIFICATE-----{block.decode('ascii')}-----END CERTIFICATE-----")


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
