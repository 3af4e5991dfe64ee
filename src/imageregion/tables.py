"""Tables for people: what the command line prints on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from imageregion.errors import Issue

if TYPE_CHECKING:
    from rich.console import Console

    from imageregion.measurement import RegionResult
    from imageregion.report import Report

__all__ = ["print_issues", "print_report"]

_PIPE_WIDTH = 120


def _console() -> Console:
    from rich.console import Console

    width = None if sys.stdout.isatty() else _PIPE_WIDTH
    return Console(width=width, markup=False, highlight=False)


def print_report(report: Report) -> None:
    """Print one line per result."""
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(report.selection.name), title_justify="left")
    table.add_column("region", overflow="fold")
    table.add_column("type")
    for name in ("pixels", "mean", "SD", "min", "max"):
        table.add_column(name, justify="right")
    table.add_column("unit")
    table.add_column("size", justify="right")
    table.add_column("flags", overflow="fold")
    for result in (*report.results, *([report.combined] if report.combined else [])):
        table.add_row(*map(Text, _cells(result)))
    _console().print(table)


def _cells(result: RegionResult) -> list[str]:
    values = [result.get(code) for code in ("mean", "std", "min", "max")]
    count = result.get("count")
    return [
        result.region.label or result.region.path,
        result.region.type,
        "-" if count is None else f"{int(count)}",
        *("-" if value is None else f"{value:.5g}" for value in values),
        result.unit,
        _size(result),
        ", ".join(result.flags),
    ]


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
