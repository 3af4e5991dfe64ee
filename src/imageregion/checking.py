"""Check: what is wrong with a selection, and with its regions on the images, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imageregion.errors import FhirError, ImageRegionError, Issue
from imageregion.locate import instance_issues, locate
from imageregion.outside import leaves_image, outside_fraction
from imageregion.region import Region
from imageregion.shapes import Shape

if TYPE_CHECKING:
    from imageregion.dicom.images import Images
    from imageregion.fhir.selection import Selection

__all__ = ["check"]

_ROUNDING = 1e-9


def check(selection: Selection | Any, images: Images | Any | None = None) -> tuple[Issue, ...]:
    """Find everything that is wrong or noteworthy about a selection.

    Parameters
    ----------
    selection : Selection
        Or anything `read_selection` takes.
    images : Images, optional
        Or anything `open_images` takes. With images, every region is also looked for on them; no
        pixel is decoded.

    Returns
    -------
    tuple of Issue
        Each with severity, a stable code, the FHIRPath, and a sentence. No issue of severity
        "error" means that every region can be measured.

    Raises
    ------
    InputError
        When the selection or the images cannot be read at all.

    Examples
    --------
    >>> for issue in check({"resourceType": "ImagingSelection", "status": "available"}):
    ...     print(issue.severity, issue.path)
    error ImagingSelection.code
    """
    from imageregion.fhir.document import read_selection
    from imageregion.fhir.selection import Selection

    try:
        read = selection if isinstance(selection, Selection) else read_selection(selection)
    except FhirError as error:
        return (Issue("error", "invalid", error.path, error.message),)
    issues = list(read.issues)
    if images is not None:
        from imageregion.dicom.images import Images
        from imageregion.dicom.opening import open_images

        opened = images if isinstance(images, Images) else open_images(images)
        issues += opened.issues
        for region in read.regions:
            issues += _on_images(region, opened)
    return tuple(dict.fromkeys(issues))


def _on_images(region: Region, images: Images) -> list[Issue]:
    issues = list(images.mismatches(region.target))
    try:
        found = locate(region, images)
    except ImageRegionError as error:
        return [*issues, Issue("error", "not-located", region.path, str(error))]
    issues += instance_issues(region, found, images)
    for part in (part for located in found for part in located.parts):
        side = "" if part.shape is None else _side(part.shape, part.frame.shape)
        if side:
            rows, columns = part.frame.shape
            frame = f" frame {part.frame.number}" if part.frame.number else ""
            message = (
                f"lies {side} outside image {part.frame.instance}{frame} of {columns} columns and "
                f"{rows} rows"
            )
            issues.append(Issue("warning", "outside-image", region.path, message))
    if any(located.share < 1 - 1e-9 for located in found):
        message = "lies partly outside the space between the image planes"
        issues.append(Issue("warning", "partly-off-planes", region.path, message))
    return issues


def _side(shape: Shape, image_shape: tuple[int, int]) -> str:
    """Tell how a shape in pixels lies outside an image."""
    if not leaves_image(shape, image_shape):
        return ""
    share = outside_fraction(shape, image_shape)
    if share is None:
        return "partly"
    return "wholly" if share > 1 - _ROUNDING else "partly" if share > _ROUNDING else ""
