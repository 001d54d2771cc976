"""Kustomizations as a user writes them: the base and some components, built by the real kustomize."""

from __future__ import annotations

import functools
import itertools
import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from tests.deploy.files import DEPLOY, documents
from tests.support.require import require_program

KUBERNETES = DEPLOY / "kubernetes"
COMPONENTS = KUBERNETES / "components"

Objects = dict[str, dict[str, Any]]

# What there is to choose, in the order of the page: of each line one or none.
CHOICES = (
    ("service-monitor", "scrape-annotations"),
    ("probe",),
    ("rules",),
    ("dashboards",),
    ("network-policy",),
    ("shards", "redundant"),
    ("auth",),
    ("storage",),
    ("resources",),
    ("release-label",),
)


def built(folder: Path) -> str:
    """The objects that `kubectl apply -k` would send."""
    argv = [require_program("kubectl"), "kustomize", str(folder)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@functools.cache
def composed(*components: str, more: str = "") -> str:
    """The same of a kustomization with these components."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder).resolve()
        paths = [os.path.relpath(COMPONENTS / component, path) for component in components]
        text = {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "resources": [os.path.relpath(KUBERNETES / "base", path)],
            "components": paths,
        }
        # JSON is YAML.
        (path / "kustomization.yaml").write_text(
            "\n".join(f"{key}: {json.dumps(text[key])}" for key in text) + f"\n{more}"
        )
        return built(path)


def by_name(text: str) -> Objects:
    """The objects by kind, and by kind and name where a kind has several."""
    found = documents(text)
    return {each["kind"]: each for each in found} | {
        f"{each['kind']} {each['metadata']['name']}": each for each in found
    }


def objects(*components: str, more: str = "") -> Objects:
    """The objects of a kustomization with these components."""
    return by_name(composed(*components, more=more))


def combinations() -> list[tuple[str, ...]]:
    """Few combinations in which every two choices meet in every way: both there, one of them, none."""
    levels = [("", *choice) for choice in CHOICES]
    places = range(len(levels))
    left = {
        frozenset(((one, first), (other, second)))
        for one, other in itertools.combinations(places, 2)
        for first, second in itertools.product(levels[one], levels[other])
    }
    rows = []
    while left:
        # Two that have not met, and for the other places what meets most of the rest.
        row = dict(min(left, key=sorted))
        for place in places:
            if place not in row:
                row[place] = max(levels[place], key=lambda name: len(left & _meetings({**row, place: name}, place)))
        left -= set().union(*(_meetings(row, place) for place in places))
        rows.append(tuple(row[place] for place in places if row[place]))
    return rows


def _meetings(row: dict[int, str], place: int) -> set[frozenset[tuple[int, str]]]:
    return {frozenset(((place, row[place]), other)) for other in row.items() if other[0] != place}
