"""Which endpoints hold for a series: its own, and those of the study that it does not override."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from imageregion.errors import FhirError
from imageregion.fhir.studies.elements import Notes, items
from imageregion.fhir.studies.endpoints import endpoint_from
from imageregion.fhir.studies.references import Library, Shelf
from imageregion.fhir.studies.values import Endpoint, Study

__all__ = [
    "MAX_ENDPOINTS",
    "combine",
    "effective_endpoints",
    "endpoint_references",
    "endpoints_of",
    "endpoints_of_selection",
]

MAX_ENDPOINTS = 32
"""Most endpoints that are read of one study, series or selection."""


def effective_endpoints(
    study: Study | None, series_uid: str = "", selection_endpoints: Sequence[Endpoint] = ()
) -> tuple[Endpoint, ...]:
    """Return the endpoints that hold for a series, the most specific first.

    A series-level endpoint overrides one of the study with the same connection type (FHIR
    ImagingStudy.endpoint); an endpoint of the study with several connection types keeps those that
    are not overridden. Endpoints of an ImagingSelection are the most specific and come first,
    without overriding the others.

    Parameters
    ----------
    study : Study or None
    series_uid : str
        A series that the study does not list, or none, has the endpoints of the study.
    selection_endpoints : sequence of Endpoint
        Of the ImagingSelection, see `endpoints_of_selection`.

    Returns
    -------
    tuple of Endpoint
        Each address and connection type once. Those that are not active are among them.

    Examples
    --------
    >>> from imageregion.fhir.studies import SeriesEntry
    >>> whole = (Endpoint("https://a.org/rs", ("dicom-wado-rs",)),
    ...          Endpoint("https://a.org/view", ("ihe-iid",)))
    >>> own = Endpoint("https://b.org/rs", ("dicom-wado-rs",))
    >>> study = Study("1.2", endpoints=whole, series=(SeriesEntry("1.2.3", endpoints=(own,)),))
    >>> for endpoint in effective_endpoints(study, "1.2.3"):
    ...     print(endpoint)
    Endpoint('https://b.org/rs', dicom-wado-rs)
    Endpoint('https://a.org/view', ihe-iid)
    """
    series = study.find_series(series_uid) if study else None
    below = combine(series.endpoints if series else (), study.endpoints if study else ())
    return _each_once((*selection_endpoints, *below))


def combine(own: Iterable[Endpoint], general: Iterable[Endpoint]) -> tuple[Endpoint, ...]:
    """Return the endpoints of a series, and those of its study that they do not override."""
    own = tuple(own)
    taken = {kind for endpoint in own for kind in endpoint.connection_types}
    found = list(own)
    for endpoint in general:
        left = tuple(kind for kind in endpoint.connection_types if kind not in taken)
        if left or not endpoint.connection_types:
            found.append(replace(endpoint, connection_types=left))
    return _each_once(found)


def endpoints_of(
    element: Mapping[str, Any], owner: Mapping[str, Any], library: Library, path: str, notes: Notes
) -> tuple[Endpoint, ...]:
    """Return the endpoints that an element refers to, with an issue for each that is no use.

    Those entered in error are left out: they were never meant.
    """
    found: list[Endpoint] = []
    for place, reference in endpoint_references(element, path, notes):
        resource = library.find(reference, owner)
        if isinstance(resource, Endpoint):
            endpoint = resource
        elif not isinstance(resource, Mapping) or resource.get("resourceType") != "Endpoint":
            _explain(reference, resource, place, notes)
            continue
        else:
            try:
                endpoint = endpoint_from(resource, f"{place}.resolve()")
            except FhirError as error:
                notes.add("error", "endpoint", error.path, error.message)
                continue
        notes.extend(endpoint.issues)
        if endpoint.status != "entered-in-error":
            found.append(endpoint)
    return _each_once(found)


def endpoint_references(
    element: Mapping[str, Any], path: str, notes: Notes
) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the references to endpoints of an element, at most `MAX_ENDPOINTS`, with FHIRPaths."""
    listed = items(element, "endpoint", path, notes)
    found = list(islice(listed, MAX_ENDPOINTS))
    if len(found) == MAX_ENDPOINTS and next(listed, None):
        message = f"more than {MAX_ENDPOINTS}; the rest is left out"
        notes.add("error", "too-many-endpoints", f"{path}.endpoint", message)
    return found


def endpoints_of_selection(
    resource: Mapping[str, Any], shelf: Shelf = None
) -> tuple[tuple[Endpoint, ...], tuple[Any, ...]]:
    """Return the endpoints of an ImagingSelection, and issues for those that are no use.

    Parameters
    ----------
    resource : mapping
        The ImagingSelection as JSON.
    shelf : Shelf
        Where the Endpoints are, unless contained: a Bundle, Endpoints, or a mapping by reference.

    Examples
    --------
    >>> own = {"resourceType": "Endpoint", "id": "e", "status": "active",
    ...        "connectionType": [{"coding": [{"code": "ihe-iid"}]}], "address": "https://a.org"}
    >>> selection = {"contained": [own], "endpoint": [{"reference": "#e"}]}
    >>> endpoints_of_selection(selection)[0]
    (Endpoint('https://a.org', ihe-iid),)
    """
    notes = Notes()
    found = endpoints_of(resource, resource, Library(shelf), "ImagingSelection", notes)
    return found, notes.issues()


def _explain(reference: Mapping[str, Any], found: object, place: str, notes: Notes) -> None:
    text = reference.get("reference") or reference.get("display") or "a logical reference"
    if isinstance(found, Mapping):
        message = f"expected an Endpoint, {text!s:.200} is {found.get('resourceType')!s:.60}"
    else:
        message = f"{text!s:.200} is not at hand, so its address is not known"
    notes.add("warning", "endpoint-unresolved", place, message)


def _each_once(endpoints: Iterable[Endpoint]) -> tuple[Endpoint, ...]:
    """Leave out connection types of an address that an earlier endpoint of it has."""
    known: dict[str, set[str]] = {}
    found: list[Endpoint] = []
    for endpoint in endpoints:
        before = known.get(endpoint.address)
        left = tuple(kind for kind in endpoint.connection_types if kind not in (before or ()))
        if before is None or left:
            found.append(replace(endpoint, connection_types=left))
            known.setdefault(endpoint.address, set()).update(left)
    return tuple(found)
