"""Reading ImagingSelections from files, text, dicts and models, one or many at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from imageregion.errors import FhirError, ImageRegionError, InputError, Issue
from imageregion.fhir.plain import MAX_DEPTH, brief, parse_json, plain
from imageregion.fhir.r5 import read_resource
from imageregion.fhir.selection import Selection

__all__ = ["MAX_BYTES", "read_selection", "read_selections"]

MAX_BYTES = 2**30
"""Largest file or text that is read, 1 GiB."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_LINES = (".ndjson", ".jsonl")
_KIND = "ImagingSelection"
_Placed = tuple[Any, str]
"""A resource, or the error that stands for it, and where it was found."""


def read_selection(source: Any) -> Selection:
    """Read one FHIR R5 ImagingSelection.

    Parameters
    ----------
    source : str, Path, bytes, dict or fhir.resources model
        A file name, JSON text (text that starts with ``{`` or ``[``), or parsed JSON.

    Returns
    -------
    Selection
        With the regions that can be read. Look at `Selection.issues` for those that cannot.

    Raises
    ------
    InputError
        When there is no such file, it is too large, or it is not JSON.
    FhirError
        When it is not exactly one ImagingSelection, or not a valid one.

    Examples
    --------
    >>> selection = read_selection('''{
    ...     "resourceType": "ImagingSelection", "status": "available", "code": {"text": "Cyst"},
    ...     "instance": [{"uid": "1.2.3", "imageRegion2D": [
    ...         {"regionType": "ellipse", "coordinate": [2, 8, 14, 8, 8, 5, 8, 11]}]}]}''')
    >>> selection.regions[0].shape.axes.tolist()
    [[6.0, 0.0], [0.0, 3.0]]
    """
    resource, name = _load(source)
    if isinstance(resource, list):
        raise FhirError("JSON array", f"expected one {_KIND}; use read_selections for many")
    if isinstance(resource, Mapping) and resource.get("resourceType") == "Bundle":
        raise FhirError("Bundle", f"expected one {_KIND}; use read_selections for a Bundle")
    return read_resource(resource, name)


def read_selections(source: Any) -> Iterator[Selection]:
    """Read many FHIR R5 ImagingSelections.

    Parameters
    ----------
    source : str, Path, bytes, dict, fhir.resources model, or iterable of these
        A Bundle, a JSON array, NDJSON (one resource per line), or a single resource. Resources
        of other types are skipped.

    Yields
    ------
    Selection
        In order. One that cannot be read has no regions and an error issue that says why; it
        does not stop the others. `Selection.source` tells its place.

    Raises
    ------
    InputError
        When there is no such file, it is too large, or it is not JSON.
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
    return _read_all(_records(source))


def _read_all(records: Iterable[_Placed]) -> Iterator[Selection]:
    found, others = 0, set[str]()
    for record, name in records:
        for resource, place in _expand(record, name):
            kind = resource.get("resourceType") if isinstance(resource, Mapping) else None
            if isinstance(kind, str) and kind != _KIND:
                others.add(kind)
                continue
            found += 1
            yield _read_or_explain(resource, place)
    if not found:
        got = ", ".join(sorted(others)[:5]) if others else "nothing"
        raise FhirError("/".join(sorted(others)[:1]) or "document", f"no {_KIND} in it, got {got}")


def _read_or_explain(resource: Any, place: str) -> Selection:
    """Read a resource, or return a selection without regions whose issue says why not."""
    try:
        if isinstance(resource, ImageRegionError):
            raise resource
        return read_resource(resource, place)
    except ImageRegionError as error:
        path = error.path if isinstance(error, FhirError) else place or _KIND
        message = error.message if isinstance(error, FhirError) else str(error)
    known = resource if isinstance(resource, Mapping) else {}
    return Selection(
        id=str(known.get("id") or "")[:64],
        status="",
        code="",
        study="",
        series="",
        frame_of_reference="",
        regions=(),
        issues=(Issue("error", "unreadable", path, message),),
        resource=_plain_or_empty(known),
        source=place,
    )


def _plain_or_empty(resource: Mapping[str, Any]) -> dict[str, Any]:
    try:
        copy: dict[str, Any] = plain(resource)
    except InputError:
        return {}
    return copy


def _expand(record: Any, place: str) -> Iterator[_Placed]:
    """Yield the resources in a record: the entries of a Bundle, the items of a list, or itself."""
    pending: list[tuple[Any, str, frozenset[int]]] = [(record, place, frozenset())]
    while pending:
        value, where, above = pending.pop()
        if isinstance(value, list):
            inner = [(item, f"{where}[{i}]") for i, item in enumerate(value)]
        elif isinstance(value, Mapping) and value.get("resourceType") == "Bundle":
            inner = list(_entries(value, f"{where}: Bundle" if where else "Bundle"))
        else:
            yield value, where
            continue
        if id(value) in above:
            raise FhirError(f"{where:.200}", "a Bundle or list that contains itself")
        if len(above) > MAX_DEPTH:
            raise FhirError(f"{where:.200}", f"Bundles nested deeper than {MAX_DEPTH} levels")
        pending += [(item, name, above | {id(value)}) for item, name in reversed(inner)]


def _entries(bundle: Mapping[str, Any], where: str) -> Iterator[_Placed]:
    entries = bundle.get("entry")
    if entries is None:
        return
    if not isinstance(entries, list):
        raise FhirError("Bundle.entry", f"expected a list, got {brief(entries)}")
    for i, entry in enumerate(entries):
        if isinstance(entry, Mapping) and entry.get("resource") is None:
            continue  # a request or response without a resource is legal in a Bundle
        resource = entry["resource"] if isinstance(entry, Mapping) else entry
        yield resource, f"{where}.entry[{i}].resource"


def _records(source: Any) -> Iterator[_Placed]:
    """Return the top-level JSON values of a source; opens and parses it before the first."""
    if isinstance(source, str | Path | bytes | bytearray | Mapping) or _is_model(source):
        content, name = _content(source)
        if not isinstance(content, bytes):
            return iter([(content, name)])
        if name.lower().endswith(_LINES) or _has_lines(content):
            return _lines(content, name)
        return iter([(parse_json(content, name or "text"), name)])
    if isinstance(source, Iterable):
        return _items(source)
    raise InputError(f"expected a file name, JSON or a list of these, got {type(source).__name__}")


def _items(source: Iterable[Any]) -> Iterator[_Placed]:
    for i, item in enumerate(source):
        try:
            resource, name = _load(item)
        except ImageRegionError as error:
            resource, name = error, str(item) if isinstance(item, Path) else ""
        yield resource, name or f"[{i}]"


def _has_lines(content: bytes) -> bool:
    """Whether the text is one JSON object per line, seen from its first two lines."""
    end = content.find(b"\n")
    if end < 0 or not content[end : end + 4096].lstrip().startswith(b"{"):
        return False
    try:
        return isinstance(parse_json(content[:end], "line"), dict)
    except InputError:
        return False


def _lines(content: bytes, name: str) -> Iterator[_Placed]:
    for number, line in enumerate(content.split(b"\n"), start=1):
        if not line.strip():
            continue
        place = f"{name}: line {number}" if name else f"line {number}"
        try:
            yield parse_json(line, place), place
        except InputError as error:
            yield error, place


def _load(source: Any) -> _Placed:
    """Return one parsed JSON value and the name of where it came from."""
    content, name = _content(source)
    if not isinstance(content, bytes):
        return content, name
    if _has_lines(content):
        raise FhirError(name or "text", f"expected one {_KIND}; use read_selections for NDJSON")
    return parse_json(content, name or "text"), name


def _content(source: Any) -> _Placed:
    """Return bytes to parse, or an already parsed value, and its name."""
    if isinstance(source, Mapping):
        return source, ""
    if isinstance(source, list):
        return source, ""
    if _is_model(source):
        return source.model_dump(mode="json"), ""
    if isinstance(source, bytes | bytearray):
        return _checked(bytes(source), "text"), ""
    if isinstance(source, str) and source.lstrip("\ufeff \t\r\n")[:1] in ("{", "["):
        return _checked(source.encode("utf-8", "surrogatepass"), "text"), ""
    if isinstance(source, str | Path):
        return _checked(_read_file(Path(source)), str(source)), str(source)
    raise InputError(f"expected a file name, JSON text or a dict, got {type(source).__name__}")


def _read_file(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise InputError(f"{path}: expected a JSON file, this is a folder")
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{path}: larger than {MAX_BYTES} bytes, the most that is read")
        return path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{str(path)[:200]}: cannot be read: {error}") from None


def _checked(content: bytes, name: str) -> bytes:
    if len(content) > MAX_BYTES:
        raise InputError(f"{name}: larger than {MAX_BYTES} bytes, the most that is read")
    content = content.removeprefix(_BYTE_ORDER_MARK)
    if not content.strip():
        raise InputError(f"{name}: expected JSON, the input is empty")
    return content


def _is_model(source: object) -> bool:
    return hasattr(source, "model_dump") and not isinstance(source, type)
