"""One section of `modules` as a Module, and the contradictions in it."""

from __future__ import annotations

from collections.abc import Container, Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Final

from exporter.config import secrets
from exporter.config.mailbox import needs_smtputf8
from exporter.config.schema import ArrivalSection, AuthSection, CanarySection, ModuleSection
from exporter.config.stage_order import order_problems
from exporter.model.failure import Stage
from exporter.model.target import DOMAIN_PLACEHOLDER, Auth, Canary, CanaryMailbox, Module, PolicyKind, Starttls, TlsMode

# RFC 5321 3.2: HELO negotiates no extension.
_NEEDS_EHLO: Final = "needs ehlo: HELO offers no extensions"
_NEEDS_STARTTLS: Final = "needs the stage starttls, which stages does not list"
_AUTH_NEEDS_TLS: Final = "auth sends a password, so over TLS only: list starttls before it, or set tls: implicit"
_AUTH_NEEDS_TRUST: Final = "auth sends a password, so to a verified server only: set verify: require"

# Stage -> the key of its argument, and a word for that.
_ARGUMENTS: Final = MappingProxyType(
    {
        "rcpt": ("rcpt_to", "a recipient"),
        "vrfy": ("vrfy", "a user"),
        "expn": ("expn", "a list"),
        "auth": ("auth", "credentials"),
    }
)

Location = tuple[str | int, ...]


def module_of(
    name: str, section: ModuleSection, auth: Auth | None = None, arrival: CanaryMailbox | None = None
) -> Module:
    """The module of a section, with what has a password."""
    stages = ["ehlo" if stage == "helo" else stage for stage in section.stages]
    # EHLO after STARTTLS is sent in any case, listed or not.
    sent = [stage for index, stage in enumerate(stages) if stage != "ehlo" or index == 0]
    return Module(
        name=name,
        stages=tuple(map(Stage, sent)),
        force_helo=section.stages[0] == "helo",
        starttls=Starttls(section.starttls.required, section.starttls.verify, section.starttls.server_name),
        mail_from=section.mail_from,
        rcpt_to=tuple(section.rcpt_to),
        size=section.size,
        vrfy=section.vrfy,
        expn=section.expn,
        expect=MappingProxyType({Stage(stage): frozenset(codes) for stage, codes in section.expect.items()}),
        timeout=section.timeout,
        host_series=section.host_series,
        expect_mx=section.expect_mx,
        tls=TlsMode(section.tls),
        auth=auth,
        data=_canary(section.data, arrival),
        policies=tuple(map(PolicyKind, section.policies)),
        proxy_protocol=section.proxy_protocol,
    )


def auth_of(section: AuthSection, folder: Path) -> Auth:
    """The credentials. Raises AuthError."""
    password = _password(section, folder)
    return Auth(section.username, password, section.password_file or "", section.password_env or "")


def mailbox_of(section: ArrivalSection, folder: Path) -> CanaryMailbox:
    """The mailbox of canaries. Raises AuthError."""
    return CanaryMailbox(
        section.host.host,
        section.host.port or CanaryMailbox().port,
        section.username,
        _password(section, folder),
        section.within,
        section.interval,
        tuple(section.inbox),
        tuple(section.junk),
        tuple(section.authserv_id),
        section.password_file or "",
        section.password_env or "",
    )


def _password(section: AuthSection, folder: Path) -> str:
    """The password; a relative `password_file` is one beside the configuration.

    Raises AuthError with the place of the mistake in the section and a sentence; neither repeats a password.
    """
    if (section.password_file is None) == (section.password_env is None):
        raise AuthError((), "give either password_file or password_env")
    key = "password_env" if section.password_file is None else "password_file"
    try:
        if section.password_env is not None:
            return secrets.from_variable(section.password_env)
        return secrets.from_file(folder / (section.password_file or ""))
    except ValueError as error:
        raise AuthError((key,), str(error), heals=isinstance(error, secrets.AbsentSecretError)) from None


class AuthError(ValueError):
    """A mistake in the section, with its place. `heals`: the file of the password may come."""

    def __init__(self, location: Location, message: str, *, heals: bool = False) -> None:
        super().__init__(message)
        self.location = location
        self.heals = heals


def _canary(section: CanarySection, arrival: CanaryMailbox | None) -> Canary:
    return Canary(
        section.sender or "",
        tuple(section.to),
        tuple(section.cc),
        section.reply_to or "",
        section.subject,
        section.body,
        arrival,
    )


def contradictions(section: ModuleSection, wrong: Container[str | int] = ()) -> Iterator[tuple[Location, str]]:
    """(place, reason) of values that contradict each other, though each is valid by itself.

    `wrong` are keys that are refused for their own sake, and so missing in `section`: nothing is said about them.
    """
    if "stages" in wrong:
        return
    for index, reason in order_problems(section.stages):
        yield ("stages", index), reason
    yield from _without_argument(section, wrong)
    if "tls" not in wrong:
        if section.tls != "implicit" and "starttls" not in section.stages:
            yield from _needing_starttls(section)
        elif section.tls == "implicit" and "starttls" in section.stages:
            yield ("tls",), "the connection is TLS from the start: starttls has no place in stages"
    if "helo" in section.stages:
        yield from _needing_extensions(section)
    if "auth" in section.stages and section.auth is not None and "tls" not in wrong and "starttls" not in wrong:
        yield from _password_in_danger(section)
    if "data" in section.stages:
        yield from _to_everybody(section)
    elif "data" not in wrong and section.data.arrival is not None:
        yield ("data", "arrival"), "needs the stage data, which stages does not list: nothing is sent"


def _without_argument(section: ModuleSection, wrong: Container[str | int]) -> Iterator[tuple[Location, str]]:
    """A stage that has nothing to say would be left out, and the target would pass for one that has answered it."""
    for stage, (key, needed) in _ARGUMENTS.items():
        if stage in section.stages and key not in wrong and not getattr(section, key):
            yield ("stages", section.stages.index(stage)), f"{stage} needs {needed}: set {key}"


def _needing_starttls(section: ModuleSection) -> Iterator[tuple[Location, str]]:
    starttls = section.starttls
    given = {"required": starttls.required, "verify": starttls.verify == "require", "server_name": starttls.server_name}
    for key, value in given.items():
        if value:
            yield ("starttls", key), _NEEDS_STARTTLS
    for index, policy in enumerate(section.policies):
        # RFC 7672: TLSA records are matched with the certificate.
        if policy in ("dane", "versions"):
            yield ("policies", index), f"{policy} {_NEEDS_STARTTLS}"


def _needing_extensions(section: ModuleSection) -> Iterator[tuple[Location, str]]:
    if section.size:
        yield ("size",), _NEEDS_EHLO
    if needs_smtputf8(section.mail_from):
        yield ("mail_from",), _NEEDS_EHLO
    for index, recipient in enumerate(section.rcpt_to):
        if needs_smtputf8(recipient):
            yield ("rcpt_to", index), _NEEDS_EHLO


def _password_in_danger(section: ModuleSection) -> Iterator[tuple[Location, str]]:
    place = section.stages.index("auth")
    if section.tls != "implicit" and "starttls" not in section.stages[:place]:
        yield ("stages", place), _AUTH_NEEDS_TLS
    elif section.starttls.verify != "require":
        yield ("starttls", "verify"), _AUTH_NEEDS_TRUST


def _to_everybody(section: ModuleSection) -> Iterator[tuple[Location, str]]:
    """A message is really delivered, so it needs a mailbox that is named, not one of every domain probed."""
    for index, recipient in enumerate(section.rcpt_to):
        if DOMAIN_PLACEHOLDER in recipient:
            yield ("rcpt_to", index), f"data delivers a message: name its recipient, without {DOMAIN_PLACEHOLDER}"
