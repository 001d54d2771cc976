"""Addresses of MAIL FROM and RCPT TO (RFC 5321 4.1.2), and arguments of VRFY and EXPN."""

from __future__ import annotations

import re
from typing import Final

from exporter.config.values import parse_address_literal, parse_domain
from exporter.model.printable import printable, quoted
from exporter.model.target import DOMAIN_PLACEHOLDER

# RFC 5321 4.5.3.1.1, 4.5.3.1.3: octets; a path of 256 includes the angle brackets.
MAX_LOCAL_PART: Final = 64
MAX_MAILBOX: Final = 254
# RFC 5321 4.5.3.1.4: a command line has 512 octets; with the verb, a space and CRLF this one stays below.
MAX_ARGUMENT: Final = 500
_SHOWN: Final = 40  # characters of a wrong one

# RFC 5321 4.1.2, with RFC 6531 3.3: any non-ASCII character may stand where an atom's or a quoted string's may.
_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-\u00a0-\U0010ffff]+"
_LOCAL_PART: Final = re.compile(rf"{_ATOM}(?:\.{_ATOM})*" r'|"(?:[ !#-\[\]-~\u00a0-\U0010ffff]|\\[ -~])*"')
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_BRACES: Final = re.compile(r"\{[^{}]*\}|[{}]")


def parse_mailbox(text: str) -> str:
    """`local-part@domain`; a domain in A-labels (RFC 5321 2.3.5)."""
    local, at, domain = text.rpartition("@")
    if not at:
        raise ValueError(f"{quoted(text)} is not a mail address: it has no @")
    if _LOCAL_PART.fullmatch(local) is None:
        raise ValueError(f"{quoted(text)} is not a mail address: wrong before the @")
    if len(local.encode()) > MAX_LOCAL_PART:
        raise ValueError(f"{quoted(text)} is not a mail address: more than {MAX_LOCAL_PART} octets before the @")
    try:
        domain = parse_address_literal(domain) if domain.startswith("[") else parse_domain(domain)
    except ValueError as error:
        raise ValueError(f"{quoted(text)} is not a mail address: {error}") from None
    mailbox = f"{local}@{domain}"
    if len(mailbox.encode()) > MAX_MAILBOX:
        raise ValueError(f"{quoted(text)} is not a mail address: more than {MAX_MAILBOX} octets")
    return mailbox


def parse_reverse_path(text: str) -> str:
    """The address of MAIL FROM; empty is the null reverse-path <>."""
    return parse_mailbox(text) if text else ""


def parse_recipient(text: str) -> str:
    """The address of RCPT TO; `{domain}` stands for the domain probed, and stays."""
    if text.lower() == "postmaster":
        return text  # RFC 5321 4.1.1.3: the one recipient without a domain
    for found in _BRACES.findall(text):
        if found != DOMAIN_PLACEHOLDER:
            raise ValueError(
                f"{quoted(text)}: {printable(found, _SHOWN)} is no placeholder; {DOMAIN_PLACEHOLDER} is the only one"
            )
    if DOMAIN_PLACEHOLDER not in text:
        return parse_mailbox(text)
    parse_mailbox(text.replace(DOMAIN_PLACEHOLDER, "d.example"))
    return text


def parse_argument(text: str) -> str:
    """The argument of VRFY or EXPN (a user, a list); empty: not asked."""
    wrong = _CONTROL.search(text)
    if wrong is not None:
        raise ValueError(f"{quoted(text)} contains the control character U+{ord(wrong[0]):04X}")
    if text != text.strip():
        raise ValueError(f"{quoted(text)} begins or ends with a space")
    if len(text.encode()) > MAX_ARGUMENT:
        raise ValueError(f"{quoted(text)} is longer than {MAX_ARGUMENT} octets")
    return text


def needs_smtputf8(mailbox: str) -> bool:
    """True where the address can be sent only to a server that offers SMTPUTF8 (RFC 6531 3.3)."""
    return not mailbox.isascii()
