"""The names of the metric families of targets, for who switches some off.

The families themselves are in :mod:`exporter.metrics.families`.
"""

from __future__ import annotations

from typing import Final

TARGET_METRICS: Final = (
    "mx_domain_up",
    "mx_domain_failure",
    "mx_domain_warning",
    "mx_domain_mx_preference",
    "mx_domain_provider_info",
    "mx_domain_addresses",
    "mx_domain_addresses_up",
    "mx_domain_probes_total",
    "mx_domain_probe_failures_total",
    "mx_domain_last_probe_timestamp_seconds",
    "mx_domain_probe_interval_seconds",
    "mx_domain_probe_duration_seconds",
    "mx_dns_lookup_duration_seconds",
    "mx_dns_mx_records",
    "mx_dns_authenticated",
    "mx_domain_mta_sts_mode",
    "mx_domain_mta_sts_valid",
    "mx_domain_mta_sts_failure",
    "mx_domain_tls_rpt",
    "mx_domain_tls_rpt_valid",
    "mx_domain_changes_total",
    "mx_host_up",
    "mx_host_failure",
    "mx_host_labels",
    "mx_host_domains",
    "mx_host_warning",
    "mx_host_failures_total",
    "mx_host_changes_total",
    "mx_host_reply_code",
    "mx_host_enhanced_status",
    "mx_host_phase_duration_seconds",
    "mx_host_tcp_rtt_seconds",
    "mx_host_esmtp",
    "mx_host_extension",
    "mx_host_size_limit_bytes",
    "mx_host_auth_mechanism",
    "mx_host_tls_info",
    "mx_host_tls_cert_not_after_timestamp_seconds",
    "mx_host_tls_cert_not_before_timestamp_seconds",
    "mx_host_tls_cert_verified",
    "mx_path_last_hop",
    "mx_host_dane_state",
)
