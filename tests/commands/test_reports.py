"""The reports of a one-shot probe: transcripts for a person, JSON for a script."""

from __future__ import annotations

import io
import json

from exporter.commands.reports import JsonReport, TranscriptReport
from exporter.commands.terminal import Screen
from exporter.model.failure import Confidence, FailureClass
from exporter.report.local_state import LocalPart, LocalState
from tests.results import domain, down_host, lookup_failed, result, up_host

BLOCKED = LocalPart("ipv4", "blocked", Confidence.CERTAIN, cause=FailureClass.EGRESS_BLOCKED)


def test_in_a_file_a_transcript_is_plain_text() -> None:
    out = io.StringIO()
    report = TranscriptReport(Screen(out, {}))
    report.add(domain(), result(up_host(), down_host()))
    report.add(domain("absent.example"), lookup_failed(FailureClass.DNS_NXDOMAIN, "absent.example"))
    assert report.finish() == 1
    assert out.getvalue() == DIALOGUE


def test_json_has_one_object_a_line_and_the_exit_code() -> None:
    out = io.StringIO()
    report = JsonReport(out, "me.example")
    report.know(LocalState((BLOCKED,), {FailureClass.EGRESS_BLOCKED: 3}))
    report.add(domain(), result(up_host()))
    assert report.finish() == 0
    report.add(domain("b.example"), result(down_host()))
    assert report.finish() == 1
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [(line["name"], line["up"], line["egress"]["hidden_targets"]) for line in lines] == [
        ("healthy.example", True, 3),
        ("b.example", False, 3),
    ]


DIALOGUE = """\
healthy.example: 2 MX (4.0 ms)
     10 mx1.healthy.example: 192.0.2.1
     20 mx2.healthy.example: 2001:db8::2

10 mx1.healthy.example [192.0.2.1]
      10.5 ms   connected (kernel round-trip time 10.1 ms)
  up
  warning: starttls_not_offered: it offers no STARTTLS: mail travels in the clear

20 mx2.healthy.example [2001:db8::2]
      20.0 ms   connected (kernel round-trip time 19.0 ms)
  blocked: reputation_blocked at banner: the server said: 554 5.7.1 "go\\naway"

healthy.example is up: 1 of 2 addresses takes mail, with warnings; mx2.healthy.example [2001:db8::2] does not: \
reputation_blocked.
  - mx1.healthy.example [192.0.2.1]: it offers no STARTTLS: mail travels in the clear
  next: find what was sent from our address; then ask the list that the reply names to remove it \
(docs/reference/classes.md#reputation_blocked)

absent.example: 0 MX (2.0 ms)

misconfigured: dns_nxdomain at dns, certain
  absent.example: NXDOMAIN; it will not heal by itself.
  next: look for a misspelt name or an expired registration: `whois absent.example` \
(docs/reference/classes.md#dns_nxdomain)
"""
