"""The exporter itself: schedule, load, configuration, scrapes."""

from __future__ import annotations

from panels import (
    BLUE,
    GREEN,
    ORANGE,
    RED,
    SERIES,
    UP_OR_DOWN,
    YES_OR_NO,
    Json,
    dashboard,
    heatmap,
    row,
    stat,
    table,
    timeline,
    timeseries,
    variable,
)


def _quantile(quantile: float, histogram: str) -> str:
    buckets = f"sum by (le) (rate({histogram}_bucket{{{SERIES}}}[$__rate_interval]))"
    return f"histogram_quantile({quantile}, {buckets})"


def own_state() -> Json:
    """Grafana's JSON."""
    lag, loop = "mx_exporter_schedule_lag_seconds", "mx_exporter_loop_lag_seconds"
    return dashboard(
        "mx-exporter",
        "Mail servers: exporter",
        "The exporters: schedule, load, configuration, scrapes.",
        [
            variable("job", "Job", "mx_exporter_build_info"),
            variable("instance", "Instance", 'mx_exporter_build_info{job=~"$job"}'),
        ],
        [
            stat(
                "Exporters",
                "1 while Prometheus gets an answer.",
                (f"up{{{SERIES}}}", "{{instance}}"),
                mappings=UP_OR_DOWN,
                unit="none",
            ),
            stat(
                "Version",
                "Of each exporter and its Python.",
                (f"mx_exporter_build_info{{{SERIES}}}", "{{version}} on {{implementation}} {{python}}"),
                name=True,
                unit="none",
                steps=((None, BLUE),),
            ),
            stat(
                "Targets",
                "Configured, by kind, and the hosts behind them, each probed once.",
                (f"sum by (kind) (mx_exporter_targets{{{SERIES}}})", "{{kind}}"),
                (f"sum(mx_exporter_hosts{{{SERIES}}})", "hosts probed"),
                steps=((None, BLUE),),
            ),
            stat(
                "Configuration",
                "The outcome of the last reload.",
                (f"mx_exporter_config_last_reload_successful{{{SERIES}}}", "{{instance}}"),
                mappings={0: ("refused", RED), 1: ("taken", GREEN)},
                unit="none",
            ),
            stat(
                "Oldest result",
                "Age of the oldest result of a domain, in intervals of that domain.",
                f"max((time() - mx_domain_last_probe_timestamp_seconds{{{SERIES}}})"
                f" / mx_domain_probe_interval_seconds{{{SERIES}}})",
                steps=((None, GREEN), (2, ORANGE), (3, RED)),
            ),
            stat(
                "Internal errors",
                "Internal errors that cost a result, in the chosen time.",
                f"sum(increase(mx_exporter_internal_errors_total{{{SERIES}}}[$__range]))",
                steps=((None, GREEN), (1, RED)),
            ),
            row("Our standing, where `standing` asks for it"),
            stat(
                "Reverse DNS",
                "A PTR record of our address resolves back to it, by family.",
                (f"mx_self_fcrdns{{{SERIES}}}", "{{family}} {{instance}}"),
                mappings=YES_OR_NO,
                unit="none",
                width=6,
            ),
            stat(
                "EHLO name",
                "The EHLO name resolves to our address, by family.",
                (f"mx_self_helo_matches{{{SERIES}}}", "{{family}} {{instance}}"),
                mappings=YES_OR_NO,
                unit="none",
                width=6,
            ),
            stat(
                "Block lists that have us",
                "Lists that have our address, by family.",
                (f"sum by (family) (max by (family, list) (mx_self_listed{{{SERIES}}}))", "{{family}}"),
                steps=((None, GREEN), (1, RED)),
                width=6,
            ),
            stat(
                "Block lists without an answer",
                "Lists that are dead, refuse our resolver, or do not answer.",
                (f"sum by (family) (max by (family, list) (1 - mx_self_list_up{{{SERIES}}}))", "{{family}}"),
                steps=((None, GREEN), (1, ORANGE)),
                width=6,
            ),
            timeline(
                "Block lists",
                "1 while a list has our address.",
                (f"max by (vantage, list, family) (mx_self_listed{{{SERIES}}})", "{{vantage}} {{list}} {{family}}"),
                mappings={0: ("not listed", GREEN), 1: ("listed", RED)},
                width=12,
            ),
            table("SPF", "The result for our address, by domain of senders.", f"mx_self_spf{{{SERIES}}}"),
            row("Schedule"),
            timeseries(
                "Probes",
                "Finished probes of domains, those that found one down, and the sessions with hosts that they share.",
                (f"sum(rate(mx_domain_probes_total{{{SERIES}}}[$__rate_interval]))", "probes"),
                (f"sum(rate(mx_domain_probe_failures_total{{{SERIES}}}[$__rate_interval]))", "found down"),
                (f"sum(rate(mx_exporter_sessions_total{{{SERIES}}}[$__rate_interval]))", "sessions"),
                unit="ops",
                colours={"found down": RED},
            ),
            timeseries(
                "Probes in flight",
                "Probes in progress; at limits.concurrency others wait.",
                (f"mx_exporter_probes_in_flight{{{SERIES}}}", "{{instance}}"),
            ),
            timeseries(
                "Schedule lag",
                "Delay of probes after their scheduled start.",
                (_quantile(0.5, lag), "median"),
                (_quantile(0.99, lag), "99 %"),
                unit="s",
            ),
            heatmap(
                "Schedule lag, all probes",
                "Delay of probes after their scheduled start.",
                f"sum by (le) (increase({lag}_bucket{{{SERIES}}}[$__rate_interval]))",
            ),
            timeseries(
                "Event loop lag",
                "Delay of the event loop: a measured latency may be wrong by as much.",
                (_quantile(0.5, loop), "median"),
                (_quantile(0.99, loop), "99 %"),
                unit="s",
            ),
            timeseries(
                "Phases",
                "The slowest of twenty sessions, by phase, all targets together.",
                (
                    "histogram_quantile(0.95, sum by (le, phase)"
                    f" (rate(mx_probe_phase_duration_seconds_bucket{{{SERIES}}}[$__rate_interval])))",
                    "{{phase}}",
                ),
                unit="s",
            ),
            row("What it uses"),
            timeseries(
                "Processor",
                "Cores; the probes of one exporter have one.",
                (f"rate(process_cpu_seconds_total{{{SERIES}}}[$__rate_interval])", "{{instance}}"),
                width=8,
            ),
            timeseries(
                "Memory",
                "Resident memory.",
                (f"process_resident_memory_bytes{{{SERIES}}}", "{{instance}}"),
                unit="bytes",
                width=8,
            ),
            timeseries(
                "Open files",
                "Part of those it may open: a socket for each session under way.",
                (f"process_open_fds{{{SERIES}}} / process_max_fds{{{SERIES}}}", "{{instance}}"),
                unit="percentunit",
                width=8,
            ),
            row("Configuration and scrapes"),
            timeline(
                "Scraped",
                "1 for each scrape that was answered.",
                (f"up{{{SERIES}}}", "{{job}} {{instance}}"),
                mappings=UP_OR_DOWN,
                width=12,
            ),
            table(
                "Configuration loaded",
                "When each exporter took its configuration.",
                f"mx_exporter_config_last_reload_success_timestamp_seconds{{{SERIES}}} * 1000",
                unit="dateTimeAsIso",
                value="Loaded",
            ),
            timeseries(
                "Scrape duration",
                "What a scrape takes.",
                (f"scrape_duration_seconds{{{SERIES}}}", "{{job}} {{instance}}"),
                unit="s",
            ),
            timeseries(
                "Samples",
                "Samples in a scrape.",
                (f"scrape_samples_scraped{{{SERIES}}}", "{{job}} {{instance}}"),
            ),
            table(
                "Shards",
                "Which part of the targets each exporter has.",
                f"mx_exporter_shard_info{{{SERIES}}}",
                width=24,
            ),
        ],
    )
