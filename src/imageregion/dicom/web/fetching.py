"""Fetching: what there is of a study, a series or an instance, ready to be read like files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from imageregion.dicom.files.headers import Header, integer, text
from imageregion.dicom.files.sources import Entry, Sources
from imageregion.dicom.web.addresses import shown
from imageregion.dicom.web.confirming import Confirming
from imageregion.dicom.web.failures import FetchError
from imageregion.dicom.web.keys import Key, checked_uid
from imageregion.dicom.web.metadata import first_value, has_lost_values, header_of
from imageregion.dicom.web.objects import WebInstance, WebObject
from imageregion.dicom.web.received import is_asked_for
from imageregion.dicom.web.services import WadoRs, WadoUri
from imageregion.errors import DicomError, ImageRegionError, InputError, Issue, Severity

__all__ = ["Query", "list_query", "list_remote"]

_THREADS = 4
_MAX_INSTANCES = 100_000
_IDENTITY = ("0020000D", "0020000E", "00080018")  # of study, series and instance


@dataclass(frozen=True, slots=True)
class Query:
    """What to ask a service for.

    Parameters
    ----------
    service : WadoRs or WadoUri
    study : str
        UID.
    series : str
        UID; empty for the whole study.
    instance : str
        UID, to ask for this one alone; empty for the whole series.
    known : tuple of (str, str)
        Series and SOP Instance UIDs that somebody says are there, for services that cannot tell.
    """

    service: WadoRs | WadoUri
    study: str
    series: str = ""
    instance: str = ""
    known: tuple[tuple[str, str], ...] = ()


def list_remote(queries: Sequence[tuple[Query, ...]], threads: int | None = None) -> Sources:
    """Ask for everything; what cannot be fetched is an issue, unless it is everything.

    Parameters
    ----------
    queries : sequence of tuple of Query
        Each with those that take its place when it fails.
    threads : int, optional

    Raises
    ------
    FetchError
        Of the first query when none succeeded.
    InputError
        When a UID cannot stand in a URL.
    """
    sources = Sources(_label([group[0] for group in queries]))
    seen: set[str] = set()
    failures: list[ImageRegionError] = []
    with ThreadPoolExecutor(threads or _THREADS, "imageregion-fetch") as pool:
        for group, found in zip(queries, pool.map(_attempt, queries), strict=True):
            entries, issues, reasons = found
            where = group[0].instance or group[0].series or group[0].study
            severity: Severity = "error" if len(reasons) == len(group) else "warning"
            told = [Issue(severity, "not-fetched", where, str(reason)) for reason in reasons]
            sources.issues += told
            if severity == "error":
                failures.append(reasons[0])
            sources.issues += issues
            for entry in entries:
                if entry.name not in seen:
                    seen.add(entry.name)
                    sources.entries.append(entry)
    if failures and len(failures) == len(queries):
        raise failures[0]
    return sources


def _attempt(
    group: tuple[Query, ...],
) -> tuple[list[Entry], list[Issue], list[ImageRegionError]]:
    """Ask one after the other until one answers."""
    reasons: list[ImageRegionError] = []
    for query in group:
        try:
            return *list_query(query), reasons
        except ImageRegionError as error:
            reasons.append(error)
    return [], [], reasons


def list_query(query: Query) -> tuple[list[Entry], list[Issue]]:
    """Ask a service for something.

    Returns
    -------
    list of Entry
        With headers from metadata; of a service without metadata, whole objects to be fetched.
    list of Issue
        "unreadable", for an instance whose metadata make no sense; of series, see `Confirming`.

    Raises
    ------
    FetchError
    InputError
        When a UID cannot stand in a URL.
    """
    for what in ("study", "series", "instance"):
        if getattr(query, what) or what == "study":
            checked_uid(getattr(query, what), what)
    if isinstance(query.service, WadoUri):
        return _objects(query), []
    try:
        metadata = query.service.fetch_metadata(query.study, query.series, query.instance)
    except FetchError as error:
        if error.status in (400, 405, 406, 415, 500, 501) and _known(query):
            return _objects(query), []
        raise
    return _instances(query.service, query, metadata)


def _known(query: Query) -> list[tuple[str, str]]:
    """Return the instances that are asked for, as far as somebody named them."""
    if query.instance and query.series:
        return [(query.series, query.instance)]
    pairs = [pair for pair in query.known if query.series in ("", pair[0])]
    return [pair for pair in pairs if query.instance in ("", pair[1])]


def _objects(query: Query) -> list[Entry]:
    pairs = _known(query)
    if not pairs:
        raise InputError(
            f"{shown(query.service.address.base)}: this service does not tell what there is; "
            "expected an ImagingStudy that lists the instances, or a selection that names them"
        )
    entries = []
    for series, instance in pairs:
        checked_uid(series, "series")
        key = Key(query.study, series, checked_uid(instance, "instance"))
        entries.append(Entry(instance, WebObject(query.service, key)))
    return entries


def _instances(
    service: WadoRs, query: Query, metadata: Iterable[Any]
) -> tuple[list[Entry], list[Issue]]:
    entries, issues = [], []
    confirming = Confirming(service, lambda one, key: _header(service, one, key))
    whole = service.session.settings.whole_objects
    for number, one in enumerate(metadata, start=1):
        if number > _MAX_INSTANCES:
            raise InputError(f"study {query.study}: more than {_MAX_INSTANCES} instances")
        name = f"{query.series or query.study} instance {number}"
        try:
            key = _key(query, one, name)
            if whole or has_lost_values(one) or not confirming.trusts(one, key):
                entries.append(Entry(key.instance, WebObject(service, key)))
                continue
            header = _header(service, one, key)
        except ImageRegionError as error:
            message = error.message if isinstance(error, DicomError) else str(error)
            issues.append(Issue("error", "unreadable", name, f"cannot be read: {message}"))
            continue
        entries.append(Entry(header.uid, header))
        service.session.traffic.add(pixels=_pixel_bytes(header))
    return entries, [*confirming.issues, *issues]


def _header(service: WadoRs, metadata: Any, key: Key) -> Header:
    return header_of(
        metadata, key.instance, WebInstance(service, key), lambda uri: service.fetch_bulk(uri, key)
    )


def _key(query: Query, metadata: Any, name: str) -> Key:
    """Return the UIDs of an instance; those of study and series may be known from the query.

    Raises
    ------
    DicomError
        When it is in another study or series than was asked for, or another instance.
    """
    instance = checked_uid(first_value(metadata, "00080018"), f"{name}: SOP Instance UID")
    if not is_asked_for(metadata, query.study, query.series, query.instance):
        given = ", ".join(first_value(metadata, tag)[:64] for tag in _IDENTITY)
        raise DicomError(name, f"the server gives another object, of {given}")
    study = first_value(metadata, "0020000D") or query.study
    series = first_value(metadata, "0020000E") or query.series
    return Key(checked_uid(study, "study"), checked_uid(series, "series"), instance)


def _pixel_bytes(header: Header) -> int:
    """Return how large the pixels of an image are uncompressed; 0 where it does not say."""
    size = 1
    try:
        for word in ("Rows", "Columns", "BitsAllocated"):
            size *= integer(header.dataset, word, header.uid, default=0)
        for word in ("SamplesPerPixel", "NumberOfFrames"):
            size *= integer(header.dataset, word, header.uid, default=1)
    except DicomError:
        return 0
    return max(size, 0) // 8 if text(header.dataset, "Rows") else 0


def _label(queries: Sequence[Query]) -> str:
    if not queries:
        return "nothing"
    base = shown(queries[0].service.address.base)
    return base if len(queries) == 1 else f"{base} and others"
