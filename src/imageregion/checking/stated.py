"""Stated: what a selection says of its images, compared with what these say themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from imageregion.checking.elements import Resource
from imageregion.checking.sop_classes import class_name, expected_modalities
from imageregion.errors import Issue
from imageregion.fhir.targets import clean_uid, sop_class

if TYPE_CHECKING:
    from imageregion.dicom.images import Images

__all__ = ["stated_issues"]

_DCM = "http://dicom.nema.org/resources/ontology/DCM"


def stated_issues(resource: Resource, images: Images) -> list[Issue]:
    """Compare SOP classes and modality of a resource with the images at hand.

    Parameters
    ----------
    resource : Resource
    images : Images
    """
    return [*_classes(resource, images), *_modality(resource, images)]


def _classes(resource: Resource, images: Images) -> Iterator[Issue]:
    for place, instance in resource.instances():
        uid = sop_class(instance)
        expected = expected_modalities(uid)
        for name in sorted(_modalities(instance.get("uid"), images)):
            if expected and name not in expected:
                message = f"the image has modality {name}, the selection says {class_name(uid)}"
                yield resource.issue("warning", "sop-class-mismatch", (*place, "sopClass"), message)


def _modality(resource: Resource, images: Images) -> Iterator[Issue]:
    stated = _codes(resource.content.get("modality"))
    found = {
        name
        for _, instance in resource.instances()
        for name in _modalities(instance.get("uid"), images)
    }
    others = sorted(found - set(stated)) if stated else []
    if others:
        message = f"the images have modality {', '.join(others)}, the selection says {stated[0]}"
        yield resource.issue("warning", "modality-mismatch", ("modality",), message)


def _modalities(uid: Any, images: Images) -> set[str]:
    frames = images.of_instance(clean_uid(uid)) if isinstance(uid, str) else ()
    return {frame.modality for frame in frames if frame.modality}


def _codes(concept: object) -> list[str]:
    """Return the DICOM codes of a CodeableConcept."""
    codings = concept.get("coding") if isinstance(concept, dict) else None
    return [
        coding["code"]
        for coding in (codings if isinstance(codings, list) else [])
        if isinstance(coding, dict)
        and coding.get("system") in (_DCM, None)
        and isinstance(coding.get("code"), str)
    ]
