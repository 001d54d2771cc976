"""A password, or a message of ours, to a stranger: every way in which one from outside could have it sent to them."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import threading
from base64 import b64encode
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Final, TypeVar

import pytest

from exporter.config.load import parse
from exporter.lab.dns_host import DnsHost
from exporter.lab.smtp_host import SmtpHost
from exporter.lab.smtp_script import SmtpScript, ordinary, reply
from exporter.model.configuration import Limits
from exporter.model.failure import FailureClass, Stage
from exporter.model.target import Module, Settings, Target, TargetKind
from exporter.smtp import commands
from exporter.smtp.commands import masked, without_password
from exporter.smtp.plan import Credentials
from exporter.smtp.reply import Reply, ReplyReader
from tests.probe.hosting import Holder, HostWorld
from tests.support import plain_http
from tests.support.certificates import Issued, authority, issue
from tests.support.exporter_process import ExporterProcess, exporter

_T = TypeVar("_T")
ROOT = authority()
GOOD, EVIL = "mx.good.example", "mx.evil.example"
USER, PASSWORD = "probe@good.example", "s3cr3t-horse"
PLAIN: Final = b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode()
LOGIN: Final = b64encode(PASSWORD.encode()).decode()
# What must be on no page and in no log; the address of the user is in the configuration for all to see.
SECRETS: Final = (PASSWORD, PASSWORD.upper(), PLAIN, PLAIN[: len(PLAIN) - 3], PLAIN.upper(), LOGIN)
LOOPBACK: Final = (ip_network("127.0.0.0/8"),)


def _secured(issued: Issued, **answers: Any) -> SmtpScript:
    """A host that is TLS from the start and takes every password."""
    script = ordinary(GOOD, **{"EHLO": reply(250, GOOD, "AUTH PLAIN LOGIN"), "AUTH": reply(235, "ok"), **answers})
    return replace(script, implicit_tls=issued.context())


class World:
    """Our host and a stranger's, each with a certificate for its own name, and the DNS of both; in a thread."""

    def __init__(self) -> None:
        # Our own repeats what it was told, in every way that a server may.
        told = (f"2.7.0 {PLAIN}", PASSWORD, PASSWORD.upper(), f"AUTH PLAIN {PLAIN[:-3]}", PLAIN.upper(), LOGIN)
        self.good = SmtpHost(_secured(issue(GOOD, by=ROOT), AUTH=reply(235, *told)))
        self.elsewhere = SmtpHost(_secured(issue(GOOD, by=ROOT)))  # another server on our host
        self.evil = SmtpHost(_secured(issue(EVIL, by=ROOT)))
        self.dns = DnsHost({})
        self.port = self.other_port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30.0)

    @contextlib.contextmanager
    def running(self) -> Iterator[World]:
        self._thread.start()
        try:
            self.run(self._start())
            yield self
        finally:
            self.run(self._stop())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    async def _start(self) -> None:
        await self.dns.start()
        for attempt in range(20):  # one port of two addresses
            self.port = await self.good.start("127.0.0.2")
            try:
                await self.evil.start("127.0.0.3", self.port)
                break
            except OSError:
                await self.good.stop()
                assert attempt < 19
        self.other_port = await self.elsewhere.start("127.0.0.2")
        self.dns.records = {
            ("good.example", "MX"): [f"10 {GOOD}."],
            ("plain.example", "MX"): [f"10 {GOOD}."],
            ("forged.example", "MX"): [f"10 {EVIL}."],
            ("evil.example", "MX"): [f"10 {EVIL}."],
            (GOOD, "A"): ["127.0.0.2"],
            (EVIL, "A"): ["127.0.0.3"],
        }

    async def _stop(self) -> None:
        for host in (self.good, self.elsewhere, self.evil):
            await host.stop()
        await self.dns.stop()

    def config(self) -> str:
        return f"""\
defaults:
  interval: 24h                # a probe of the schedule during a test would count as one of the test
  timeout: 10s
  port: {self.port}
  module: submission           # so that a probe that names none has it
  helo: probe.example
  address_families: [ipv4]
  allow_addresses: [127.0.0.0/8]
resolver: {{nameservers: ["{self.dns.server}"], timeout: 2s}}
egress: {{trace: false, witness_ports: []}}
modules:
  default: {{tls: implicit}}
  submission: &submission
    stages: [ehlo, auth]
    tls: implicit
    starttls: {{verify: require}}
    auth: {{username: "{USER}", password_file: password}}
  another:
    stages: [ehlo, auth]
    tls: implicit
    starttls: {{verify: require}}
    auth: {{username: another, password_file: password}}
  pinned:
    stages: [ehlo, auth]
    tls: implicit
    starttls: {{verify: require, server_name: {GOOD}}}
    auth: {{username: pinned, password_file: password}}
  canary:
    stages: [ehlo, mail, rcpt, data]
    tls: implicit
    rcpt_to: canary@good.example
domains:
  - {{domain: good.example, module: submission}}
  - {{domain: forged.example, module: submission}}
  - {{domain: plain.example, module: default}}
hosts:
  - {{host: "{GOOD}:{self.port}", module: submission}}
  - {{host: "127.0.0.2:{self.other_port}", module: canary}}
"""


@dataclass
class Scene:
    world: World
    process: ExporterProcess
    path: Path

    def probe(self, target: str, **parameters: str) -> tuple[int, str]:
        """What a stranger's GET draws."""
        target = target.format(port=self.world.port, other=self.world.other_port)
        query = "&".join(f"{name}={value}" for name, value in {"target": target, **parameters}.items())
        answer = self.process.get(f"/probe?{query}")
        return answer.status_code, answer.text


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("credentials")
    (folder / "roots.pem").write_text(ROOT.pem)
    (folder / "password").write_text(f"{PASSWORD}\n")
    with World().running() as world, pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(folder / "roots.pem"))
        (folder / "config.yaml").write_text(world.config())
        # Another shard has half of the targets: that must not matter.
        shard = ("--shard=0", "--total-shards=2")
        with exporter(f"--config.file={folder / 'config.yaml'}", "--log.level=debug", *shard) as process:
            yield Scene(world, process, folder / "config.yaml")
            assert process.stop() == 0
            told = [line for line in process.log if any(secret in line for secret in SECRETS)]
            assert told == []


STRANGERS: Final = (
    (f"{EVIL}:{{port}}", "submission"),
    (f"{EVIL}:{{port}}", "pinned"),
    (f"{EVIL}:{{port}}", ""),  # defaults.module has credentials
    (f"{EVIL.upper()}.:{{port}}", "submission"),
    ("evil.example", "submission"),
    ("evil.example", ""),
    ("evil.example", "canary"),
    (f"{EVIL}:{{port}}", "canary"),
    ("127.0.0.3:{port}", "submission"),
    ("127.0.0.3", "submission"),
    ("[::ffff:127.0.0.3]:{port}", "submission"),
    # Ours, but not so.
    ("127.0.0.2:{port}", "submission"),
    (f"{GOOD}:{{other}}", "submission"),
    (f"{GOOD}:{{port}}", "another"),
    (f"{GOOD}:{{port}}", "pinned"),
    (f"{GOOD}:{{port}}", "canary"),
    (GOOD, "submission"),  # the domain of this name
    ("plain.example", "submission"),
    ("plain.example", "canary"),
    ("good.example", "another"),
    ("good.example:{port}", "submission"),  # the host of this name
    ("sub.good.example", "submission"),
    ("127.0.0.2:{port}", "canary"),
    (f"{GOOD}:{{other}}", "canary"),
)


@pytest.mark.parametrize("debug", [{}, {"debug": "true"}], ids=["series", "debug"])
@pytest.mark.parametrize(("target", "module"), STRANGERS)
def test_a_module_with_a_secret_serves_no_target_that_is_not_configured_with_it(
    scene: Scene, target: str, module: str, debug: dict[str, str]
) -> None:
    hosts = (scene.world.good, scene.world.evil, scene.world.elsewhere)
    before = [host.connections for host in hosts]
    status, text = scene.probe(target, **({"module": module} if module else {}), **debug)
    assert status == 400
    assert "only targets that are configured with it" in text
    assert [host.connections for host in hosts] == before


@pytest.mark.parametrize(
    ("target", "module"),
    [
        (f"{GOOD}:{{port}}", "submission"),
        (f"{GOOD}:{{port}}", ""),
        ("MX.Good.Example.:{port}", "submission"),
        ("good.example", "submission"),
        ("GOOD.example.", ""),
    ],
)
def test_one_that_is_gets_its_password_however_it_is_spelt(scene: Scene, target: str, module: str) -> None:
    status, text = scene.probe(target, **({"module": module} if module else {}))
    assert status == 200
    assert "\nprobe_success 1" in text
    assert scene.world.good.sessions[-1].verbs == [b"EHLO", b"AUTH", b"QUIT"]


def test_a_module_without_a_secret_serves_whoever_is_named(scene: Scene) -> None:
    status, text = scene.probe(f"{EVIL}:{{port}}", module="default")
    assert status == 200
    assert "\nprobe_success 1" in text
    assert scene.world.evil.sessions[-1].verbs == [b"EHLO", b"QUIT"]


def test_a_forged_mx_answer_gets_no_password(scene: Scene) -> None:
    status, text = scene.probe("forged.example", module="submission", debug="true")
    assert status == 200
    assert "tls_name_mismatch" in text
    assert f"its certificate is for {EVIL}, not for forged.example" in text
    assert "a password goes to forged.example alone" in text
    assert all(b"AUTH" not in session.verbs for session in scene.world.evil.sessions)


def test_what_a_server_repeats_is_masked_everywhere(scene: Scene) -> None:
    command = [sys.executable, "-m", "exporter", "probe", f"{GOOD}:{scene.world.port}", f"--config.file={scene.path}"]
    command += ["--module=submission", "--json"]
    by_hand = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    host = f"/host/{GOOD}%3A{scene.world.port}"
    owner = next(
        (path for path in (host, "/domain/good.example") if scene.process.get(path).status_code == 200), "/domain/x"
    )
    assert scene.process.process.poll() is None
    assert plain_http.post(f"{scene.process.url}{owner}/probe", timeout=30.0).status_code == 303
    pages = [scene.process.get(path).text for path in (owner, "/", "/config", "/metrics", "/sd")]
    status, dialogue = scene.probe("good.example", debug="true")
    assert status == 200
    assert "AUTH PLAIN ****" in dialogue
    assert "AUTH PLAIN ****" in pages[0]
    assert "AUTH PLAIN ****" in by_hand
    for text in (by_hand, *pages, dialogue):
        for secret in SECRETS:
            assert secret not in text


def test_a_mistake_in_the_configuration_does_not_tell_the_secret_beside_it(scene: Scene) -> None:
    good = scene.path.read_text()
    try:
        for wrong in (
            good.replace("password_file: password", f"password: {PASSWORD}", 1),
            good.replace("password_file: password", f"password_file: [{PASSWORD}]", 1),
            good.replace("password_file: password", f"password_env: {PASSWORD}", 1),
            good.replace(f'{{username: "{USER}", password_file: password}}', f'"{USER}:{PASSWORD}"', 1),
            good.replace("password_file: password}", f"password_file: password, {PASSWORD}: 1, {PASSWORD}: 2}}", 1),
            good.replace("password_file: password", f"password_file: password, password: '{PASSWORD}", 1),
        ):
            assert wrong != good
            scene.path.write_text(wrong)
            answer = plain_http.post(f"{scene.process.url}/-/reload", timeout=30.0)
            assert answer.status_code == 500
            assert PASSWORD not in answer.text
    finally:
        scene.path.write_text(good)
        assert plain_http.post(f"{scene.process.url}/-/reload", timeout=30.0).status_code == 200


# Sessions that are shared


def _module(text: str, folder: Path, name: str) -> Module:
    return parse(f"modules:\n  {name}: {text}\n", str(folder / "config.yaml")).modules[name]


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "roots.pem").write_text(ROOT.pem)
    (tmp_path / "password").write_text(PASSWORD)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "roots.pem"))
    return tmp_path


@pytest.mark.parametrize(
    "module",
    [
        "{stages: [ehlo, auth], tls: implicit, starttls: {verify: require, server_name: mx.good.example},"
        " auth: {username: me, password_file: password}}",
        "{stages: [ehlo, mail, rcpt, data], tls: implicit, starttls: {server_name: mx.good.example},"
        " rcpt_to: canary@good.example}",
    ],
    ids=["auth", "data"],
)
async def test_a_session_with_a_secret_is_never_one_that_was_begun_for_another_host(trusted: Path, module: str) -> None:
    host = SmtpHost(_secured(issue(GOOD, by=ROOT)))
    port = await host.start()
    settings = Settings(port=port, allow_addresses=LOOPBACK, timeout=10.0, module=_module(module, trusted, "m"))
    one, other = (Target(TargetKind.HOST, f"{name}:{port}", name, settings) for name in (GOOD, "other.example"))
    try:
        async with HostWorld(limits=Limits(per_address=2)) as world:
            hosts = [world.hold(Holder(each), each.host, "127.0.0.1").host for each in (one, other, one)]
            results = await world.first_results(*hosts)
        assert all(result.up for result in results)
        assert host.connections == 2
    finally:
        await host.stop()


async def test_a_password_for_a_domain_goes_to_its_own_organisation_or_where_it_was_said(trusted: Path) -> None:
    host = SmtpHost(_secured(issue(GOOD, by=ROOT)))
    port = await host.start()
    text = (
        "{{stages: [ehlo, auth], tls: implicit, starttls: {{verify: require{name}}},"
        " auth: {{username: me, password_file: password}}}}"
    )
    outcomes = []
    asked = 0
    try:
        for count, (domain, name) in enumerate(
            (
                ("good.example", ""),
                ("sub.good.example", ""),
                ("another.example", ""),
                ("another.example", f", server_name: {GOOD}"),
                ("good.example.co.uk", ""),
            ),
            1,
        ):
            module = _module(text.format(name=name), trusted, "m")
            settings = Settings(port=port, allow_addresses=LOOPBACK, timeout=10.0, module=module)
            async with HostWorld() as world:
                (result,) = await world.probe(Target(TargetKind.DOMAIN, domain, domain, settings), (GOOD, "127.0.0.1"))
            failure = result.failure
            await host.sessions_ended(count)
            before, asked = asked, sum(session.verbs.count(b"AUTH") for session in host.sessions)
            outcomes.append((asked - before, None if failure is None else (failure.stage, failure.failure_class)))
    finally:
        await host.stop()
    refused = (0, (Stage.TLS, FailureClass.TLS_NAME_MISMATCH))
    assert outcomes == [(1, None), (1, None), refused, (1, None), refused]


@pytest.mark.parametrize(
    "told",
    [
        f"535 {PASSWORD}",
        f"535 {PASSWORD.upper()} is wrong",
        f"502 unknown command: AUTH PLAIN {PLAIN}",
        f"502 unknown command: AUTH PLAIN {PLAIN[:-5]}",
        f"502 unknown command: {PLAIN.lower()}",
        f"535 {LOGIN}",
        f"535 {LOGIN[:12]}",
        f"535 user={USER}&password={PASSWORD}",
        f"535 twice {PASSWORD}{PASSWORD}",
        f"535 cut off {PASSWORD[:-1]}",
    ],
)
def test_no_form_of_a_password_is_left_in_what_is_shown(told: str) -> None:
    shown = masked(told.encode(), Credentials(USER, PASSWORD)).decode()
    assert "****" in shown
    for piece in (PASSWORD[:6], PASSWORD[:6].upper(), PLAIN[-14:-6], PLAIN[-14:-6].lower(), LOGIN[:8]):
        assert piece not in shown
    assert shown.startswith(told[:4])


def test_a_refusal_inside_a_contradictory_reply_is_masked_too() -> None:
    reader = ReplyReader()
    reader.receive_data(f"535-5.7.8 no {PASSWORD}\r\n354 go on\r\n".encode())
    reply = reader.next_reply()
    assert isinstance(reply, Reply)
    assert reply.refusal is not None
    assert PASSWORD in repr(reply)
    assert PASSWORD not in repr(without_password(reply, Credentials(USER, PASSWORD)))


def test_thousands_of_lines_are_looked_through_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []

    def counted(data: bytes, credentials: Credentials) -> bytes:
        looked.append(len(data))
        return data

    monkeypatch.setattr(commands, "masked", counted)
    without_password(Reply(250, (b"a",) * 10_000), Credentials(USER, PASSWORD))
    assert looked == [19_999]


def test_what_is_no_secret_is_shown_as_it_is() -> None:
    for line in (b"535 5.7.8 Error: authentication failed", b"", b"250-mx.example\r\n250 AUTH PLAIN LOGIN\r\n"):
        assert masked(line, Credentials(USER, PASSWORD)) == line
