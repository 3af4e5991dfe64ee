"""Write a normalized ImagingSelection in a published form, with a list of what does not survive."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from imageregion.errors import InputError, Issue
from imageregion.fhir.normalized import Dialect, Normalized
from imageregion.fhir.reading.capped import capped
from imageregion.fhir.text.plain import as_json
from imageregion.fhir.writing.drafts import draft_of
from imageregion.fhir.writing.ledger import take_origins
from imageregion.fhir.writing.order import ordered
from imageregion.fhir.writing.r5 import to_r5
from imageregion.fhir.writing.r6 import to_r6
from imageregion.fhir.writing.snapshot1 import to_snapshot1

__all__ = ["FORMS", "Written", "write"]

FORMS: dict[str, Any] = {"r5": to_r5, "r6": to_r6, "r5-snapshot1": to_snapshot1}
"""The forms that can be written, and what does it."""

_NAMES = {"r5": "R5", "r6": "R6", "r5-snapshot1": "5.0.0-snapshot1"}
_PARTS_OF = uuid.UUID("6f1f3c0e-5f0b-5d6c-9c53-0a6b1f0e7a11")


@dataclass(frozen=True, slots=True, eq=False)
class Written:
    """A selection as written in another form.

    Parameters
    ----------
    resource : dict
        An ImagingSelection, or a Bundle of them where the form cannot say it in one; ``"r5"``
        always is one ImagingSelection.
    losses : tuple of Issue
        What does not survive: a "warning" where meaning is lost or kept in an extension only,
        "information" where the same is said in another way. Paths are those of the original.
    paths : mapping of str to tuple of str
        From the FHIRPath of every instance and region of the original to where it stands in
        `resource`: a 2-D multipoint becomes several points of R5, and stands in several places.
    """

    resource: dict[str, Any]
    losses: tuple[Issue, ...]
    paths: Mapping[str, tuple[str, ...]]


def write(normalized: Normalized, to: Dialect) -> Written:
    """Write a normalized ImagingSelection in a published form.

    The result is valid in its form, and meets the invariants isl-1 to isl-11 of R6 as far as its
    content allows. Elements that the form does not have go along in extensions, from which writing
    the earlier form restores them; all of them are in the list of losses.

    Parameters
    ----------
    normalized : Normalized
        Not changed.
    to : {"r5", "r6", "r5-snapshot1"}

    Returns
    -------
    Written

    Raises
    ------
    InputError
        For any other form.

    Examples
    --------
    >>> from imageregion.fhir.document import read_selection
    >>> selection = read_selection({
    ...     "resourceType": "ImagingSelection", "status": "available", "code": {"text": "Cyst"},
    ...     "studyUid": "1.2", "seriesUid": "1.2.3", "frameOfReferenceUid": "1.2.9",
    ...     "instance": [{"uid": "1.2.3.4", "subset": ["2"], "imageRegion3D": [
    ...         {"regionType": "point", "coordinate": [1, 2, 3]}]}]})
    >>> written = write(selection.normalized, "r6")
    >>> written.resource["instance"], written.resource["imageRegion3D"]
    ... # doctest: +NORMALIZE_WHITESPACE
    ([{'uid': '1.2.3.4', 'frameNumber': [2]}],
     [{'regionType': 'point', 'coordinate': [1, 2, 3]}])
    >>> written.paths["ImagingSelection.instance[0].imageRegion3D[0]"]
    ('ImagingSelection.imageRegion3D[0]',)
    """
    if to not in FORMS:
        raise InputError(f"expected one of {', '.join(FORMS)} to write, got {to!r:.40}")
    draft, ledger = draft_of(normalized, _NAMES[to])
    parts: list[dict[str, Any]] = FORMS[to](draft, ledger)
    losses = capped(ledger.losses)
    if len(parts) == 1:
        paths = take_origins(parts[0], "ImagingSelection")
        return Written(ordered(parts[0], to), losses, paths)
    return _bundle(parts, to, losses)


def _bundle(parts: list[dict[str, Any]], to: Dialect, losses: tuple[Issue, ...]) -> Written:
    paths: dict[str, tuple[str, ...]] = {}
    entries = []
    for number, part in enumerate(parts):
        for origin, places in take_origins(part, f"Bundle.entry[{number}].resource").items():
            paths[origin] = (*paths.get(origin, ()), *places)
        resource = ordered(part, to)
        name = uuid.uuid5(_PARTS_OF, as_json(resource).decode())
        entries.append({"fullUrl": f"urn:uuid:{name}", "resource": resource})
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    return Written(bundle, losses, paths)
