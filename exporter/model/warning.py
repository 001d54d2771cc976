"""Warnings: faults of hosts that take mail."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class HostWarning(StrEnum):
    """A fault that does not stop mail: the `class` label of `mx_host_warning`."""

    MX_IS_CNAME = "mx_is_cname"
    STARTTLS_NOT_OFFERED = "starttls_not_offered"
    STARTTLS_REJECTED = "starttls_rejected"
    TLS_EXPIRED = "tls_expired"
    TLS_NOT_YET_VALID = "tls_not_yet_valid"
    TLS_NAME_MISMATCH = "tls_name_mismatch"
    TLS_UNTRUSTED = "tls_untrusted"
    TLS_EXPIRES_SOON = "tls_expires_soon"
    TLS_HANDSHAKE = "tls_handshake"  # STARTTLS is offered and the handshake fails; a session without TLS works
    TLS_OUTDATED = "tls_outdated"  # below TLS 1.2
    TLS_OLD_ACCEPTED = "tls_old_accepted"  # a version below 1.2 beside newer ones
    HELO_ONLY = "helo_only"
    BANNER_SLOW = "banner_slow"
    BARE_LF = "bare_lf"
    QUIT_UNCLEAN = "quit_unclean"
    VRFY_ENABLED = "vrfy_enabled"
    EXPN_ENABLED = "expn_enabled"
    BANNER_NAME_MISMATCH = "banner_name_mismatch"
    CONTRADICTORY_CODES = "contradictory_codes"  # one reply with two codes (RFC 5321 4.2.1)
    MASKED = "masked"  # a Cisco inspection in front of the server overwrites the greeting or the keywords
    DANE_MISMATCH = "dane_mismatch"  # the certificate matches no TLSA record
    DANE_NO_TLS = "dane_no_tls"  # TLSA records, and no TLS
    DANE_UNUSABLE = "dane_unusable"  # TLSA records, and none is usable
    DANE_LOOKUP_FAILED = "dane_lookup_failed"
    COSTLY = "costly"  # a session with the host takes far more CPU than others, so it is probed less often

    __hash__ = str.__hash__  # as Family's


class DomainWarning(StrEnum):
    """A fault of a domain that does not stop its mail: the `class` label of `mx_domain_warning`."""

    NULL_MX_AMONG_OTHERS = "null_mx_among_others"
    MX_UNEXPECTED = "mx_unexpected"  # an MX host that `expect_mx` does not name
    MX_MISSING = "mx_missing"  # a name of `expect_mx`, and no MX host
    MTA_STS_MISMATCH = "mta_sts_mismatch"  # the policy does not name an MX host
    MTA_STS_NO_TLS = "mta_sts_no_tls"  # an MX host does none
    MTA_STS_UNTRUSTED = "mta_sts_untrusted"  # the certificate is not valid for the MX host
    SIGNATURE_EXPIRES_SOON = "signature_expires_soon"  # a DNSSEC signature that its mail depends on is not renewed
    NAMESERVERS_DISAGREE = "nameservers_disagree"  # about the MX set
    NAMESERVER_LAME = "nameserver_lame"  # one answers, and not with authority for the zone
    NAMESERVER_SILENT = "nameserver_silent"  # one does not answer
    NAMESERVER_WITHOUT_ADDRESS = "nameserver_without_address"
    MX_TTL_LONG = "mx_ttl_long"  # a change of the MX records takes over a day to be seen
    MX_CHANGE_HIDDEN = "mx_change_hidden"  # our resolver goes on with a set that no name server has any more

    __hash__ = str.__hash__  # as Family's


# Warnings that are reported of a failing host too: about the reply that refuses, or about the cost for this exporter.
REPORTED_OF_FAILING_HOSTS: Final = frozenset({HostWarning.CONTRADICTORY_CODES, HostWarning.COSTLY})
