"""Name servers and signatures in sentences; the words of strangers are escaped and few."""

from __future__ import annotations

from exporter.model.warning import DomainWarning as W
from exporter.model.zone import MxZone, Nameserver, NameserverState, Signature
from exporter.report.warning_text import WARNINGS, domain_sentence
from exporter.report.zone_text import ZONE_WARNINGS, zone_lines
from tests.results import AT, result, up_host

S = NameserverState
HOSTILE = "n\x1b[2J<b>.example"


def server(state: S, number: int = 1, **values: object) -> Nameserver:
    return Nameserver(f"ns{number}.a.example", f"192.0.2.{number}", state, **values)  # type: ignore[arg-type]


def test_every_warning_has_a_sentence_of_its_own_and_one_without_facts() -> None:
    bare = result(up_host())
    for warning in ZONE_WARNINGS:
        assert domain_sentence(warning, bare) == WARNINGS[warning].seen


def test_servers_that_differ_are_quoted_with_their_sets() -> None:
    mx = ((10, "mx.a.example"),)
    zone = MxZone("a.example", (server(S.AGREES, mx=mx), server(S.DIFFERS, 2, mx=((0, ""),)), server(S.DIFFERS, 3)))
    sentence = domain_sentence(W.NAMESERVERS_DISAGREE, result(up_host())._replace(zone=zone))
    assert sentence == (
        "its name servers have different MX sets: ns1.a.example [192.0.2.1] has 10 mx.a.example;"
        " ns2.a.example [192.0.2.2] has 0 .; ns3.a.example [192.0.2.3] has no MX record"
    )


def test_a_crowd_of_servers_is_cut_and_hostile_names_are_escaped() -> None:
    servers = tuple(Nameserver(HOSTILE, f"192.0.2.{n}", S.SILENT, "it does not answer") for n in range(30))
    found = result(up_host())._replace(zone=MxZone("a.example", servers))
    sentence = domain_sentence(W.NAMESERVER_SILENT, found)
    assert "\x1b" not in sentence
    assert "and 26 more" in sentence
    assert all("\x1b" not in line for line in zone_lines(found.zone))


def test_lines_about_a_zone() -> None:
    zone = MxZone(
        "a.example", (server(S.AGREES, mx=((10, "m"),), ttl=60), server(S.LAME, 2, detail="it answers REFUSED"))
    )
    assert [*zone_lines(zone)] == [
        "zone: a.example: 1 of 2 addresses of name servers agree",
        "  name server ns1.a.example [192.0.2.1]: agrees: 10 m",
        "  name server ns2.a.example [192.0.2.2]: lame: it answers REFUSED",
    ]
    assert [*zone_lines(MxZone(detail="not known"))] == ["zone: unknown: not known"]
    assert [*zone_lines(None)] == []


def test_a_signature_says_what_it_is_of_and_whether_it_has_ended() -> None:
    for ends, word in ((AT + 60, "ends"), (AT - 60, "has ended")):
        signature = Signature(ends, 0.0, "MX of a.example", is_authenticated=True)
        sentence = domain_sentence(W.SIGNATURE_EXPIRES_SOON, result(up_host())._replace(signature=signature))
        assert sentence.startswith(f"the DNSSEC signature of MX of a.example {word} at ")


def test_each_server_has_its_own_fault() -> None:
    servers = (
        server(S.LAME, detail="it answers REFUSED"),
        server(S.LAME, 2, detail="it answers SERVFAIL"),
        server(S.LAME, 3, detail="it answers REFUSED"),
        Nameserver("", "", S.NO_ADDRESS),
    )
    found = result(up_host())._replace(zone=MxZone("a.example", servers))
    assert domain_sentence(W.NAMESERVER_LAME, found) == (
        "its name server ns1.a.example [192.0.2.1], ns3.a.example [192.0.2.3]: it answers REFUSED;"
        " its name server ns2.a.example [192.0.2.2]: it answers SERVFAIL"
    )
    assert domain_sentence(W.NAMESERVER_WITHOUT_ADDRESS, found) == "its name server .: its name has no address"
