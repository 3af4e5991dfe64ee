"""``imageregion demo``: the main job on a real image that comes with pydicom."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from imageregion.cli.app import app
from imageregion.cli.console import print_reports, say

__all__ = ["demo"]


@app.command(epilog="Example: imageregion demo --out /tmp/demo")
def demo(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write into.")] = Path(
        "imageregion-demo"
    ),
) -> None:
    """Measure regions of every type on a real CT slice that comes with pydicom."""
    from imageregion.demo import demo_image, demo_selection
    from imageregion.measuring import measure as measure_selection

    report = measure_selection(demo_selection(), demo_image())
    print_reports([report], "table")
    for path in report.save(out):
        say(f"wrote {path}")
