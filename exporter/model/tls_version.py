"""Old versions of TLS as results: those that a host still accepts (RFC 8996, RFC 7568)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

# By OpenSSL's names, as the `version` label of mx_host_tls_info; the newest first.
OLD_VERSIONS: Final = ("TLSv1.1", "TLSv1", "SSLv3")


class VersionState(StrEnum):
    """The outcome of a session that offers one version alone."""

    ACCEPTED = "accepted"  # a handshake was done with it
    REFUSED = "refused"  # the handshake came to nothing, while one with the usual offer did
    UNKNOWN = "unknown"  # the session did not come so far
    UNTESTABLE = "untestable"  # the OpenSSL of this exporter does not speak it

    __hash__ = str.__hash__  # as Family's


@dataclass(frozen=True, slots=True)
class OldVersion:
    """One old version at one host."""

    version: str  # of OLD_VERSIONS
    state: VersionState
    detail: str = ""  # for a person: how it was refused, or why it is not known
