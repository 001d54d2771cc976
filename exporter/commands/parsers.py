"""The parsers of all commands: flags in Prometheus's style."""

from __future__ import annotations

import argparse
import platform
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from exporter import __version__
from exporter.app import logs
from exporter.app.web_flags import add_web_flags
from exporter.commands.parser import PROGRAM, CommandParser, one_of, whole_number

SERVE: Final = ""

# The names that argparse shows in a list of flags, and takes.
_Group = argparse._ArgumentGroup
# The commands with an example of each, for who types none.
EXAMPLES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        SERVE: ("--config.file=config.yaml", "serve: probe on schedule"),
        "probe": ("probe example.org", "probe by hand, once"),
        "trace": ("trace example.org", "trace port 25 on the way"),
        "demo": ("demo", "a mail world on loopback"),
    }
)


def serve_parser() -> CommandParser:
    """The parser of the server."""
    parser = CommandParser(
        SERVE,
        "Probe the mail hosts of many domains and expose the results to Prometheus. Other commands: probe, trace, "
        "demo; each has its own --help.",
        [use for use, _ in EXAMPLES.values()],
    )
    parser.add_argument(
        "--config.file", dest="config_file", metavar="FILE", type=Path, required=True, help="the configuration, in YAML"
    )
    parser.add_argument(
        "--config.check", dest="config_check", action="store_true", help="check the configuration and exit: 0 or 2"
    )
    parser.add_argument(
        "--config.reload-on-change",
        dest="reload_on_change",
        action=argparse.BooleanOptionalAction,
        default=False,
        help="reload the configuration when its file, or a file with a password that it names, has changed and been "
        "still for 2 seconds (default: no, on SIGHUP and POST /-/reload)",
    )
    parser.add_argument("--version", action="version", version=_version_text())
    parser.add_argument(
        "--storage.path",
        dest="storage_path",
        metavar="DIR",
        type=Path,
        help="folder in which the state of all targets survives a restart (default: none is kept)",
    )
    add_web_flags(parser)
    _add_shard_flags(parser)
    _add_log_flags(parser)
    return parser


def probe_parser() -> CommandParser:
    """The parser of `probe`."""
    parser = CommandParser(
        "probe",
        "The manual test, done for every MX address: look up the MX, connect, read the banner, EHLO, QUIT. "
        "Exit code 0: all up; 1: some down; 2: usage or configuration error; 130: interrupted.",
        (
            "probe example.org",
            "probe --starttls --rcpt postmaster@example.org example.org",
            "probe --module tls --input names.txt",
            "probe --helo mail.example.net -4 mx.example.org:25",
        ),
    )
    parser.add_argument(
        "names", metavar="NAME", nargs="*", help="a domain; or host:port or an address, for one host without MX lookup"
    )
    parser.add_argument(
        "--module", default=None, help="module of the configuration, or tls or mailbox (default: default)"
    )
    parser.add_argument(
        "--config.file", "--config", dest="config_file", metavar="FILE", type=Path, help="a configuration, in YAML"
    )
    parser.add_argument("--port", type=whole_number, help="port to connect to (default: 25, with --tls 465)")
    parser.add_argument("--helo", metavar="NAME", help="EHLO argument (default: this machine's name)")
    parser.add_argument("--timeout", metavar="DURATION", help="for one address, all stages together (default: 30s)")
    _add_network_flags(parser, "connect to")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON object per NAME and line")
    form.add_argument("--nagios", action="store_true", help="one line for Nagios; exit codes 0 to 3 are its states")
    form.add_argument("--report", action="store_true", help="a text for a ticket, or a mail to their postmaster")
    parser.add_argument("--input", metavar="FILE", help="more names, one a line; - for standard input")
    _add_log_level(parser, "warn")
    _add_dialogue_flags(parser.add_argument_group("dialogue, beside what the module says"))
    _add_way_flags(parser.add_argument_group("way to the host"))
    return parser


def trace_parser() -> CommandParser:
    """The parser of `trace`."""
    parser = CommandParser(
        "trace",
        "Where on the path a port is dropped, hop by hop, beside another port that gets through; no root needed. "
        "Exit code 0: the host answers; 1: it does not, or another machine answers in its name; 2: usage error; "
        "130: interrupted.",
        ("trace example.org", "trace mx.example.org:587 --against 443"),
    )
    parser.add_argument("host", metavar="HOST", help="a domain, for its MX hosts; a host or an address, perhaps :port")
    parser.add_argument("--port", type=whole_number, help="default: 25")
    parser.add_argument(
        "--against", metavar="PORT", type=whole_number, default=443, help="port to compare with (default: 443)"
    )
    parser.add_argument(
        "--config.file", "--config", dest="config_file", metavar="FILE", type=Path, help="a configuration, in YAML"
    )
    _add_network_flags(parser, "trace the path to")
    parser.add_argument("--timeout", metavar="DURATION", help="for the answer of one hop (default: 3s)")
    parser.add_argument("--max-hops", metavar="N", type=whole_number, default=30, help="default: 30")
    parser.add_argument("--json", action="store_true", help="one JSON object per address and line")
    return parser


def demo_parser() -> CommandParser:
    """The parser of `demo`."""
    parser = CommandParser("demo", "Probe a small mail world on loopback; no network and no root needed.", ("demo",))
    add_web_flags(parser)
    _add_log_flags(parser)
    return parser


PARSERS: Final[Mapping[str, Callable[[], CommandParser]]] = MappingProxyType(
    {SERVE: serve_parser, "probe": probe_parser, "trace": trace_parser, "demo": demo_parser}
)


def parse(command: str, arguments: list[str]) -> argparse.Namespace:
    """The values of the flags of a command; a mistake ends the program."""
    elsewhere = {
        flag: f"{PROGRAM} {EXAMPLES[other][0]}"
        for other, make in [*PARSERS.items()][::-1]  # the server's are the best known
        if other != command
        for flag in (other, *make().flags)
    }
    return PARSERS[command]().parse(arguments, elsewhere)


def _version_text() -> str:
    return f"mx-exporter, version {__version__} ({platform.python_implementation()} {platform.python_version()})"


def _add_log_flags(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("log")
    _add_log_level(group, "info")
    _add_word(group, "--log.format", "log_format", ("logfmt", "json"), "logfmt")


def _add_log_level(group: argparse._ActionsContainer, default: str) -> None:
    _add_word(group, "--log.level", "log_level", logs.LEVELS, default)


def _add_word(group: argparse._ActionsContainer, flag: str, name: str, words: tuple[str, ...], default: str) -> None:
    group.add_argument(flag, dest=name, type=one_of(words), choices=words, default=default, help=f"default: {default}")


def _add_shard_flags(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("shards")
    group.add_argument(
        "--shard",
        metavar="K",
        help="probe only the targets of this shard, counted from 0; auto: the number at the end of the host name",
    )
    group.add_argument("--total-shards", metavar="N", type=whole_number, help="number of shards")


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


def _add_dialogue_flags(group: _Group) -> None:
    group.add_argument("--starttls", action="store_true", help="STARTTLS, where it is offered")
    group.add_argument("--tls", action="store_true", help="TLS from the start, before the banner; on port 465")
    group.add_argument(
        "--rcpt",
        metavar="ADDRESS",
        action="append",
        default=[],
        help="MAIL and RCPT to this address, no DATA; {domain} is the domain probed; repeatable",
    )
    group.add_argument("--from", dest="mail_from", metavar="ADDRESS", help="MAIL FROM this address (default: <>)")
    group.add_argument("--size", metavar="N", type=whole_number, help="MAIL FROM … SIZE=N: octets of a message")
    group.add_argument("--vrfy", metavar="USER", help="VRFY this user")
    group.add_argument("--expn", metavar="LIST", help="EXPN this list")
    group.add_argument(
        "--policies",
        metavar="LIST",
        help="look up these policies of the domain: dane, mta_sts, tls_rpt, zone, versions, with commas between "
        "them, or all; dane and versions need STARTTLS, and add it",
    )


def _add_way_flags(group: _Group) -> None:
    group.add_argument("-4", dest="ipv4", action="store_true", help="IPv4 alone")
    group.add_argument("-6", dest="ipv6", action="store_true", help="IPv6 alone")
    group.add_argument(
        "--source", metavar="ADDRESS", action="append", default=[], help="address to connect from; one of each family"
    )
