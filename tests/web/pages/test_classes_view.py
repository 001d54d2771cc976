"""The page of failure classes."""

from __future__ import annotations

import re

from exporter.model.failure import FailureClass
from tests.web.fake_backend import FakeBackend
from tests.web.pages.browsing import (
    get,
    text,
)


async def test_every_class_has_a_section_with_what_makes_it_sure_and_what_to_do(backend: FakeBackend) -> None:
    page = await get(backend, "/classes")
    assert re.findall(r'<section class="card" id="(\w+)"', page) == list(FailureClass)
    shown = text(page)
    assert "undetermined? settle it before you call: set egress.references and egress.witness_ports" in shown
    assert "likely no witness port answers either, while unrelated networks greet" in shown
