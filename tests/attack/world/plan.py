"""Names and addresses of the world, by which each process knows its part, and the exporter's configuration."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Final

from tests.attack.world.kinds import KINDS, Kind, Room

# The top-level domain of everything. Each target is a registrable domain of its own, so that no two are one voice.
TOP: Final = "example"
# What the exporter calls itself.
HELO: Final = "probe.example"
# Of the good domains so many have STARTTLS, so many an MTA-STS policy; and so many stand in the file that is tampered
# with. One in each group of ten, so that there is each kind however few there are.
_TENTH: Final = 10
_TLS, _POLICY, _FILE = range(3)


@dataclass(frozen=True, slots=True)
class Pace:
    """How much of each attack there is. What the verdict of 30 minutes was made with: see `WHOLE` in soak.py."""

    good: int = 50  # domains
    interval: float = 5.0  # seconds between two probes of a good domain
    timeout: float = 4.0  # of one
    lookup: float = 2.0  # seconds that a question to the name server may take
    hostile_interval: float = 5.0
    hostile_timeout: float = 4.0
    copies: int = 1  # of each hostile domain
    readers: int = 250  # clients that ask for all metrics and read next to nothing
    dripping: int = 250  # clients that send their request byte by byte, or nothing at all
    requests: float = 10.0  # a second: of odd requests, foreign hosts and other sites, each
    pages: float = 2.0  # a second
    probes: float = 4.0  # of ever new hostile names, by /probe, a second
    connects: float = 50.0  # a second, dropped at once
    policies: int = 300  # domains with a hostile policy host
    addresses: int = 1500  # of each of 40 mail hosts
    reload: float = 5.0  # seconds between two
    stall: float = 20.0  # seconds for which nobody reads the log; then it is read for a tenth of that
    parked: float = 60.0  # seconds after which a slow client begins anew
    stays: float = 8.0  # seconds for which a domain file stays emptied or gone
    files: int = 1024  # that the exporter may have open


@dataclass(frozen=True, slots=True)
class Plan:
    """One world. `kinds` are the names of those that attack."""

    block: int  # second number of the addresses
    smtp_port: int
    dns_port: int
    kinds: tuple[str, ...]
    pace: Pace
    policies: bool  # whether port 443 may be listened on, as policy hosts must
    folder: str = ""  # of the configuration, the certificates and the tampered file
    url: str = ""  # of the exporter

    def path(self, name: str) -> Path:
        """A file in the folder."""
        return Path(self.folder, name)

    @property
    def nameserver(self) -> str:
        """Address of the only name server."""
        return f"127.{self.block}.253.1"

    @property
    def bystander(self) -> str:
        """An ordinary mail host, to which hostile domains point that need one."""
        return f"127.{self.block}.252.1"

    @property
    def honest_policy_host(self) -> str:
        """Of the good domains."""
        return f"127.{self.block}.254.1"

    def policy_host(self, kind: Kind) -> str:
        """Of the domains of a hostile kind."""
        return f"127.{self.block}.254.{10 + list(KINDS).index(kind.name)}"

    @property
    def forbidden(self) -> str:
        """An address that is not among the allowed ones, where somebody listens all the same."""
        return f"127.{self.block + 1}.0.1"

    @property
    def allowed(self) -> str:
        """What the exporter may connect to."""
        return f"127.{self.block}.0.0/16"

    def good_address(self, number: int) -> str:
        """The mail host of good domain `number`."""
        return f"127.{self.block}.0.{number + 1}"

    def has_tls(self, number: int) -> bool:
        """Whether that host offers STARTTLS."""
        return number % _TENTH == _TLS

    def has_policy(self, number: int) -> bool:
        """Whether good domain `number` publishes an MTA-STS policy."""
        return self.policies and number % _TENTH == _POLICY

    def is_in_file(self, number: int) -> bool:
        """Whether it stands in the file that is tampered with."""
        return number % _TENTH == _FILE

    def active(self, *rooms: Room) -> Iterator[Kind]:
        """The kinds that attack here, of these rooms."""
        return (KINDS[name] for name in self.kinds if KINDS[name].room in rooms)

    def hosts(self) -> Iterator[tuple[Kind, int, str]]:
        """Every hostile mail host: its kind, its number there, its address."""
        place = 256  # behind the good ones
        for kind in self.active(Room.SMTP, Room.TLS):
            for number in range(kind.domains):
                yield kind, number, f"127.{self.block}.{place >> 8}.{place & 255}"
                place += 1

    def hostile_domains(self) -> Iterator[tuple[Kind, str]]:
        """Every hostile domain that is configured."""
        for kind in self.active(Room.SMTP, Room.TLS, Room.DNS, Room.WEB):
            for copy in range(self.pace.copies):
                numbers = range(copy * kind.domains, (copy + 1) * kind.domains)
                yield from ((kind, domain(kind, number)) for number in numbers)
        kinds = list(self.active(Room.POLICY)) if self.policies else []
        for number in range(self.pace.policies if kinds else 0):
            kind = kinds[number % len(kinds)]
            yield kind, domain(kind, number)

    def to_json(self) -> str:
        """For another process."""
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text: str) -> Plan:
        """What `to_json` gave."""
        known = json.loads(text)
        known["pace"] = Pace(**known["pace"])
        known["kinds"] = tuple(known["kinds"])
        return Plan(**{field.name: known[field.name] for field in fields(Plan)})


def good_domain(number: int) -> str:
    """Name of good domain `number`."""
    return f"good-{number}.{TOP}"


def domain(kind: Kind, number: int) -> str:
    """Name of a hostile domain."""
    return f"{kind.name}-{number}.{TOP}"


def good_hosts(plan: Plan) -> dict[str, str]:
    """Address by name, of the good mail hosts."""
    return {f"mx.{good_domain(number)}": plan.good_address(number) for number in range(plan.pace.good)}


def configuration(plan: Plan, *, hostile: bool) -> str:
    """The exporter's, with the good domains alone or with all."""
    pace = plan.pace
    times = {name: _duration(getattr(pace, name)) for name in ("interval", "timeout", "lookup")}
    lines = [_HEAD.format(plan=plan, helo=HELO, **times)]
    for number in range(pace.good):
        if plan.is_in_file(number):
            continue
        module = "tls" if plan.has_tls(number) else "policies" if plan.has_policy(number) else "default"
        lines.append(f"  - {{domain: {good_domain(number)}, module: {module}}}\n")
    if hostile:
        lines += [f"  - {{domain: {name}, {_settings(plan, kind)}}}\n" for kind, name in plan.hostile_domains()]
    return "".join(lines)


def _settings(plan: Plan, kind: Kind) -> str:
    pace = plan.pace
    interval, timeout = _duration(pace.hostile_interval * kind.every), _duration(pace.hostile_timeout)
    return f"module: {kind.module}, interval: {interval}, timeout: {timeout}"


def _duration(seconds: float) -> str:
    """As the configuration has it, which knows no fractions."""
    return f"{1000 * seconds:.0f}ms"


def listed(plan: Plan) -> list[str]:
    """What the tampered file names when it is whole."""
    return [good_domain(number) for number in range(plan.pace.good) if plan.is_in_file(number)]


_HEAD: Final = """\
defaults:
  interval: {interval}
  timeout: {timeout}
  port: {plan.smtp_port}
  helo: {helo}
  allow_addresses: [{plan.allowed}]
resolver:
  nameservers: ["{plan.nameserver}:{plan.dns_port}"]
  timeout: {lookup}
limits:
  concurrency: 400
modules:
  default: {{}}
  tls:
    stages: [ehlo, starttls]
  policies:
    stages: [ehlo]
    policies: [mta_sts, tls_rpt]
  submission:
    stages: [ehlo, starttls, auth]
    starttls: {{required: true, verify: require}}
    auth: {{username: probe, password_file: password}}
egress:
  witness_ports: []
  trace: false
domain_files: ["domains.d/*.txt"]
domains:
"""
