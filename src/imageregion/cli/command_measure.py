"""``imageregion measure``: every number of every region."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from imageregion.cli.app import app
from imageregion.cli.console import (
    measured,
    open_sources,
    print_reports,
    read_each,
    records_text,
    say,
    tell,
)
from imageregion.cli.options import (
    Close,
    DialectName,
    FeaturesName,
    FillRuleName,
    ImagesPath,
    IndexFile,
    RuleName,
    Selections,
    asks_servers,
)
from imageregion.errors import ImageRegionError, InputError

if TYPE_CHECKING:
    from imageregion.report import Report

__all__ = ["measure"]

ReportFormat = Literal["table", "json", "csv", "fhir"]
ObservationForm = Literal["r5", "dicom-sr", "r4b"]


@app.command(
    epilog="Example: imageregion measure selection.json --images study/ --out results/",
)
@asks_servers
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
    dialect: DialectName = None,
    index: IndexFile = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder for CSV, JSON, Observations and overlay."),
    ] = None,
    output: Annotated[
        ReportFormat,
        typer.Option("--format", "-f", help="What to print; fhir is the Bundle of Observations."),
    ] = "table",
    observations: Annotated[
        ObservationForm,
        typer.Option(
            "--observations",
            help="How Observations are written: FHIR R5 with one per region, R5 by the HL7 guide "
            "DICOM SR with one per number in a group per region, or R4B.",
        ),
    ] = "r5",
    subject: Annotated[
        str | None,
        typer.Option(
            "--subject",
            metavar="REFERENCE",
            help="The patient, where the selection names none: Patient/12, or system|value of an "
            "identifier.",
        ),
    ] = None,
    issued: Annotated[
        str | None,
        typer.Option(
            "--issued",
            metavar="INSTANT",
            help="When the Observations are made available, e.g. 2026-01-31T12:00:00Z; with "
            "dicom-sr the present where not given.",
        ),
    ] = None,
) -> None:
    """Measure every region of a selection: pixel statistics, sizes in mm, Observations, picture."""
    within = _value_range(resegment)
    written = _Written(observations, subject, issued)
    read, unread = read_each(selection, dialect)
    opened = open_sources(images, index, read, whole_study=bool(on))
    reports = []
    for one in read:
        try:
            reports.append(
                measured(
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
            say(f"error: {one.name}: {error}")
    for report in reports:
        tell(report)
    if not any(report.results for report in reports):
        raise typer.Exit(2)
    wanted = reports if out is not None or output == "fhir" else []
    bundles = written.bundles(wanted)
    if out is not None:  # before printing, which a closed pipe may end
        for number, folder in enumerate(_folders(out, reports)):
            if number in bundles:
                say("wrote " + "  ".join(map(str, written.save(reports[number], folder))))
    if output == "fhir":
        found = list(bundles.values())
        typer.echo(records_text(found[0] if len(reports) == len(found) == 1 else found, "json"))
    else:
        print_reports(reports, output)
    lost = unread or len(reports) < len(read) or len(bundles) < len(wanted)
    if lost or not all(report.complete for report in reports):
        raise typer.Exit(1)


class _Written:
    """How Observations are written; what is said about them is checked before measuring."""

    def __init__(self, form: ObservationForm, subject: str | None, issued: str | None) -> None:
        from imageregion.fhir.observations.context import read_context

        context = read_context(subject, issued, always=form == "dicom-sr")
        self.form = form
        self.options = {"subject": subject, "issued": context.issued or None}

    def bundles(self, reports: Sequence[Report]) -> dict[int, dict[str, Any]]:
        """Return the Bundle of each report by its number; say why there is none of some."""
        found = {}
        for number, report in enumerate(reports):
            try:
                found[number] = report.to_observations(self.form, **self.options)
            except ImageRegionError as error:
                say(f"error: {report.selection.name}: {error}")
        return found

    def save(self, report: Report, folder: Path) -> tuple[Path, ...]:
        return report.save(folder, self.form, **self.options)


def _value_range(text: str | None) -> tuple[float | None, float | None] | None:
    """Read LOW:HIGH, where either may be left out."""
    if text is None:
        return None
    try:
        low, high = (float(end) if end.strip() else None for end in text.split(":"))
    except ValueError:
        raise InputError(f"--resegment: expected LOW:HIGH, e.g. -500:400, got {text!r}") from None
    return low, high


def _folders(out: Path, reports: Sequence[Report]) -> list[Path]:
    if len(reports) == 1:
        return [out]
    names = [re.sub(r"[^\w.-]+", "_", Path(report.selection.name).name) for report in reports]
    return [out / f"{number:03d}-{name[:80]}" for number, name in enumerate(names, 1)]
