"""The lookups that say nothing of the hosts that were there before: they failed, for a while or by our own fault. Pure.

The hosts of the last good lookup are held through such a one. They are not told as the target's, but they keep their
schedule, their series and their counters: a resolver that does not answer for a minute ends nothing.
"""

from __future__ import annotations

from typing import Final

from exporter.diagnosis.resolver_state import judge_lookup
from exporter.model.failure import Failure, FailureClass, Verdict
from exporter.model.resolver import ResolverView
from exporter.model.result import MxHost, MxLookup

_C = FailureClass
# Failures of a query that deny nothing, beside those on our side.
_NO_ANSWER: Final = frozenset({_C.DNS_SERVFAIL, _C.DNS_BOGUS, _C.DNS_MALFORMED})


def is_doubtful(lookup: MxLookup, at: float, view: ResolverView) -> bool:
    """True where the lookup found no hosts, and does not say that there are none."""
    failure = lookup.failure
    if lookup.hosts or failure is None:
        return False
    return _denies_nothing(failure, lookup.cause, lookup.asked_at or at, view)


def is_doubtful_host(host: MxHost, at: float, view: ResolverView) -> bool:
    """True where the host may have other addresses than those that were found."""
    if host.incomplete or host.filtered is not None:
        return True
    return host.failure is not None and _denies_nothing(host.failure, host.cause, host.asked_at or at, view)


def _denies_nothing(failure: Failure, cause: FailureClass | None, asked_at: float, view: ResolverView) -> bool:
    judged = judge_lookup(failure, cause, asked_at, view)
    return judged.failure_class in _NO_ANSWER or judged.verdict is Verdict.LOCAL
