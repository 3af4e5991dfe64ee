"""Running every rule on one selection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imageregion.checking.drawing import drawing_issues
from imageregion.checking.elements import Resource
from imageregion.checking.findings import Findings
from imageregion.checking.identity import identity_issues
from imageregion.checking.invariants import invariant_issues
from imageregion.checking.placing import Placing
from imageregion.checking.stated import stated_issues
from imageregion.errors import FhirError, ImageRegionError, Issue

if TYPE_CHECKING:
    from imageregion.dicom.images import Images
    from imageregion.fhir.selection import Selection

__all__ = ["check"]

_SELECTIONS = ("ImagingSelection", "ImagingReference")


def check(
    selection: Selection | Any, images: Images | Any | None = None, *, pixels: bool = True
) -> Findings:
    """Find everything that is wrong or noteworthy about a selection.

    Parameters
    ----------
    selection : Selection
        Or anything `read_selection` takes.
    images : Images, optional
        Or anything `open_images` takes. With images, every region is also looked for on them, and
        `Findings.conventions` tells how plausible each region is as written, and by other
        conventions.
    pixels : bool
        With images, whether pixels may be decoded to see if outlines lie on edges.

    Returns
    -------
    Findings
        A sequence of issues, each with severity, the id of its rule (see `RULES`), the FHIRPath,
        and a sentence. No issue of severity "error" means that the resource breaks no rule of its
        version of FHIR that is checked here, and that every region can be measured.

    Raises
    ------
    InputError
        When the selection or the images cannot be read at all.

    Examples
    --------
    >>> for issue in check({"resourceType": "ImagingSelection", "status": "available",
    ...                     "code": {}, "seriesUid": "1.2"}):
    ...     print(issue.severity, issue.code, issue.path)
    warning isl-2 ImagingSelection.seriesUid
    """
    from imageregion.fhir.document import read_selection
    from imageregion.fhir.selection import Selection

    try:
        read = selection if isinstance(selection, Selection) else read_selection(selection)
    except FhirError as error:
        refusal = Issue("error", "unreadable", error.path, error.message)
        return Findings(_each_once([refusal, *_despite(selection)]))
    issues = list(read.issues)
    if read.normalized is None:
        issues += _despite(read.resource)
    elif not any(issue.code == "too-many-issues" for issue in read.errors):
        issues += _about_form(Resource(read.normalized))
    issues += drawing_issues(read.regions)
    placing = None
    if images is not None:
        placing = Placing(_opened(images, read), pixels)
        if read.normalized is not None:
            issues += stated_issues(Resource(read.normalized), placing.images)
        for region in read.regions:
            issues += placing.issues(region)
        issues += placing.image_issues()
    rankings = tuple(placing.rankings) if placing else ()
    return Findings(_each_once(issues), rankings, read.name, read.dialect)


def _about_form(resource: Resource) -> list[Issue]:
    return [*invariant_issues(resource), *identity_issues(resource)]


def _despite(source: Any) -> list[Issue]:
    """What else is wrong with a resource that cannot be read as a whole."""
    from imageregion.fhir.dialects import normalize
    from imageregion.fhir.document import read_document
    from imageregion.fhir.text.plain import plain

    try:
        content = plain(read_document(source)[0])
        if not isinstance(content, dict) or content.get("resourceType") not in _SELECTIONS:
            return []
        return _about_form(Resource(normalize(content)))
    except ImageRegionError:  # what stands in the way is told already
        return []


def _opened(images: Any, selection: Selection) -> Images:
    from imageregion.access import open_images
    from imageregion.dicom.images import Images

    return images if isinstance(images, Images) else open_images(images, selection=selection)


def _each_once(issues: list[Issue]) -> tuple[Issue, ...]:
    """Leave out what was found twice: the same rule at the same place, though in other words."""
    from imageregion.fhir.reading.capped import capped

    found: dict[tuple[str, str], list[Issue]] = {}
    for issue in issues:
        known = found.setdefault((issue.code, issue.path), [])
        if issue not in known and not (known and issue.code == "not-an-image"):
            known.append(issue)
    return capped(issue for group in found.values() for issue in group)
