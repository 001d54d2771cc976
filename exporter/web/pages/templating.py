"""The templates of the pages, with the filters that they use."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any, Final

import jinja2
from markupsafe import Markup, escape

from exporter.diagnosis.advice import mark_of
from exporter.model.failure import Confidence
from exporter.report.summary import MEANING
from exporter.web.pages import times

_FOLDER: Final = Path(__file__).parent / "templates"


class Templates:
    """All templates, compiled."""

    def __init__(self) -> None:
        self._environment = _compiled()

    def render(self, template: str, **values: Any) -> str:
        """The text of a page; its template knows its own name as `here`."""
        return self._environment.get_template(template).render(here=template.removesuffix(".html"), **values)


@functools.cache  # a tenth of a second, and the same for every application of the process
def _compiled() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters |= {
        "age": times.age,
        "clock": times.clock,
        "short_clock": times.short_clock,
        "day": times.day,
        "iso": times.iso,
        "span": times.span,
        "duration": times.duration,
        "mark": _mark,
        "code": _code,
    }
    environment.globals["place"] = ""  # of a page without a template of its own, in the navigation
    environment.globals["meanings"] = {verdict.value: meaning for verdict, meaning in MEANING.items()}
    # Compiled now, not with the first request: an error in a template shows at the start, and pages can be served
    # while the process has no file descriptor left.
    for name in environment.list_templates():
        environment.get_template(name)
    return environment


def _mark(confidence: str) -> str:
    """The mark behind a state that is not certain; "" for a state without a confidence."""
    return mark_of(Confidence(confidence)) if confidence else ""


def _code(text: str) -> Markup:
    """A line with its parts in backticks marked up as code."""
    pieces = enumerate(text.split("`"))
    return Markup("").join(
        Markup("<code>{}</code>").format(piece) if place % 2 else escape(piece) for place, piece in pieces
    )
