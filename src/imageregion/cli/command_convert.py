"""``imageregion convert``: a selection in another form, and what that costs."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from imageregion.cli.app import app
from imageregion.cli.console import first_rows, read_each, say
from imageregion.cli.options import DialectName, Selections
from imageregion.errors import InputError, Issue

if TYPE_CHECKING:
    from imageregion.converting import Converted

__all__ = ["convert"]

TargetName = Literal["r5", "r6", "r5-snapshot1", "manifest", "geojson"]
TextForm = Literal["json", "xml", "ndjson"]
LossesForm = Literal["table", "json", "none"]
_PIPE_WIDTH = 120


@app.command(epilog="Example: imageregion convert selection.json --to r6 -o selection-r6.xml")
def convert(
    selection: Selections,
    to: Annotated[
        TargetName,
        typer.Option(
            "--to",
            help="FHIR R5 (5.0.0), R6 (6.0.0-ballot4 and later), 5.0.0-snapshot1, the STU3 "
            "ImagingManifest, or GeoJSON in pixels.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="File to write; .xml and .ndjson say the form. Default: stdout."
        ),
    ] = None,
    dialect: DialectName = None,
    text: Annotated[
        TextForm | None,
        typer.Option("--format", "-f", help="Form of the text; by default as OUT ends, or JSON."),
    ] = None,
    losses: Annotated[
        LossesForm,
        typer.Option(help="How to list on stderr what does not survive."),
    ] = "table",
    allow_losses: Annotated[
        bool,
        typer.Option("--allow-losses", help="Exit 0 even when meaning is lost; it is listed."),
    ] = False,
) -> None:
    """Write selections in another form, and list everything that does not survive.

    Exit status: 0 all meaning survives; 1 something is left out, or kept in an extension only, as
    the list on standard error says; 2 unusable input.
    """
    _spare_inputs(selection, out)
    endings: dict[str, TextForm] = {".xml": "xml", ".ndjson": "ndjson"}
    chosen = text or endings.get(out.suffix.lower() if out else "", "json")
    if chosen == "xml" and to == "geojson":
        raise InputError("GeoJSON is JSON: there is no XML of it")
    _check_writable(out)
    from imageregion.converting import convert_selection, read_all

    beside: list[tuple[str, Issue]] = []

    def tell_unread(name: str, why: str) -> None:
        if losses == "json":
            beside.append((name, Issue("error", "unreadable", name, why)))
        else:
            say(f"error: {name}: {why}")

    read, unread = read_each(
        selection, dialect, lambda path, asked: read_all(path, asked, beside), tell_unread
    )
    unread += sum(one.normalized is None for one in read)
    if all(one.normalized is None for one in read):
        errors = [(one.name, issue) for one in read for issue in one.errors]
        if losses == "json":
            _print_losses([*beside, *errors], losses, named=True)
        for name, issue in errors if losses != "json" else ():
            say(f"{name or 'selection'}: {issue}")
        raise typer.Exit(2)
    converted = convert_selection(read, to)
    converted = replace(converted, found=(*beside, *converted.found))
    named = len({name for name, _ in converted.found}) > 1
    _print_losses(converted.found, losses, named=named)
    if out is None:
        sys.stdout.write(_text(converted, chosen).decode())
    else:
        converted.save(out, chosen)
        if losses != "json":  # which is to be read by programs
            say(f"wrote {out}")
    if unread or not (converted.is_complete or allow_losses):
        raise typer.Exit(1)


def _spare_inputs(inputs: Sequence[Path], out: Path | None) -> None:
    """Refuse to write over what is read."""
    for path in inputs if out is not None and out.exists() else ():
        if path.exists() and out is not None and path.samefile(out):
            raise InputError(f"{out}: is the input; give another name to write to")


def _check_writable(out: Path | None) -> None:
    """Refuse early what cannot be written to."""
    if out is None:
        return
    if not out.parent.is_dir():
        raise InputError(f"{out}: cannot be written: folder does not exist")
    if out.is_file() and not out.stat().st_mode & 0o222:
        raise InputError(f"{out}: cannot be written: it is read-only")


def _text(converted: Converted, form: str) -> bytes:
    if form == "xml":
        return converted.to_xml()
    return converted.to_ndjson() if form == "ndjson" else converted.to_json()


def _print_losses(found: Sequence[tuple[str, Issue]], form: LossesForm, *, named: bool) -> None:
    """List losses on standard error: as a table for people, or as JSON for programs."""
    if form == "json":
        records = [{"selection": name} | issue.to_dict() for name, issue in found]
        say(json.dumps(records, indent=2, ensure_ascii=False))
    elif form == "table" and found:
        shown, more = first_rows(found)
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(title="What does not survive as it was", title_justify="left")
        for name in ("severity", "where", "what"):
            table.add_column(name, overflow="fold")
        for name, issue in shown:
            where = f"{name}\n{issue.path}" if named and name else issue.path
            table.add_row(issue.severity, Text(where), Text(f"{issue.message} [{issue.code}]"))
        width = None if sys.stderr.isatty() else _PIPE_WIDTH
        Console(stderr=True, width=width, markup=False, highlight=False).print(table)
        if more:
            say(f"and {more:,} more, which --losses json lists")
