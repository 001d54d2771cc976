"""The filters of the status page, read from the query of its URL and written into its links."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Final, NamedTuple
from urllib.parse import urlencode

from exporter.model.failure import FailureClass
from exporter.model.printable import printable
from exporter.model.warning import DomainWarning, HostWarning
from exporter.web.pages.target_row import STATES, WARNED
from exporter.web.pages.timeline import TICKS

# A name has at most 253 characters (RFC 1035 2.3.4), an address with its port fewer.
MAX_SEARCH: Final = 253
# The value of a filter that selects the targets without any: no name is a hyphen.
NONE: Final = "-"
BY_PROVIDER: Final = "provider"
BY_HOST: Final = "host"
BY_LABEL: Final = "label:"  # and the name of the label
# The orders of the table beside the worst first; with a hyphen before it, an order is reversed.
BY_NAME: Final = "name"
BY_CHANGE: Final = "changed"  # the latest change first
BY_PHASE: Final = "slowest"  # the slowest first
SORTS: Final = tuple(sign + name for name in (BY_NAME, BY_CHANGE, BY_PHASE) for sign in ("", "-"))
# The parameters with a closed list of values.
_KNOWN: Final = {
    "verdict": (*STATES, WARNED),
    "class": tuple(failure_class.value for failure_class in FailureClass),
    "warning": tuple(warning.value for warning in (*HostWarning, *DomainWarning)),
    "sort": SORTS,
    "hours": tuple(map(str, TICKS)),
}
_PARAMETERS: Final = (*_KNOWN, "q", "provider", "mx", "label", "group", "page", "refresh")
# Of what was not understood, so much is told.
_MAX_UNKNOWN: Final = 5
_MAX_TOLD: Final = 60
_GROUP: Final = re.compile(f"{BY_PROVIDER}|{BY_HOST}|{BY_LABEL}[a-zA-Z_][a-zA-Z0-9_]{{0,127}}", re.ASCII)


class Unknown(NamedTuple):
    """A part of a query that was not understood, and is ignored; the texts may be shown."""

    parameter: str
    value: str  # "" where the parameter itself is not known
    meant: str  # the most similar one that is known; "" without one


@dataclass(frozen=True, slots=True)
class FleetQuery:
    """The filters, the grouping, the order and the page number; an empty text filters nothing."""

    search: str = ""
    state: str = ""
    failure_class: str = ""
    warning: str = ""
    provider: str = ""
    mx: str = ""  # a whole name
    label: str = ""  # name=value; without a value: the targets that have none
    group: str = ""  # BY_PROVIDER, BY_HOST, or BY_LABEL with a name
    sort: str = ""  # one of SORTS
    hours: int = 24  # of the picture; one of TICKS
    page: int = 1
    refreshing: bool = True
    unknown: tuple[Unknown, ...] = field(default=(), compare=False)

    @classmethod
    def parse(cls, parameters: Mapping[str, str]) -> FleetQuery:
        """Read the query of a URL, which any client may have written; invalid values are ignored, and noted."""
        unknown = [Unknown(_told(name), "", _similar(name, _PARAMETERS)) for name in parameters.keys() - _PARAMETERS]
        valid: dict[str, str] = {}
        for name in _PARAMETERS:
            value = parameters.get(name, "")
            if _is_valid(name, value):
                valid[name] = value
            elif value:
                unknown.append(Unknown(name, _told(value), _similar(value, _KNOWN.get(name, ()))))
        return cls(
            search=printable(valid.get("q", "").strip(), MAX_SEARCH),
            state=valid.get("verdict", ""),
            failure_class=valid.get("class", ""),
            warning=valid.get("warning", ""),
            provider=_name(valid, "provider"),
            mx=_name(valid, "mx"),
            label=printable(valid.get("label", "")),
            group=valid.get("group", ""),
            sort=valid.get("sort", ""),
            hours=int(valid.get("hours", "24")),
            page=int(valid.get("page", "1")),
            refreshing=valid.get("refresh") != "off",
            unknown=tuple(sorted(unknown)[:_MAX_UNKNOWN]),
        )

    @property
    def set_filters(self) -> tuple[tuple[str, str, str], ...]:
        """The filters that are set: the name of each, its value, and the link without it."""
        found = (
            ("search", self.search, self.url(search="")),
            ("verdict", self.state, self.url(state="")),
            ("class", self.failure_class, self.url(failure_class="")),
            ("warning", self.warning, self.url(warning="")),
            ("provider", self.provider, self.url(provider="")),
            ("MX host", self.mx, self.url(mx="")),
            ("label", self.label, self.url(label="")),
        )
        return tuple(each for each in found if each[1])

    def sorted_url(self, order: str) -> str:
        """The link of a table head: its order, or where that is in use, its reverse."""
        return self.url(sort=f"-{order}" if self.sort == order else order)

    @property
    def filtered(self) -> bool:
        """At least one filter is set."""
        return bool(self.set_filters)

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
            "sort": query.sort,
            "hours": str(query.hours) if query.hours != 24 else "",
            "page": str(query.page) if query.page > 1 else "",
            "refresh": "" if query.refreshing else "off",
        }
        text = urlencode({name: value for name, value in parameters.items() if value})
        return f"./?{text}" if text else "./"

    @property
    def unfiltered_url(self) -> str:
        """A link to the status page with all filters taken away."""
        return self.unfiltered.url()

    @property
    def unfiltered(self) -> FleetQuery:
        """The query without its filters."""
        return FleetQuery(group=self.group, sort=self.sort, hours=self.hours, refreshing=self.refreshing)


def _is_valid(parameter: str, value: str) -> bool:
    """True for a value that the parameter may have; no value is none that is wrong."""
    if not value or parameter not in _PARAMETERS:
        return False
    if parameter in _KNOWN:
        return value in _KNOWN[parameter]
    if parameter == "group":
        return _GROUP.fullmatch(value) is not None
    if parameter == "label":
        return "=" in value
    return parameter != "page" or (value.isascii() and value.isdigit() and len(value) < 7)


def _told(text: str) -> str:
    return printable(text, _MAX_TOLD)


def _similar(text: str, known: Iterable[str]) -> str:
    return next(iter(get_close_matches(text[:_MAX_TOLD].lower(), known, 1)), "")


def _name(parameters: Mapping[str, str], parameter: str) -> str:
    return printable(parameters.get(parameter, "").strip().lower(), MAX_SEARCH)
