"""The Markdown pages of the repository, read as far as the tests need: sections, tables, code, anchors and links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).parent.parent.parent
_FOLDERS = ("docs", "deploy", "tests", ".github")
_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block of code, and the page that shows it."""

    page: str
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}: {self.text.partition(chr(10))[0]}"


@dataclass(frozen=True)
class Page:
    """One file. `name` is its path in the repository."""

    name: str

    @property
    def path(self) -> Path:
        """Its place on disk."""
        return ROOT / self.name

    @cached_property
    def text(self) -> str:
        """All of it."""
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def prose(self) -> str:
        """Its text without the blocks of code."""
        return _FENCE.sub("", self.text)

    def section(self, title: str) -> str:
        """The text below a heading, up to the next one of its rank."""
        found = re.search(rf"^(#+) {re.escape(title)}\n(.*?)(?=^\1 |\Z)", self.text, re.MULTILINE | re.DOTALL)
        assert found is not None, f"{self.name} has no section {title}"
        return found[2]

    def rows(self, title: str = "") -> list[list[str]]:
        """The cells of every table of a section, or of the whole page, without the heads."""
        text = self.section(title) if title else self.text
        tables = re.findall(r"^\|(?:---\|)+\n((?:\|.*\n)+)", text, re.MULTILINE)
        assert tables, f"{self.name} has no table in {title}"
        return [
            [cell.strip() for cell in line.removeprefix("|").removesuffix("|").split(" | ")]
            for line in "".join(tables).splitlines()
        ]

    def blocks(self) -> Iterator[Block]:
        """Every fenced block of code."""
        for _, language, text in _FENCE.findall(self.text):
            yield Block(self.name, language, dedent(text))

    def code_spans(self) -> list[str]:
        """The texts between single backticks."""
        return re.findall(r"`([^`\n]+)`", self.prose)

    def links(self) -> list[str]:
        """The targets of its links and pictures."""
        return re.findall(r"\]\(([^)\s]+)\)", self.prose)

    def anchors(self) -> set[str]:
        """Of its headings, as GitHub makes them."""
        headings = re.findall(r"^#+ (.+)$", self.prose, re.MULTILINE)
        return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


def names(cell: str) -> list[str]:
    """The names between backticks, without labels in braces."""
    return re.findall(r"`([^`{]+)(?:\{[^`]*\})?`", cell)


def all_pages() -> list[Page]:
    """Every page that the repository has."""
    found = chain(ROOT.glob("*.md"), *((ROOT / folder).rglob("*.md") for folder in _FOLDERS))
    return [Page(str(path.relative_to(ROOT))) for path in sorted(found) if "node_modules" not in path.parts]


README = Page("README.md")
CLASSES = Page("docs/reference/classes.md")
WARNINGS = Page("docs/reference/warnings.md")
METRICS = Page("docs/reference/metrics.md")
CONFIGURATION = Page("docs/reference/configuration.md")
COMMAND_LINE = Page("docs/reference/command-line.md")
HTTP = Page("docs/reference/http.md")
PAGES = Page("docs/reference/pages.md")
