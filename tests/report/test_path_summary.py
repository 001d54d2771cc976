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
        (PathTrace(TARGET, 25, (Hop(1, K.SILENT),)), f"Port 25 of {TARGET} is lost with no answer from any router."),
        (
            PathTrace(TARGET, 25, (Hop(1, K.SILENT),), PathTrace(TARGET, 443, (Hop(1, K.SILENT),))),
            "is lost with no answer from any router, and so is port 443: no filter",
        ),
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
            "Another machine at hop 1 resets connections",
        ),
        (PathTrace(TARGET, 25, (Hop(1, K.REFUSED, TARGET),), reset_within=True), "This host itself resets"),
        (
            PathTrace(TARGET, 25, (Hop(1, K.SILENT),), PathTrace(TARGET, 443, (Hop(1, K.REFUSED, TARGET),))),
            f"Port 25 of {TARGET} is dropped, while port 443 reaches the host: a filter of the host itself",
        ),
        (
            PathTrace(
                TARGET,
                25,
                (Hop(1, K.TIME_EXCEEDED, "198.51.100.1"), Hop(2, K.SILENT)),
                PathTrace(TARGET, 443, (Hop(1, K.TIME_EXCEEDED, "198.51.100.1"), Hop(2, K.REACHED, TARGET))),
            ),
            "dropped after 198.51.100.1 (hop 1), while port 443 reaches the host: a filter of the host itself",
        ),
        (
            PathTrace(
                TARGET,
                25,
                (Hop(1, K.SILENT), Hop(2, K.SILENT)),
                PathTrace(TARGET, 443, (Hop(1, K.TIME_EXCEEDED, "198.51.100.1"), Hop(2, K.REACHED, TARGET))),
            ),
            "dropped before the first router that answers, while port 443 gets further: a filter stands there",
        ),
    ],
)
def test_the_sentence_says_what_the_path_shows(path: PathTrace, said: str) -> None:
    assert said in path_summary(path)
