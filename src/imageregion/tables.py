"""Tables for people: what the command line prints on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from imageregion.errors import Issue

if TYPE_CHECKING:
    from rich.console import Console

    from imageregion.measurement import Measurement, RegionResult
    from imageregion.report import Report

__all__ = ["print_issues", "print_report"]

_PIPE_WIDTH = 120


def _console() -> Console:
    from rich.console import Console

    width = None if sys.stdout.isatty() else _PIPE_WIDTH
    return Console(width=width, markup=False, highlight=False)


def print_report(report: Report) -> None:
    """Print one line per result, then which results carry a flag."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    results = (*report.results, *([report.combined] if report.combined else []))
    units = {result.unit for result in results if result.unit}
    title = f"{report.selection.name}, values in {', '.join(units)}" if len(units) == 1 else ""
    table = Table(
        title=Text(title or report.selection.name, style="bold"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
        show_edge=False,
    )
    table.add_column("region", overflow="fold", min_width=8)
    table.add_column("type", no_wrap=True)
    for name in ("pixels", "mean", "SD", "min", "max"):
        table.add_column(name, justify="right", no_wrap=True)
    if len(units) > 1:
        table.add_column("unit", no_wrap=True)
    table.add_column("size", justify="right", no_wrap=True)
    for result in results:
        table.add_row(*map(Text, _cells(result, len(units) > 1)))
    console = _console()
    console.print(table)
    for line in _flag_lines(results):
        console.print(line)


def _cells(result: RegionResult, with_unit: bool) -> list[str]:
    found = {measurement.code: measurement for measurement in result.measurements}
    count = result.get("count")
    return [
        result.region.label or result.region.path,
        result.region.type,
        "-" if count is None else f"{int(count)}",
        *(_number(found.get(code)) for code in ("mean", "std", "min", "max")),
        *([result.unit] if with_unit else []),
        _size(result),
    ]


def _number(measurement: Measurement | None) -> str:
    """Write a value, followed by its interval when there is one."""
    if measurement is None or measurement.value is None:
        return "-"
    text = f"{measurement.value:.5g}"
    if measurement.low is None or measurement.high is None or measurement.code in ("min", "max"):
        return text
    return f"{text} [{measurement.low:.4g}, {measurement.high:.4g}]"


def _flag_lines(results: Sequence[RegionResult]) -> list[str]:
    """One line per flag: the flag and the labels of the results that carry it."""
    labels: dict[str, list[str]] = {}
    for result in results:
        for flag in result.flags:
            labels.setdefault(flag, []).append(result.region.label or result.region.path)
    return [f"{flag}: {', '.join(names)}" for flag, names in labels.items()]


def _size(result: RegionResult) -> str:
    for code in ("volume", "area", "length"):
        for measurement in result.measurements:
            if measurement.code == code and measurement.value is not None:
                unit = measurement.unit.replace("mm2", "mm²").replace("mm3", "mm³")
                unit = unit.replace("{pixels}", "px²" if code == "area" else "px")
                return f"{measurement.value:.5g} {unit}"
    return ""


def print_issues(found: Sequence[tuple[str, Issue]], *, named: bool) -> None:
    """Print one line per issue, with the name of its selection when there are several."""
    from rich.table import Table
    from rich.text import Text

    if not found:
        print("nothing found")
        return
    table = Table()
    for name in ("severity", "where", "what"):
        table.add_column(name, overflow="fold")
    for name, issue in found:
        where = f"{name}\n{issue.path}" if named else issue.path
        table.add_row(issue.severity, Text(where), Text(f"{issue.message} [{issue.code}]"))
    _console().print(table)
