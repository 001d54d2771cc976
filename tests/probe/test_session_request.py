"""A session as it is asked for: its plan may hold a secret, which no text of it shows."""

from __future__ import annotations

from exporter.model.target import Canary
from exporter.probe.session_request import Endpoint, SessionRequest
from exporter.smtp.plan import Credentials, Plan


def test_a_request_shows_no_password() -> None:
    plan = Plan(b"me.example", credentials=Credentials("me", "correct horse"))
    request = SessionRequest(Endpoint("192.0.2.1", 587), "mx.example:587", plan, Canary(), 30.0)
    assert "correct horse" not in repr(request)
    assert "mx.example:587" in repr(request)
