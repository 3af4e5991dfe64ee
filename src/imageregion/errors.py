"""Errors and issues: what can go wrong, said with its place, what was expected, and what came.

Every error raised on purpose derives from `ImageRegionError`::

    ImageRegionError(ValueError)
    ├── InputError        a file, folder or text that cannot be used at all
    ├── FhirError         a FHIR resource; the message starts with the FHIRPath of the element
    ├── DicomError        a DICOM object; the message starts with its SOP Instance UID
    ├── GeometryError     coordinates that make no shape, or an operation a shape does not allow
    └── PlacementError    a region that does not lie on any of the images at hand

An `Issue` is the same information as a value: readers collect issues for what they could work
around or had to leave out, so that one bad element never stops the others.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

__all__ = [
    "DicomError",
    "FhirError",
    "GeometryError",
    "ImageRegionError",
    "InputError",
    "Issue",
    "PlacementError",
    "Severity",
]

Severity = Literal["error", "warning", "information"]
"""How bad an issue is: an `error` costs a region its numbers, a `warning` may make them
unexpected, `information` only says how the input was understood (FHIR issue-severity)."""


class ImageRegionError(ValueError):
    """Base of every error this library raises on purpose."""


class InputError(ImageRegionError):
    """A file, folder or text that cannot be used at all."""


class FhirError(ImageRegionError):
    """A FHIR resource or element that cannot be used.

    Parameters
    ----------
    path : str
        FHIRPath of the element, e.g. ``ImagingSelection.instance[0].imageRegion2D[1].coordinate``.
    message : str
        What was expected and what came.
    """

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path
        self.message = message


class DicomError(ImageRegionError):
    """A DICOM object that cannot be used.

    Parameters
    ----------
    uid : str
        SOP Instance UID, or the file name where no UID could be read.
    message : str
        What was expected and what came.
    """

    def __init__(self, uid: str, message: str) -> None:
        super().__init__(f"{uid}: {message}")
        self.uid = uid
        self.message = message


class GeometryError(ImageRegionError):
    """Coordinates that make no shape, or an operation that a shape does not allow."""


class PlacementError(ImageRegionError):
    """A region that does not lie on any of the images at hand."""


@dataclass(frozen=True, slots=True)
class Issue:
    """One finding about an input: something worked around, left out, or worth knowing.

    Parameters
    ----------
    severity : {"error", "warning", "information"}
        See `Severity`.
    code : str
        Stable kebab-case name of the finding, e.g. ``"unclosed"``.
    path : str
        Where: a FHIRPath, a SOP Instance UID or a file name.
    message : str
        One sentence for a person.

    Examples
    --------
    >>> print(Issue("warning", "unclosed", "ImagingSelection.instance[0]", "the outline is open"))
    warning ImagingSelection.instance[0]: the outline is open
    """

    severity: Severity
    code: str
    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.severity} {self.path}: {self.message}"

    def to_dict(self) -> dict[str, str]:
        """Return the record that JSON prints: severity, code, path and message."""
        return asdict(self)
