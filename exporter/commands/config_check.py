"""`mx-exporter --config.check`: both configurations read and judged, nothing probed."""

from __future__ import annotations

import sys
from pathlib import Path

from exporter.commands.helo_warnings import warn_of_configured
from exporter.config.load import load_both, summary


async def check_configuration(path: Path, web_path: Path | None) -> None:
    """Print the warnings and a summary. Raises ConfigError."""
    config, _ = load_both(path, web_path)
    for warning in config.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    for each in config.lists:
        for problem in (*each.problems, *each.ignored, *each.twice):
            print(f"warning: {problem}", file=sys.stderr)
        if each.skipped > len(each.problems):
            print(f"warning: {each.file}: {each.skipped} lines are skipped in all", file=sys.stderr)
    print(summary(config))
    await warn_of_configured(config)
