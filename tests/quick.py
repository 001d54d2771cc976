"""The modules that `tests/run --quick` leaves out: what is left tries every room, in some 70 s of CPU.

Chosen by measurement: a module stands here if it takes seconds, of CPU or of waiting, and a quicker one beside it tries
much of the same. A new module is quick until it is listed.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).parent
# Names below tests/, as a shell would write them; * stands for folders too.
SLOW: Final = (
    # Exporters, mail servers, resolvers, browsers and other programs are started, networks are made.
    "attack/*",
    "bench/*",
    "deploy/*",
    "support/*",
    "app/test_memory_limit.py",
    "app/test_process.py",
    "app/test_standard_streams.py",
    "commands/test_one_shot.py",
    "commands/test_terminal.py",
    "commands/test_trace.py",
    "demo/test_levers.py",
    "demo/test_run.py",
    "diagnosis/test_connect_in_the_lab.py",
    "docs/test_classes_page.py",
    "docs/test_examples.py",
    "docs/test_project.py",
    "egress/test_egress_turns.py",
    "probe/test_aiosmtpd.py",
    "probe/test_real_*",
    "probe/test_traceroute.py",
    "resolver/test_real_*",
    "test_cli.py",
    "test_comparison.py",
    "test_diagnosis_scenarios.py",
    "test_operation.py",
    "test_resolver_turns.py",
    "web/server/*",
    "web/test_browser*",
    "web/test_stopping.py",
    # Servers that keep silent are waited for.
    "app/test_asks.py",
    "app/test_shared_hosts.py",
    "demo/test_mail_hosts.py",
    "egress/test_watch.py",
    "lab/test_silent_host.py",
    "policies/mtasts/test_fetch.py",
    "probe/test_host_turn.py",
    "probe/test_odd_servers.py",
    "probe/test_session.py",
    "probe/test_session_runner.py",
    "probe/test_session_tls.py",
    "probe/test_tls_fallback.py",
    "probe/test_witness_ports.py",
    "resolver/test_client.py",
    "resolver/test_query.py",
    "web/api/test_probe.py",
    "web/api/test_streaming.py",
    # So many cases, or so much work, that they take a while together.
    "app/test_tuning.py",
    "config/test_text_lists.py",
    "config/web/test_load.py",
    "diagnosis/replies/concepts/lexicon/*",
    "diagnosis/replies/test_rule.py",
    "diagnosis/test_advice.py",
    "metrics/test_columns.py",
    "metrics/test_domain_rows.py",
    "probe/test_cpu_cost.py",
    "probe/test_express*",
    "probe/test_hosts.py",
    "report/test_summary.py",
    "resolver/test_cache.py",
    "schedule/test_shard.py",
    "smtp/test_dialogue.py",
    "test_dependencies.py",
    "tls/test_certificate_names.py",
    "tls/test_like_openssl.py",
    "web/access/test_authentication.py",
    "web/access/test_rate_limit.py",
    "web/access/test_repeated_parameters.py",
    "web/access/test_security_headers.py",
    "web/pages/test_*_view.py",
    "web/pages/test_charts.py",
    "web/pages/test_fleet_matches.py",
    "web/pages/test_fleet.py",
    "web/pages/test_groups.py",
    "web/pages/test_panel.py",
    "web/pages/test_target_row.py",
)


def is_slow(path: Path) -> bool:
    """True for a module of tests that is left out."""
    name = path.relative_to(_FOLDER).as_posix()
    return any(fnmatchcase(name, pattern) for pattern in SLOW)
