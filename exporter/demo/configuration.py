"""The configuration with which an exporter probes the demo's mail world."""

from __future__ import annotations

from typing import Final

from exporter.demo.domain import DemoDomain
from exporter.demo.domains import DEMO, NETWORK, REFERENCES
from exporter.demo.reputation import HELO, LISTS, SENDER

_TEMPLATE: Final = """\
defaults:
  interval: 5s
  timeout: 4s
  port: {smtp_port}
  helo: {helo}
  address_families: [ipv4]
  allow_addresses: [{network}]
resolver:
  nameservers: ["{nameserver}"]
  timeout: 2s
modules:
  default: {{}}
  tls:
    stages: [ehlo, starttls]
  tls-required:
    stages: [ehlo, starttls]
    starttls: {{required: true}}
  mailbox:
    stages: [ehlo, starttls, vrfy, mail, rcpt]
    mail_from: "probe@{sender}"
    vrfy: postmaster
    rcpt_to: "postmaster@{{domain}}"
egress:
  references: [{references}]
  witness_ports: [{witness_port}]
  trace: false
standing:
  lists: [{lists}]
domains:
{domains}hosts:
  - mx1.healthy.example:{smtp_port}
"""


def _expected(domain: DemoDomain) -> str:
    return f", expect_mx: [{', '.join(domain.expect_mx)}]" if domain.expect_mx else ""


def configuration(nameserver: tuple[str, int], smtp_port: int, witness_port: int) -> str:
    """Write it, in YAML, for a world whose servers are on these ports."""
    address, port = nameserver
    domains = "".join(
        f"  - {{domain: {domain.name}, module: {domain.module}, labels: {{group: {domain.group}}}{expected}}}\n"
        for domain, expected in zip(DEMO, map(_expected, DEMO), strict=True)
    )
    return _TEMPLATE.format(
        helo=HELO,
        sender=SENDER,
        lists=", ".join(LISTS),
        smtp_port=smtp_port,
        witness_port=witness_port,
        network=NETWORK,
        nameserver=f"{address}:{port}",
        references=", ".join(f'"{name}:{smtp_port}"' for name in REFERENCES),
        domains=domains,
    )
