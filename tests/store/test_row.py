"""Rows and their shapes."""

from __future__ import annotations

from exporter.store.row import NO_ROW, Shape, Template


def test_shapes_and_templates_are_told_apart_by_identity_so_that_rows_are_grouped_quickly() -> None:
    template = Template(0, ("\nmx_x{} 1.0",), (), has_number=False)
    assert template != Template(0, ("\nmx_x{} 1.0",), (), has_number=False)
    assert len({Shape((template,), (-1,)), Shape((template,), (-1,))}) == 2


def test_the_row_without_series_has_no_parts() -> None:
    assert (NO_ROW.shape.templates, NO_ROW.keys, NO_ROW.numbers) == ((), (), ())
