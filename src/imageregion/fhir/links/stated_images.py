"""What an Observation says of the images it measured, and of how it did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from imageregion.codes import NAMESPACE
from imageregion.fhir.targets import clean_uid

__all__ = ["measured_images", "stated_method"]

_INSTANCE = f"{NAMESPACE}/StructureDefinition/measured-instance"
_FRAME = f"{NAMESPACE}/StructureDefinition/measured-frame"
_METHOD = f"{NAMESPACE}/CodeSystem/method"
_RULES = ("center", "touched", "exact")


def measured_images(observation: Mapping[str, Any]) -> tuple[tuple[str, ...], int | None]:
    """Return the SOP Instance UIDs and the frame number that our extensions name.

    Examples
    --------
    >>> uid = {"url": _INSTANCE, "valueIdentifier": {"value": "urn:oid:1.2.3"}}
    >>> measured_images({"extension": [uid, {"url": _FRAME, "valuePositiveInt": 2}]})
    (('1.2.3',), 2)
    """
    uids: list[str] = []
    frame = None
    for extension in _extensions(observation):
        if extension.get("url") == _INSTANCE:
            identifier = extension.get("valueIdentifier")
            value = identifier.get("value") if isinstance(identifier, Mapping) else None
            if isinstance(value, str):
                uids.append(clean_uid(value))
        elif extension.get("url") == _FRAME:
            number = extension.get("valuePositiveInt")
            if isinstance(number, int) and not isinstance(number, bool) and number > 0:
                frame = number
    return tuple(dict.fromkeys(uids)), frame


def stated_method(observation: Mapping[str, Any]) -> tuple[str, str]:
    """Return the rule by our code, and what ``Observation.method`` says in words.

    The words are given only where the rule is ours: those of others have no grammar.

    Examples
    --------
    >>> coding = {"system": _METHOD, "code": "exact"}
    >>> stated_method({"method": {"coding": [coding], "text": "rule=exact"}})
    ('exact', 'rule=exact')
    """
    method = observation.get("method")
    codings = method.get("coding") if isinstance(method, Mapping) else None
    for coding in codings if isinstance(codings, list) else []:
        if isinstance(coding, Mapping) and coding.get("system") == _METHOD:
            code = coding.get("code")
            text = method.get("text") if isinstance(method, Mapping) else None
            if code in _RULES:
                return str(code), text if isinstance(text, str) else ""
    return "", ""


def _extensions(element: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    extensions = element.get("extension")
    for extension in extensions if isinstance(extensions, list) else []:
        if isinstance(extension, Mapping):
            yield extension
