from __future__ import annotations

import pytest

from tests.web.fake_backend import FakeBackend
from tests.web.pages.browsing import FLEET, known


@pytest.fixture
def fleet(backend: FakeBackend) -> FakeBackend:
    backend.kept = known(*FLEET)
    return backend
