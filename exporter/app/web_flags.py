"""The flags `--web.…` of the command line."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit, urlunsplit

from exporter.config.values import parse_host_name
from exporter.model.printable import quoted

if TYPE_CHECKING:
    from exporter.app.web_options import WebOptions

DEFAULT_LISTEN_ADDRESS: Final = ":10225"

# The names that argparse shows in a list of flags, and takes.
_Group = argparse._ArgumentGroup


def add_web_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags to a parser."""
    web = parser.add_argument_group("web")
    _add_address_flags(web)
    _add_access_flags(web)


def web_options_of(flags: argparse.Namespace) -> WebOptions:
    """The options that the flags name."""
    from exporter.app.web_options import WebOptions

    return WebOptions(
        listen_addresses=flags.listen_addresses or [DEFAULT_LISTEN_ADDRESS],
        config_file=flags.web_config_file,
        external_url=flags.external_url,
        route_prefix=flags.route_prefix,
        lifecycle=flags.lifecycle,
        probes=flags.probes,
        allowed_hosts=flags.allowed_hosts,
    )


def _add_address_flags(web: _Group) -> None:
    web.add_argument(
        "--web.listen-address",
        dest="listen_addresses",
        metavar="ADDRESS",
        action="append",
        help=f"address to listen on, repeatable (default {DEFAULT_LISTEN_ADDRESS})",
    )
    web.add_argument(
        "--web.external-url",
        dest="external_url",
        metavar="URL",
        default="",
        type=_url,
        help="URL under which users reach the exporter: http://NAME/PATH or https://NAME/PATH; for links, and its name "
        "is answered",
    )
    web.add_argument(
        "--web.route-prefix",
        dest="route_prefix",
        metavar="PATH",
        default=None,
        help="prefix of all paths (default: the path of --web.external-url)",
    )


def _add_access_flags(web: _Group) -> None:
    web.add_argument(
        "--web.allowed-host",
        dest="allowed_hosts",
        metavar="HOST",
        action="append",
        default=[],
        type=_allowed_host,
        help="further name in the Host header that pages, /probe and POST answer, repeatable: a name, an address, or "
        ".example.org for all names below it, at any port; always answered are those of --web.external-url and "
        "--web.listen-address, this machine's and localhost (/metrics, /sd, /-/healthy and /-/ready answer any name)",
    )
    web.add_argument(
        "--web.config.file",
        dest="web_config_file",
        metavar="FILE",
        type=Path,
        help="TLS and basic authentication, in the format of Prometheus's exporter-toolkit; read again when it changes",
    )
    web.add_argument(
        "--web.enable-lifecycle",
        dest="lifecycle",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="answer POST /-/reload (default: yes)",
    )
    web.add_argument(
        "--web.enable-probe",
        dest="probes",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="answer /probe: every client can have any host probed, though not with a module that has auth or data "
        "(default: yes)",
    )


def _url(text: str) -> str:
    """`http://HOST…` or a path alone; an international name becomes its A-label, as browsers send it."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port  # either may be wrong
        if not host.isascii():
            at = parts.netloc.rpartition("@")
            parts = parts._replace(netloc="".join((*at[:2], parse_host_name(host), "" if port is None else f":{port}")))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{quoted(text)} is not a URL: {error}") from None
    # mx.example.org:8080/mx would be a path of ours, and no name.
    if not ((parts.scheme in ("http", "https") and host) or (not parts.scheme and text[:1] in ("", "/"))):
        raise argparse.ArgumentTypeError(f"{quoted(text)}: expected http://HOST or https://HOST, perhaps with a path")
    return urlunsplit(parts)


def _allowed_host(text: str) -> str:
    from exporter.web.access.allowed_hosts import parse_allowed_host

    try:
        return parse_allowed_host(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{quoted(text)}: {error}") from None
