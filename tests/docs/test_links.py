"""Every link and every path that a page names leads somewhere, and the index leads to every page."""

from __future__ import annotations

import re

import pytest

from tests.docs.pages import ROOT, Page, all_pages

PAGES = all_pages()
_PATH = re.compile(r"(?:exporter|tests|docs|deploy|\.github|\.ci)/[\w./-]*")
# In a path that a reader completes: tests/attack/corpus/NAME.
_PLACEHOLDER = re.compile(r"\b[A-Z]{2,}\b(?!\.md)")


def _target(page: Page, link: str) -> Page:
    file = link.partition("#")[0]
    path = (page.path.parent / file).resolve() if file else page.path
    assert path.exists(), f"{page.name}: {link}"
    assert path.is_relative_to(ROOT), f"{page.name}: {link} leads out of the repository"
    return Page(str(path.relative_to(ROOT)))


def _relative_links(page: Page) -> list[str]:
    return [link for link in page.links() if not re.match(r"[a-z]+:", link)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file_and_a_heading_of_it(page: Page) -> None:
    for link in _relative_links(page):
        target, anchor = _target(page, link), link.partition("#")[2]
        if anchor:
            assert target.name.endswith(".md"), f"{page.name}: {link}"
            assert anchor in target.anchors(), f"{page.name}: {link}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_path_between_backticks_is_there(page: Page) -> None:
    for span in page.code_spans():
        if _PATH.fullmatch(span):
            pattern = _PLACEHOLDER.sub("*", span).rstrip("/")
            assert any(ROOT.glob(pattern)), f"{page.name}: {span}"


def test_the_index_leads_to_every_page() -> None:
    index = Page("docs/README.md")
    linked = {_target(index, link).name for link in _relative_links(index)}
    decisions = Page("docs/decisions/README.md")
    linked |= {_target(decisions, link).name for link in _relative_links(decisions)}
    assert {page.name for page in PAGES if page.name.startswith("docs/")} - {index.name} <= linked


def test_no_heading_comes_twice_in_a_page() -> None:
    """A second one would have another anchor than its words."""
    for page in PAGES:
        headings = re.findall(r"^#+ (.+)$", page.prose, re.MULTILINE)
        if page.name != "CHANGELOG.md":
            assert len(headings) == len(set(headings)), page.name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_code_between_backticks_ends_on_its_line(page: Page) -> None:
    """The other tests read a page line by line."""
    for line in page.prose.splitlines():
        assert line.replace("```", "").count("`") % 2 == 0, f"{page.name}: {line}"
