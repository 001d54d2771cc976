"""The filters of the status page, read from the query of its URL and written into its links."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlencode

from exporter.model.failure import FailureClass
from exporter.model.printable import printable
from exporter.model.warning import DomainWarning, HostWarning
from exporter.web.pages.target_row import STATES

# A name has at most 253 characters (RFC 1035 2.3.4), an address with its port fewer.
MAX_SEARCH: Final = 253
# The value of a filter that selects the targets without any: no name is a hyphen.
NONE: Final = "-"
BY_PROVIDER: Final = "provider"
BY_HOST: Final = "host"
BY_LABEL: Final = "label:"  # and the name of the label
_CLASSES: Final = frozenset(failure_class.value for failure_class in FailureClass)
_WARNINGS: Final = frozenset(warning.value for warning in (*HostWarning, *DomainWarning))
_GROUP: Final = re.compile(f"{BY_PROVIDER}|{BY_HOST}|{BY_LABEL}[a-zA-Z_][a-zA-Z0-9_]{{0,127}}", re.ASCII)


@dataclass(frozen=True, slots=True)
class FleetQuery:
    """The filters, the grouping and the page number; an empty text filters nothing."""

    search: str = ""
    state: str = ""
    failure_class: str = ""
    warning: str = ""
    provider: str = ""
    mx: str = ""  # a whole name
    label: str = ""  # name=value; without a value: the targets that have none
    group: str = ""  # BY_PROVIDER, BY_HOST, or BY_LABEL with a name
    page: int = 1
    refreshing: bool = True

    @classmethod
    def parse(cls, parameters: Mapping[str, str]) -> FleetQuery:
        """Read the query of a URL, which any client may have written; invalid values are ignored."""
        page, group = parameters.get("page", ""), parameters.get("group", "")
        state, failure_class = parameters.get("verdict", ""), parameters.get("class", "")
        warning = parameters.get("warning", "")
        return cls(
            search=printable(parameters.get("q", "").strip(), MAX_SEARCH),
            state=state if state in STATES else "",
            failure_class=failure_class if failure_class in _CLASSES else "",
            warning=warning if warning in _WARNINGS else "",
            provider=_name(parameters, "provider"),
            mx=_name(parameters, "mx"),
            label=printable(parameters.get("label", "")),
            group=group if _GROUP.fullmatch(group) else "",
            page=int(page) if page.isascii() and page.isdigit() and len(page) < 7 else 1,
            refreshing=parameters.get("refresh") != "off",
        )

    @property
    def filtered(self) -> bool:
        """At least one filter is set."""
        return replace(self, group="", page=1, refreshing=True) != _EVERYTHING

    def url(self, **changes: str | int | bool) -> str:
        """A link from the status page to itself with some values changed, to its first page unless `page` is given."""
        query = replace(self, **({"page": 1} | changes))  # type: ignore[arg-type]
        parameters = {
            "q": query.search,
            "verdict": query.state,
            "class": query.failure_class,
            "warning": query.warning,
            "provider": query.provider,
            "mx": query.mx,
            "label": query.label,
            "group": query.group,
            "page": str(query.page) if query.page > 1 else "",
            "refresh": "" if query.refreshing else "off",
        }
        text = urlencode({name: value for name, value in parameters.items() if value})
        return f"./?{text}" if text else "./"

    @property
    def unfiltered_url(self) -> str:
        """A link to the status page with all filters taken away."""
        return _EVERYTHING.url(group=self.group, refreshing=self.refreshing)


_EVERYTHING: Final = FleetQuery()


def _name(parameters: Mapping[str, str], parameter: str) -> str:
    return printable(parameters.get(parameter, "").strip().lower(), MAX_SEARCH)
