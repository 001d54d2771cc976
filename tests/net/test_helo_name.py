"""The name of this machine after EHLO, and the faults of a name."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest

from exporter.lab.smtp_host import SmtpHost
from exporter.lab.smtp_script import ordinary, reply
from exporter.model.address import Family
from exporter.model.configuration import Config
from exporter.model.failure import Failure, FailureClass, Stage
from exporter.model.result import MxHost
from exporter.model.target import Module, Settings, Target, TargetKind
from exporter.net import helo_name
from exporter.net.helo_name import address_literal, ehlo_argument, fault_of, faults, local_helo, names_in, own_address
from exporter.probe.module_plan import canary_message, plan_of
from exporter.probe.session import Session
from exporter.probe.session_request import Endpoint, SessionOptions
from exporter.smtp.plan import Plan
from tests.support.loops import LoopFactory, on_every_loop, run_on


class Names:
    """A DNS out of a table: addresses, a failure, or no answer ever."""

    def __init__(self, known: dict[str, tuple[str, ...] | FailureClass | None]) -> None:
        self._known = known

    async def lookup_host(self, name: str, families: tuple[Family, ...]) -> MxHost:
        found = self._known.get(name, FailureClass.DNS_NXDOMAIN)
        if found is None:
            await asyncio.Event().wait()
        if isinstance(found, FailureClass):
            return MxHost(name, 0, failure=Failure(Stage.DNS, found))
        return MxHost(name, 0, found or ())


@pytest.mark.parametrize(
    ("fqdn", "hostname", "expected"),
    [
        ("Mail.Example.net", "mail", "mail.example.net"),
        ("mail", "mail.example.net", "mail.example.net"),
        ("localhost", "vm", ""),
        ("localhost.localdomain", "vm", ""),
        ("vm.localdomain", "vm", ""),
        ("laptop.local", "laptop.local", ""),
        ("1.0.0.127.in-addr.arpa", "vm", ""),
        ("192.0.2.1", "192.0.2.1", ""),
        ("under_score.example.net", "vm", ""),
        ("", "", ""),
    ],
)
def test_only_a_fully_qualified_name_is_taken_for_one(
    monkeypatch: pytest.MonkeyPatch, fqdn: str, hostname: str, expected: str
) -> None:
    monkeypatch.setattr(socket, "getfqdn", lambda: fqdn)
    monkeypatch.setattr(socket, "gethostname", lambda: hostname)
    assert local_helo() == expected


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("192.0.2.1", "[192.0.2.1]"),
        ("2001:DB8:0::1", "[IPv6:2001:db8::1]"),
        ("fe80::1%eth0", "[IPv6:fe80::1]"),
        ("::ffff:192.0.2.1", "[192.0.2.1]"),
    ],
)
def test_address_literals(address: str, expected: str) -> None:
    assert address_literal(address) == expected


@on_every_loop
@pytest.mark.parametrize(
    ("address", "source", "expected"),
    [
        ("127.0.0.1", "", "[127.0.0.1]"),
        ("127.0.0.1", "127.0.0.9", "[127.0.0.9]"),
        ("::1", "", "[IPv6:::1]"),
    ],
)
def test_without_a_name_a_session_says_the_address_it_leaves_from(
    loop_factory: LoopFactory, address: str, source: str, expected: str
) -> None:
    async def said() -> list[bytes]:
        host = SmtpHost(ordinary("mx.example", EHLO=reply(502, "5.5.1 what?")))
        port = await host.start(address)
        try:
            record = await Session(
                Plan(b""), Endpoint(address, port, source), 5.0, SessionOptions(transcript=True)
            ).run()
        finally:
            await host.stop()
        return [line.data for line in record.transcript if line.sent]

    sent = run_on(loop_factory, said())
    assert sent[:2] == [f"EHLO {expected}\r\n".encode(), f"HELO {expected}\r\n".encode()]


def test_the_plan_leaves_the_name_open_where_nobody_has_one() -> None:
    assert plan_of(Module(), "", "", "").helo == b""
    assert plan_of(Module(), "me.example.net", "", "").helo == b"me.example.net"
    assert plan_of(Module(), "[192.0.2.1]", "", "").helo == b"[192.0.2.1]"


def test_a_message_from_a_machine_without_a_name_comes_from_its_address() -> None:
    module = Settings().module
    message = canary_message(module.data, Plan(b"", recipients=("a@b.example",)), 0.0, "192.0.2.1")
    assert b"postmaster@[192.0.2.1]" in message


def test_the_address_a_connection_would_leave_from() -> None:
    assert own_address("127.0.0.1") == "127.0.0.1"
    assert own_address("127.0.0.1", "127.0.0.7") == "127.0.0.7"
    assert own_address("127.0.0.1", "192.0.2.77") == "", "no address of this machine"


@pytest.mark.parametrize(
    "name", ["localhost", "localhost.localdomain", "mailer", "host.localhost", "host.local", "x.invalid"]
)
def test_names_that_mean_no_machine_are_faults(name: str) -> None:
    fault = fault_of(name)
    assert fault is not None
    assert f"EHLO says {name}, " in fault


@pytest.mark.parametrize("name", ["mail.example.net", "[192.0.2.1]", "[IPv6:2001:db8::1]"])
def test_full_names_and_literals_are_none(name: str) -> None:
    assert fault_of(name) is None


@pytest.mark.parametrize(("address", "private"), [("10.0.0.5", True), ("9.9.9.9", False), ("", False)])
def test_without_a_name_the_warning_tells_what_is_said_and_that_it_may_be_private(
    monkeypatch: pytest.MonkeyPatch, address: str, private: bool
) -> None:
    monkeypatch.setattr(helo_name, "own_address", lambda target: address)
    fault = fault_of("")
    assert fault is not None
    assert (f"[{address}]" in fault) is bool(address)
    assert ("private" in fault) is private
    assert "set helo" in fault


async def test_a_name_that_no_dns_knows_is_told_and_one_that_cannot_be_looked_up_is_not() -> None:
    names = Names(
        {
            "good.example.net": ("192.0.2.1",),
            "empty.example.net": FailureClass.DNS_NO_ADDRESS,
            "broken.example.net": FailureClass.DNS_SERVFAIL,
            "silent.example.net": FailureClass.DNS_TIMEOUT,
            "never.example.net": None,
        }
    )
    asked = [
        "good.example.net",
        "empty.example.net",
        "absent.example.net",
        "broken.example.net",
        "silent.example.net",
        "never.example.net",
        "[192.0.2.1]",
        "localhost",
    ]
    began = time.perf_counter()
    found = await faults(asked, names, seconds=0.1)
    assert time.perf_counter() - began < 5
    assert [fault.split(",")[0] for fault in found] == [
        "EHLO says localhost",
        "EHLO says empty.example.net",
        "EHLO says absent.example.net",
    ]


def test_all_names_of_a_configuration_are_looked_at_once() -> None:
    targets = tuple(
        Target(TargetKind.DOMAIN, f"d{number}.example", f"d{number}.example", Settings(helo=name))
        for number, name in enumerate(("", "a.example.net", "a.example.net", "localhost"))
    )
    config = Config(targets=targets)
    assert names_in(config, "me.example.net") == ("me.example.net", "a.example.net", "localhost")
    assert ehlo_argument("") == "the address literal of each connection"
