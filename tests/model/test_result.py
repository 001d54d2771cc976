from __future__ import annotations

from exporter.model.failure import FailureClass
from exporter.model.warning import HostWarning
from tests.results import changed, down_host, lookup_failed, result, up_host

W = HostWarning


def test_a_target_is_up_with_one_address_up() -> None:
    probed = result(down_host(), up_host())
    assert (probed.up, probed.addresses_up) == (True, 1)
    assert not result(down_host()).up
    assert not lookup_failed(FailureClass.DNS_NXDOMAIN).up


def test_a_failing_host_has_only_the_warnings_about_its_refusal_and_its_cost() -> None:
    warnings = (W.BARE_LF, W.CONTRADICTORY_CODES, W.COSTLY)
    assert changed(up_host(), warnings=warnings).outcome.reported_warnings == warnings
    assert changed(down_host(), warnings=warnings).outcome.reported_warnings == warnings[1:]


def test_a_host_is_up_without_a_failure() -> None:
    assert up_host().up
    assert not down_host().up
    assert (down_host().mx, down_host().address) == ("mx2.healthy.example", "2001:db8::2")
