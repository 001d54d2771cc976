"""The owner of the results that the egress watch judges: it is informed of changes that affect all of them."""

from __future__ import annotations

from typing import Protocol

from exporter.model.egress import EgressByFamily
from exporter.model.resolver import ResolverView
from exporter.model.result import HostIdentity


class EgressListener(Protocol):
    """The calls of the watch; none may take long."""

    def egress_changed(self, states: EgressByFamily) -> None:
        """The egress of a family has another state: every host is to be judged again."""

    def resolver_changed(self, view: ResolverView) -> None:
        """The resolver has another state: every failed lookup is to be judged again."""

    def evidence_found(self, identities: frozenset[HostIdentity]) -> None:
        """More is known of these hosts, a path or an answer of others: judge them again."""

    def references_wanted(self) -> None:
        """The references are to be probed now: they show whether one failing host is alone with it."""
