"""Sources: which of what was given are files, URLs, and FHIR documents about where images are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

from imageregion.dicom.web.addresses import is_url
from imageregion.errors import FhirError, InputError
from imageregion.fhir.studies import Endpoint, Study, read_endpoint, read_studies
from imageregion.fhir.text.sources import read_document

__all__ = ["Given", "is_single", "sort_sources"]

_SQUEEZED = re.compile(r"(https?):/+(?=[^/])", re.IGNORECASE)
_START = 512
_SUFFIXES = (".json", ".xml", ".ndjson")
_MOST = 10_000


@dataclass(slots=True)
class Given:
    """What was given, by kind.

    Parameters
    ----------
    files : list
        Paths and datasets.
    urls : list of str
    studies : list of Study
    endpoints : list of Endpoint
        That no study refers to.
    shelf : list
        Endpoints and Bundles among the documents, as JSON, for references to them.
    """

    files: list[Any] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)
    studies: list[Study] = field(default_factory=list)
    endpoints: list[Endpoint] = field(default_factory=list)
    shelf: list[Mapping[str, Any]] = field(default_factory=list, repr=False)

    @property
    def is_remote(self) -> bool:
        """Whether anything must be asked of a server."""
        return bool(self.urls or self.studies or self.endpoints)


def sort_sources(source: Any) -> Given:
    """Sort what was given.

    Raises
    ------
    InputError, FhirError
        When a document cannot be read, or says nothing about where images are.

    Examples
    --------
    >>> sort_sources(["scans/", "https://pacs.example.org/rs/studies/1.2.3"])
    Given(files=['scans/'], urls=['https://pacs.example.org/rs/studies/1.2.3'], studies=[],
        endpoints=[])
    """
    given, documents = Given(), []
    parts = _parts(source)
    for part in parts:
        if isinstance(part, Study):
            given.studies.append(part)
        elif isinstance(part, Endpoint):
            given.endpoints.append(part)
        elif url := _as_url(part):
            given.urls.append(url)
        elif _is_document(part, alone=len(parts) == 1):
            documents += _resources(part)
        else:
            given.files.append(part)
    _add_documents(given, documents)
    return given


def _parts(source: Any) -> list[Any]:
    return [source] if is_single(source) else list(source)


def is_single(source: Any) -> bool:
    """Whether a source is one part; a JSON object is one, though it can be iterated."""
    one = isinstance(source, (str, PathLike, Mapping, Study, Endpoint, bytes, bytearray))
    if one or _is_dataset(source) or hasattr(source, "model_dump"):
        return True
    return not isinstance(source, Iterable)


def _is_dataset(part: object) -> bool:
    from pydicom import Dataset

    return isinstance(part, Dataset)


def _as_url(part: object) -> str:
    """Return a URL; one that went through a path has lost a slash."""
    if isinstance(part, Path):
        text = part.as_posix()
        return _SQUEEZED.sub(r"\1://", text, count=1) if _SQUEEZED.match(text) else ""
    return part.strip() if isinstance(part, str) and is_url(part) else ""


def _is_document(part: object, *, alone: bool) -> bool:
    """Whether something is FHIR: a JSON object, a model, or a file that begins like one.

    Of many files those are looked into whose names end like it.
    """
    if isinstance(part, Mapping) or (hasattr(part, "model_dump") and not _is_dataset(part)):
        return True
    if not isinstance(part, (str, PathLike)):
        return False
    try:
        path = Path(part)
        if not (alone or path.suffix.lower() in _SUFFIXES) or not path.is_file():
            return False
        with path.open("rb") as file:
            start = file.read(_START)
    except (OSError, ValueError):  # told when it is opened as an image
        return False
    return (
        start.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[", b"<") and start[128:132] != b"DICM"
    )


def _resources(part: Any) -> list[Mapping[str, Any]]:
    document, name = read_document(part)
    found = document if isinstance(document, list) else [document]
    for one in found:
        if not isinstance(one, Mapping):
            raise InputError(f"{name or 'images'}: expected FHIR resources, or DICOM images")
    if len(found) > _MOST:
        raise InputError(f"{name or 'images'}: more than {_MOST} resources")
    return found


def _add_documents(given: Given, documents: list[Mapping[str, Any]]) -> None:
    """Read studies, with the endpoints they refer to, and endpoints that stand alone."""
    shelf = [one for one in documents if one.get("resourceType") == "Endpoint"]
    given.shelf += [one for one in documents if one.get("resourceType") in ("Endpoint", "Bundle")]
    for document in documents:
        kind = document.get("resourceType")
        if kind == "Endpoint":
            continue
        if kind not in ("ImagingStudy", "Bundle"):
            raise FhirError(
                str(kind or "document"),
                "expected an ImagingStudy, an Endpoint or a Bundle of them, to know where the "
                "images are",
            )
        studies = read_studies(document, endpoints=shelf or None)
        given.studies += studies
        inner = _endpoints_in(document) if kind == "Bundle" else []
        if not studies and not inner:
            raise FhirError("Bundle", "expected an ImagingStudy or an Endpoint in it")
        given.endpoints += [] if studies else map(read_endpoint, inner)
    if not given.studies:
        given.endpoints += map(read_endpoint, shelf)


def _endpoints_in(bundle: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    entries = bundle.get("entry")
    resources = (
        one.get("resource")
        for one in (entries if isinstance(entries, list) else [])
        if isinstance(one, Mapping)
    )
    return [
        one
        for one in resources
        if isinstance(one, Mapping) and one.get("resourceType") == "Endpoint"
    ]
