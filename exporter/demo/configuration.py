"""The configuration with which an exporter probes the demo's mail world."""

from __future__ import annotations

from typing import Final

from exporter.demo.domain import DemoDomain
from exporter.demo.domains import DEMO, NETWORK, REFERENCES
from exporter.demo.mailbox import CANARY_HOST, NAME, PASSWORD_FILE, USER
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
{canary}egress:
  references: [{references}]
  witness_ports: [{witness_port}]
  trace: false
standing:
  lists: [{lists}]
domains:
{domains}hosts:
  - mx1.healthy.example:{smtp_port}
{canary_host}"""

# Of `arrival` with the shortest times that there are.
_CANARY: Final = """\
  canary:
    stages: [ehlo, starttls, mail, rcpt, data]
    mail_from: "probe@{sender}"
    rcpt_to: "{user}"
    data:
      arrival:
        host: "{name}:{mailbox_port}"
        username: "{user}"
        password_file: {password_file}
        within: 10s
        interval: 1m
        authserv_id: {delivers}
"""
_HOST: Final = '  - {{host: "{name}:{smtp_port}", module: canary}}\n'


def _expected(domain: DemoDomain) -> str:
    return f", expect_mx: [{', '.join(domain.expect_mx)}]" if domain.expect_mx else ""


def configuration(
    nameserver: tuple[str, int], smtp_port: int, witness_port: int, mailbox_port: int | None = None
) -> str:
    """Write it, in YAML, for a world whose servers are on these ports; without a mailbox, none is looked into."""
    address, port = nameserver
    domains = "".join(
        f"  - {{domain: {domain.name}, module: {domain.module}, labels: {{group: {domain.group}}}{expected}}}\n"
        for domain, expected in zip(DEMO, map(_expected, DEMO), strict=True)
    )
    return _TEMPLATE.format(
        canary="" if mailbox_port is None else _canary(mailbox_port),
        canary_host="" if mailbox_port is None else _HOST.format(name=CANARY_HOST.name, smtp_port=smtp_port),
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


def _canary(mailbox_port: int) -> str:
    return _CANARY.format(
        sender=SENDER,
        user=USER,
        name=NAME,
        mailbox_port=mailbox_port,
        password_file=PASSWORD_FILE,
        delivers=CANARY_HOST.name,
    )
