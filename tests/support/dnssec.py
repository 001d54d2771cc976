"""Zones signed for a resolver that trusts their keys."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.support.require import require_program


def sign(folder: Path, zone: str, text: str, *times: str) -> tuple[str, str]:
    """The zone signed by a new key, and the key's DS record as a trust anchor.

    `times`: arguments of dnssec-signzone for begin and end of the signatures.
    """
    keygen, signzone, dsfromkey = map(require_program, ("dnssec-keygen", "dnssec-signzone", "dnssec-dsfromkey"))
    folder.mkdir()

    def run(*argv: str) -> str:
        return subprocess.run(argv, cwd=folder, check=True, capture_output=True, text=True).stdout

    key = run(keygen, "-a", "ECDSAP256SHA256", "-f", "KSK", zone).strip()
    (folder / "zone").write_text(text + f"\n$INCLUDE {key}.key\n")
    run(signzone, "-z", *times, "-o", zone, "-f", "signed", "zone", key)
    return (folder / "signed").read_text(), run(dsfromkey, "-2", key).strip()
