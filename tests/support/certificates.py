"""Certificates of every kind a server can have, right ones and wrong ones, and the contexts that present them."""

from __future__ import annotations

import ssl
import subprocess
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from tests.support.require import require_program

DAY: Final = timedelta(days=1)
NOW: Final = datetime.now(UTC)
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True)
class Issued:
    """A certificate with its key and what was issued above it, without the root."""

    certificate: x509.Certificate
    key: Key
    above: tuple[x509.Certificate, ...] = ()

    @property
    def chain(self) -> tuple[bytes, ...]:
        """DER, its own first."""
        return tuple(found.public_bytes(serialization.Encoding.DER) for found in (self.certificate, *self.above))

    @property
    def der(self) -> bytes:
        """The certificate alone."""
        return self.chain[0]

    @property
    def pem(self) -> str:
        """The certificate alone."""
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    def write(self, folder: Path, name: str = "server") -> tuple[Path, Path]:
        """Files for a real server: the chain, and the key for its owner alone."""
        chain, key = folder / f"{name}.pem", folder / f"{name}.key"
        chain.write_text("".join(map(ssl.DER_cert_to_PEM_cert, self.chain)))
        key.write_bytes(_key_pem(self.key))
        key.chmod(0o600)
        return chain, key

    def context(self) -> ssl.SSLContext:
        """A server that presents the chain."""
        with tempfile.TemporaryDirectory() as folder:
            return server_context(*self.write(Path(folder)))


def server_context(chain: Path, key: Path | None = None) -> ssl.SSLContext:
    """A server that presents what is in `chain`, however weak."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.load_cert_chain(chain, key)
    return context


def only_tls_1_0(context: ssl.SSLContext) -> ssl.SSLContext:
    """A server of twenty years ago."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1
    return context


def issue(
    *names: str,
    by: Issued | None = None,
    ca: bool = False,
    subject: str = "",
    start: timedelta = -30 * DAY,
    end: timedelta = 90 * DAY,
    key: Key | None = None,
    extensions: Sequence[x509.ExtensionType] = (),
) -> Issued:
    """A certificate for `names` (hosts and addresses), signed by `by` or by itself; dates are relative to now."""
    own_key = key or ec.generate_private_key(ec.SECP256R1())
    common_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject or (names[0][:64] if names else "x"))])
    builder = (
        x509.CertificateBuilder()
        .subject_name(common_name)
        .issuer_name(common_name if by is None else by.certificate.subject)
        .public_key(own_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + start)
        .not_valid_after(NOW + end)
    )
    found: list[Any] = [*extensions]
    if names:
        found.append(x509.SubjectAlternativeName([_general_name(name) for name in names]))
    if ca:
        found.append(x509.BasicConstraints(ca=True, path_length=None))
    for extension in found:
        builder = builder.add_extension(extension, critical=False)
    certificate = builder.sign(own_key if by is None else by.key, hashes.SHA256())
    above = () if by is None or by.certificate.subject == by.certificate.issuer else (by.certificate, *by.above)
    return Issued(certificate, own_key, above)


def authority(name: str = "Lab Root", **options: Any) -> Issued:
    """A root."""
    return issue(ca=True, subject=name, start=-1000 * DAY, end=1000 * DAY, **options)


def sha1_context(folder: Path, name: str) -> ssl.SSLContext:
    """A server whose certificate is signed with SHA-1 by itself; our own library does not sign so any more."""
    openssl = require_program("openssl")
    chain, key = folder / "sha1.pem", folder / "sha1.key"
    argv = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-sha1", "-days", "90", "-subj", f"/CN={name}"]
    argv += ["-addext", f"subjectAltName=DNS:{name}", "-keyout", str(key), "-out", str(chain)]
    subprocess.run(argv, check=True, capture_output=True)
    return server_context(chain, key)


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _key_pem(key: Key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
