"""A TLS server that insists on a finite-field group as large as libraries take (OpenSSL: 10,000 bits)."""

from __future__ import annotations

import base64
import ssl
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.certificates import issue


def dhe_context(bits: int) -> ssl.SSLContext:
    """TLS 1.2 with DHE alone, in a group of so many bits. Nobody checks that the modulus is prime; odd is enough."""
    context = issue("mx.hostile.example").context()
    context.set_ciphers("kDHE:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    with TemporaryDirectory() as folder:
        path = Path(folder, "group.pem")
        path.write_text(_pem(2**bits - 1))
        context.load_dh_params(str(path))
    return context


def _pem(modulus: int) -> str:
    """PKCS #3: SEQUENCE of the modulus and the generator."""
    inner = _integer(modulus) + _integer(2)
    text = base64.encodebytes(b"\x30" + _length(len(inner)) + inner).decode()
    return f"-----BEGIN DH PARAMETERS-----\n{text}-----END DH PARAMETERS-----\n"


def _integer(value: int) -> bytes:
    data = value.to_bytes(value.bit_length() // 8 + 1, "big")
    return b"\x02" + _length(len(data)) + data


def _length(count: int) -> bytes:
    if count < 128:
        return bytes([count])
    data = count.to_bytes((count.bit_length() + 7) // 8, "big")
    return bytes([0x80 | len(data)]) + data
