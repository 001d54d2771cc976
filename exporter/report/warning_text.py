"""Warnings in words: what is seen and what to do, and the sentence about one host or domain with its dates and names.

The words of remote servers in a sentence are printable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from exporter.model.failure import FailureClass, Stage
from exporter.model.printable import printable
from exporter.model.result import DomainResult, HostResult
from exporter.model.tls_version import VersionState
from exporter.model.warning import DomainWarning, HostWarning
from exporter.report.zone_text import ZONE_WARNINGS, zone_sentence

_W, _D = HostWarning, DomainWarning
Warned = HostWarning | DomainWarning


@dataclass(frozen=True, slots=True)
class WarningEntry:
    """One warning."""

    seen: str  # half a sentence about the host or the domain
    step: str  # what to do


_POSTMASTER: Final = "tell the postmaster of the mail host"
_DNS: Final = "tell the DNS administrator of the domain"
_POLICY: Final = "tell the owner of the domain: senders who honour MTA-STS keep their mail"
_MOVED: Final = "ask the owner of the domain whether that is meant; if not, the MX records are to be mended"
_DANE: Final = f"{_POSTMASTER}: senders who honour DANE keep their mail"
WARNINGS: Final = MappingProxyType[Warned, WarningEntry](
    {
        _W.MX_IS_CNAME: WarningEntry("its name is an alias (CNAME), which RFC 5321 5.1 forbids of an MX host", _DNS),
        _W.STARTTLS_NOT_OFFERED: WarningEntry("it offers no STARTTLS: mail travels in the clear", _POSTMASTER),
        _W.STARTTLS_REJECTED: WarningEntry("it offers STARTTLS and refuses it", _POSTMASTER),
        _W.TLS_EXPIRED: WarningEntry(
            "its certificate, or one of its chain, has expired", f"{_POSTMASTER}: it is to be renewed, and loaded"
        ),
        _W.TLS_NOT_YET_VALID: WarningEntry(
            "its certificate, or one of its chain, is not valid yet",
            f"look at our own clock with `date -u`; {_POSTMASTER}",
        ),
        _W.TLS_NAME_MISMATCH: WarningEntry("its certificate is for other names", _POSTMASTER),
        _W.TLS_UNTRUSTED: WarningEntry(
            "no root of this system vouches for its certificate",
            f"{_POSTMASTER}, or name its authority in `SSL_CERT_FILE`",
        ),
        _W.TLS_EXPIRES_SOON: WarningEntry(
            "its certificate, or one of its chain, has a third of its lifetime left or less, at most 14 days",
            f"{_POSTMASTER}, before it ends",
        ),
        _W.TLS_HANDSHAKE: WarningEntry(
            "it offers STARTTLS and no TLS results, while a session without TLS works",
            f"compare `openssl s_client -starttls smtp -connect ADDRESS:25`; {_POSTMASTER}",
        ),
        _W.TLS_OUTDATED: WarningEntry("TLS below 1.2 is the best that it offers", _POSTMASTER),
        _W.TLS_OLD_ACCEPTED: WarningEntry(
            "it still accepts a version of TLS below 1.2, which RFC 8996 gave up",
            f"{_POSTMASTER}: it may switch the old versions off, if all that send to it have newer ones",
        ),
        _W.HELO_ONLY: WarningEntry("it refuses EHLO, and HELO works", _POSTMASTER),
        _W.BANNER_SLOW: WarningEntry("its greeting takes over 10 seconds", _POSTMASTER),
        _W.BARE_LF: WarningEntry("its lines end with LF in place of CR LF", _POSTMASTER),
        _W.QUIT_UNCLEAN: WarningEntry("it does not answer QUIT with 221", _POSTMASTER),
        _W.VRFY_ENABLED: WarningEntry("its VRFY tells every client which mailboxes it has", _POSTMASTER),
        _W.EXPN_ENABLED: WarningEntry("its EXPN tells every client who is on its lists", _POSTMASTER),
        _W.BANNER_NAME_MISMATCH: WarningEntry(
            "its greeting names a host of another organisation that does not have the address connected to",
            "see whether the MX record still names the right host",
        ),
        _W.CONTRADICTORY_CODES: WarningEntry(
            "one of its replies has two codes (RFC 5321 4.2.1); that of the last line counts", _POSTMASTER
        ),
        _W.MASKED: WarningEntry(
            "a Cisco inspection on its side overwrites the greeting or the keywords of EHLO",
            f"{_POSTMASTER}: switch the inspection off",
        ),
        _W.DANE_MISMATCH: WarningEntry("its certificate matches no TLSA record", _DANE),
        _W.DANE_NO_TLS: WarningEntry("there are TLSA records for it, and it does no TLS", _DANE),
        _W.DANE_UNUSABLE: WarningEntry("none of its TLSA records can be used", _DNS),
        _W.DANE_LOOKUP_FAILED: WarningEntry("its TLSA records cannot be looked up", _DNS),
        _W.COSTLY: WarningEntry(
            "a session with it takes far more CPU here than others, so it is probed less often", _POSTMASTER
        ),
        _D.NULL_MX_AMONG_OTHERS: WarningEntry("a null MX stands beside other MX records, which count", _DNS),
        _D.MX_UNEXPECTED: WarningEntry("its mail goes to a host that `expect_mx` does not name", _MOVED),
        _D.MX_MISSING: WarningEntry("its mail does not go to a host that `expect_mx` names", _MOVED),
        _D.MTA_STS_MISMATCH: WarningEntry("its MTA-STS policy does not name an MX host", _POLICY),
        _D.MTA_STS_NO_TLS: WarningEntry("its MTA-STS policy demands TLS, and an MX host does none", _POLICY),
        _D.MTA_STS_UNTRUSTED: WarningEntry(
            "its MTA-STS policy demands a certificate that is valid for the MX host, and one is not", _POLICY
        ),
        _D.SIGNATURE_EXPIRES_SOON: WarningEntry(
            "a DNSSEC signature that its mail depends on ends soon and has not been renewed",
            f"{_DNS}: the zone is to be signed anew; after the end resolvers that verify find no mail host",
        ),
        _D.NAMESERVERS_DISAGREE: WarningEntry(
            "its name servers have different MX sets, so mail goes by the one or the other",
            f"{_DNS}: compare the serials with `dig +nssearch ZONE`; one of the servers is not told of changes",
        ),
        _D.NAMESERVER_LAME: WarningEntry(
            "one of its name servers answers, and not with authority for the zone",
            f"{_DNS}: the server is to be given the zone, or its NS record is to go",
        ),
        _D.NAMESERVER_SILENT: WarningEntry(
            "one of its name servers does not answer, while others do",
            f"{_DNS}: while one is silent, lookups take longer; when the last one is, there is no mail",
        ),
        _D.NAMESERVER_WITHOUT_ADDRESS: WarningEntry("the name of one of its name servers has no address", _DNS),
        _D.MX_TTL_LONG: WarningEntry(
            "the TTL of its MX records is over a day, so a change of them may stay unseen for longer than that",
            f"{_DNS}: an hour is usual; lower it before a planned change, and wait until the old one is over",
        ),
        _D.MX_CHANGE_HIDDEN: WarningEntry(
            "none of its name servers has the MX set any more that our resolver serves",
            "wait until the TTL is over: until then the probes are of the old mail hosts, and so is much of the mail",
        ),
    }
)
# The warnings about the MX records beside `expect_mx`, which are told of a domain that is down, too.
MX_WARNINGS: Final = (_D.MX_UNEXPECTED, _D.MX_MISSING)
# Lines about one target: hosts of one provider mostly have the same faults.
MAX_SENTENCES: Final = 12
_MAX_NAMES: Final = 4  # of MX hosts in a sentence


def host_sentence(warning: HostWarning, host: HostResult) -> str:
    """The warning as half a sentence about its host, with what the session showed: dates, names, codes."""
    found = _DETAILS.get(warning)
    return (found(host, warning) if found is not None else "") or WARNINGS[warning].seen


def domain_sentence(warning: DomainWarning, result: DomainResult) -> str:
    """The warning as half a sentence about its domain, with the names that it is about."""
    if warning in MX_WARNINGS:
        return _mx_sentence(warning, result)
    if warning in ZONE_WARNINGS:
        return zone_sentence(warning, result) or WARNINGS[warning].seen
    policy = result.mta_sts
    if policy is None or warning is _D.NULL_MX_AMONG_OTHERS or not policy.mx:
        return WARNINGS[warning].seen
    return f"{WARNINGS[warning].seen} (mode {policy.mode}, for {printable(', '.join(policy.mx), 200)})"


def _mx_sentence(warning: DomainWarning, result: DomainResult) -> str:
    lookup, differences = result.lookup, result.mx_differences
    hosts = [host.name for host in lookup.hosts] if lookup is not None else []
    is_implicit = lookup is not None and not lookup.mx_records and bool(hosts)
    if warning is _D.MX_UNEXPECTED:
        names = _listed(differences.unexpected)
        if is_implicit:
            return f"it has no MX record, so its mail goes to {names} itself, which expect_mx does not name"
        return f"its MX records name {names}, which expect_mx does not"
    found = "it has none" if is_implicit else f"they name {_listed(hosts)}" if hosts else "there is no MX host"
    below = [f"a host below {entry}" if entry.startswith(".") else entry for entry in differences.missing]
    return f"its MX records do not name {_listed(below)}, as expect_mx does: {found}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
    return printable(", ".join(names[:_MAX_NAMES])) + more


def warning_sentences(name: str, result: DomainResult) -> Iterator[str]:
    """The warnings of a target and of its hosts that are up, a line each; hosts with the same one together."""
    told: dict[str, list[str]] = {domain_sentence(warning, result): [name] for warning in result.warnings}
    for host in result.hosts:
        for warning in host.outcome.reported_warnings if host.up else ():
            told.setdefault(host_sentence(warning, host), []).append(_name_of(host))
    for number, (sentence, names) in enumerate(told.items()):
        if number == MAX_SENTENCES:
            yield f"and {len(told) - number} more warnings"
            return
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        yield f"{names[0]}{more}: {sentence}"


def _name_of(host: HostResult) -> str:
    return f"{host.mx} [{host.address}]" if host.address and host.address != host.mx else host.mx


def _fault(host: HostResult, warning: HostWarning) -> str:
    faults = host.facts.tls.faults if host.facts.tls is not None else ()
    wanted = FailureClass(warning.value)
    return next((printable(fault.detail) for fault in faults if fault.failure_class is wanted), "")


def _expires(host: HostResult, warning: HostWarning) -> str:
    ends = host.facts.tls.not_after if host.facts.tls is not None else None
    if ends is None:
        return ""
    days = max(0.0, ends - host.timings.at) / 86400
    left = f"{days:.0f} days" if days >= 2 else f"{days * 24:.0f} hours"
    at = f"{datetime.fromtimestamp(ends, UTC):%Y-%m-%d %H:%M} UTC"
    return f"its certificate, or one of its chain, ends on {at}, {left} after this probe"


def _slow(host: HostResult, warning: HostWarning) -> str:
    took = dict(host.timings.phases).get(Stage.BANNER)
    return f"its greeting took {took:.1f} s" if took is not None else ""


def _answered(stage: Stage, words: str) -> Callable[[HostResult, HostWarning], str]:
    def sentence(host: HostResult, warning: HostWarning) -> str:
        code = dict(host.facts.reply_codes).get(stage)
        return words.format(code) if code is not None else ""

    return sentence


def _remark(mark: str) -> Callable[[HostResult, HostWarning], str]:
    """The remark that has `mark`, which exporter.probe.host_warnings makes as the ground of the warning."""

    def sentence(host: HostResult, warning: HostWarning) -> str:
        return next((printable(remark) for remark in host.outcome.remarks if mark in remark), "")

    return sentence


def _old_versions(host: HostResult, warning: HostWarning) -> str:
    accepted = [each.version for each in host.facts.old_versions if each.state is VersionState.ACCEPTED]
    return f"it still accepts {' and '.join(accepted)}, which RFC 8996 gave up" if accepted else ""


def _dane(host: HostResult, warning: HostWarning) -> str:
    detail = host.facts.dane.detail if host.facts.dane is not None else ""
    return f"{WARNINGS[warning].seen}: {printable(detail)}" if detail else ""


def _alias(host: HostResult, warning: HostWarning) -> str:
    return f"{printable(host.mx)} is an alias (CNAME), which RFC 5321 5.1 forbids of an MX host"


_DETAILS: Final = MappingProxyType(
    {
        _W.MX_IS_CNAME: _alias,
        _W.STARTTLS_REJECTED: _answered(Stage.STARTTLS, "it offers STARTTLS and answers it with {}"),
        _W.TLS_EXPIRED: _fault,
        _W.TLS_NOT_YET_VALID: _fault,
        _W.TLS_NAME_MISMATCH: _fault,
        _W.TLS_UNTRUSTED: _fault,
        _W.TLS_EXPIRES_SOON: _expires,
        _W.TLS_HANDSHAKE: _remark("a session in the clear works"),
        _W.TLS_OUTDATED: _remark("is the best that it offers"),
        _W.TLS_OLD_ACCEPTED: _old_versions,
        _W.BANNER_SLOW: _slow,
        _W.QUIT_UNCLEAN: _answered(Stage.QUIT, "it answers QUIT with {} in place of 221"),
        _W.VRFY_ENABLED: _answered(Stage.VRFY, "its VRFY answers {}: it tells every client which mailboxes it has"),
        _W.EXPN_ENABLED: _answered(Stage.EXPN, "its EXPN answers {}: it tells every client who is on its lists"),
        _W.BANNER_NAME_MISMATCH: _remark("the greeting names"),
        _W.MASKED: _remark("overwritten"),
        _W.DANE_MISMATCH: _dane,
        _W.DANE_NO_TLS: _dane,
        _W.DANE_UNUSABLE: _dane,
        _W.DANE_LOOKUP_FAILED: _dane,
        _W.COSTLY: _remark("of this exporter's CPU"),
    }
)
