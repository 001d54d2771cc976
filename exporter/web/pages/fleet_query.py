"""The filters of the status page, read from the query of its URL and written into its links."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlencode

from exporter.model.failure import FailureClass
from exporter.model.printable import printable
from exporter.web.pages.target_row import STATES

# A name has at most 253 characters (RFC 1035 2.3.4), an address with its port fewer.
MAX_SEARCH: Final = 253
_CLASSES: Final = frozenset(failure_class.value for failure_class in FailureClass)


@dataclass(frozen=True, slots=True)
class FleetQuery:
    """The filters and the page number; an empty text filters nothing."""

    search: str = ""
    state: str = ""
    failure_class: str = ""
    label: str = ""  # name=value
    page: int = 1
    refreshing: bool = True

    @classmethod
    def parse(cls, parameters: Mapping[str, str]) -> FleetQuery:
        """Read the query of a URL, which any client may have written; invalid values are ignored."""
        page = parameters.get("page", "")
        state, failure_class = parameters.get("verdict", ""), parameters.get("class", "")
        return cls(
            search=printable(parameters.get("q", "").strip(), MAX_SEARCH),
            state=state if state in STATES else "",
            failure_class=failure_class if failure_class in _CLASSES else "",
            label=printable(parameters.get("label", "")),
            page=int(page) if page.isascii() and page.isdigit() and len(page) < 7 else 1,
            refreshing=parameters.get("refresh") != "off",
        )

    @property
    def filtered(self) -> bool:
        """At least one filter is set."""
        return bool(self.search or self.state or self.failure_class or self.label)

    def url(self, **changes: str | int | bool) -> str:
        """A link from the status page to itself with some values changed, to its first page unless `page` is given."""
        query = replace(self, **({"page": 1} | changes))  # type: ignore[arg-type]
        parameters = {
            "q": query.search,
            "verdict": query.state,
            "class": query.failure_class,
            "label": query.label,
            "page": str(query.page) if query.page > 1 else "",
            "refresh": "" if query.refreshing else "off",
        }
        text = urlencode({name: value for name, value in parameters.items() if value})
        return f"./?{text}" if text else "./"
