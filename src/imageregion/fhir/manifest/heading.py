"""What a manifest says of the whole: what all its selections agree on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imageregion.errors import FhirError
from imageregion.fhir.cross_version.endpoints import absent
from imageregion.fhir.manifest.losses import Losses
from imageregion.fhir.manifest.reading import AUTHOR, AUTHORED, MANIFEST

__all__ = ["head_of", "objects", "reference_of"]

_AUTHORS = ("Practitioner", "Device", "Organization", "Patient", "RelatedPerson")


def objects(value: object) -> list[dict[str, Any]]:
    """Return the objects of a list; of one object, itself.

    Examples
    --------
    >>> objects({"id": "a"}), objects([1, {}]), objects(None)
    ([{'id': 'a'}], [{}], [])
    """
    values = value if isinstance(value, list | tuple) else [value]
    return [one for one in values if isinstance(one, dict)]


def reference_of(reference: Mapping[str, Any]) -> dict[str, Any]:
    """Return a Reference in the form of STU3, which has no ``type``.

    Examples
    --------
    >>> reference_of({"reference": "Patient/1", "type": "Patient"})
    {'reference': 'Patient/1'}
    """
    return {key: value for key, value in reference.items() if key != "type"}


def head_of(used: list[dict[str, Any]], losses: Losses) -> dict[str, Any]:
    """Return all elements of a manifest but its studies.

    Raises
    ------
    FhirError
        When the selections are of several patients.
    """
    head: dict[str, Any] = {}
    for name in ("extension", "modifierExtension"):
        _put(head, name, [one.get(name) for one in used], (name,), losses)
    _identifier(head, used, losses)
    head["patient"] = _patient(used, losses)
    _put(head, "authoringTime", [_time(one) for one in used], ("issued",), losses)
    _put(head, "author", [_author(one, losses) for one in used], ("performer",), losses)
    _put(head, "description", [_text(one, losses) for one in used], ("code",), losses)
    return head


def _put(
    head: dict[str, Any], name: str, values: list[Any], place: tuple[str, ...], losses: Losses
) -> None:
    """Take over what all selections say; note a loss where they differ."""
    if any(value != values[0] for value in values):
        losses.add(place, f"the selections differ, and a manifest has one {name} for all")
    elif values[0]:
        head[name] = values[0]


def _identifier(head: dict[str, Any], used: list[dict[str, Any]], losses: Losses) -> None:
    listed = [objects(one.get("identifier")) for one in used]
    first = listed[0][0] if listed[0] else None
    if first is not None and all(first in some for some in listed):
        head["identifier"] = first
    for one in (one for some in listed for one in some):
        if one != head.get("identifier"):
            value = f"{one.get('value')!s:.80}"
            losses.add(("identifier",), f"{value}: a manifest has one identifier for all")


def _patient(used: list[dict[str, Any]], losses: Losses) -> dict[str, Any]:
    stated = [reference_of(one["subject"]) for one in used if objects(one.get("subject"))]
    if any(_who(one) != _who(stated[0]) for one in stated):
        raise FhirError("ImagingSelection.subject", "expected selections of one patient")
    if not stated:
        losses.add(("subject",), "required in a manifest, but missing", "information")
        return absent()
    text = str(stated[0].get("reference") or "")
    kind = text.rpartition("/")[0].rpartition("/")[2]
    if kind and kind != "Patient":
        losses.add(("subject",), f"{text:.80} is no Patient, which a manifest is about")
        return {**absent(), "display": text[:200]}
    return stated[0]


def _who(reference: Mapping[str, Any]) -> object:
    return reference.get("reference") or reference.get("identifier") or reference.get("display")


def _time(resource: Mapping[str, Any]) -> str:
    if isinstance(resource.get("issued"), str):
        return str(resource["issued"])
    extra = resource.get("_issued")
    for extension in objects(extra.get("extension")) if isinstance(extra, dict) else []:
        if extension.get("url") == AUTHORED:
            return str(extension.get("valueDateTime") or "")
    return ""


def _author(resource: Mapping[str, Any], losses: Losses) -> dict[str, Any]:
    """Return the performer that is the author: by function, or the only one."""
    performers = objects(resource.get("performer"))
    is_author = [_is_author(one) for one in performers]
    chosen = is_author.index(True) if any(is_author) else 0 if len(performers) == 1 else None
    author: dict[str, Any] = {}
    for index, one in enumerate(performers):
        place = ("performer", index)
        actor = one.get("actor")
        text = str(actor.get("reference") or "") if isinstance(actor, dict) else ""
        kind = text.rpartition("/")[0].rpartition("/")[2]
        if index != chosen or not isinstance(actor, dict):
            losses.add(place, "a manifest names its author alone")
        elif kind and kind not in _AUTHORS:
            losses.add(place, f"{text:.80} cannot be the author of a manifest")
        else:
            author = reference_of(actor)
            if one.get("function") and not is_author[index]:
                losses.add((*place, "function"), "the author of a manifest has no other function")
    return author


def _is_author(performer: Mapping[str, Any]) -> bool:
    function = performer.get("function")
    codings = objects(function.get("coding")) if isinstance(function, dict) else []
    return any(
        one.get("system") == AUTHOR["system"] and one.get("code") == AUTHOR["code"]
        for one in codings
    )


def _text(resource: Mapping[str, Any], losses: Losses) -> str:
    """Return the words of the code, which alone survive."""
    code = resource.get("code")
    if not isinstance(code, dict):
        return ""
    codings = [
        one
        for one in objects(code.get("coding"))
        if (one.get("system"), one.get("code")) != (MANIFEST["system"], MANIFEST["code"])
    ]
    text = code.get("text")
    displays = [one["display"] for one in codings if isinstance(one.get("display"), str)]
    words = text if isinstance(text, str) and text else next(iter(displays), "")
    for one in codings:
        message = f"{one.get('code')!s:.60}: of the code, a manifest has the words alone"
        losses.add(("code",), message)
    return words
