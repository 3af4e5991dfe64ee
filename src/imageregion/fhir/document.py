"""Reading ImagingSelections from files, text, dicts and models, one or many at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from imageregion.errors import FhirError, ImageRegionError, InputError, Issue
from imageregion.fhir.cross_version import is_selection
from imageregion.fhir.normalized import Dialect
from imageregion.fhir.reading.repeated import repeated_keys
from imageregion.fhir.reading.resource import read_manifest, read_resource
from imageregion.fhir.selection import Selection
from imageregion.fhir.text.plain import MAX_DEPTH, RepeatedKeys, brief, is_shallow, plain
from imageregion.fhir.text.sources import Record, read_document, read_record, read_records

__all__ = ["Beside", "read_document", "read_everything", "read_selection", "read_selections"]

_Placed = tuple[Any, str]
"""A resource, or the error that stands for it, and where it was found."""

Beside = Callable[[Any, str, bool], None]
"""What is told of things that are no selections: see `read_everything`."""

_KIND = "ImagingSelection"
_MANIFEST = "ImagingManifest"
_KINDS = (_KIND, _MANIFEST, "ImagingReference")


def read_selection(source: Any, *, dialect: Dialect | None = None) -> Selection:
    """Read one ImagingSelection of any version of FHIR.

    Parameters
    ----------
    source : str, Path, bytes, dict or fhir.resources model
        A file name, JSON or XML text (text that starts with ``{``, ``[`` or ``<``), or parsed JSON.
        Also a Basic of R4 with the cross-version extensions, or an STU3 ImagingManifest of one
        series.
    dialect : Dialect, optional
        A name of `DIALECTS`; recognised when not given.

    Returns
    -------
    Selection
        With the regions that can be read. Look at `Selection.issues` for those that cannot, and at
        `Selection.dialect` for what it was read as. Paths are FHIRPaths of the document; those of a
        Basic are of the ImagingSelection that it stands for.

    Raises
    ------
    InputError
        When there is no such file, it is too large, or it is neither JSON nor XML; when there is
        no such dialect.
    FhirError
        When it is not exactly one ImagingSelection, not a valid one, or contradicts the dialect
        asked for.

    Examples
    --------
    >>> selection = read_selection('''{
    ...     "resourceType": "ImagingSelection", "status": "available", "code": {"text": "Cyst"},
    ...     "instance": [{"uid": "1.2.3", "imageRegion2D": [
    ...         {"regionType": "ellipse", "coordinate": [2, 8, 14, 8, 8, 5, 8, 11]}]}]}''')
    >>> selection.regions[0].shape.axes.tolist()
    [[6.0, 0.0], [0.0, 3.0]]
    """
    resource, name, is_regular = read_record(source)
    if isinstance(resource, list):
        raise FhirError("JSON array", f"expected one {_KIND}; use read_selections for many")
    kind = resource.get("resourceType") if isinstance(resource, Mapping) else None
    if kind == "Bundle":
        raise FhirError("Bundle", f"expected one {_KIND}; use read_selections for a Bundle")
    if kind == _MANIFEST and dialect in (None, "manifest"):
        selections = read_manifest(resource, name)
        if len(selections) > 1:
            message = f"expected one series, got {len(selections)}; use read_selections for each"
            raise FhirError(_MANIFEST, message)
        return selections[0]
    return read_resource(resource, name, dialect=dialect, is_regular=is_regular)


def read_selections(source: Any, *, dialect: Dialect | None = None) -> Iterator[Selection]:
    """Read many ImagingSelections.

    Parameters
    ----------
    source : str, Path, bytes, dict, fhir.resources model, or iterable of these
        A Bundle, a JSON array, NDJSON (one resource per line), or a single resource, each as for
        `read_selection`. Resources of other types are skipped.
    dialect : Dialect, optional
        Of all of them; recognised for each when not given.

    Yields
    ------
    Selection
        In order; one for each study and series of an ImagingManifest. One that cannot be read has
        no regions and an error issue that says why; it does not stop the others.
        `Selection.source` tells its place.

    Raises
    ------
    InputError
        When there is no such file, it is too large, or it is neither JSON nor XML.
    FhirError
        When there is no ImagingSelection in it, or a Bundle contains itself.

    Examples
    --------
    >>> good = {"resourceType": "ImagingSelection", "id": "a", "status": "available", "code": {},
    ...         "seriesUid": "1.2"}
    >>> bad = {"resourceType": "ImagingSelection", "id": "b"}
    >>> bundle = {"resourceType": "Bundle", "entry": [{"resource": good}, {"resource": bad}]}
    >>> for selection in read_selections(bundle):
    ...     print(selection.source, selection)
    Bundle.entry[0].resource Selection('a', available, 1 region: 1 image)
    Bundle.entry[1].resource Selection('b', unreadable, 0 regions; 1 error)
    """
    return _read_all(read_records(source), dialect, _pass_over)


def read_everything(
    source: Any, beside: Beside, *, dialect: Dialect | None = None
) -> Iterator[Selection]:
    """Do as `read_selections`, and tell of everything in the document that is no selection.

    Parameters
    ----------
    source, dialect
        As for `read_selections`.
    beside : callable
        Called with a Bundle, an entry of one or a resource, its place, and whether selections
        may be in it.

    Examples
    --------
    >>> found = []
    >>> list(read_everything([{"resourceType": "ImagingSelection"}, {"resourceType": "Patient"}],
    ...                      lambda value, place, is_read: found.append((place, is_read))))
    [Selection('[0]', unreadable, 0 regions; 1 error)]
    >>> found
    [('[1]', False)]
    """
    return _read_all(read_records(source), dialect, beside)


def _pass_over(value: Any, place: str, is_read: bool) -> None:
    """Tell nobody."""


def _read_all(
    records: Iterable[Record], dialect: Dialect | None, beside: Beside
) -> Iterator[Selection]:
    found, others = 0, set[str]()
    for record in records:
        for resource, place in _expand(record.value, record.name, beside):
            if not _may_be_read(resource):
                others.add(resource["resourceType"][:60])
                beside(resource, place.removesuffix(".resource"), False)
                continue
            found += 1
            yield from _read_or_explain(Record(resource, place, record.is_regular), dialect)
    if not found:
        got = ", ".join(sorted(others)[:5]) if others else "nothing"
        raise FhirError("/".join(sorted(others)[:1]) or "document", f"no {_KIND} in it, got {got}")


def _read_or_explain(record: Record, dialect: Dialect | None) -> tuple[Selection, ...]:
    """Read a resource, or return a selection without regions whose issue says why not."""
    resource, place, is_regular = record
    try:
        if isinstance(resource, ImageRegionError):
            raise resource
        kind = resource.get("resourceType") if isinstance(resource, Mapping) else None
        if kind == _MANIFEST and dialect in (None, "manifest"):
            return read_manifest(resource, place)
        return (read_resource(resource, place, dialect=dialect, is_regular=is_regular),)
    except ImageRegionError as error:
        path = error.path if isinstance(error, FhirError) else place or _KIND
        message = error.message if isinstance(error, FhirError) else str(error)
    known = resource if isinstance(resource, Mapping) else {}
    return (
        Selection(
            id=str(known.get("id") or "")[:64],
            status="",
            code="",
            study="",
            series="",
            frame_of_reference="",
            regions=(),
            issues=(Issue("error", "unreadable", path, message),),
            resource=known if is_regular and is_shallow(known) else _plain_or_empty(known),
            source=place,
        ),
    )


def _plain_or_empty(resource: Mapping[str, Any]) -> dict[str, Any]:
    try:
        copy: dict[str, Any] = plain(resource)
    except InputError:
        return {}
    return copy


def _expand(record: Any, place: str, beside: Beside) -> Iterator[_Placed]:
    """Yield the resources in a record: the entries of a Bundle, the items of a list, or itself."""
    levels: list[Iterator[_Placed]] = [iter([(record, place)])]
    above: list[int] = [0]  # identity of what each level is in
    while levels:
        placed = next(levels[-1], None)
        if placed is None:
            levels.pop()
            above.pop()
            continue
        value, where = placed
        if isinstance(value, list):
            inner = _listed(value, where)
        elif isinstance(value, Mapping) and value.get("resourceType") == "Bundle":
            refusal = _refusal(value, "entry", "Bundle")
            if refusal:
                yield refusal, where
                continue
            bundle = f"{where}: Bundle" if where else "Bundle"
            beside(value, bundle, True)
            inner = _entries(value, bundle, beside)
        else:
            yield placed
            continue
        if id(value) in above:
            raise FhirError(f"{where:.200}", "a Bundle or list that contains itself")
        if len(above) > MAX_DEPTH:
            raise FhirError(f"{where:.200}", f"Bundles nested deeper than {MAX_DEPTH} levels")
        levels.append(inner)
        above.append(id(value))


def _may_be_read(resource: Any) -> bool:
    kind = resource.get("resourceType") if isinstance(resource, Mapping) else None
    return not isinstance(kind, str) or kind in (*_KINDS, "Bundle") or is_selection(resource)


def _listed(items: list[Any], where: str) -> Iterator[_Placed]:
    for i, item in enumerate(items):
        yield item, f"{where}[{i}]"


def _entries(bundle: Mapping[str, Any], where: str, beside: Beside) -> Iterator[_Placed]:
    entries = bundle.get("entry")
    if entries is None:
        return
    if not isinstance(entries, list):
        raise FhirError("Bundle.entry", f"expected a list, got {brief(entries)}")
    for i, entry in enumerate(entries):
        if isinstance(entry, Mapping) and entry.get("resource") is None:
            beside(entry, f"{where}.entry[{i}]", False)
            continue  # a request or response without a resource is legal in a Bundle
        resource = entry["resource"] if isinstance(entry, Mapping) else entry
        if isinstance(entry, Mapping) and _may_be_read(resource):
            beside(entry, f"{where}.entry[{i}]", True)
        resource = _refusal(entry, "resource", f"Bundle.entry[{i}]") or resource
        yield resource, f"{where}.entry[{i}].resource"


def _refusal(element: Any, inner: str, path: str) -> FhirError | None:
    """Return the error of an element that gives a key twice, apart from what is in `inner`."""
    if not isinstance(element, RepeatedKeys):
        return None
    keys = list(element.repeated)
    keys += [k for k, value in element.items() if k != inner and any(repeated_keys(value))]
    message = "given more than once: what means two things at once is refused"
    return FhirError(f"{path}.{keys[0]}", message) if keys else None
