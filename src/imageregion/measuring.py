"""Measure: regions and images in, a report of numbers out. This is the main job."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from imageregion.blocks import Block, blocks_under, load_ahead
from imageregion.combining import combined_result
from imageregion.counting import rasterized
from imageregion.elsewhere import Destination, destination, located_on
from imageregion.errors import FhirError, ImageRegionError, Issue
from imageregion.locate import Located, instance_issues, locate
from imageregion.measurement import RegionResult
from imageregion.raster import Rule
from imageregion.region import Region
from imageregion.report import Report
from imageregion.results import region_result, unmeasured_result
from imageregion.settings import Features, Settings
from imageregion.shapes import FillRule

if TYPE_CHECKING:
    from imageregion.dicom.images import Images
    from imageregion.fhir.selection import Selection

__all__ = ["measure"]


def measure(
    selection: Selection | Any,
    images: Images | Any,
    *,
    rule: Rule = "center",
    fill_rule: FillRule = "evenodd",
    features: Features = "basic",
    estimators: bool = False,
    bounds: bool = False,
    resegment: tuple[float | None, float | None] | None = None,
    outliers: float | None = None,
    value: str = "default",
    uncalibrated: bool = False,
    on: str = "",
    close: bool = False,
    combine: bool = False,
    entered_in_error: bool = False,
    progress: Callable[[Iterable[Region]], Iterable[Region]] | None = None,
) -> Report:
    """Measure every region of a selection on the images it lies on.

    Parameters
    ----------
    selection : Selection
        Or anything `read_selection` takes.
    images : Images
        Or anything `open_images` takes; of a server only the series that the selection names are
        asked for, with `on` the whole study.
    rule : {"center", "touched", "exact"}
        Which pixels count; see `rasterize`. With "exact" every pixel enters the statistics with
        the share of its area that is covered, pixels of lines with the length of the line in mm.
    fill_rule : {"evenodd", "nonzero"}
        How outlines that cross themselves fill; see `Polygon`.
    features : {"basic", "first-order"}
        Report the usual statistics, or all of IBSI first order as well.
    estimators : bool
        Report the mean by every named estimator, too; see `estimate_mean`.
    bounds : bool
        Give, beside each statistic and counted size of a region, the interval it has over the
        rules center, exact and touched and over shifts of the region by half a pixel in each
        direction (not for the combined region, nor for the named estimators), and flag
        the region as `rule-sensitive` when the interval of the mean is wider than half the
        standard deviation of the values, or that of the counted size wider than a fifth of it.
    resegment : tuple of float or None, optional
        Lowest and highest real value that counts, both inclusive; None leaves an end open. As
        IBSI's range re-segmentation it changes the pixel values that enter the statistics and
        leaves sizes as they are.
    outliers : float, optional
        Leave out values further from the mean than so many population standard deviations, after
        re-segmentation; IBSI's intensity outlier filtering uses 3.
    value : str
        Which real values to measure, e.g. "suvbw", "hu", "stored", "rwv:g/ml": the name of a
        `Quantity` of the images; "default" for what a reader of the modality expects.
    uncalibrated : bool
        Report sizes in mm at the detector where nothing better is known, instead of in pixels.
    on : str
        Measure on other images than those the regions were drawn on: SOP Instance UID, Series
        Instance UID, or modality, e.g. "PT" for regions drawn on the CT of a PET/CT, or the UID of
        another level of a whole slide. Every region is taken to the patient, and from there to
        the nearest of these images, which must share its frame of reference.
    close : bool
        Measure unclosed 2-D outlines as areas; the report says which were closed.
    combine : bool
        Measure all regions as one, too: even-odd among areas of one plane (points and lines are
        added to them), stacked over planes.
    entered_in_error : bool
        Measure a selection although its status says it was entered in error.
    progress : callable, optional
        Wraps the sequence of regions, e.g. to show a progress bar.

    Returns
    -------
    Report
        One result per region and frame, or per region and stack of planes for 3-D regions. A
        region that cannot be measured is in the report with its reason; the others still are.

    Raises
    ------
    GeometryError
        On a choice that does not exist.
    FhirError
        When the selection was entered in error, or cannot be read.
    InputError
        When there are no images, or `on` names none of them, or several series.

    Examples
    --------
    >>> from pydicom.data import get_testdata_file
    >>> report = measure(
    ...     {
    ...         "resourceType": "ImagingSelection",
    ...         "status": "available",
    ...         "code": {"text": "nodule"},
    ...         "instance": [
    ...             {
    ...                 "uid": "1.3.6.1.4.1.5962.1.1.1.1.1.20040119072730.12322",
    ...                 "imageRegion2D": [
    ...                     {"regionType": "circle", "coordinate": [64, 64, 70, 64]}
    ...                 ],
    ...             }
    ...         ],
    ...     },
    ...     get_testdata_file("CT_small.dcm", download=False),
    ... )
    >>> report.results[0].get("count")
    112
    """
    settings = Settings(
        rule, fill_rule, features, estimators, bounds, resegment, outliers, value, uncalibrated
    )
    selection = _as_selection(selection)
    images = _as_images(images, selection, whole_study=bool(on))
    if selection.status == "entered-in-error" and not entered_in_error:
        raise FhirError(
            "ImagingSelection.status",
            "the selection was entered in error; measure it with entered_in_error=True "
            "(--entered-in-error) if you must",
        )
    there = destination(on, images) if on else None
    issues = [*selection.issues, *images.issues]
    results: list[RegionResult] = []
    regions = [(one.closed() if close else one).filled(fill_rule) for one in selection.regions]
    needed = partial(_blocks, images=images, there=there, settings=settings)
    with closing(load_ahead(regions, _nothing if images.traffic is None else needed)) as ahead:
        for _ in progress(selection.regions) if progress else selection.regions:
            region = next(ahead)
            issues += images.mismatches(region.target)
            located: list[tuple[Region, Located]] = []
            try:
                located = _located(region, images, there)
                if there is None:
                    issues += instance_issues(region, [one for _, one in located], images)
                found = [_result(region, moved, one, images, settings) for moved, one in located]
            except ImageRegionError as error:
                issues.append(Issue("error", "not-measured", region.path, str(error)))
                place = located[0][1] if located and there is None else None
                found = [unmeasured_result(region, settings, place)]
            results += found
    combined = None
    if combine:
        try:
            combined = combined_result(results, images, settings, moved=there is not None)
        except ImageRegionError as error:
            issues.append(Issue("error", "not-combined", "ImagingSelection", str(error)))
    return Report(selection, tuple(results), combined, tuple(dict.fromkeys(issues)))


def _located(
    region: Region, images: Images, there: Destination | None
) -> list[tuple[Region, Located]]:
    """Find the frames of a region, and the region as it lies there."""
    if there is None:
        return [(region, found) for found in locate(region, images)]
    return list(located_on(region, images, there))


def _blocks(
    region: Region, images: Images, there: Destination | None, settings: Settings
) -> Iterator[Block]:
    """Find what a region needs of images on a server; why it cannot be measured is told later."""
    with suppress(ImageRegionError):
        for _, located in _located(region, images, there):
            for part in rasterized(located.parts, settings):
                yield from blocks_under(part.frame, part.spans)


def _nothing(_: Region) -> tuple[Block, ...]:
    """Say that nothing need be loaded ahead: files are at hand."""
    return ()


def _result(
    drawn: Region, moved: Region, located: Located, images: Images, settings: Settings
) -> RegionResult:
    """Measure a region; that its outline was drawn open is told wherever it was taken."""
    result = region_result(moved, located, images, settings)
    if drawn.is_open and "unclosed" not in result.flags:
        return replace(result, flags=("unclosed", *result.flags))
    return result


def _as_selection(source: Any) -> Selection:
    from imageregion.fhir.document import read_selection
    from imageregion.fhir.selection import Selection

    return source if isinstance(source, Selection) else read_selection(source)


def _as_images(source: Any, selection: Selection, *, whole_study: bool) -> Images:
    """Open images; servers are asked for what the selection names, or for all there is beside."""
    from imageregion.dicom.images import Images

    if isinstance(source, Images):
        return source
    from imageregion.access import open_images
    from imageregion.dicom.web.settings import WebSettings

    web = WebSettings(whole_study=whole_study)
    return open_images(source, selection=selection, web=web)
