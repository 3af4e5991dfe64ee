"""``imageregion check``: what is wrong with a selection."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from imageregion.cli.app import app
from imageregion.cli.console import open_sources, read_each, records_text
from imageregion.cli.options import OutputFormat, Selections
from imageregion.tables import print_issues

__all__ = ["check"]


@app.command(epilog="Example: imageregion check selection.json --images study/")
def check(
    selection: Selections,
    images: Annotated[
        list[Path] | None,
        typer.Option("--images", "-i", help="Folder or DICOM file to look for the regions on."),
    ] = None,
    output: Annotated[
        OutputFormat, typer.Option("--format", "-f", help="What to print.")
    ] = "table",
) -> None:
    """Say what is wrong with a selection, with FHIRPaths; exit 1 if there are errors."""
    from imageregion.checking import check as find_issues

    opened = open_sources(images) if images else None
    read, unread = read_each(selection)
    if not read:
        raise typer.Exit(2)
    found = [(one.name, issue) for one in read for issue in find_issues(one, opened)]
    if output == "table":
        print_issues(found, named=len(read) > 1)
    else:
        records = [
            {"selection": name, "severity": i.severity, "code": i.code, "path": i.path}
            | {"message": i.message}
            for name, i in found
        ]
        typer.echo(records_text(records, output))
    if unread or any(issue.severity == "error" for _, issue in found):
        raise typer.Exit(1)
