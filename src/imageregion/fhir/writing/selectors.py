"""What an instance is limited to: ``subset`` of R5, typed lists of R6, text lists of snapshot 1.

The SOP Class tells what a ``subset`` counts (R5, ImagingSelection.instance.subset). Segmentations
count segments, except where the code of the selection is DCM 121214, Referenced Segmentation Frame.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from imageregion.codes import DCM
from imageregion.fhir.targets import sop_class
from imageregion.fhir.writing.carried import absent, carry
from imageregion.fhir.writing.ledger import Ledger

__all__ = ["OID", "SELECTORS", "TYPED", "as_lists", "as_subset", "as_typed", "counted"]

TYPED = (
    "frameNumber",
    "referencedContentItemIdentifier",
    "segmentNumber",
    "regionOfInterest",
    "waveFormChannel",
)
"""The selectors of R6."""

SELECTORS = ("subset", *TYPED)
"""The selectors of R5 and R6."""

OID = re.compile(r"[0-2](\.(0|[1-9][0-9]*))+")
"""A UID as FHIR wants an ``oid``, without its prefix."""

_LISTS = {"frameNumber": "frameList", "segmentNumber": "segmentList", "regionOfInterest": "roiList"}
_STORAGE = "1.2.840.10008.5.1.4.1.1."
_COUNTED = {
    "66.4": "segmentNumber",
    "66.5": "segmentNumber",
    "66.7": "segmentNumber",
    "66.8": "segmentNumber",
    "481.3": "regionOfInterest",
    "88": "observationUid",
    "66": "",
    "67": "",
    "9": "",
    "11": "",
    "104": "",
}
"""SOP classes below `_STORAGE`: segmentations, structure sets, reports; then raw data and
registrations, value maps, waveforms, presentation states and documents, whose subset nobody has
defined."""
_PIXELS = ("frameNumber", "segmentNumber")  # of images and segmentations
_NUMBER = re.compile(r"0*[1-9][0-9]{0,8}")
_BY_CODE = {
    "121191": "segmentNumber",
    "121214": "frameNumber",
    "130488": "regionOfInterest",
    "111040": "observationUid",
}
"""DICOM codes of selections (HL7 dicom-sr): what their subset counts where no known SOP class
tells."""


def counted(instance: Mapping[str, Any], code: Any) -> str:
    """Return what the subset of an instance counts: a selector of R6, "observationUid" or "".

    Examples
    --------
    >>> counted({"sopClass": {"code": "1.2.840.10008.5.1.4.1.1.66.4"}}, {})
    'segmentNumber'
    >>> counted({}, {})
    'frameNumber'
    """
    uid = sop_class(dict(instance))
    by_code = next((_BY_CODE[c] for c in _dicom_codes(code) if c in _BY_CODE), "")
    if not uid.startswith(_STORAGE):
        return by_code or "frameNumber"
    rest = uid[len(_STORAGE) :]
    for family, name in _COUNTED.items():
        if rest == family or rest.startswith(f"{family}."):
            return by_code if (name, by_code) == ("segmentNumber", "frameNumber") else name
    return "frameNumber"


def as_subset(instance: dict[str, Any], code: Any, path: str, ledger: Ledger) -> None:
    """Turn typed selectors into the ``subset`` of R5.

    Frames and segments that cannot be said so become a subset of unknown value: whoever does not
    know the extension that carries them must not take the whole image.
    """
    what = counted(instance, code)
    given = [name for name in TYPED if instance.get(name) is not None]
    is_single = len(given) == 1 and "subset" not in instance
    for name in given:
        numbers = instance.pop(name)
        instance.pop(f"_{name}", None)
        if is_single and (name == what or numbers[0] is None):
            _write_subset(instance, numbers)
            ledger.respelled(f"{path}.{name}", "selector", f"becomes subset {_some(numbers)}")
        else:
            _carry_numbers(instance, name, numbers, path, ledger)
            if what in _PIXELS or not is_single:
                _write_subset(instance, [None])


def _write_subset(instance: dict[str, Any], numbers: list[Any]) -> None:
    instance["subset"] = [None if number is None else str(number) for number in numbers]
    if None in numbers:
        instance["_subset"] = [{"extension": [absent("unsupported")]} for _ in numbers]


def as_typed(instance: dict[str, Any], code: Any, path: str, ledger: Ledger) -> None:
    """Turn the ``subset`` of R5 into the selector of R6 that the SOP Class asks for."""
    subset = instance.get("subset")
    if subset is None:
        return
    what = counted(instance, code)
    numbers = _numbers(subset) if what in TYPED else None
    if numbers and not any(name in instance for name in TYPED):
        notes = instance.pop("_subset", None)
        del instance["subset"]
        instance[what] = numbers
        if notes and len(numbers) == len(subset):
            instance[f"_{what}"] = notes
        elif notes:
            _lose_notes(path, ledger)
        ledger.respelled(f"{path}.subset", "selector", f"becomes {what} {_some(numbers)}")
        return
    _carry_subset(instance, path, ledger)
    if what in _PIXELS and not any(name in instance for name in TYPED):
        instance[what] = [None]
        instance[f"_{what}"] = [{"extension": [absent("unsupported")]}]


def as_lists(instance: dict[str, Any], code: Any, path: str, ledger: Ledger) -> None:
    """Turn selectors of R5 and R6 into the lists of snapshot 1."""
    subset = instance.get("subset")
    if subset is not None:
        what = counted(instance, code)
        numbers = _numbers(subset) if what in _LISTS else None
        if any(isinstance(item, str) for item in subset) and instance.pop("_subset", None):
            _lose_notes(path, ledger)
        if what == "observationUid" and all(
            isinstance(i, str) and OID.fullmatch(i) for i in subset
        ):
            del instance["subset"]
            instance["observationUid"] = [f"urn:oid:{item}" for item in subset]
            ledger.respelled(f"{path}.subset", "selector", "becomes observationUid")
        elif numbers and what not in instance:
            del instance["subset"]
            _write_list(instance, what, numbers, f"{path}.subset", ledger)
        else:
            _carry_subset(instance, path, ledger)
    for name in TYPED:
        numbers = instance.pop(name, None)
        instance.pop(f"_{name}", None)
        if numbers is None:
            continue
        if name in _LISTS and _LISTS[name] not in instance and None not in numbers:
            _write_list(instance, name, numbers, f"{path}.{name}", ledger)
        else:
            _carry_numbers(instance, name, numbers, path, ledger)


def _write_list(
    instance: dict[str, Any], name: str, numbers: list[int], path: str, ledger: Ledger
) -> None:
    once = list(dict.fromkeys(numbers))
    instance[_LISTS[name]] = ",".join(map(str, once))
    note = "" if len(once) == len(numbers) else "; a number given twice is written once"
    ledger.respelled(path, "selector", f"becomes {_LISTS[name]} {_some(once)}{note}")


def _carry_numbers(
    instance: dict[str, Any], name: str, numbers: list[int | None], path: str, ledger: Ledger
) -> None:
    """Keep a selector in an extension; a number that is not known stays unknown."""
    carry(instance, name, [number for number in numbers if number is not None])
    _only_carried(f"{path}.{name}", name, numbers, ledger)


def _carry_subset(instance: dict[str, Any], path: str, ledger: Ledger) -> None:
    subset = instance.pop("subset")
    items = [item for item in subset if isinstance(item, str)]
    if instance.pop("_subset", None) and items:
        _lose_notes(path, ledger)
    carry(instance, "subset", items)
    _only_carried(f"{path}.subset", "subset", subset, ledger)


def _lose_notes(path: str, ledger: Ledger) -> None:
    ledger.lost(f"{path}.subset", "removed", "removed: extensions of single items")


def _only_carried(path: str, name: str, values: list[Any], ledger: Ledger) -> None:
    ledger.lost(
        path,
        "selector",
        f"{name} {_some(values)} cannot be said of this instance in {ledger.form}: kept in an "
        "extension only, "
        "nobody else knows which part of it is meant",
    )


def _numbers(subset: list[Any]) -> list[int] | None:
    """Read a subset as numbers from 1; None where it is something else."""
    parts = [part.strip() for item in subset for part in str(item).split(",")]
    return [int(part) for part in parts] if all(map(_NUMBER.fullmatch, parts)) else None


def _some(values: list[Any]) -> str:
    shown = ", ".join(f"{value!s:.70}" for value in values[:4])
    return f"{shown}, ..." if len(values) > 4 else shown


def _dicom_codes(concept: Any) -> list[str]:
    codings = concept.get("coding") if isinstance(concept, dict) else None
    return [
        str(coding.get("code"))
        for coding in (codings if isinstance(codings, list) else [])
        if isinstance(coding, dict) and coding.get("system") == DCM
    ]
