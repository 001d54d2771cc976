"""The path to a host in one sentence."""

from __future__ import annotations

import pytest

from exporter.model.path_trace import Hop, HopKind, PathTrace
from exporter.report.path_summary import path_summary

K = HopKind
TARGET = "192.0.2.25"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (PathTrace(TARGET, 25, (Hop(1, K.LOCAL, detail="EPERM"),)), "This host does not let"),
        (PathTrace(TARGET, 25, (Hop(1, K.REFUSED, TARGET),)), "answers and refuses at hop 1"),
        (PathTrace(TARGET, 25, (Hop(1, K.SILENT),)), f"Port 25 of {TARGET} is lost before the first router."),
        (
            PathTrace(
                TARGET,
                25,
                (Hop(1, K.TIME_EXCEEDED, "198.51.100.1"), Hop(2, K.SILENT)),
                PathTrace(TARGET, 443, (Hop(1, K.TIME_EXCEEDED, "198.51.100.1"), Hop(2, K.SILENT))),
            ),
            "and so is port 443: no filter of this port alone",
        ),
        (
            PathTrace(
                TARGET,
                25,
                (Hop(1, K.REFUSED, TARGET),),
                PathTrace(TARGET, 443, (Hop(1, K.TIME_EXCEEDED, "198.51.100.1"), Hop(2, K.REACHED, TARGET))),
            ),
            "Somebody at hop 1 resets connections",
        ),
        (PathTrace(TARGET, 25, (Hop(1, K.REFUSED, TARGET),), reset_within=True), "This host itself resets"),
    ],
)
def test_the_sentence_says_what_the_path_shows(path: PathTrace, said: str) -> None:
    assert said in path_summary(path)
