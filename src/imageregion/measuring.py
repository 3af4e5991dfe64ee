"""Measure: regions and images in, a report of numbers out. This is the main job."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from imageregion.combine import combined_result
from imageregion.errors import FhirError, ImageRegionError, Issue
from imageregion.locate import instance_issues, locate
from imageregion.measurement import RegionResult
from imageregion.raster import Rule
from imageregion.region import Region
from imageregion.report import Report
from imageregion.results import region_result, unmeasured_result

if TYPE_CHECKING:
    from imageregion.dicom.images import Images
    from imageregion.fhir.selection import Selection

__all__ = ["measure"]


def measure(
    selection: Selection | Any,
    images: Images | Any,
    *,
    rule: Rule = "center",
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
    rule : {"center"}
        Which pixels count; see `rasterize`.
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
        region = read.closed() if close else read
        issues += images.mismatches(region.target)
        try:
            located = locate(region, images)
            issues += instance_issues(region, located, images)
            found = [region_result(region, one, images, rule) for one in located]
        except ImageRegionError as error:
            issues.append(Issue("error", "not-measured", region.path, str(error)))
            found = [unmeasured_result(region, rule)]
        results += found
    combined = None
    if combine:
        try:
            combined = combined_result(results, images, rule)
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
