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
    f"max by (vantage, instance, exporter, domain) (mx_domain_up{{{_OF}}} == 1"
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
                "What the last probe made of it, by place and exporter.",
                (_VERDICT, "{{vantage}} {{instance}} {{exporter}}"),
                mappings=VERDICTS,
                unit="none",
            ),
            stat(
                "Addresses up",
                "Addresses of its mail hosts that passed every stage, seen from any place, and all that were found.",
                (f"sum(max by (domain, family) (mx_domain_addresses_up{{{_OF}}}))", "up"),
                (f"sum(max by (domain, family) (mx_domain_addresses{{{_OF}}}))", "found"),
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
            stat(
                "Available, 30 days",
                "Of the minutes that counted, those in which mail could be handed over from any place.",
                f"last_over_time(domain:mx_available:avg30d{{{_CHOSEN[1:]}}}[1h])",
                unit="percentunit",
                steps=((None, GREY),),
            ),
            row("States"),
            timeline(
                "The domain",
                "Up, or whom to call.",
                (_VERDICT, "{{vantage}} {{instance}} {{exporter}} {{domain}}"),
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
            timeseries(
                "What changed",
                "Changes of the domain and of its hosts, each a step: its page in the exporter says from what to what.",
                (f"sum by (what) (mx_domain_changes_total{{{_OF}}})", "domain: {{what}}"),
                (f"sum by (what) ({_hosts(f'mx_host_changes_total{{{_HOSTS}}}')})", "hosts: {{what}}"),
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
                "What the last handshake settled, and the key of the certificate.",
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
                "Old TLS versions",
                "Versions before TLS 1.2 that the host still accepts (policies: [versions]).",
                _hosts(f"(mx_host_tls_old_version_accepted{{{_HOSTS}}} == 1)"),
                hidden=_IN_HOST_TABLE,
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
            row("The zone of the MX records"),
            timeline(
                "Name servers",
                "Addresses of the zone's name servers by what they answer about the MX records (policies: [zone]).",
                (f"mx_dns_nameservers{{{_OF}}}", "{{instance}} {{state}}"),
                width=12,
            ),
            stat(
                "First signature ends in",
                "Time until the first DNSSEC signature of the MX, address and TLSA answers ends.",
                f"min(mx_dns_signature_expiry_timestamp_seconds{{{_OF}}}) - time()",
                unit="s",
                width=6,
                height=8,
                steps=((None, RED), (86400, YELLOW), (3 * 86400, GREEN)),
            ),
            stat(
                "TTL of the MX records",
                "How long resolvers may remember an old MX set (policies: [zone]).",
                f"max(mx_dns_mx_ttl_seconds{{{_OF}}})",
                unit="s",
                width=6,
                height=8,
                steps=((None, GREEN), (86401, YELLOW)),
            ),
            row("Arrival, where a module looks for its canaries"),
            timeseries(
                "Time to arrival",
                "From the acceptance of a canary to the look into its mailbox that found it.",
                (_hosts(f"mx_canary_arrival_seconds{{{_HOSTS}}}"), _HOST),
                unit="s",
            ),
            timeline(
                "Mailbox",
                "The mailbox of canaries can be looked into; else nothing is said of arrival.",
                (_hosts(f"mx_canary_mailbox_up{{{_HOSTS}}}"), _HOST),
                mappings=YES_OR_NO,
                width=12,
            ),
            table(
                "Folder",
                "The folder in which the last canary was found; none while one is missing.",
                _hosts(f"mx_canary_folder{{{_HOSTS}}}"),
                hidden=_IN_HOST_TABLE,
            ),
            table(
                "SPF, DKIM and DMARC of our mail",
                "The results that the receiving server found.",
                _hosts(f"mx_canary_authentication{{{_HOSTS}}}"),
                hidden=_IN_HOST_TABLE,
            ),
        ],
    )
