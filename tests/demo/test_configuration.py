"""The configuration of the demo, read as any other."""

from __future__ import annotations

from pathlib import Path

from exporter.config.load import parse
from exporter.demo.configuration import configuration
from exporter.demo.domains import DEMO, REFERENCES
from exporter.demo.mailbox import CANARY_HOST, PASSWORD_FILE, USER
from exporter.demo.reputation import HELO
from exporter.model.target import CanaryMailbox, TargetKind

CONFIG = parse(configuration(("127.0.0.1", 5353), 2525, 2526))


def test_each_domain_is_probed_with_its_module_and_label() -> None:
    domains = {target.name: target for target in CONFIG.targets if target.kind is TargetKind.DOMAIN}
    assert list(domains) == [domain.name for domain in DEMO]
    for domain in DEMO:
        target = domains[domain.name]
        assert target.settings.port == 2525
        assert target.settings.module.name == domain.module
        assert dict(target.labels) == {"group": domain.group}
        assert target.settings.timeout < target.settings.interval


def test_the_world_is_all_that_is_asked() -> None:
    assert CONFIG.resolver.nameservers == (("127.0.0.1", 5353),)
    assert {target.settings.helo for target in CONFIG.targets} == {HELO}
    references = [(reference.name, reference.settings.port) for reference in CONFIG.egress.references]
    assert references == [(f"{name}:2525", 2525) for name in REFERENCES]
    assert CONFIG.egress.witness_ports == (2526,)


def test_canaries_are_sent_once_a_minute_and_looked_for(tmp_path: Path) -> None:
    (tmp_path / PASSWORD_FILE).write_text("open sesame")
    text = configuration(("127.0.0.1", 5353), 2525, 2526, 1993)
    hosts = {target.name: target.settings for target in parse(text, str(tmp_path / "c.yaml")).targets}
    settings = hosts[f"{CANARY_HOST.name}:2525"]
    mailbox = settings.module.mailbox
    assert isinstance(mailbox, CanaryMailbox)
    assert (mailbox.host, mailbox.port, mailbox.username, mailbox.password) == ("localhost", 1993, USER, "open sesame")
    assert mailbox.authserv_ids == (CANARY_HOST.name,)
    assert settings.module.rcpt_to == (USER,)
    assert (settings.interval, mailbox.within) == (60.0, 10.0)
    assert hosts.keys() - {target.name for target in CONFIG.targets} == {f"{CANARY_HOST.name}:2525"}
