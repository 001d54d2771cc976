"""The owner of the results that the egress watch judges: it is informed of changes that affect all of them."""

from __future__ import annotations

from typing import Protocol

from exporter.model.egress import EgressByFamily
from exporter.model.resolver import ResolverView
from exporter.model.target import TargetKey


class EgressListener(Protocol):
    """The calls of the watch; none may take long."""

    def egress_changed(self, states: EgressByFamily) -> None:
        """The egress of a family has another state: every result is to be judged again."""

    def resolver_changed(self, view: ResolverView) -> None:
        """The resolver has another state: every result is to be judged again."""

    def evidence_found(self, keys: frozenset[TargetKey]) -> None:
        """More is known of hosts of these targets, a path or an answer of others: judge their results again."""

    def references_wanted(self) -> None:
        """The references are to be probed now: they show whether one failing host is alone with it."""

    def result_outdated(self, key: TargetKey) -> None:
        """The result just taken in began before the egress opened: probe the target again."""


class NoListener:
    """The listener of a watch whose owner asks for every judgement at the end."""

    def egress_changed(self, states: EgressByFamily) -> None:
        """Nothing is kept that could be judged again."""

    def resolver_changed(self, view: ResolverView) -> None:
        """Nothing is kept that could be judged again."""

    def evidence_found(self, keys: frozenset[TargetKey]) -> None:
        """Nothing is kept that could be judged again."""

    def references_wanted(self) -> None:
        """The owner probes the references at the end."""

    def result_outdated(self, key: TargetKey) -> None:
        """Each target is probed once."""
