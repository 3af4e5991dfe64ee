"""What commands do alike: read, open, measure, print results, and say the rest on stderr."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from imageregion.cli.options import OutputFormat, note_traffic, web_settings
from imageregion.errors import ImageRegionError, Issue
from imageregion.fhir.normalized import DIALECTS
from imageregion.tables import print_report

if TYPE_CHECKING:
    from imageregion.dicom.images import Images
    from imageregion.dicom.web.settings import WebSettings
    from imageregion.fhir.normalized import Dialect
    from imageregion.fhir.selection import Selection
    from imageregion.report import Report

MOST_ROWS = 200  # of a table of issues
_MANY = 20  # regions that get a progress bar

__all__ = [
    "MOST_ROWS",
    "dialect_title",
    "first_rows",
    "measured",
    "open_sources",
    "print_reports",
    "read_each",
    "records_text",
    "say",
    "tell",
]

_ROOTS = ("ImagingSelection", "ImagingManifest", "ImagingReference")


def say(text: str) -> None:
    """Print a line on standard error."""
    typer.echo(text, err=True)


def dialect_title(name: str) -> str:
    """Return what a dialect is called in words."""
    return {str(known): title for known, title in DIALECTS.items()}.get(name, name)


def tell(report: Report) -> None:
    """Say what was found; what is merely known about other images stays in the JSON."""
    if report.selection.dialect not in ("", "r5"):
        say(f"{report.selection.name}: read as {dialect_title(report.selection.dialect)}")
    near = {uid for result in report.results for uid in result.instances}
    near |= {region.target.instance for region in report.selection.regions}
    others = 0
    for issue in report.issues:
        if issue.path.startswith(_ROOTS):
            say(f"{report.selection.name}: {issue}")
        elif issue.severity != "information":
            told = issue.severity == "error" or issue.path in near
            others += not told
            if told:
                say(f"{report.selection.name}: {issue}")
    if others:
        say(f"{report.selection.name}: {others} warnings about other images; see --format json")


def open_sources(
    paths: Sequence[str | Path],
    index: Path | None = None,
    selections: Sequence[Selection] | None = None,
    web: WebSettings | None = None,
    *,
    whole_study: bool = False,
) -> Images:
    """Open the images of ``--images``; what servers gave is told when the command ends.

    Parameters
    ----------
    paths : sequence of str or Path
        Also URLs, and JSON files that say where images are.
    index : Path, optional
    selections : sequence of Selection, optional
        What is measured: servers are asked for these series alone.
    web : WebSettings, optional
        By default those of the options, see `imageregion.cli.options.asks_servers`.
    whole_study : bool
        Ask servers for whole studies: something may be measured on other series.
    """
    from imageregion.access import open_images

    images = open_images(
        paths[0] if len(paths) == 1 else list(paths),
        index=index,
        selection=selections,
        web=web or web_settings(whole_study=whole_study),
    )
    note_traffic(images.traffic)
    return images


def read_each(
    paths: Sequence[str | Path],
    dialect: Dialect | None = None,
    read_one: Callable[[str | Path, Dialect | None], Iterable[Selection]] | None = None,
    tell_unread: Callable[[str, str], None] | None = None,
) -> tuple[list[Selection], int]:
    """Read every file that can be read; say which cannot, and how many.

    Parameters
    ----------
    paths : sequence of str or Path
    dialect : Dialect, optional
    read_one : callable, optional
        Reads a file, by default as `read_selections`.
    tell_unread : callable, optional
        Called with the name of a file that cannot be read and why, by default `say`.
    """
    from imageregion.fhir.document import read_selections

    read: list[Selection] = []
    unread = 0
    for path in paths:
        try:
            found = read_one(path, dialect) if read_one else read_selections(path, dialect=dialect)
            read += found
        except ImageRegionError as error:
            unread += 1
            why = str(error).removeprefix(f"{path}: ")
            if tell_unread:
                tell_unread(str(path), why)
            else:
                say(f"error: {path}: {why}")
    return read, unread


def first_rows(found: Sequence[tuple[str, Issue]]) -> tuple[list[tuple[str, Issue]], int]:
    """Return what a table shows of a list of issues, and how many more there are.

    Where there are too many, errors come first.
    """
    rows = list(found)
    if len(rows) > MOST_ROWS:
        order = ("error", "warning", "information")
        rows.sort(key=lambda row: order.index(row[1].severity))
    return rows[:MOST_ROWS], max(0, len(rows) - MOST_ROWS)


def measured(selection: Selection, images: Images, **options: Any) -> Report:
    """Measure a selection, with a progress bar when it has many regions."""
    from rich.console import Console
    from rich.progress import track

    from imageregion.access.progress import watched
    from imageregion.measuring import measure as measure_selection

    console = Console(stderr=True)

    def progress(regions: Any) -> Any:
        hidden = not console.is_terminal or len(regions) < _MANY
        return track(regions, "measuring", console=console, transient=True, disable=hidden)

    few = images.traffic if len(selection.regions) < _MANY else None  # else there is a bar
    with watched(few):
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
