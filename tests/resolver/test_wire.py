"""Queries as bytes, and the header and EDNS of answers, as dnspython reads and writes them."""

from __future__ import annotations

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import pytest

from exporter.resolver import wire

SECTION = wire.question_section("A.Example", dns.rdatatype.MX)


@pytest.mark.parametrize("edns", [True, False])
def test_a_query_is_what_dnspython_would_send(edns: bool) -> None:
    query = dns.message.from_wire(wire.query(SECTION, edns=edns))
    assert str(query.question[0]) == "a.example. IN MX"
    assert query.edns == (0 if edns else -1)
    assert query.flags & dns.flags.AD
    assert bool(query.ednsflags & dns.flags.DO) is edns


def _answer(rcode: dns.rcode.Rcode = dns.rcode.NOERROR, options: tuple[dns.edns.Option, ...] = ()) -> bytes:
    query = dns.message.make_query("a.example", "MX", use_edns=0, options=list(options))
    answer = dns.message.make_response(query)
    answer.use_edns(0, options=list(options))
    answer.set_rcode(rcode)
    return answer.to_wire()


@pytest.mark.parametrize("rcode", [dns.rcode.NOERROR, dns.rcode.SERVFAIL, dns.rcode.BADVERS])
def test_the_whole_code_is_read(rcode: dns.rcode.Rcode) -> None:
    assert wire.code_of(_answer(rcode)) == rcode


def test_options_are_read() -> None:
    option = dns.edns.GenericOption(dns.edns.OptionType.EDE, b"\0\x0fblocked")
    opt = wire.opt_of(_answer(options=(option,)))
    assert opt is not None
    assert opt.options == ((15, b"\0\x0fblocked"),)
    assert wire.opt_of(_answer()) == wire.Opt(0, ())


def test_an_answer_repeats_the_question_unless_it_refuses_to_read_it() -> None:
    answer = _answer()
    assert wire.answers(answer, SECTION)
    assert not wire.answers(answer, wire.question_section("b.example", dns.rdatatype.MX))
    assert not wire.answers(wire.query(SECTION), SECTION)
    bare = answer[:3] + bytes([dns.rcode.FORMERR]) + bytes(8)
    assert wire.answers(bare, SECTION)
    assert not wire.answers(answer[:3] + bytes(9), SECTION)


def test_a_cut_answer_is_truncated() -> None:
    answer = _answer()
    assert not wire.is_truncated(answer)
    assert wire.is_truncated(wire.cut(answer))
