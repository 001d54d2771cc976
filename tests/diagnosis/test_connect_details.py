"""The sentence of a failed connect names its evidence."""

from __future__ import annotations

import pytest

from exporter.diagnosis.diagnose import diagnose, no_success_by_others
from exporter.model.egress import EgressView
from exporter.model.evidence import ConnectEvidence, Witness
from exporter.model.path_trace import HopKind, PathTrace
from tests.diagnosis.failed_connects import (
    ANSWERS,
    BLOCKED,
    FORGED,
    LOST_AT_1,
    OPEN,
    PROHIBITED,
    QUIET,
    REFUSES,
    RST,
    SILENCE,
    UNKNOWN,
    around,
    host,
    someone,
)
from tests.paths import ROUTERS, path

_K = HopKind
IN_OUR_NETWORK = path(_K.SILENT, against=path(_K.REACHED, port=443))
NO_ROUTER_SAYS = path(_K.SILENT, _K.SILENT, against=path(_K.SILENT, _K.SILENT, _K.REACHED, port=443))


@pytest.mark.parametrize(
    ("connect", "witnesses", "found", "egress", "words"),
    [
        (SILENCE, ANSWERS, LOST_AT_1, OPEN, ("3.0 s", "port 443 of the same address accepts", ROUTERS[0], "their end")),
        (SILENCE, ANSWERS, IN_OUR_NETWORK, OPEN, ("; no router is between, and port 443 reaches the host: a filter",)),
        (SILENCE, ANSWERS, NO_ROUTER_SAYS, OPEN, ("; no router on the way answers, and port 443 gets further",)),
        (SILENCE, REFUSES, None, UNKNOWN, ("port 587 of the same address refuses", "theirs or ours")),
        (SILENCE, QUIET, None, OPEN, ("nor do ports 443 and 587", "other networks answer")),
        (SILENCE, ANSWERS, None, BLOCKED, ("all 7 unrelated networks", "3 of them references", "192.0.2.9", "clouds")),
        (PROHIBITED, ANSWERS, None, BLOCKED, ("ICMP 3/13", ROUTERS[1])),
        (RST, (), FORGED, OPEN, ("not by the host", ROUTERS[1])),
    ],
)  # fmt: skip
def test_the_sentence_names_the_evidence(
    connect: ConnectEvidence,
    witnesses: tuple[Witness, ...],
    found: PathTrace | None,
    egress: EgressView,
    words: tuple[str, ...],
) -> None:
    failure = diagnose(
        host(connect, witnesses, found), around(egress), someone if egress is OPEN else no_success_by_others
    ).failure
    assert failure is not None
    assert [word for word in words if word not in failure.detail] == []
