"""What commands do alike: read, open, measure, print results, and say the rest on stderr."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from imageregion.cli.options import OutputFormat
from imageregion.errors import ImageRegionError
from imageregion.tables import print_report

if TYPE_CHECKING:
    from imageregion.dicom.images import Images
    from imageregion.fhir.selection import Selection
    from imageregion.report import Report

__all__ = [
    "measured",
    "open_sources",
    "print_reports",
    "read_each",
    "records_text",
    "say",
    "tell",
]


def say(text: str) -> None:
    """Print a line on standard error."""
    typer.echo(text, err=True)


def tell(report: Report) -> None:
    """Say what was found; what is merely known about other images stays in the JSON."""
    near = {uid for result in report.results for uid in result.instances}
    near |= {region.target.instance for region in report.selection.regions}
    others = 0
    for issue in report.issues:
        if issue.path.startswith("ImagingSelection"):
            say(f"{report.selection.name}: {issue}")
        elif issue.severity != "information":
            told = issue.severity == "error" or issue.path in near
            others += not told
            if told:
                say(f"{report.selection.name}: {issue}")
    if others:
        say(f"{report.selection.name}: {others} warnings about other images; see --format json")


def open_sources(paths: Sequence[Path], index: Path | None = None) -> Images:
    """Open the images of ``--images``."""
    from imageregion.dicom.opening import open_images

    return open_images(paths[0] if len(paths) == 1 else list(paths), index=index)


def read_each(paths: Sequence[Path]) -> tuple[list[Selection], int]:
    """Read every file that can be read; say which cannot, and how many."""
    from imageregion.fhir.document import read_selections

    read: list[Selection] = []
    unread = 0
    for path in paths:
        try:
            read += read_selections(path)
        except ImageRegionError as error:
            unread += 1
            say(f"error: {path}: {error}")
    return read, unread


def measured(selection: Selection, images: Images, **options: Any) -> Report:
    """Measure a selection, with a progress bar when it has many regions."""
    from rich.console import Console
    from rich.progress import track

    from imageregion.measuring import measure as measure_selection

    console = Console(stderr=True)

    def progress(regions: Any) -> Any:
        hidden = not console.is_terminal or len(regions) < 20
        return track(regions, "measuring", console=console, transient=True, disable=hidden)

    return measure_selection(selection, images, progress=progress, **options)


def print_reports(reports: Sequence[Report], output: OutputFormat) -> None:
    """Print reports as tables, JSON or CSV."""
    if output == "json":
        records = [report.to_dict() for report in reports]
        typer.echo(records_text(records if len(records) > 1 else records[0], output))
    elif output == "csv":
        from imageregion.report import reports_to_csv

        typer.echo(reports_to_csv(reports), nl=False)
    else:
        for report in reports:
            print_report(report)


def records_text(records: Any, output: OutputFormat) -> str:
    """Return records as JSON or CSV text."""
    if output == "json":
        return json.dumps(records, indent=2, allow_nan=False, ensure_ascii=False)
    text = io.StringIO()
    if records:
        writer = csv.DictWriter(text, list(records[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(records)
    return text.getvalue().rstrip("\n")
