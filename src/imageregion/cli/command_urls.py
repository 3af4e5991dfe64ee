"""``imageregion urls``: what opens the regions of a selection in a browser, viewer or client."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from imageregion.cli.app import app
from imageregion.cli.console import open_sources, read_each, records_text, say
from imageregion.cli.options import OutputFormat, asks_servers
from imageregion.errors import ImageRegionError, InputError

if TYPE_CHECKING:
    from imageregion.dicom.images import Images
    from imageregion.fhir.selection import Selection
    from imageregion.fhir.studies import Endpoint, Study
    from imageregion.fhir.urls import RegionUrls
    from imageregion.region import Region

__all__ = ["urls"]


@app.command(
    epilog="Example: imageregion urls selection.json --endpoint https://pacs.example.org/dicomweb "
    "--images study/ --window 40,400"
)
@asks_servers
def urls(
    selection: Annotated[
        Path,
        typer.Argument(
            metavar="SELECTION",
            help="ImagingSelection of any version of FHIR, JSON or XML; also a Bundle, a JSON "
            "array or NDJSON.",
        ),
    ],
    endpoint: Annotated[
        list[str] | None,
        typer.Option(
            "--endpoint",
            "-e",
            metavar="URL|FILE",
            help="Base URL of the service, or FHIR Endpoint; may be repeated. By default those of "
            "the selection and of its study.",
        ),
    ] = None,
    study: Annotated[
        Path | None,
        typer.Option("--study", metavar="FILE", help="FHIR ImagingStudy, alone or in a Bundle."),
    ] = None,
    images: Annotated[
        list[str] | None,
        typer.Option(
            "--images",
            "-i",
            metavar="PATH|URL",
            help="Images the regions lie on: pictures then show the region alone.",
        ),
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            "--kind",
            "-k",
            help="rendered, thumbnail, wado-uri, iid, iid-region (a draft), metadata, retrieve or "
            "frames; may be repeated.",
        ),
    ] = None,
    window: Annotated[
        str | None,
        typer.Option(
            "--window", metavar="CENTER,WIDTH[,FUNCTION]", help="Display window of the pictures."
        ),
    ] = None,
    size: Annotated[int, typer.Option("--size", help="Longer side of the pictures, pixels.")] = 512,
    margin: Annotated[
        float, typer.Option("--margin", help="Around the region, as a share of its size.")
    ] = 0.25,
    every_slice: Annotated[
        bool, typer.Option("--every-slice", help="Regions in mm: all slices, not the largest cut.")
    ] = False,
    output: Annotated[
        OutputFormat, typer.Option("--format", "-f", help="What to print.")
    ] = "table",
) -> None:
    """Build URLs that show regions: WADO-RS, WADO-URI, IHE Invoke Image Display.

    None of them is asked for. Exit 1 if some selection or region cannot be read or gets no URL,
    2 if none can.
    """
    from imageregion.fhir.studies import read_study
    from imageregion.fhir.urls import as_windowing

    read, unread = read_each([selection])
    for one in read:
        for issue in one.issues:
            if issue.severity == "error" or issue.code in ("entered-in-error", "inactive"):
                say(f"{one.name}: {issue}")
    usable = [one for one in read if one.normalized is not None]
    unread += len(read) - len(usable)
    if not usable:
        raise typer.Exit(2)
    unread += any(one.errors for one in usable)
    read = usable
    whole = read_study(study) if study else None
    for issue in whole.issues if whole else ():
        if issue.severity != "information":
            say(f"{study}: {issue}")
    options = {
        "kinds": kind,
        "window": as_windowing(window.split(",")) if window else None,
        "size": size,
        "margin": margin,
        "study": whole.uid if whole else "",
    }
    given = [_endpoint(text) for text in endpoint or ()]
    shelf = None if given else _document(selection)
    opened = open_sources(images, selections=read) if images else None
    found = []
    for one in read:
        served = given or _own_endpoints(one, whole, shelf)
        if not served:
            raise InputError("no endpoint in the selection or its study; give --endpoint")
        found.append((one, _build(one, served, opened, every_slice=every_slice, **options)))
    _print(found, output)
    if unread or any(issue.severity == "error" for _, urls in found for issue in urls.issues):
        raise typer.Exit(1)


def _endpoint(text: str) -> Endpoint | str:
    if text.lower().startswith(("http://", "https://")):
        return text
    from imageregion.fhir.studies import read_endpoint

    return read_endpoint(text)


def _document(path: Path) -> Any:
    """Return the Bundle that the selection is in, where its Endpoints may be, too."""
    from imageregion.fhir.text.sources import read_document

    try:
        document, _ = read_document(path)
    except ImageRegionError:  # many lines, of one resource each
        return None
    is_bundle = isinstance(document, dict) and document.get("resourceType") == "Bundle"
    return document if is_bundle else None


def _own_endpoints(selection: Selection, study: Study | None, shelf: Any) -> list[Endpoint | str]:
    from imageregion.fhir.studies import effective_endpoints, endpoints_of_selection

    normalized = selection.normalized
    resource = normalized.resource if normalized else selection.resource
    own, issues = endpoints_of_selection(resource, shelf)
    for issue in issues:
        if issue.severity != "information":
            say(f"{selection.name}: {issue}")
    return list(effective_endpoints(study, selection.series, own))


def _build(
    selection: Selection,
    endpoints: Sequence[Endpoint | str],
    images: Images | None,
    *,
    every_slice: bool,
    **options: Any,
) -> RegionUrls:
    from imageregion.fhir.urls import region_urls

    if images is None:
        return region_urls(selection, endpoints, **options)
    regions = [
        cut
        for region in selection.regions
        for cut in _on_images(selection.name, region, images, every_slice=every_slice)
    ]
    flat = replace(selection, regions=tuple(regions))
    return region_urls(flat, endpoints, image_shape=_shapes(images), **options)


def _shapes(images: Images) -> dict[str, tuple[int, int]]:
    """Return sizes by instance; no parameter addresses the total pixel matrix of a slide."""
    return {frame.instance: frame.shape for frame in images.frames if frame.tiles is None}


def _on_images(name: str, region: Region, images: Images, *, every_slice: bool) -> Iterator[Region]:
    """Yield a region in mm as it is cut by images; other regions as they are."""
    if region.shape is None or region.shape.dimension == 2:
        yield region
        return
    from imageregion.locate import locate

    try:
        parts = [part for located in locate(region, images) for part in located.parts]
    except ImageRegionError as error:
        say(f"{name}: warning {region.path}: {error}")
        yield region
        return
    cuts = [(part.frame, part.shape) for part in parts if part.shape is not None]
    if cuts and not every_slice:
        largest = max(cuts, key=lambda cut: float((cut[1].bounds[1] - cut[1].bounds[0]).prod()))
        if len(cuts) > 1:
            say(f"{name}: {region.path}: the largest of {len(cuts)} cuts, on {largest[0].instance}")
        cuts = [largest]
    for frame, shape in cuts:
        several = len(images.of_instance(frame.instance)) > 1
        target = replace(
            region.target,
            study=frame.study,
            series=frame.series,
            instance=frame.instance,
            frames=(frame.number,) if several else (),
        )
        yield replace(region, shape=shape, target=target)


def _print(found: Sequence[tuple[Selection, RegionUrls]], output: OutputFormat) -> None:
    for selection, urls in found:
        for issue in urls.issues:
            say(f"{selection.name}: {issue}")
    if output == "json":
        records = [
            {"selection": selection.name, "urls": urls.records()} for selection, urls in found
        ]
        typer.echo(json.dumps(records, indent=2, ensure_ascii=False))
        return
    if output == "csv":
        lines = [
            {"selection": one.name, **record} for one, urls in found for record in urls.records()
        ]
        typer.echo(records_text(lines, output))
        return
    for selection, urls in found:
        region = None
        for url in urls:
            if (url.region, url.label) != region:
                region = (url.region, url.label)
                typer.echo(f"{selection.name}  {url.label}  {url.region}".strip())
            draft = "  (draft)" if url.is_draft else ""
            typer.echo(f"  {url.kind:<10}  {url.url}{draft}")
