"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

__all__ = [
    "Close",
    "FeaturesName",
    "FillRuleName",
    "ImagesPath",
    "IndexFile",
    "OutputFormat",
    "RuleName",
    "Selections",
]

OutputFormat = Literal["table", "json", "csv"]
RuleName = Literal["center", "touched", "exact"]
FillRuleName = Literal["evenodd", "nonzero"]
FeaturesName = Literal["basic", "first-order"]

Selections = Annotated[
    list[Path],
    typer.Argument(
        metavar="SELECTION",
        help="FHIR R5 ImagingSelection as JSON; also a Bundle, a JSON array or NDJSON of them.",
    ),
]
ImagesPath = Annotated[
    list[Path],
    typer.Option(
        "--images",
        "-i",
        help="Folder (searched in depth), DICOM file, DICOMDIR or zip file; may be repeated.",
    ),
]
IndexFile = Annotated[
    Path | None,
    typer.Option(
        "--index",
        metavar="FILE",
        help="Keep what is known of the images in this file, so that they open faster next time.",
    ),
]
Close = Annotated[
    bool, typer.Option("--close", help="Measure unclosed 2D outlines as areas, not as lines.")
]
