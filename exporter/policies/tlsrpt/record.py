"""SMTP TLS Reporting (RFC 8460 3): the TXT record at `_smtp._tls.<domain>` that says where reports go. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from exporter.policies.txt_record import only_record

_WSP: Final = " \t"  # allowed around ";" and ","
_EXTENSION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}=[\x21-\x3a\x3c\x3e-\x7e]+")
# RFC 3986 characters without those that RFC 8460 3 wants percent-encoded ("!", "," and ";").
_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?:[A-Za-z0-9._~:/?#\[\]@$&'()*+=-]|%[0-9A-Fa-f]{2})+")
_MAILBOX: Final = re.compile(r"[^@?]+@[^@?]+(?:\?.*)?")


def report_addresses(texts: Sequence[bytes]) -> tuple[str, ...] | None:
    """The addresses for reports, from the texts of all TXT records of the name; None if none is about TLS reporting.

    Addresses of other schemes than `mailto` and `https` are well formed but useless, so they are left out. Raises
    ValueError with a sentence where the records are wrong, so that no sender reports.
    """
    found = only_record(texts, b"TLSRPT")
    if found is None:
        return None
    try:
        text = found.decode("ascii")
    except UnicodeDecodeError:
        raise ValueError("the record is not ASCII") from None
    if text != text.strip(_WSP):
        raise ValueError("the record begins or ends with a space")
    version, *fields = (part.strip(_WSP) for part in text.split(";"))
    if version != "v=TLSRPTv1":
        raise ValueError(f"the record does not begin with v=TLSRPTv1: {text[:128]!r}")
    if fields and fields[-1] == "":
        fields.pop()  # the last delimiter is optional
    return _addresses(fields)


def _addresses(fields: list[str]) -> tuple[str, ...]:
    addresses: list[str] = []
    named = False
    for field in fields:
        if field.startswith("rua="):
            named = True
            addresses += filter(_is_usable, map(_checked, _listed(field.removeprefix("rua="))))
        elif _EXTENSION.fullmatch(field) is None:
            raise ValueError(f"the record has a malformed field: {field[:128]!r}")
    if not named:
        raise ValueError("the record has no rua")
    if not addresses:
        raise ValueError("no rua is a mailto or https address")
    return tuple(addresses)


def _listed(value: str) -> list[str]:
    first, *others = value.split(",")
    # RFC 8460 3: no space between "rua=" and the first.
    return [*([first.rstrip(_WSP)] if others else [first]), *(other.strip(_WSP) for other in others)]


def _checked(uri: str) -> str:
    if _URI.fullmatch(uri) is None:
        raise ValueError(f"rua is not a URI: {uri[:128]!r}")
    scheme, _, rest = uri.partition(":")
    if scheme.lower() == "mailto" and _MAILBOX.fullmatch(rest) is None:
        raise ValueError(f"rua names no mailbox: {uri[:128]!r}")
    if scheme.lower() == "https" and not _host(uri):
        raise ValueError(f"rua names no host: {uri[:128]!r}")
    return uri


def _host(uri: str) -> str | None:
    try:
        return urlsplit(uri).hostname
    except ValueError:
        return None


def _is_usable(uri: str) -> bool:
    return uri.partition(":")[0].lower() in ("mailto", "https")
