"""Printed tables: rows and columns of numbers and words, aligned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from aelib.checks import finite

GAP = "  "  # between two columns


def table(
    rows: Mapping[Any, Sequence[Any]],
    columns: Sequence[Any],
    formats: str | Sequence[str] | Mapping[Any, str] = "",
    corner: str = "",
) -> str:
    """Return rows of numbers and words as aligned text, to be printed.

    rows: from a row's name to its cells, as many as there are columns. A cell is a number (a
        tensor of one element, too), an `Interval`, a word, or None, which leaves it empty.
    columns: the names above the cells.
    formats: how numbers are written, as after the colon of an f-string, e.g. ".3f" or ".1%":
        one for all cells, one for each column, or a mapping with one for each row.
    corner: what stands above the names of the rows.

    Names are aligned to the left, cells to the right. Raises ValueError for a row that has not
    as many cells as there are columns, and if there are not as many formats.
    """
    lines = [[corner, *map(str, columns)]]
    for name, cells in rows.items():
        if len(cells) != len(columns):
            raise ValueError(f"row {name!r} has {len(cells)} cells for {len(columns)} columns")
        specs = _specs(formats, name, len(columns))
        lines.append([str(name), *map(_written, cells, specs)])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(_aligned(line, widths) for line in lines)


def plus_minus(values: Tensor, spec: str = ".4f") -> str:
    """Return mean and standard deviation of values (N,) as "mean ± deviation".

    spec: how both are written, e.g. ".4f". With one value the deviation is left out.
    Raises ValueError for no values, and for one that is NaN or infinite.
    """
    values = finite("values", values).double()
    if not len(values):
        raise ValueError("there are no values to take the mean of")
    mean = format(values.mean().item(), spec)
    return f"{mean} ± {values.std().item():{spec.lstrip('+')}}" if len(values) > 1 else mean


def _specs(formats: str | Sequence[str] | Mapping[Any, str], name: Any, count: int) -> list[str]:
    if isinstance(formats, Mapping):
        if name not in formats:
            raise ValueError(f"row {name!r} has no format; there are some for {list(formats)}")
        formats = formats[name]
    specs = [formats] * count if isinstance(formats, str) else list(formats)
    if len(specs) != count:
        raise ValueError(f"need a format for each of {count} columns, got {len(specs)}")
    return specs


def _written(cell: Any, spec: str) -> str:
    if cell is None or isinstance(cell, str):
        return cell or ""
    return format(cell.item() if isinstance(cell, Tensor) else cell, spec)


def _aligned(line: Sequence[str], widths: Sequence[int]) -> str:
    name, *cells = line
    padded = [cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True)]
    return GAP.join([name.ljust(widths[0]), *padded]).rstrip()
