"""Names of configured labels, and the names that are refused because somebody else sets them.

Prometheus renames a scraped label that it sets itself, and a rule overwrites one: the configured value would vanish
without a word, and an alert would reach nobody.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Final

from exporter.model.printable import quoted

_NAME: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")

_EXPORTER: Final = (
    "address", "cipher", "class", "confidence", "domain", "family", "file", "folder", "hop", "implementation",
    "key_bits", "key_type", "keyword", "kind", "le", "list", "mechanism", "method", "mode", "module", "mx", "phase",
    "port", "provider", "python", "reference", "result", "shard", "stage", "state", "status", "tls", "total", "verdict",
    "version", "what",
)  # fmt: skip
# `vantage`, `target` and `exporter` come from the scrape configuration: the place of the exporter, the argument of
# /probe, one exporter of several that stand for each other.
_PROMETHEUS: Final = ("alertname", "alertstate", "exporter", "instance", "job", "quantile", "target", "vantage")
_RULES: Final = ("severity",)
# Refused name -> the party that sets it.
REFUSED_LABELS: Final = MappingProxyType(
    dict.fromkeys(_EXPORTER, "the exporter")
    | dict.fromkeys(_PROMETHEUS, "Prometheus")
    | dict.fromkeys(_RULES, "the rules")
)
# Prometheus's own, and its names for labels of a scrape that it sets itself.
_PREFIXES: Final = ("__", "exported_")


def parse_label_name(name: str) -> str:
    """The name of a configured label. Raises ValueError with a plain sentence."""
    if _NAME.fullmatch(name) is None:
        raise ValueError(f"{quoted(name)} is not a label name: letters, digits and _, not beginning with a digit")
    prefix = next((prefix for prefix in _PREFIXES if name.startswith(prefix)), None)
    if prefix is not None:
        raise ValueError(f"{quoted(name)} is refused, because Prometheus sets the labels that begin with {prefix}")
    by = REFUSED_LABELS.get(name)
    if by is not None:
        raise ValueError(f"{quoted(name)} is refused, because {by} {'set' if by == 'the rules' else 'sets'} this label")
    return name
