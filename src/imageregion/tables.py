"""Tables for people: what the command line prints on a terminal."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from imageregion.measurement import Measurement, RegionResult
    from imageregion.report import Report

__all__ = ["print_report"]

_PIPE_WIDTH = 120
_UNLIMITED = 100_000


def _console() -> Console:
    from rich.console import Console

    width = None if sys.stdout.isatty() else _PIPE_WIDTH
    return Console(width=width, markup=False, highlight=False)


@dataclass(frozen=True, slots=True)
class _Layout:
    """One way to fit a table to a terminal."""

    left_out: tuple[str, ...] = ()
    widest_name: int = 16
    break_intervals: bool = True
    split_intervals: bool = False


_LAYOUTS = (
    _Layout(break_intervals=False),
    _Layout(),
    _Layout(("type",)),
    _Layout(("type", "min", "max")),
    _Layout(("type", "min", "max"), 8),
    _Layout(("type", "min", "max"), 8, split_intervals=True),
)
"""From wide to narrow; the first whose numbers fit is taken, no layout ever cuts a number."""


def print_report(report: Report) -> None:
    """Print one line per result, then which results carry a flag.

    On a narrow terminal intervals go below their values and some columns are left out, which the
    last line names.
    """
    results = (*report.results, *([report.combined] if report.combined else []))
    console = _console()
    unlimited = console.options.update(max_width=_UNLIMITED)
    for layout in _LAYOUTS:
        table = _table(report.selection.name, results, layout)
        width = console.measure(table, options=unlimited).minimum
        if width <= console.width:
            break
    console.width = max(width, console.width)
    console.print(table)
    for line in _flag_lines(results):
        console.print(line)
    if layout.left_out:
        console.print(f"left out for lack of room: {', '.join(layout.left_out)}")


def _table(name: str, results: Sequence[RegionResult], layout: _Layout) -> Table:
    from rich import box
    from rich.cells import cell_len
    from rich.table import Table
    from rich.text import Text

    units = {result.unit for result in results if result.unit}
    title = f"{name}, values in {', '.join(units)}" if len(units) == 1 else name
    table = Table(
        title=Text(title, style="bold"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
        show_edge=False,
    )
    several = Counter(result.region.path for result in results)
    rows = [_cells(r, layout, named=several[r.region.path] > 1) for r in results]
    hidden = {*layout.left_out, *(() if len(units) > 1 else ("unit",))}
    shown = [column for column in _COLUMNS if column not in hidden]
    for column in shown:
        lines = [column, *(line for row in rows for line in row[column].splitlines())]
        least = max(map(cell_len, lines))
        if column == "region":
            table.add_column(column, overflow="fold", min_width=min(least, layout.widest_name))
        else:
            side: Literal["left", "right"] = "left" if column in ("type", "unit") else "right"
            table.add_column(column, justify=side, no_wrap=True, min_width=least)
    for row in rows:
        table.add_row(*(Text(row[column]) for column in shown))
    return table


_COLUMNS = ("region", "type", "pixels", "mean", "SD", "min", "max", "unit", "size")


def _cells(result: RegionResult, layout: _Layout, *, named: bool = False) -> dict[str, str]:
    dimensions = [value for _, value in result.dimensions]
    if named and len(result.slices) == 1 and result.slices[0].frame.number:
        dimensions.append(f"frame {result.slices[0].frame.number}")
    count = result.get("count")
    return {
        "region": " ".join([result.region.label or result.region.path, *dimensions]),
        "type": result.region.type,
        "pixels": "-" if count is None else f"{int(count)}",
        "mean": _numbers(result, "mean", layout),
        "SD": _numbers(result, "std", layout),
        "min": _numbers(result, "min"),
        "max": _numbers(result, "max"),
        "unit": result.unit,
        "size": _size(result),
    }


def _numbers(result: RegionResult, code: str, layout: _Layout | None = None) -> str:
    """Write a value, or one below the other that of each channel with its initial."""
    found = [measurement for measurement in result.measurements if measurement.code == code]
    texts = [_number(measurement, layout) for measurement in found]
    if result.channels:
        texts = [f"{m.channel[:1].upper()} {text}" for m, text in zip(found, texts, strict=True)]
    return "\n".join(texts) or "-"


def _number(measurement: Measurement, layout: _Layout | None = None) -> str:
    """Write a value, followed by its interval when there is one and a layout for it."""
    if measurement.value is None:
        return "-"
    text = f"{measurement.value:.5g}"
    if measurement.low is None or measurement.high is None or layout is None:
        return text
    within = "\n" if layout.split_intervals else " "
    before = "\n" if layout.break_intervals else " "
    return f"{text}{before}[{measurement.low:.4g},{within}{measurement.high:.4g}]"


def _flag_lines(results: Sequence[RegionResult]) -> list[str]:
    """One line per flag: the flag and the labels of the results that carry it."""
    labels: dict[str, list[str]] = {}
    for result in results:
        for flag in result.flags:
            labels.setdefault(flag, []).append(result.region.label or result.region.path)
    return [f"{flag}: {', '.join(dict.fromkeys(names))}" for flag, names in labels.items()]


def _size(result: RegionResult) -> str:
    for code in ("volume", "area", "length"):
        for measurement in result.measurements:
            if measurement.code == code and measurement.value is not None:
                unit = measurement.unit.replace("mm2", "mm²").replace("mm3", "mm³")
                unit = unit.replace("{pixels}", "px²" if code == "area" else "px")
                return f"{measurement.value:.5g} {unit}"
    return ""
