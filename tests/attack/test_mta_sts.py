"""Policy hosts that want our places, our memory or our time (RFC 8461): what one has, others do not go without."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from exporter.lab.certificates import Authority
from exporter.lab.host import listening
from exporter.lab.https_host import HttpsHost, http
from exporter.lab.smtp_host import SmtpHost
from exporter.lab.smtp_script import ordinary
from exporter.model.address import Family
from exporter.model.configuration import Limits
from exporter.model.policy import MtaStsMode, TlsaLookup, TlsaStatus
from exporter.model.policy import MtaStsProblem as P
from exporter.model.result import DomainResult, MxHost, MxLookup
from exporter.model.target import Module, PolicyKind, Settings, Starttls, Target, TargetKind
from exporter.policies.domain_policies import DomainPolicies
from exporter.policies.host_policies import TlsaSearches
from exporter.policies.mtasts.cache import RETRY_SECONDS, PolicyCache
from exporter.policies.mtasts.fetch import FetchFault, fetch, tls_context
from exporter.resolver.answer import DnsAnswer
from tests.probe.whole import WholeProbes
from tests.support.chains import issue, write_chain
from tests.support.daemons import accepts, free_port, running
from tests.support.der import certificate_with, key_on_own_curve
from tests.support.require import require_program
from tests.support.tls_attacker import DATA, HANDSHAKE, TICKET, TlsAttacker
from tests.support.virtual_time import run_virtually

# What a result may wait for a policy, and again as much for a busy machine; far below the timeout of the probes.
SOON = 2 * 2.0
TIMEOUT = 20.0
NAME = "mta-sts.a.example"
POLICY = b"version: STSv1\nmode: enforce\nmx: mx.a.example\nmax_age: 86400\n"
AUTHORITY = Authority()


@dataclass
class World:
    """Domains whose MX is on one host, each with a record of MTA-STS; their policy hosts are where `places` says."""

    places: dict[str, str] = field(default_factory=dict)
    policy_id: str = "1"
    silent_texts: bool = False
    silent_tlsa: bool = False
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def known_mx(self, domain: str, families: tuple[Family, ...]) -> MxLookup | None:
        return None

    def known_host(self, name: str, families: tuple[Family, ...]) -> MxHost | None:
        return None

    def for_unconfigured_target(self) -> AbstractContextManager[None]:
        return nullcontext()

    async def lookup_mx(self, domain: str, families: tuple[Family, ...]) -> MxLookup:
        # Of a host that is known already the TLSA records are known, whatever the domain.
        name = "mx.b.example" if domain == "b.example" else "mx.a.example"
        return MxLookup(domain, (MxHost(name, 10, ("127.0.0.1",)),), mx_records=1, authenticated=True)

    async def lookup_host(self, name: str, families: tuple[Family, ...]) -> MxHost:
        return MxHost(name, 0, (self.places.get(name.removeprefix("mta-sts."), "127.0.0.1"),))

    async def lookup_txt(self, name: str) -> DnsAnswer:
        if self.silent_texts:
            await self.gate.wait()
        if name.startswith("_smtp._tls."):
            return DnsAnswer((b"v=TLSRPTv1; rua=mailto:a@a.example",))
        return DnsAnswer((f"v=STSv1; id={self.policy_id};".encode(),))

    async def lookup_tlsa(self, host: str, port: int, families: tuple[Family, ...]) -> TlsaLookup:
        if self.silent_tlsa:
            await self.gate.wait()
        return TlsaLookup(TlsaStatus.ABSENT)


@pytest.fixture(autouse=True)
def _roots(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "roots.pem").write_text(AUTHORITY.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "roots.pem"))


def _target(domain: str, port: int, *policies: PolicyKind, require: bool = False, timeout: float = TIMEOUT) -> Target:
    module = Module(
        policies=policies or (PolicyKind.MTA_STS,), starttls=Starttls(verify="require" if require else "report")
    )
    settings = Settings(timeout=timeout, port=port, module=module, allow_addresses=(ip_network("127.0.0.0/8"),))
    return Target(TargetKind.DOMAIN, domain, domain, settings)


@asynccontextmanager
async def _probes(names: World, host: HttpsHost, *served: str) -> AsyncIterator[tuple[WholeProbes, int]]:
    """Probes, and the port of the mail host; `host` is the policy host of the domains `served`, on 127.0.0.1."""
    mail = SmtpHost(ordinary("mx.a.example"))
    port = await mail.start("127.0.0.1", 0)
    memory = PolicyCache()
    host.context = AUTHORITY.server_context(*(f"mta-sts.{name}" for name in served or ("a.example",)))
    async with listening(host):
        policies, tlsa = DomainPolicies(names, memory, host.port), TlsaSearches(names)
        async with WholeProbes(names, policies=policies, tlsa=tlsa, limits=Limits(per_address=500)) as probes:
            yield probes, port
        names.gate.set()
        await memory.close()
    await mail.stop()


@pytest.fixture
def silent_addresses() -> Iterator[tuple[list[str], ExitStack]]:
    with ExitStack() as stack:
        yield [f"127.1.0.{number}" for number in range(1, 41)], stack


async def _probe(probes: WholeProbes, target: Target) -> tuple[DomainResult, float]:
    began = time.perf_counter()
    return await probes.probe(target), time.perf_counter() - began


async def _until_known(probes: WholeProbes, target: Target) -> None:
    async with asyncio.timeout(30.0):
        while True:
            result, took = await _probe(probes, target)
            assert took < SOON
            if result.mta_sts is not None and result.mta_sts.mode is MtaStsMode.ENFORCE:
                return
            await asyncio.sleep(0.01)


async def test_policy_hosts_that_never_answer_do_not_starve_others(
    silent_addresses: tuple[list[str], ExitStack],
) -> None:
    """Twenty honest domains among two hundred whose policy hosts accept and say nothing."""
    addresses, stack = silent_addresses
    honest = [f"honest{number}.example" for number in range(20)]
    silent = {f"silent{number}.example": addresses[number % len(addresses)] for number in range(200)}
    names = World(places=dict(silent))
    async with _probes(names, HttpsHost([http(POLICY)]), *honest) as (probes, port):
        https_port = probes.tools.policies._mta_sts._https_port  # type: ignore[union-attr]
        for address in addresses:
            stack.enter_context(socket.create_server((address, https_port), backlog=256))
        waiting = [asyncio.create_task(_probe(probes, _target(name, port))) for name in silent]
        await asyncio.sleep(0)
        first = await asyncio.gather(*(_probe(probes, _target(name, port)) for name in honest))
        for result, took in (*first, *await asyncio.gather(*waiting)):
            assert result.up
            assert took < SOON
        # What the first result did not have the next ones have.
        for name in honest:
            await _until_known(probes, _target(name, port))


async def test_a_policy_that_comes_late_is_in_the_next_result_and_no_time_of_the_mail_hosts() -> None:
    host = HttpsHost([http(POLICY)], gate=asyncio.Event())
    assert host.gate is not None
    async with _probes(World(), host) as (probes, port):
        result, took = await _probe(probes, _target("a.example", port))
        assert result.up
        assert took < SOON
        assert result.duration < took / 2
        assert result.mta_sts is not None
        assert (result.mta_sts.mode, result.mta_sts.valid, result.mta_sts.problem) == (MtaStsMode.UNKNOWN, None, None)
        host.gate.set()
        await _until_known(probes, _target("a.example", port))
        assert len(host.requests) == 1


async def test_records_that_are_never_answered_keep_a_result_no_longer_than_a_policy_does() -> None:
    """What was known is told on; what was not is left open, and fails nobody."""
    names = World()
    every = (PolicyKind.MTA_STS, PolicyKind.TLS_RPT, PolicyKind.DANE)
    async with _probes(names, HttpsHost([http(POLICY)])) as (probes, port):
        known, _ = await _probe(probes, _target("a.example", port, *every))
        names.silent_texts = names.silent_tlsa = True
        (again, took), (new, took_new) = await asyncio.gather(
            _probe(probes, _target("a.example", port, *every)),
            _probe(probes, _target("b.example", port, *every, require=True)),
        )
        assert max(took, took_new) < SOON
        assert (again.mta_sts, again.tls_rpt) == (known.mta_sts, known.tls_rpt)
        assert again.hosts[0].facts.dane == known.hosts[0].facts.dane is not None
        assert new.up
        assert new.tls_rpt is not None
        assert (new.tls_rpt.present, new.hosts[0].facts.dane) == (None, None)


# The fetch itself


def _trusting(*pem: str) -> ssl.SSLContext:
    context = tls_context()
    for each in (AUTHORITY.pem, *pem):
        context.load_verify_locations(cadata=each)
    return context


def _lines(count: int) -> bytes:
    return POLICY + b"".join(b"x%d: y\n" % number for number in range(count))


def _chunks(body: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"


HEADERS = [f"X-{number}: {'y' * 100}" for number in range(120)]


@pytest.mark.parametrize(
    ("answer", "tickets", "problem"),
    [
        ([bytes([byte]) for byte in http(_lines(200))], 2, P.TOO_LARGE),
        ([_chunks(_lines(200))], 2, P.TOO_LARGE),
        ([http(POLICY, "200 OK", "text/plain", *HEADERS)], 2, P.HTTP),
        ([http(POLICY)], 1000, P.TOO_LARGE),
    ],
    ids=["a record for each byte", "a chunk for each byte", "many headers", "many tickets"],
)
async def test_what_costs_us_more_than_a_policy_is_worth_is_given_up(
    answer: Sequence[bytes], tickets: int, problem: P
) -> None:
    context = AUTHORITY.server_context(NAME)
    context.num_tickets = tickets
    async with listening(HttpsHost(answer, context=context)) as port:
        fetched = await fetch(NAME, ["127.0.0.1"], _trusting(), port=port)
    assert isinstance(fetched, FetchFault)
    assert fetched.problem is problem, fetched


FLOODS: dict[str, Callable[[TlsAttacker], Iterator[bytes]]] = {
    "new keys": lambda attacker: (attacker.update() for _ in range(1500)),
    "tickets": lambda attacker: (attacker.seal(HANDSHAKE, TICKET * 800) for _ in range(4)),
    "padding": lambda attacker: (attacker.seal(DATA, b"", 16_000) for _ in range(4)),
}


@asynccontextmanager
async def _attacked(attacker: TlsAttacker, behind: Callable[[], bytes]) -> AsyncIterator[int]:
    """The port of a server that sends the flight of `attacker`, and then what is `behind` it."""
    gone = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(attacker.flight(await reader.read(4096)))
            writer.write(behind())
            await reader.read(-1)
        except OSError:
            pass  # they went away
        finally:
            writer.transport.abort()
            gone.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
        await gone.wait()


async def test_certificates_made_to_be_slow_are_not_decoded() -> None:
    """A curve of their own: a tenth of a second for each 635 bytes, and a hundred of them in a handshake."""
    key = ec.generate_private_key(ec.SECP256R1())
    slow = [certificate_with(key_on_own_curve(x)) for x in (3, 4, 5)]
    async with _attacked(TlsAttacker([issue(NAME, key=key).der, *slow], key), bytes) as port:
        fetched = await fetch(NAME, ["127.0.0.1"], _trusting(), port=port)
    assert isinstance(fetched, FetchFault)
    assert fetched.problem is P.TLS
    assert "elliptic curve of its own" in fetched.detail


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS)
async def test_records_without_end_before_the_policy_are_not_read_to_the_end(
    flood: Callable[[TlsAttacker], Iterator[bytes]],
) -> None:
    now = datetime.now(UTC)
    root = issue("root", authority=True, at=now)
    leaf = issue(NAME, root, names=(NAME,), at=now)
    assert isinstance(leaf.key, ec.EllipticCurvePrivateKey)
    attacker = TlsAttacker([leaf.der], leaf.key)
    context = _trusting(root.certificate.public_bytes(Encoding.PEM).decode())
    async with _attacked(attacker, lambda: b"".join(flood(attacker)) + attacker.seal(DATA, http(POLICY))) as port:
        fetched = await fetch(NAME, ["127.0.0.1"], context, port=port)
    assert isinstance(fetched, FetchFault)
    assert fetched.problem is P.TOO_LARGE, fetched


@pytest.mark.parametrize(
    "flags",
    [("-tls1_2", "-cipher", "DHE-RSA-AES256-GCM-SHA384"), ("-tls1_3", "-groups", "ffdhe8192")],
    ids=["TLS 1.2", "TLS 1.3"],
)
async def test_nobody_makes_us_calculate_in_a_finite_field(flags: tuple[str, ...], tmp_path: Path) -> None:
    now = datetime.now(UTC)
    root = issue("root", authority=True, at=now)
    key = rsa.generate_private_key(65537, 2048)
    chain = write_chain(tmp_path, issue(NAME, root, names=(NAME,), key=key, at=now))
    port = free_port()
    argv = [require_program("openssl"), "s_server", "-accept", f"127.0.0.1:{port}", "-quiet", "-cert", str(chain)]
    context = _trusting(root.certificate.public_bytes(Encoding.PEM).decode())
    with running([*argv, *flags], lambda: accepts(port), tmp_path / "s_server.log"):
        fetched = await fetch(NAME, ["127.0.0.1"], context, port=port, seconds=5.0)
    assert isinstance(fetched, FetchFault)
    assert fetched.problem is P.TLS, fetched


# What is kept


def _large(number: int) -> bytes:
    names = "".join(f"mx: {'x' * 60}.{'y' * 60}.{'z' * 60}.h{name}.d{number}.example\n" for name in range(250))
    return f"version: STSv1\nmode: enforce\n{names}max_age: 86400\n".encode()


def test_large_policies_are_bounded_together_and_do_not_displace_ordinary_ones() -> None:
    async def main() -> None:
        memory = PolicyCache(max_bytes=4 * 1024 * 1024)

        async def ordinary_one() -> bytes:
            return POLICY

        await memory.policy("honest.example", "1", ordinary_one)
        for number in range(150):

            async def large(text: bytes = _large(number)) -> bytes:
                return text

            await memory.policy(f"d{number}.example", "1", large)
        kept = [memory.held(f"d{number}.example") for number in range(150)]
        assert sum(sum(map(len, policy.mx)) for policy in kept if policy is not None) < 4 * 1024 * 1024
        assert memory.held("honest.example") is not None

    run_virtually(main())


def test_a_policy_of_thousands_of_names_is_refused() -> None:
    """Each MX host of the domain would be held against each of them."""
    text = POLICY + b"".join(b"mx: m%d.a\n" % number for number in range(4000))

    async def main() -> None:
        async def fetched() -> bytes:
            return text

        held = await PolicyCache().policy("a.example", "1", fetched)
        assert held.policy is None
        assert held.fault is not None
        assert held.fault.problem is P.POLICY_INVALID

    run_virtually(main())


def test_a_silent_host_is_asked_no_sooner_because_its_record_changes_all_the_time() -> None:
    async def main() -> None:
        memory = PolicyCache()
        asked = 0

        async def silent() -> FetchFault:
            nonlocal asked
            asked += 1
            await asyncio.sleep(15.0)
            return replace(FetchFault(P.TIMEOUT, ""), timed_out=True)

        for number in range(20):
            await memory.policy("a.example", str(number), silent)
            await asyncio.sleep(RETRY_SECONDS / 10)
        assert asked <= 3

    run_virtually(main())
