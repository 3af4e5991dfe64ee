"""Normalizing: from any published form of an ImagingSelection to the one form for all."""

from __future__ import annotations

from typing import Any

from imageregion.errors import FhirError
from imageregion.fhir.cross_version import from_basic
from imageregion.fhir.dialects.detection import detect
from imageregion.fhir.dialects.draft import Draft
from imageregion.fhir.dialects.regions import put_regions
from imageregion.fhir.dialects.renaming import rename, tidy
from imageregion.fhir.dialects.selectors import put_selectors
from imageregion.fhir.normalized import Dialect, Normalized

__all__ = ["normalize"]


def normalize(original: dict[str, Any], dialect: Dialect | None = None) -> Normalized:
    """Turn an ImagingSelection of any version into the form that `Normalized` describes.

    Every element of every version has one meaning wherever it stands, so that resources that mix
    versions, as people write them, are read as well; an element that contradicts another is not.

    Parameters
    ----------
    original : dict
        Plain JSON (`fhir.plain.plain`); not changed. Wrong types stay as they are.
    dialect : Dialect, optional
        Recognised when not given; what several versions share is read as R5 5.0.0.

    Returns
    -------
    Normalized
        Its parts may be shared with `original`; change neither. The issues with an error name
        regions and instances that contradict themselves.

    Raises
    ------
    FhirError
        When the resource contradicts itself or the dialect asked for, or is an ImagingManifest.
    InputError
        When there is no such dialect.

    Examples
    --------
    >>> normalized = normalize({"resourceType": "ImagingSelection", "instances": [
    ...     {"uid": "urn:oid:1.2", "frameList": "1,2", "imageRegion": {
    ...         "regionType": "POINT", "coordinateType": "2D", "coordinates": [3, 4]}}]})
    >>> normalized.dialect, normalized.resource["instance"]
    ... # doctest: +NORMALIZE_WHITESPACE
    ('r5-draft', [{'uid': '1.2',
      'imageRegion2D': [{'regionType': 'point', 'coordinate': [3, 4]}], 'frameNumber': [1, 2]}])
    >>> normalized.places["instance", 0, "imageRegion2D", 0]
    ('instances', 0, 'imageRegion')
    """
    found, evidence, issues = detect(original, dialect)
    if found == "manifest":
        raise FhirError("ImagingManifest", "of one or more series: use read_selections for each")
    if found == "r4-basic":
        original = from_basic(original)
    draft = Draft(original, found)
    draft.issues += issues
    rename(draft)
    put_regions(draft)
    put_selectors(draft)
    tidy(draft)
    return Normalized(draft.resource, found, evidence, draft.places, tuple(draft.issues))
