"""``imageregion convert``: a selection in another form, and what that costs."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from imageregion.cli.app import app
from imageregion.cli.console import read_each, say
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
    read, unread = read_each(selection, dialect)
    if not read:
        raise typer.Exit(2)
    from imageregion.converting import convert_selection

    converted = convert_selection(read, to)
    _print_losses(converted.found, losses, named=len(read) > 1)
    if out is None:
        sys.stdout.write(_text(converted, chosen).decode())
    else:
        say(f"wrote {converted.save(out, chosen)}")
    if unread or not (converted.is_complete or allow_losses):
        raise typer.Exit(1)


def _spare_inputs(inputs: Sequence[Path], out: Path | None) -> None:
    """Refuse to write over what is read."""
    for path in inputs if out is not None and out.exists() else ():
        if path.exists() and out is not None and path.samefile(out):
            raise InputError(f"{out}: is the input; give another name to write to")


def _text(converted: Converted, form: str) -> bytes:
    if form == "xml":
        return converted.to_xml()
    return converted.to_ndjson() if form == "ndjson" else converted.to_json()


def _print_losses(found: Sequence[tuple[str, Issue]], form: LossesForm, *, named: bool) -> None:
    """List losses on standard error: as a table for people, or as JSON for programs."""
    if form == "json":
        records = [
            {"selection": name, "severity": i.severity, "code": i.code, "path": i.path}
            | {"message": i.message}
            for name, i in found
        ]
        say(json.dumps(records, indent=2, ensure_ascii=False))
    elif form == "table" and found:
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(title="What does not survive as it was", title_justify="left")
        for name in ("severity", "where", "what"):
            table.add_column(name, overflow="fold")
        for name, issue in found:
            where = f"{name}\n{issue.path}" if named and name else issue.path
            table.add_row(issue.severity, Text(where), Text(f"{issue.message} [{issue.code}]"))
        width = None if sys.stderr.isatty() else _PIPE_WIDTH
        Console(stderr=True, width=width, markup=False, highlight=False).print(table)
