"""The warnings and the remarks about a host, from one session with it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from exporter.diagnosis.fingerprints import MASKED
from exporter.model.failure import Stage
from exporter.model.warning import HostWarning
from exporter.probe.cpu_cost import COSTLY_SECONDS, pause_after
from exporter.probe.session_record import SessionRecord
from exporter.smtp.ehlo import Ehlo

# A greeting later than this is worth a warning, though RFC 5321 4.5.3.2.1 lets a server take five minutes.
BANNER_SLOW_SECONDS: Final = 10.0
# A certificate is renewed when a third of its lifetime is left, be that months or, of six days, two; of the usual month
# half is left to act.
EXPIRES_SOON_SECONDS: Final = 14 * 86400.0
EXPIRES_SOON_SHARE: Final = 1 / 3
# OpenSSL's names of versions below TLS 1.2 (RFC 8996).
_OUTDATED: Final = MappingProxyType({"SSLv3": "SSL 3.0", "TLSv1": "TLS 1.0", "TLSv1.1": "TLS 1.1"})
# RFC 5321 3.5.3: the user or list exists. 252 says neither yes nor no.
_REVEALING: Final = frozenset({250, 251})

# Looked up in its Enum, a member takes Python 3.11 twenty times as long as a name here.
_BANNER: Final = Stage.BANNER
# Of one host; of many at once it is our own firewall (exporter.diagnosis.fingerprints).
OVERWRITTEN: Final = "what it says is overwritten with asterisks or X's, as a Cisco inspection (PIX, ASA) does"


def warnings_of_working(
    record: SessionRecord, ehlo: Ehlo | None, marks: tuple[str, ...], *, is_alias: bool
) -> tuple[HostWarning, ...]:
    """The warnings about a host that passed every stage; `marks`: its fingerprint, `is_alias`: its name is a CNAME."""
    found: list[HostWarning] = []
    if is_alias:
        found.append(HostWarning.MX_IS_CNAME)
    if ehlo is not None and "STARTTLS" not in ehlo.extensions and not record.implicit_tls:
        found.append(HostWarning.STARTTLS_NOT_OFFERED)
    if record.helo_only:
        found.append(HostWarning.HELO_ONLY)
    if any(seconds > BANNER_SLOW_SECONDS for stage, seconds in record.phases if stage is _BANNER):
        found.append(HostWarning.BANNER_SLOW)
    if any(reply.bare_lf for _, reply in record.replies):
        found.append(HostWarning.BARE_LF)
    found += warnings_of_failing(record)
    if MASKED in marks:
        found.append(HostWarning.MASKED)
    if not record.quit_clean:
        found.append(HostWarning.QUIT_UNCLEAN)
    if record.plan is not None and (record.plan.tls is not None or len(record.plan.steps) > 1):
        found += [warning for warning, present in _beyond_ehlo(record).items() if present]
    return tuple(found)


def warnings_of_failing(record: SessionRecord) -> tuple[HostWarning, ...]:
    """The warnings about a host that fails, too."""
    replies = [reply for _, reply in record.replies]
    if record.problem is not None and record.problem.reply is not None:
        replies.append(record.problem.reply)
    found = (HostWarning.CONTRADICTORY_CODES,) if any(reply.contradictory for reply in replies) else ()
    return (*found, HostWarning.COSTLY) if record.cost > COSTLY_SECONDS else found


def remarks_of(record: SessionRecord, marks: tuple[str, ...], *, works: bool) -> Iterator[str]:
    """The grounds of the warnings, and faults that only some senders mind; in words for a person."""
    if works and MASKED in marks:
        yield OVERWRITTEN
    if works and record.failed_tls is not None:
        yield f"the server {record.failed_tls.detail}: no TLS, which senders do without; a session in the clear works"
    if record.tls is not None and record.tls.trust.remark:
        yield record.tls.trust.remark
    if record.tls is not None and record.tls.handshake.version in _OUTDATED:
        yield f"{_OUTDATED[record.tls.handshake.version]} is the best that it offers, which RFC 8996 gave up in 2021"
    if works and record.cost > COSTLY_SECONDS:
        yield cost_in_words(record.cost, record.at)


def cost_in_words(seconds: float, at: float) -> str:
    """The cost of a session of Unix time `at` and its consequence, in words."""
    began = f"{datetime.fromtimestamp(at, UTC):%H:%M:%S} UTC"
    return (
        f"the session of {began} took {seconds:.2f} s of this exporter's CPU, others take 0.005 s: the address is left"
        f" alone for {pause_after(seconds):.0f} s and more after it, and its last result is reported until then"
    )


def _beyond_ehlo(record: SessionRecord) -> dict[HostWarning, bool]:
    """The warnings that only a module which goes beyond EHLO can show, and whether each is due."""
    faults = record.tls.trust.faults if record.tls is not None else ()
    return {
        HostWarning.STARTTLS_REJECTED: _code(record, Stage.STARTTLS) >= 400,
        **{HostWarning(fault.failure_class.value): True for fault in faults},
        HostWarning.TLS_EXPIRES_SOON: _expires_soon(record),
        HostWarning.TLS_HANDSHAKE: record.failed_tls is not None,
        HostWarning.TLS_OUTDATED: record.tls is not None and record.tls.handshake.version in _OUTDATED,
        HostWarning.VRFY_ENABLED: _code(record, Stage.VRFY) in _REVEALING,
        HostWarning.EXPN_ENABLED: _code(record, Stage.EXPN) in _REVEALING,
    }


def _code(record: SessionRecord, stage: Stage) -> int:
    """The code of the answer at a stage; 0 where there was none."""
    return next((reply.code for answered, reply in record.replies if answered is stage), 0)


def _expires_soon(record: SessionRecord) -> bool:
    """The end of the path is near, measured by its lifetime; a path that has ended is reported as expired."""
    if record.tls is None:
        return False
    begins, ends = record.tls.trust.not_before, record.tls.trust.not_after
    if begins is None or ends is None:
        return False
    return 0 <= ends - record.at < min(EXPIRES_SOON_SECONDS, EXPIRES_SOON_SHARE * (ends - begins))
