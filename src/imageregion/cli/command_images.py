"""``imageregion images``: what DICOM objects there are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from imageregion.cli.app import app
from imageregion.cli.console import records_text
from imageregion.cli.options import IndexFile, OutputFormat
from imageregion.errors import InputError

__all__ = ["images"]


@app.command(epilog="Example: imageregion images study/ --format csv")
def images(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH", help="Folder, DICOM file, DICOMDIR or zip file."),
    ],
    index: IndexFile = None,
    output: Annotated[
        OutputFormat, typer.Option("--format", "-f", help="What to print.")
    ] = "table",
) -> None:
    """List DICOM objects: size, geometry and values of each, or why it has none."""
    from imageregion.listing import list_objects, print_objects

    listing = list_objects(paths[0] if len(paths) == 1 else list(paths), index=index)
    if not listing.lines:
        raise InputError(f"no DICOM objects among {listing.others} files")
    if output == "table":
        print_objects(listing)
    else:
        typer.echo(records_text(listing.records(), output))
    if not all(line.is_usable for line in listing.lines):
        raise typer.Exit(1)
