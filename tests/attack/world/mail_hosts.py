"""The scripts of the hostile mail hosts: the lab's catalogue, and what may be done wrong with TLS."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Final

from cryptography import x509

from exporter.lab.smtp_script import (
    CLOSE,
    Answer,
    Drip,
    Flood,
    SmtpScript,
    Step,
    SwitchToTls,
    Wait,
    ordinary,
    reply,
)
from tests.attack.world.dhe import dhe_context
from tests.attack.world.kinds import Kind
from tests.attack.world.plan import Plan
from tests.support.certificates import DAY, Issued, authority, issue, server_context
from tests.support.hostile_hosts import GROUPS

_NAME: Final = "mx.hostile.example"
_OFFERING: Final = reply(250, _NAME, "SIZE 1000000", "STARTTLS")
_GO_AHEAD: Final = reply(220, "2.0.0 Ready")
_ALERT: Final = b"\x15\x03\x03\x00\x02\x02\x28"
_EMPTY_HANDSHAKE: Final = b"\x16\x03\x03\x00\x00"
_CHANGE_CIPHER_SPEC: Final = b"\x14\x03\x03\x00\x01\x01"
# The beginning of a ServerHello that never ends.
_SERVER_HELLO: Final = b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc\x03\x03" + b"x" * 200
_MANY_NAMES: Final = 2500  # about 64 KiB of certificate
_LONG_CHAIN: Final = 50


def scripts(kind: Kind, plan: Plan) -> list[SmtpScript]:
    """One for each domain of a kind."""
    group = kind.name.removeprefix("smtp-")
    if group in GROUPS:
        return [host.script for host in GROUPS[group]]
    return _MADE[kind.name](Path(plan.folder))


def offering(*steps: Step, **answers: Answer) -> SmtpScript:
    """A host that offers STARTTLS and plays `steps` when it is said."""
    return ordinary(_NAME, EHLO=_OFFERING, STARTTLS=steps, **answers)


def secured(context: ssl.SSLContext, **answers: Answer) -> SmtpScript:
    """A host that takes the handshake; `answers` are those under TLS."""
    return offering(_GO_AHEAD, SwitchToTls(context, ordinary(_NAME, **answers)))


def _injection(folder: Path) -> list[SmtpScript]:
    ahead = reply(250, "2.1.0 Ok") * 3 + reply(354, "go") + reply(221, "bye")
    return [
        ordinary(_NAME, EHLO=reply(250, _NAME) + ahead),
        ordinary(_NAME, EHLO=Flood(reply(250, "ok") * 100)),
        ordinary(_NAME, greeting=Flood(reply(421, "bye") + reply(220, "back"), 0.05)),
    ]


def _starttls_injection(folder: Path) -> list[SmtpScript]:
    context = _plain_context()
    return [
        offering(_GO_AHEAD + reply(250, _NAME, "AUTH PLAIN")),
        offering(_GO_AHEAD + reply(250, "injected"), SwitchToTls(context, ordinary(_NAME))),
        offering(_GO_AHEAD + _EMPTY_HANDSHAKE[:3], Wait(0.1), reply(250, "injected")),
    ]


def _refused(folder: Path) -> list[SmtpScript]:
    return [
        offering(reply(454, "4.7.0 TLS not available")),
        offering(reply(554, "5.7.3 no"), CLOSE),
        offering(_GO_AHEAD, CLOSE),
    ]


def _garbage(folder: Path) -> list[SmtpScript]:
    return [offering(_GO_AHEAD, os.urandom(4096)), offering(_GO_AHEAD, _ALERT), offering(_GO_AHEAD, Flood(b"x" * 4096))]


def _hang(folder: Path) -> list[SmtpScript]:
    return [
        offering(_GO_AHEAD, Wait(60)),
        offering(_GO_AHEAD, Drip(_SERVER_HELLO, 0.5)),
        offering(Wait(60), _GO_AHEAD),
    ]


def _certificates(folder: Path) -> list[SmtpScript]:
    many = issue(*(f"host-{number:04}.hostile.example" for number in range(_MANY_NAMES)))
    return [
        secured(many.context()),
        secured(_long_chain().context()),
        secured(issue(_NAME, end=-DAY).context()),
        secured(issue("another.example").context()),
        secured(issue(_NAME, extensions=[_nested_policies()]).context()),
    ]


def _second_ehlo(folder: Path) -> list[SmtpScript]:
    context = _plain_context()
    endless = Flood(b"250-XKEYWORD\r\n" * 64)
    return [secured(context, EHLO=None), secured(context, EHLO=reply(502, "no")), secured(context, EHLO=endless)]


def _dhe(folder: Path) -> list[SmtpScript]:
    return [secured(dhe_context(bits)) for bits in (10_000, 8_192, 4_096)]


def _records(folder: Path) -> list[SmtpScript]:
    """Records that say nothing, within the handshake and, a byte in each, after it."""
    tiny = Drip(reply(250, _NAME, *(f"X{number}" for number in range(2000))))
    return [
        offering(_GO_AHEAD, Flood(_CHANGE_CIPHER_SPEC * 500)),
        offering(_GO_AHEAD, Flood(_EMPTY_HANDSHAKE * 500)),
        secured(_plain_context(), EHLO=tiny),
    ]


def _thief(folder: Path) -> list[SmtpScript]:
    """With a certificate that everybody trusts: of its own name, which is all that an attacker needs."""
    context = server_context(folder / "hostile.pem", folder / "hostile.key")
    taken = {"EHLO": reply(250, _NAME, "AUTH PLAIN LOGIN"), "AUTH": reply(235, "2.7.0 thank you")}
    return [secured(context, **taken)]


def _plain_context() -> ssl.SSLContext:
    return issue(_NAME).context()


def _long_chain() -> Issued:
    found = authority("Root of many")
    for number in range(_LONG_CHAIN):
        found = issue(by=found, ca=True, subject=f"Intermediate {number}", end=timedelta(days=400))
    return issue(_NAME, by=found)


def _nested_policies() -> x509.ExtensionType:
    oids = (x509.ObjectIdentifier(f"1.3.6.1.4.1.55555.{number}") for number in range(1000))
    return x509.CertificatePolicies([x509.PolicyInformation(oid, ["https://hostile.example/" * 3]) for oid in oids])


_MADE: Final[Mapping[str, Callable[[Path], list[SmtpScript]]]] = MappingProxyType(
    {
        "smtp-injection": _injection,
        "starttls-injection": _starttls_injection,
        "starttls-refused": _refused,
        "starttls-garbage": _garbage,
        "starttls-hang": _hang,
        "starttls-certificates": _certificates,
        "starttls-second-ehlo": _second_ehlo,
        "tls-dhe": _dhe,
        "tls-handshake-records": _records,
        "auth-thief": _thief,
    }
)
