"""A small validator of FHIR resources against StructureDefinitions, for tests.

Checked is what a StructureDefinition says together with the chain of its ``baseDefinition``, as far
as that is at hand (a snapshot where there is one, else the differential):

- cardinality: ``min`` and ``max`` of elements, below each occurrence of their parent
- ``fixed[x]`` (equal) and ``pattern[x]`` (contained), on every repetition
- types of ``value[x]``, and of references their ``targetProfile``: the type of the target, and for
  a target in the same Bundle also that it conforms to one of the profiles that are at hand
- slices by discriminators ``value`` and ``pattern`` (the slice's fixed value or pattern below the
  path), ``exists``, ``type`` (of a choice or of what is referred to) and ``profile`` (the target in
  the Bundle conforms); cardinality of each slice and everything below it; ``rules: closed``
- bindings of strength ``required`` to the value sets of `VALUE_SETS`
- the invariants obs-6, obs-7, obs-8 of Observation, ext-1 of extensions, dom-2 and dom-3 of
  contained resources

Not checked: other invariants and bindings; terminology (that a code exists, that a display is
right); extensions against their definitions and contexts; targets outside the Bundle, but for the
type that the reference names; ``mustSupport``; order of slices; primitive formats and unknown
elements, which are left to fhir.resources (called by `base_findings`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fhir.resources import get_fhir_model_class
from pydantic import ValidationError

_CORE = "http://hl7.org/fhir/StructureDefinition/"
_LARGEST = 10**9

VALUE_SETS: dict[str, frozenset[str]] = {
    "http://hl7.org/fhir/ValueSet/imagingselection-status": frozenset(
        {"available", "entered-in-error", "unknown"}
    ),
    "http://hl7.org/fhir/ValueSet/imagingselection-2dgraphictype": frozenset(
        {"point", "polyline", "interpolated", "circle", "ellipse"}
    ),
    "http://hl7.org/fhir/ValueSet/imagingselection-3dgraphictype": frozenset(
        {"point", "multipoint", "polyline", "polygon", "ellipse", "ellipsoid"}
    ),
}
"""Codes of required bindings, transcribed from FHIR 5.0.0."""


@dataclass
class Node:
    """An element of a definition, or one slice of it, and what is below."""

    rules: dict[str, Any] = field(default_factory=dict)
    children: dict[str, Node] = field(default_factory=dict)
    slices: dict[str, Node] = field(default_factory=dict)


class Definitions:
    """StructureDefinitions from folders, and resources that references may mean."""

    def __init__(self, *folders: Path) -> None:
        self._by_url: dict[str, dict[str, Any]] = {}
        self._nodes: dict[str, Node] = {}
        for folder in folders:
            for file in sorted(folder.glob("StructureDefinition-*.json")):
                definition = json.loads(file.read_text("utf-8"))
                self._by_url[definition["url"]] = definition

    @property
    def urls(self) -> list[str]:
        return list(self._by_url)

    def chain(self, url: str) -> Iterator[str]:
        """Yield a definition and those it is derived from, as far as they are at hand."""
        while url in self._by_url:
            yield url
            url = self._by_url[url].get("baseDefinition", "")

    def type_of(self, url: str) -> str:
        url = url.partition("|")[0]
        return str(self._by_url[url]["type"]) if url in self._by_url else url.rpartition("/")[2]

    def tree(self, url: str) -> Node:
        """Return what a profile says together with all that it is derived from."""
        if url not in self._nodes:
            root = Node()
            for one in reversed(list(self.chain(url))):
                definition = self._by_url[one]
                for element in definition.get("snapshot", definition["differential"])["element"]:
                    node = root
                    for step in element["id"].split(".")[1:]:
                        name, _, slice_name = step.partition(":")
                        node = node.children.setdefault(name, Node())
                        node = node.slices.setdefault(slice_name, Node()) if slice_name else node
                    node.rules = {**node.rules, **element}
            self._nodes[url] = root
        return self._nodes[url]


def entries(bundle: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the resources of a Bundle by the references that mean them."""
    found = {}
    for entry in bundle["entry"]:
        resource = entry["resource"]
        found[f"{resource['resourceType']}/{resource.get('id')}"] = resource
        if "fullUrl" in entry:
            found[entry["fullUrl"]] = resource
    return found


def base_findings(resource: Mapping[str, Any]) -> list[str]:
    """Return what fhir.resources has against a resource of FHIR R5."""
    try:
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)
    except ValidationError as error:
        return [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
    return []


def findings(
    resource: Mapping[str, Any],
    url: str,
    definitions: Definitions,
    known: Mapping[str, Mapping[str, Any]] | None = None,
) -> list[str]:
    """Return everything in which a resource breaks a profile, as "path: what"; else nothing."""
    return Check(definitions, known or {}).findings(resource, url)


class Check:
    """Validation of resources that refer to each other; each is looked through once a profile."""

    def __init__(self, definitions: Definitions, known: Mapping[str, Mapping[str, Any]]) -> None:
        self.definitions = definitions
        self.known = known
        self.open: set[tuple[int, str]] = set()  # a device may be its own parent
        self.done: dict[tuple[int, str], list[str]] = {}

    def findings(self, resource: Mapping[str, Any], url: str) -> list[str]:
        """Return what `findings` of the module does."""
        return list(dict.fromkeys(self.resource(resource, url)))

    def resource(self, resource: Mapping[str, Any], url: str) -> list[str]:
        kind = resource["resourceType"]
        if self.definitions.type_of(url) != kind:
            return [f"{kind}: expected {self.definitions.type_of(url)}"]
        key = (id(resource), url)
        if key in self.open:
            return []
        if key in self.done:
            return self.done[key]
        self.open.add(key)
        found = [*_invariants(resource)]
        found += self.below(resource, self.definitions.tree(url), kind)
        self.open.discard(key)
        if any(resource is one for one in self.known.values()):
            self.done[key] = found
        return found

    def below(self, owner: Any, node: Node, path: str) -> list[str]:
        found: list[str] = []
        for name, child in node.children.items():
            values = _values(owner, name)
            here = f"{path}.{name}"
            found += _count(len(values), child.rules, here)
            for value in values:
                found += self.value(value, child, here)
            found += self.slices(values, child, here)
        return found

    def value(self, value: _Value, node: Node, path: str) -> list[str]:
        found = _fixed(value.json, node.rules, path)
        found += self.types(value, node.rules, path)
        binding = node.rules.get("binding", {})
        codes = VALUE_SETS.get(str(binding.get("valueSet", "")).partition("|")[0])
        if binding.get("strength") == "required" and codes and value.json not in codes:
            found.append(f"{path}: {value.json!r} is not in the value set")
        return found + self.below(value.json, node, path)

    def slices(self, values: Sequence[_Value], node: Node, path: str) -> list[str]:
        found: list[str] = []
        discriminators = node.rules.get("slicing", {}).get("discriminator", [])
        matched: set[int] = set()
        for name, piece in node.slices.items():
            here = f"{path}:{name}"
            inside = [v for v in values if all(self.is_in(v, piece, d) for d in discriminators)]
            matched |= {id(value) for value in inside}
            if "min" in piece.rules or "max" in piece.rules:
                found += _count(len(inside), piece.rules, here)
            for value in inside:
                found += self.value(value, piece, here)
        if node.rules.get("slicing", {}).get("rules") == "closed":
            found += [f"{path}: in no slice" for value in values if id(value) not in matched]
        return found

    def is_in(self, value: _Value, piece: Node, discriminator: Mapping[str, str]) -> bool:
        kind, path = discriminator["type"], discriminator["path"]
        if kind in ("value", "pattern"):
            target = piece
            for step in path.split("."):
                target = target if step == "$this" else target.children.get(step, Node())
            here = [value] if path == "$this" else _values(value.json, path)
            return bool(here) and not _fixed(here[0].json, target.rules, "")
        if kind == "exists":
            rules = piece.children[path].rules
            there = bool(_values(value.json, path))
            return not there if rules.get("max") == "0" else there
        if kind == "type":
            wanted = piece.rules["type"]
            if any(one["code"] == value.type for one in wanted):
                return True
            return bool(self._types_of(wanted) & {self.referred(value.json)[0]})
        profiles = [u for one in piece.rules["type"] for u in one.get("targetProfile", [])]
        target_type, target_resource = self.referred(value.json)
        if target_resource is None or not target_type:
            return False
        return any(
            u in self.definitions.urls and not self.resource(target_resource, u) for u in profiles
        )

    def types(self, value: _Value, rules: Mapping[str, Any], path: str) -> list[str]:
        """Check the type of a choice, and of references what they are to."""
        wanted = rules.get("type", [])
        if value.type and wanted and value.type not in {one["code"] for one in wanted}:
            return [f"{path}: {value.type} is not one of its types"]
        profiles = [u for one in wanted for u in one.get("targetProfile", [])]
        if not profiles or not isinstance(value.json, Mapping):
            return []
        reference: Any = value.json
        if any(one["code"] == "CodeableReference" for one in wanted):
            reference = value.json.get("reference")
            if reference is None:
                return []
        kind, target = self.referred(reference)
        if kind and kind not in self._types_of(wanted):
            return [f"{path}: reference to {kind}, expected {sorted(self._types_of(wanted))}"]
        if target is None or any(url not in self.definitions.urls for url in profiles):
            return []
        broken = {url: self.resource(target, url) for url in profiles}
        if all(broken.values()):
            first = next(iter(broken.values()))[0]
            return [f"{path}: the target conforms to none of its profiles ({first})"]
        return []

    def _types_of(self, wanted: Sequence[Mapping[str, Any]]) -> set[str]:
        return {self.definitions.type_of(u) for one in wanted for u in one.get("targetProfile", [])}

    def referred(self, reference: Any) -> tuple[str, Mapping[str, Any] | None]:
        """Return type and resource that a reference means; "" and None where unknown."""
        if not isinstance(reference, Mapping):
            return "", None
        text = str(reference.get("reference", ""))
        if text in self.known:
            return str(self.known[text]["resourceType"]), self.known[text]
        named = text.split("/")[-2] if "/" in text and not text.startswith("urn:") else ""
        return str(reference.get("type") or named), None


@dataclass(frozen=True, eq=False)
class _Value:
    """A value of an element, and of a choice its type."""

    json: Any
    type: str = ""


def _values(owner: Any, name: str) -> list[_Value]:
    if not isinstance(owner, Mapping):
        return []
    if name.endswith("[x]"):
        stem = name[:-3]
        keys = [k for k in owner if k.startswith(stem) and k[len(stem) : len(stem) + 1].isupper()]
        return [_Value(owner[key], key[len(stem) :]) for key in keys]
    value = owner.get(name)
    if value is None:
        return [_Value({})] if f"_{name}" in owner else []
    return [_Value(item) for item in value] if isinstance(value, list) else [_Value(value)]


def _count(count: int, rules: Mapping[str, Any], path: str) -> list[str]:
    least = rules.get("min", 0)
    most = _LARGEST if rules.get("max", "*") == "*" else int(rules["max"])
    if least <= count <= most:
        return []
    return [f"{path}: expected {least}..{rules.get('max', '*')}, got {count}"]


def _fixed(value: Any, rules: Mapping[str, Any], path: str) -> list[str]:
    for key, wanted in rules.items():
        if key.startswith("pattern") and not _contains(value, wanted):
            return [f"{path}: expected at least {json.dumps(wanted)}"]
        if key.startswith("fixed") and value != wanted:
            return [f"{path}: expected exactly {json.dumps(wanted)}"]
    return []


def _contains(value: Any, pattern: Any) -> bool:
    if isinstance(pattern, Mapping):
        return isinstance(value, Mapping) and all(
            _contains(value.get(key), item) for key, item in pattern.items()
        )
    if isinstance(pattern, list):
        items = value if isinstance(value, list) else []
        return all(any(_contains(item, one) for item in items) for one in pattern)
    return bool(value == pattern)


def _invariants(resource: Mapping[str, Any]) -> Iterator[str]:
    kind = resource["resourceType"]
    if kind == "Observation":
        has_value = any(key.startswith("value") for key in resource)
        if has_value and "dataAbsentReason" in resource:
            yield "Observation: obs-6: dataAbsentReason beside a value"
        parts = [_coded(part.get("code")) for part in resource.get("component", [])]
        if has_value and any(_coded(resource.get("code")) & part for part in parts):
            yield "Observation: obs-7: a component has the code of the Observation"
        if "bodySite" in resource and "bodyStructure" in resource:
            yield "Observation: obs-8: bodySite and bodyStructure"
    text = json.dumps({key: item for key, item in resource.items() if key != "contained"})
    for inside in resource.get("contained", []):
        if "contained" in inside:
            yield f"{kind}.contained: dom-2: contained resources within"
        if f'"#{inside.get("id")}"' not in text:
            yield f"{kind}.contained: dom-3: {inside.get('id')} is not referred to"
    yield from _extensions(resource, kind)


def _coded(concept: Any) -> set[tuple[str, str]]:
    return {(c.get("system", ""), c.get("code", "")) for c in (concept or {}).get("coding", [])}


def _extensions(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key in ("extension", "modifierExtension"):
                for extension in item:
                    has_value = any(k.lstrip("_").startswith("value") for k in extension)
                    if has_value == bool(extension.get("extension")):
                        yield f"{path}.{key}: ext-1: either a value or extensions"
            yield from _extensions(item, f"{path}.{key}")
    elif isinstance(value, list):
        for item in value:
            yield from _extensions(item, path)
