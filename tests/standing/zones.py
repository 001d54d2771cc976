"""Names and records as the standing room sees a resolver: a map, with a failure for some names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from exporter.model.failure import Failure, FailureClass, Stage
from exporter.resolver.answer import DnsAnswer, Record

ABSENT = DnsAnswer(failure=Failure(Stage.DNS, FailureClass.DNS_NXDOMAIN, "NXDOMAIN"))
NO_ANSWER = DnsAnswer(failure=Failure(Stage.DNS, FailureClass.DNS_TIMEOUT, "no answer from the resolver"))


class Zones:
    """Records by (name, type); names in `silent` get no answer. All of it may be replaced any time."""

    def __init__(self, records: Mapping[tuple[str, str], Sequence[Record]], silent: Sequence[str] = ()) -> None:
        self.records = dict(records)
        self.silent = set(silent)
        self.asked: Counter[tuple[str, str]] = Counter()

    async def lookup_records(self, name: str, kind: str) -> DnsAnswer:
        self.asked[name, kind] += 1
        if name in self.silent:
            return NO_ANSWER
        found = self.records.get((name, kind))
        if found is not None:
            return DnsAnswer(tuple(found))
        return DnsAnswer() if any(known == name for known, _ in self.records) else ABSENT
