"""Certificates that are made to break who reads them."""

from __future__ import annotations

import subprocess
import sys

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.attack.fuzz.frame import ROOT
from tests.support.certificates import Issued, authority, issue

NAME = "mx.example"
# In a process of its own, for what is tested is that it lives.
EXAMINE = f"""
import sys, time
from exporter.tls.roots import Roots
from exporter.tls.verification import examine
root, *chain = map(bytes.fromhex, sys.argv[1:])
print(*(fault.failure_class for fault in examine(chain, "{NAME}", time.time(), Roots([root])).faults))
"""


def _with_unreadable_key(issued: Issued) -> bytes:
    """The certificate with a public key that is no point of its curve."""
    key = issued.certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    broken = issued.der.replace(key, key[:-1] + bytes([key[-1] ^ 1]))
    assert broken != issued.der
    return broken


def test_a_key_that_cannot_be_read_does_not_take_the_process_down() -> None:
    """A root's name as its issuer is all it needs: OpenSSL has a path, and then fails without naming a certificate.

    To ask that one for its dates was a segmentation fault. The handshake is another OpenSSL's, which may read keys that
    this one cannot.
    """
    root = authority()
    argv = [sys.executable, "-c", EXAMINE, root.der.hex()]
    for broken in (_with_unreadable_key(issue(NAME, by=root)), _with_unreadable_key(root)):
        done = subprocess.run([*argv, broken.hex()], cwd=ROOT, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        assert "tls_untrusted" in done.stdout
