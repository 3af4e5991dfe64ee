"""``imageregion render``: a picture of the regions on their images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from imageregion.cli.app import app
from imageregion.cli.console import measured, open_sources, read_each, say, tell
from imageregion.cli.options import (
    Close,
    DialectName,
    FillRuleName,
    ImagesPath,
    RuleName,
    Selections,
    asks_servers,
)
from imageregion.errors import InputError

__all__ = ["render"]


@app.command(
    epilog="Example: imageregion render selection.json --images study/ --out picture.png",
)
@asks_servers
def render(
    selection: Selections,
    images: ImagesPath,
    out: Annotated[Path, typer.Option("--out", "-o", help="PNG file to write.")] = Path(
        "overlay.png"
    ),
    rule: Annotated[RuleName, typer.Option(help="Which pixels are tinted.")] = "center",
    fill_rule: Annotated[
        FillRuleName, typer.Option(help="How outlines that cross themselves fill.")
    ] = "evenodd",
    close: Close = False,
    dialect: DialectName = None,
    entered_in_error: Annotated[
        bool, typer.Option("--entered-in-error", help="Draw selections entered in error, too.")
    ] = False,
) -> None:
    """Draw the regions on their images: outlines, and tinted the pixels that count."""
    from imageregion.overlay import contact_sheet, write_png

    if out.suffix.lower() != ".png":
        raise InputError(f"{out}: expected a name that ends in .png, pictures are PNG")
    read, unread = read_each(selection, dialect)
    opened = open_sources(images, selections=read)
    reports = [
        measured(
            one,
            opened,
            rule=rule,
            fill_rule=fill_rule,
            close=close,
            entered_in_error=entered_in_error,
        )
        for one in read
    ]
    for report in reports:
        tell(report)
    drawn = [r for r in reports if any(result.slices for result in r.results)]
    if not drawn:
        raise InputError("nothing to draw: no region lies on an image")
    pictures = [report.picture() for report in drawn]
    write_png(pictures[0] if len(pictures) == 1 else contact_sheet(pictures), out)
    say(f"wrote {out}")
    if unread or not all(report.complete for report in reports):
        raise typer.Exit(1)
