"""The series of `/probe` beside those of the target: blackbox_exporter's names, for its dashboards and alerts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from prometheus_client.utils import floatToGoString

from exporter.metrics.families import MetricFamily
from exporter.model.address import Family, family_of
from exporter.model.result import DomainResult, HostResult

_value: Callable[[float], str] = floatToGoString

SUCCESS: Final = MetricFamily("probe_success", "gauge", "Displays whether or not the probe was a success")
DURATION: Final = MetricFamily(
    "probe_duration_seconds", "gauge", "Returns how long the probe took to complete in seconds"
)
DNS_LOOKUP_TIME: Final = MetricFamily(
    "probe_dns_lookup_time_seconds", "gauge", "Returns the time taken for probe dns lookup in seconds"
)
IP_PROTOCOL: Final = MetricFamily("probe_ip_protocol", "gauge", "Specifies whether probe ip protocol is IP4 or IP6")

EARLIEST_CERT_EXPIRY: Final = MetricFamily(
    "probe_ssl_earliest_cert_expiry", "gauge", "Returns earliest SSL cert expiry in unixtime"
)


def probe_series(result: DomainResult, openmetrics: bool, wanted: frozenset[str] | None = None) -> Iterator[bytes]:
    """The lines for one result; `wanted`: the names of the series, None for all."""
    lookup = 0.0 if result.lookup is None else result.lookup.duration or 0.0
    values: list[tuple[MetricFamily, float]] = [
        (SUCCESS, result.up),
        (DURATION, result.duration),
        (DNS_LOOKUP_TIME, lookup),
        (IP_PROTOCOL, _ip_protocol(result)),
    ]
    ends = [tls.not_after for host in result.hosts if (tls := host.facts.tls) is not None and tls.not_after is not None]
    if ends:  # blackbox_exporter has this series only where there was TLS
        values.append((EARLIEST_CERT_EXPIRY, min(ends)))
    for family, value in values:
        if wanted is None or family.name in wanted:
            yield _line(family, value, openmetrics)


def _line(family: MetricFamily, value: float, openmetrics: bool) -> bytes:
    return family.header(openmetrics) + f"{family.name} {_value(value)}\n".encode()


def _ip_protocol(result: DomainResult) -> int:
    """4 or 6, of the first address that is up, else of the first of all; 0 without any."""
    connected = [host for host in result.hosts if host.address]
    first: HostResult | None = next((host for host in connected if host.up), connected[0] if connected else None)
    if first is None:
        return 0
    return 6 if family_of(first.address) is Family.IPV6 else 4
