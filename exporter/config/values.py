"""The small languages inside configuration values: durations, host names, addresses, ports, networks.

Each parser takes a string and returns the value, or raises ValueError with a plain sentence about that string; the
command line uses the same ones. Names come out as lower-case A-labels without the final dot (IDNA 2008, with the
mapping of UTS 46 for typed names), addresses in their canonical text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

import idna

from exporter.model.address import is_address
from exporter.model.printable import _QUOTED, printable, quoted
from exporter.model.target import IPNetwork

DNS_PORT: Final = 53
MAX_PORT: Final = 65535
MAX_SIZE: Final = 10**18  # RFC 1870 4: at most 20 digits; YAML numbers here have at most 18
# Longer than any useful interval, and far from any overflow of timers.
MAX_SECONDS: Final = 366 * 86400.0
# RFC 1035 2.3.4: 255 octets on the wire are 253 characters in text.
MAX_NAME: Final = 253
MAX_LABEL: Final = 63
# International text longer than this cannot become a name of 253 characters; IDNA's mapping is not cheap.
_MAX_INPUT: Final = 1024
_REASON: Final = 160  # of a library's message about it, which may repeat it

_UNITS: Final = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1))
# Prometheus's own form: units from large to small, each at most once.
_DURATION: Final = re.compile("".join(rf"(?:([0-9]{{1,15}}){unit})?" for unit, _ in _UNITS))
# RFC 1123 2.1: letters, digits, hyphen (not at the ends), so no underscore.
_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME: Final = re.compile(rf"(?=.{{1,{MAX_NAME}}}$)(?:{_LABEL}\.)*{_LABEL}")
_PORT: Final = re.compile(r"[0-9]{1,5}")
# Shorter than a name by the nibbles of an IPv6 address that stand before it.
_LIST_NAME: Final = re.compile(r"(?=.{1,180}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+(?!\d+$)[a-z0-9-]{2,63}")


def parse_duration(text: str) -> float:
    """Seconds of `250ms`, `30s`, `5m`, `1h30m`, `7d`."""
    match = _DURATION.fullmatch(text)
    if match is None or not text:
        if re.fullmatch(r"[0-9]+", text):
            raise ValueError(f"{quoted(text)} needs a unit, such as {printable(text, _QUOTED)}s")
        raise ValueError(f"{quoted(text)} is not a duration such as 250ms, 30s, 5m or 1h30m")
    milliseconds = sum(int(count) * size for count, (_, size) in zip(match.groups(), _UNITS, strict=True) if count)
    if milliseconds / 1000 > MAX_SECONDS:
        raise ValueError(f"{quoted(text)} is longer than {format_duration(MAX_SECONDS)}")
    return milliseconds / 1000


def format_duration(seconds: float) -> str:
    """The shortest text that parse_duration reads as `seconds` (to the millisecond)."""
    milliseconds = round(seconds * 1000)
    if milliseconds == 0:
        return "0s"
    unit, size = next((unit, size) for unit, size in _UNITS if milliseconds % size == 0)
    return f"{milliseconds // size}{unit}"


def parse_host_name(text: str) -> str:
    """A host name (RFC 1123), international ones as A-labels (RFC 5890)."""
    name = text.lower().removesuffix(".")
    if not name.isascii():
        name = _to_a_labels(text)
    if _NAME.fullmatch(name) is None:
        raise ValueError(f"{quoted(text)} is not a host name: {_fault_of(name)}")
    if "xn--" in name:
        _check_punycode(text, name)
    last = name.rpartition(".")[2]
    if last.isdigit():
        # RFC 1123 2.1: a name differs from an address by its last label.
        kind = "an IP address" if is_address(name) else "neither an address nor a host name: it ends in a number"
        raise ValueError(f"{quoted(text)} is {kind}" + ("" if kind[0] == "n" else ", not a host name"))
    return name


def parse_domain(text: str) -> str:
    """A mail domain: a host name with at least one dot, for a bare word is nearly always a slip.

    A top-level domain that takes mail can be written with the final dot, `ai.`.
    """
    name = parse_host_name(text)
    if "." not in name and not text.endswith("."):
        raise ValueError(f"{quoted(text)} is a single label: a domain has a dot (or write {name}. with a final dot)")
    return name


def parse_expected_mx(text: str) -> str:
    """An MX host, or `.example.net` for any host below a name; in A-labels, a suffix with its first dot."""
    if text.startswith("*."):
        raise ValueError(f"{quoted(text)} is neither a host name nor a suffix: write {printable(text[1:], _QUOTED)}")
    return f".{parse_host_name(text[1:])}" if text.startswith(".") else parse_host_name(text)


@dataclass(frozen=True, slots=True)
class HostPort:
    """A host, perhaps with a port; `text` is the user's spelling."""

    text: str
    host: str  # A-labels or a canonical address
    port: int | None = None


def parse_host_port(text: str) -> HostPort:
    """`mx.example.net`, `mx.example.net:25`, `192.0.2.1`, `192.0.2.1:25`, `2001:db8::1`, `[2001:db8::1]:25`."""
    if "//" in text:
        raise ValueError(f"{quoted(text)} is a URL: write its host alone, or host:port")
    if text.startswith("["):
        address, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise ValueError(f"{quoted(text)} is not of the form [IPv6 address]:port")
        port = _parse_port(text, rest[1:]) if rest else None
        return HostPort(text, str(_address(address, 6)), port)
    if text.count(":") > 1:
        return HostPort(text, str(_address(text, 6)))
    host, colon, port_text = text.partition(":")
    port = _parse_port(text, port_text) if colon else None
    return HostPort(text, str(ip_address(host)) if is_address(host) else parse_host_name(host), port)


def parse_nameserver(text: str) -> tuple[str, int]:
    """`192.0.2.53`, `192.0.2.53:5300`, `2001:db8::53`, `[2001:db8::53]:5300`: address and port."""
    server = parse_host_port(text)
    if not is_address(server.host):
        raise ValueError(f"{quoted(text)} is not an IP address: a name server cannot be looked up before it is known")
    return server.host, DNS_PORT if server.port is None else server.port


def parse_address(text: str, version: int) -> str:
    """An address of IP `version`, in its canonical text."""
    return str(_address(text, version))


def parse_any_address(text: str) -> str:
    """An address of either family, in its canonical text."""
    return str(_address(text, 6 if ":" in text else 4))


def parse_list_name(text: str) -> str:
    """The zone of a block list. Labels may have underscores: they are no host names."""
    name = text.lower().removesuffix(".")
    if not _LIST_NAME.fullmatch(name):
        raise ValueError(f"{quoted(text)} is not the name of a block list such as bl.example.net")
    return name


def parse_network(text: str) -> IPNetwork:
    """A network in CIDR notation; a single address is a network of one."""
    try:
        return ip_network(text)
    except ValueError:
        pass
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"{quoted(text)} is not a network such as 192.0.2.0/24 or 2001:db8::/32") from None
    raise ValueError(f"{quoted(text)} has bits set to the right of its prefix: write {network}")


def parse_helo(text: str) -> str:
    """The argument of EHLO: a host name, an address literal (RFC 5321 4.1.3), or nothing for this machine's name."""
    if not text.startswith("["):
        return parse_host_name(text) if text else ""
    return parse_address_literal(text)


def parse_address_literal(text: str) -> str:
    """`[192.0.2.1]` or `[IPv6:2001:db8::1]` (RFC 5321 4.1.3)."""
    inner = text[1:-1] if text.endswith("]") else ""
    try:
        if inner.lower().startswith("ipv6:"):
            return f"[IPv6:{_address(inner[5:], 6)}]"
        return f"[{_address(inner, 4)}]"
    except ValueError:
        raise ValueError(
            f"{quoted(text)} is not an address literal such as [192.0.2.1] or [IPv6:2001:db8::1]"
        ) from None


def _parse_port(text: str, port: str) -> int:
    # Not str.isdigit: it takes the digits of every script.
    if not _PORT.fullmatch(port) or not 1 <= int(port) <= MAX_PORT:
        raise ValueError(f"{quoted(text)}: the port must be between 1 and {MAX_PORT}")
    return int(port)


def _address(text: str, version: int) -> IPv4Address | IPv6Address:
    try:
        address = ip_address(text)
    except ValueError:
        raise ValueError(f"{quoted(text)} is not an IPv{version} address") from None
    if address.version != version:
        raise ValueError(f"{quoted(text)} is not an IPv{version} address")
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        raise ValueError(f"{quoted(text)} has a zone, which means something on one machine only")
    return address


def _to_a_labels(text: str) -> str:
    if len(text) > _MAX_INPUT:
        raise ValueError(f"{quoted(text)} is not a host name: it is longer than {MAX_NAME} characters")
    try:
        return idna.encode(text, uts46=True).decode("ascii").lower().removesuffix(".")
    except UnicodeError as error:
        reason = printable(str(error).rstrip("."), _REASON)
        raise ValueError(f"{quoted(text)} is not an international name (IDNA 2008): {reason}") from None


def _check_punycode(text: str, name: str) -> None:
    """RFC 3492. No stricter: names that only IDNA 2003 allowed exist, and are looked up as A-labels all the same."""
    for label in name.split("."):
        if label.startswith("xn--"):
            try:
                label[4:].encode("ascii").decode("punycode")
            except UnicodeError:
                raise ValueError(f"{quoted(text)} is not a host name: {label!r} is not valid Punycode") from None


def _fault_of(name: str) -> str:
    """The reason why `name` does not match; the most telling first."""
    if not name:
        return "it is empty"
    wrong = re.search(r"[^a-z0-9.-]", name)
    if wrong is not None:
        char = wrong[0]
        what = {" ": "a space", "_": "an underscore"}.get(char, f"the character {char!r}")
        return f"it contains {what}"
    if len(name) > MAX_NAME:
        return f"it is longer than {MAX_NAME} characters"
    labels = name.split(".")
    if "" in labels:
        return "it has an empty label"
    if any(len(label) > MAX_LABEL for label in labels):
        return f"a label is longer than {MAX_LABEL} characters"
    return "a label begins or ends with a hyphen"
