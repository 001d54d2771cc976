"""The one authority that this world trusts, and what it signs: attackers have valid certificates too."""

from __future__ import annotations

from pathlib import Path

from tests.attack.world.plan import Plan, good_domain
from tests.support.certificates import authority, issue


def write_certificates(plan: Plan) -> Path:
    """Certificates for `good` and `hostile` hosts in the plan's folder; returns the file of the roots."""
    folder = Path(plan.folder)
    root = authority("Authority of a hostile world")
    good = [good_domain(number) for number in range(plan.pace.good)]
    hostile = [name for _, name in plan.hostile_domains() if name.startswith("sts-")]
    issue(*(f"mx.{name}" for name in good), *(f"mta-sts.{name}" for name in good), by=root).write(folder, "good")
    issue("mx.auth-thief-0.example", *(f"mta-sts.{name}" for name in hostile), by=root).write(folder, "hostile")
    roots = folder / "roots.pem"
    roots.write_text(root.pem)
    return roots
