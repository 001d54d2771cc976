"""Blocked or dead: what can stand between us and a mail host, and what must be said of it.

A table of data for the tests and for the comparison with other tools (tests.namespaces.comparison).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from exporter.lab.smtp_script import CLOSE, SmtpScript, Wait, ordinary, reply
from exporter.model.failure import FailureClass, Verdict
from tests.namespaces.mail_network import (
    DOMAINS,
    ONLY_IPV6,
    PROVIDER,
    PROXY,
    REFERENCES,
    SMTP,
    SUBMISSION,
    TENANTS,
    host_and_port,
    mail_host,
)
from tests.namespaces.network import (
    REMOTES,
    Family,
    address,
    drop_everything,
    drop_icmp_errors,
    drop_port_25,
    filter_rule,
    redirect_port_25_to,
    reject_with,
    reset_port_25,
    vacant_address,
)
from tests.namespaces.scenario import (
    CERTAIN,
    IPV4,
    IPV6,
    LIKELY,
    NO_ROUTE,
    OWN_FILTER,
    REFUSED,
    TARGET,
    UNCERTAIN,
    UP,
    Outcome,
    Place,
    Rule,
    Scenario,
    at,
    drop,
    egress_blocked,
    egress_wordless,
    filtered,
    intercepted,
    offline,
    prohibited,
    reject,
    reset,
    silent,
    unreachable,
    wordless,
)

_C, _V = FailureClass, Verdict
FOUR_DOMAINS: Final = tuple(DOMAINS.values())
VACANT: Final[Mapping[Family, str]] = {4: vacant_address("remote-a", 4), 6: vacant_address("remote-a", 6)}
# A host without any other open port.
_LONE: Final = tuple(host_and_port(address("remote-a", family, 2)) for family in (4, 6))

_ONE_HOST: Final = (
    Scenario("everything open", UP, compared=True),
    Scenario("every domain open", UP, names=FOUR_DOMAINS, references=()),
    # Silence: the last router that answers on port 25 stands before the filter, or is it.
    Scenario("port 25 of the host dropped by the gateway", filtered("gateway", CERTAIN), drop("gateway")),
    Scenario(
        "port 25 of the host dropped by the provider", filtered("provider", CERTAIN), drop("provider"), compared=True
    ),
    Scenario("port 25 of the host dropped by its edge", filtered("edge-a"), drop("edge-a")),
    Scenario(
        "port 25 dropped by the server, 443 answers",
        filtered("edge-a"),
        drop("remote-a", "input"),
        compared=True,
    ),
    Scenario(
        "port 25 dropped by the server, other ports refuse",
        filtered("edge-a"),
        at("remote-a", drop_port_25("input")),
        names=_LONE,
    ),
    Scenario(
        "port 25 of the host dropped by the provider, nothing to compare with",
        filtered("provider", LIKELY),
        drop("provider"),
        references=(),
    ),
    Scenario(
        "the host is gone",
        silent("edge-a"),
        at("edge-a", *(drop_everything(to=to) for to in TARGET.values())),
        compared=True,
    ),
    Scenario(
        "the host's network is gone",
        silent("provider"),
        at("provider", *(drop_everything(to=to) for to in TARGET.values())),
    ),
    Scenario(
        "the host is gone, nothing to compare with",
        silent("edge-a", UNCERTAIN),
        at("edge-a", *(drop_everything(to=to) for to in TARGET.values())),
        references=(),
    ),
    Scenario(
        "an address that no host has",
        unreachable("edge-a"),
        names=tuple(map(host_and_port, VACANT.values())),
        compared=True,
    ),
    # An ICMP error: who sends it says so.
    *(
        Scenario(
            f"{ipv4 or ipv6} from the provider",
            outcome,
            reject("provider", ipv4, ipv6),
            names=tuple(host_and_port(TARGET[family]) for family, code in ((IPV4, ipv4), (IPV6, ipv6)) if code),
            compared=(ipv4 in ("port-unreachable", "host-unreachable")),
        )
        for ipv4, ipv6, outcome in (
            ("net-unreachable", "no-route", unreachable("provider")),  # 3/0, 1/0
            ("host-unreachable", "addr-unreachable", unreachable("provider")),  # 3/1, 1/3
            ("prot-unreachable", "", unreachable("provider")),  # 3/2
            ("port-unreachable", "port-unreachable", prohibited("provider")),  # 3/3, 1/4: the usual reject
            ("net-prohibited", "policy-fail", prohibited("provider")),  # 3/9, 1/5
            ("host-prohibited", "reject-route", prohibited("provider")),  # 3/10, 1/6
            ("admin-prohibited", "admin-prohibited", prohibited("provider")),  # 3/13, 1/1
        )
    ),
    *(
        Scenario(
            f"admin-prohibited from {where}",
            prohibited(router),
            reject(router, "admin-prohibited", "admin-prohibited"),
            compared=router == "gateway",
        )
        for router, where in (("gateway", "the gateway"), ("edge-a", "the host's edge"))
    ),
    Scenario(
        "port-unreachable from the server",
        REFUSED,
        reject("remote-a", "port-unreachable", "port-unreachable", "input"),
    ),
    Scenario(
        "admin-prohibited from the server",
        prohibited("remote-a"),
        reject("remote-a", "admin-prohibited", "admin-prohibited", "input"),
    ),
    # An RST: the host's own, unless a SYN that cannot reach it draws one.
    Scenario("RST from the server", REFUSED, reset("remote-a", "input"), compared=True),
    Scenario("RST forged by the gateway", prohibited("gateway", LIKELY), reset("gateway"), compared=True),
    Scenario("RST forged by the provider", prohibited("provider", LIKELY), reset("provider")),
    # The last router that lets the SYN pass is named: its far side forges the RST, or the near side of the next.
    Scenario("RST forged where the edge begins", prohibited("provider", LIKELY), reset("edge-a", "prerouting")),
    # What the edge resets instead of forwarding has come as far as the host itself: nothing tells them apart.
    Scenario("RST forged where the edge ends", REFUSED, reset("edge-a")),
)

_CLIENT: Final = (
    Scenario("dropped by the client's own filter", OWN_FILTER, at("client", drop_port_25("output")), compared=True),
    Scenario("dropped by the client's own filter, for one host", OWN_FILTER, drop("client", "output")),
    *(
        Scenario(
            f"rejected by the client's own filter with {answer}",
            OWN_FILTER,
            at("client", reject_with(f"icmpx {answer}", "output")),
            compared=answer == "admin-prohibited",
        )
        for answer in ("admin-prohibited", "port-unreachable", "host-unreachable", "no-route")
    ),
    Scenario("reset by the client's own filter", OWN_FILTER, at("client", reset_port_25("output"))),
    Scenario("reset by the client's own filter, for one host", OWN_FILTER, reset("client", "output")),
    # Not the client's own, though it is as near: a virtual switch, or a router that filters before it looks at the TTL.
    Scenario("RST forged before the first router", prohibited("gateway", LIKELY), reset("gateway", "prerouting")),
    *(
        Scenario(
            f"a route of the client: {route}",
            OWN_FILTER if route == "prohibit" else NO_ROUTE,
            client=tuple((f"route add {route} {to}", f"route del {route} {to}") for to in TARGET.values()),
        )
        for route in ("prohibit", "unreachable", "blackhole")
    ),
    Scenario(
        "the client has no route",
        NO_ROUTE,
        client=tuple(
            (f"{option} route del default", f"{option} route add default via {address('gateway', family)}")
            for family, option in ((IPV4, "-4"), (IPV6, "-6"))
        ),
    ),
    Scenario(
        "the next hop does not exist",
        NO_ROUTE,
        client=tuple(
            (f"route add {TARGET[family]} via {hop}", f"route del {TARGET[family]} via {hop}")
            for family, hop in ((IPV4, "46.30.1.77"), (IPV6, "2a0a:1e00:1:1::77"))
        ),
    ),
    Scenario(
        "the source address is not the client's",
        NO_ROUTE,
        defaults='  source_address: {ipv4: 46.30.1.66, ipv6: "2a0a:1e00:1:1::66"}',
    ),
)

_WITHOUT_IPV6: Final = (("-6 route del default", f"-6 route add default via {address('gateway', 6)}"),)
_WITHOUT_IPV4: Final = (("-4 route del default", f"-4 route add default via {address('gateway', 4)}"),)
_NO_IPV6_HERE: Final[Mapping[Family, Outcome]] = {6: NO_ROUTE}
_FAMILIES: Final = (
    Scenario(
        "no IPv6 here, the domain has both",
        UP,
        client=_WITHOUT_IPV6,
        by_family=_NO_IPV6_HERE,
        names=(DOMAINS["remote-a"],),
    ),
    Scenario("no IPv6 here, the domain has nothing else", NO_ROUTE, client=_WITHOUT_IPV6, names=(ONLY_IPV6,)),
    Scenario(
        "no IPv6 here, the domain has both and its IPv4 is dropped by the provider",
        filtered("provider", CERTAIN),
        drop("provider"),
        client=_WITHOUT_IPV6,
        by_family=_NO_IPV6_HERE,
        names=(DOMAINS["remote-a"],),
    ),
    Scenario(
        "no IPv4 here, the domain has both and its IPv6 is dropped by the provider",
        filtered("provider", CERTAIN),
        drop("provider"),
        client=_WITHOUT_IPV4,
        by_family={4: NO_ROUTE},
        spokesman=6,
        names=(DOMAINS["remote-a"],),
    ),
    Scenario(
        "outgoing port 25 is blocked over IPv6 alone",
        UP,
        at("gateway", filter_rule("forward", "meta nfproto ipv6 tcp dport 25 drop")),
        by_family={6: egress_blocked("gateway")},
        names=(DOMAINS["remote-a"],),
    ),
)


def _egress(name: str, outcome: Outcome, rules: tuple[Rule, ...], *, compared: bool = False) -> tuple[Scenario, ...]:
    """With references, and with four unrelated domains in place of them, which is a little less sure."""
    alone = Outcome(outcome.failure_class, outcome.verdict, LIKELY, outcome.hop)
    return (
        Scenario(f"{name}, with references", outcome, rules, compared=compared),
        Scenario(f"{name}, with four domains alone", alone, rules, names=FOUR_DOMAINS, references=()),
    )


_EVERYTHING_BUT_DNS: Final = filter_rule("forward", "meta l4proto tcp drop")
_EGRESS: Final = (
    *_egress(
        "outgoing port 25 dropped by the gateway",
        egress_blocked("gateway"),
        at("gateway", drop_port_25()),
        compared=True,
    ),
    *_egress(
        "outgoing port 25 prohibited by the gateway",
        egress_blocked("gateway"),
        at("gateway", reject_with("icmpx admin-prohibited")),
        compared=True,
    ),
    *_egress(
        "outgoing port 25 reset by the gateway",
        egress_blocked("gateway"),
        at("gateway", reset_port_25()),
        compared=True,
    ),
    Scenario("outgoing port 25 dropped by the provider", egress_blocked("provider"), at("provider", drop_port_25())),
    Scenario(
        "port 25 dropped at the edge of a cloud that hides itself",
        egress_blocked(""),
        at("gateway", drop_port_25("prerouting"), drop_icmp_errors()),
    ),
    Scenario(
        "only the DNS gets out, over IPv4",
        egress_blocked("gateway"),
        at("gateway", _EVERYTHING_BUT_DNS),
        by_family={6: offline("gateway")},
        outside_nameserver=True,
        names=(DOMAINS["remote-a"],),
    ),
    Scenario(
        "port 25 silent on three networks, which is too few",
        filtered("gateway", LIKELY),
        at("gateway", drop_port_25()),
        references=REFERENCES[:4],
    ),
    *_egress("nothing gets out", offline("gateway"), at("gateway", drop_everything()), compared=True),
)

_MASK: Final = "*" * 34 + "0*2******0*************2***"
_MASKED: Final = ordinary(
    "",
    greeting=reply(220, _MASK),
    EHLO=reply(250, "mx.example", "XXXXXXXA", "SIZE 10485760", "8BITMIME", "XXXXXXXXB", "XXXXXXXC"),
)
_UNANSWERED: Final = SmtpScript(greeting=CLOSE)
_NO_SUBMISSION: Final[Mapping[Place, SmtpScript]] = {(remote, SUBMISSION): _UNANSWERED for remote in REMOTES}
_PROXIED: Final = at("gateway", *(redirect_port_25_to(address("gateway", family), PROXY) for family in (4, 6)))
_ONE_PROXY: Final[Mapping[Place, SmtpScript]] = {("gateway", PROXY): ordinary("filter.isp.example")}


def _everywhere(script: SmtpScript, *ports: int) -> Mapping[Place, SmtpScript]:
    return {(remote, port): script for remote in REMOTES for port in ports}


# All hosts have this list under their own names, and none has STARTTLS.
_STRIPPED: Final[Mapping[Place, SmtpScript]] = {
    (remote, SMTP): ordinary(f"mx.{domain}", ("SIZE 20000000", "8BITMIME")) for remote, domain in DOMAINS.items()
}


def _one_server(
    name: str,
    outcome: Outcome,
    speech: Mapping[Place, SmtpScript],
    rules: tuple[Rule, ...] = (),
    *,
    names: Sequence[str] = FOUR_DOMAINS,
    trace: bool = True,
    compared: bool = False,
) -> Scenario:
    return Scenario(
        name, outcome, rules, speech=speech, names=tuple(names), references=(), trace=trace, compared=compared
    )


_INTERCEPTION: Final = (
    _one_server(
        "a proxy answers for all hosts, other ports greet by their own names",
        intercepted(),
        _ONE_PROXY,
        _PROXIED,
        trace=False,
        compared=True,
    ),
    _one_server(
        "a proxy answers for all hosts, the path shows it", intercepted(), {**_ONE_PROXY, **_NO_SUBMISSION}, _PROXIED
    ),
    _one_server(
        "a proxy answers for all hosts, nothing else shows it",
        intercepted(LIKELY),
        {**_ONE_PROXY, **_NO_SUBMISSION},
        _PROXIED,
        trace=False,
    ),
    _one_server(
        "a firewall masks every greeting, other ports greet by their own names",
        intercepted(),
        _everywhere(_MASKED, SMTP),
        compared=True,
    ),
    _one_server(
        "a firewall masks every greeting, nothing else shows it",
        intercepted(LIKELY),
        {**_everywhere(_MASKED, SMTP), **_NO_SUBMISSION},
    ),
    _one_server("a mail inspection removes STARTTLS from all hosts, other ports offer it", intercepted(), _STRIPPED),
    # Servers that answer alike with good reason are no interception.
    _one_server("no host offers STARTTLS, and nothing else shows why", UP, {**_STRIPPED, **_NO_SUBMISSION}),
    _one_server(
        "a provider whose addresses share a greeting",
        UP,
        _everywhere(mail_host(f"inbound.{PROVIDER}"), SMTP, SUBMISSION),
        names=TENANTS,
    ),
    _one_server(
        "a provider whose addresses share a greeting, without STARTTLS",
        UP,
        _everywhere(ordinary(f"inbound.{PROVIDER}"), SMTP, SUBMISSION),
        names=TENANTS,
    ),
    _one_server(
        "a hoster whose customers have mail hosts of their own name",
        UP,
        _everywhere(mail_host("mail.hoster.example"), SMTP, SUBMISSION),
    ),
    _one_server("one host behind a firewall that masks its greeting", UP, {("remote-a", SMTP): _MASKED}),
)

# A device on the path accepts for all hosts, and then sends nothing: the port is open only in appearance.
_MUTE: Final = SmtpScript(greeting=(Wait(60.0),))
_ANTIVIRUS: Final = ordinary("", greeting=reply(421, "Cannot connect to SMTP server (connect error 10060)"))
_FOREIGN: Final = SmtpScript(greeting=(b"HTTP/1.1 302 Found\r\nLocation: http://login.example/\r\n\r\n", CLOSE))


def _in_front(script: SmtpScript) -> Mapping[Place, SmtpScript]:
    return {("gateway", PROXY): script}


def _of_one(script: SmtpScript) -> Mapping[Place, SmtpScript]:
    return {("remote-a", SMTP): script}


_WORDLESS: Final = (
    *(
        scenario
        for name, script in (("says nothing", _MUTE), ("closes", _UNANSWERED))
        for scenario in (
            Scenario(
                f"a device on the path accepts and {name}, with references",
                egress_wordless(),
                _PROXIED,
                speech=_in_front(script),
            ),
            Scenario(
                f"a device on the path accepts and {name}, with four domains alone",
                egress_wordless(LIKELY),
                _PROXIED,
                speech=_in_front(script),
                names=FOUR_DOMAINS,
                references=(),
            ),
        )
    ),
    Scenario("the host accepts and says nothing", wordless(_C.BANNER_TIMEOUT), speech=_of_one(_MUTE)),
    Scenario("the host accepts and closes", wordless(_C.BANNER_CLOSED), speech=_of_one(_UNANSWERED)),
    Scenario(
        "the host accepts and says nothing, nothing to compare with",
        wordless(_C.BANNER_TIMEOUT),
        speech=_of_one(_MUTE),
        references=(),
    ),
    Scenario(
        "four domains whose hosts say nothing, while the references greet",
        wordless(_C.BANNER_TIMEOUT),
        speech={(remote, SMTP): _MUTE for remote in REMOTES},
        names=FOUR_DOMAINS,
    ),
    _one_server(
        "one reply for all hosts: an antivirus", intercepted(LIKELY), _in_front(_ANTIVIRUS), _PROXIED, trace=False
    ),
    _one_server("another protocol for all hosts: a login page", intercepted(), _in_front(_FOREIGN), _PROXIED),
    _one_server("one reply for all hosts, the path shows it", intercepted(), _in_front(_ANTIVIRUS), _PROXIED),
)

SCENARIOS: Final[tuple[Scenario, ...]] = (
    *_ONE_HOST,
    *_CLIENT,
    *_FAMILIES,
    *_EGRESS,
    *_INTERCEPTION,
    *_WORDLESS,
)
