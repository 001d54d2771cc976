"""The errors of pydantic as problems of a document, each with its place and a plain sentence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeVar, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from exporter.config.field_types import kind
from exporter.config.schema import Section
from exporter.config.suggestions import nearest
from exporter.config.yaml_document import REFUSED, Document, KeyPath
from exporter.model.printable import printable, quoted
from exporter.model.target import Module

# pydantic's error type -> the type that the value must have.
_MUST_BE: Final = MappingProxyType(
    {
        "bool_type": "true or false",
        "dict_type": "a mapping",
        "int_type": "a whole number",
        "list_type": "a list",
        "model_type": "a mapping",
        "string_type": "a string",
        "tuple_type": "a list",
    }
)
_MAX_NAME: Final = 80  # characters of a wrong name shown in a message
# How pydantic marks an error of a mapping's key.
_KEY: Final = "[key]"

_S = TypeVar("_S", bound=Section)


def validate(model: type[_S], data: Any, document: Document, path: KeyPath) -> _S | None:
    """`data` as a `model`, or None with the problems noted in `document`."""
    section, wrong = validate_part(model, data, document, path)
    return None if wrong else section


def validate_part(
    model: type[_S], data: Any, document: Document, path: KeyPath
) -> tuple[_S | None, frozenset[str | int]]:
    """`data` as a `model` without its wrong keys, and those keys, whose problems are noted in `document`.

    The sound part is for further checks, to report every mistake at once. None where there is none.
    """
    try:
        return model.model_validate(data), frozenset()
    except ValidationError as error:
        details = error.errors(include_url=False)
    for detail in details:
        # A value that could not be read is reported already.
        if detail["input"] is not REFUSED:
            _note(model, detail, document, path)
    wrong = frozenset(detail["loc"][0] for detail in details if detail["loc"])
    try:
        sound = model.model_validate({key: value for key, value in data.items() if key not in wrong})
    except (AttributeError, ValidationError):
        return None, wrong  # no mapping, or a key is missing that must be there
    return sound, wrong


def module_exists(name: Any, modules: Mapping[str, Module], document: Document, path: KeyPath) -> bool:
    """True where there is a module `name`; the check of the section reports a value that is no name."""
    if not isinstance(name, str) or name in modules:
        return True
    document.problem((*path, "module"), f"there is no module {printable(name, _MAX_NAME)}{nearest(name, modules)}")
    return False


def unknown_key(key: str, known: Iterable[str]) -> str:
    """The sentence about a key that is not in the schema."""
    return f"unknown key{nearest(key, known)}"


def _note(model: type[Section], detail: ErrorDetails, document: Document, path: KeyPath) -> None:
    location = detail["loc"]
    full = (*path, *location)
    if detail["type"] == "extra_forbidden":
        document.problem(full, unknown_key(str(location[-1]), _known_keys(model, location)), key=True)
    elif detail["type"] == "missing":
        document.problem(full[:-1], f"{full[-1]} is missing")
    elif location and location[-1] == _KEY and document.existing(full) != full:
        document.problem(full[:-1], _message(detail), key=True)
    else:
        # A single value in place of a list has no place inside it.
        document.problem(document.existing(full), _message(detail))


def _message(detail: ErrorDetails) -> str:
    value, context = detail["input"], detail.get("ctx", {})
    match detail["type"]:
        case "value_error":
            return str(context["error"])
        case "greater_than_equal":
            return f"must be at least {context['ge']}, not {value}"
        case "less_than_equal":
            return f"must be at most {context['le']}, not {value}"
        case "literal_error":
            shown = quoted(value) if isinstance(value, str) else kind(value)
            return f"must be {context['expected'].replace(chr(39), '')}, not {shown}"
        case "too_short":
            return "must not be empty"
        case "too_long":
            return f"must have at most {context['max_length']} items, not {context['actual_length']}"
        case known if known in _MUST_BE:
            return f"must be {_MUST_BE[known]}, not {kind(value)}"
        case _:
            return detail["msg"]


def _known_keys(model: type[Section], location: KeyPath) -> Iterable[str]:
    for part in location[:-1]:
        annotation = model.model_fields[str(part)].annotation
        model = next(kind for kind in (annotation, *get_args(annotation)) if _is_section(kind))
    return sorted(model.key_names())


def _is_section(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Section)
