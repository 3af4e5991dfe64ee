"""Library: finding the resource that a FHIR Reference means, within one document."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from imageregion.fhir.links.entries import Entry
from imageregion.fhir.targets import clean_uid

__all__ = ["Library", "Unresolved", "reference_text"]

_TYPED = re.compile(r"(?:^|/)([A-Z][A-Za-z0-9]{0,63})/([^/?#|\s]{1,200})(?:/_history/[^/]*)?$")
_UID = "urn:dicom:uid"


class Unresolved(str):
    """Why a reference was not resolved, in words."""

    __slots__ = ()


def reference_text(reference: Any) -> str:
    """Return what a Reference says, short enough for a message.

    Examples
    --------
    >>> reference_text({"identifier": {"system": "urn:dicom:uid", "value": "urn:oid:1.2"}})
    'identifier urn:oid:1.2'
    """
    if not isinstance(reference, Mapping):
        return "something that is no Reference"
    if isinstance(reference.get("reference"), str):
        return f"{reference['reference']:.200}"
    identifier = reference.get("identifier")
    if isinstance(identifier, Mapping) and isinstance(identifier.get("value"), str):
        return f"identifier {identifier['value']:.100}"
    return f"{reference.get('display') or 'a Reference without reference or identifier'!s:.100}"


class Library:
    """The resources of one document, by everything a Reference can call them.

    Examples
    --------
    >>> patient = Entry({"resourceType": "Patient", "id": "p"}, {})
    >>> Library([patient]).resolve({"reference": "Patient/p"}, patient) is patient
    True
    """

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.entries = tuple(entries)
        self._by_url: dict[str, list[Entry]] = defaultdict(list)
        self._by_name: dict[tuple[str, str], list[Entry]] = defaultdict(list)
        self._by_identifier: dict[tuple[str, str], list[Entry]] = defaultdict(list)
        self._by_instance: dict[str, list[Entry]] = defaultdict(list)
        self._contained: dict[tuple[int, str], Entry] = {}
        for entry in self.entries:
            self._add(entry)

    def _add(self, entry: Entry) -> None:
        for key in _identifiers(entry.resource.get("identifier")):
            self._by_identifier[key].append(entry)
        if entry.container is not None:
            self._contained.setdefault((id(entry.container), entry.id), entry)
            return
        if entry.url:
            self._by_url[_unversioned(entry.url)].append(entry)
        if entry.id:
            self._by_name[entry.kind, entry.id].append(entry)
        if entry.kind == "ImagingSelection":
            for uid in _instances(entry.resource):
                self._by_instance[uid].append(entry)

    def resolve(self, reference: Any, source: Entry) -> Entry | Unresolved:
        """Return the resource that a Reference in another one means, or why there is none.

        In this order: ``#id`` of a contained resource, the fullUrl of an entry (FHIR R5
        bundle.html#references), a relative reference below the same server as its source, the only
        resource of that type and id, and for logical references the only resource that has the
        identifier; the UID of an image means the only ImagingSelection of that image.
        """
        if not isinstance(reference, Mapping):
            return Unresolved("expected a Reference")
        text = reference.get("reference")
        if isinstance(text, str) and text.strip():
            return self._by_text(text.strip(), source)
        keys = _identifiers(reference.get("identifier"))
        if not keys:
            return Unresolved("the Reference holds neither a reference nor an identifier")
        found = self._by_identifier.get(keys[0]) or (
            self._by_instance.get(keys[0][1], []) if keys[0][0] in (_UID, "") else []
        )
        kind = reference.get("type")
        if isinstance(kind, str):
            found = [entry for entry in found if entry.kind in (kind.rpartition("/")[2], "Basic")]
        return _only(found, f"{keys[0][1]:.100}")

    def _by_text(self, text: str, source: Entry) -> Entry | Unresolved:
        if text.startswith("#"):
            container = source.container or source
            if text == "#":
                return container
            known = self._contained.get((id(container), text[1:]))
            return known or Unresolved(f"{text:.100} is not contained in {container.name}")
        return self._by_address(text, _unversioned(text), source)

    def _by_address(self, text: str, address: str, source: Entry) -> Entry | Unresolved:
        if address in self._by_url:
            return _only(self._by_url[address], text)
        if address.lower().startswith("urn:"):
            tail = address.rpartition(":")[2]
            same = [e for (_, key), found in self._named(tail) if key == tail for e in found]
            return _only(same, text)
        return self._by_type(text, source)

    def _by_type(self, text: str, source: Entry) -> Entry | Unresolved:
        typed = _TYPED.search(text)
        if typed is None:
            return Unresolved(f"{text:.100} is no resource of this document")
        kind, key = typed.groups()
        base = (source.container or source).url
        home = base[: -len(f"{source.kind}/{source.id}")] if base.startswith("http") else ""
        if home and f"{home}{kind}/{key}" in self._by_url:
            return _only(self._by_url[f"{home}{kind}/{key}"], text)
        named = self._by_name.get((kind, key), [])
        if text.startswith(("http://", "https://")):  # of another server than those with a fullUrl
            named = [entry for entry in named if not entry.url.startswith("http")]
        return _only(named, text)

    def _named(self, key: str) -> list[tuple[tuple[str, str], list[Entry]]]:
        kinds = ("ImagingSelection", "Observation", "Basic", "BodyStructure", "DiagnosticReport")
        return [((k, key), self._by_name[k, key]) for k in kinds if (k, key) in self._by_name]


def _only(found: list[Entry], text: str) -> Entry | Unresolved:
    if len(found) == 1:
        return found[0]
    if not found:
        return Unresolved(f"{text:.200} is no resource of this document")
    return Unresolved(f"{text:.200} may mean {len(found)} resources of this document")


def _unversioned(address: str) -> str:
    return address.partition("/_history/")[0]


def _identifiers(value: Any) -> list[tuple[str, str]]:
    """Return (system, value) of one or several Identifiers; UIDs without prefix."""
    found = []
    for identifier in value if isinstance(value, list) else [value]:
        if isinstance(identifier, Mapping) and isinstance(identifier.get("value"), str):
            system = identifier.get("system")
            found.append(
                (system if isinstance(system, str) else "", clean_uid(identifier["value"]))
            )
    return found


def _instances(selection: Mapping[str, Any]) -> set[str]:
    instances = selection.get("instance")
    return {
        clean_uid(instance["uid"])
        for instance in (instances if isinstance(instances, list) else [])
        if isinstance(instance, Mapping) and isinstance(instance.get("uid"), str)
    }
