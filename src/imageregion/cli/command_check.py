"""``imageregion check``: what is wrong with a selection."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from imageregion.cli.app import app
from imageregion.cli.console import (
    dialect_title,
    first_rows,
    open_sources,
    read_each,
    records_text,
    say,
)
from imageregion.cli.options import DialectName, OutputFormat, asks_servers

if TYPE_CHECKING:
    from rich.console import Console

    from imageregion.checking import Findings, Ranking

__all__ = ["check"]

_COLOURS = {"error": "bold red", "warning": "yellow", "information": "cyan"}
_PIPE_WIDTH = 140
_SHOWN = 4  # readings of a region


@app.command(epilog="Example: imageregion check selection.json --images study/")
@asks_servers
def check(
    selection: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SELECTION",
            help="ImagingSelection of any dialect, JSON or XML; also a Bundle, an array or NDJSON.",
        ),
    ] = None,
    images: Annotated[
        list[str] | None,
        typer.Option(
            "--images",
            "-i",
            metavar="PATH|URL",
            help="Look for the regions here: folder, DICOM file, or what else measure takes.",
        ),
    ] = None,
    output: Annotated[
        OutputFormat, typer.Option("--format", "-f", help="What to print; json: OperationOutcome.")
    ] = "table",
    dialect: DialectName = None,
    pixels: Annotated[
        bool,
        typer.Option(help="With images: whether to look for edges in the pixels, weak evidence."),
    ] = True,
    conventions: Annotated[
        bool,
        typer.Option("--conventions", help="Print how plausible each convention is, by region."),
    ] = False,
    rules: Annotated[bool, typer.Option("--rules", help="List the rules and exit.")] = False,
) -> None:
    """Say what is wrong with a selection, with FHIRPaths; exit 1 if there are errors."""
    if rules:
        _print_rules(output)
        return
    if not selection:
        raise typer.BadParameter("expected at least one file", param_hint="SELECTION")
    from imageregion.checking import check as find_issues

    read, unread = read_each(selection, dialect)
    if not read:
        raise typer.Exit(2)
    opened = open_sources(images, selections=read) if images else None
    found = [find_issues(one, opened, pixels=pixels) for one in read]
    if output == "json":
        typer.echo(records_text(_outcomes(found), output))
    elif output == "csv":
        typer.echo(records_text([r for one in found for r in _records(one)], output))
    else:
        _print_findings(found, conventions)
    if unread or any(one.errors for one in found):
        raise typer.Exit(1)


def _outcomes(found: Sequence[Findings]) -> dict[str, Any]:
    """Return one OperationOutcome, or of several selections a Bundle of them."""
    outcomes = [one.to_operation_outcome() for one in found]
    if len(outcomes) == 1:
        return outcomes[0]
    entries = [{"resource": outcome} for outcome in outcomes]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def _records(found: Findings) -> list[dict[str, str]]:
    return [
        {
            "selection": found.name,
            "severity": issue.severity,
            "rule": issue.code,
            "path": issue.path,
            "message": issue.message,
        }
        for issue in found
    ]


def _print_rules(output: OutputFormat) -> None:
    from dataclasses import asdict

    from imageregion.checking import RULES

    if output != "table":
        typer.echo(records_text([asdict(rule) for rule in RULES.values()], output))
        return
    rows = [(r.severity, r.id, r.sentence, r.source) for r in RULES.values()]
    _print_table(("severity", "rule", "what is wrong", "source"), rows)


def _print_findings(found: Sequence[Findings], conventions: bool) -> None:
    issues, more = first_rows([(one.name, i) for one in found for i in one])
    is_named = len(found) > 1 or not found[0].dialect  # no line above says of which file
    rows = [
        (i.severity, i.code, f"{name}\n{i.path}" if is_named and name else i.path, i.message)
        for name, i in issues
    ]
    for one in found:
        if one.dialect:
            say(f"{one.name or 'selection'}: read as {dialect_title(one.dialect)}")
    if rows:
        _print_table(("severity", "rule", "where", "what"), rows)
        if more:
            typer.echo(f"and {more:,} more, which --format json lists")
    else:
        typer.echo("nothing found")
    ranked = [ranking for one in found for ranking in one.conventions]
    chosen = ranked if conventions else [r for r in ranked if r.readings[0] != r.as_written]
    if chosen:
        _print_rankings(chosen)


def _print_rankings(rankings: Sequence[Ranking]) -> None:
    typer.echo("How plausible regions are as written, and by other conventions:")
    rows = []
    for ranking in rankings:
        for number, one in enumerate(ranking.readings[:_SHOWN]):
            decided = "" if number or ranking.is_decided else "\n(cannot be decided)"
            path = ranking.path + decided if not number else ""
            rows.append((path, *one.cells()))
    _print_table(("region", "convention", "inside", "width", "height", "on edges"), rows)


def _print_table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for name in names:
        table.add_column(name, overflow="fold", no_wrap=name in ("severity", "rule", "convention"))
    for row in rows:
        table.add_row(*(Text(cell, style=_COLOURS.get(cell, "")) for cell in row))
    _console().print(table)


def _console() -> Console:
    from rich.console import Console

    width = None if sys.stdout.isatty() else _PIPE_WIDTH
    return Console(width=width, markup=False, highlight=False)
