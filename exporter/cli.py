"""The command line: flags in Prometheus's style, one function a subcommand."""

from __future__ import annotations

import argparse
import asyncio
import io
import logging
import os
import platform
import socket
import sys
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import urlsplit, urlunsplit

from exporter import __version__
from exporter.app import logs
from exporter.config.load import ConfigError, load, summary
from exporter.config.values import parse_host_name
from exporter.config.web.load import load_web
from exporter.model.printable import quoted
from exporter.schedule.shard import ShardError, parse_shard

if TYPE_CHECKING:
    from exporter.app.web_options import WebOptions

OK: Final = 0
CRASHED: Final = 1
USAGE: Final = 2
INTERRUPTED: Final = 130  # as shells tell the end by SIGINT
DEFAULT_LISTEN_ADDRESS: Final = ":10225"

_STANDARD_ERROR: Final = 2

_T = TypeVar("_T")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    _open_standard_streams()
    arguments = list(sys.argv[1:] if argv is None else argv)
    command = arguments[0] if arguments else ""
    commands = {"probe": _probe, "trace": _trace, "demo": _demo}
    if command not in commands and not command.startswith("-") and command:
        known = ", ".join(commands)
        print(f"mx-exporter: unknown command {command!r}: there are {known}; to serve, --config.file", file=sys.stderr)
        return USAGE
    try:
        with logs.everything_logged():
            return commands[command](arguments[1:]) if command in commands else _serve(arguments)
    except BrokenPipeError:
        # The reader of our output (head, less) has seen enough.
        sys.stderr.close()
        return OK
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception:
        # Not left to Python, which would print it to a standard error that perhaps nobody reads any more.
        logging.getLogger(__name__).critical("internal error: this is the end", exc_info=True)
        return CRASHED
    finally:
        logs.flush()


def _open_standard_streams() -> None:
    """Who starts us may have closed them: then a socket would take the place of one, and what is printed go into it."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= _STANDARD_ERROR:
        pass
    os.close(descriptor)
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115 - as long as the process
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a name or a reply may not fit the terminal's encoding


def _parser(command: str, description: str) -> argparse.ArgumentParser:
    return argparse.ArgumentParser(prog=f"mx-exporter{command}", description=description, allow_abbrev=False)


def _version_text() -> str:
    return f"mx-exporter, version {__version__} ({platform.python_implementation()} {platform.python_version()})"


def _add_web_flags(parser: argparse.ArgumentParser) -> None:
    web = parser.add_argument_group("web")
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
        "--web.route-prefix",
        dest="route_prefix",
        metavar="PATH",
        default=None,
        help="prefix of all paths (default: the path of --web.external-url)",
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
    """`http://HOST…` or a path alone; an international name becomes what browsers ask for."""
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


def _web_options(flags: argparse.Namespace) -> WebOptions:
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


def _add_log_flags(parser: argparse.ArgumentParser) -> None:
    log_flags = parser.add_argument_group("log")
    log_flags.add_argument("--log.level", dest="log_level", choices=logs.LEVELS, default="info", help="default: info")
    log_flags.add_argument(
        "--log.format", dest="log_format", choices=("logfmt", "json"), default="logfmt", help="default: logfmt"
    )


def _serve(arguments: Sequence[str]) -> int:
    parser = _parser(
        "",
        "Probe the mail hosts of many domains and expose what they say to Prometheus. "
        "Other commands: `mx-exporter probe NAME…`, `mx-exporter trace HOST`, `mx-exporter demo`; "
        "each has its own --help.",
    )
    parser.add_argument(
        "--config.file", dest="config_file", metavar="FILE", type=Path, required=True, help="the configuration, in YAML"
    )
    parser.add_argument(
        "--config.check", dest="config_check", action="store_true", help="check the configuration and exit: 0 or 2"
    )
    parser.add_argument("--version", action="version", version=_version_text())
    _add_web_flags(parser)
    _add_shard_flags(parser)
    _add_log_flags(parser)
    flags = parser.parse_args(arguments)
    if flags.config_check:
        return _check(flags.config_file, flags.web_config_file)
    try:
        shard = parse_shard(flags.shard, flags.total_shards, socket.gethostname())
    except ShardError as error:
        parser.error(str(error))
    logs.configure(flags.log_level, flags.log_format)
    from exporter.app.process import ServeOptions, serve

    return run(serve(ServeOptions(flags.config_file, _web_options(flags), shard)))


def _add_shard_flags(parser: argparse.ArgumentParser) -> None:
    shards = parser.add_argument_group("shards")
    shards.add_argument(
        "--shard",
        metavar="K",
        help="probe only the targets of this shard, counted from 0; auto: the number at the end of the host name",
    )
    shards.add_argument("--total-shards", metavar="N", type=int, help="how many shards there are")


def _check(path: Path, web_path: Path | None) -> int:
    try:
        config = load(path)
        if web_path is not None:
            load_web(web_path)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return USAGE
    for each in config.lists:
        for problem in (*each.problems, *each.twice):
            print(f"warning: {problem}", file=sys.stderr)
        if each.skipped > len(each.problems):
            print(f"warning: {each.file}: {each.skipped} lines are skipped in all", file=sys.stderr)
    print(summary(config))
    from exporter.commands.helo_warnings import warn_of_configured

    run(warn_of_configured(config))
    return OK


def _probe(arguments: Sequence[str]) -> int:
    from exporter.commands.arguments import ManualError
    from exporter.commands.probe import probe_names

    parser = _parser(
        " probe",
        "The manual test, done for every MX address: look up the MX, connect, read the banner, EHLO, QUIT. "
        "Exit code 0: all up; 1: some down; 2: usage or configuration error; 130: interrupted.",
    )
    parser.add_argument(
        "names", metavar="NAME", nargs="*", help="a domain; or host:port or an address, for one host without MX lookup"
    )
    parser.add_argument("--module", default=None, help="module of the configuration (default: default)")
    parser.add_argument("--config.file", "--config", dest="config_file", metavar="FILE", type=Path)
    parser.add_argument("--resolver", metavar="IP[:PORT]", help="DNS server to ask (default: the system's)")
    parser.add_argument("--port", type=int, help="port to connect to (default: 25)")
    parser.add_argument("--helo", metavar="NAME", help="EHLO argument (default: this machine's name)")
    parser.add_argument("--timeout", metavar="DURATION", help="for one address, all stages together (default: 30s)")
    parser.add_argument(
        "--allow-address",
        dest="allow_addresses",
        metavar="CIDR",
        action="append",
        default=[],
        help="connect to these special addresses (loopback, private …) too; repeatable",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object per NAME and line")
    parser.add_argument("--input", metavar="FILE", help="more names, one a line; - for standard input")
    parser.add_argument("--log.level", dest="log_level", choices=logs.LEVELS, default="warn", help="default: warn")
    flags = parser.parse_args(arguments)
    logs.configure(flags.log_level, "logfmt")
    try:
        return run(probe_names(flags))
    except (ManualError, ConfigError) as error:
        print(f"mx-exporter probe: {error}", file=sys.stderr)
        return USAGE


def _trace(arguments: Sequence[str]) -> int:
    from exporter.commands.arguments import ManualError
    from exporter.commands.trace import trace_host

    parser = _parser(
        " trace",
        "Where on the way a port is dropped, hop by hop, beside another port that gets through; no root needed. "
        "Exit code 0: the host answers; 1: it does not, or somebody answers in its name; 2: usage error.",
    )
    parser.add_argument("host", metavar="HOST", help="a host name or an address, perhaps with :port")
    parser.add_argument("--port", type=int, default=25, help="default: 25")
    parser.add_argument("--against", metavar="PORT", type=int, default=443, help="port to compare with (default: 443)")
    parser.add_argument("--resolver", metavar="IP[:PORT]", help="DNS server to ask (default: the system's)")
    parser.add_argument(
        "--allow-address",
        dest="allow_addresses",
        metavar="CIDR",
        action="append",
        default=[],
        help="trace the way to these special addresses (loopback, private …) too; repeatable",
    )
    flags = parser.parse_args(arguments)
    logs.configure("warn", "logfmt")
    try:
        return run(trace_host(flags))
    except ManualError as error:
        print(f"mx-exporter trace: {error}", file=sys.stderr)
        return USAGE


def _demo(arguments: Sequence[str]) -> int:
    from exporter.demo.run import demo

    parser = _parser(" demo", "Probe a small mail world on loopback; no network and no root needed.")
    _add_web_flags(parser)
    _add_log_flags(parser)
    flags = parser.parse_args(arguments)
    logs.configure(flags.log_level, flags.log_format)
    return run(demo(_web_options(flags)))


def run(main_coroutine: Coroutine[object, object, _T]) -> _T:
    """Run on uvloop where there is one (CPython, not Windows), else on asyncio's selector loop."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(main_coroutine)


def _loop_factory() -> type[asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        # The transport needs reader and writer callbacks, which Windows' default loop lacks.
        return asyncio.SelectorEventLoop
    loop_class: type[asyncio.AbstractEventLoop] = uvloop.Loop
    return loop_class
