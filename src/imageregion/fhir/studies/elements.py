"""Reading elements of JSON nobody has validated: lenient on form, every leniency with an issue."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from imageregion.errors import Issue, Severity
from imageregion.fhir.targets import clean_uid
from imageregion.fhir.text.plain import brief

__all__ = ["MAX_ISSUES", "Notes", "items", "read_code", "read_count", "read_text", "read_uid"]

MAX_ISSUES = 1000
"""Most issues that are kept of one resource."""

_UID = re.compile(r"[0-9]+(\.[0-9]+)*")
_LEADING_ZERO = re.compile(r"(?:^|\.)0[0-9]")
_CODES = re.compile(r"[^\s]+(\s[^\s]+)*")
_LARGEST = 2**31 - 1


class Notes:
    """Issues under way, at most `MAX_ISSUES`; those beyond are counted.

    Examples
    --------
    >>> notes = Notes()
    >>> notes.add("warning", "status", "ImagingStudy.status", "missing")
    >>> notes.issues()[0].code
    'status'
    """

    def __init__(self) -> None:
        self._found: list[Issue] = []
        self._beyond = 0

    def add(self, severity: Severity, code: str, path: str, message: str) -> None:
        """Note one issue."""
        self.extend((Issue(severity, code, path, message),))

    def extend(self, issues: tuple[Issue, ...]) -> None:
        """Note issues found elsewhere."""
        room = max(MAX_ISSUES - len(self._found), 0)
        self._found += issues[:room]
        self._beyond += len(issues[room:])

    def issues(self) -> tuple[Issue, ...]:
        """Return what was noted."""
        if not self._beyond:
            return tuple(self._found)
        message = f"{self._beyond} more issues, not listed"
        return (*self._found, Issue("warning", "too-many-issues", self._found[0].path, message))


def items(
    element: Mapping[str, Any], name: str, path: str, notes: Notes
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the objects of a list element, each with its FHIRPath.

    A single object stands for a list of one; what is no object is left out.

    Examples
    --------
    >>> notes = Notes()
    >>> list(items({"series": [{"uid": "1.2"}, 5]}, "series", "ImagingStudy", notes))
    [('ImagingStudy.series[0]', {'uid': '1.2'})]
    >>> print(notes.issues()[0])
    error ImagingStudy.series[1]: expected an object, got 5; left out
    """
    value = element.get(name)
    if value is None:
        return
    if isinstance(value, Mapping):
        notes.add("information", "not-a-list", f"{path}.{name}", "one object read as a list of one")
        value = [value]
    if not isinstance(value, list | tuple):
        message = f"expected a list, got {brief(value)}; left out"
        notes.add("error", "invalid-element", f"{path}.{name}", message)
        return
    for index, item in enumerate(value):
        place = f"{path}.{name}[{index}]"
        if isinstance(item, Mapping):
            yield place, item
        else:
            message = f"expected an object, got {brief(item)}; left out"
            notes.add("error", "invalid-element", place, message)


def read_text(element: Mapping[str, Any], name: str, path: str, notes: Notes) -> str:
    """Return a text without blanks around it, empty where there is none."""
    value = element.get(name)
    if value is None:
        return ""
    if isinstance(value, str):
        return value.strip()
    message = f"expected text, got {brief(value)}; left out"
    notes.add("warning", "invalid-element", f"{path}.{name}", message)
    return ""


def read_code(element: Mapping[str, Any], name: str, path: str, notes: Notes) -> str:
    """Return a FHIR code in lower case, empty where there is none."""
    given = element.get(name)
    code = read_text(element, name, path, notes).lower()
    if code and not _CODES.fullmatch(code):
        message = f"expected a code, got {brief(given)}; left out"
        notes.add("warning", "invalid-element", f"{path}.{name}", message)
        return ""
    if code and code != given:
        notes.add("information", "code-case", f"{path}.{name}", f"{brief(given)} read as {code}")
    return code


def read_uid(
    value: object,
    path: str,
    notes: Notes,
    *,
    prefix: bool | None = None,
    severity: Severity = "error",
) -> str:
    """Return a DICOM UID without ``urn:oid:``, empty where it is none (DICOM PS3.5 section 9.1).

    Parameters
    ----------
    value : object
        As found.
    path : str
        FHIRPath of the element.
    notes : Notes
    prefix : bool, optional
        Whether a prefix is right here; where it is not as stated, an issue says so.
    severity : {"error", "warning"}
        Of the issue where the value is no UID.

    Examples
    --------
    >>> read_uid(" urn:oid:1.2.840", "ImagingStudy.uid", Notes())
    '1.2.840'
    """
    if not isinstance(value, str):
        notes.add(severity, "invalid-uid", path, f"expected a UID, got {brief(value)}")
        return ""
    uid = clean_uid(value)
    if len(uid) > 64 or not _UID.fullmatch(uid):
        notes.add(severity, "invalid-uid", path, f"expected a UID, got {brief(value)}")
        return ""
    if _LEADING_ZERO.search(uid):
        notes.add("warning", "uid-form", path, f"{uid} has a part that begins with 0")
    has_prefix = value.strip() != uid
    if value != value.strip() or (prefix is not None and prefix != has_prefix):
        notes.add("information", "uid-prefix", path, f"{brief(value)} read as {uid}")
    return uid


def read_count(
    element: Mapping[str, Any], name: str, path: str, notes: Notes, *, least: int = 0
) -> int | None:
    """Return a whole number from `least` to 2^31 - 1, None where there is none."""
    value = element.get(name)
    if value is None:
        return None
    number = value
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit():
        number = int(value.strip()[:12])
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    if isinstance(number, int) and not isinstance(number, bool) and least <= number <= _LARGEST:
        if type(value) is not int:
            notes.add("information", "number-form", f"{path}.{name}", f"read as {number}")
        return number
    message = f"expected a whole number from {least}, got {brief(value)}; left out"
    notes.add("warning", "invalid-element", f"{path}.{name}", message)
    return None
