"""The ``imageregion`` command: tables for people, JSON and CSV for programs.

Results go to standard output, everything else to standard error. Exit status: 0 done; 1 some
region could not be measured (the rest is, and it is named); 2 unusable input.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from imageregion._version import __version__
from imageregion.errors import ImageRegionError, InputError
from imageregion.tables import print_issues, print_report

if TYPE_CHECKING:
    from imageregion.dicom.images import Images
    from imageregion.fhir.selection import Selection
    from imageregion.report import Report

__all__ = ["app"]

app = typer.Typer(
    name="imageregion",
    help="Pixels, measurements, pictures and FHIR Observations from FHIR ImagingSelection regions "
    "on DICOM images.",
    epilog="Try it without any file of your own: imageregion demo",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


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


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if version:
        typer.echo(f"imageregion {__version__}")
        raise typer.Exit


@app.command(
    epilog="Example: imageregion measure selection.json --images study/ --out results/",
)
def measure(
    selection: Selections,
    images: ImagesPath,
    rule: Annotated[
        RuleName,
        typer.Option(
            help="Which pixels count: those whose centre is inside, all that are touched, or all "
            "by the exact share of their area."
        ),
    ] = "center",
    fill_rule: Annotated[
        FillRuleName, typer.Option(help="How outlines that cross themselves fill.")
    ] = "evenodd",
    features: Annotated[
        FeaturesName, typer.Option(help="The usual statistics, or all of IBSI first order.")
    ] = "basic",
    estimators: Annotated[
        bool,
        typer.Option(
            "--estimators", help="Report the mean by every named partial volume estimator, too."
        ),
    ] = False,
    bounds: Annotated[
        bool,
        typer.Option(
            "--bounds",
            help="Give the interval of every statistic and counted size of a region over rules and "
            "half-pixel shifts.",
        ),
    ] = False,
    resegment: Annotated[
        str | None,
        typer.Option(
            metavar="LOW:HIGH",
            help="Only values in this range count, e.g. -500:400; either end may be left out.",
        ),
    ] = None,
    outliers: Annotated[
        float | None,
        typer.Option(
            metavar="SIGMAS", help="Leave out values further from the mean than so many SD."
        ),
    ] = None,
    value: Annotated[
        str,
        typer.Option(
            "--value",
            metavar="NAME",
            help="Quantity to measure: suvbw, suvlbm, suvbsa, suvibw, hu, rescaled, stored or "
            "rwv:UNIT; by default what readers of the modality expect.",
        ),
    ] = "default",
    on: Annotated[
        str,
        typer.Option(
            "--on",
            metavar="IMAGES",
            help="Measure on other images of the same frame of reference: a Series or SOP "
            "Instance UID, or a modality such as PT.",
        ),
    ] = "",
    uncalibrated: Annotated[
        bool,
        typer.Option(
            "--uncalibrated",
            help="Report sizes in mm at the detector where nothing better is known.",
        ),
    ] = False,
    combine: Annotated[
        bool, typer.Option("--combine", help="Measure all regions of a selection as one, too.")
    ] = False,
    close: Close = False,
    entered_in_error: Annotated[
        bool, typer.Option("--entered-in-error", help="Measure selections entered in error, too.")
    ] = False,
    index: IndexFile = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder for CSV, JSON, Observations and overlay."),
    ] = None,
    output: Annotated[
        OutputFormat, typer.Option("--format", "-f", help="What to print.")
    ] = "table",
) -> None:
    """Measure every region of a selection: pixel statistics, sizes in mm, Observations, picture."""
    within = _value_range(resegment)
    opened = _open(images, index)
    read, unread = _read_each(selection)
    reports = []
    for one in read:
        try:
            reports.append(
                _measured(
                    one,
                    opened,
                    rule=rule,
                    fill_rule=fill_rule,
                    features=features,
                    estimators=estimators,
                    bounds=bounds,
                    resegment=within,
                    outliers=outliers,
                    value=value,
                    on=on,
                    uncalibrated=uncalibrated,
                    combine=combine,
                    close=close,
                    entered_in_error=entered_in_error,
                )
            )
        except ImageRegionError as error:
            _say(f"error: {one.name}: {error}")
    for report in reports:
        _tell(report)
    if not any(report.results for report in reports):
        raise typer.Exit(2)
    if out is not None:  # before printing, which a closed pipe may end
        for report, folder in zip(reports, _folders(out, reports), strict=True):
            _say("wrote " + "  ".join(str(path) for path in report.save(folder)))
    _print_reports(reports, output)
    if unread or len(reports) < len(read) or not all(report.complete for report in reports):
        raise typer.Exit(1)


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

    opened = _open(images) if images else None
    read, unread = _read_each(selection)
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
        typer.echo(_records(records, output))
    if unread or any(issue.severity == "error" for _, issue in found):
        raise typer.Exit(1)


@app.command(
    epilog="Example: imageregion render selection.json --images study/ --out picture.png",
)
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
    entered_in_error: Annotated[
        bool, typer.Option("--entered-in-error", help="Draw selections entered in error, too.")
    ] = False,
) -> None:
    """Draw the regions on their images: outlines, and tinted the pixels that count."""
    from imageregion.overlay import contact_sheet, write_png

    if out.suffix.lower() != ".png":
        raise InputError(f"{out}: expected a name that ends in .png, pictures are PNG")
    opened = _open(images)
    read, unread = _read_each(selection)
    reports = [
        _measured(
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
        _tell(report)
    drawn = [r for r in reports if any(result.slices for result in r.results)]
    if not drawn:
        raise InputError("nothing to draw: no region lies on an image")
    pictures = [report.picture() for report in drawn]
    write_png(pictures[0] if len(pictures) == 1 else contact_sheet(pictures), out)
    _say(f"wrote {out}")
    if unread or not all(report.complete for report in reports):
        raise typer.Exit(1)


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
        typer.echo(_records(listing.records(), output))
    if not all(line.is_usable for line in listing.lines):
        raise typer.Exit(1)


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
    _print_reports([report], "table")
    for path in report.save(out):
        _say(f"wrote {path}")


def _value_range(text: str | None) -> tuple[float | None, float | None] | None:
    """Read LOW:HIGH, where either may be left out."""
    if text is None:
        return None
    try:
        low, high = (float(end) if end.strip() else None for end in text.split(":"))
    except ValueError:
        raise InputError(f"--resegment: expected LOW:HIGH, e.g. -500:400, got {text!r}") from None
    return low, high


def _say(text: str) -> None:
    typer.echo(text, err=True)


def _tell(report: Report) -> None:
    """Say what was found; what is merely known about other images stays in the JSON."""
    near = {uid for result in report.results for uid in result.instances}
    near |= {region.target.instance for region in report.selection.regions}
    others = 0
    for issue in report.issues:
        if issue.path.startswith("ImagingSelection"):
            _say(f"{report.selection.name}: {issue}")
        elif issue.severity != "information":
            told = issue.severity == "error" or issue.path in near
            others += not told
            if told:
                _say(f"{report.selection.name}: {issue}")
    if others:
        _say(f"{report.selection.name}: {others} warnings about other images; see --format json")


def _open(paths: Sequence[Path], index: Path | None = None) -> Images:
    from imageregion.dicom.opening import open_images

    return open_images(paths[0] if len(paths) == 1 else list(paths), index=index)


def _read_each(paths: Sequence[Path]) -> tuple[list[Selection], int]:
    """Read every file that can be read; say which cannot, and how many."""
    from imageregion.fhir.document import read_selections

    read: list[Selection] = []
    unread = 0
    for path in paths:
        try:
            read += read_selections(path)
        except ImageRegionError as error:
            unread += 1
            _say(f"error: {path}: {error}")
    return read, unread


def _measured(selection: Selection, images: Images, **options: Any) -> Report:
    from rich.console import Console
    from rich.progress import track

    from imageregion.measuring import measure as measure_selection

    console = Console(stderr=True)

    def progress(regions: Any) -> Any:
        hidden = not console.is_terminal or len(regions) < 20
        return track(regions, "measuring", console=console, transient=True, disable=hidden)

    return measure_selection(selection, images, progress=progress, **options)


def _folders(out: Path, reports: Sequence[Report]) -> list[Path]:
    if len(reports) == 1:
        return [out]
    names = [re.sub(r"[^\w.-]+", "_", Path(report.selection.name).name) for report in reports]
    return [out / f"{number:03d}-{name[:80]}" for number, name in enumerate(names, 1)]


def _print_reports(reports: Sequence[Report], output: OutputFormat) -> None:
    if output == "json":
        records = [report.to_dict() for report in reports]
        typer.echo(_records(records if len(records) > 1 else records[0], output))
    elif output == "csv":
        from imageregion.report import reports_to_csv

        typer.echo(reports_to_csv(reports), nl=False)
    else:
        for report in reports:
            print_report(report)


def _records(records: Any, output: OutputFormat) -> str:
    if output == "json":
        return json.dumps(records, indent=2, allow_nan=False, ensure_ascii=False)
    text = io.StringIO()
    if records:
        writer = csv.DictWriter(text, list(records[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(records)
    return text.getvalue().rstrip("\n")
