"""Measure: regions and images in, a report of numbers out. This is the main job."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from imageregion.combining import combined_result
from imageregion.errors import FhirError, ImageRegionError, Issue
from imageregion.locate import instance_issues, locate
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
        Or anything `open_images` takes.
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
        When there are no images.

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
    settings = Settings(rule, fill_rule, features, estimators, bounds, resegment, outliers)
    selection, images = _as_selection(selection), _as_images(images)
    if selection.status == "entered-in-error" and not entered_in_error:
        raise FhirError(
            "ImagingSelection.status",
            "the selection was entered in error; measure it with entered_in_error=True "
            "(--entered-in-error) if you must",
        )
    issues = [*selection.issues, *images.issues]
    results: list[RegionResult] = []
    for read in progress(selection.regions) if progress else selection.regions:
        region = (read.closed() if close else read).filled(fill_rule)
        issues += images.mismatches(region.target)
        try:
            located = locate(region, images)
            issues += instance_issues(region, located, images)
            found = [region_result(region, one, images, settings) for one in located]
        except ImageRegionError as error:
            issues.append(Issue("error", "not-measured", region.path, str(error)))
            found = [unmeasured_result(region, settings)]
        results += found
    combined = None
    if combine:
        try:
            combined = combined_result(results, images, settings)
        except ImageRegionError as error:
            issues.append(Issue("error", "not-combined", "ImagingSelection", str(error)))
    return Report(selection, tuple(results), combined, tuple(dict.fromkeys(issues)))


def _as_selection(source: Any) -> Selection:
    from imageregion.fhir.document import read_selection
    from imageregion.fhir.selection import Selection

    return source if isinstance(source, Selection) else read_selection(source)


def _as_images(source: Any) -> Images:
    from imageregion.dicom.images import Images
    from imageregion.dicom.opening import open_images

    return source if isinstance(source, Images) else open_images(source)
