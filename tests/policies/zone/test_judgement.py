"""Name servers by their answers: what is said of them, and what cannot be known from here."""

from __future__ import annotations

from dataclasses import replace

from exporter.model.warning import DomainWarning as W
from exporter.model.zone import DirectAnswer, DirectOutcome, MxSet, MxZone, NameserverState, Signature
from exporter.policies.zone.judgement import AskedServer, ServedMx, as_other_view, judge, unreached, zone_warnings
from exporter.report.zone_text import mx_text

S, D = NameserverState, DirectOutcome
ONE: MxSet = frozenset({(10, "mx.a.example")})
TWO: MxSet = frozenset({(10, "other.a.example")})


def answered(mx: MxSet = ONE, ttl: int = 300) -> DirectAnswer:
    return DirectAnswer(D.ANSWERED, "", mx, ttl)


def judged(*answers: DirectAnswer | None, served: ServedMx | None = None) -> MxZone:
    servers = [AskedServer(f"ns{n}.a.example", f"44.0.2.{n}", "", answer) for n, answer in enumerate(answers, 1)]
    return judge("a.example", servers, served, 1000.0)


def states(zone: MxZone) -> list[NameserverState]:
    return [server.state for server in zone.servers]


def test_the_set_of_most_is_the_one_that_others_differ_from() -> None:
    assert states(judged(answered(), answered(TWO), answered(TWO))) == [S.DIFFERS, S.AGREES, S.AGREES]
    served = ServedMx(TWO, 2000.0)
    assert states(judged(answered(), answered(TWO), served=served)) == [S.DIFFERS, S.AGREES]


def test_a_server_without_the_name_differs_from_one_that_has_records() -> None:
    zone = judged(answered(), answered(), DirectAnswer(D.ANSWERED, "it says that a.example does not exist"))
    assert states(zone) == [S.AGREES, S.AGREES, S.DIFFERS]
    assert zone_warnings(zone, 1000.0) == (W.NAMESERVERS_DISAGREE,)


def test_silence_and_lameness_are_said_of_a_server_only_where_the_way_is_open() -> None:
    silent, lame = DirectAnswer(D.SILENT, "it does not answer"), DirectAnswer(D.LAME, "it answers REFUSED")
    zone = judged(answered(), silent, lame)
    assert states(zone) == [S.AGREES, S.SILENT, S.LAME]
    assert set(zone_warnings(zone, 1000.0)) == {W.NAMESERVER_SILENT, W.NAMESERVER_LAME}
    ours = judged(unreached(silent), unreached(lame))
    assert states(ours) == [S.UNKNOWN, S.UNKNOWN]
    assert zone_warnings(ours, 1000.0) == ()
    assert "port 53" in ours.detail


def test_families_are_told_apart() -> None:
    servers = [
        AskedServer("ns1", "44.0.2.1", "", answered()),
        AskedServer("ns1", "2a00::1", "", unreached(DirectAnswer(D.SILENT))),
        AskedServer("ns2", "2a00::2", "", DirectAnswer(D.OURS, "there is no route to it from here")),
    ]
    zone = judge("a.example", servers, None, 1000.0)
    assert states(zone) == [S.AGREES, S.UNKNOWN, S.UNKNOWN]
    assert zone.detail == ""


def test_an_answer_too_long_for_udp_says_nothing_where_none_comes_over_tcp() -> None:
    zone = judged(answered(), unreached(DirectAnswer(D.SILENT, "it does not answer", over_tcp=True)))
    assert states(zone) == [S.AGREES, S.UNKNOWN]
    assert "TCP port 53" in zone.servers[1].detail


def test_a_zone_of_silent_servers_alone_is_not_told_to_be_our_fault_where_others_answer() -> None:
    zone = judged(DirectAnswer(D.SILENT, "it does not answer"))
    assert (states(zone), zone.detail) == ([S.SILENT], "")


def test_of_more_records_than_are_shown_the_rest_is_counted() -> None:
    mx: MxSet = frozenset((number, f"mx{number}.a.example") for number in range(60))
    (server,) = judged(answered(mx)).servers
    assert (len(server.mx or ()), server.more_mx) == (16, 44)
    assert mx_text(server).endswith("3 mx3.a.example and 56 more")


def test_names_without_an_address_and_addresses_that_are_not_asked() -> None:
    servers = [
        AskedServer("ns1", "44.0.2.1", "", answered()),
        AskedServer("ns2", ""),
        AskedServer("ns3", "", "SERVFAIL for ns3"),
        AskedServer("ns4", "10.0.0.1", "10.0.0.1 is private: it is not asked"),
    ]
    zone = judge("a.example", servers, None, 1000.0)
    assert states(zone) == [S.AGREES, S.NO_ADDRESS, S.UNKNOWN, S.UNKNOWN]
    assert zone_warnings(zone, 1000.0) == (W.NAMESERVER_WITHOUT_ADDRESS,)


def test_a_change_is_hidden_as_long_as_our_resolver_serves_what_no_server_has() -> None:
    zone = judged(answered(), answered(), served=ServedMx(TWO, 1500.0))
    assert zone_warnings(zone, 1499.0) == (W.MX_CHANGE_HIDDEN,)
    assert zone_warnings(zone, 1500.0) == ()
    assert judged(answered(), answered(TWO), served=ServedMx(TWO, 1500.0)).hidden_until == 0.0
    assert judged(DirectAnswer(D.SILENT), served=ServedMx(TWO, 1500.0)).hidden_until == 0.0


def test_a_set_that_our_resolver_serves_beyond_its_ttl_is_another_view_and_no_hidden_change() -> None:
    first = as_other_view(judged(answered(), served=ServedMx(TWO, 1500.0)), None)
    assert zone_warnings(first, 1000.0) == (W.MX_CHANGE_HIDDEN,)
    meanwhile = replace(judged(answered(), served=ServedMx(TWO, 1500.0)), at=1499.0)
    assert as_other_view(meanwhile, first) is meanwhile
    later = replace(judged(answered(), served=ServedMx(TWO, 5000.0)), at=3000.0)
    second = as_other_view(later, first)
    assert zone_warnings(second, 3000.0) == ()
    assert "another view" in second.detail
    assert as_other_view(later, second).is_other_view
    assert not as_other_view(judged(answered(TWO), served=ServedMx(TWO, 5000.0)), second).is_other_view


def test_the_longest_ttl_and_the_first_signature_count() -> None:
    early, late = (Signature(ends, 0.0, "MX of a.example", is_authenticated=False) for ends in (5.0, 9.0))
    zone = judged(answered(ttl=60)._replace(signature=late), answered(ttl=86401)._replace(signature=early))
    assert zone.ttl == 86401
    assert zone.signature == early._replace(of="MX of a.example at the name server ns2.a.example [44.0.2.2]")
    assert zone_warnings(zone, 1000.0) == (W.MX_TTL_LONG,)
    assert zone_warnings(judged(answered(ttl=86400)), 1000.0) == ()
