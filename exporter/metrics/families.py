"""The metric families of targets: name, type and HELP text, in the order of exposition. Names are an interface.

The metrics of the exporter itself are in :mod:`exporter.metrics.exporter_metrics`.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal


@dataclass(frozen=True, slots=True, eq=False)  # each is a constant of its own; hashing it for PLACE is quick so
class MetricFamily:
    """One metric family. `name` has the suffix `_total` for a counter."""

    name: str
    type: Literal["gauge", "counter"]
    help: str

    def header(self, openmetrics: bool) -> bytes:
        """The lines HELP and TYPE. OpenMetrics names a counter's family without the suffix of its samples."""
        name = self.name.removesuffix("_total") if openmetrics else self.name
        return f"# HELP {name} {self.help}\n# TYPE {name} {self.type}\n".encode()


DOMAIN_UP: Final = MetricFamily(
    "mx_domain_up", "gauge", "1 if mail could be delivered: at least one address passed every stage of its module."
)
DOMAIN_FAILURE: Final = MetricFamily(
    "mx_domain_failure",
    "gauge",
    "1 while the domain is down, with the deciding reason of all its hosts together.",
)
DOMAIN_WARNING: Final = MetricFamily(
    "mx_domain_warning", "gauge", "1 for each fault of the domain that does not stop its mail."
)
DOMAIN_MX_PREFERENCE: Final = MetricFamily(
    "mx_domain_mx_preference", "gauge", "Preference of each MX host of the domain; 0 for an implicit MX."
)
DOMAIN_PROVIDER: Final = MetricFamily(
    "mx_domain_provider_info", "gauge", "1 for each organisation of the MX hosts of the domain."
)
DOMAIN_ADDRESSES: Final = MetricFamily(
    "mx_domain_addresses", "gauge", "Addresses of the MX hosts that were found, probed or not."
)
DOMAIN_ADDRESSES_UP: Final = MetricFamily("mx_domain_addresses_up", "gauge", "Addresses that passed every stage.")
DOMAIN_PROBES: Final = MetricFamily("mx_domain_probes_total", "counter", "Probes of the domain.")
DOMAIN_PROBE_FAILURES: Final = MetricFamily(
    "mx_domain_probe_failures_total", "counter", "Probes that found the domain down."
)
DOMAIN_LAST_PROBE: Final = MetricFamily(
    "mx_domain_last_probe_timestamp_seconds", "gauge", "Unix time at which the last probe began."
)
DOMAIN_PROBE_INTERVAL: Final = MetricFamily(
    "mx_domain_probe_interval_seconds", "gauge", "Configured time from one probe to the next."
)
DOMAIN_PROBE_DURATION: Final = MetricFamily(
    "mx_domain_probe_duration_seconds", "gauge", "Duration of the last probe: lookup and all addresses."
)
DNS_LOOKUP_DURATION: Final = MetricFamily(
    "mx_dns_lookup_duration_seconds",
    "gauge",
    "Duration of the last real MX and address lookup; an answer within its TTL is not queried again.",
)
DNS_MX_RECORDS: Final = MetricFamily("mx_dns_mx_records", "gauge", "MX records of the domain; 0 with an implicit MX.")
DNS_AUTHENTICATED: Final = MetricFamily(
    "mx_dns_authenticated", "gauge", "1 if the resolver authenticated the MX answer (AD bit)."
)
DNS_SIGNATURE_EXPIRY: Final = MetricFamily(
    "mx_dns_signature_expiry_timestamp_seconds",
    "gauge",
    "Unix time at which the first of the DNSSEC signatures of the MX, address and TLSA answers ends.",
)
DNS_NAMESERVERS: Final = MetricFamily(
    "mx_dns_nameservers", "gauge", "Addresses of the zone's name servers by what they answer about the MX records."
)
DNS_MX_TTL: Final = MetricFamily(
    "mx_dns_mx_ttl_seconds", "gauge", "TTL of the MX records at the zone's name servers, the longest."
)
DOMAIN_MTA_STS_MODE: Final = MetricFamily(
    "mx_domain_mta_sts_mode", "gauge", "1 for the mode that applies to senders that honour MTA-STS (RFC 8461)."
)
DOMAIN_MTA_STS_VALID: Final = MetricFamily(
    "mx_domain_mta_sts_valid", "gauge", "1 if the MTA-STS record and policy, as published now, are valid."
)
DOMAIN_MTA_STS_FAILURE: Final = MetricFamily(
    "mx_domain_mta_sts_failure", "gauge", "1 while the MTA-STS record or policy is invalid or cannot be fetched."
)
DOMAIN_TLS_RPT: Final = MetricFamily(
    "mx_domain_tls_rpt", "gauge", "1 if the domain has a TLS reporting record (RFC 8460)."
)
DOMAIN_TLS_RPT_VALID: Final = MetricFamily(
    "mx_domain_tls_rpt_valid", "gauge", "1 if the TLS reporting record is well formed."
)
DOMAIN_CHANGES: Final = MetricFamily(
    "mx_domain_changes_total", "counter", "Changes of the domain by what changed; rotation among known values is none."
)
HOST_UP: Final = MetricFamily("mx_host_up", "gauge", "1 if the address passed every stage of the module.")
HOST_FAILURE: Final = MetricFamily("mx_host_failure", "gauge", "1 while the address fails, with the reason.")
HOST_LABELS: Final = MetricFamily("mx_host_labels", "gauge", "1, with the labels that are configured for a host.")
HOST_DOMAINS: Final = MetricFamily(
    "mx_host_domains", "gauge", "Configured domains whose mail the host takes at this address."
)
HOST_WARNING: Final = MetricFamily(
    "mx_host_warning", "gauge", "1 for each fault of an address that does not stop mail."
)
HOST_FAILURES: Final = MetricFamily("mx_host_failures_total", "counter", "Failures of the address by class.")
HOST_CHANGES: Final = MetricFamily(
    "mx_host_changes_total", "counter", "Changes of the address by what changed; rotation among known values is none."
)
HOST_REPLY_CODE: Final = MetricFamily("mx_host_reply_code", "gauge", "Last SMTP reply code of each stage.")
HOST_ENHANCED_STATUS: Final = MetricFamily(
    "mx_host_enhanced_status", "gauge", "1 for the enhanced status code (RFC 3463) of a failing reply."
)
HOST_PHASE_DURATION: Final = MetricFamily(
    "mx_host_phase_duration_seconds", "gauge", "Duration of each phase of the last session."
)
HOST_TCP_RTT: Final = MetricFamily(
    "mx_host_tcp_rtt_seconds", "gauge", "Round-trip time of the TCP handshake as the kernel measured it."
)
HOST_ESMTP: Final = MetricFamily("mx_host_esmtp", "gauge", "1 if the server accepts EHLO, 0 if it accepts only HELO.")
HOST_EXTENSION: Final = MetricFamily(
    "mx_host_extension", "gauge", "1 for each SMTP extension that the reply to EHLO announces."
)
HOST_SIZE_LIMIT: Final = MetricFamily(
    "mx_host_size_limit_bytes", "gauge", "Largest message size that the host announces (RFC 1870); 0 for no limit."
)
HOST_AUTH_MECHANISM: Final = MetricFamily(
    "mx_host_auth_mechanism",
    "gauge",
    "1 for each SASL mechanism that the host offers for AUTH, without TLS and with it.",
)
HOST_TLS_INFO: Final = MetricFamily(
    "mx_host_tls_info",
    "gauge",
    "1, with the TLS version and cipher of the last session, and the kind and size of the certificate's key.",
)
HOST_TLS_OLD_VERSION: Final = MetricFamily(
    "mx_host_tls_old_version_accepted",
    "gauge",
    "1 if the host accepts a session in this old version of TLS alone, 0 if it refuses it.",
)
HOST_TLS_NOT_AFTER: Final = MetricFamily(
    "mx_host_tls_cert_not_after_timestamp_seconds",
    "gauge",
    "Unix time at which the first certificate of the verified path expires, or of the chain sent.",
)
HOST_TLS_NOT_BEFORE: Final = MetricFamily(
    "mx_host_tls_cert_not_before_timestamp_seconds",
    "gauge",
    "Unix time from which all certificates of the verified path are valid, or of the chain sent.",
)
HOST_TLS_VERIFIED: Final = MetricFamily(
    "mx_host_tls_cert_verified",
    "gauge",
    "1 if chain, name and dates of the certificate are valid with the roots of this system.",
)

PATH_LAST_HOP: Final = MetricFamily(
    "mx_path_last_hop",
    "gauge",
    "1 for the last router that answered on the path to a port without an answer, or that prohibits the port.",
)
HOST_DANE_STATE: Final = MetricFamily(
    "mx_host_dane_state", "gauge", "1 for the DANE result of a sender that honours it (RFC 7672)."
)
CANARY_ARRIVAL: Final = MetricFamily(
    "mx_canary_arrival_seconds",
    "gauge",
    "Time from the acceptance of the last canary that arrived to the look that found it.",
)
CANARY_LAST_ARRIVAL: Final = MetricFamily(
    "mx_canary_last_arrival_timestamp_seconds", "gauge", "Unix time at which a canary arrived last."
)
CANARY_FOLDER: Final = MetricFamily(
    "mx_canary_folder", "gauge", "1 for the kind of folder in which the last canary was found."
)
CANARY_AUTHENTICATION: Final = MetricFamily(
    "mx_canary_authentication",
    "gauge",
    "1 for each result in the Authentication-Results (RFC 8601) of the last canary, by a server that is believed.",
)
CANARY_MAILBOX_UP: Final = MetricFamily(
    "mx_canary_mailbox_up", "gauge", "1 if the mailbox of canaries can be looked into; else nothing is said of arrival."
)

FAMILIES: Final = (
    DOMAIN_UP,
    DOMAIN_FAILURE,
    DOMAIN_WARNING,
    DOMAIN_MX_PREFERENCE,
    DOMAIN_PROVIDER,
    DOMAIN_ADDRESSES,
    DOMAIN_ADDRESSES_UP,
    DOMAIN_PROBES,
    DOMAIN_PROBE_FAILURES,
    DOMAIN_LAST_PROBE,
    DOMAIN_PROBE_INTERVAL,
    DOMAIN_PROBE_DURATION,
    DNS_LOOKUP_DURATION,
    DNS_MX_RECORDS,
    DNS_AUTHENTICATED,
    DNS_SIGNATURE_EXPIRY,
    DNS_NAMESERVERS,
    DNS_MX_TTL,
    DOMAIN_MTA_STS_MODE,
    DOMAIN_MTA_STS_VALID,
    DOMAIN_MTA_STS_FAILURE,
    DOMAIN_TLS_RPT,
    DOMAIN_TLS_RPT_VALID,
    DOMAIN_CHANGES,
    HOST_UP,
    HOST_FAILURE,
    HOST_LABELS,
    HOST_DOMAINS,
    HOST_WARNING,
    HOST_FAILURES,
    HOST_CHANGES,
    HOST_REPLY_CODE,
    HOST_ENHANCED_STATUS,
    HOST_PHASE_DURATION,
    HOST_TCP_RTT,
    HOST_ESMTP,
    HOST_EXTENSION,
    HOST_SIZE_LIMIT,
    HOST_AUTH_MECHANISM,
    HOST_TLS_INFO,
    HOST_TLS_OLD_VERSION,
    HOST_TLS_NOT_AFTER,
    HOST_TLS_NOT_BEFORE,
    HOST_TLS_VERIFIED,
    PATH_LAST_HOP,
    HOST_DANE_STATE,
    CANARY_ARRIVAL,
    CANARY_LAST_ARRIVAL,
    CANARY_FOLDER,
    CANARY_AUTHENTICATION,
    CANARY_MAILBOX_UP,
)
PLACE: Final = MappingProxyType({family: place for place, family in enumerate(FAMILIES)})
