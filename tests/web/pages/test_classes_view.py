"""The page of failure classes."""

from __future__ import annotations

import re

from exporter.model.failure import FailureClass
from exporter.model.warning import DomainWarning, HostWarning
from tests.web.fake_backend import FakeBackend
from tests.web.pages.browsing import (
    get,
    text,
)


async def test_every_class_has_a_section_with_what_makes_it_sure_and_what_to_do(backend: FakeBackend) -> None:
    page = await get(backend, "/classes")
    sections = re.findall(r'<section class="card" id="(\w+)"', page)
    assert sections[: len(FailureClass)] == list(FailureClass)
    # Each warning has one too, which a failure class of its name shares.
    assert len(sections) == len(set(sections))
    assert set(sections) == {each.value for each in (*FailureClass, *HostWarning, *DomainWarning)}
    shown = text(page)
    assert "undetermined? settle it before you call: set egress.references and egress.witness_ports" in shown
    assert "up, with warnings its certificate, or one of its chain, has expired: tell the postmaster" in shown
    assert (
        "banner_slow its greeting takes over 10 seconds up, with warnings tell the postmaster of the mail host" in shown
    )
    assert "likely no witness port answers either, while unrelated networks greet" in shown
