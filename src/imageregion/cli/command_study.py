"""``imageregion study``: what an ImagingStudy says exists, and where."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from imageregion.cli.app import app
from imageregion.cli.console import records_text, say
from imageregion.cli.options import OutputFormat

if TYPE_CHECKING:
    from imageregion.fhir.studies import Study

__all__ = ["study"]

ReleaseName = Literal["stu3", "r4", "r5", "r6"]


@app.command(epilog="Example: imageregion study imagingstudy.json --endpoints endpoint.json")
def study(
    path: Annotated[
        Path,
        typer.Argument(metavar="IMAGINGSTUDY", help="FHIR ImagingStudy, or a Bundle with some."),
    ],
    endpoints: Annotated[
        list[Path] | None,
        typer.Option(
            "--endpoints",
            metavar="FILE",
            help="FHIR Endpoint, or a Bundle of them, that the study refers to; may be repeated.",
        ),
    ] = None,
    release: Annotated[
        ReleaseName | None,
        typer.Option("--release", help="FHIR release it is written in, instead of recognising it."),
    ] = None,
    output: Annotated[
        OutputFormat, typer.Option("--format", "-f", help="What to print.")
    ] = "table",
) -> None:
    """List series, instances and endpoints of a FHIR ImagingStudy; exit 1 if there are errors."""
    from imageregion.errors import FhirError
    from imageregion.fhir.studies import read_studies
    from imageregion.fhir.text.sources import read_document

    shelf = [read_document(one)[0] for one in endpoints or ()]
    found = read_studies(path, release=release, endpoints=shelf)
    if not found:
        raise FhirError(str(path), "no ImagingStudy in it")
    for one in found:
        _tell(one, str(path))
    if output == "json":
        typer.echo(json.dumps([one.to_dict() for one in found], indent=2, ensure_ascii=False))
    elif output == "csv":
        typer.echo(records_text([line for one in found for line in _lines(one)], output))
    else:
        for one in found:
            _print(one)
    if any(issue.severity == "error" for one in found for issue in one.issues):
        raise typer.Exit(1)


def _tell(study: Study, path: str) -> None:
    for issue in study.issues:
        if issue.severity != "information":
            say(f"{study.id or path}: {issue}")
    others = sum(issue.severity == "information" for issue in study.issues)
    if others:
        say(f"{study.id or path}: {others} remarks on its form; see --format json")


def _lines(study: Study) -> list[dict[str, Any]]:
    from imageregion.fhir.studies import effective_endpoints

    return [
        {
            "study": study.uid,
            "status": study.status,
            "series": series.uid,
            "modality": series.modality,
            "instances": len(series.instances),
            "endpoints": " ".join(one.address for one in effective_endpoints(study, series.uid)),
        }
        for series in study.series
    ]


def _print(study: Study) -> None:
    from imageregion.fhir.studies import RELEASES, effective_endpoints

    count = sum(len(series.instances) for series in study.series)
    typer.echo(
        f"{study.uid or '(no Study Instance UID)'}  {study.status or '(no status)'}  "
        f"{count} instances in {len(study.series)} series"
    )
    typer.echo(f"  read as {RELEASES[study.release]}: {study.evidence}")
    if not study.is_loadable:
        typer.echo(f"  not to be loaded: {study.reason_not_loadable}")
    for series in study.series or ():
        typer.echo(f"  {series.modality or '?'}  {series.uid}  {len(series.instances)} instances")
        for one in effective_endpoints(study, series.uid):
            typer.echo(f"    {', '.join(one.connection_types) or '?'}  {one.address}")
    if not study.series:
        for one in effective_endpoints(study):
            typer.echo(f"  {', '.join(one.connection_types) or '?'}  {one.address}")
