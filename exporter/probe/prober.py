"""Probes of targets: the entrance of this room, and the parts that all probes share."""

from __future__ import annotations

from exporter.concurrency.session_limiter import SessionLimiter
from exporter.concurrency.slots import ProbeSlots
from exporter.model.configuration import Limits
from exporter.model.result import ProbeResult
from exporter.model.target import Target
from exporter.policies.lookup import Policies
from exporter.probe.cpu_cost import CpuCosts
from exporter.probe.module_plan import PlanCache
from exporter.probe.probe import MxResolver, Probe, ProbeTools
from exporter.probe.probe_options import SCHEDULED, ProbeOptions
from exporter.probe.session_record import SessionRecord
from exporter.probe.session_runner import SessionRunner
from exporter.probe.shared_sessions import SharedSessions, weight
from exporter.probe.tls_fallback import TlsFallback
from exporter.probe.witness_ports import WitnessPorts

# Domains whose MX is the same address share one session per interval.
SHARE_ADDRESSES = True


class Prober:
    """Probes targets. The limits per address, the shared sessions and the memory of costly hosts live here."""

    def __init__(
        self,
        resolver: MxResolver,
        limits: Limits,
        helo: str,
        slots: ProbeSlots,
        witness_ports: tuple[int, ...] = (),
        policies: Policies | None = None,
    ) -> None:
        """`witness_ports` are asked on an address whose SMTP port is silent or prohibited.

        Without `policies` none are looked up, whatever a module names.
        """
        limiter = SessionLimiter(limits.per_address, limits.per_address_interval)
        costs: CpuCosts[SessionRecord] = CpuCosts(weight)
        runner = SessionRunner(limiter, costs, WitnessPorts(witness_ports))
        sessions = SharedSessions(TlsFallback(runner), costs, share=SHARE_ADDRESSES)
        self._tools = ProbeTools(resolver, slots, sessions, PlanCache(helo), policies)

    async def probe(self, target: Target, options: ProbeOptions = SCHEDULED) -> ProbeResult:
        """Probe `target` now. The caller holds a slot."""
        return await Probe(self._tools, target, options).run()

    def share_afresh(self, *, routes_changed: bool = False) -> None:
        """Share no session any more that began before now: the routes to all hosts may have changed.

        `routes_changed`: they have. Then the last record of an address that is left alone is not given again either.
        """
        self._tools.sessions.expire(routes_changed=routes_changed)
