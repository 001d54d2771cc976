"""The flags `--web.…`, and the address of the status page that follows from them."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from exporter.web.access.allowed_hosts import AllowedHosts

# A listener on all addresses has a better name on this machine.
_EVERYWHERE: Final = frozenset({"", "::", "0.0.0.0"})  # noqa: S104 - compared with, not bound


@dataclass(frozen=True, slots=True)
class WebOptions:
    """The flags `--web.…`."""

    listen_addresses: Sequence[str]
    config_file: Path | None = None
    external_url: str = ""
    route_prefix: str | None = None  # None: the path of the external URL
    lifecycle: bool = True
    probes: bool = True
    allowed_hosts: Sequence[str] = ()  # beside those that are ours anyway

    @property
    def prefix(self) -> str:
        """The beginning of every path."""
        return (urlsplit(self.external_url).path if self.route_prefix is None else self.route_prefix) or "/"

    def hosts(self, addresses: Iterable[str], helo: str) -> AllowedHosts:
        """The names that are answered, where `addresses` are listened on and `helo` is this machine's name."""
        named = [address.rpartition(":")[0] for address in self.listen_addresses]
        own = socket.gethostname()
        # The full name may be what a DNS server says of our address: believed as far as it has our own before it.
        full = helo if helo.partition(".")[0] == own.partition(".")[0].lower() else ""
        names = [name for name in (*named, own, full, urlsplit(self.external_url).hostname) if name]
        return AllowedHosts(names, addresses, self.allowed_hosts)


def page_url(web_options: WebOptions, address: tuple[str, int], *, tls: bool) -> str:
    """The URL of the status page, from this machine or as --web.external-url says; without a final /."""
    if web_options.external_url:
        return web_options.external_url.rstrip("/")
    host, port = address
    name = "localhost" if host in _EVERYWHERE else f"[{host}]" if ":" in host else host
    return f"http{'s' if tls else ''}://{name}:{port}{web_options.prefix.rstrip('/')}"
