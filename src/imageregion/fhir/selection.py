"""Selection: one ImagingSelection as read, next to the document it came from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from imageregion.errors import InputError, Issue
from imageregion.fhir.normalized import Normalized
from imageregion.fhir.text.plain import as_json, plain
from imageregion.region import Region

__all__ = ["Selection", "write_selection"]


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """One FHIR ImagingSelection: its regions, what was found while reading, and the original.

    Parameters
    ----------
    id : str
        Logical id of the resource, empty where it has none.
    status : str
        "available", "entered-in-error", "unknown" or, in R6, "inactive"; empty where the resource
        was unreadable.
    code : str
        Why it was made, in words.
    study, series, frame_of_reference : str
        DICOM UIDs without prefix, empty where not stated.
    regions : tuple of Region
        By instance, 2-D before 3-D; then those in 3-D of the resource. A 2-D region of the resource
        (R5 snapshot 1) is one for each instance, all with the same path.
    issues : tuple of Issue
        Everything worked around, left out, or worth knowing. An error costs the element it names.
    resource : mapping
        The JSON as it was read, or that means the same as the XML, unknown elements and extensions
        included. Do not change it.
    source : str
        Where it came from: a file name, the place in a Bundle, or empty.
    normalized : Normalized, optional
        The resource in one form for all dialects; None where it was unreadable.
    merged : mapping of str to str
        3-D regions that R5 has in several instances are one Region, with the path of the first:
        from the FHIRPaths of the others to this one.

    Examples
    --------
    >>> from imageregion.fhir.document import read_selection
    >>> selection = read_selection({
    ...     "resourceType": "ImagingSelection", "id": "cyst", "status": "available",
    ...     "code": {"text": "Cyst"},
    ...     "instance": [{"uid": "1.2.3", "imageRegion2D": [
    ...         {"regionType": "circle", "coordinate": [8, 8, 11, 8]}]}],
    ... })
    >>> selection
    Selection('cyst', available, 1 region: 1 circle)
    """

    id: str
    status: str
    code: str
    study: str
    series: str
    frame_of_reference: str
    regions: tuple[Region, ...]
    issues: tuple[Issue, ...]
    resource: Mapping[str, Any]
    source: str = ""
    normalized: Normalized | None = None
    merged: Mapping[str, str] = field(default_factory=dict)

    @property
    def dialect(self) -> str:
        """Which published form it was read as, a name of `DIALECTS`; empty where unreadable."""
        return self.normalized.dialect if self.normalized else ""

    @property
    def name(self) -> str:
        """The id, or where there is none the source."""
        return self.id or self.source

    @property
    def errors(self) -> tuple[Issue, ...]:
        """The issues that cost something its numbers."""
        return tuple(issue for issue in self.issues if issue.severity == "error")

    def to_dict(self) -> dict[str, Any]:
        """Return a deep copy of the resource as it was read."""
        copy: dict[str, Any] = plain(self.resource)
        return copy

    def to_json(self) -> bytes:
        """Return the resource as it was read, as UTF-8 JSON."""
        return as_json(self.resource)

    def __repr__(self) -> str:
        kinds = Counter(region.type for region in self.regions)
        text = f"{len(self.regions)} region{'s' * (len(self.regions) != 1)}"
        if kinds:
            text += ": " + ", ".join(f"{count} {kind}" for kind, count in kinds.items())
        levels = Counter(issue.severity for issue in self.issues)
        for level in ("error", "warning"):
            if levels[level]:
                text += f"; {levels[level]} {level}{'s' * (levels[level] != 1)}"
        return f"Selection({self.name!r}, {self.status or 'unreadable'}, {text})"


def write_selection(selection: Selection, path: str | Path) -> None:
    """Write the resource of a selection, as it was read, to a JSON file.

    Parameters
    ----------
    selection : Selection
    path : str or Path
        An existing file is replaced.

    Raises
    ------
    InputError
        When the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from imageregion.fhir.document import read_selection
    >>> text = '{"resourceType":"ImagingSelection","status":"unknown","code":{},"seriesUid":"1.2"}'
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_selection(read_selection(text), f"{folder}/copy.json")
    ...     read_selection(f"{folder}/copy.json").series
    '1.2'
    """
    try:
        Path(path).write_bytes(selection.to_json() + b"\n")
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be written: {error}") from None
