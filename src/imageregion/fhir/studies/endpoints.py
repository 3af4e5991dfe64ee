"""FHIR Endpoint of STU3, R4, R4B, R5 and R6: address, connection types, whether it is in use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from imageregion.errors import FhirError
from imageregion.fhir.studies.elements import Notes, read_code, read_text
from imageregion.fhir.studies.values import WADO_RS, Endpoint
from imageregion.fhir.text.plain import brief
from imageregion.fhir.text.sources import read_document

__all__ = ["endpoint_from", "read_endpoint", "tidy_address"]

SYSTEMS = (
    "http://terminology.hl7.org/CodeSystem/endpoint-connection-type",
    "http://hl7.org/fhir/endpoint-connection-type",
)
"""Code systems of the codes that are used without their system: of R4 and later, and of STU3."""

_MAX_ADDRESS = 4096
_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
_RESOURCE = re.compile(
    r"(?P<base>.*?)(?P<rest>/studies/?|/(?:studies|study)/[0-9][0-9.]*(?:/.*)?)", re.DOTALL
)
_HEADER = re.compile(r"[\x20-\x7e\t]+")
_REQUEST = frozenset(
    {"requesttype", "studyuid", "seriesuid", "objectuid", "imageuid", "accessionnumber"}
    | {"contenttype", "framenumber", "viewport", "window", "region", "rows", "columns"}
)
"""Parameters that ask for one thing, in lower case; they belong to no service base."""

_STATES = {
    "suspended": "temporarily not in use",
    "error": "not to be tried until it is repaired",
    "off": "no longer in use",
    "entered-in-error": "entered by mistake",
    "test": "for tests, not for work with patients",
}


def read_endpoint(source: Any, *, today: date | None = None) -> Endpoint:
    """Read a FHIR Endpoint of STU3, R4, R4B, R5 or R6.

    Parameters
    ----------
    source : str, Path, bytes, dict or fhir.resources model
        A file name, JSON or XML text, or parsed JSON.
    today : date, optional
        Compared to ``period``; the present day by default.

    Returns
    -------
    Endpoint
        With the address made a service base: no trailing slash, no ``/studies/...``, no fragment.
        `Endpoint.issues` says what was changed, and when the endpoint is not in use.

    Raises
    ------
    InputError
        When there is no such file, or it is no JSON or XML.
    FhirError
        When it is no Endpoint, or its address cannot be used: missing, not http or https,
        "http://notspecified", with a password, ...

    Examples
    --------
    >>> endpoint = read_endpoint({
    ...     "resourceType": "Endpoint", "status": "active",
    ...     "connectionType": {"code": "dicom-wado-rs",
    ...         "system": "http://terminology.hl7.org/CodeSystem/endpoint-connection-type"},
    ...     "address": "https://pacs.example.org/dicomweb/studies/1.2.3/"})
    >>> endpoint, endpoint.issues[0].code
    (Endpoint('https://pacs.example.org/dicomweb', dicom-wado-rs), 'address-form')
    """
    resource, name = read_document(source)
    if not isinstance(resource, Mapping) or resource.get("resourceType") != "Endpoint":
        kind = resource.get("resourceType") if isinstance(resource, Mapping) else resource
        raise FhirError(name or "Endpoint", f"expected an Endpoint, got {brief(kind)}")
    return endpoint_from(resource, "Endpoint", today=today)


def endpoint_from(resource: Mapping[str, Any], path: str, *, today: date | None = None) -> Endpoint:
    """Read an Endpoint that stands at `path` of a document; see `read_endpoint`."""
    notes = Notes()
    types = _connection_types(resource, path, notes)
    address = _address(resource, types, path, notes)
    status = read_code(resource, "status", path, notes)
    _check_use(resource, status, path, today or datetime.now(UTC).date(), notes)
    if resource.get("modifierExtension"):
        message = "may change the meaning in a way this library does not know"
        notes.add("warning", "modifier-extension", f"{path}.modifierExtension", message)
    return Endpoint(
        address,
        types,
        status,
        _headers(resource, path, notes),
        read_text(resource, "name", path, notes),
        notes.issues(),
    )


def tidy_address(address: str, *, keep_query: bool = False) -> str:
    """Return an address as the base of a service: without what belongs to one request.

    Parameters
    ----------
    address : str
    keep_query : bool
        Keep parameters of the query that belong to no request, as URI services may need.

    Raises
    ------
    ValueError
        When it is no URL of http or https that can be used, with the reason.

    Examples
    --------
    >>> tidy_address("https://pacs.example.org/wadors/study/1.2.3.4.5")
    'https://pacs.example.org/wadors'
    """
    text = address.strip()
    if len(text) > _MAX_ADDRESS or re.search(r"[\s\\<>\"\x00-\x20\x7f]", text):
        raise ValueError(f"expected a URL, got {brief(address)}")
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"expected a URL, got {brief(address)}: {error}") from None
    if parts.scheme.lower() not in ("http", "https") or not host:
        raise ValueError(f"expected a URL with http or https, got {brief(address)}")
    if parts.username is not None or parts.password is not None:
        raise ValueError(f"a name or password in the URL of {host}; put it into a header instead")
    if host in ("notspecified", "unspecified", "unknown"):
        raise ValueError(f"{text} only says that the address is not stated")
    found = _RESOURCE.fullmatch(parts.path)
    path = str(found["base"] if found else parts.path).rstrip("/")
    query = _rest_of_query(parts.query) if keep_query else ""
    return urlunsplit((parts.scheme.lower(), parts.netloc, path, query, ""))


def _rest_of_query(query: str) -> str:
    pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=100)
    kept = [(name, value) for name, value in pairs if name.lower() not in _REQUEST]
    return query if len(kept) == len(pairs) else urlencode(kept)


def _address(resource: Mapping[str, Any], types: tuple[str, ...], path: str, notes: Notes) -> str:
    place = f"{path}.address"
    given = resource.get("address")
    extra = resource.get("_address")
    for extension in extra.get("extension") or () if isinstance(extra, Mapping) else ():
        if isinstance(extension, Mapping) and extension.get("url") == _ABSENT:
            reason = brief(extension.get("valueCode"))
            raise FhirError(place, f"the address is stated to be absent, reason {reason}")
    if not isinstance(given, str) or not given.strip():
        raise FhirError(place, f"expected a URL, got {brief(given)}")
    try:
        address = tidy_address(given, keep_query=WADO_RS not in types)
    except ValueError as error:
        raise FhirError(place, str(error)) from None
    if address != given:
        shown = given.split("?", 1)[0]  # a query may hold secrets
        message = f"{brief(shown)} read as the base of a service, {brief(address.split('?')[0])}"
        notes.add("information", "address-form", place, message)
    return address


def _connection_types(resource: Mapping[str, Any], path: str, notes: Notes) -> tuple[str, ...]:
    value = resource.get("connectionType")
    place = f"{path}.connectionType"
    concepts = value if isinstance(value, list | tuple) else [value]
    found: dict[str, None] = {}
    for concept in concepts:
        if not isinstance(concept, Mapping):
            continue
        codings = concept.get("coding", [concept])
        for coding in codings if isinstance(codings, list | tuple) else ():
            if isinstance(coding, Mapping):
                code = read_code(coding, "code", place, notes)
                system = read_text(coding, "system", place, notes)
                if code and not system:
                    notes.add("information", "code-system", place, f"{code} without system")
                if code:
                    found[f"{system}|{code}" if system and system not in SYSTEMS else code] = None
    if not found:
        message = f"expected how to connect, got {brief(value)}"
        notes.add("warning", "connection-type", place, message)
    return tuple(found)


def _headers(resource: Mapping[str, Any], path: str, notes: Notes) -> tuple[str, ...]:
    value = resource.get("header")
    headers: list[str] = []
    for index, line in enumerate(value if isinstance(value, list | tuple) else [value]):
        if isinstance(line, str) and len(line) <= 8192 and _HEADER.fullmatch(line.strip()):
            headers.append(line.strip())
        elif line is not None:
            place = f"{path}.header[{index}]"  # the value may be a secret: not shown
            notes.add("error", "header", place, "expected one line of ASCII text; left out")
    return tuple(headers)


def _check_use(
    resource: Mapping[str, Any], status: str, path: str, today: date, notes: Notes
) -> None:
    place = f"{path}.status"
    if not status:
        notes.add("warning", "endpoint-status", place, "required, but missing")
    elif status != "active":
        message = f"the endpoint is {brief(status)}: {_STATES.get(status, 'not active')}"
        notes.add("warning", "endpoint-status", place, message)
    period = resource.get("period")
    if not isinstance(period, Mapping):
        return
    end, start = (_day(period.get(name), last=name == "end") for name in ("end", "start"))
    if end and end < today:
        message = f"the endpoint was in use until {brief(period.get('end'))}"
        notes.add("warning", "endpoint-period", f"{path}.period", message)
    if start and start > today:
        message = f"the endpoint is in use from {brief(period.get('start'))}"
        notes.add("warning", "endpoint-period", f"{path}.period", message)


def _day(value: object, *, last: bool) -> date | None:
    """Return the last or first day that a FHIR dateTime, partial or not, can mean."""
    if not isinstance(value, str):
        return None
    found = re.match(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?", value)
    if not found:
        return None
    year, month, day = (int(part) if part else 0 for part in found.groups())
    try:
        if day:
            return date(year, month, day)
        if not last:
            return date(year, month or 1, 1)
        following = date(year + 1, 1, 1) if month in (0, 12) else date(year, month + 1, 1)
    except ValueError:
        return None
    return date.fromordinal(following.toordinal() - 1)
