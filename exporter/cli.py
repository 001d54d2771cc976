"""The command line: flags in Prometheus's style, one function a subcommand."""

from __future__ import annotations

import argparse
import asyncio
import logging
import platform
import socket
import sys
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Final, TypeVar

from exporter import __version__
from exporter.app import logs
from exporter.app.standard_streams import open_standard_streams
from exporter.app.web_flags import add_web_flags, web_options_of
from exporter.config.load import ConfigError
from exporter.schedule.shard import ShardError, parse_shard

OK: Final = 0
INTERNAL_ERROR: Final = 1
USAGE: Final = 2
INTERRUPTED: Final = 130  # as shells report the end by SIGINT

_T = TypeVar("_T")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    open_standard_streams()
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
        # Not left to Python, which would print it to a standard error that may stall.
        logging.getLogger(__name__).critical("internal error, the process ends", exc_info=True)
        return INTERNAL_ERROR
    finally:
        logs.flush()


def _serve(arguments: Sequence[str]) -> int:
    parser = _parser(
        "",
        "Probe the mail hosts of many domains and expose the results to Prometheus. "
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
    add_web_flags(parser)
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

    return run(serve(ServeOptions(flags.config_file, web_options_of(flags), shard)))


def _check(path: Path, web_path: Path | None) -> int:
    from exporter.commands.config_check import check_configuration

    try:
        run(check_configuration(path, web_path))
    except ConfigError as error:
        print(error, file=sys.stderr)
        return USAGE
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
    parser.add_argument("--port", type=int, help="port to connect to (default: 25)")
    parser.add_argument("--helo", metavar="NAME", help="EHLO argument (default: this machine's name)")
    parser.add_argument("--timeout", metavar="DURATION", help="for one address, all stages together (default: 30s)")
    _add_network_flags(parser, "connect to")
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
        "Where on the path a port is dropped, hop by hop, beside another port that gets through; no root needed. "
        "Exit code 0: the host answers; 1: it does not, or another machine answers in its name; 2: usage error.",
    )
    parser.add_argument("host", metavar="HOST", help="a host name or an address, optionally with :port")
    parser.add_argument("--port", type=int, default=25, help="default: 25")
    parser.add_argument("--against", metavar="PORT", type=int, default=443, help="port to compare with (default: 443)")
    _add_network_flags(parser, "trace the path to")
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
    add_web_flags(parser)
    _add_log_flags(parser)
    flags = parser.parse_args(arguments)
    logs.configure(flags.log_level, flags.log_format)
    return run(demo(web_options_of(flags)))


def _parser(command: str, description: str) -> argparse.ArgumentParser:
    return argparse.ArgumentParser(prog=f"mx-exporter{command}", description=description, allow_abbrev=False)


def _version_text() -> str:
    return f"mx-exporter, version {__version__} ({platform.python_implementation()} {platform.python_version()})"


def _add_log_flags(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("log")
    group.add_argument("--log.level", dest="log_level", choices=logs.LEVELS, default="info", help="default: info")
    group.add_argument(
        "--log.format", dest="log_format", choices=("logfmt", "json"), default="logfmt", help="default: logfmt"
    )


def _add_shard_flags(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("shards")
    group.add_argument(
        "--shard",
        metavar="K",
        help="probe only the targets of this shard, counted from 0; auto: the number at the end of the host name",
    )
    group.add_argument("--total-shards", metavar="N", type=int, help="number of shards")


def _add_network_flags(parser: argparse.ArgumentParser, verb: str) -> None:
    """The flags of a command that a person runs by hand; `verb`: the action on an allowed address."""
    parser.add_argument("--resolver", metavar="IP[:PORT]", help="DNS server to ask (default: the system's)")
    parser.add_argument(
        "--allow-address",
        dest="allow_addresses",
        metavar="CIDR",
        action="append",
        default=[],
        help=f"{verb} these special addresses (loopback, private …) too; repeatable",
    )


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
