"""The policies of one target, and the judgement of a session by them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from exporter.model.policy import MtaSts, TlsaLookup, TlsRpt
from exporter.model.result import HostResult
from exporter.model.target import Settings
from exporter.policies.judgement import Demands, TlsSeen, judge
from exporter.policies.mtasts.policy import MtaStsPolicy

# TLSA data of one host that is remembered: thirty digests and a certificate.
_MAX_TLSA_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class TargetPolicies:
    """The policies as far as they are known. Empty: none was looked up."""

    mta_sts: MtaSts | None = None
    policy: MtaStsPolicy | None = None  # that holds
    tls_rpt: TlsRpt | None = None
    tlsa: Mapping[str, TlsaLookup | None] = field(default_factory=lambda: MappingProxyType({}))  # by MX host

    def judge(self, result: HostResult, settings: Settings, tls: TlsSeen | None, *, asked: bool) -> HostResult:
        """`result` under these policies; `tls` is that of its session, `asked`: the session was to use TLS."""
        tlsa = self.tlsa.get(result.mx)
        demands = Demands(tlsa, self.policy, tlsa is None and result.mx in self.tlsa)
        require = settings.module.starttls.verify == "require"
        return judge(result, demands, tls, asked=asked, require=require, at=result.timings.at)

    def without_large_records(self) -> TargetPolicies:
        """A copy to remember, without hosts whose TLSA records are large."""
        if all(lookup is None or _bytes_of(lookup) <= _MAX_TLSA_BYTES for lookup in self.tlsa.values()):
            return self
        kept = {name: lookup for name, lookup in self.tlsa.items() if lookup and _bytes_of(lookup) <= _MAX_TLSA_BYTES}
        return replace(self, tlsa=kept)


def _bytes_of(lookup: TlsaLookup) -> int:
    return sum(len(record.data) for record in lookup.records)
