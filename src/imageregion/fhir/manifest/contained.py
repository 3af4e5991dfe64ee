"""Contained resources of a manifest: its Endpoints, and what to do with others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imageregion.fhir.cross_version.contained import without_references
from imageregion.fhir.cross_version.endpoints import endpoint_to_stu3
from imageregion.fhir.manifest.losses import Losses

__all__ = ["Contained"]


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
                names[one["id"]] = self._add(without_references(stu3, _is_anything))
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
                changed[name] = without_references(resource[name], _is_anything)
                if changed[name] != resource[name]:
                    losses.add((name,), "refers to what is left out: its words are left")
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
    return dict(without_references(reference, _is_anything))


def _is_anything(name: str) -> bool:
    """Whether a manifest lacks what "#..." names: all but the Endpoints, and not itself, "#"."""
    return name != "#"
