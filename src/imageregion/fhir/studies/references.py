"""References to resources that stand in a Bundle, are contained, or are handed over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from imageregion.fhir.text.plain import MAX_DEPTH

__all__ = ["Library", "Shelf", "entries", "key_of"]

Shelf: TypeAlias = "Mapping[str, Any] | Iterable[Any] | None"
"""Where referenced resources are: a Bundle, resources, or resources by reference."""

_UNKNOWN = object()
_SEVERAL = object()


def entries(bundle: Mapping[str, Any]) -> list[tuple[str, str, Mapping[str, Any]]]:
    """Return (fullUrl, FHIRPath, resource) of the entries of a Bundle, nested Bundles included.

    Examples
    --------
    >>> entries({"entry": [{"fullUrl": "urn:uuid:1", "resource": {"resourceType": "Basic"}}]})
    [('urn:uuid:1', 'Bundle.entry[0].resource', {'resourceType': 'Basic'})]
    """
    found: list[tuple[str, str, Mapping[str, Any]]] = []
    pending: list[tuple[Mapping[str, Any], str, int]] = [(bundle, "Bundle", 0)]
    seen: set[int] = set()
    while pending:
        one, path, depth = pending.pop()
        if id(one) in seen or depth > MAX_DEPTH:
            continue
        seen.add(id(one))
        items = one.get("entry")
        for index, item in enumerate(items if isinstance(items, list | tuple) else ()):
            resource = item.get("resource") if isinstance(item, Mapping) else None
            if not isinstance(resource, Mapping):
                continue
            place = f"{path}.entry[{index}].resource"
            if resource.get("resourceType") == "Bundle":
                pending.append((resource, place, depth + 1))
            url = item.get("fullUrl")
            found.append((url if isinstance(url, str) else "", place, resource))
    return found


def key_of(reference: str) -> str:
    """Return a reference without version, and without blanks around it.

    Examples
    --------
    >>> key_of("Endpoint/pacs/_history/3")
    'Endpoint/pacs'
    """
    return reference.strip().split("/_history/", 1)[0].rstrip("/")


class Library:
    """Resources by every name that a reference may give them.

    Parameters
    ----------
    shelves : Shelf
        Each a Bundle, a mapping of reference to resource, or resources and Bundles.

    Examples
    --------
    >>> library = Library([{"resourceType": "Endpoint", "id": "pacs"}])
    >>> library.find({"reference": "https://fhir.example.org/Endpoint/pacs"}, {})
    {'resourceType': 'Endpoint', 'id': 'pacs'}
    """

    def __init__(self, *shelves: Shelf) -> None:
        self._named: dict[str, Any] = {}
        self._identified: dict[tuple[str, str], Any] = {}
        for shelf in shelves:
            self._fill(shelf)

    def _fill(self, shelf: Shelf) -> None:
        if isinstance(shelf, Mapping) and shelf.get("resourceType") == "Bundle":
            for url, _, resource in entries(shelf):
                self._add(resource, url)
        elif isinstance(shelf, Mapping) and "resourceType" in shelf:
            self._add(shelf)
        elif isinstance(shelf, Mapping):
            for name, resource in shelf.items():
                self._add(resource, str(name))
        else:
            for one in shelf or ():
                is_bundle = isinstance(one, Mapping) and one.get("resourceType") == "Bundle"
                (self._fill if is_bundle else self._add)(one)

    def _add(self, resource: Any, url: str = "") -> None:
        if url:
            self._put(self._named, key_of(url), resource)
        if not isinstance(resource, Mapping):
            return
        kind, name = resource.get("resourceType"), resource.get("id")
        if isinstance(kind, str) and isinstance(name, str) and key_of(url) != f"{kind}/{name}":
            self._put(self._named, f"{kind}/{name}", resource)
        identifiers = resource.get("identifier")
        for one in identifiers if isinstance(identifiers, list | tuple) else [identifiers]:
            key = _identity(one)
            if key:
                self._put(self._identified, key, resource)

    def _put(self, names: dict[Any, Any], key: Any, resource: Any) -> None:
        known = names.get(key, resource)
        try:
            is_same = known is resource or known == resource
        except RecursionError:
            is_same = False
        names[key] = resource if is_same else _SEVERAL

    def find(self, reference: object, owner: Mapping[str, Any]) -> Any:
        """Return what a Reference points at; None where it is not here, or not told apart.

        Parameters
        ----------
        reference : object
            A FHIR Reference: to ``#id`` in `owner`, a full URL, ``Type/id``, an absolute URL that
            ends so, or by identifier.
        owner : mapping
            The resource that refers.
        """
        if not isinstance(reference, Mapping):
            return None
        text = reference.get("reference")
        if isinstance(text, str) and text.strip():
            return self._by_text(key_of(text), owner)
        key = _identity(reference.get("identifier"))
        found = self._identified.get(key) if key else None
        return None if found is _SEVERAL else found

    def _by_text(self, text: str, owner: Mapping[str, Any]) -> Any:
        if text.startswith("#"):
            contained = owner.get("contained")
            for one in contained if isinstance(contained, list | tuple) else ():
                if isinstance(one, Mapping) and one.get("id") == text[1:]:
                    return one
            return None
        found = self._named.get(text, _UNKNOWN)
        if found is _UNKNOWN and "://" in text:
            found = self._named.get("/".join(text.rsplit("/", 2)[1:]), _UNKNOWN)
        return None if found is _SEVERAL or found is _UNKNOWN else found


def _identity(identifier: object) -> tuple[str, str] | None:
    if not isinstance(identifier, Mapping):
        return None
    system, value = identifier.get("system"), identifier.get("value")
    if not isinstance(value, str) or not value.strip():
        return None
    return (system if isinstance(system, str) else "", value.strip())
