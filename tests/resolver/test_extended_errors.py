"""Extended errors of an answer: few, and short."""

from __future__ import annotations

from exporter.resolver.answer import read_reply
from exporter.resolver.extended_errors import extended_errors
from exporter.resolver.wire import opt_of
from tests.support import dns_messages as dns

NAME = "evil.example"
# Where the question ends, and with it the header of the first record's data begins.
AFTER_QUESTION = dns.HEADER + len(dns.wire(NAME)) + 4
FIRST_DATA = AFTER_QUESTION + 12


def test_of_thousands_of_options_the_first_are_looked_at() -> None:
    opt = opt_of(dns.with_options(NAME, [(15, b"\0\x16")] * 10_000))
    assert opt is not None
    assert len(opt.options) <= 64


def test_extended_errors_are_few_and_short() -> None:
    data = dns.with_options(NAME, [(15, bytes([0, n]) + b"\xff" * 2000) for n in range(30)])
    opt = opt_of(data)
    assert opt is not None
    errors = extended_errors(opt.options)
    assert 0 < len(errors) <= 8
    assert all(len(error.text) < 1000 for error in errors)
    failure = read_reply(NAME, data).failure
    assert failure is not None
    assert sum(map(len, failure.evidence)) < 8000
