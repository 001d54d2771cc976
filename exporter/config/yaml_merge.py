"""The merge keys of YAML 1.1 (`<<`): the keys of other mappings, wherever the mapping has none of its own.

YAML 1.2 has no word about them, and compose files, CI files and their readers all take them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from exporter.config.yaml_document import REFUSED, Marks

MERGE: Final = "<<"
MERGE_TAKES: Final = "a merge key (<<) takes a mapping or a list of mappings"

_Place = tuple[int, int]
_Marked = tuple[dict[str, Any], Marks]


class Merge:
    """The value of one merge key: the mappings that it names, the first of which wins over the others."""

    def __init__(self, data: Any, marks: Marks | _Place) -> None:
        self._sources: list[_Marked] = []
        self.wrong: list[_Place] = []  # the places of values that are no mappings
        for value, place in _items(data, marks):
            if isinstance(value, dict) and isinstance(place, Marks):
                self._sources.append((value, place))
            elif value is not REFUSED:  # else it is reported already
                self.wrong.append(place.place if isinstance(place, Marks) else place)

    def apply(self, items: dict[str, Any], marks: Marks) -> dict[str, Any]:
        """The keys of the sources, overridden by `items`. In `marks` a merged key stands where it is written."""
        merged: dict[str, Any] = {}
        for source, of in self._sources:
            for key, value in source.items():
                if key in items or key in merged:
                    continue
                merged[key] = value
                child = marks.children[key] = of.children[key]
                marks.keys[key] = of.keys[key]
                marks.nodes += 1 if isinstance(child, tuple) else child.nodes
        return merged | items


def _items(data: Any, marks: Marks | _Place) -> Iterator[tuple[Any, Marks | _Place]]:
    if data is None:  # a key without a value
        return
    if isinstance(data, list) and isinstance(marks, Marks):
        for index, value in enumerate(data):
            yield value, marks.children[index]
    else:
        yield data, marks
