from __future__ import annotations

import asyncio
import base64
import threading
from collections.abc import Iterator

import bcrypt
import httpx
import pytest

from exporter.config.web.load import WebConfig
from exporter.web.access import authentication
from exporter.web.access.active_config import ActiveWebConfig
from exporter.web.access.authentication import MAX_REMEMBERED, MAX_WAITING, PasswordCheck, Passwords, credentials
from exporter.web.app import create_app
from tests.support.waiting import until
from tests.web.fake_backend import FakeBackend


def hashed(password: str) -> str:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()


ALICE = hashed("wonder:land")
USERS = {"alice": ALICE, "bob": hashed("b" * 72).replace("$2b$", "$2y$")}


class Checks:
    """Counts the slow comparisons, and holds them if told so."""

    def __init__(self) -> None:
        self.made: list[tuple[bytes, str]] = []
        self.threads: set[int] = set()
        self.free = threading.Event()
        self.free.set()

    def checkpw(self, password: bytes, against: bytes) -> bool:
        self.made.append((password, against.decode()))
        self.threads.add(threading.get_ident())
        assert self.free.wait(30)
        return _checkpw(password, against)


_checkpw = bcrypt.checkpw


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> Iterator[Checks]:
    checks = Checks()
    monkeypatch.setattr(bcrypt, "checkpw", checks.checkpw)
    yield checks
    checks.free.set()


@pytest.mark.parametrize(
    ("name", "password", "verdict"),
    [
        ("alice", b"wonder:land", PasswordCheck.RIGHT),
        ("bob", b"b" * 72, PasswordCheck.RIGHT),
        ("bob", b"b" * 80, PasswordCheck.RIGHT),  # bcrypt takes 72 bytes into account
        ("alice", b"wonder", PasswordCheck.WRONG),
        ("alice", b"", PasswordCheck.WRONG),
        ("alice", b"wonder:land\0", PasswordCheck.WRONG),
        ("alice", b"\xff\xfe", PasswordCheck.WRONG),
        ("Alice", b"wonder:land", PasswordCheck.WRONG),
        ("", b"", PasswordCheck.WRONG),
    ],
)
async def test_the_password_decides(name: str, password: bytes, verdict: PasswordCheck) -> None:
    passwords = Passwords()
    assert await passwords.check(USERS, name, password) is verdict
    assert await passwords.check(USERS, name, password) is verdict


async def test_nobody_gets_in_with_anothers_password_though_it_is_compared() -> None:
    passwords = Passwords()
    assert await passwords.check({"alice": ALICE}, "mallory", b"wonder:land") is PasswordCheck.WRONG
    assert await passwords.check({"alice": ALICE}, "alice", b"wonder:land") is PasswordCheck.RIGHT
    assert await passwords.check({"alice": ALICE}, "mallory", b"wonder:land") is PasswordCheck.WRONG


async def test_what_was_right_is_compared_once_and_off_the_event_loop(checks: Checks) -> None:
    passwords = Passwords()
    for _ in range(3):
        assert await passwords.check(USERS, "alice", b"wonder:land") is PasswordCheck.RIGHT
    assert len(checks.made) == 1
    assert threading.get_ident() not in checks.threads


async def test_an_unknown_user_costs_the_same_comparison_each_time(checks: Checks) -> None:
    passwords = Passwords()
    for _ in range(3):
        await passwords.check(USERS, "nobody", b"guess")
        await passwords.check(USERS, "alice", b"guess")
    assert len(checks.made) == 6
    unknown = {against for _, against in checks.made[::2]}
    assert len(unknown) == 1
    assert unknown <= set(USERS.values())


async def test_a_changed_password_ends_the_old_one_at_once() -> None:
    passwords = Passwords()
    assert await passwords.check(USERS, "alice", b"wonder:land") is PasswordCheck.RIGHT
    assert await passwords.check(USERS | {"alice": hashed("new")}, "alice", b"wonder:land") is PasswordCheck.WRONG


async def test_memory_holds_no_credentials_and_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authentication, "_matches", lambda password, hashed: True)
    passwords = Passwords()
    users = {f"user{number}": ALICE for number in range(MAX_REMEMBERED + 20)}
    for user in users:
        assert await passwords.check(users, user, b"wonder:land") is PasswordCheck.RIGHT
    assert len(passwords._right) == MAX_REMEMBERED
    assert not any(b"wonder" in mark or b"user" in mark for mark in passwords._right)


async def test_who_is_known_is_let_in_while_guesses_wait_and_too_many_guesses_are_sent_away(checks: Checks) -> None:
    passwords = Passwords()
    assert await passwords.check(USERS, "alice", b"wonder:land") is PasswordCheck.RIGHT
    checks.free.clear()
    guesses = [asyncio.create_task(passwords.check(USERS, "alice", b"%d" % number)) for number in range(MAX_WAITING)]
    await until(lambda: len(checks.made) == 2)
    assert await passwords.check(USERS, "alice", b"another") is PasswordCheck.BUSY
    assert await passwords.check(USERS, "alice", b"wonder:land") is PasswordCheck.RIGHT
    checks.free.set()
    assert set(await asyncio.gather(*guesses)) == {PasswordCheck.WRONG}
    assert await passwords.check(USERS, "alice", b"another") is PasswordCheck.WRONG


async def test_the_same_credentials_at_once_are_compared_once(checks: Checks) -> None:
    passwords = Passwords()
    scrapes = [passwords.check(USERS, "alice", b"wonder:land") for _ in range(5)]
    assert await asyncio.gather(*scrapes) == [PasswordCheck.RIGHT] * 5
    assert len(checks.made) == 1


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Basic " + base64.b64encode(b"alice:wonder:land").decode(), ("alice", b"wonder:land")),
        ("bAsIc  " + base64.b64encode("zoë:".encode()).decode(), ("zoë", b"")),
        ("Basic " + base64.b64encode(b"alice").decode(), None),
        ("Basic " + base64.b64encode(b"\xff:x").decode(), None),
        ("Basic ***", None),
        ("Basic é", None),
        ("Basic", None),
        ("Bearer abc", None),
        ("", None),
    ],
)
def test_credentials_of_a_header(header: str, expected: tuple[str, bytes] | None) -> None:
    assert credentials(header) == expected


async def ask(security: ActiveWebConfig, path: str, auth: tuple[str, str] | None = None) -> httpx.Response:
    transport = httpx.ASGITransport(create_app(FakeBackend(), security=security))
    async with httpx.AsyncClient(transport=transport, base_url="http://client.example", auth=auth) as client:
        return await client.get(path)


@pytest.mark.parametrize(
    "path", ["/", "/metrics", "/probe?target=a.example", "/-/reload", "/static/style.css", "/nope"]
)
async def test_every_path_asks_for_a_password_and_answers_to_the_right_one(path: str) -> None:
    security = ActiveWebConfig(config=WebConfig(users=USERS))
    refused = await ask(security, path)
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == 'Basic realm="mx-exporter", charset="UTF-8"'
    assert refused.headers["x-content-type-options"] == "nosniff"
    assert (await ask(security, path, ("alice", "nope"))).status_code == 401
    assert (await ask(security, path, ("alice", "wonder:land"))).status_code in (200, 404, 405)


async def test_headers_of_the_web_configuration_take_the_place_of_ours() -> None:
    security = ActiveWebConfig(config=WebConfig(headers={"Content-Security-Policy": "none", "X-Frame-Options": "deny"}))
    answer = await ask(security, "/metrics")
    assert answer.headers.get_list("content-security-policy") == ["none"]
    assert answer.headers["x-frame-options"] == "deny"
    assert answer.headers["referrer-policy"] == "same-origin"
