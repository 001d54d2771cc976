"""The readers of what strangers send, each with the promises that its outcome is held to."""

from __future__ import annotations

from typing import Final

from tests.attack.fuzz.frame import Target
from tests.attack.fuzz.targets import (
    certificates,
    configuration,
    dialogue,
    lookup,
    output,
    policies,
    requests,
    storage,
    tls,
    words,
)

TARGETS: Final[tuple[Target, ...]] = (
    *dialogue.TARGETS,
    *words.TARGETS,
    *lookup.TARGETS,
    *policies.TARGETS,
    *certificates.TARGETS,
    *tls.TARGETS,
    *requests.TARGETS,
    *output.TARGETS,
    *configuration.TARGETS,
    *storage.FUZZED,
)
