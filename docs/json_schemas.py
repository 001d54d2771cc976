"""The JSON Schemas of a line of `probe --json` and of `trace --json`, with the closed lists of the code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from exporter.model.arrival import AuthenticationMethod, AuthenticationResult, Folder, MailboxProblem
from exporter.model.certificate import KeyType
from exporter.model.egress import EgressState
from exporter.model.evidence import ConnectOutcome
from exporter.model.failure import Confidence, FailureClass, Stage, Verdict
from exporter.model.path_trace import HopKind
from exporter.model.policy import DaneState, MtaStsMode, MtaStsProblem
from exporter.model.resolver import ResolverState
from exporter.model.tls_version import OLD_VERSIONS, VersionState
from exporter.model.warning import DomainWarning, HostWarning
from exporter.model.zone import NameserverState
from exporter.report.as_json import UP
from exporter.smtp.ehlo import EXTENSIONS, MECHANISMS

Schema = dict[str, Any]


def _object(about: str, keys: Mapping[str, Schema], *, optional: Iterable[str] = ()) -> Schema:
    """An object that has every key, but for the optional ones, and no other."""
    required = [key for key in keys if key not in optional]
    return _about({"type": "object"}, about) | {
        "properties": dict(keys),
        "required": required,
        "additionalProperties": False,
    }


def _about(schema: Schema, about: str) -> Schema:
    return schema | ({"description": about} if about else {})


def _text(about: str = "") -> Schema:
    return _about({"type": "string"}, about)


def _flag(about: str) -> Schema:
    return _about({"type": "boolean"}, about)


def _number(about: str, least: int = 0) -> Schema:
    return _about({"type": "integer", "minimum": least}, about)


def _one_of(values: Iterable[str], about: str = "") -> Schema:
    return _about({"enum": [str(value) for value in values]}, about)


def _list(items: Schema, about: str) -> Schema:
    return _about({"type": "array", "items": items}, about)


def _by(names: Schema, values: Schema, about: str) -> Schema:
    """An object whose keys are data."""
    return _about({"type": "object", "propertyNames": names, "additionalProperties": values}, about)


def _is(name: str, about: str = "") -> Schema:
    return _about({"$ref": f"#/$defs/{name}"}, about)


def _or_null(schema: Schema) -> Schema:
    about = schema.get("description", "")
    rest = {key: value for key, value in schema.items() if key != "description"}
    return _about({"anyOf": [rest, {"type": "null"}]}, about)


def _duration(about: str) -> Schema:
    return _is("duration", about)


def _side(states: str) -> Schema:
    since = _or_null(_is("time", "since when, where that is known"))
    return _object("", {"state": _is(states), "confidence": _is("confidence"), "since_timestamp_seconds": since})


_FAILURE: Final = {
    "stage": _is("stage"),
    "class": _is("class"),
    "verdict": _is("verdict"),
    "confidence": _is("confidence"),
    "detail": _text("the finding, half a sentence; it may quote a server"),
    "evidence": _list(_text(), "further observations that support it"),
    "about": _text("the name needed to act: a router, a block list, a nameserver; empty where there is none"),
}
_CERTIFICATE: Final = {
    "subject": _text("escaped and cut"),
    "issuer": _text("escaped and cut"),
    "not_before_timestamp_seconds": _is("time"),
    "not_after_timestamp_seconds": _is("time"),
    "sha256": _text("fingerprint of the certificate"),
    "key_sha256": _text("fingerprint of its SubjectPublicKeyInfo; empty where the key cannot be read"),
    "key_type": _one_of(KeyType),
    "key_bits": _or_null(_number("as OpenSSL counts them; null where the key cannot be read")),
}
_TLS: Final = {
    "version": _text("by OpenSSL's name"),
    "cipher": _text("by OpenSSL's name"),
    "verified": _flag("chain, name and dates of the certificate are right"),
    "faults": _list(_is("failure"), "the reasons why it is not verified"),
    "not_before_timestamp_seconds": _or_null(_is("time", "the latest begin among the certificates of the path")),
    "not_after_timestamp_seconds": _or_null(_is("time", "the earliest end among them")),
    "subject": _text("the names of the server's own certificate"),
    "issuer": _text("its issuer"),
    "chain": _list(_object("", _CERTIFICATE), "certificates as sent, the server's own first; the first eight"),
}
_DANE: Final = {
    "state": _one_of(DaneState),
    "records": _list(_text(), "TLSA records, as in a zone file"),
    "detail": _text(),
}
_CANARY: Final = {
    "folder": _or_null(_one_of(Folder, "where the last one was found; null: nowhere, or not known yet")),
    "arrival_seconds": _or_null(_duration("from its acceptance to the look that found it; null: not known")),
    "late": _flag("that one had been told as missing"),
    "last_arrival_timestamp_seconds": _or_null(_is("time", "of the last one that arrived")),
    "authentication": _by(
        _one_of(AuthenticationMethod), _one_of(AuthenticationResult), "as the receiving server found"
    ),
    "missing": _text("the sentence about one that did not arrive; empty: the last one has, or it is not known"),
    "mailbox_problem": _or_null(_one_of(MailboxProblem, "the reason why the mailbox cannot be looked into")),
    "awaited_since_timestamp_seconds": _or_null(_is("time", "of the acceptance of one whose outcome is not known yet")),
}
_LINE: Final = {
    "seconds": _duration("since the connect began"),
    "from": _one_of(("client", "server")),
    "text": _text("the line, escaped"),
}
_HOST: Final = {
    "mx": _text("name of the MX host; of a host that is named by its address, the address"),
    "address": _text("empty where the name has none"),
    "port": _number("port that is connected to", least=1),
    "module": _text("name of the dialogue"),
    "preference": _or_null(_number("preference of the MX record; null for a host without MX lookup")),
    "up": _flag("every stage of the module passed"),
    "failure": _or_null(_is("failure", "null while it is up")),
    "warnings": _list(_one_of(HostWarning), "what is wrong although it works: docs/reference/warnings.md"),
    "last_hop": _text("the last router on the path that answered, or the one that prohibits the port; else empty"),
    "witnesses": _by(
        {"pattern": "^[0-9]+$"}, _one_of(ConnectOutcome), "outcome of each other port of the address that was asked"
    ),
    "reply_codes": _by(_is("stage"), _is("code"), "the last code of each stage that had a reply"),
    "enhanced_status": _by(_is("stage"), _text(), "RFC 3463 code of each stage that failed with one"),
    "phase_duration_seconds": _by(_is("stage"), _is("duration"), "every stage that came to its end"),
    "unfinished": _or_null(
        _object("the stage in which the session ended", {"stage": _is("stage"), "seconds": _duration("waited in it")})
    ),
    "tcp_rtt_seconds": _or_null(_duration("the kernel's own round-trip time")),
    "esmtp": _or_null(_flag("false: only HELO worked; null: not known")),
    "extensions": _list(_one_of(EXTENSIONS), "offered with EHLO"),
    "size_limit_bytes": _or_null(_number("of SIZE; 0: offered without a limit; null: not offered")),
    "auth_mechanisms": _object(
        "SASL mechanisms that are offered",
        {place: _list(_one_of(MECHANISMS), "") for place in ("plaintext", "tls")},
    ),
    "recipients": _list(_object("", {"recipient": _text(), "code": _is("code")}), "the reply to each RCPT"),
    "tls": _or_null(_is("tls", "null: no TLS in the session")),
    "remarks": _list(_text(), "the reason of a warning, for a person"),
    "dane": _or_null(_object("null: not looked up", _DANE)),
    "old_tls_versions": _list(
        _object("", {"version": _one_of(OLD_VERSIONS), "state": _one_of(VersionState), "detail": _text()}),
        "empty: not asked for, or not known yet",
    ),
    "canary": _or_null(_object("the arrival of its messages; null: none is known of", _CANARY)),
    "dialogue": _list(_object("", _LINE), "every line of the session"),
}
_MTA_STS: Final = {
    "mode": _one_of(MtaStsMode),
    "valid": _or_null(_flag("record and policy are valid; null: no record, or not known")),
    "class": _or_null(_one_of(MtaStsProblem, "the fault")),
    "detail": _text(),
    "id": _text("of the record"),
    "mx": _list(_text(), "patterns of the policy"),
    "max_age_seconds": _or_null(_number("of the policy")),
}
_TLS_RPT: Final = {
    "present": _or_null(_flag("null: the record cannot be looked up")),
    "valid": _or_null(_flag("null: there is none")),
    "detail": _text(),
    "rua": _list(_text(), "addresses for reports"),
}
_NAMESERVER: Final = {
    "name": _text(),
    "address": _text("empty where the name has none"),
    "state": _one_of(NameserverState, "by its answer about the MX records"),
    "detail": _text(),
    "mx": _or_null(
        _list(_object("", {"preference": _number(""), "mx": _text()}), "its MX set; null: no answer with authority")
    ),
    "more_mx": _number("records beside these"),
    "mx_ttl_seconds": _or_null(_number("of its MX records")),
}
_ZONE: Final = {
    "name": _text("empty where it is not known"),
    "detail": _text("why it is not known, or what is open"),
    "mx_ttl_seconds": _or_null(_number("the longest of the MX records at its name servers")),
    "hidden_until_timestamp_seconds": _or_null(_is("time", "up to which our resolver may go on with an older MX set")),
    "asked_timestamp_seconds": _or_null(_is("time", "when the name servers were asked")),
    "more": _number("name servers and addresses that were not asked"),
    "nameservers": _list(_object("", _NAMESERVER), "each address of each name server"),
}
_LOOKUP: Final = {
    "duration_seconds": _or_null(_duration("null: everything was known")),
    "mx_records": _number("0: the domain is its own MX host"),
    "authenticated": _flag("the AD bit"),
    "signature_expiry_timestamp_seconds": _or_null(_is("time", "end of the first DNSSEC signature; null: none")),
    "signature_of": _text("the records that it is of; empty without one"),
    "unexpected": _list(_text(), "MX hosts that expect_mx does not name"),
    "missing": _list(_text(), "names and suffixes of expect_mx without an MX host"),
    "failure": _or_null(_is("failure")),
}
_OUR_SIDE: Final = {
    "ipv4": _side("egress_state"),
    "ipv6": _side("egress_state"),
    "resolver": _side("resolver_state"),
    "hidden_targets": _number("names of which nothing is known, because the fault is ours"),
    "summary": _text("the fault in a sentence; empty where there is none"),
}
_FOUND: Final = _object("", {"found": _number("found, probed or not"), "up": _number("passed every stage")})
_RESULT: Final = {
    "egress": _object("our own side", _OUR_SIDE, optional=("ipv4", "ipv6", "resolver")),
    "name": _text("name that was probed; domains in A-labels"),
    "up": _flag("at least one address passed every stage of its module"),
    "verdict": {"description": "up, or whom to call", "anyOf": [{"const": UP}, _is("verdict")]},
    "summary": _text("the finding in a sentence"),
    "evidence": _list(_text(), "what else supports it"),
    "next": _text("what to do; empty where nothing is wrong"),
    "section": _text("section of the documentation about it; empty where nothing is wrong"),
    "failure": _or_null(_is("failure", "null while it is up")),
    "timestamp_seconds": _is("time", "start of the probe"),
    "duration_seconds": _duration("duration of the whole probe"),
    "warnings": _list(_one_of(DomainWarning), "what is wrong with the domain although it works"),
    "providers": _list(_text(), "organisations of the MX hosts"),
    "addresses": _number("found, probed or not"),
    "addresses_up": _number("passed every stage"),
    "addresses_by_family": {"type": "object", "properties": {"ipv4": _FOUND, "ipv6": _FOUND}}
    | {"additionalProperties": False},
    "dns": _or_null(_object("the MX lookup; null for a host without one", _LOOKUP)),
    "mta_sts": _or_null(_object("null: not looked up", _MTA_STS)),
    "tls_rpt": _or_null(_object("null: not looked up", _TLS_RPT)),
    "zone": _or_null(_object("null: not looked up", _ZONE)),
    "hosts": _list(_is("host"), "every address, by preference"),
}


_HOP: Final = {
    "hop": _number("distance", least=1),
    "answer": _one_of(HopKind),
    "address": _or_null(_text("of the router or host that answered")),
    "rtt_seconds": _or_null(_is("duration")),
    "detail": _or_null(_text("of an answer of an unusual kind")),
}
_AGAINST: Final = {
    "port": _number("the port that is compared with", least=1),
    "reached": _flag("the host answered there"),
    "hops": _list(_is("hop"), "the path to it"),
}
_PATH: Final = {
    "name": _text("name that was asked for"),
    "mx": _text("name of the host"),
    "preference": _or_null(_number("preference of the MX record; null without one")),
    "address": _text("address of the host"),
    "port": _number("the port", least=1),
    "reached": _flag("the host answered"),
    "summary": _text("the finding in a sentence"),
    "hops": _list(_is("hop"), "the path, from the nearest router on"),
    "against": _or_null(_object("the same for another port; null where none is compared with", _AGAINST)),
}
_HEAD: Final = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
_WRITTEN: Final = "Written by `python docs/generate.py` from docs/json_schemas.py."
_SECONDS: Final = {"type": "number", "minimum": 0, "description": "seconds, at most six decimals"}


def trace_schema() -> Schema:
    """The schema of a line of `trace --json`."""
    head = _HEAD | {"title": "mx-exporter trace --json"}
    definitions = {"duration": _SECONDS, "hop": _object("one distance", _HOP)}
    return head | _object(f"The path to one address. {_WRITTEN}", _PATH) | {"$defs": definitions}


def probe_schema() -> Schema:
    """The schema of a line of `probe --json`."""
    head = _HEAD | {"title": "mx-exporter probe --json"}
    definitions = {
        "verdict": _one_of(Verdict, "whom to call"),
        "class": _one_of(FailureClass, "the reason: docs/reference/classes.md"),
        "stage": _one_of(Stage, "of a probe"),
        "confidence": _one_of(Confidence, "how surely the verdict is right"),
        "duration": _SECONDS,
        "time": {"type": "number", "description": "Unix time in seconds, at most three decimals"},
        "code": {"type": "integer", "minimum": 0, "maximum": 999, "description": "of an SMTP reply"},
        "egress_state": _one_of(EgressState, "of connections to port 25 over one family"),
        "resolver_state": _one_of(ResolverState, "of our resolver"),
        "failure": _object("a failure", _FAILURE),
        "tls": _object("the TLS of a session", _TLS),
        "host": _object("one address of one MX host", _HOST),
    }
    return head | _object(f"Result of one name. {_WRITTEN}", _RESULT) | {"$defs": definitions}
