"""One domain: what became of it and when, where its time goes, what its hosts said, TLS and policies."""

from __future__ import annotations

from panels import (
    GREEN,
    GREY,
    ORANGE,
    RED,
    SERIES,
    TABLE_NOISE,
    UP_OR_DOWN,
    VERDICTS,
    YELLOW,
    YES_OR_NO,
    Json,
    dashboard,
    numbered,
    row,
    stat,
    table,
    timeline,
    timeseries,
    variable,
)

_CHOSEN = ',domain=~"$domain"'
_OF = SERIES + _CHOSEN
_HOST = "{{mx}} [{{address}}]"
# The MX hosts of a domain, whose series are told once for all domains; in dialogues about no domain, or about this one.
_NAMED = "on (job, instance, target, mx, port, module)"
_MX = f"group by (job, instance, target, mx, port, module) (mx_domain_mx_preference{{{_OF}}})"
_HOSTS = SERIES + ',domain=~"|$domain"'
_VERDICT = (
    f"max by (instance, domain) (mx_domain_up{{{_OF}}} == 1"
    f" or {numbered(VERDICTS, 'mx_domain_failure', 'verdict', more=_CHOSEN)})"
)
_IN_TABLE = (*TABLE_NOISE, "instance")
_IN_HOST_TABLE = (*_IN_TABLE, "domain")


def _hosts(series: str) -> str:
    """The series of the MX hosts of the domain."""
    return f"{series} * {_NAMED} group_left () {_MX}"


def one_domain() -> Json:
    """Grafana's JSON."""
    return dashboard(
        "mx-domain",
        "Mail servers: domain",
        "One domain and its mail hosts: states, phases, reply codes, TLS, policies.",
        [
            variable("job", "Job", "mx_domain_up"),
            variable("instance", "Instance", 'mx_domain_up{job=~"$job"}'),
            variable("domain", "Domain", f"mx_domain_up{{{SERIES}}}", all_of_them=False),
        ],
        [
            stat(
                "State",
                "What the last probe made of it.",
                (_VERDICT, "{{instance}}"),
                mappings=VERDICTS,
                unit="none",
            ),
            stat(
                "Addresses up",
                "Addresses of its mail hosts that passed every stage, and all that were found.",
                (f"sum(mx_domain_addresses_up{{{_OF}}})", "up"),
                (f"sum(mx_domain_addresses{{{_OF}}})", "found"),
                colours={"up": GREEN, "found": GREY},
            ),
            stat(
                "Last probe",
                "Since the last probe began.",
                f"max(time() - mx_domain_last_probe_timestamp_seconds{{{_OF}}})",
                unit="s",
            ),
            stat(
                "MX records",
                "0: mail goes to the address of the domain itself (RFC 5321 5.1).",
                f"max(mx_dns_mx_records{{{_OF}}})",
                steps=((None, GREY),),
            ),
            stat(
                "DNSSEC",
                "The resolver authenticated the MX answer (AD bit).",
                f"min(mx_dns_authenticated{{{_OF}}})",
                mappings={0: ("not authenticated", GREY), 1: ("authenticated", GREEN)},
                unit="none",
            ),
            stat(
                "Certificate expires",
                "When the first certificate of a chain expires. Of modules with starttls.",
                f"min({_hosts(f'mx_host_tls_cert_not_after_timestamp_seconds{{{_HOSTS}}}')}) - time()",
                unit="s",
                steps=((None, RED), (7 * 86400, ORANGE), (21 * 86400, GREEN)),
            ),
            row("States"),
            timeline(
                "The domain",
                "Up, or whom to call.",
                (_VERDICT, "{{instance}} {{domain}}"),
                mappings=VERDICTS,
                height=5,
            ),
            timeline(
                "Its hosts",
                "Each address by itself.",
                (_hosts(f"mx_host_up{{{_HOSTS}}}"), _HOST),
                mappings=UP_OR_DOWN,
            ),
            table(
                "Why it is down",
                "The reason that settles it, of all its hosts together.",
                f"mx_domain_failure{{{_OF}}}",
            ),
            table(
                "Why hosts fail",
                "The reason of each address.",
                _hosts(f"mx_host_failure{{{_HOSTS}}}"),
                hidden=_IN_HOST_TABLE,
            ),
            timeseries(
                "Failures",
                "Failures of all its addresses, by class.",
                (
                    f"sum by (class) ({_hosts(f'increase(mx_host_failures_total{{{_HOSTS}}}[$__rate_interval])')})",
                    "{{class}}",
                ),
                stacked=True,
            ),
            table(
                "Last hop",
                "The last router that answered on the path to a port that does not, or the one that prohibits it.",
                _hosts(f"mx_path_last_hop{{{_HOSTS}}}"),
                hidden=_IN_HOST_TABLE,
            ),
            row("Time"),
            timeseries(
                "Phases",
                "Where the time of a session goes; the mean of its addresses.",
                (f"avg by (phase) ({_hosts(f'mx_host_phase_duration_seconds{{{_HOSTS}}}')})", "{{phase}}"),
                unit="s",
                stacked=True,
            ),
            timeseries(
                "Round-trip time",
                "Of the TCP handshake, as the kernel measured it: the network path alone, without the server.",
                (_hosts(f"mx_host_tcp_rtt_seconds{{{_HOSTS}}}"), _HOST),
                unit="s",
            ),
            timeseries(
                "Lookup and probe",
                "The last real DNS lookup, and the whole probe.",
                (f"max(mx_dns_lookup_duration_seconds{{{_OF}}})", "lookup"),
                (f"max(mx_domain_probe_duration_seconds{{{_OF}}})", "probe"),
                unit="s",
            ),
            table(
                "Preferences",
                "Its mail hosts.",
                f"mx_domain_mx_preference{{{_OF}}}",
                value="Preference",
                hidden=_IN_TABLE,
                width=8,
            ),
            table(
                "Domains behind its hosts",
                "How many domains of the configuration each address takes mail for; of this one, and of others.",
                _hosts(f"max by (job, instance, target, mx, address, port, module) (mx_host_domains{{{_HOSTS}}})"),
                value="Domains",
                hidden=_IN_HOST_TABLE,
                width=8,
            ),
            table(
                "Provider",
                "The organisation of its mail hosts, by the Public Suffix List.",
                f"mx_domain_provider_info{{{_OF}}}",
                hidden=_IN_TABLE,
                width=8,
            ),
            row("Replies"),
            timeline(
                "Reply codes",
                "The last code of each stage.",
                (_hosts(f"mx_host_reply_code{{{_HOSTS}}}"), f"{_HOST} {{{{stage}}}}"),
                steps=((None, GREY), (200, GREEN), (400, YELLOW), (500, RED)),
                height=10,
            ),
            table(
                "Enhanced status codes",
                "RFC 3463 codes of failing replies.",
                _hosts(f"mx_host_enhanced_status{{{_HOSTS}}}"),
                hidden=_IN_HOST_TABLE,
            ),
            table(
                "Warnings",
                "Faults of an address that do not stop mail.",
                _hosts(f"mx_host_warning{{{_HOSTS}}}"),
                hidden=_IN_HOST_TABLE,
            ),
            table(
                "Warnings of the domain",
                "Faults of its DNS and policies that do not stop mail.",
                f"mx_domain_warning{{{_OF}}}",
                hidden=_IN_TABLE,
            ),
            table(
                "Extensions",
                "What EHLO announced.",
                f"group by (mx, address, keyword) ({_hosts(f'mx_host_extension{{{_HOSTS}}}')})",
            ),
            table(
                "Largest message",
                "As announced with SIZE; 0: no limit.",
                _hosts(f"mx_host_size_limit_bytes{{{_HOSTS}}}"),
                unit="bytes",
                value="Limit",
                hidden=_IN_HOST_TABLE,
            ),
            row("TLS and policies"),
            table(
                "TLS",
                "What the last handshake settled.",
                _hosts(f"mx_host_tls_info{{{_HOSTS}}}"),
                hidden=_IN_HOST_TABLE,
            ),
            timeline(
                "Certificate verified",
                "Chain, name and dates of the certificate are valid with the roots of this system.",
                (_hosts(f"mx_host_tls_cert_verified{{{_HOSTS}}}"), _HOST),
                mappings=YES_OR_NO,
                width=12,
            ),
            table(
                "DANE",
                "The DANE result of a sender that honours it (RFC 7672).",
                _hosts(f"(mx_host_dane_state{{{_HOSTS}}} == 1)"),
                hidden=_IN_HOST_TABLE,
                width=8,
            ),
            table(
                "MTA-STS",
                "The mode that applies to senders that honour MTA-STS (RFC 8461).",
                f"mx_domain_mta_sts_mode{{{_OF}}} == 1",
                hidden=_IN_TABLE,
                width=8,
            ),
            table(
                "MTA-STS is wrong",
                "Why record or policy are not valid.",
                f"mx_domain_mta_sts_failure{{{_OF}}} == 1",
                hidden=_IN_TABLE,
                width=8,
            ),
        ],
    )
