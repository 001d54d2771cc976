"""The words in which scenarios of the network lab are written: what is set up, and what must be said of it.

Unless a scenario says otherwise, remote-a's mail host is probed by its addresses, IPv4 and IPv6, with references on
three further networks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from exporter.lab.smtp_script import SmtpScript
from exporter.model.failure import Confidence, FailureClass, Stage, Verdict
from tests.namespaces.mail_network import REFERENCES, MailNetwork, host_and_port
from tests.namespaces.network import Family, Hook, address, drop_port_25, reject_with, reset_port_25

_C, _V = FailureClass, Verdict
CERTAIN, LIKELY, UNCERTAIN = Confidence.CERTAIN, Confidence.LIKELY, Confidence.UNCERTAIN

Rule = tuple[str, str]  # node, packet filter
Command = tuple[str, str]  # arguments of ip(8) on the client, and those that undo it
Place = tuple[str, int]  # remote, port


@dataclass(frozen=True, slots=True)
class Outcome:
    """What must be said of an address. `hop` is a node: who prohibits it, or the last router that answered."""

    failure_class: FailureClass | None  # None: up
    verdict: Verdict | None = None
    confidence: Confidence | None = None
    hop: str = ""
    stage: Stage = Stage.CONNECT


UP: Final = Outcome(None)


@dataclass(frozen=True, slots=True)
class Scenario:
    """`outcome` is that of each address probed, of a family in `by_family` its own instead."""

    name: str
    outcome: Outcome
    rules: tuple[Rule, ...] = ()
    client: tuple[Command, ...] = ()
    speech: Mapping[Place, SmtpScript] = field(default_factory=dict)
    names: tuple[str, ...] = tuple(host_and_port(address("remote-a", family)) for family in (4, 6))
    by_family: Mapping[Family, Outcome] = field(default_factory=dict)
    spokesman: Family = 4  # of a domain that is down, whose address gives the reason
    references: tuple[Place, ...] = REFERENCES
    outside_nameserver: bool = False
    trace: bool = True
    defaults: str = ""  # further keys of that section
    compared: bool = False  # given to the other tools as well

    def of(self, family: Family) -> Outcome:
        """What must be said of an address of that family."""
        return self.by_family.get(family, self.outcome)

    def run(self, network: MailNetwork) -> list[dict[str, Any]]:
        """Set it up in the lab, and let `mx-exporter probe` say what it makes of it."""
        config = network.config(
            references=self.references,
            nameserver=network.outside_nameserver if self.outside_nameserver else "",
            trace=self.trace,
            defaults=self.defaults,
        )
        with network.set_up(self.rules, self.client, self.speech):
            return network.probe(config, *self.names)


IPV4: Final[Family] = 4
IPV6: Final[Family] = 6
TARGET: Final[Mapping[Family, str]] = {4: address("remote-a", 4), 6: address("remote-a", 6)}


def at(node: str, *rules: str) -> tuple[Rule, ...]:
    return tuple((node, rule) for rule in rules)


def drop(node: str, hook: Hook = "forward") -> tuple[Rule, ...]:
    return at(node, *(drop_port_25(hook, to) for to in TARGET.values()))


def reset(node: str, hook: Hook = "forward") -> tuple[Rule, ...]:
    return at(node, *(reset_port_25(hook, to) for to in TARGET.values()))


def reject(node: str, ipv4: str, ipv6: str, hook: Hook = "forward") -> tuple[Rule, ...]:
    rules = ((reject_with(f"icmp {ipv4}", hook, TARGET[4]),) if ipv4 else ()) + (
        (reject_with(f"icmpv6 {ipv6}", hook, TARGET[6]),) if ipv6 else ()
    )
    return at(node, *rules)


def filtered(hop: str, confidence: Confidence = LIKELY) -> Outcome:
    return Outcome(_C.PORT_FILTERED, _V.BLOCKED, confidence, hop)


def prohibited(hop: str, confidence: Confidence = CERTAIN) -> Outcome:
    return Outcome(_C.CONNECT_PROHIBITED, _V.BLOCKED, confidence, hop)


def unreachable(hop: str) -> Outcome:
    return Outcome(_C.CONNECT_UNREACHABLE, _V.DEAD, LIKELY, hop)


def silent(hop: str, confidence: Confidence = LIKELY) -> Outcome:
    verdict = _V.UNDETERMINED if confidence is UNCERTAIN else _V.DEAD
    return Outcome(_C.CONNECT_TIMEOUT, verdict, confidence, hop)


def egress_blocked(hop: str, confidence: Confidence = CERTAIN) -> Outcome:
    return Outcome(_C.EGRESS_BLOCKED, _V.BLOCKED, confidence, hop)


def offline(hop: str, confidence: Confidence = CERTAIN) -> Outcome:
    return Outcome(_C.OFFLINE, _V.LOCAL, confidence, hop)


def intercepted(confidence: Confidence = CERTAIN) -> Outcome:
    return Outcome(_C.EGRESS_INTERCEPTED, _V.BLOCKED, confidence, stage=Stage.BANNER)


def egress_wordless(confidence: Confidence = CERTAIN) -> Outcome:
    return Outcome(_C.EGRESS_BLOCKED, _V.BLOCKED, confidence, stage=Stage.BANNER)


def wordless(failure_class: FailureClass) -> Outcome:
    return Outcome(failure_class, _V.UNDETERMINED, UNCERTAIN, stage=Stage.BANNER)


REFUSED: Final = Outcome(_C.CONNECT_REFUSED, _V.DEAD, CERTAIN)
OWN_FILTER: Final = Outcome(_C.LOCAL_FIREWALL, _V.BLOCKED, CERTAIN)
NO_ROUTE: Final = Outcome(_C.NO_ROUTE, _V.LOCAL, CERTAIN)
