"""Names of block lists, and names that only resemble one."""

from __future__ import annotations

import pytest

from exporter.model.failure import FailureClass as C
from exporter.model.failure import Stage
from tests.diagnosis.replies.real_replies import class_of


@pytest.mark.parametrize(
    "text",
    [
        "Access denied, see https://www.spamhaus.org/query/ip/192.0.2.1",
        "rejected by dnsbl.sorbs.net",
        "refused (bl.spamcop.net)",
        "look at csi.cloudmark.com/reset-request/?ip=192.0.2.1",
    ],
)
def test_a_list_is_known_by_its_registered_name(text: str) -> None:
    assert class_of(Stage.RCPT, 554, text) is C.REPUTATION_BLOCKED


@pytest.mark.parametrize(
    "name", ["spamhaus.b.example", "mx.spamcop.net.b.example", "blacklist.b.example", "rbl.b.example"]
)
def test_a_name_that_only_resembles_a_list_is_no_verdict(name: str) -> None:
    assert class_of(Stage.RCPT, 550, f"5.1.1 No such user at {name}") is C.MAILBOX_UNKNOWN
    assert class_of(Stage.BANNER, 554, f"{name} no service") is C.BANNER_REJECTED
