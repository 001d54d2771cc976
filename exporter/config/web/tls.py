"""`tls_server_config` as an SSL context: certificates read and tried, each mistake with the key it belongs to."""

from __future__ import annotations

import contextlib
import os
import ssl
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

from exporter.config.file_errors import may_come
from exporter.config.web.schema import CIPHER_SUITES, CURVES, TlsServerSection

# A chain, or a bundle of authorities: the web's whole is a quarter of it.
MAX_PEM_BYTES: Final = 1 << 20

_VERSIONS: Final = MappingProxyType(
    {
        "TLS10": ssl.TLSVersion.TLSv1,
        "TLS11": ssl.TLSVersion.TLSv1_1,
        "TLS12": ssl.TLSVersion.TLSv1_2,
        "TLS13": ssl.TLSVersion.TLSv1_3,
    }
)
_VERIFYING: Final = MappingProxyType(
    {"VerifyClientCertIfGiven": ssl.CERT_OPTIONAL, "RequireAndVerifyClientCert": ssl.CERT_REQUIRED}
)


class TlsError(ValueError):
    """A mistake, and its key in `tls_server_config`; empty for the section as a whole. `heals`: the file may come."""

    def __init__(self, key: str, message: str, *, heals: bool = False) -> None:
        super().__init__(message)
        self.key = key
        self.heals = heals


class TlsSectionError(Exception):
    """Every mistake of a section."""

    def __init__(self, errors: Sequence[TlsError]) -> None:
        super().__init__(*errors)
        self.errors = tuple(errors)


def server_context(section: TlsServerSection, folder: Path) -> ssl.SSLContext:
    """A context that serves as `section` says; relative file names are beside the file. Raises TlsSectionError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    # A scraper keeps its connection. A resumed session would skip the checks of a changed configuration.
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION
    context.num_tickets = 0
    errors: list[TlsError] = []
    pem: dict[str, bytes] = {}
    with _noted(errors):
        _versions(context, section)
    with _noted(errors):
        _ciphers(context, section)
    for name in ("cert", "key"):
        with _noted(errors):
            pem[name] = _own_pem(section, name, folder)
    if len(pem) == 2:
        with _noted(errors):
            _own_certificate(context, section, pem["cert"], pem["key"])
    with _noted(errors):
        _client_certificates(context, section, folder)
    if errors:
        raise TlsSectionError(errors)
    return context


@contextlib.contextmanager
def _noted(errors: list[TlsError]) -> Iterator[None]:
    """Keep an error for later, so that the next one is found too."""
    try:
        yield
    except TlsError as error:
        errors.append(error)


def _versions(context: ssl.SSLContext, section: TlsServerSection) -> None:
    least, most = _VERSIONS[section.min_version], _VERSIONS[section.max_version]
    if least > most:
        raise TlsError("max_version", f"{section.max_version} is below min_version, {section.min_version}")
    with warnings.catch_warnings():
        # RFC 8996: 1.0 and 1.1 are not to be used. A user who configures them means it; OpenSSL may still refuse them.
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version, context.maximum_version = least, most


def _ciphers(context: ssl.SSLContext, section: TlsServerSection) -> None:
    if not section.prefer_server_cipher_suites:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    names = [CIPHER_SUITES[suite] for suite in section.cipher_suites if CIPHER_SUITES[suite]]
    if names:
        context.set_ciphers(":".join(names))
    elif section.cipher_suites:
        if section.max_version != "TLS13":
            raise TlsError("cipher_suites", f"none of these is a suite of {section.max_version}")
        context.minimum_version = ssl.TLSVersion.TLSv1_3
    if len(section.curve_preferences) > 1:
        raise TlsError("curve_preferences", "Python takes a single curve: name one, or leave the choice to OpenSSL")
    for curve in section.curve_preferences:
        context.set_ecdh_curve(CURVES[curve])


def _own_pem(section: TlsServerSection, name: str, folder: Path) -> bytes:
    """The certificate or the key. Raises TlsError."""
    file = f"{name}_file"
    if getattr(section, name) and getattr(section, file):
        raise TlsError(name, f"is given twice: as {file} too")
    if not getattr(section, name) and not getattr(section, file):
        raise TlsError("", f"{file} is missing")
    return _pem(section, name, folder)


def _own_certificate(context: ssl.SSLContext, section: TlsServerSection, certificate: bytes, key: bytes) -> None:
    with _as_file(certificate) as certificate_path, _as_file(key) as key_path:
        try:
            context.load_cert_chain(certificate_path, key_path, password=_no_password)
        except _EncryptedKeyError:
            raise TlsError(
                _given(section, "key"), "the key is encrypted: the exporter cannot ask for a password"
            ) from None
        except ssl.SSLError as error:
            if error.reason == "KEY_VALUES_MISMATCH":
                raise TlsError(_given(section, "key"), "is not the key of the certificate") from None
            where = "key" if _is_certificate(certificate_path) else "cert"
            what = "private key" if where == "key" else "certificate"
            raise TlsError(_given(section, where), f"has no {what} in PEM form that can be used{_why(error)}") from None


def _client_certificates(context: ssl.SSLContext, section: TlsServerSection, folder: Path) -> None:
    mode = _VERIFYING.get(section.client_auth_type or "", ssl.CERT_NONE)
    given = bool(section.client_ca or section.client_ca_file)
    if section.client_ca and section.client_ca_file:
        raise TlsError("client_ca", "is given twice: as client_ca_file too")
    if given and section.client_auth_type in (None, "NoClientCert"):
        raise TlsError(_given(section, "client_ca"), "has no effect without client_auth_type")
    if section.client_allowed_sans and mode is not ssl.CERT_REQUIRED:
        raise TlsError("client_allowed_sans", "needs client_auth_type: RequireAndVerifyClientCert")
    if given:
        authorities = _pem(section, "client_ca", folder)
        try:
            context.load_verify_locations(cadata=authorities.decode("ascii", "replace"))
        except ssl.SSLError as error:
            message = f"has no certificate in PEM form that can be used{_why(error)}"
            raise TlsError(_given(section, "client_ca"), message) from None
    elif mode is not ssl.CERT_NONE:
        context.load_default_certs(ssl.Purpose.CLIENT_AUTH)  # as Go does: the system's
    # RequestClientCert lets all clients in: the same as no request.
    context.verify_mode = mode
    # As Go does: each named authority is trusted, a root or not.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN


def _given(section: TlsServerSection, name: str) -> str:
    return name if getattr(section, name) else f"{name}_file"


def _pem(section: TlsServerSection, name: str, folder: Path) -> bytes:
    """The text itself, or that of the file. Raises TlsError."""
    inline: str = getattr(section, name)
    file: str = getattr(section, f"{name}_file")
    raw = inline.encode()
    if file:
        try:
            with (folder / file).open("rb") as opened:
                raw = opened.read(MAX_PEM_BYTES + 1)
        except OSError as error:
            why = f"cannot be read: {error.strerror or type(error).__name__}"
            raise TlsError(f"{name}_file", why, heals=may_come(error)) from None
    if len(raw) > MAX_PEM_BYTES:
        raise TlsError(_given(section, name), f"has more than {MAX_PEM_BYTES} bytes")
    if not raw.strip():
        raise TlsError(_given(section, name), "is empty")
    return raw


@contextlib.contextmanager
def _as_file(content: bytes) -> Iterator[str]:
    """A file with the checked bytes, for a library that takes only files. In memory where possible."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("pem", os.MFD_CLOEXEC)
        try:
            os.write(descriptor, content)
            yield f"/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)
        return
    with tempfile.TemporaryDirectory(prefix="mx-exporter-") as folder:
        path = Path(folder) / "pem"
        path.write_bytes(content)
        yield str(path)


def _is_certificate(path: str) -> bool:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except ssl.SSLError:
        return False
    return True


def _why(error: ssl.SSLError) -> str:
    """OpenSSL's reason, where there is one."""
    return f": {error.reason.lower().replace('_', ' ')}" if error.reason else ""


class _EncryptedKeyError(Exception):
    pass


def _no_password() -> str:
    raise _EncryptedKeyError
