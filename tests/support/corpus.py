"""Chains on which libraries differ, each made here: what servers were seen to send, and what the RFCs forbid.

Nothing here says which are good: that is OpenSSL's to say, for senders ask it.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from tests.support.certificates import DAY, NOW
from tests.support.require import require_program

HOST: Final = "mx.example.org"
_EKU: Final = ExtendedKeyUsageOID
ANY_PURPOSE: Final = ObjectIdentifier("2.5.29.37.0")


@dataclass(frozen=True)
class Made:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)


@dataclass(frozen=True)
class Case:
    """What a server sends, its own certificate first, and what this system trusts."""

    name: str
    chain: tuple[bytes, ...]
    roots: tuple[bytes, ...]


def named(text: str, kind: Any = _ASN1Type.UTF8String) -> x509.Name:
    """A name of an organisation and a common name, in one of the encodings of text."""
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Lab", _type=kind),
            x509.NameAttribute(NameOID.COMMON_NAME, text, _type=kind),
        ]
    )


def make(
    subject: x509.Name | str,
    by: Made | None = None,
    *,
    issuer: x509.Name | None = None,
    key: ec.EllipticCurvePrivateKey | None = None,
    ca: bool | None = None,
    path_length: int | None = None,
    dates: tuple[timedelta, timedelta] = (-30 * DAY, 90 * DAY),
    hosts: Sequence[str] = (),
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
) -> Made:
    """A certificate by `by` or by itself; `issuer` writes the issuer's name otherwise than its own certificate does."""
    own = key or ec.generate_private_key(ec.SECP256R1())
    name = named(subject) if isinstance(subject, str) else subject
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer or (name if by is None else by.certificate.subject))
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + dates[0])
        .not_valid_after(NOW + dates[1])
    )
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca, path_length), critical=True)
    if hosts:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts]), False)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return Made(builder.sign(own if by is None else by.key, hashes.SHA256()), own)


def root(name: str = "Root", **options: Any) -> Made:
    return make(name, ca=True, dates=(-1000 * DAY, 1000 * DAY), **options)


def leaf(by: Made, **options: Any) -> Made:
    return make(HOST, by, **{"hosts": (HOST,), **options})


@cache
def corpus() -> tuple[Case, ...]:
    """All of them; made once."""
    return (*_spares(), *_names(), *_constraints(), *_rights(), *_sent(), *_dates())


def _case(name: str, roots: Made | Sequence[Made], *chain: Made) -> Case:
    trusted = (roots,) if isinstance(roots, Made) else roots
    return Case(name, tuple(one.der for one in chain), tuple(one.der for one in trusted))


def _spares() -> Iterator[Case]:
    """Cross-signed roots and issuers, alive and expired, beside a path that needs them or does not."""
    new, old = root("New"), root("Old")
    middle = make("Middle", new, ca=True)
    own = leaf(middle)
    over = make("New", old, ca=True, key=new.key, dates=(-900 * DAY, -1 * DAY))
    alive = make("New", old, ca=True, key=new.key)
    yield _case("expired cross certificate, root known", new, own, middle, over)
    yield _case("expired cross certificate, root unknown", old, own, middle, over)
    yield _case("cross certificate, only the old root known", old, own, middle, alive)
    yield _case("cross certificate, both roots known", (new, old), own, middle, alive)
    yield _case("expired cross certificate first, then one alive", old, own, middle, over, alive)
    yield _case("root itself sent, known", new, own, middle, new)
    yield _case("root itself sent, unknown", old, own, middle, new)
    lapsed = make("New", ca=True, key=new.key, dates=(-900 * DAY, -1 * DAY))
    yield _case("an expired root of the same name and key beside the good one", (lapsed, new), own, middle)
    twin = make("Middle", new, ca=True, key=middle.key, dates=(-90 * DAY, -1 * DAY))
    yield _case("issuer renewed with one key, the expired one first", new, own, twin, middle)
    yield _case("issuer renewed with one key, the expired one last", new, own, middle, twin)
    early = make("Middle", new, ca=True, key=middle.key, dates=(1 * DAY, 90 * DAY))
    yield _case("issuer renewed with one key, the next one sent too", new, own, early, middle)
    other = make("Middle", new, ca=True)
    yield _case("two issuers of one name, the wrong one first", new, own, other, middle)
    yield _case("two issuers of one name, the wrong one alone", new, own, other)
    stranger = make("Middle", old, ca=True, key=middle.key)
    yield _case("one issuer under two roots, the unknown one first", new, own, stranger, middle)
    yield _case("one issuer under two roots, the unknown one alone", new, own, stranger)
    identified = make(
        HOST, middle, hosts=(HOST,),
        extensions=((x509.AuthorityKeyIdentifier.from_issuer_public_key(middle.key.public_key()), False),),
    )  # fmt: skip
    marked = [
        make("Middle", new, ca=True, key=key, extensions=((x509.SubjectKeyIdentifier.from_public_key(public), False),))
        for key, public in ((None, old.key.public_key()), (middle.key, middle.key.public_key()))
    ]
    yield _case("two issuers of one name told apart by their key identifiers", new, identified, *marked)
    yield _case("an issuer whose key identifier is another", new, identified, marked[0])


def _names() -> Iterator[Case]:
    """One text in several encodings, spaces and letters."""
    kinds = {"printable": _ASN1Type.PrintableString, "utf8": _ASN1Type.UTF8String, "bmp": _ASN1Type.BMPString}
    for have, kind in kinds.items():
        for write, other in kinds.items():
            trusted = root("Root")
            middle = make(named("Lab CA", kind), trusted, ca=True)
            own = leaf(middle, issuer=named("Lab CA", other))
            yield _case(f"issuer written as {write}, its own name as {have}", trusted, own, middle)
    trusted = root("Root")
    middle = make(named("Lab CA"), trusted, ca=True)
    for write in ("LAB ca", "Lab  CA", " Lab CA ", "LabCA", "Lab CA\u00a0"):
        yield _case(f"issuer written as {write!r}", trusted, leaf(middle, issuer=named(write)), middle)
    empty = make(x509.Name([]), trusted, ca=True)
    yield _case("an issuer without a name", trusted, leaf(empty), empty)


def _constraints() -> Iterator[Case]:
    """Name constraints of every kind that names have (RFC 5280 4.2.1.10)."""
    lab = x509.DirectoryName(x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Lab")]))
    foreign = x509.DirectoryName(x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Other")]))
    wider = x509.DirectoryName(x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "LAB")]))
    cases: dict[str, tuple[list[x509.GeneralName] | None, list[x509.GeneralName] | None]] = {
        "dns permitted": ([x509.DNSName("example.org")], None),
        "dns permitted with a dot": ([x509.DNSName(".example.org")], None),
        "dns permitted elsewhere": ([x509.DNSName("example.net")], None),
        "dns excluded": (None, [x509.DNSName("example.org")]),
        "dns excluded elsewhere": (None, [x509.DNSName("example.net")]),
        "directory name permitted": ([lab], None),
        "directory name permitted in other letters": ([wider], None),
        "directory name permitted elsewhere": ([foreign], None),
        "directory name excluded": (None, [lab]),
        "directory name excluded elsewhere": (None, [foreign]),
        "mail address permitted": ([x509.RFC822Name("example.net")], None),
        "uri permitted": ([x509.UniformResourceIdentifier("example.net")], None),
        "registered id permitted": ([x509.RegisteredID(ObjectIdentifier("1.2.3"))], None),
    }
    for name, (permitted, excluded) in cases.items():
        for critical in (True, False):
            trusted = root("Root")
            limits = x509.NameConstraints(permitted, excluded)
            middle = make("Middle", trusted, ca=True, extensions=((limits, critical),))
            yield _case(f"{name}, {'critical' if critical else 'not critical'}", trusted, leaf(middle), middle)
            yield _case(f"{name}, common name alone, {critical}", trusted, leaf(middle, hosts=()), middle)
    limited = root("Limited", extensions=((x509.NameConstraints([x509.DNSName("example.net")], None), True),))
    yield _case("dns permitted elsewhere by the root", limited, leaf(limited))


def _rights() -> Iterator[Case]:
    """Who may issue what, and what for."""
    trusted = root("Root")
    rights: dict[str, dict[str, Any]] = {
        "no basic constraints": {},
        "CA:FALSE": {"ca": False},
        "no basic constraints, key usage certSign": {"extensions": ((_usage(key_cert_sign=True), True),)},
        "CA:TRUE without certSign": {"ca": True, "extensions": ((_usage(digital_signature=True), True),)},
        "CA:TRUE with certSign": {"ca": True, "extensions": ((_usage(key_cert_sign=True), True),)},
        "pathlen 0": {"ca": True, "path_length": 0},
        "for servers": {"ca": True, "extensions": ((x509.ExtendedKeyUsage([_EKU.SERVER_AUTH]), False),)},
        "for clients": {"ca": True, "extensions": ((x509.ExtendedKeyUsage([_EKU.CLIENT_AUTH]), False),)},
        "for any purpose": {"ca": True, "extensions": ((x509.ExtendedKeyUsage([ANY_PURPOSE]), False),)},
        "Netscape's type": {"extensions": ((_netscape(b"\x03\x02\x02\x04"), False),)},
    }
    for name, options in rights.items():
        middle = make("Middle", trusted, **options)
        yield _case(f"issuer: {name}", trusted, leaf(middle), middle)
        below = make("Below", middle, ca=True)
        yield _case(f"issuer of an issuer: {name}", trusted, leaf(below), below, middle)
        itself = make("Root", dates=(-1000 * DAY, 1000 * DAY), **options)
        yield _case(f"root: {name}", itself, leaf(itself))
    for name, extension in {
        "for clients": x509.ExtendedKeyUsage([_EKU.CLIENT_AUTH]),
        "for servers and clients": x509.ExtendedKeyUsage([_EKU.SERVER_AUTH, _EKU.CLIENT_AUTH]),
        "for any purpose": x509.ExtendedKeyUsage([ANY_PURPOSE]),
        "for Microsoft's server gating": x509.ExtendedKeyUsage([ObjectIdentifier("1.3.6.1.4.1.311.10.3.3")]),
        "key usage digitalSignature": _usage(digital_signature=True),
        "key usage keyEncipherment": _usage(key_encipherment=True),
        "key usage certSign": _usage(key_cert_sign=True),
        "key usage nonRepudiation": _usage(content_commitment=True),
        "Netscape's server": _netscape(b"\x03\x02\x06\x40"),
        "Netscape's client": _netscape(b"\x03\x02\x07\x80"),
        "unknown": x509.UnrecognizedExtension(ObjectIdentifier("1.2.3.4"), b"\x05\x00"),
    }.items():
        yield _case(f"own: {name}", trusted, leaf(trusted, extensions=((extension, False),)))
        yield _case(f"own: {name}, critical", trusted, leaf(trusted, extensions=((extension, True),)))
    yield _case("own: a certificate authority", trusted, leaf(trusted, ca=True))


def _sent() -> Iterator[Case]:
    """What belongs in a chain and what does not, in which order (RFC 8446 4.4.2)."""
    trusted, other = root("Root"), root("Other")
    outer = make("Outer", trusted, ca=True)
    inner = make("Inner", outer, ca=True)
    own = leaf(inner)
    yield _case("whole and in order", trusted, own, inner, outer)
    yield _case("in the wrong order", trusted, own, outer, inner)
    yield _case("with its root in between", trusted, own, trusted, outer, inner)
    yield _case("every one twice", trusted, own, own, inner, inner, outer, outer)
    yield _case("no intermediate", trusted, own)
    yield _case("the nearest intermediate is missing", trusted, own, outer)
    yield _case("the farthest intermediate is missing", trusted, own, inner)
    yield _case("strangers among them", trusted, own, other, make("Stranger", other, ca=True), outer, inner)
    yield _case("an intermediate is trusted, and its root is not", outer, own, inner, outer)
    yield _case("its own certificate is trusted, and no root", own, own, inner, outer)
    alone = make(HOST, hosts=(HOST,))
    yield _case("self-signed", trusted, alone)
    yield _case("self-signed and trusted", alone, alone)
    yield _case("self-signed by an authority, trusted", trusted, trusted)
    yield _case("issued by a root", trusted, leaf(trusted))
    yield _case("issued by an unknown root", other, leaf(trusted), trusted)
    same = [make("Same", trusted, ca=True, key=inner.key, dates=(-9 * DAY, (9 + n) * DAY)) for n in range(50)]
    yield _case("50 certificates of one name and key", trusted, leaf(same[0]), *same)
    yield _case("50 certificates of one name and key, none of them needed", trusted, own, *same, inner, outer)
    for length in (9, 10, 20, 50):
        chain = [make("Step 0", trusted, ca=True)]
        for step in range(1, length):
            chain.insert(0, make(f"Step {step}", chain[0], ca=True))
        yield _case(f"{length} issuers one above the other", trusted, leaf(chain[0]), *chain)
    first, second = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    above = make("Circle A", key=first, ca=True)
    circle = [make("Circle B", above, key=second, ca=True), make("Circle A", replace(above, key=second), ca=True)]
    circle[1] = make("Circle A", circle[0], key=first, ca=True)
    yield _case("a circle", trusted, leaf(above), *circle)
    damaged = bytearray(inner.der)
    damaged[-1] ^= 1
    yield Case("an issuer whose signature is damaged", (own.der, bytes(damaged), outer.der), (trusted.der,))
    forged = make(HOST, replace(inner, key=other.key), hosts=(HOST,))
    yield _case("a signature of somebody else's key", trusted, forged, inner, outer)


def _dates() -> Iterator[Case]:
    """The same for what is over and what has not begun."""
    past, coming = (-90 * DAY, -1 * DAY), (1 * DAY, 90 * DAY)
    for name, dates in (("expired", past), ("not yet valid", coming)):
        trusted = root("Root")
        middle = make("Middle", trusted, ca=True)
        dated = make("Middle", trusted, ca=True, dates=dates)
        yield _case(f"own is {name}", trusted, leaf(middle, dates=dates), middle)
        yield _case(f"issuer is {name}", trusted, leaf(dated), dated)
        itself = make("Root", ca=True, dates=dates)
        yield _case(f"root is {name}", itself, leaf(itself))


def weakly_signed(digest: str) -> Case:
    """A chain signed as twenty years ago, which Postfix takes at its level 0; our own library signs so no more."""
    trusted = root("Root")
    middle = _weakly_signed(make("Middle", ca=True), trusted, digest)
    own = _weakly_signed(make(HOST, hosts=(HOST,)), middle, digest)
    return _case(f"signed with {digest}", trusted, own, middle)


def _weakly_signed(made: Made, by: Made, digest: str) -> Made:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        for name, one in (("own", made), ("by", by)):
            (place / f"{name}.pem").write_bytes(one.certificate.public_bytes(Encoding.PEM))
        key = by.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (place / "by.key").write_bytes(key)
        argv = [require_program("openssl"), "x509", f"-{digest}", "-in", str(place / "own.pem"), "-days", "30"]
        argv += ["-CA", str(place / "by.pem"), "-CAkey", str(place / "by.key"), "-outform", "DER"]
        signed = subprocess.run(argv, check=True, capture_output=True, timeout=60).stdout
    return Made(x509.load_der_x509_certificate(signed), made.key)


def openssl_verifies(case: Case, folder: Path) -> bool:
    """Whether OpenSSL's own command takes the chain for that of a server."""
    files = {"roots": case.roots, "sent": case.chain[1:], "own": case.chain[:1]}
    for name, ders in files.items():
        certificates = [x509.load_der_x509_certificate(der) for der in ders]
        (folder / f"{name}.pem").write_bytes(b"".join(one.public_bytes(Encoding.PEM) for one in certificates))
    argv = [require_program("openssl"), "verify", "-no-CApath", "-no-CAstore", "-CAfile", str(folder / "roots.pem")]
    argv += ["-untrusted", str(folder / "sent.pem")] if case.chain[1:] else []
    argv += ["-purpose", "sslserver", str(folder / "own.pem")]
    return subprocess.run(argv, check=False, capture_output=True, timeout=60).returncode == 0


def _usage(**bits: bool) -> x509.KeyUsage:
    names = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{name: bits.get(name, False) for name in names})


def _netscape(value: bytes) -> x509.UnrecognizedExtension:
    return x509.UnrecognizedExtension(ObjectIdentifier("2.16.840.1.113730.1.1"), value)
