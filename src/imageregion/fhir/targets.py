"""Which images an ImagingSelection element means: UIDs, subsets, frames."""

from __future__ import annotations

import re
from typing import Any

from imageregion.errors import Issue
from imageregion.fhir.coordinates import RegionError
from imageregion.fhir.plain import brief

__all__ = ["clean_uid", "is_image", "read_frames", "sop_class"]

_PREFIX = "urn:oid:"
_FRAME = re.compile(r"0*[1-9][0-9]{0,8}")
_STORAGE = "1.2.840.10008.5.1.4.1.1."
_NOT_FRAMES = ("66", "88", "481.3", "11")
"""SOP classes below `_STORAGE` whose subset is not a list of frames: segmentations (66.4, 66.7),
structured reports (88.*), RT structure sets (481.3) and presentation states (11.*)."""
_NOT_IMAGES = ("88", "481.3", "11")


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


def is_image(uid: str) -> bool:
    """Whether instances of a SOP class can have pixels; True where the class is not stated.

    Examples
    --------
    >>> is_image("1.2.840.10008.5.1.4.1.1.2"), is_image("1.2.840.10008.5.1.4.1.1.88.22")
    (True, False)
    """
    return not _is_one_of(uid, _NOT_IMAGES)


def read_frames(instance: dict[str, Any], path: str) -> tuple[tuple[int, ...], list[Issue]]:
    """Read the frame numbers that an instance is limited to.

    Parameters
    ----------
    instance : dict
        One ``ImagingSelection.instance``.
    path : str
        Its FHIRPath.

    Returns
    -------
    frames : tuple of int
        From 1, each once, in the order given; empty for the whole instance, and for SOP classes
        whose subset means something else.
    issues : list of Issue
        Leniencies.

    Raises
    ------
    RegionError
        When the subset of an image is not a list of frame numbers.

    Examples
    --------
    >>> frames, issues = read_frames({"subset": ["1,3"]}, "ImagingSelection.instance[0]")
    >>> frames, issues[0].code
    ((1, 3), 'comma-list')
    """
    subset = instance.get("subset")
    if subset is None or _is_one_of(sop_class(instance), _NOT_FRAMES):
        return (), []
    if not isinstance(subset, list) or not subset:
        raise RegionError("subset", f"{path}.subset", "expected a list of at least one number")
    frames: list[int] = []
    issues: list[Issue] = []
    for index, item in enumerate(subset):
        place = f"{path}.subset[{index}]"
        text = _digits(item)
        parts = [part.strip() for part in text.split(",")]
        if not all(_FRAME.fullmatch(part) for part in parts):
            raise RegionError(
                "subset", place, f"expected a frame number, counted from 1, got {brief(item)}"
            )
        if len(parts) > 1:
            message = f"{brief(item)} read as {len(parts)} frame numbers; expected one per item"
            issues.append(Issue("information", "comma-list", place, message))
        frames += (int(part.lstrip("0")) for part in parts)
    return tuple(dict.fromkeys(frames)), issues


def _digits(item: object) -> str:
    """Return what a subset item says; empty where it is no text or number, or a gigantic one."""
    if isinstance(item, str):
        return item
    if not isinstance(item, int) or isinstance(item, bool):
        return ""
    return str(item) if abs(item) < 1e15 else ""


def _is_one_of(uid: str, families: tuple[str, ...]) -> bool:
    if not uid.startswith(_STORAGE):
        return False
    rest = uid[len(_STORAGE) :]
    return any(rest == family or rest.startswith(family + ".") for family in families)
