"""Contained resources: Endpoints, turned from STU3 into R5 and back, and what to do with others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imageregion.fhir.manifest.losses import Losses

__all__ = ["ABSENT", "Contained", "absent", "endpoint_to_r5", "endpoint_to_stu3"]

ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
_R4_TYPES = "http://terminology.hl7.org/CodeSystem/endpoint-connection-type"
_STU3_TYPES = "http://hl7.org/fhir/endpoint-connection-type"


def absent(reason: str = "unknown") -> dict[str, Any]:
    """Return the extension that says that a value is missing, and why.

    Examples
    --------
    >>> absent()["extension"][0]["valueCode"]
    'unknown'
    """
    return {"extension": [{"url": ABSENT, "valueCode": reason}]}


def endpoint_to_r5(endpoint: Mapping[str, Any]) -> dict[str, Any]:
    """Return an STU3 or R4 Endpoint in the form of R5.

    Examples
    --------
    >>> r5 = endpoint_to_r5({"connectionType": {"code": "ihe-iid"}, "payloadType": [{"text": "x"}]})
    >>> r5["connectionType"], r5["payload"]
    ([{'coding': [{'code': 'ihe-iid'}]}], [{'type': [{'text': 'x'}]}])
    """
    other = {key: value for key, value in endpoint.items() if not key.startswith("payload")}
    coding = endpoint.get("connectionType")
    if isinstance(coding, Mapping):
        other["connectionType"] = [{"coding": [_resystem(coding, _STU3_TYPES, _R4_TYPES)]}]
    payload = {
        name: endpoint[old]
        for name, old in (("type", "payloadType"), ("mimeType", "payloadMimeType"))
        if endpoint.get(old)
    }
    return {**other, "payload": [payload]} if payload else other


def endpoint_to_stu3(endpoint: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return an R5 Endpoint in the form of STU3, and the names of what does not survive.

    Examples
    --------
    >>> own = {"connectionType": [{"coding": [{"code": "ihe-iid"}]}], "environmentType": []}
    >>> stu3, lost = endpoint_to_stu3(own)
    >>> stu3["connectionType"], lost
    ({'code': 'ihe-iid'}, ['environmentType'])
    """
    new = ("connectionType", "payload", "description", "environmentType")
    stu3 = {key: value for key, value in endpoint.items() if key not in new}
    lost = [name for name in new[2:] if name in endpoint]
    codings = [
        coding
        for concept in _mappings(endpoint.get("connectionType"))
        for coding in _mappings(concept.get("coding"))
    ]
    if codings:
        stu3["connectionType"] = _resystem(codings[0], _R4_TYPES, _STU3_TYPES)
    lost += ["connectionType"] * (len(codings) > 1)
    payloads = _mappings(endpoint.get("payload"))
    types = [one for payload in payloads for one in _mappings(payload.get("type"))]
    kinds = [
        one for payload in payloads for one in payload.get("mimeType") or () if isinstance(one, str)
    ]
    stu3["payloadType"] = types or [absent()]
    return {**stu3, "payloadMimeType": kinds} if kinds else stu3, lost


def _resystem(coding: Mapping[str, Any], old: str, new: str) -> dict[str, Any]:
    return {**coding, "system": new} if coding.get("system") == old else dict(coding)


def _mappings(value: object) -> list[Mapping[str, Any]]:
    values = value if isinstance(value, list | tuple) else [value]
    return [one for one in values if isinstance(one, Mapping)]


class Contained:
    """The Endpoints that a manifest contains, out of those of its selections.

    Other contained resources are left out, since R5 and STU3 differ; references to them keep what
    says the same without them.
    """

    def __init__(self) -> None:
        self.resources: list[dict[str, Any]] = []

    def take(self, resource: Mapping[str, Any], losses: Losses) -> dict[str, Any]:
        """Return a selection whose references point at what the manifest contains."""
        names: dict[str, str] = {}
        for index, one in enumerate(_mappings(resource.get("contained"))):
            if one.get("resourceType") == "Endpoint" and isinstance(one.get("id"), str):
                stu3, lost = endpoint_to_stu3(one)
                names[one["id"]] = self._add(stu3)
                for name in lost:
                    losses.add(("contained", index, name), "not in an Endpoint of STU3")
            else:
                kind = f"{one.get('resourceType')!s:.60}"
                losses.add(("contained", index), f"{kind} has another form in STU3")
        changed = {key: value for key, value in resource.items() if key != "contained"}
        changed["endpoint"] = [
            _pointed(one, names) for one in _mappings(resource.get("endpoint")) if one
        ]
        for name in ("subject", "performer", "derivedFrom"):
            if name in resource:
                changed[name] = _without_contained(resource[name])
        return changed

    def _add(self, endpoint: dict[str, Any]) -> str:
        """Return the id under which an Endpoint is contained; equal ones are contained once."""
        known = {one["id"]: one for one in self.resources}
        name, number = endpoint["id"], 1
        while name in known and known[name] != {**endpoint, "id": name}:
            number += 1
            name = f"{endpoint['id'][:55]}-{number}"
        if name not in known:
            self.resources.append({**endpoint, "id": name})
        return str(name)


def _pointed(reference: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    text = str(reference.get("reference") or "")
    if text.startswith("#") and text[1:] in names:
        return {**reference, "reference": f"#{names[text[1:]]}"}
    return dict(_without_contained(reference))


def _without_contained(value: Any) -> Any:
    """Return references without the part that points at what is not there."""
    if isinstance(value, list):
        return [_without_contained(one) for one in value]
    if not isinstance(value, Mapping):
        return value
    if str(value.get("reference") or "").startswith("#"):
        rest = {key: one for key, one in value.items() if key != "reference"}
        return rest or {"display": "a contained resource, left out"}
    if isinstance(value.get("actor"), Mapping):
        return {**value, "actor": _without_contained(value["actor"])}
    return dict(value)
