"""Log lines about the results of targets."""

from __future__ import annotations

import logging

from exporter.model.result import DomainResult
from exporter.model.target import Target
from exporter.store.record import Change

log = logging.getLogger(__name__)


def log_change(change: Change) -> None:
    """Log a change of state on one line; that a target is up at its first probe is no news."""
    failure = change.now
    if failure is None and change.first:
        return
    fields: dict[str, object] = {"target": change.target.name, "state": "up" if failure is None else "down"}
    if failure is not None:
        fields |= {
            "stage": failure.stage,
            "class": failure.failure_class,
            "verdict": failure.verdict,
            "confidence": failure.confidence,
        }
    if not change.first:
        fields["before"] = "up" if change.before is None else change.before.failure_class
    if failure is not None:
        fields["detail"] = failure.detail
    log.info("target state changed", extra={"fields": fields})


def log_probe(target: Target, result: DomainResult) -> None:
    """Log every result, at level debug."""
    if not log.isEnabledFor(logging.DEBUG):
        return
    fields: dict[str, object] = {
        "target": target.name,
        "up": int(result.up),
        "addresses": result.addresses,
        "addresses_up": result.addresses_up,
        "seconds": f"{result.duration:.4f}",
    }
    if result.failure is not None:
        fields |= {"class": result.failure.failure_class, "verdict": result.failure.verdict}
    log.debug("target probed", extra={"fields": fields})
