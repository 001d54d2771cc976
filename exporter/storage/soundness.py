"""Checks of values from a file that become labels, link targets or the places of an address. Pure.

In a running exporter these come through closed lists and parsers. A file may have been written by anybody, so it has no
other texts in these places than they would have made. All other texts are shown escaped, as those of remote servers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from exporter.model.address import is_address
from exporter.model.arrival import Arrival
from exporter.model.certificate import SentCertificate
from exporter.model.failure import Stage
from exporter.model.printable import printable
from exporter.model.result import (
    DomainResult,
    HostFacts,
    HostIdentity,
    HostOutcome,
    HostTimings,
    MxHost,
    MxLookup,
    TlsResult,
)
from exporter.model.standing import ListAnswer
from exporter.model.tls_version import OLD_VERSIONS
from exporter.model.zone import Nameserver, Signature
from exporter.smtp.ehlo import EXTENSIONS, MECHANISMS
from exporter.storage.rows import UnsoundError

# A name in the DNS, as the resolver writes it: printable, without a space.
_NAME: Final = re.compile(r"[!-~]{1,1024}\Z")
_STATUS: Final = re.compile(r"[245]\.\d{1,3}\.\d{1,3}\Z", re.ASCII)  # RFC 3463 2
_TLS_WORD: Final = re.compile(r"[A-Za-z0-9_.:+-]{1,64}\Z")
_CODES: Final = range(100, 1000)
_PORTS: Final = range(1, 65536)
_EXTENSIONS: Final = frozenset(EXTENSIONS)
_MECHANISMS: Final = frozenset(MECHANISMS)
_OLD_VERSIONS: Final = frozenset(OLD_VERSIONS)
_DIGEST: Final = re.compile(r"(?:[0-9a-f]{64})?\Z")
_LATEST: Final = 2**32  # a signature has 32 bits for a time (RFC 4034 3.1.4)


def is_name(text: str) -> bool:
    """A name as the DNS has them."""
    return _NAME.match(text) is not None


def _require(sound: bool, what: str) -> None:
    if not sound:
        raise UnsoundError(what)


def _identity(value: HostIdentity) -> None:
    mx, address, port, module, domain = value
    _require(is_name(mx) and (not domain or is_name(domain)), "no host name")
    _require(not address or is_address(address), "no address")
    # A module may have the EHLO name and the source addresses behind it.
    _require(port in _PORTS and is_name(module), "no port or no module")


def _outcome(value: HostOutcome) -> None:
    _require(not value.last_hop or is_address(value.last_hop), "no router")
    _require(len(set(value.warnings)) == len(value.warnings), "a warning twice")


def _facts(value: HostFacts) -> None:
    codes = (*value.reply_codes, *value.recipients)
    _require(all(code in _CODES or code == 0 for _, code in codes), "no reply code")
    _require(len({stage for stage, _ in value.reply_codes}) == len(value.reply_codes), "a stage twice")
    _require(all(_STATUS.match(status) for _, status in value.enhanced), "no enhanced status")
    _require(len(set(value.enhanced)) == len(value.enhanced), "a status twice")
    for found, known in (
        (value.extensions, _EXTENSIONS),
        (value.auth_plaintext, _MECHANISMS),
        (value.auth_tls, _MECHANISMS),
        ([each.version for each in value.old_versions], _OLD_VERSIONS),
    ):
        _require(known.issuperset(found) and len(set(found)) == len(found), "no keyword of the closed list")


def _timings(value: HostTimings) -> None:
    _require(len(value.stages) == len(value.seconds) == len(set(value.stages)), "phases without times")
    seconds = (*value.seconds, value.took, value.tcp_rtt or 0.0, *(each for _, each in value.waits))
    _require(value.at >= 0.0 and min(seconds) >= 0.0, "a time below 0")
    _require(Stage.DNS not in value.stages, "no phase of a session")


def _tls(value: TlsResult) -> None:
    _require(all(_TLS_WORD.match(text) for text in (value.version, value.cipher)), "no version or cipher")


def _certificate(value: SentCertificate) -> None:
    _require(all(_DIGEST.match(text) for text in (value.digest, value.key_digest)), "no fingerprint")


def _signature(value: Signature) -> None:
    _require(0 <= value.begins < _LATEST and 0 <= value.ends < _LATEST, "no time of a signature")


def _nameserver(value: Nameserver) -> None:
    _require(not value.address or is_address(value.address), "no address of a name server")


def _mx_host(value: MxHost) -> None:
    _require(is_name(value.name) and all(map(is_address, value.addresses)), "no MX host")


def _lookup(value: MxLookup) -> None:
    _require(is_name(value.domain) and value.mx_records >= 0, "no lookup")


def _domain(value: DomainResult) -> None:
    _require(value.at > 0.0 and value.duration >= 0.0, "no time of a turn")
    _require(all(count >= 0 for _, count in value.found), "a number of addresses below 0")
    _require(all(map(is_name, value.providers)), "no provider")
    for each in ([family for family, _ in value.found], value.warnings, value.providers):
        _require(len(set(each)) == len(each), "a label twice")


def _arrival(value: Arrival) -> None:
    methods = [method for method, _ in value.authentication]
    _require(len(set(methods)) == len(methods), "a method twice")
    _require(min(value.seconds or 0.0, value.at or 0.0, value.awaited_since or 0.0) >= 0.0, "a time below 0")
    _require(value.folder is None or not value.missing, "a message that is there and missing")


def _list_answer(value: ListAnswer) -> None:
    _require(is_name(value.name) and all(map(is_address, value.codes)), "no answer of a block list")
    _require(value.at > 0.0 and printable(value.detail, len(value.detail)) == value.detail, "no words of a block list")


CHECKS: Final[Mapping[type, Callable[[Any], None]]] = MappingProxyType(
    {
        HostIdentity: _identity,
        HostOutcome: _outcome,
        HostFacts: _facts,
        Arrival: _arrival,
        HostTimings: _timings,
        ListAnswer: _list_answer,
        TlsResult: _tls,
        SentCertificate: _certificate,
        Signature: _signature,
        Nameserver: _nameserver,
        MxHost: _mx_host,
        MxLookup: _lookup,
        DomainResult: _domain,
    }
)
