"""Context: what Observations say beside the numbers, and nobody can measure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

from imageregion.errors import InputError
from imageregion.fhir.reading.validation import validate
from imageregion.fhir.text.plain import brief, plain

__all__ = ["FORMS", "Context", "Form", "read_context"]

Form: TypeAlias = Literal["r5", "dicom-sr", "r4b"]

FORMS: dict[Form, str] = {
    "r5": "FHIR R5, one Observation per region with its numbers as components",
    "dicom-sr": "FHIR R5 by the HL7 guide DICOM SR: a group per region, an Observation per number",
    "r4b": "FHIR R4B, with the ImagingSelection as Basic and cross-version extensions",
}
"""Forms that Observations are written in."""

_INSTANT = re.compile(
    r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T"
    r"([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d{1,9})?(Z|[+-](0\d|1[0-4]):[0-5]\d)"
)


@dataclass(frozen=True, slots=True, eq=False)
class Context:
    """Who was examined and when it was said (DICOM PS3.16 TID 1001 Observation Context).

    Parameters
    ----------
    subject : dict, optional
        Reference that stands in where the selection has none.
    issued : str
        FHIR instant; empty to leave it out.
    """

    subject: dict[str, Any] | None = None
    issued: str = ""


def read_context(
    subject: str | Mapping[str, Any] | None, issued: str | datetime | None, *, always: bool
) -> Context:
    """Check what a caller says about subject and time.

    Parameters
    ----------
    subject : str or mapping, optional
        A reference such as "Patient/12", an identifier "system|value" of a patient, or the JSON of
        a Reference.
    issued : str or datetime, optional
        With time zone.
    always : bool
        Whether an instant is needed: the present, to the second, where none is given.

    Raises
    ------
    InputError
        On text that is no reference or no instant.

    Examples
    --------
    >>> read_context("http://hospital|4711", "2026-01-31T12:00:00Z", always=True).subject
    {'type': 'Patient', 'identifier': {'system': 'http://hospital', 'value': '4711'}}
    """
    if issued is None and always:
        issued = datetime.now(UTC).replace(microsecond=0)
    return Context(_subject(subject), _instant(issued))


def _subject(subject: str | Mapping[str, Any] | None) -> dict[str, Any] | None:
    if subject is None:
        return None
    if isinstance(subject, Mapping):
        reference: dict[str, Any] = plain(subject)
        frame = {"resourceType": "ImagingSelection", "status": "unknown", "code": {"text": "x"}}
        is_named = reference.get("reference") or reference.get("identifier")
        if is_named and not validate({**frame, "subject": plain(subject)}):
            return reference
        raise InputError(f"subject: expected a Reference, got {brief(subject)}")
    text = subject.strip() if isinstance(subject, str) else ""
    system, bar, value = text.partition("|")
    if bar and value:
        identifier = {"system": system, "value": value} if system else {"value": value}
        return {"type": "Patient", "identifier": identifier}
    if not text or bar or any(c.isspace() for c in text) or not ("/" in text or ":" in text):
        raise InputError(
            "subject: expected a reference such as Patient/12, or system|value of an identifier, "
            f"got {brief(subject)}"
        )
    return {"reference": text}


def _instant(issued: str | datetime | None) -> str:
    if issued is None or issued == "":
        return ""
    if isinstance(issued, datetime):
        issued = issued.isoformat().replace("+00:00", "Z")
    if not isinstance(issued, str) or not _INSTANT.fullmatch(issued):
        raise InputError(
            "issued: expected an instant with time zone such as 2026-01-31T12:00:00Z, "
            f"got {brief(issued)}"
        )
    return issued
