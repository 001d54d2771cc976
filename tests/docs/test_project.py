"""The front of the repository: addresses, changelog, templates."""

from __future__ import annotations

import re
import subprocess
import tomllib
from typing import Any

import pytest
import yaml

import exporter
from tests.docs.pages import ROOT, Page
from tests.support.require import require_tool

FORMS = sorted(path for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml") if path.stem != "config")
CHOOSER = ROOT / ".github" / "ISSUE_TEMPLATE" / "config.yml"


def _project() -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project


def test_the_package_names_where_the_project_is() -> None:
    urls = _project()["urls"]
    assert set(urls) == {"Homepage", "Documentation", "Changelog", "Issues", "Source"}
    assert all(url.startswith(urls["Homepage"]) for url in urls.values())


def test_files_that_an_address_names_are_there() -> None:
    text = CHOOSER.read_text(encoding="utf-8")
    assert _project()["urls"]["Homepage"] in text
    for url in (*_project()["urls"].values(), *re.findall(r"url: (\S+)", text)):
        found = re.search(r"/(?:tree|blob)/main/(.+)", url)
        assert found is None or (ROOT / found[1]).exists(), url


def test_the_changelog_has_a_chapter_of_this_version() -> None:
    chapters = re.findall(r"^## \[(.+?)\](?: - (.+))?$", Page("CHANGELOG.md").text, re.MULTILINE)
    assert chapters[0] == ("Unreleased", "")
    assert chapters[1][0] == exporter.__version__
    assert all(re.fullmatch(r"20\d\d-\d\d-\d\d|unreleased", date) for _, date in chapters[1:])


def test_the_source_distribution_has_the_documentation() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    included = pyproject["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    assert {"/docs", "/README.md", "/CHANGELOG.md", "/CONTRIBUTING.md", "/SECURITY.md"} <= set(included)


def test_the_issue_forms_keep_their_schema() -> None:
    program = require_tool("check-jsonschema")
    for schema, paths in (("vendor.github-issue-forms", FORMS), ("vendor.github-issue-config", [CHOOSER])):
        argv = [program, "--builtin-schema", schema, *map(str, paths)]
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["bug", "false-diagnosis"])
def test_a_report_is_asked_for_where_it_decides(name: str) -> None:
    (path,) = [path for path in FORMS if path.stem == name]
    form = yaml.safe_load(path.read_text(encoding="utf-8"))
    (report,) = [field for field in form["body"] if field.get("id") == "report"]
    assert "mx-exporter probe" in report["attributes"]["label"]
