"""The conclusions from the hops of a path."""

from __future__ import annotations

from exporter.model.path_trace import Hop, HopKind
from tests.paths import GONE_443, OPEN_443, ROUTERS, TARGET, path

_K = HopKind


def test_an_rst_before_a_router_of_the_same_path_is_forged() -> None:
    found = path(_K.TIME_EXCEEDED, _K.REFUSED, _K.TIME_EXCEEDED)
    assert found.forged_reset
    assert found.reached is None


def test_an_rst_at_the_end_of_the_path_is_the_targets_own() -> None:
    found = path(_K.TIME_EXCEEDED, _K.TIME_EXCEEDED, _K.TIME_EXCEEDED, _K.REFUSED, against=OPEN_443)
    assert not found.forged_reset
    assert found.reached == 4
    assert not found.stops_earlier


def test_an_rst_nearer_than_the_other_port_answers_is_forged() -> None:
    found = path(_K.TIME_EXCEEDED, _K.TIME_EXCEEDED, _K.REFUSED, against=OPEN_443)
    assert found.forged_reset
    assert found.reached is None
    assert found.stops_earlier


def test_an_rst_nearer_than_the_other_ports_routers_is_forged() -> None:
    """The other port need not be answered: the target is behind every router that is on its way."""
    assert path(_K.TIME_EXCEEDED, _K.TIME_EXCEEDED, _K.REFUSED, against=GONE_443).forged_reset
    assert not path(_K.TIME_EXCEEDED, _K.TIME_EXCEEDED, _K.TIME_EXCEEDED, _K.REFUSED, against=GONE_443).forged_reset


def test_alone_an_rst_is_taken_as_the_targets() -> None:
    found = path(_K.TIME_EXCEEDED, _K.REFUSED)
    assert not found.forged_reset
    assert found.reached == 2


def test_a_syn_ack_nearer_than_the_other_port_is_intercepted() -> None:
    found = path(_K.TIME_EXCEEDED, _K.REACHED, against=OPEN_443)
    assert found.intercepted
    assert not found.forged_reset
    assert found.reached is None


def test_two_ports_that_end_at_the_same_router_stop_together() -> None:
    found = path(_K.TIME_EXCEEDED, _K.TIME_EXCEEDED, _K.TIME_EXCEEDED, _K.SILENT, _K.SILENT, against=GONE_443)
    assert not found.stops_earlier
    assert found.last_hop == Hop(3, _K.TIME_EXCEEDED, ROUTERS[2])


def test_a_port_that_ends_at_an_earlier_router_stops_earlier() -> None:
    assert path(_K.TIME_EXCEEDED, _K.SILENT, _K.SILENT, against=GONE_443).stops_earlier


def test_an_answer_forged_on_the_other_port_is_not_further() -> None:
    forged_443 = path(_K.REFUSED, port=443)
    assert not path(_K.TIME_EXCEEDED, _K.TIME_EXCEEDED, _K.SILENT, against=forged_443).stops_earlier


def test_without_another_port_nothing_stops_earlier() -> None:
    assert not path(_K.TIME_EXCEEDED, _K.SILENT).stops_earlier


def test_the_last_hop_of_a_silent_path_is_none() -> None:
    found = path(_K.SILENT, _K.SILENT)
    assert found.last_hop is None
    assert found.reached is None


def test_the_last_hop_is_the_rejecting_router_at_its_own_distance() -> None:
    forwarding = path(_K.TIME_EXCEEDED, _K.TIME_EXCEEDED, (_K.PROHIBITED, ROUTERS[1]))
    assert forwarding.last_hop == Hop(2, _K.TIME_EXCEEDED, ROUTERS[1])
    at_once = path(_K.TIME_EXCEEDED, (_K.PROHIBITED, ROUTERS[1]))
    assert at_once.last_hop == at_once.rejected_by
    assert at_once.rejected_by is not None
    assert (at_once.rejected_by.ttl, at_once.rejected_by.address) == (2, ROUTERS[1])


def test_a_rejecting_router_without_an_address_is_not_a_silent_one() -> None:
    last = path(_K.TIME_EXCEEDED, _K.SILENT, (_K.PROHIBITED, "")).last_hop
    assert last is not None
    assert (last.ttl, last.kind) == (3, _K.PROHIBITED)


def test_a_target_that_prohibits_is_reached() -> None:
    found = path(_K.TIME_EXCEEDED, (_K.PROHIBITED, TARGET))
    assert found.reached == 2
    assert found.rejected_by is None
    assert found.last_hop == Hop(1, _K.TIME_EXCEEDED, ROUTERS[0])


def test_a_port_without_a_first_hop_never_left_where_another_port_did() -> None:
    silent = (_K.SILENT, _K.SILENT)
    assert path(*silent, against=OPEN_443).stops_at_this_host
    assert not path(*silent).stops_at_this_host
    assert not path(_K.TIME_EXCEEDED, *silent, against=OPEN_443).stops_at_this_host
    assert not path(*silent, against=path(*silent, port=443)).stops_at_this_host
    assert not path(*silent, against=path(_K.LOCAL, port=443)).stops_at_this_host


def test_a_target_without_a_router_before_it_may_drop_the_port_itself() -> None:
    for answer in (_K.REACHED, _K.REFUSED):
        assert not path(_K.SILENT, _K.SILENT, against=path(answer, port=443)).stops_at_this_host
