"""Library: finding the resource that a FHIR Reference means, within one document."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from imageregion.errors import Issue
from imageregion.fhir.links.entries import Entry
from imageregion.fhir.links.repeats import first_of_each
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
        self.entries, repeated = first_of_each(entries)
        self.issues: tuple[Issue, ...] = repeated
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
            self._by_url[_address(entry.url)].append(entry)
        if entry.id:
            self._by_name[entry.kind, entry.id].append(entry)
        if entry.kind == "ImagingSelection":
            for uid in _instances(entry.resource):
                self._by_instance[uid].append(entry)

    def resolve(self, reference: Any, source: Entry) -> Entry | Unresolved:
        """Return the resource that a Reference in another one means, or why there is none.

        In this order: ``#id`` of a contained resource, the fullUrl of an entry (FHIR R5
        bundle.html#references), a relative reference below the same server as its source, the only
        resource of that type and id, and for logical references, or where the reference leads
        nowhere, the only resource that has the identifier; the UID of an image means the only
        ImagingSelection of that image. Of a reference to a version (``/_history/``) only resources
        of that version are meant, or else those that do not state theirs.
        """
        if not isinstance(reference, Mapping):
            return Unresolved("expected a Reference")
        text = reference.get("reference")
        keys = _identifiers(reference.get("identifier"))
        if not (isinstance(text, str) and text.strip()):
            if keys:
                return self._by_key(keys[0], reference, "")
            return Unresolved("the Reference holds neither a reference nor an identifier")
        found = self._by_text(text.strip(), source)
        if isinstance(found, Unresolved) and keys:
            other = self._by_key(keys[0], reference, text.strip())
            return other if isinstance(other, Entry) else found
        return found

    def _by_key(
        self, key: tuple[str, str], reference: Mapping[str, Any], text: str
    ) -> Entry | Unresolved:
        """Find what has an identifier, of the type and version that the Reference states."""
        found = self._by_identifier.get(key) or (
            self._by_instance.get(key[1], []) if key[0] in (_UID, "") else []
        )
        kind, typed = reference.get("type"), _TYPED.search(text)
        kinds = [kind.rpartition("/")[2]] if isinstance(kind, str) else []
        kinds += [typed[1]] if typed else []
        found = [e for e in found if e.kind == "Basic" or all(e.kind == k for k in kinds)]
        return _only(found, text if "/_history/" in text else f"{key[1]:.100}")

    def _by_text(self, text: str, source: Entry) -> Entry | Unresolved:
        if text.startswith("#"):
            container = source.container or source
            if text == "#":
                return container
            known = self._contained.get((id(container), text[1:]))
            return known or Unresolved(f"{text:.100} is not contained in {container.name}")
        return self._by_address(text, _address(text), source)

    def _by_address(self, text: str, address: str, source: Entry) -> Entry | Unresolved:
        if address in self._by_url:
            return _only(self._by_url[address], text)
        if address.lower().startswith("urn:"):
            tail = text.partition("/_history/")[0].rpartition(":")[2]
            same = [e for (_, key), found in self._named(tail) if key == tail for e in found]
            return _only(same, text)
        return self._by_type(text, source)

    def _by_type(self, text: str, source: Entry) -> Entry | Unresolved:
        typed = _TYPED.search(text)
        if typed is None:
            return Unresolved(f"{text:.100} is no resource of this document")
        kind, key = typed.groups()
        named = self._by_name.get((kind, key), [])
        home = _server(source.container or source)
        if text.startswith(("http://", "https://")):  # of another server than those with a fullUrl
            home = ""
        elif not home:
            return _only(named, text)
        if home and f"{home}{kind}/{key}" in self._by_url:
            return _only(self._by_url[f"{home}{kind}/{key}"], text)
        return _only([entry for entry in named if not entry.url.startswith("http")], text)

    def _named(self, key: str) -> list[tuple[tuple[str, str], list[Entry]]]:
        kinds = ("ImagingSelection", "Observation", "Basic", "BodyStructure", "DiagnosticReport")
        return [((k, key), self._by_name[k, key]) for k in kinds if (k, key) in self._by_name]


def _only(found: list[Entry], text: str) -> Entry | Unresolved:
    version = _version(text)
    if found and version:
        exact = [entry for entry in found if _version_of(entry) == version]
        here = sorted({_version_of(entry) for entry in found})
        found = exact or [entry for entry in found if not _version_of(entry)]
        if not found:
            held = ", ".join(f"{one:.64}" for one in here[:3])
            return Unresolved(f"{text:.200} is not in this document, which holds version {held}")
    if len(found) == 1:
        return found[0]
    if not found:
        return Unresolved(f"{text:.200} is no resource of this document")
    return Unresolved(f"{text:.200} may mean {len(found)} resources of this document")


def _address(text: str) -> str:
    """Return an address without version; that of a UUID or OID in lower case (RFC 8141)."""
    address = text.partition("/_history/")[0]
    is_urn = address[:9].lower().startswith(("urn:uuid:", "urn:oid:"))
    return address.lower() if is_urn else address


def _server(source: Entry) -> str:
    """Return where the server of a resource begins, from its fullUrl; empty where not known."""
    base, slash, _ = source.url.partition("/_history/")[0].rpartition("/")
    home, _, kind = base.rpartition("/")
    return f"{home}/" if slash and kind == source.kind and home.startswith("http") else ""


def _version(text: str) -> str:
    return text.partition("/_history/")[2].strip()


def _version_of(entry: Entry) -> str:
    """Return the version that a resource states, or else its fullUrl."""
    meta = entry.resource.get("meta")
    stated = meta.get("versionId") if isinstance(meta, Mapping) else None
    return stated if isinstance(stated, str) and stated else _version(entry.url)


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
