"""What users and their programs write: the configuration, lists of domains, the web configuration, single values."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from exporter.config.effective import effective_yaml
from exporter.config.load import load, parse, summary
from exporter.config.mailbox import parse_argument, parse_mailbox, parse_recipient, parse_reverse_path
from exporter.config.problems import ConfigError
from exporter.config.values import (
    format_duration,
    parse_domain,
    parse_duration,
    parse_helo,
    parse_host_name,
    parse_host_port,
    parse_nameserver,
    parse_network,
)
from exporter.config.web.load import load_web
from exporter.config.yaml_scalars import needs_quotes, resolve
from exporter.model.address import is_address
from exporter.model.configuration import Config
from tests.attack.fuzz.frame import Target, agree
from tests.attack.fuzz.targets.promises import harmless

_PLACE: Final = re.compile(r"[^\n]*?:[0-9]+:[0-9]+: ")
_NAME: Final = re.compile(r"[a-z0-9.-]{1,253}")


def _told(error: ConfigError) -> None:
    """Each mistake on a line of its own, with its place."""
    agree(error.errors, "refused without a reason")
    for problem in error.errors:
        agree(problem.line >= 1 and problem.column >= 1, f"{problem}")
        agree(_PLACE.match(str(problem)), f"{problem}")
        harmless(str(problem), "a mistake", limit=65536)


# What would read files and variables of this machine.
_ELSEWHERE: Final = re.compile("domain_files|_file|_env")


def read_configuration(data: bytes) -> None:
    """A configuration, or every mistake in it; and what counts, written out, is read as the same again."""
    text = data.decode("utf-8", "replace")
    if _ELSEWHERE.search(text):
        return
    try:
        found = parse(text)
    except ConfigError as error:
        _told(error)
        return
    harmless(summary(found), "the summary", limit=512)
    again = parse(effective_yaml(found)) if len(found.targets) < 900 else found
    _same(found, again)


def _same(found: Config, again: Config) -> None:
    for name in ("defaults", "modules", "resolver", "limits", "egress", "domain_files", "groups", "disabled_metrics"):
        one, other = getattr(found, name), getattr(again, name)
        agree(one == other, f"{name}: {one} is read again as {other}")
    keys = [target.key for target in found.targets], [target.key for target in again.targets]
    agree(sorted(keys[0]) == sorted(keys[1]), f"targets {keys[0][:20]} are read again as {keys[1][:20]}")


def _in_a_file(name: str, data: bytes, read: Callable[[Path], object]) -> object:
    with tempfile.TemporaryDirectory(dir=_memory()) as folder:
        (Path(folder) / name).write_bytes(data)
        return read(Path(folder))


def _memory() -> Path | None:
    """Where files cost least."""
    shared = Path("/dev/shm")
    return shared if shared.is_dir() else None


def read_domain_file(data: bytes) -> None:
    """A list of domains, one a line or as YAML, that a program of somebody's has written."""
    suffix = "yaml" if data[:1] == b"y" else "txt"

    def read(folder: Path) -> object:
        main = folder / "config.yaml"
        main.write_text(f"domain_files: [names.{suffix}]\n")
        try:
            return load(main)
        except ConfigError as error:
            _told(error)
            return None

    found = _in_a_file(f"names.{suffix}", data[1:], read)
    if isinstance(found, Config):
        for target in found.targets:
            agree(is_address(target.host) or _NAME.fullmatch(target.host), f"{target.host!r}")
        agree(len({target.key for target in found.targets}) == len(found.targets), "a target twice")


def read_web_configuration(data: bytes) -> None:
    """A web configuration, or every mistake in it."""
    text = data.decode("utf-8", "replace")
    if _ELSEWHERE.search(text):
        return

    def read(folder: Path) -> object:
        try:
            return load_web(folder / "web.yaml")
        except ConfigError as error:
            _told(error)
            return None

    _in_a_file("web.yaml", data, read)


def _outcome(read: Callable[[str], object], text: str) -> object:
    try:
        return read(text)
    except ValueError as error:
        harmless(str(error), f"a refusal of {read.__name__}", limit=4096)
        agree(not isinstance(error, UnicodeError), f"{read.__name__}: {error!r} is no sentence")
        return None


def read_values(data: bytes) -> None:
    """Single values: what is taken is taken again, and can stand where it is used."""
    text = data.decode("utf-8", "replace")
    seconds = _outcome(parse_duration, text)
    if isinstance(seconds, float):
        agree(parse_duration(format_duration(seconds)) == seconds, f"{seconds} is {format_duration(seconds)}")
    for read in (parse_host_name, parse_domain):
        name = _outcome(read, text)
        if isinstance(name, str):
            agree(_NAME.fullmatch(name) and parse_host_name(name) == name, f"{name!r}")
    for other in (parse_host_port, parse_nameserver, parse_network):
        _outcome(other, text)
    for read in (parse_mailbox, parse_reverse_path, parse_recipient, parse_argument, parse_helo):
        said = _outcome(read, text)
        agree(not isinstance(said, str) or not re.search(r"[\x00-\x1f\x7f]", said), f"{read.__name__}: {said!r}")
    for line in text.split("\n"):
        plain = _outcome(resolve, line)
        agree(plain is None or plain == line or needs_quotes(line), f"{line!r} is {plain!r}")


_KEYS: Final = (
    b"defaults:\n  ", b"interval: 60s\n", b"timeout: 30s\n", b"module: default\n", b"modules:\n  full:\n    ",
    b"stages: [ehlo, starttls]\n", b"domains:\n  - ", b"hosts:\n  - ", b"example.com", b"relay.example.net:25",
    b"labels: {team: mail}\n", b"&a ", b"*a", b"!!python/object ", b"<<: *a\n", b"---\n", b"...\n", b"|\n ", b">-\n ",
    b"{", b"}", b"[", b"]", b"? ", b": ", b", ", b"0x10", b"1_000", b"1:30", b"012", b"no", b"1e309", b".nan", b"'",
    b'"\\u0000"', b"\xef\xbb\xbf", b"# ", b"expect: {banner: [220]}\n", b"rcpt_to: postmaster@{domain}\n",
    b"%YAML 1.1\n", b"resolver:\n  nameservers: [192.0.2.53]\n", b"egress:\n  witness_ports: [443]\n", b"xn--",
    "ü。".encode(), b"\xe2\x80\xa8", b"\x85", b"groups:\n  - name: a\n    ", b"x-a: &b {", b"<<: [*a, *b]\n",
    b"metrics: {disable: [mx_host_up]}\n", b"host_series: failing\n",
)  # fmt: skip
_LINES: Final = (
    b"example.com\n", b"#", b";", b"//", b"\r\n", b"\t", b"|", b",", b": ", b'"', b"://", b"domain,team,job\n",
    b"Domain;a;b\n", b"*: x\n", b"+---+\n", b"xn--", *_KEYS[8:20],
)  # fmt: skip
_WEB: Final = (
    b"tls_server_config:\n  ", b"min_version: TLS12\n", b"http_server_config:\n  headers:\n    ",
    b"basic_auth_users:\n  ", b"rate_limit:\n  ", b"burst: 5\n", b"interval: 1s\n", b"$2y$10$",
    b"Strict-Transport-Security: max-age=1\n", b"cipher_suites: [", b"client_auth_type: ",
    b"curve_preferences: [X25519]\n", *_KEYS[30:40],
)  # fmt: skip
_VALUES: Final = (
    b"1h30m", b"250ms", b"366d", b"@", b'"a b"@', b"[IPv6:", b"2001:db8::1", b"%eth0", b"/24", b"{domain}", b"xn--",
    "ß".encode(), b"\xe3\x80\x82", b"999999999999999d", b".", b"-", b"_", b"\n", "\u200d\u0660".encode(),
)  # fmt: skip
TARGETS: Final = (
    Target("config", read_configuration, tokens=_KEYS),
    Target("domain-file", read_domain_file, tokens=_LINES),
    Target("web-config", read_web_configuration, tokens=_WEB, max_bytes=16384),
    Target("values", read_values, tokens=_VALUES),
)
