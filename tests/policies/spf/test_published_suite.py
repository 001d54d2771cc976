"""The evaluation of SPF against the published test suite of openspf.org for RFC 7208.

The suite and its licence are in tests/data/spf. A case with several results leaves the choice to the implementation.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.model.failure import Failure, FailureClass, Stage
from exporter.policies.spf.check_host import check_host
from exporter.resolver.answer import DnsAnswer, Record

SUITE = Path(__file__).parents[2] / "data" / "spf" / "rfc7208-tests.yml"
TIMEOUT = DnsAnswer(failure=Failure(Stage.DNS, FailureClass.DNS_TIMEOUT, "no answer"))
ABSENT = DnsAnswer(failure=Failure(Stage.DNS, FailureClass.DNS_NXDOMAIN, "NXDOMAIN"))
LINKS = 10


class Zone:
    """The names of one scenario, as a resolver answers about them."""

    def __init__(self, data: dict[str, list[Any]]) -> None:
        self.data = {name.lower(): records for name, records in data.items()}

    async def lookup_records(self, name: str, kind: str) -> DnsAnswer:
        for _ in range(LINKS):
            found = self.data.get(name.lower())
            if found is None:
                return ABSENT
            alias = next((record["CNAME"] for record in found if isinstance(record, dict) and "CNAME" in record), None)
            if alias is None:
                return self._answer(found, kind)
            name = alias
        return TIMEOUT

    def _answer(self, found: list[Any], kind: str) -> DnsAnswer:
        if kind == "TXT" and not any("TXT" in record for record in found if isinstance(record, dict)):
            kind = "SPF"  # the suite has each record once, for both types
        values = [record[kind] for record in found if isinstance(record, dict) and kind in record]
        given = [value for value in values if value not in ("NONE", "TIMEOUT")]
        if not given and "TIMEOUT" in (*values, *[each for each in found if isinstance(each, str)]):
            return TIMEOUT
        return DnsAnswer(tuple(_record(kind, value) for value in given))


def _record(kind: str, value: Any) -> Record:
    if kind == "MX":
        return int(value[0]), str(value[1]).lower()
    if kind in ("TXT", "SPF"):
        return "".join([value] if isinstance(value, str) else value).encode("utf-8")
    return str(value).lower()


def _cases() -> list[Any]:
    found = []
    for scenario in yaml.load_all(SUITE.read_text(encoding="utf-8"), yaml.CSafeLoader):
        for name, case in (scenario or {}).get("tests", {}).items():
            found.append(pytest.param(scenario["zonedata"], case, id=name))
    return found


@pytest.mark.parametrize(("zone", "case"), _cases())
async def test_a_case_of_the_suite_has_its_result(zone: dict[str, list[Any]], case: dict[str, Any]) -> None:
    result = case["result"]
    expected = [result] if isinstance(result, str) else result
    found = await check_host(Zone(zone), str(case["host"]), case["mailfrom"], case["helo"])
    assert found.result in expected, found.reason


def test_the_whole_suite_is_there() -> None:
    assert len(_cases()) > 150
