"""TLS that burns: parameters, keys and certificates that cost as much as a server likes, and records without end.

One loop sees to all probes, and TLS is computed in it. Each attack here once took from 0.2 s to half a minute of it, in
one session or in one record.
"""

from __future__ import annotations

import asyncio
import hashlib
import ssl
import time
import warnings
from base64 import encodebytes
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa

from exporter.lab.smtp_host import SmtpHost
from exporter.lab.smtp_script import Drip, ordinary, reply
from exporter.model.failure import FailureClass, Stage
from exporter.model.policy import Tlsa
from exporter.model.result import HostResult
from exporter.model.target import Module, Settings, Target, TargetKind
from exporter.model.warning import HostWarning
from exporter.policies.dane import match, usability
from exporter.policies.dane.match import match_chain
from exporter.policies.mtasts.fetch import tls_context
from exporter.probe.cpu_cost import MAX_SECONDS
from exporter.probe.hosts import Host
from exporter.tls.certificate_names import CertificateNames, names_of
from exporter.tls.client import MAX_EMPTY_RECORDS, MAX_RECORDS, TlsClient, TlsFault
from exporter.tls.expensive_certificates import MAX_CERTIFICATES, MAX_NAME_BYTES
from exporter.tls.roots import Roots
from exporter.tls.verification import examine
from tests.probe.hosting import Holder, HostWorld
from tests.probe.probing import LOOPBACK
from tests.support import chains
from tests.support.certificates import issue
from tests.support.der import certificate_with, element, identifier, integer, key_on_own_curve, sequence
from tests.support.tls12_attacker import Tls12Attacker
from tests.support.tls_attacker import (
    ALERT,
    CCS,
    DATA,
    HANDSHAKE,
    HELLO_REQUEST,
    TICKET,
    WARNING,
    TlsAttacker,
    message,
    record,
    retry,
)

NAME = "mx.example"
SERVER = issue(NAME)
# Far more than any bound lets through, and few enough for what has none to come to an end.
ENDLESS = 20_000


def server_key() -> ec.EllipticCurvePrivateKey:
    assert isinstance(SERVER.key, ec.EllipticCurvePrivateKey)
    return SERVER.key


def begun(*more: bytes, fragment: int = 16_000) -> tuple[TlsClient, TlsAttacker, bytes | TlsFault]:
    """A client, who has had the attacker's handshake with these certificates behind the server's own."""
    client, attacker = TlsClient(NAME), TlsAttacker((SERVER.der, *more), server_key())
    return client, attacker, client.receive(attacker.flight(client.outgoing(), fragment))


# Finite-field Diffie-Hellman


def dhe(folder: Path, ciphers: str) -> ssl.SSLContext:
    """A server of TLS 1.2 and below with parameters of 10,000 bits; the modulus is no prime, which nobody looks at."""
    context = issue(NAME, key=rsa.generate_private_key(65537, 2048)).context()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(ciphers)
    text = encodebytes(sequence(integer((1 << 10_000) - 0x10001), integer(2))).decode("ascii")
    file = folder / "dh.pem"
    file.write_text(f"-----BEGIN DH PARAMETERS-----\n{text}-----END DH PARAMETERS-----\n")
    context.load_dh_params(str(file))
    return context


class Answering:
    """A server in memory."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._engine = context.wrap_bio(self._incoming, self._outgoing, server_side=True)

    def take(self, records: bytes) -> bytes:
        self._incoming.write(records)
        try:
            self._engine.do_handshake()
        except ssl.SSLError:
            pass
        return self._outgoing.read()


def test_parameters_of_10_000_bits_are_never_computed_with(tmp_path: Path) -> None:
    """Not even to learn that the server has no others: its hello says so, and gets no share of ours."""
    questions = (TlsClient(NAME, finite_field=True), TlsClient(NAME, version="TLSv1.1"))
    for client in (TlsClient(NAME), *questions):
        server = Answering(dhe(tmp_path, "kDHE:@SECLEVEL=0"))
        answer = server.take(client.outgoing())
        assert (len(answer) > 2500) is (client in questions), "the server has shown its parameters"
        fault = client.receive(answer)
        assert isinstance(fault, TlsFault)
        assert "DHE" in fault.detail
        assert not client.outgoing().startswith(bytes([HANDSHAKE]))
        assert client.handshake is None


def test_beside_curves_the_curves_are_taken(tmp_path: Path) -> None:
    client, server = TlsClient(NAME), Answering(dhe(tmp_path, "kDHE:ECDHE:@SECLEVEL=0"))
    while records := client.outgoing():
        assert client.receive(server.take(records)) == b""
    assert client.handshake is not None
    assert client.handshake.cipher.startswith("ECDHE-")


@pytest.mark.parametrize("padding", [0, 1000, 10_000])
@pytest.mark.parametrize("group", [0x0100, 0x0104])
def test_no_finite_field_of_tls_1_3_either_wherever_it_is_asked_for(group: int, padding: int) -> None:
    """RFC 8446 4.1.4: a second hello would bring a share of ffdhe8192; a cookie before it may be long."""
    client = TlsClient(NAME)
    fault = client.receive(retry(client.outgoing(), group, padding))
    assert isinstance(fault, TlsFault)
    assert "finite-field Diffie-Hellman (DHE) alone" in fault.detail
    assert client.outgoing() == b""


# Records


def updates(attacker: TlsAttacker) -> Iterator[bytes]:
    while True:
        yield attacker.update()


def updates_and_lines(attacker: TlsAttacker) -> Iterator[bytes]:
    while True:
        yield from (attacker.update() for _ in range(20))
        yield attacker.seal(DATA, b"250-and\r\n")


def empty_and_lines(attacker: TlsAttacker) -> Iterator[bytes]:
    while True:
        yield from (attacker.seal(DATA, b"") for _ in range(20))
        yield attacker.seal(DATA, b"2")


def tickets(attacker: TlsAttacker) -> Iterator[bytes]:
    while True:
        yield attacker.seal(HANDSHAKE, TICKET)


def tickets_by_the_hundred(attacker: TlsAttacker) -> Iterator[bytes]:
    while True:
        yield attacker.seal(HANDSHAKE, TICKET * 800)
        yield attacker.seal(DATA, b"2")


def crumbs(attacker: TlsAttacker) -> Iterator[bytes]:
    yield from (attacker.seal(HANDSHAKE, piece.to_bytes(1, "big")) for piece in message(4, b"\0" * 100_000))


def bytes_of_a_reply(attacker: TlsAttacker) -> Iterator[bytes]:
    while True:
        yield attacker.seal(DATA, b"2")


def padding(attacker: TlsAttacker) -> Iterator[bytes]:
    while True:
        yield attacker.seal(DATA, b"", 16_000)
        yield attacker.seal(DATA, b"2")


def asks_for_a_certificate(attacker: TlsAttacker) -> Iterator[bytes]:
    while True:
        yield attacker.seal(HANDSHAKE, message(13, b"\0\0\0"))


def changes_of_ciphers(attacker: TlsAttacker) -> Iterator[bytes]:
    while True:
        yield record(CCS, b"\1")


@pytest.mark.parametrize(
    "flood",
    [
        updates, updates_and_lines, empty_and_lines, tickets, tickets_by_the_hundred, crumbs, bytes_of_a_reply, padding,
        asks_for_a_certificate, changes_of_ciphers,
    ],
)  # fmt: skip
def test_records_without_end_come_to_an_end(flood: Callable[[TlsAttacker], Iterator[bytes]]) -> None:
    """However they are mixed with words: a line now and then buys nothing."""
    client, attacker, first = begun()
    assert first == b""
    client.outgoing()
    taken, spoken, answered = 0, 0, 0
    for sealed in flood(attacker):
        received = client.receive(sealed)
        answered += len(client.outgoing())
        if isinstance(received, TlsFault):
            break
        taken += 1
        spoken += bool(received)
        assert taken < ENDLESS, "it goes on for ever"
    assert spoken <= MAX_RECORDS + 1
    assert taken - spoken <= MAX_EMPTY_RECORDS
    assert answered <= 64 * MAX_EMPTY_RECORDS, "what we had to say to it is bounded, too"


@pytest.mark.parametrize(
    ("kind", "body"), [(HANDSHAKE, HELLO_REQUEST), (HANDSHAKE, HELLO_REQUEST * 4000), (DATA, b""), (ALERT, WARNING)]
)
@pytest.mark.parametrize("spoken", [0, 1])
def test_nor_do_those_of_tls_1_2_go_on_for_ever(kind: int, body: bytes, spoken: int) -> None:
    """RFC 5246 7.4.1.1: each demand for a new handshake draws a refusal; 4,000 of them fit in a record."""
    client, attacker = TlsClient(NAME), Tls12Attacker(SERVER.context())
    attacker.shake(client.outgoing, client.receive)
    assert client.receive(attacker.seal(DATA, b"250 OK\r\n")) == b"250 OK\r\n"
    taken, answered = 0, 0
    while taken < ENDLESS:
        received = client.receive(attacker.seal(DATA, b"2") if spoken and taken % 3 == 2 else attacker.seal(kind, body))
        answered += len(client.outgoing())
        if isinstance(received, TlsFault):
            break
        taken += 1
    assert taken <= 2 * MAX_EMPTY_RECORDS
    assert answered <= 64 * MAX_EMPTY_RECORDS


def test_a_handshake_in_crumbs_is_no_handshake() -> None:
    _, _, received = begun(fragment=1)
    assert isinstance(received, TlsFault)
    assert "records of TLS that say nothing" in received.detail
    client, _, received = begun(fragment=64)
    assert received == b""
    assert client.handshake is not None


# Certificates


def test_a_curve_of_their_own_is_not_calculated_with() -> None:
    """A key whose points are compressed modulo a chosen prime: 0.16 s for 635 bytes, before anything is verified."""
    for x in (3, 11):
        client, _, received = begun(certificate_with(key_on_own_curve(x)))
        assert isinstance(received, TlsFault)
        assert "elliptic curve of its own" in received.detail
        assert client.handshake is None


@pytest.mark.parametrize("before", [b"", record(CCS, b"\1"), record(ALERT, WARNING)])
def test_a_curve_of_their_own_is_not_calculated_with_in_tls_1_2_either(before: bytes) -> None:
    """There the certificates come in the clear. Nothing that comes before them makes anybody deaf to them."""
    client = TlsClient(NAME)
    client.outgoing()
    hello = message(2, b"\x03\x03" + b"r" * 32 + b"\0" + b"\xc0\x2b" + b"\0" + b"\0\0")
    der = certificate_with(key_on_own_curve(3))
    listed = len(der).to_bytes(3, "big") + der
    whole = hello + message(11, len(listed).to_bytes(3, "big") + listed)
    pieces = [record(HANDSHAKE, whole[at : at + 100]) for at in range(0, len(whole), 100)]
    if before and isinstance(client.receive(before), TlsFault):
        return  # OpenSSL minds it
    found = [client.receive(piece) for piece in pieces]
    assert all(piece == b"" for piece in found[:-1])
    assert isinstance(found[-1], TlsFault)
    assert "elliptic curve of its own" in found[-1].detail


def test_certificates_come_as_they_are() -> None:
    """RFC 8879: compressed they could not be looked at first."""
    client, attacker = TlsClient(NAME), TlsAttacker((SERVER.der,), server_key())
    compressed = message(25, b"\0\1" + len(SERVER.der).to_bytes(3, "big") + b"\0\0\1x")
    received = client.receive(attacker.flight(client.outgoing(), certificate=compressed))
    assert isinstance(received, TlsFault)
    assert "compressed" in received.detail


def test_a_chain_is_looked_at_as_far_as_it_may_go() -> None:
    spare = issue(ca=True, subject="Spare").der
    client, _, received = begun(*[spare] * (MAX_CERTIFICATES - 1))
    assert received == b""
    assert client.handshake is not None
    assert len(client.handshake.chain) == MAX_CERTIFICATES
    _, _, received = begun(*[spare] * MAX_CERTIFICATES)
    assert isinstance(received, TlsFault)
    assert f"sent {MAX_CERTIFICATES + 1} certificates" in received.detail


def named(units: int) -> bytes:
    """A certificate of itself, whose subject has so many organisational units."""
    unit = element(0x31, sequence(identifier("2.5.4.11"), element(0x0C, b"unit")))
    return certificate_with(chains.issue("x").spki, sequence(*[unit] * units))


def test_a_name_without_end_is_not_read() -> None:
    """One of 70 KiB took 60 ms to be shown in part, at every probe."""
    at = time.time()
    assert "OU=unit" in examine([named(4)], NAME, at, Roots(())).subject
    trust = examine([named(4000)], NAME, at, Roots(()))
    assert trust.subject == ""
    assert not trust.verified
    assert f"more than {MAX_NAME_BYTES} bytes" in trust.faults[0].detail
    assert match_chain([Tlsa(2, 0, 1, b"x" * 32)], [named(4000)], [NAME], at).reason.endswith("cannot be read")


def swapped(bits: int = 2048) -> rsa.RSAPrivateKey:
    """A key whose public exponent is as long as its modulus: a check of its signature takes thirty times as long."""
    secret = rsa.generate_private_key(65537, bits).private_numbers()
    public = rsa.RSAPublicNumbers(secret.d, secret.public_numbers.n)
    return rsa.RSAPrivateNumbers(
        secret.p, secret.q, 65537, 65537 % (secret.p - 1), 65537 % (secret.q - 1), secret.iqmp, public
    ).private_key(unsafe_skip_rsa_key_validation=True)


def test_signatures_of_keys_made_to_be_slow_are_not_checked_for_dane() -> None:
    """RFC 7672 3.1.2: the anchor is whatever a domain publishes."""
    ordinary_key = rsa.generate_private_key(65537, 2048)
    for key, matches in ((ordinary_key, True), (swapped(), False)):
        anchor = chains.issue("anchor", authority=True, key=key)
        leaf = chains.issue("leaf", anchor, names=(NAME,))
        for record_of in (Tlsa(2, 0, 0, anchor.der), Tlsa(2, 1, 0, anchor.spki)):
            found = match_chain([record_of], [leaf.der], [NAME], chains.NOW.timestamp())
            assert (found.record is record_of) is matches


def key_of(kind: str, *parameters: int) -> bytes:
    """A SubjectPublicKeyInfo of Diffie-Hellman or DSA."""
    algorithm = sequence(identifier(kind), sequence(*map(integer, parameters)))
    return sequence(algorithm, element(0x03, b"\0" + integer(3)))


@pytest.mark.parametrize(
    "key",
    [
        key_of("1.2.840.113549.1.3.1", 2**521 - 1, 2),
        key_of("1.2.840.10046.2.1", 2**521 - 1, 2, 2**127 - 1),
        key_of("1.2.840.10040.4.1", 2**521 - 1, 2**127 - 1, 2),
        key_on_own_curve(3),  # which a library may not know from its numbers to be forbidden
    ],
    ids=["dh", "x9.42", "dsa", "own curve"],
)
def test_a_key_of_a_kind_that_signs_no_certificate_is_not_loaded(key: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """To load one of Diffie-Hellman is to look for its prime: two TLSA records of 30,000 bits took 7.7 s."""
    loaded: list[bytes] = []
    load = x509.load_der_x509_certificate

    def load_certificate(der: bytes) -> x509.Certificate:
        loaded.append(der)
        return load(der)

    for module in (match, usability):
        monkeypatch.setattr(module, "load_der_public_key", loaded.append)
    monkeypatch.setattr(x509, "load_der_x509_certificate", load_certificate)
    leaf = chains.issue("leaf", names=(NAME,))
    bare, whole = Tlsa(2, 1, 0, key), Tlsa(2, 0, 0, certificate_with(key))
    assert usability.unusable(bare) == "its key is of no kind that signs certificates"
    assert match_chain([bare, whole], [leaf.der, whole.data], [NAME], chains.NOW.timestamp()).record is None
    assert {*loaded} == {leaf.der}


def test_signatures_of_dsa_are_not_checked_for_dane() -> None:
    """Nothing bounds the numbers of such a key but OpenSSL's 10,000 bits: a dozen checks took 0.12 s of the loop."""
    anchor = chains.issue("anchor", authority=True, key=dsa.generate_private_key(1024))
    leaf = chains.issue("leaf", anchor, names=(NAME,))
    records = [Tlsa(2, 0, 0, anchor.der), Tlsa(2, 0, 1, hashlib.sha256(anchor.der).digest())]
    chain = [leaf.der, anchor.der]
    assert match_chain(records, chain, [NAME], chains.NOW.timestamp()).record is None


def test_the_signatures_checked_for_one_chain_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Issuers of one name, and as many bare keys in the DNS: each with each made three hundred."""
    checked: list[object] = []

    def check(certificate: object, key: object) -> bool:
        checked.append(key)
        return False

    monkeypatch.setattr(match, "_signed_by_key", check)
    issuers = [chains.issue("one", authority=True) for _ in range(9)]
    leaf = chains.issue("leaf", issuers[0], names=(NAME,))
    bare = [Tlsa(2, 1, 0, chains.issue("key").spki) for _ in range(24)]
    chain = [leaf.der, *(one.der for one in issuers)]
    assert match_chain(bare, chain, [NAME], chains.NOW.timestamp()).record is None
    assert len(checked) <= match.MAX_SIGNATURES


def test_the_names_of_a_certificate_are_read_once_for_all_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """9,000 names in 80 KB, read for each of 24 anchors and each name: 0.16 s for an address, at every probe."""
    reads: list[object] = []

    def counted(certificate: x509.Certificate) -> CertificateNames:
        reads.append(certificate)
        return names_of(certificate)

    monkeypatch.setattr(match, "names_of", counted)
    anchor = chains.issue("anchor", authority=True)
    leaf = chains.issue("leaf", anchor, names=("other.example",))
    records = [Tlsa(2, selector, 0, data) for selector, data in ((0, anchor.der), (1, anchor.spki))]
    found = match_chain(records, [leaf.der, anchor.der], [NAME, "example"], chains.NOW.timestamp())
    assert found.reason.endswith(f"but not for {NAME} or example")
    assert len(reads) == 1


# What a host costs


GREETING = Drip((b"220-" + b"x" * 60 + b"\r\n") * 950)
SETTINGS = Settings(timeout=60.0, allow_addresses=LOOPBACK)


def domain(name: str, port: int, module: Module | None = None) -> Target:
    settings = replace(SETTINGS, port=port)
    return Target(TargetKind.DOMAIN, name, name, settings if module is None else replace(settings, module=module))


def held(world: HostWorld, target: Target) -> Host:
    """The MX host of a domain, of the same address as those of all others."""
    return world.hold(Holder(target), f"mx.{target.host}", "127.0.0.2").host


async def test_a_host_that_costs_too_much_is_ended_told_and_left_alone() -> None:
    """Its greeting comes a byte at a time: 60,000 events, each of which the loop sees to."""
    host = SmtpHost(ordinary(NAME, greeting=GREETING))
    port = await host.start("127.0.0.2")
    try:
        async with HostWorld() as world:
            asked, beside = held(world, domain("a.example", port)), held(world, domain("b.example", port))
            first, same = await world.first_results(asked, beside)
            again = [await world.again(asked), await world.again(asked)]
            (later,) = await world.first_results(held(world, domain("c.example", port)))
            (other,) = await world.first_results(held(world, domain("a.example", port, Module(force_helo=True))))
        assert host.connections == 1, "nobody goes there meanwhile, in whatever way it is asked for"
    finally:
        await host.stop()
    assert first.failure is not None
    assert (first.failure.stage, first.failure.failure_class) == (Stage.BANNER, FailureClass.PROTOCOL_ERROR)
    assert f"more than {MAX_SECONDS:g} s of CPU" in first.failure.detail
    assert first.outcome.reported_warnings == (HostWarning.COSTLY,)
    assert any("left alone for" in sentence for sentence in first.failure.evidence)
    # What was seen stays, with its time, and is told of the other names of the address.
    assert again == [first, first]
    for seen in (same, later):
        assert (seen.timings.at, seen.failure) == (first.timings.at, first.failure)
        assert seen.outcome.reported_warnings == first.outcome.reported_warnings
    # Of what was never asked nothing can be told again.
    assert other.failure is not None
    assert other.failure.failure_class is FailureClass.NO_TURN
    assert "it is left alone for another" in other.failure.detail
    assert other.outcome.reported_warnings == (HostWarning.COSTLY,)


async def test_who_waits_for_a_turn_with_a_costly_host_leaves_it_alone_too() -> None:
    """However many ask for it at once, each in a way of its own: all that are in the queue would have their session."""
    host = SmtpHost(ordinary(NAME, greeting=GREETING))
    port = await host.start("127.0.0.2")
    ways = [Module(stages=(Stage.EHLO, Stage.VRFY), vrfy=f"{number}") for number in range(3)]
    try:
        async with HostWorld() as world:
            targets = [domain("a.example", port), domain("b.example", port)]
            targets += [domain("c.example", port, way) for way in ways]
            first, same, *others = await world.first_results(*[held(world, target) for target in targets])
        assert host.connections == 1
    finally:
        await host.stop()
    assert first.outcome.reported_warnings == (HostWarning.COSTLY,)
    assert (same.timings.at, same.failure) == (first.timings.at, first.failure)
    assert {other.failure and other.failure.failure_class for other in others} == {FailureClass.NO_TURN}


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(serve: Serve) -> AsyncIterator[int]:
    """A server on real sockets; its port."""
    at_work: set[asyncio.Task[None]] = set()

    async def see_to(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (ConnectionError, EOFError):
            pass
        finally:
            writer.close()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        at_work.add(asyncio.create_task(see_to(reader, writer)))

    server = await asyncio.start_server(begin, "127.0.0.2", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.gather(*at_work)


def mail_host(secure: Serve) -> AbstractAsyncContextManager[int]:
    """A mail host, which offers STARTTLS and leaves all that follows to `secure`; its port."""
    answers = {b"EHLO": reply(250, NAME, "STARTTLS"), b"STAR": reply(220, "go ahead"), b"QUIT": reply(221, "bye")}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(220, NAME))
        while (verb := (await reader.readline())[:4]) in answers:
            writer.write(answers[verb])
            if verb == b"STAR":
                await secure(reader, writer)

    return listening(serve)


async def record_from(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readexactly(5)
    return head + await reader.readexactly(int.from_bytes(head[3:], "big"))


async def secured(port: int) -> HostResult:
    """What a probe with STARTTLS makes of it."""
    module = Module(stages=(Stage.EHLO, Stage.STARTTLS))
    async with HostWorld() as world:
        (found,) = await world.probe(domain("a.example", port, module), ("mx.a.example", "127.0.0.2"))
        return found


async def test_floods_under_tls_end_the_session_and_nothing_else() -> None:
    """As a whole probe sees it: a real connection, STARTTLS, and updates of keys with a line now and then."""

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        attacker = TlsAttacker([SERVER.der], server_key())
        writer.write(attacker.flight(await record_from(reader)))
        await reader.read(1)  # the client has come to the end of the handshake
        for sealed in updates_and_lines(attacker):
            writer.write(sealed)
            await writer.drain()
            await asyncio.sleep(0)

    async with mail_host(flood) as port:
        seen = await secured(port)
    assert seen.failure is not None
    assert seen.failure.failure_class is FailureClass.PROTOCOL_ERROR
    assert f"more than {MAX_EMPTY_RECORDS} records of TLS that say nothing" in seen.failure.detail


async def test_dhe_alone_is_up_with_its_cause_and_cheap(tmp_path: Path) -> None:
    """It shows its 10,000 bits to who asks for them, and gets no answer."""
    context = dhe(tmp_path, "kDHE:@SECLEVEL=0")
    heard: list[bytes] = []

    async def shake(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(Answering(context).take(await record_from(reader)))
        heard.append(await reader.read())

    async with mail_host(shake) as port:
        seen = await secured(port)
    assert seen.failure is None
    assert HostWarning.TLS_HANDSHAKE in seen.outcome.warnings
    assert HostWarning.COSTLY not in seen.outcome.warnings
    assert any("DHE) alone" in remark for remark in seen.outcome.remarks), seen.outcome.remarks
    assert len(heard) == 2
    assert not any(words.startswith(bytes([HANDSHAKE])) for words in heard)


def test_the_fetch_of_a_policy_offers_no_finite_field() -> None:
    """Below TLS 1.3; a group of TLS 1.3 is refused when the server asks for it (tests/attack/test_mta_sts.py)."""
    assert any("kx-dhe" in cipher["kea"] for cipher in ssl.create_default_context().get_ciphers())
    assert not any("kx-dhe" in cipher["kea"] for cipher in tls_context().get_ciphers())
