"""Which images an ImagingSelection element means: UIDs, and what an instance is limited to.

What ``subset`` means depends on the SOP class: frames of an image, segments of a segmentation,
content items of a report, regions of interest of a structure set. FHIR R6 has an element for each.
Frames choose pixels. The others do not: they are kept and named, and the instance stands for them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from imageregion.errors import Issue
from imageregion.fhir.coordinates import RegionError
from imageregion.fhir.text.plain import brief

__all__ = [
    "Selectors",
    "clean_uid",
    "is_image",
    "kind_of",
    "read_selectors",
    "reference_type",
    "sop_class",
]

_TYPE = re.compile(r"(?:^|/)([A-Z][A-Za-z]+)/[A-Za-z0-9\-.]{1,64}(?:/_history/|$)")

MAX_FRAMES = 2**20
"""Most frames that one instance may be limited to."""

Kind = Literal["", "segmentation", "report", "structures", "waveform", "other"]
"""What a SOP class is, as far as selecting goes: an image or not stated, and others."""

_PREFIX = "urn:oid:"
_FRAME = re.compile(r"0*[1-9][0-9]{0,8}")
_LARGEST = 2**31 - 1  # positiveInt
_STORAGE = "1.2.840.10008.5.1.4.1.1."
_KINDS: dict[str, Kind] = {
    "66.4": "segmentation",
    "66.7": "segmentation",
    "66.5": "other",  # surface segmentation: segments, but no pixels
    "88": "report",
    "481.3": "structures",
    "9": "waveform",
    **dict.fromkeys(("4.2", "11", "34", "66", "67", "68.1", "78", "79.1", "80.1", "91.1"), "other"),
    **dict.fromkeys(("104", "200", "481.4", "481.5", "481.6", "481.7", "481.8"), "other"),
    **dict.fromkeys(("481.9", "481.10", "481.11"), "other"),
}
"""Families below `_STORAGE` that are no images, and segmentations; the longest name counts."""
_SELECTORS: dict[str, tuple[str, tuple[Kind, ...]]] = {
    "subset": ("", ()),
    "frameNumber": ("frame", ("", "segmentation")),
    "segmentNumber": ("segment", ("", "segmentation", "other")),
    "regionOfInterest": ("region of interest", ("", "structures")),
    "referencedContentItemIdentifier": ("content item", ("", "report")),
    "waveFormChannel": ("channel", ("", "waveform")),
}
"""What each selector names, and the kinds of instances that have such."""
_SUBSETS: dict[Kind, str] = {
    "": "frame",
    "segmentation": "segment",
    "report": "content item",
    "structures": "region of interest",
    "waveform": "channel",
    "other": "part",
}
_SEGMENTATION_FRAME = "121214"  # code of DICOM for a frame of a segmentation, not a segment


@dataclass(frozen=True, slots=True)
class Selectors:
    """What an instance is limited to.

    Parameters
    ----------
    frames : tuple of int
        From 1, each once, in the order given; empty for the whole instance.
    note : str
        What else is selected in words, empty for frames.
    issues : tuple of Issue
    """

    frames: tuple[int, ...] = ()
    note: str = ""
    issues: tuple[Issue, ...] = ()


def clean_uid(value: str) -> str:
    """Strip blanks and a ``urn:oid:`` prefix from a UID.

    Examples
    --------
    >>> clean_uid(" urn:oid:1.2.3")
    '1.2.3'
    """
    uid = value.strip()
    return uid[len(_PREFIX) :].strip() if uid.lower().startswith(_PREFIX) else uid


def sop_class(instance: dict[str, Any]) -> str:
    """Return the SOP Class UID of an instance without prefix, empty where not stated.

    Examples
    --------
    >>> sop_class({"sopClass": {"system": "urn:ietf:rfc:3986", "code": "urn:oid:1.2"}})
    '1.2'
    """
    coding = instance.get("sopClass")
    code = coding.get("code") if isinstance(coding, dict) else None
    return clean_uid(code) if isinstance(code, str) else ""


def kind_of(uid: str) -> Kind:
    """Tell what the instances of a SOP class are: "" for images and where it is not stated.

    Examples
    --------
    >>> kind_of("1.2.840.10008.5.1.4.1.1.66.4"), kind_of("1.2.840.10008.5.1.4.1.1.2")
    ('segmentation', '')
    """
    if not uid.startswith(_STORAGE):
        return ""
    parts = uid[len(_STORAGE) :].split(".")
    names = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((_KINDS[name] for name in names if name in _KINDS), "")


def is_image(uid: str) -> bool:
    """Whether instances of a SOP class can have pixels; True where the class is not stated.

    Examples
    --------
    >>> is_image("1.2.840.10008.5.1.4.1.1.2"), is_image("1.2.840.10008.5.1.4.1.1.88.22")
    (True, False)
    """
    return kind_of(uid) in ("", "segmentation")


def reference_type(reference: Any) -> str:
    """Return the type of resource that a Reference names, empty where it does not tell.

    Examples
    --------
    >>> reference_type({"reference": "https://a.org/fhir/Patient/1/_history/2"})
    'Patient'
    """
    if not isinstance(reference, Mapping):
        return ""
    if isinstance(reference.get("type"), str):
        return str(reference["type"]).rpartition("/")[2]
    match = _TYPE.search(str(reference.get("reference") or ""))
    return match[1] if match else ""


def read_selectors(
    instance: dict[str, Any], path: Callable[..., str], codes: frozenset[str] = frozenset()
) -> Selectors:
    """Read what an instance is limited to.

    Parameters
    ----------
    instance : dict
        One instance of the normalized form.
    path : callable
        Returns the FHIRPath of a part of the instance, given its steps.
    codes : frozenset of str
        Of ``ImagingSelection.code``: 121214 says that a subset of a segmentation is of frames.

    Raises
    ------
    RegionError
        When a selector is malformed, belongs to another kind of instance, or is one of several.

    Examples
    --------
    >>> found = read_selectors({"subset": ["1,3"]}, lambda *steps: ".".join(map(str, steps)))
    >>> found.frames, found.issues[0].code
    ((1, 3), 'comma-list')
    """
    names = [name for name in _SELECTORS if instance.get(name) is not None]
    if not names:
        return Selectors()
    if len(names) > 1:
        message = f"expected one selector, got {' and '.join(names)}: which one counts is not said"
        raise RegionError("several-selectors", path(), message)
    (name,) = names
    uid = sop_class(instance)
    kind = kind_of(uid)
    selected, kinds = _SELECTORS[name]
    if name == "subset":
        of_frames = kind == "segmentation" and _SEGMENTATION_FRAME in codes
        selected = "frame" if of_frames else _SUBSETS[kind]
    elif kind not in kinds or (uid.startswith(_STORAGE) and not kind and selected != "frame"):
        message = f"expected an instance with {selected}s, got one of SOP Class {uid}"
        raise RegionError("subset", path(name), message)
    values = instance[name]
    if not isinstance(values, list) or not values:
        raise RegionError("subset", path(name), "expected a list of at least one number")
    if selected == "frame":
        return _frames(values, name, path)
    return _others(values, name, selected, path)


def _frames(values: list[Any], name: str, path: Callable[..., str]) -> Selectors:
    frames: list[int] = []
    issues: list[Issue] = []
    if sum(item.count(",") + 1 for item in values if isinstance(item, str)) > MAX_FRAMES:
        raise RegionError("subset", path(name), f"expected at most {MAX_FRAMES} frame numbers")
    for index, item in enumerate(values):
        parts = [part.strip() for part in _digits(item).split(",")]
        if not all(_FRAME.fullmatch(part) for part in parts):
            message = f"expected a frame number, counted from 1, got {brief(item)}"
            raise RegionError("subset", path(name, index), message)
        if len(parts) > 1:
            message = f"{brief(item)} read as {len(parts)} frame numbers; expected one per item"
            issues.append(Issue("information", "comma-list", path(name, index), message))
        frames += (int(part.lstrip("0")) for part in parts)
    return Selectors(tuple(dict.fromkeys(frames)), "", tuple(issues))


def _others(values: list[Any], name: str, selected: str, path: Callable[..., str]) -> Selectors:
    """Name segments, content items and so on, which are no pixels by frame."""
    for index, item in enumerate(values):
        if name == "subset":
            is_valid = bool(_digits(item).strip())
        else:
            is_valid = type(item) is int and 0 <= item <= _LARGEST
        if not is_valid:
            wanted = f"expected the number of a {selected}, got {brief(item)}"
            raise RegionError("subset", path(name, index), wanted)
    shown = ", ".join(f"{item!s:.70}" for item in values[:3])
    shown += f" and {len(values) - 3} more" if len(values) > 3 else ""
    note = f"selects {selected}{'s' * (len(values) > 1)} {shown}"
    message = f"{note}: kept, but these are no frames, so the region stands for the whole instance"
    return Selectors((), note, (Issue("information", "no-frames", path(name), message),))


def _digits(item: object) -> str:
    """Return what a subset item says; empty where it is no text or number, or a gigantic one."""
    if isinstance(item, str):
        return item
    if not isinstance(item, int) or isinstance(item, bool):
        return ""
    return str(item) if abs(item) < 1e15 else ""
