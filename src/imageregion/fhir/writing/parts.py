"""One selection as several, where a form cannot say it in one, and several as one again.

R6 forbids 2-D regions beside 3-D ones (isl-6); snapshot 1 has one region in a resource. Each part
carries an extension that tells which selection it is of, and which of its instances it holds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from imageregion.fhir.normalized import Normalized, Place
from imageregion.fhir.text.plain import as_json
from imageregion.fhir.writing.carried import (
    OWNER,
    PART,
    add_extension,
    extensions,
    inner,
    value_of,
    without_extensions,
)
from imageregion.fhir.writing.drafts import draft_of, place_of
from imageregion.fhir.writing.ledger import ORIGINS, REGION_LISTS, Ledger, bare, origins

__all__ = ["joined", "split_regions", "split_spaces"]

_Element = dict[str, Any]
_Indexed = list[tuple[int, _Element]]


@dataclass(slots=True)
class _Solid:
    """A 3-D region, and the instances that it is drawn on."""

    region: _Element
    owners: tuple[int, ...]


@dataclass(slots=True)
class _Contents:
    """What a selection holds: instances by their place in it.

    `flat` have 2-D regions or none, `deep` have 3-D regions; `is_shared` when these stand on the
    resource.
    """

    flat: _Indexed
    deep: _Indexed
    solids: list[_Solid]
    is_shared: bool


def split_spaces(draft: _Element, ledger: Ledger) -> list[_Element]:
    """Return drafts as R6 wants them: 3-D regions on the resource, 2-D ones in another."""
    found = _contents(draft, ledger)
    if not found.solids:
        return [draft]
    everyone = tuple(index for index, _ in found.deep)
    places = {index: number for number, index in enumerate(everyone)}
    is_common = found.is_shared or all(solid.owners == everyone for solid in found.solids)
    regions = []
    for solid in found.solids:
        region = dict(solid.region)
        if not is_common:
            for index in solid.owners:
                _note_owner(region, places[index], dict(found.deep)[index])
            ledger.lost(
                origins(region)[0],
                "region-of-instance",
                f"stands on the resource in {ledger.form}: the instance it was drawn on is kept in "
                "an extension only",
            )
        regions.append(region)
    deep = _with(draft, found.deep, regions)
    if not found.flat:
        return [deep]
    ledger.respelled(
        ledger.path(()),
        "parts",
        f"2-D and 3-D regions do not go together in {ledger.form} (isl-6): written as 2 resources",
    )
    parts = [(_with(draft, found.flat), found.flat), (deep, found.deep)]
    return _numbered(draft, parts, is_shared=found.is_shared)


def split_regions(draft: _Element, ledger: Ledger) -> list[_Element]:
    """Return drafts with at most one region each."""
    found = _contents(draft, ledger)
    whole = [(i, instance) for i, instance in found.flat if not instance.get("imageRegion2D")]
    parts = [(_with(draft, whole), whole)] if whole else []
    for index, instance in found.flat:
        for region in instance.get("imageRegion2D") or []:
            one = [(index, {**instance, "imageRegion2D": [region]})]
            parts.append((_with(draft, one), one))
    for solid in found.solids:
        owners = [(i, dict(x)) for i, x in found.deep if i in solid.owners or found.is_shared]
        parts.append((_with(draft, owners, [dict(solid.region)]), owners))
    if len(parts) < 2:
        return [part for part, _ in parts] or [draft]
    message = f"a resource of {ledger.form} has one region: written as {len(parts)} resources"
    ledger.respelled(ledger.path(()), "parts", message)
    return _numbered(draft, parts, is_shared=found.is_shared)


def _contents(draft: _Element, ledger: Ledger) -> _Contents:
    instances = list(enumerate(draft.get("instance") or []))
    shared = draft.get("imageRegion3D") or []
    owners = [(i, instance) for i, instance in instances if instance.get("imageRegion3D")]
    flat = [
        (i, _without(instance, "imageRegion3D"))
        for i, instance in instances
        if instance.get("imageRegion2D") or not (shared or instance.get("imageRegion3D"))
    ]
    deep = [(i, _without(x, *REGION_LISTS)) for i, x in (instances if shared else owners)]
    everyone = tuple(index for index, _ in deep)
    solids = [_Solid(region, everyone) for region in shared]
    solids += _merged(owners)
    if owners and not shared:
        for solid in solids:
            ledger.respelled(
                origins(solid.region)[0],
                "region-of-resource",
                f"stands on the resource in {ledger.form}",
            )
    return _Contents(flat, deep, solids, bool(shared))


def _merged(owners: _Indexed) -> list[_Solid]:
    """Merge equal regions of several instances, as long as the order in each stays."""
    merged: list[_Solid] = []
    for index, instance in owners:
        for region in instance["imageRegion3D"]:
            same = [s for s in merged if index not in s.owners and bare(s.region) == bare(region)]
            if same:
                same[0].owners += (index,)
                noted = [*origins(same[0].region), *origins(region)]
                same[0].region = {**same[0].region, ORIGINS: noted}
            else:
                merged.append(_Solid(region, (index,)))
    for index, instance in owners:
        order = [bare(solid.region) for solid in merged if index in solid.owners]
        if order != [bare(region) for region in instance["imageRegion3D"]]:
            return [_Solid(r, (i,)) for i, x in owners for r in x["imageRegion3D"]]
    return merged


def _note_owner(region: _Element, index: int, instance: _Element) -> None:
    inside: list[_Element] = [{"url": "index", "valueUnsignedInt": index}]
    if instance.get("uid") is not None:
        inside.append({"url": "uid", "valueId": instance["uid"]})
    add_extension(region, {"url": OWNER, "extension": inside})


def _without(instance: _Element, *names: str) -> _Element:
    return {key: value for key, value in instance.items() if key not in names}


def _with(draft: _Element, indexed: _Indexed, regions: Sequence[_Element] = ()) -> _Element:
    part = _without(draft, "instance", "imageRegion3D")
    if indexed:
        part["instance"] = [instance for _, instance in indexed]
    if regions:
        part["imageRegion3D"] = list(regions)
    return part


def _numbered(
    draft: _Element, parts: Sequence[tuple[_Element, _Indexed]], *, is_shared: bool
) -> list[_Element]:
    key = hashlib.sha256(as_json(draft, ordered=True)).hexdigest()[:16]
    numbered = []
    for number, (part, indexed) in enumerate(parts, start=1):
        inside: list[_Element] = [
            {"url": "of", "valueString": key},
            {"url": "number", "valuePositiveInt": number},
            {"url": "count", "valuePositiveInt": len(parts)},
            {"url": "shared", "valueBoolean": is_shared},
        ]
        if part.get("id") is not None:
            inside.append({"url": "id", "valueId": part["id"]})
            part["id"] = f"{part['id'][: 63 - len(str(number))]}-{number}"
        inside += [{"url": "instance", "valueUnsignedInt": index} for index, _ in indexed]
        add_extension(part, {"url": PART, "extension": inside})
        numbered.append(part)
    return numbered


def joined(selections: Iterable[Normalized]) -> list[Normalized]:
    """Put the parts of one selection together again, where all are there.

    Returns
    -------
    list of Normalized
        In the order given; a joined selection stands where its first part stood.
    """
    given = list(selections)
    groups: dict[tuple[str, int], dict[int, int]] = {}
    for position, selection in enumerate(given):
        mark = _mark(selection)
        if mark is not None:
            key, number, count = mark
            groups.setdefault((key, count), {}).setdefault(number, position)
    gone: set[int] = set()
    wholes: dict[int, Normalized] = {}
    for (_, count), numbers in groups.items():
        if len(numbers) == count == max(numbers) and min(numbers) == 1:
            whole = _whole([given[numbers[number]] for number in sorted(numbers)])
            if whole is not None:
                wholes[min(numbers.values())] = whole
                gone |= set(numbers.values())
    return [wholes.get(i, s) for i, s in enumerate(given) if i in wholes or i not in gone]


def _mark(selection: Normalized) -> tuple[str, int, int] | None:
    """Return key, number and count of a part."""
    for extension in extensions(selection.resource, PART)[:1]:
        key, number, count = (inner(extension, url) for url in ("of", "number", "count"))
        indices = [value_of(e) for e in extensions(extension, "instance")]
        instances = selection.resource.get("instance") or []
        is_sound = isinstance(key, str) and type(number) is int and type(count) is int
        if is_sound and len(indices) == len(instances) and all(type(i) is int for i in indices):
            return key, number, count
    return None


def _whole(members: list[Normalized]) -> Normalized | None:
    """Put parts together; None where they no longer hold what their marks say."""
    drafts = [draft_of(member)[0] for member in members]
    marks = [extensions(member.resource, PART)[0] for member in members]
    for draft, mark in zip(drafts, marks, strict=True):
        if len(draft.get("instance") or []) != len(extensions(mark, "instance")):
            return None
    whole = _without(drafts[0], "instance", "imageRegion3D", "id")
    without_extensions(whole, [PART])
    if inner(marks[0], "id") is not None:
        whole["id"] = inner(marks[0], "id")
    instances: dict[int, _Element] = {}
    shared: list[_Element] = []
    for draft, mark in zip(drafts, marks, strict=True):
        held = draft.get("instance") or []
        for index, instance in zip(
            (value_of(e) for e in extensions(mark, "instance")), held, strict=True
        ):
            target = instances.setdefault(index, _without(instance, *REGION_LISTS))
            for name in REGION_LISTS:
                if instance.get(name):
                    target[name] = [*target.get(name, []), *instance[name]]
            if draft.get("imageRegion3D") and not inner(mark, "shared"):
                regions = [dict(region) for region in draft["imageRegion3D"]]
                target["imageRegion3D"] = [*target.get("imageRegion3D", []), *regions]
        if draft.get("imageRegion3D") and (inner(mark, "shared") or not held):
            shared += draft["imageRegion3D"]
    if instances:
        whole["instance"] = [instances[index] for index in sorted(instances)]
    if shared:
        whole["imageRegion3D"] = shared
    return replace(members[0], resource=whole, places=_places(whole))


def _places(whole: _Element) -> dict[Place, Place]:
    """Take out the notes of where elements stood, and return them as places."""
    places: dict[Place, Place] = {}

    def take(element: _Element, place: Place) -> None:
        for origin in element.pop(ORIGINS, [])[:1]:
            places[place] = place_of(origin)

    for j, region in enumerate(whole.get("imageRegion3D") or []):
        take(region, ("imageRegion3D", j))
    for i, instance in enumerate(whole.get("instance") or []):
        take(instance, ("instance", i))
        for name in REGION_LISTS:
            for j, region in enumerate(instance.get(name) or []):
                take(region, ("instance", i, name, j))
    return places
