"""The command line: one function a command."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import sys
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Final, TypeVar

from exporter.app import logs
from exporter.app.standard_streams import open_standard_streams
from exporter.app.web_flags import web_options_of
from exporter.commands.held_log import log_behind_text
from exporter.commands.parser import PROGRAM, USAGE
from exporter.commands.parsers import PARSERS, SERVE, parse
from exporter.commands.reader import while_read
from exporter.commands.unknown_command import overview, unknown_command
from exporter.config.problems import ConfigError
from exporter.schedule.shard import ShardError, parse_shard

OK: Final = 0
INTERNAL_ERROR: Final = 1
INTERRUPTED: Final = 130  # as shells report the end by SIGINT

# Of a file that takes no more.
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

_T = TypeVar("_T")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    open_standard_streams()
    arguments = list(sys.argv[1:] if argv is None else argv)
    command = arguments[0] if arguments else ""
    commands = {"probe": _probe, "trace": _trace, "demo": _demo}
    if not arguments or (command not in commands and not command.startswith("-")):
        print(unknown_command(command, arguments[1:]) if arguments else overview(), file=sys.stderr)
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
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _FULL and command in commands:
            print(f"{PROGRAM} {command}: the output cannot be written: {error.strerror}", file=sys.stderr)
            return INTERNAL_ERROR
        # Not left to Python, which would print it to a standard error that may stall.
        logging.getLogger(__name__).critical("internal error, the process ends", exc_info=True)
        return INTERNAL_ERROR
    finally:
        logs.flush()


def _serve(arguments: list[str]) -> int:
    flags = parse(SERVE, arguments)
    if flags.config_check:
        return _check(flags.config_file, flags.web_config_file)
    try:
        shard = parse_shard(flags.shard, flags.total_shards, socket.gethostname())
    except ShardError as error:
        PARSERS[SERVE]().error(str(error))
    logs.configure(flags.log_level, flags.log_format)
    from exporter.app.process import ServeOptions, serve

    web = web_options_of(flags)
    storage, follows = flags.storage_path, flags.reload_on_change
    options = ServeOptions(flags.config_file, web, shard, reload_on_change=follows, storage=storage)
    return run(serve(options))


def _check(path: Path, web_path: Path | None) -> int:
    from exporter.commands.config_check import check_configuration

    try:
        run(check_configuration(path, web_path))
    except ConfigError as error:
        print(error, file=sys.stderr)
        return USAGE
    return OK


def _probe(arguments: list[str]) -> int:
    from exporter.commands.mistakes import ManualError
    from exporter.commands.nagios import as_plugin

    if "--nagios" in arguments:
        return as_plugin(lambda: _probed(arguments), sys.stdout)
    try:
        return _probed(arguments)
    except (ManualError, ConfigError) as error:
        return _mistake("probe", error)


def _probed(arguments: list[str]) -> int:
    """Probe the names. Raises ManualError or ConfigError."""
    from exporter.commands.probe import probe_names

    flags = parse("probe", arguments)
    with log_behind_text(flags.log_level):
        return run(while_read(probe_names(flags), sys.stdout))


def _trace(arguments: list[str]) -> int:
    from exporter.commands.mistakes import ManualError
    from exporter.commands.trace import trace_host

    flags = parse("trace", arguments)
    try:
        with log_behind_text("warn"):
            return run(while_read(trace_host(flags), sys.stdout))
    except (ManualError, ConfigError) as error:
        return _mistake("trace", error)


def _mistake(command: str, error: Exception) -> int:
    """Tell the mistakes of the user, one a line."""
    for line in str(error).splitlines():
        print(f"mx-exporter {command}: {line}", file=sys.stderr)
    return USAGE


def _demo(arguments: list[str]) -> int:
    from exporter.demo.run import demo

    flags = parse("demo", arguments)
    logs.configure(flags.log_level, flags.log_format)
    return run(demo(web_options_of(flags)))


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
