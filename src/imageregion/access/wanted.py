"""Wanted: which studies, series and instances the regions of selections lie on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from imageregion.fhir.selection import Selection

__all__ = ["Wanted", "wanted_of"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """The images of a region, as far as a selection names them.

    Parameters
    ----------
    study, series, instance : str
        UIDs; empty where not named.
    flat : bool
        Whether the region lies on this instance alone: it is 2-D.
    """

    study: str
    series: str
    instance: str
    flat: bool = True


def wanted_of(selections: Iterable[Selection]) -> tuple[Wanted, ...]:
    """Return what selections name, each once, in their order.

    Examples
    --------
    >>> from imageregion.fhir.document import read_selection
    >>> selection = read_selection({
    ...     "resourceType": "ImagingSelection", "status": "available", "code": {"text": "cyst"},
    ...     "studyUid": "1.2", "seriesUid": "1.2.3", "instance": [{"uid": "1.2.3.4",
    ...     "imageRegion2D": [{"regionType": "point", "coordinate": [1, 2]}]}]})
    >>> wanted_of([selection])
    (Wanted(study='1.2', series='1.2.3', instance='1.2.3.4', flat=True),)
    """
    found: dict[Wanted, None] = {}
    for selection in selections:
        for region in selection.regions:
            target, shape = region.target, region.shape
            study, series = target.study or selection.study, target.series or selection.series
            flat = bool(target.instance) and (shape is None or shape.dimension == 2)
            found[Wanted(study, series, target.instance, flat)] = None
        if not selection.regions and (selection.study or selection.series):
            found[Wanted(selection.study, selection.series, "", flat=False)] = None
    return tuple(found)
