"""The fleet at a glance: how many are up, who is blocked or dead, why, since when, and whether it is us."""

from __future__ import annotations

from panels import (
    BLUE,
    EGRESS,
    GREEN,
    GREY,
    ORANGE,
    RED,
    RESOLVER,
    SERIES,
    TABLE_NOISE,
    VERDICTS,
    Json,
    dashboard,
    heatmap,
    numbered,
    row,
    stat,
    table,
    timeline,
    timeseries,
    variable,
)

# Where the rules count, they do so over all jobs of an exporter.
_RECORDED = 'instance=~"$instance"'
_COLOURS = dict(VERDICTS.values())
_BUCKETS = f"mx_probe_phase_duration_seconds_bucket{{{SERIES}"


def _down(verdicts: str) -> str:
    return f'mx_domain_failure{{{SERIES},verdict=~"{verdicts}"}}'


def _down_by(label: str) -> str:
    """The number of domains that are down, each counted once however many exporters and places see it."""
    return f"count by ({label}) (group by (domain, {label}) (mx_domain_failure{{{SERIES}}}))"


def _objectives() -> tuple[Json, ...]:
    """The panels of what rules/objectives.yml records; empty without that file."""
    left = ((None, RED), (0, ORANGE), (0.5, GREEN))
    return (
        row("Objectives"),
        stat(
            "Available, 30 days",
            "Of the minutes of all domains that counted, those in which mail could be handed over from any place.",
            'level_provider:mx_available:avg30d{level="fleet"}',
            unit="percentunit",
            steps=((None, BLUE),),
        ),
        stat(
            "Error budget left",
            "What is left of the bad minutes that the objective of the fleet allows in 30 days; below 0 it is missed.",
            'level_provider:mx_budget_left:ratio30d{level="fleet"}',
            unit="percentunit",
            steps=left,
        ),
        timeseries(
            "Burn rate of the fleet",
            "1 uses up the budget of 30 days in 30 days. Alerts: 14.4 over 1 h, 6 over 6 h, 3 over 1 d, 1 over 3 d.",
            *((f'level_provider:mx_burn:rate{window}{{level="fleet"}}', window) for window in ("1h", "6h", "1d", "3d")),
            width=16,
        ),
        table(
            "Error budget left, providers",
            "Providers on which five domains or more depend: those with the least left of 30 days.",
            'bottomk(20, level_provider:mx_budget_left:ratio30d{level="provider"})',
            unit="percentunit",
            value="Left",
            hidden=(*TABLE_NOISE, "level"),
        ),
        table(
            "Error budget left, domains",
            "Domains with the least left of 30 days, as of the last full hour.",
            "bottomk(20, 1 - (1 - last_over_time(domain:mx_available:avg30d[1h]))"
            ' / scalar(1 - level:mx_objective:ratio{level="domain"}))',
            unit="percentunit",
            value="Left",
        ),
    )


def overview() -> Json:
    """Grafana's JSON."""
    source = '{__name__=~"mx_domain_up|mx_exporter_build_info"}'
    return dashboard(
        "mx-overview",
        "Mail servers: overview",
        "All domains that the exporters probe: state, failures, egress, latency.",
        [variable("job", "Job", source), variable("instance", "Instance", f'{source[:-1]},job=~"$job"}}')],
        [
            stat(
                "Domains up",
                "Share of the domains of which at least one mail host passed every stage, seen from any place.",
                f"avg(max by (domain) (mx_domain_up{{{SERIES}}}))",
                unit="percentunit",
                steps=((None, RED), (0.9, ORANGE), (0.99, GREEN)),
            ),
            stat(
                "Domains",
                "Domains that are probed; one that several exporters probe counts once.",
                f"count(count by (domain) (mx_domain_up{{{SERIES}}}))",
                steps=((None, BLUE),),
            ),
            stat(
                "Down by verdict",
                "Whom to call. blocked: who refuses us; dead, degraded, misconfigured: them; local: us; undetermined: "
                "dead, or only we are kept out. One that several exporters find so counts once.",
                (_down_by("verdict"), "{{verdict}}"),
                width=10,
                colours=_COLOURS,
            ),
            stat(
                "Egress",
                "Whether port 25 gets out of here, by exporter and address family, as the exporter judges it.",
                (
                    f"max by (vantage, instance, exporter, family) ({numbered(EGRESS, 'mx_egress_state', 'state')})",
                    "{{vantage}} {{instance}} {{exporter}} {{family}}",
                ),
                mappings=EGRESS,
                width=6,
                unit="none",
            ),
            row("Who is down"),
            table("Blocked", "Something between us and them, or their policy, refuses us.", _down("blocked"), width=12),
            table("Dead", "Nobody can hand mail over there now.", _down("dead"), width=12),
            table(
                "Undetermined",
                "No answer, or a refusal without a reason; it may be dead, or only we are kept out.",
                _down("undetermined"),
                width=24,
                height=6,
            ),
            table(
                "Degraded, misconfigured, declined, local",
                "The rest: later, never by itself, not wanted, or a reason of our own.",
                _down("degraded|misconfigured|declined|local"),
                width=12,
            ),
            table(
                "Down from one place only",
                "Domains that one vantage point does not reach while another does: blocked there.",
                f"max by (vantage, domain) (mx_domain_up{{{SERIES}}}) == 0"
                f" and on (domain) max by (domain) (mx_domain_up{{{SERIES}}}) == 1",
                width=12,
            ),
            table(
                "Configured hosts that fail",
                "Hosts that the configuration names under `hosts`.",
                f'mx_host_failure{{{SERIES},domain=""}}'
                f" and on (job, instance, mx, port, module) mx_host_labels{{{SERIES}}}",
                hidden=(*TABLE_NOISE, "domain"),
                width=24,
                height=6,
            ),
            row("Providers and shared hosts"),
            table(
                "Providers",
                "Organisations of the MX hosts of two domains or more: their domains that are down, by verdict.",
                "topk(50, sum by (instance, provider, verdict)"
                f' (instance_provider_verdict:mx_domains:count{{{_RECORDED},verdict!="up"}}))',
                value="Domains down",
                width=8,
            ),
            table(
                "Domains of providers",
                "The largest providers.",
                f"topk(50, instance_provider:mx_domains:count{{{_RECORDED}}})",
                value="Domains",
                width=8,
            ),
            table(
                "Hosts that are down, by domains behind",
                "How many domains of the configuration each of them takes mail for.",
                "topk(50, max by (instance, mx, address, port, module)"
                f" (mx_host_domains{{{SERIES}}} and on (job, instance, mx, address, port, module, domain)"
                f" mx_host_up{{{SERIES}}} == 0))",
                value="Domains",
                width=8,
            ),
            table(
                "Hosts by domains behind",
                "The hosts that most domains share.",
                f"topk(50, max by (instance, mx, address, port, module) (mx_host_domains{{{SERIES}}}))",
                value="Domains",
            ),
            table(
                "Warnings of domains",
                "Faults of their DNS and policies that do not stop mail.",
                f"mx_domain_warning{{{SERIES}}}",
                hidden=(*TABLE_NOISE, "instance"),
            ),
            *_objectives(),
            row("Over time"),
            timeseries(
                "Failure classes",
                "Domains down, by the class of their failure.",
                (_down_by("class"), "{{class}}"),
                stacked=True,
            ),
            timeseries(
                "Verdicts",
                "Domains by whom to call; up where one place gets through.",
                (f"sum(max by (domain) (mx_domain_up{{{SERIES}}}))", "up"),
                (
                    f"count by (verdict) (group by (domain, verdict) (mx_domain_failure{{{SERIES}}}"
                    f" unless on (domain) mx_domain_up{{{SERIES}}} == 1))",
                    "{{verdict}}",
                ),
                stacked=True,
                colours={"up": GREEN, **_COLOURS},
            ),
            timeline(
                "Egress",
                "The state of each address family; a block of ours explains the silence of others.",
                (
                    f"max by (vantage, instance, exporter, family) ({numbered(EGRESS, 'mx_egress_state', 'state')})",
                    "{{vantage}} {{instance}} {{exporter}} {{family}}",
                ),
                mappings=EGRESS,
                width=12,
                height=6,
            ),
            timeline(
                "The resolver",
                "Whether names that have nothing in common fail alike, or answers are kept from us.",
                (
                    f"max by (vantage, instance, exporter) ({numbered(RESOLVER, 'mx_resolver_state', 'state')})",
                    "{{vantage}} {{instance}} {{exporter}}",
                ),
                mappings=RESOLVER,
                width=12,
                height=6,
            ),
            timeseries(
                "Confidence",
                "Domains down, by how sure the verdict is.",
                (_down_by("confidence"), "{{confidence}}"),
                stacked=True,
                colours={"certain": GREEN, "likely": ORANGE, "uncertain": RED},
            ),
            timeline(
                "References",
                "Hosts on unrelated networks that are expected to answer, and witness for the state of the egress.",
                (f"mx_egress_reference_up{{{SERIES}}}", "{{vantage}} {{instance}} {{exporter}} {{reference}}"),
                mappings={0: ("down", RED), 1: ("up", GREEN)},
                width=12,
                height=6,
            ),
            row("Latency and certificates"),
            heatmap(
                "Connect",
                "How long the handshake with port 25 takes, all hosts together.",
                f'sum by (le) (increase({_BUCKETS},phase="connect"}}[$__rate_interval]))',
            ),
            heatmap(
                "Banner",
                "How long hosts take to greet, all together.",
                f'sum by (le) (increase({_BUCKETS},phase="banner"}}[$__rate_interval]))',
            ),
            table(
                "Slowest hosts",
                "From the SYN to the answer to EHLO, of hosts that got so far.",
                "topk(20, max by (mx, address) (sum without (phase) (mx_host_phase_duration_seconds"
                f'{{{SERIES},phase=~"connect|banner|ehlo"}})))',
                unit="s",
                value="Seconds",
            ),
            table(
                "Certificates that expire first",
                "The first certificate of each chain to expire. Of modules with starttls.",
                f"bottomk(20, min by (mx, address) (mx_host_tls_cert_not_after_timestamp_seconds{{{SERIES}}})) * 1000",
                unit="dateTimeFromNow",
                value="Expires",
            ),
            table(
                "Warnings",
                "Hosts that work, yet something is wrong.",
                f"mx_host_warning{{{SERIES}}}",
                hidden=(*TABLE_NOISE, "instance"),
                width=24,
            ),
            timeline(
                "Host addresses up",
                "Share of the addresses that pass every stage, by exporter.",
                (f"avg by (instance) (mx_host_up{{{SERIES}}})", "{{instance}}"),
                unit="percentunit",
                steps=((None, RED), (0.5, ORANGE), (0.9, GREEN), (1, GREY)),
                height=5,
            ),
        ],
    )
