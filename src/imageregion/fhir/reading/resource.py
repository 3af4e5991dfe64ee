"""From an ImagingSelection of any version to a `Selection`.

Lenient on form, strict on meaning. A fault inside one region costs that region, inside one instance
that instance, elsewhere the resource. Names of the issues found here (`Issue.code`):

========================  ==========================================================================
error
------------------------  --------------------------------------------------------------------------
invalid-element           fhir.resources refuses an element of the region or instance
contradiction             a region or instance says two things at once
repeated-key              the JSON text gives a key of a region or instance twice
misplaced                 an element that limits the selection, in a place where FHIR has it not
several-selectors         frames and segments of one instance, or the like
empty-list                an empty list where leaving the element out would mean everything
no-target                 it is not said on what a region lies, or nothing is selected
no-frame-of-reference     imageRegion3D without frameOfReferenceUid
not-an-image              imageRegion2D on a report, structure set or presentation state
subset                    not a list of frame numbers, or a selector of another kind of instance
region-type               no or unknown region code, or the code ``unknown``
coordinate                not a list of finite numbers
coordinate-count          too few or too many numbers
too-many-coordinates      more than `coordinates.MAX_COORDINATES`
too-many-issues           more than `regions.MAX_ISSUES`; the regions that follow are not read
no-extent                 radius, axis or line of length zero
axes-midpoint             the axes do not meet in their middles
axes-angle                the axes are not perpendicular
unclosed, no-area         a 3-D polygon that is not closed, or spans no area
not-planar                a 3-D polygon that does not lie in a plane
geometry                  anything else that makes no shape
warning
------------------------  --------------------------------------------------------------------------
entered-in-error          the selection was withdrawn
inactive                  no longer in use (FHIR R6); measured all the same
modifier-extension        an extension that may change the meaning, and is not understood
unknown-element           not an element of FHIR; kept, not used
unknown-attribute         the same of XML; left out
unknown-text              text between the elements of XML; left out
invalid-id                an id with characters that FHIR does not allow
invalid-narrative         fhir.resources refuses the text for people
unclosed, no-area         a 2-D outline that is only a line, or spans no area
axes-order                the major axis is the shorter one
outside-image             negative pixel coordinates
information
------------------------  --------------------------------------------------------------------------
mixed-dialects            an element of another version than the others
no-type                   no resourceType
no-status, no-code        none, in a version that asks for none
uid-prefix                blanks or ``urn:oid:`` stripped from a UID
code-case                 a code in other than lower case
comma-list                several frame numbers in one item
no-frames                 segments, content items, ... are selected, which choose no pixels
implicitly-closed         a 2-D polygon, as early versions have it, whose ends differ
beside-3d                 how instances beside 3-D regions of the resource are understood
same-region               a 3-D region that stands in several instances, read as one
element-order, namespace  XML in another order, or without the namespace of FHIR
sub-pixel                 smaller than one pixel in both directions
========================  ==========================================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imageregion.errors import FhirError, Issue
from imageregion.fhir.dialects import normalize
from imageregion.fhir.manifest import read_pieces
from imageregion.fhir.normalized import Dialect, Normalized, fhirpath, original_place
from imageregion.fhir.reading.form import UIDS, check_form
from imageregion.fhir.reading.regions import read_regions
from imageregion.fhir.reading.repeated import refuse_repeated
from imageregion.fhir.selection import Selection
from imageregion.fhir.targets import clean_uid
from imageregion.fhir.text.plain import brief, is_shallow, plain
from imageregion.fhir.text.xml_reading import XmlResource

__all__ = ["read_manifest", "read_resource"]

_MANIFEST = "ImagingManifest"
_TYPES = ("ImagingSelection", "ImagingReference", "Basic", _MANIFEST)
_UNTYPED = ("instances", "frameOfReference")  # of drafts that may have no resourceType


def read_resource(
    resource: Mapping[str, Any],
    source: str = "",
    *,
    dialect: Dialect | None = None,
    is_regular: bool = False,
) -> Selection:
    """Read an ImagingSelection resource.

    Parameters
    ----------
    resource : mapping
        Parsed JSON; copied, never changed.
    source : str
        Where it came from.
    dialect : Dialect, optional
        See `DIALECTS`; recognised when not given.
    is_regular : bool
        `resource` is part of a regular value of `fhir.plain.parse_regular` that nobody changes; it
        need not be copied.

    Returns
    -------
    Selection
        With the regions that can be read, and an issue for each that cannot.

    Raises
    ------
    FhirError
        When the resource as a whole cannot be read.
    InputError
        When it holds something other than JSON values, or is nested too deep; when there is no
        such dialect.

    Examples
    --------
    >>> selection = read_resource({
    ...     "resourceType": "ImagingSelection", "status": "available", "code": {"text": "Cyst"},
    ...     "seriesUid": "1.2",
    ...     "instance": [{"uid": "urn:oid:1.2.3", "imageRegion2D": [
    ...         {"regionType": "point", "coordinate": [8, 8]},
    ...         {"regionType": "circle", "coordinate": [8, 8]}]}],
    ... })
    >>> [region.path for region in selection.regions]
    ['ImagingSelection.instance[0].imageRegion2D[0]']
    >>> for issue in selection.errors:
    ...     print(issue)  # doctest: +NORMALIZE_WHITESPACE
    error ImagingSelection.instance[0].imageRegion2D[1].coordinate:
    expected 4 numbers (centre, point on the circle), got 2
    """
    issues = [*_require_type(resource, dialect), *_oddities(resource)]
    is_ready = is_regular and isinstance(resource, dict) and is_shallow(resource)
    original: dict[str, Any] = resource if is_ready else plain(resource)  # type: ignore[assignment]
    (normalized,) = refuse_repeated(resource, [normalize(original, dialect)])
    return _selection(original, normalized, issues, source)


def read_manifest(resource: Mapping[str, Any], source: str = "") -> tuple[Selection, ...]:
    """Read an ImagingManifest of FHIR STU3, as one selection for each study and series.

    Parameters
    ----------
    resource : mapping
        Parsed JSON; copied, never changed.
    source : str
        Where it came from.

    Returns
    -------
    tuple of Selection
        Each holds the whole manifest as its resource; `Selection.source` tells its series.

    Raises
    ------
    FhirError
        When it is no manifest, or no series of it can be used.
    InputError
        As `read_resource`.

    Examples
    --------
    >>> (selection,) = read_manifest({
    ...     "resourceType": "ImagingManifest", "patient": {"reference": "Patient/1"},
    ...     "study": [{"uid": "urn:oid:1.2", "series": [{"uid": "urn:oid:1.2.3", "instance": [
    ...         {"uid": "urn:oid:1.2.3.4", "sopClass": "urn:oid:1.2.840.10008.5.1.4.1.1.2"}]}]}]})
    >>> selection.regions[0].path
    'ImagingManifest.study[0].series[0].instance[0]'
    """
    issues = _oddities(resource)
    original: dict[str, Any] = plain(resource)
    pieces = []
    for piece in read_pieces(original):
        places = {place: (_MANIFEST, *origin) for place, origin in piece.places.items()}
        pieces.append(
            Normalized(
                piece.resource, "manifest", f"resourceType {_MANIFEST}", places, piece.issues
            )
        )
    selections = []
    for normalized in refuse_repeated(resource, pieces):
        place = original_place(("seriesUid",), normalized.places)
        where = fhirpath(place).removesuffix(".uid")
        name = f"{source}: {where}" if source else where
        selections.append(_selection(original, normalized, issues, name))
    return tuple(selections)


def _oddities(resource: Any) -> list[Issue]:
    """Return what was odd about the text of a resource."""
    return list(resource.issues) if isinstance(resource, XmlResource) else []


def _selection(
    original: dict[str, Any], normalized: Normalized, issues: list[Issue], source: str
) -> Selection:
    form = check_form(normalized)
    known = normalized.resource
    study, series, reference = (_text(known, name) for name in UIDS)
    regions, found, merged = read_regions(form)
    return Selection(
        id=str(known.get("id") or ""),
        status=form.status,
        code=_words(known.get("code")),
        study=study,
        series=series,
        frame_of_reference=reference,
        regions=regions,
        issues=(*issues, *form.issues, *found),
        resource=original,
        source=source,
        normalized=normalized,
        merged=merged,
    )


def _require_type(resource: object, dialect: Dialect | None) -> list[Issue]:
    if not isinstance(resource, Mapping):
        raise FhirError("ImagingSelection", f"expected a JSON object, got {brief(resource)}")
    kind = resource.get("resourceType")
    if kind is None and (dialect or any(name in resource for name in _UNTYPED)):
        message = "no resourceType, read as an ImagingSelection by its elements"
        return [Issue("information", "no-type", "ImagingSelection", message)]
    if not isinstance(kind, str):
        raise FhirError("resourceType", f"expected ImagingSelection, got {brief(kind)}")
    if kind not in _TYPES:
        raise FhirError(f"{kind:.60}", f"expected ImagingSelection, got {kind:.60}")
    return []


def _text(element: dict[str, Any], name: str) -> str:
    value = element.get(name)
    return clean_uid(value) if isinstance(value, str) else ""


def _words(concept: object) -> str:
    """Return a CodeableConcept in words: its text, or the first display or code."""
    if not isinstance(concept, dict):
        return ""
    codings = concept.get("coding")
    choices = [concept.get("text")]
    for coding in codings if isinstance(codings, list) else []:
        choices += [coding.get("display"), coding.get("code")] if isinstance(coding, dict) else []
    return next((choice for choice in choices if isinstance(choice, str) and choice), "")
