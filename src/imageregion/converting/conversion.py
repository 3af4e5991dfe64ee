"""Convert: a selection in another form, with a list of everything that does not survive."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from imageregion.converting.documents import read_all
from imageregion.errors import FhirError, ImageRegionError, InputError, Issue

if TYPE_CHECKING:
    from imageregion.fhir.normalized import Dialect
    from imageregion.fhir.selection import Selection

__all__ = ["Converted", "TargetForm", "convert_selection"]

TargetForm = Literal["r5", "r6", "r5-snapshot1", "manifest", "geojson"]
"""What a selection can be converted to."""

_GAVE_UP = "too-many-issues"
_Found = tuple[str, Issue]
_Result = tuple[list[dict[str, Any]], list[_Found]]


@dataclass(frozen=True, slots=True, eq=False)
class Converted:
    """Selections in another form.

    Parameters
    ----------
    to : TargetForm
    documents : tuple of dict
        For the forms of FHIR one ImagingSelection, or Bundle of those that one became, for each
        selection; one ImagingManifest, or one GeoJSON FeatureCollection, for all together.
    found : tuple of (str, Issue)
        Every loss, with the name of its selection, or of the file where it is of none.

    Examples
    --------
    >>> converted = convert_selection({
    ...     "resourceType": "ImagingSelection", "status": "available", "code": {"text": "Cyst"},
    ...     "derivedFrom": [{"reference": "ImagingStudy/1"}, {"reference": "ImagingStudy/2"}],
    ...     "studyUid": "1.2", "seriesUid": "1.2.3"}, to="r6")
    >>> converted.document["derivedFrom"]
    {'reference': 'ImagingStudy/1'}
    >>> print(converted.losses[0])  # doctest: +NORMALIZE_WHITESPACE
    warning ImagingSelection.derivedFrom[1]: R6 has one derivedFrom: kept in an extension only
    """

    to: TargetForm
    documents: tuple[dict[str, Any], ...]
    found: tuple[_Found, ...]

    @property
    def losses(self) -> tuple[Issue, ...]:
        """What does not survive.

        An "error" names what is left out because it cannot be read, a "warning" what loses meaning
        or is kept in an extension only, "information" what is said in another way.
        """
        return tuple(issue for _, issue in self.found)

    @property
    def is_complete(self) -> bool:
        """Whether nothing lost its meaning: there is no error and no warning."""
        return all(issue.severity == "information" for issue in self.losses)

    @property
    def document(self) -> dict[str, Any]:
        """All in one: the only document, or a Bundle of type collection of several resources."""
        if len(self.documents) == 1:
            return self.documents[0]
        entries: list[dict[str, Any]] = []
        for one in self.documents:
            is_bundle = one["resourceType"] == "Bundle"
            entries += one["entry"] if is_bundle else [{"resource": one}]
        return {"resourceType": "Bundle", "type": "collection", "entry": entries}

    def to_json(self) -> bytes:
        """Return the document as UTF-8 JSON, indented; ends with a line break."""
        text = json.dumps(self.document, indent=2, ensure_ascii=False, allow_nan=False)
        return text.encode() + b"\n"

    def to_xml(self) -> bytes:
        """Return the document as FHIR XML.

        Raises
        ------
        InputError
            For GeoJSON.
        FhirError
            When it holds text that XML has no notation for.
        """
        from imageregion.fhir.writing import to_xml

        if self.to == "geojson":
            raise InputError("GeoJSON is JSON: there is no XML of it")
        return to_xml(self.document)

    def to_ndjson(self) -> bytes:
        """Return one line of JSON for each resource, or for each GeoJSON document."""
        from imageregion.fhir.text.plain import as_json

        lines: list[dict[str, Any]] = []
        for one in self.documents:
            is_bundle = one.get("resourceType") == "Bundle"
            lines += [entry["resource"] for entry in one["entry"]] if is_bundle else [one]
        return b"".join(as_json(line) + b"\n" for line in lines)

    def save(self, path: str | Path, form: Literal["json", "xml", "ndjson"] | None = None) -> Path:
        """Write the document to a file.

        Parameters
        ----------
        path : str or Path
            An existing file is replaced, once the new one is complete.
        form : {"json", "xml", "ndjson"}, optional
            By default XML or NDJSON where the name ends so, and otherwise JSON.

        Raises
        ------
        InputError
            When it cannot be written, and as `to_xml`.
        """
        target = Path(path)
        ending = target.suffix.lower()
        chosen = form or (ending[1:] if ending in (".xml", ".ndjson") else "json")
        writers = {"xml": self.to_xml, "ndjson": self.to_ndjson, "json": self.to_json}
        content = writers[chosen]()
        if not target.parent.is_dir():
            raise InputError(f"{target}: cannot be written: folder does not exist")
        if target.is_file() and not target.stat().st_mode & 0o222:
            raise InputError(f"{target}: cannot be written: it is read-only")
        try:
            _replace(target, content)
        except (OSError, ValueError) as error:
            raise InputError(f"{target}: cannot be written: {error}") from None
        return target


def _replace(target: Path, content: bytes) -> None:
    """Write beside a file and then move over it, so that nothing is ever half-written."""
    if target.exists() and not target.is_file():  # a device or pipe takes what it is given
        target.write_bytes(content)
        return
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:40]}-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask()
        Path(name).chmod(mode)
        Path(name).replace(target.resolve())
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def convert_selection(
    selection: Any,
    to: TargetForm = "r5",
    *,
    dialect: Dialect | None = None,
    tolerance: float = 1e-4,
) -> Converted:
    """Write selections in another form, and list everything that does not survive.

    Parameters
    ----------
    selection : Selection, iterable of Selection, or anything `read_selections` takes
    to : {"r5", "r6", "r5-snapshot1", "manifest", "geojson"}
        FHIR R5 5.0.0, R6 (6.0.0-ballot4 and later) or 5.0.0-snapshot1; the STU3 ImagingManifest;
        or GeoJSON in pixels.
    dialect : Dialect, optional
        What it is written in, where that should not be recognised.
    tolerance : float
        For GeoJSON, which has no ellipses: how far a polygon may lie from one, pixels.

    Returns
    -------
    Converted
        Parts of a selection that an earlier conversion had to take apart are one again.

    Raises
    ------
    InputError
        When it cannot be read at all, or there is no such form.
    FhirError
        When there is no selection in it that can be converted.

    Examples
    --------
    >>> converted = convert_selection({
    ...     "resourceType": "ImagingSelection", "status": "available", "code": {"text": "Cyst"},
    ...     "instance": [{"uid": "1.2.3", "imageRegion2D": [
    ...         {"regionType": "polyline", "coordinate": [1, 1, 5, 1, 5, 5, 1, 1]}]}]}, "geojson")
    >>> converted.document["features"][0]["geometry"]["type"]
    'Polygon'
    """
    if to not in get_args(TargetForm):
        raise InputError(f"expected one of {', '.join(get_args(TargetForm))}, got {to!r:.40}")
    found: list[_Found] = []
    read = _read(selection, dialect, found)
    found += [(one.name, issue) for one in read for issue in one.errors if _is_left_out(one, issue)]
    usable = [one for one in read if one.normalized and not _is_given_up(one)]
    if not usable:
        first = next((issue for _, issue in found if issue.severity == "error"), None)
        raise FhirError(
            first.path if first else "document", first.message if first else "no ImagingSelection"
        )
    if to == "geojson":
        documents, more = _features(usable, tolerance)
    elif to == "manifest":
        documents, more = _manifest(usable)
    else:
        documents, more = _resources(usable, to)
    return Converted(to, tuple(documents), tuple(dict.fromkeys(found + more)))


def _is_left_out(selection: Selection, issue: Issue) -> bool:
    return selection.normalized is None or issue.code in ("repeated-key", _GAVE_UP)


def _is_given_up(selection: Selection) -> bool:
    """Whether reading ended before the end: what follows is unknown, and so is what is lost."""
    return any(issue.code == _GAVE_UP for issue in selection.errors)


def _read(selection: Any, dialect: Dialect | None, found: list[_Found]) -> list[Selection]:
    from imageregion.fhir.selection import Selection

    if isinstance(selection, Selection):
        return [selection]
    is_one = isinstance(selection, str | bytes | bytearray | Path | Mapping)
    if is_one or hasattr(selection, "model_dump") or not isinstance(selection, Iterable):
        return read_all(selection, dialect, found)
    items = list(selection)
    if not any(isinstance(item, Selection) for item in items):
        return read_all(items, dialect, found)
    return [one for item in items for one in _read(item, dialect, found)]


def _resources(selections: list[Selection], to: Literal["r5", "r6", "r5-snapshot1"]) -> _Result:
    from imageregion.fhir.writing import write
    from imageregion.fhir.writing.parts import joined

    names = {id(one.normalized): one.name for one in selections}
    documents: list[dict[str, Any]] = []
    found: list[_Found] = []
    for whole in joined(one.normalized for one in selections if one.normalized):
        name = names.get(id(whole)) or str(whole.resource.get("id") or "")
        try:
            written = write(whole, to)
        except ImageRegionError as error:
            found.append((name, Issue("error", "not-converted", "ImagingSelection", str(error))))
            continue
        documents.append(written.resource)
        found += [(name, issue) for issue in written.losses]
    if not documents:
        raise FhirError(found[0][1].path, found[0][1].message)
    return documents, found


def _manifest(selections: list[Selection]) -> _Result:
    from imageregion.fhir.manifest import from_selections

    manifest, losses = from_selections(selections)
    name = selections[0].name if len(selections) == 1 else ""
    return [manifest], [(name, issue) for issue in losses]


def _features(selections: list[Selection], tolerance: float) -> _Result:
    from imageregion.converting.features import to_features

    features: list[dict[str, Any]] = []
    found: list[_Found] = []
    for one in selections:
        more, losses = to_features(one, tolerance)
        features += more
        found += [(one.name, issue) for issue in losses]
    return [{"type": "FeatureCollection", "features": features}], found
