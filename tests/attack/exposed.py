"""What an answer to a scrape says about the exporter and about the good domains. Pure but for the parser."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families


@dataclass(frozen=True, slots=True)
class Exposed:
    """One scrape. Lags are how many were later than a second."""

    bytes: int
    series: int
    up: Mapping[str, bool]  # the domains asked for
    probes: Mapping[str, float]
    internal_errors: float
    in_flight: float
    targets: float
    late_starts: float
    late_loops: float

    @classmethod
    def read(cls, text: str, domains: frozenset[str]) -> Exposed:
        """Raises ValueError where it is no exposition."""
        up, probes, single = {}, {}, dict.fromkeys(_SINGLE, math.nan)
        lags = {f"{name}{end}": 0.0 for name in _LAGS for end in ("_count", "_bucket")}
        series = 0
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                series += 1
                if sample.name == "mx_domain_up" and sample.labels["domain"] in domains:
                    up[sample.labels["domain"]] = sample.value == 1
                elif sample.name == "mx_domain_probes_total" and sample.labels["domain"] in domains:
                    probes[sample.labels["domain"]] = sample.value
                elif sample.name == "mx_exporter_targets":
                    single[sample.name] = sample.value + (0 if math.isnan(found := single[sample.name]) else found)
                elif sample.name in single:
                    single[sample.name] = sample.value
                elif sample.name in lags and sample.labels.get("le", "1.0") == "1.0":
                    lags[sample.name] = sample.value
        if math.isnan(single["mx_exporter_internal_errors_total"]):
            raise ValueError("the exporter's own metrics are missing")
        schedule, loop = (lags[f"{name}_count"] - lags[f"{name}_bucket"] for name in _LAGS)
        errors, in_flight, targets = single.values()
        return cls(len(text), series, up, probes, errors, in_flight, targets, schedule, loop)


_SINGLE = ("mx_exporter_internal_errors_total", "mx_exporter_probes_in_flight", "mx_exporter_targets")
_LAGS = ("mx_exporter_schedule_lag_seconds", "mx_exporter_loop_lag_seconds")
