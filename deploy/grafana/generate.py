"""Writes dashboards/*.json from the modules beside it: `python deploy/grafana/generate.py [FOLDER]`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from one_domain import one_domain
from overview import overview
from own_state import own_state


def main(folder: Path) -> None:
    """One file for each dashboard, named after its uid."""
    folder.mkdir(parents=True, exist_ok=True)
    for dashboard in (overview(), one_domain(), own_state()):
        text = json.dumps(dashboard, indent=1, ensure_ascii=False)
        (folder / f"{dashboard['uid']}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "dashboards")
