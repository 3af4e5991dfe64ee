"""SOP classes: what their UIDs say of an object that nobody has opened."""

from __future__ import annotations

from functools import lru_cache

from imageregion.errors import Severity

__all__ = [
    "SINGLE_FRAME",
    "class_issue",
    "class_name",
    "expected_modalities",
    "has_pixels",
]

_STORAGE = "1.2.840.10008.5.1.4.1.1."

SINGLE_FRAME = frozenset(_STORAGE + end for end in ("1", "2", "4", "7", "128"))
"""Computed radiography, CT, MR, secondary capture and PET of the first kind: one frame each."""

_NEWER = frozenset(_STORAGE + end for end in ("66.7", "66.8", "66.9"))
"""Label maps and height maps; pixels, and younger than some registries."""

_WITH_PIXELS = frozenset(
    _STORAGE + end for end in ("6.2", "30", "66.4", "77.1.5.8", "81.1", "82.1", "481.2")
)
"""Classes with pixels whose names do not end in "Image Storage"."""

_MODALITIES = {
    **dict.fromkeys(("2", "2.1", "2.2"), ("CT",)),
    **dict.fromkeys(("4", "4.1", "4.3", "4.4"), ("MR",)),
    **dict.fromkeys(("128", "128.1", "130"), ("PT",)),
    **dict.fromkeys(("3", "3.1", "6", "6.1", "6.2"), ("US", "IVUS")),
    **dict.fromkeys(("5", "20"), ("NM",)),
    **dict.fromkeys(("1.2", "1.2.1", "13.1.3"), ("MG",)),
    **dict.fromkeys(("1.3", "1.3.1"), ("IO",)),
    "1": ("CR",),
    "77.1.6": ("SM",),
    "481.2": ("RTDOSE",),
    "66.4": ("SEG",),
}


def class_name(uid: str) -> str:
    """Return the name of a SOP class, or its UID.

    Examples
    --------
    >>> class_name("1.2.840.10008.5.1.4.1.1.2")
    'CT Image Storage'
    """
    return _registry().get(uid, ("SOP Class " + uid, ""))[0]


def has_pixels(uid: str) -> bool:
    """Whether objects of a SOP class have pixels; True where the class is not known.

    Examples
    --------
    >>> has_pixels("1.2.840.10008.5.1.4.1.1.2"), has_pixels("1.2.840.10008.5.1.4.1.1.104.1")
    (True, False)
    """
    if uid not in _registry() or uid in _WITH_PIXELS | _NEWER:
        return True
    return "Image Storage" in class_name(uid)


def expected_modalities(uid: str) -> tuple[str, ...]:
    """Return the modalities that images of a SOP class have; empty where it does not tell.

    Examples
    --------
    >>> expected_modalities("1.2.840.10008.5.1.4.1.1.128")
    ('PT',)
    """
    return _MODALITIES.get(uid.removeprefix(_STORAGE), ()) if uid.startswith(_STORAGE) else ()


def class_issue(uid: str) -> tuple[Severity, str, str] | None:
    """Say what is wrong with a SOP Class UID: severity, rule and sentence; None when it is known.

    Examples
    --------
    >>> class_issue("11.2.840.10008.5.1.4.1.1.481.3")[1:]
    ('sop-class-typo', 'no SOP class 11.2.840.10008.5.1.4.1.1.481.3; is
    1.2.840.10008.5.1.4.1.1.481.3 (RT Structure Set Storage) meant?')
    """
    registry = _registry()
    if uid in _NEWER:
        return None
    if uid in registry:
        name, kind = registry[uid]
        if kind == "SOP Class":
            return None
        return "warning", "not-a-sop-class", f"expected a SOP class, got the {kind} {name}"
    near = _near(uid)
    if near:
        message = f"no SOP class {uid:.80}; is {near} ({class_name(near)}) meant?"
        return "warning", "sop-class-typo", message
    return "information", "sop-class-unknown", f"{uid:.80} is not in DICOM's registry of classes"


def _near(uid: str) -> str:
    """Return the one storage class that is a single edit away; empty where none or several are.

    Newer classes differ from known ones in their last number: within DICOM's own root only the
    part before it counts as a slip.
    """
    if len(uid) > 64 or uid.startswith(_STORAGE):
        return ""
    candidates = [
        known
        for known, (name, kind) in _registry().items()
        if kind == "SOP Class" and "Storage" in name and _one_edit(uid, known)
    ]
    return candidates[0] if len(candidates) == 1 else ""


def _one_edit(a: str, b: str) -> bool:
    """Whether one character more, less, other, or two swapped, turn one text into the other."""
    if abs(len(a) - len(b)) > 1 or a == b:
        return False
    start = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), None)
    i = min(len(a), len(b)) if start is None else start
    if len(a) == len(b):
        return a[i + 1 :] == b[i + 1 :] or (a[i : i + 2][::-1], a[i + 2 :]) == (
            b[i : i + 2],
            b[i + 2 :],
        )
    return a[i + 1 :] == b[i:] if len(a) > len(b) else a[i:] == b[i + 1 :]


@lru_cache(maxsize=1)
def _registry() -> dict[str, tuple[str, str]]:
    """DICOM's registry of UIDs as pydicom has it: name and kind."""
    import pydicom.uid

    registry: dict[str, tuple[str, ...]] = vars(pydicom.uid)["UID_dictionary"]
    return {uid: (str(entry[0]), str(entry[1])) for uid, entry in registry.items()}
