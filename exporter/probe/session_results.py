"""The results of several hosts from the record of one session: most differ in their name alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from exporter.model.result import HostIdentity, HostOutcome, HostResult
from exporter.model.warning import HostWarning
from exporter.policies.judgement import TlsSeen, judge_host
from exporter.probe.dialogue import HostDialogue
from exporter.probe.expectation import Expectation, Findings
from exporter.probe.greeting_name import HostResolver, greeting_names, is_elsewhere, is_of_another
from exporter.probe.host_facts import timings_of
from exporter.probe.host_result import host_result
from exporter.probe.hosts import Host
from exporter.probe.session_record import SessionRecord
from exporter.probe.tlsa_answers import NOT_ASKED, TlsaKnown
from exporter.probe.version_checks import Found, with_old_versions

_NO_HOST: Final = HostIdentity("", "", 0, "")
_REQUIRE: Final = "require"
_NO_MESSAGE: Final = "no message was sent: the last one was accepted less than `arrival.interval` ago"


class SessionResults:
    """The results of hosts with one dialogue, from the record of a session that counts for them."""

    __slots__ = (
        "_greeted",
        "_is_elsewhere",
        "_is_without_message",
        "_made",
        "_old_versions",
        "_record",
        "_require",
        "_resolver",
        "_warned",
        "_with_dane",
        "_with_transcript",
    )

    def __init__(
        self,
        record: SessionRecord,
        dialogue: HostDialogue,
        resolver: HostResolver,
        *,
        with_dane: bool,
        with_transcript: bool,
        old_versions: Found = (),
    ) -> None:
        """`with_dane`: the module names DANE, and TLSA records are looked up."""
        self._record = record
        self._resolver = resolver
        self._with_dane = with_dane
        plan, mailbox = record.plan, dialogue.module.mailbox
        self._is_without_message = mailbox is not None and plan is not None and plan.canary is None
        self._require = dialogue.module.starttls.verify == _REQUIRE
        self._with_transcript = with_transcript
        self._old_versions = old_versions
        self._made: tuple[SessionRecord, bool, HostResult] | None = None  # the last one before its own judgement
        self._greeted: Sequence[str] | None = None
        self._is_elsewhere: bool | None = None  # the host that the greeting names has another address
        self._warned: tuple[HostOutcome, HostOutcome] | None = None  # the last outcome without and with the warning

    def of(self, host: Host, record: SessionRecord, tlsa: TlsaKnown = NOT_ASKED) -> HostResult:
        """The result of a host; `record`: that of the session as it counts for this host."""
        made = self._made
        if made is not None and made[0] is record and made[1] is host.is_alias:
            result = replace(made[2], identity=host.identity)
        else:
            result = host_result(host.identity, record, is_alias=host.is_alias, transcript=self._with_transcript)
            if self._old_versions:
                result = with_old_versions(result, self._old_versions)
            if self._is_without_message:
                outcome = result.outcome
                result = replace(result, outcome=replace(outcome, remarks=(*outcome.remarks, _NO_MESSAGE)))
            self._made = record, host.is_alias, result
        if not self._with_dane:
            return result
        asked = record.plan is not None and record.plan.tls is not None
        return judge_host(result, tlsa.lookup, tlsa.awaited, _tls_seen(record), asked, self._require)

    def expect(self, expected: Expectation) -> None:
        """The session showed what was expected of it: the same objects, not to be found again."""
        findings = expected.findings
        if findings is not None:
            outcome, facts, evidence, *_ = findings
            result = HostResult(_NO_HOST, outcome, facts, timings_of(self._record), evidence)
            self._made = self._record, expected.is_alias, result

    def findings(self, host: Host) -> Findings:
        """All but the numbers of the session, as :meth:`of` has them for `host`, before the policies have their say."""
        made = self._made
        is_made = made is not None and made[0] is self._record and made[1] is host.is_alias
        result = made[2] if made is not None and is_made else self.of(host, self._record)
        outcome = result.outcome
        names = tuple(self._greeting_names())
        if not is_of_another(names, host.key.mx):
            return Findings(outcome, result.facts, result.evidence)
        return Findings(outcome, result.facts, result.evidence, names, _mismatched(outcome, names))

    def is_doubtful(self, result: HostResult) -> bool:
        """The greeting is that of another organisation, so it has to be looked up."""
        if self._is_elsewhere is False or not result.up:
            return False
        return is_of_another(self._greeting_names(), result.identity.mx)

    async def looked_up(self, result: HostResult) -> HostResult:
        """A doubtful result, with the warning if the greeting is that of another host. Looked up once a session."""
        if self._is_elsewhere is None:
            self._is_elsewhere = await is_elsewhere(self._resolver, self._greeting_names(), result.identity.address)
        if not self._is_elsewhere:
            return result
        outcome = result.outcome
        if self._warned is None or self._warned[0] is not outcome:
            self._warned = outcome, _mismatched(outcome, self._greeting_names())
        return replace(result, outcome=self._warned[1])

    def _greeting_names(self) -> Sequence[str]:
        if self._greeted is None:
            self._greeted = greeting_names(self._record)
        return self._greeted


def _mismatched(outcome: HostOutcome, names: Sequence[str]) -> HostOutcome:
    """`outcome` of a host whose greeting has the `names` of another."""
    remark = f"the greeting names {', '.join(names)}, of another organisation and without the address connected to"
    warnings = (*outcome.warnings, HostWarning.BANNER_NAME_MISMATCH)
    return replace(outcome, warnings=warnings, remarks=(*outcome.remarks, remark))


def _tls_seen(record: SessionRecord) -> TlsSeen | None:
    if record.tls is None:
        return None
    return TlsSeen(record.tls.chain, record.tls.trust.faults, record.tls.trust.common_name)
