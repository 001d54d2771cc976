from __future__ import annotations

import pytest

from exporter.metrics.blackbox import probe_series
from exporter.model.failure import FailureClass
from exporter.model.result import DomainResult
from tests.results import AT, down_host, lookup_failed, result, tls_host, up_host


def test_blackbox_s_earliest_expiry_is_there_only_where_there_was_tls() -> None:
    secure = b"".join(probe_series(result(tls_host(), up_host()), openmetrics=False))
    assert f"probe_ssl_earliest_cert_expiry {(AT - 86400) / 1e9}e+09\n".encode() in secure
    assert b"probe_ssl" not in b"".join(probe_series(result(up_host()), openmetrics=False))


def test_only_the_series_of_these_names_are_told() -> None:
    text = b"".join(probe_series(result(up_host()), openmetrics=False, wanted=frozenset({"probe_success", "x"})))
    assert [line for line in text.splitlines() if not line.startswith(b"#")] == [b"probe_success 1.0"]


@pytest.mark.parametrize(
    ("probed", "protocol"),
    [
        (result(up_host()), 4),
        (result(up_host(), down_host()), 4),
        (result(down_host(), up_host(address="192.0.2.9")), 4),  # the first that is up
        (result(down_host()), 6),
        (lookup_failed(FailureClass.DNS_NXDOMAIN), 0),
    ],
)
def test_the_ip_protocol_is_that_of_the_first_address_that_is_up(probed: DomainResult, protocol: int) -> None:
    text = b"".join(probe_series(probed, openmetrics=False)).decode()
    assert f"probe_ip_protocol {protocol}.0\n" in text
    assert f"probe_success {float(probed.up)}\n" in text
