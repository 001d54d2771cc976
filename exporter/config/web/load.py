"""`--web.config.file` -> a WebConfig, or all mistakes with their places."""

from __future__ import annotations

import ssl
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from exporter.config.domain_files import states
from exporter.config.problems import ConfigError
from exporter.config.schema_errors import validate_part
from exporter.config.web.schema import TlsServerSection, WebSection
from exporter.config.web.tls import TlsSectionError, server_context
from exporter.config.yaml_document import REFUSED, Document
from exporter.config.yaml_reader import read
from exporter.model.configuration import FileState

_TLS: Final = "tls_server_config"


@dataclass(frozen=True, slots=True)
class RateLimit:
    """One request an interval; after a pause up to `burst` at once."""

    interval: float  # seconds
    burst: int


@dataclass(frozen=True, slots=True)
class WebConfig:
    """The protection of the web server. Without a file there is none."""

    tls: ssl.SSLContext | None = None
    # Exact texts, one of which a client's certificate must name; None: any verified client.
    client_allowed_sans: frozenset[str] | None = None
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    users: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)  # name -> bcrypt hash
    rate_limit: RateLimit | None = None
    files: tuple[Path, ...] = ()  # that were read: the file itself and those that it names
    file_states: tuple[FileState, ...] = field(default=(), compare=False)  # from before they were read

    def snapshot(self) -> tuple[FileState, ...]:
        """The files as they are now; differs from `file_states` once one came, went or changed."""
        return states(self.files)


def load_web(path: Path) -> WebConfig:
    """Read the web configuration in `path` and the certificates that it names. Raises ConfigError."""
    seen = set(states([path]))
    document = read(path, str(path))
    section, wrong = _section(document)
    files = [path]
    context = None
    if section is not None and _TLS not in wrong:
        tls = section.tls_server_config
        files += [path.parent / name for name in (tls.cert_file, tls.key_file, tls.client_ca_file) if name]
        seen.update(states(files[1:]))
        context = _context(document, tls, path.parent) if tls.enabled else None
    if section is None or document.problems:
        raise ConfigError(tuple(sorted(document.problems, key=lambda problem: (problem.line, problem.column))))
    sans, limit = section.tls_server_config.client_allowed_sans, section.rate_limit
    return WebConfig(
        tls=context,
        client_allowed_sans=None if sans is None else frozenset(sans),
        headers=MappingProxyType({name: value for name, value in section.http_server_config.headers.items() if value}),
        users=MappingProxyType(dict(section.basic_auth_users)),
        rate_limit=RateLimit(limit.interval, limit.burst) if limit.interval else None,
        files=tuple(files),
        file_states=tuple(sorted(seen)),
    )


def _context(document: Document, section: TlsServerSection, folder: Path) -> ssl.SSLContext | None:
    try:
        return server_context(section, folder)
    except TlsSectionError as found:
        for error in found.errors:
            document.problem(document.existing((_TLS, error.key)), str(error), heals=error.heals)
    return None


def _section(document: Document) -> tuple[WebSection | None, Container[str | int]]:
    """The section without its wrong keys, and those."""
    data: Any = document.data
    if data is REFUSED:
        return None, ()
    if data is None:
        # Probably a file that is not completely written, and no wish to let all clients in.
        document.problem((), "is empty: write {} if that is meant")
        return None, ()
    return validate_part(WebSection, data, document, ())
