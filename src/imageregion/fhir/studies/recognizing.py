"""Which release of FHIR an ImagingStudy was written in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from imageregion.fhir.studies.values import Release

__all__ = ["recognize", "signs"]

_LOOKED_AT = 200  # series and instances of each

_TOP: dict[str, Release] = {
    "uid": "stu3",
    "patient": "stu3",
    "accession": "stu3",
    "availability": "stu3",
    "modalityList": "stu3",
    "context": "stu3",
    "interpreter": "r4",
    "procedureReference": "r4",
    "procedureCode": "r4",
    "reasonCode": "r4",
    "reasonReference": "r4",
    "procedure": "r5",
    "reason": "r5",
}
"""Elements of the resource that tell the release; STU3 has some of those of R4, too."""


def recognize(study: Mapping[str, Any]) -> tuple[Release, str]:
    """Return the release an ImagingStudy was written in, and what tells so.

    Where nothing tells, R4 and R5 are alike, and the answer is R5.

    Examples
    --------
    >>> recognize({"uid": "urn:oid:1.2", "patient": {}})
    ('stu3', 'ImagingStudy.uid')
    >>> recognize({"series": [{"modality": {"code": "CT"}}]})
    ('r4', 'ImagingStudy.series[0].modality is a Coding')
    """
    found = list(signs(study))
    releases: tuple[Release, ...] = ("stu3", "r6", "r5", "r4")
    for release in releases:
        for one, evidence in found:
            if one == release:
                return release, evidence
    return "r5", "nothing tells the release"


def signs(study: Mapping[str, Any]) -> Iterator[tuple[Release, str]]:
    """Yield each release that something speaks for, and what it is."""
    for name, release in _TOP.items():
        if study.get(name) is not None and not (name == "procedure" and _is_stu3(study)):
            yield release, f"ImagingStudy.{name}"
    if study.get("status") == "inactive":
        yield "r6", "ImagingStudy.status is inactive"
    yield from _modality(_listed(study.get("modality"))[:1], "ImagingStudy.modality[0]")
    for i, series in enumerate(_listed(study.get("series"))[:_LOOKED_AT]):
        path = f"ImagingStudy.series[{i}]"
        yield from _modality([series.get("modality")], f"{path}.modality")
        for j, instance in enumerate(_listed(series.get("instance"))[:_LOOKED_AT]):
            if instance.get("numberOfFrames") is not None:
                yield "r6", f"{path}.instance[{j}].numberOfFrames"
            if isinstance(instance.get("sopClass"), str) and not _is_stu3(study):
                yield "r6", f"{path}.instance[{j}].sopClass is an oid"


def _is_stu3(study: Mapping[str, Any]) -> bool:
    return study.get("uid") is not None or study.get("patient") is not None


def _modality(values: list[Any], path: str) -> Iterator[tuple[Release, str]]:
    for value in values:
        if isinstance(value, Mapping) and ("coding" in value or "text" in value):
            yield "r5", f"{path} is a CodeableConcept"
        elif isinstance(value, Mapping) and "code" in value:
            yield "r4", f"{path} is a Coding"


def _listed(value: object) -> list[Any]:
    if isinstance(value, Mapping):
        return [value]
    if not isinstance(value, list | tuple):
        return []
    return [item for item in value if isinstance(item, Mapping)]
