"""``imageregion images``: what DICOM objects there are."""

from __future__ import annotations

from typing import Annotated

import typer

from imageregion.cli.app import app
from imageregion.cli.console import records_text
from imageregion.cli.options import (
    IndexFile,
    OutputFormat,
    asks_servers,
    note_traffic,
    web_settings,
)
from imageregion.errors import InputError

__all__ = ["images"]


@app.command(epilog="Example: imageregion images study/ --format csv")
@asks_servers
def images(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH|URL",
            help="Folder, DICOM file, DICOMDIR or zip file; URL of a study or series on a DICOMweb "
            "server; or FHIR ImagingStudy as JSON.",
        ),
    ],
    index: IndexFile = None,
    output: Annotated[
        OutputFormat, typer.Option("--format", "-f", help="What to print.")
    ] = "table",
) -> None:
    """List DICOM objects: size, geometry and values of each, or why it has none."""
    from imageregion.listing import list_objects, print_objects

    source = paths[0] if len(paths) == 1 else list(paths)
    listing = list_objects(source, index=index, web=web_settings())
    note_traffic(listing.traffic)
    if not listing.lines:
        raise InputError(f"no DICOM objects among {listing.others} files")
    if output == "table":
        print_objects(listing)
    else:
        typer.echo(records_text(listing.records(), output))
    if not all(line.is_usable for line in listing.lines):
        raise typer.Exit(1)
