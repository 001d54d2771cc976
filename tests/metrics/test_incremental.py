"""Samples made from those of the result before are those that would be written anew, whichever field has changed."""

from __future__ import annotations

from dataclasses import fields, make_dataclass, replace
from itertools import pairwise
from typing import Any, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.metrics import samples
from exporter.metrics.families import HOST_SIZE_LIMIT, PLACE
from exporter.metrics.incremental import all_but, render_after
from exporter.metrics.samples import render
from exporter.model.failure import Stage
from exporter.model.result import (
    HostFacts,
    HostIdentity,
    HostOutcome,
    HostResult,
    HostTimings,
    MxHost,
    MxLookup,
    ProbeResult,
    TlsResult,
)
from exporter.model.target import Settings, Target, TargetKind
from exporter.store.record import Samples, TargetRecord
from exporter.store.targets import TargetStore
from tests.results import changed, domain, result, tls_host, up_host, with_policies
from tests.support.steps import at_once

# A result whose every part is there, so that each of its fields has lines to change.
_WELL = with_policies(
    result(
        changed(up_host(), tls=tls_host().facts.tls, auth_tls=("PLAIN",), enhanced=((Stage.VRFY, "5.5.1"),)),
        up_host(address="192.0.2.2"),
    )
)
WELL = replace(_WELL, named=_WELL.lookup.hosts if _WELL.lookup is not None else ())
RELAY = Target(TargetKind.HOST, "relay.example:25", "relay.example", Settings())


def _with(part: type, name: str, value: Any) -> ProbeResult:
    """`WELL` with one field of one of its parts changed."""
    host, lookup = WELL.hosts[0], WELL.lookup
    tls = host.facts.tls
    assert lookup is not None
    assert tls is not None
    change = {name: value}
    if part is ProbeResult:
        return replace(WELL, **change)
    if part is MxLookup:
        return replace(WELL, lookup=replace(lookup, **change))
    if part is MxHost:
        hosts = (replace(lookup.hosts[0], **change), *lookup.hosts[1:])
        return replace(WELL, lookup=replace(lookup, hosts=hosts), named=hosts)
    if part is HostResult:
        host = replace(host, **change)
    elif part is TlsResult:
        host = changed(host, tls=replace(tls, **change))
    else:
        host = changed(host, **change)
    return replace(WELL, hosts=(host, *WELL.hosts[1:]))


GROUPS = (HostIdentity, HostOutcome, HostFacts, HostTimings)
PARTS = [
    (part, field.name)
    for part in (ProbeResult, MxLookup, MxHost, HostResult, *GROUPS, TlsResult)
    for field in fields(part)
]


@pytest.mark.parametrize(("part", "name"), PARTS, ids=lambda each: each if isinstance(each, str) else each.__name__)
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_result_changed_in_one_field_has_the_samples_of_a_fresh_rendering(
    part: type, name: str, data: st.DataObject
) -> None:
    changed = _with(part, name, data.draw(st.from_type(get_type_hints(part)[name])))
    for target in (domain("healthy.example", team="mail"), RELAY):
        record = TargetRecord(target, WELL, probes=1)
        record = record.rendered(render(record))
        for before, now in pairwise((WELL, changed, changed, WELL)):
            record = record._replace(result=now, probes=record.probes + 1)
            record = record.rendered(render_after(record, before))
            assert record.samples == render(record)


def test_a_field_that_is_new_is_compared() -> None:
    newer = make_dataclass("Newer", [("fact", int, 0)], bases=(HostFacts,), frozen=True, slots=True)
    seen = all_but(HostResult, "timings")
    here = up_host()
    assert seen(here) == seen(changed(here, at=1.0, phases=((Stage.EHLO, 1.0),)))
    assert seen(replace(here, facts=newer(fact=0))) != seen(replace(here, facts=newer(fact=1)))


def test_the_series_of_a_new_fact_is_one_row_and_is_rendered_anew_with_each_value(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A field and a row are enough: nothing else has to know of a new fact, and its sample does not go stale."""
    newer: type[Any] = make_dataclass("Newer", [("fact", int, 0)], bases=(HostFacts,), frozen=True, slots=True)
    place, name = PLACE[HOST_SIZE_LIMIT], HOST_SIZE_LIMIT.name
    row = (place, name, lambda host: host.facts.fact)
    monkeypatch.setattr(samples, "_PLACED_VALUES", (*samples._PLACED_VALUES, row))
    record = TargetRecord(domain())
    for fact in (1, 2, 3):
        before, host = record.result, up_host()
        facts = newer(**{each.name: getattr(host.facts, each.name) for each in fields(HostFacts)}, fact=fact)
        record = record._replace(result=result(replace(host, facts=facts)))
        record = record.rendered(render_after(record, before))
        assert record.samples == render(record)
        assert record.samples[place].endswith(b"} %d.0\n" % fact)


def test_what_may_differ_are_fields() -> None:
    with pytest.raises(ValueError, match="not in list"):
        all_but(HostResult, "colour")


def _written_anew(part: type, name: str, value: Any, monkeypatch: pytest.MonkeyPatch) -> bool:
    """True if all lines of a target are written when a field changes."""
    written: list[TargetRecord] = []

    def counted(record: TargetRecord) -> Samples:
        written.append(record)
        return render(record)

    monkeypatch.setattr("exporter.metrics.incremental.render", counted)
    record = TargetRecord(domain(), WELL)
    record = record._replace(samples=render(record), result=_with(part, name, value))
    render_after(record, WELL)
    return bool(written)


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [
        (ProbeResult, "duration", 9.0),
        (MxLookup, "duration", 9.0),
        (MxLookup, "asked_at", 9.0),
        (MxHost, "asked_at", 9.0),
        (HostTimings, "at", 9.0),
        (HostTimings, "tcp_rtt", 9.0),
        (HostTimings, "waits", ((Stage.EHLO, 9.0),)),
        (HostTimings, "tls_at", 9.0),
    ],
)
def test_what_differs_from_one_good_probe_to_the_next_is_no_reason_to_write_all_lines(
    part: type, name: str, value: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not _written_anew(part, name, value, monkeypatch)
    assert _written_anew(HostFacts, "extensions", (), monkeypatch)


@pytest.mark.parametrize(
    ("part", "name"), [(kind, field.name) for kind in (Target, Settings) for field in fields(kind) if field.init]
)
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_target_changed_by_a_reload_has_the_samples_of_a_fresh_rendering(
    part: type, name: str, data: st.DataObject
) -> None:
    target = domain("healthy.example", team="mail")
    change = {name: data.draw(st.from_type(get_type_hints(part)[name]))}
    changed = (
        replace(target, **change) if part is Target else replace(target, settings=replace(target.settings, **change))
    )
    store = TargetStore(render_after)
    at_once(store.replacing([target]))
    store.record(target, WELL)
    at_once(store.replacing([changed]))
    (record,) = store.records()
    assert record.samples == render(record)
