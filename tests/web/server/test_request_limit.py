from __future__ import annotations

import pytest

from exporter.web.server.request_limit import RequestLimit


def test_the_limit_is_reached_while_so_many_requests_are_in_progress() -> None:
    limit, seen = RequestLimit(2), []
    with limit:
        seen.append(limit.reached)
        with limit:
            seen.append(limit.reached)
        seen.append(limit.reached)
    assert seen == [False, True, False]


def test_a_request_that_fails_frees_its_place() -> None:
    limit = RequestLimit(1)

    def fail() -> None:
        with limit:
            raise OSError("lost")

    with pytest.raises(OSError, match="lost"):
        fail()
    assert not limit.reached
