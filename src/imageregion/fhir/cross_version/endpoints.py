"""Endpoint of STU3, R4 and R5: each in the form of the others, and what does not survive."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["ABSENT", "absent", "endpoint_to_r4", "endpoint_to_r5", "endpoint_to_stu3"]

ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
_R4_TYPES = "http://terminology.hl7.org/CodeSystem/endpoint-connection-type"
_STU3_TYPES = "http://hl7.org/fhir/endpoint-connection-type"
_PAYLOAD = {"type": "payloadType", "mimeType": "payloadMimeType", "_mimeType": "_payloadMimeType"}
_NEW = ("connectionType", "payload", "description", "_description", "environmentType")


def absent(reason: str = "unknown") -> dict[str, Any]:
    """Return the extension that says that a value is missing, and why.

    Examples
    --------
    >>> absent()["extension"][0]["valueCode"]
    'unknown'
    """
    return {"extension": [{"url": ABSENT, "valueCode": reason}]}


def endpoint_to_r5(endpoint: Mapping[str, Any]) -> dict[str, Any]:
    """Return an STU3 or R4 Endpoint in the form of R5; one of R5 as it is.

    Examples
    --------
    >>> r5 = endpoint_to_r5({"connectionType": {"code": "ihe-iid"}, "payloadType": [{"text": "x"}]})
    >>> r5["connectionType"], r5["payload"]
    ([{'coding': [{'code': 'ihe-iid'}]}], [{'type': [{'text': 'x'}]}])
    """
    r5 = {key: value for key, value in endpoint.items() if key not in _PAYLOAD.values()}
    coding = endpoint.get("connectionType")
    if isinstance(coding, Mapping):
        is_absent = coding == absent()
        concept = coding if is_absent else {"coding": [_resystem(coding, _STU3_TYPES, _R4_TYPES)]}
        r5["connectionType"] = [concept]
    payload = {
        name: endpoint[old]
        for name, old in _PAYLOAD.items()
        if endpoint.get(old) and endpoint[old] != [absent()]
    }
    if payload and "payload" not in endpoint:
        r5["payload"] = [payload]
    return r5


def endpoint_to_r4(endpoint: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return an R5 Endpoint in the form of R4, and the names of what does not survive.

    R4 has one connection type, a Coding, and requires a payload type: where there is none, an
    extension says so. What of `endpoint` has the form of R4 already stays as it is.

    Examples
    --------
    >>> own = {"connectionType": [{"coding": [{"code": "ihe-iid"}]}], "environmentType": []}
    >>> r4, lost = endpoint_to_r4(own)
    >>> r4["connectionType"], lost
    ({'code': 'ihe-iid'}, ['environmentType'])
    """
    r4 = {key: value for key, value in endpoint.items() if key not in _NEW}
    given = endpoint.get("connectionType")
    r4["connectionType"] = dict(given) if isinstance(given, Mapping) else _coding(_mappings(given))
    payloads = _mappings(endpoint.get("payload"))
    for name, old in _PAYLOAD.items():
        values = [one for payload in payloads for one in _list(payload.get(name))]
        if len(payloads) > 1 and name != "type":  # a note belongs to a place in its list
            values = [one for one in values if isinstance(one, str)]
        if values:
            r4[old] = values
    r4.setdefault("payloadType", [absent()])
    back = endpoint_to_r5(r4)
    whole = {"connectionType": [absent()], **endpoint_to_r5(endpoint)}
    return r4, [name for name in _NEW if whole.get(name) != back.get(name)]


def endpoint_to_stu3(endpoint: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return an R5 Endpoint in the form of STU3, and the names of what does not survive.

    Examples
    --------
    >>> endpoint_to_stu3({"connectionType": [{"coding": [{"system": _R4_TYPES}]}]})[0]
    ... # doctest: +NORMALIZE_WHITESPACE
    {'connectionType': {'system': 'http://hl7.org/fhir/endpoint-connection-type'},
     'payloadType': [{'extension': [{'url':
         'http://hl7.org/fhir/StructureDefinition/data-absent-reason', 'valueCode': 'unknown'}]}]}
    """
    stu3, lost = endpoint_to_r4(endpoint)
    stu3["connectionType"] = _resystem(stu3["connectionType"], _R4_TYPES, _STU3_TYPES)
    return stu3, lost


def _coding(concepts: list[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the first coding; without any, the words of the first concept."""
    for concept in concepts:
        for coding in _mappings(concept.get("coding")):
            return dict(coding)
    texts = [one["text"] for one in concepts if isinstance(one.get("text"), str)]
    return {"display": texts[0]} if texts else absent()


def _resystem(coding: Mapping[str, Any], old: str, new: str) -> dict[str, Any]:
    return {**coding, "system": new} if coding.get("system") == old else dict(coding)


def _list(value: object) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []


def _mappings(value: object) -> list[Mapping[str, Any]]:
    values = value if isinstance(value, list | tuple) else [value]
    return [one for one in values if isinstance(one, Mapping)]
