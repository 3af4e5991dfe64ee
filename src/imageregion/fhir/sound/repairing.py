"""Repairing: fault by fault, until fhir.resources accepts the resource."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from imageregion.errors import Issue
from imageregion.fhir.reading.form import REGIONS, STATUSES, UIDS
from imageregion.fhir.reading.validation import Finding, Place, fhirpath, validate
from imageregion.fhir.sound.containing import Containing
from imageregion.fhir.targets import clean_uid
from imageregion.fhir.text.plain import as_json, brief, parse_json

__all__ = ["sound_resource"]

_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
_ROUNDS = 12  # of validation; a fault may hide another
_NAMES = tuple(name for name, _ in REGIONS)
_NUMBERS = {int, float}
_MOST_WRONG = 10  # coordinates of one region that are listed one by one
_REPLACED = "replaced by data-absent-reason error"


def sound_resource(resource: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[Issue, ...]]:
    """Return a copy of an ImagingSelection that fhir.resources accepts, and what was changed.

    UIDs lose a ``urn:oid:`` prefix and codes become lower case, which reading has reported. All
    other changes have an issue: "replaced", "removed", or "respelled" for a contained Endpoint of
    STU3 or R4, which gets the form of R5.

    Parameters
    ----------
    resource : mapping
        Of a selection that `read_selection` accepts; not changed.

    Raises
    ------
    InputError
        On text that is no Unicode.

    Examples
    --------
    >>> sound, issues = sound_resource({
    ...     "resourceType": "ImagingSelection", "status": "available", "code": {"text": "Cyst"},
    ...     "instance": [{"uid": "1.2.3", "imageRegion2D": [
    ...         {"regionType": "point", "coordinate": [8, "x"]}]}]})
    >>> sound["instance"][0]["imageRegion2D"][0]["coordinate"]
    [8, None]
    >>> issues[0].path, issues[0].message
    ... # doctest: +NORMALIZE_WHITESPACE
    ('ImagingSelection.instance[0].imageRegion2D[0].coordinate[1]',
     "replaced by data-absent-reason error: expected a number, got 'x'")
    """
    draft: dict[str, Any] = parse_json(as_json(resource), "ImagingSelection")
    repair = _Repair(draft)
    repair.tidy()
    for _ in range(_ROUNDS):
        findings = validate(draft)
        for finding in findings:
            repair.mend(finding)
        repair.sweep()
        if not findings:
            break
    else:
        repair.give_up()
    repair.put_back()
    draft = repair.containing.tie_up()
    return draft, tuple(dict.fromkeys(repair.issues))


def _absent() -> dict[str, Any]:
    return {"extension": [{"url": _ABSENT, "valueCode": "error"}]}


def _absent_region() -> dict[str, Any]:
    return {"_regionType": _absent(), "coordinate": [None], "_coordinate": [_absent()]}


class _Repair:
    """A draft under repair; coordinates that are sound are kept aside, since checking is slow."""

    def __init__(self, draft: dict[str, Any]) -> None:
        self.draft = draft
        self.issues: list[Issue] = []
        self._aside: list[tuple[dict[str, Any], list[Any], list[Any]]] = []
        self._now: set[Place] = set()  # mended in this round
        self._mended: set[Place] = set()  # in those before

    def tidy(self) -> None:
        """Bring the parts that `validate` does not look at into their form."""
        draft = _without_nulls(self.draft)
        self.draft.clear()
        self.draft.update(draft)
        _clean(self.draft, UIDS)
        status = self.draft.get("status")
        if isinstance(status, str) and status.strip().lower() in STATUSES:
            self.draft["status"] = status.strip().lower()
        self.containing = Containing(self.draft, self.issues)
        instances: Any = self.draft.get("instance")
        for i, instance in enumerate(instances if isinstance(instances, list) else []):
            place = ("instance", i)
            if not isinstance(instance, dict):
                self._replaced(place, f"expected an object, got {brief(instance)}")
                instances[i] = {"_uid": _absent()}
                continue
            instances[i] = _without_nulls(instance)
            _clean(instances[i], ("uid",))
            for name in _NAMES:
                self._tidy_regions(instances[i], name, place)

    def _tidy_regions(self, instance: dict[str, Any], name: str, place: Place) -> None:
        regions = instance.get(name)
        if regions is None:
            return
        if not isinstance(regions, list) or not regions:
            got = "an empty list" if regions == [] else brief(regions)
            self._replaced((*place, name), f"expected a list of regions, got {got}")
            instance[name] = [_absent_region()]
            return
        for j, region in enumerate(regions):
            if isinstance(region, dict):
                regions[j] = _without_nulls(region)
                self._tidy_region(regions[j], (*place, name, j))
            else:
                message = f"expected an object, got {brief(region)}"
                self._replaced((*place, name, j), message)
                regions[j] = _absent_region()

    def _tidy_region(self, region: dict[str, Any], place: Place) -> None:
        code = region.get("regionType")
        if isinstance(code, str) and code.strip():
            region["regionType"] = code.strip().lower()
        values = region.get("coordinate")
        if not isinstance(values, list) or not values:
            got = "an empty list" if values == [] else brief(values) if values else "nothing"
            self._replaced((*place, "coordinate"), f"expected a list of numbers, got {got}")
            region |= {"coordinate": [None], "_coordinate": [_absent()]}
        elif _NUMBERS.issuperset(map(type, values)):
            self._aside.append((region, values, []))
            region["coordinate"] = [0]
        else:
            wrong = [type(value) not in _NUMBERS for value in values]
            if wrong.count(True) > _MOST_WRONG:
                got = brief(values[wrong.index(True)])
                message = f"expected numbers, got {got} and {wrong.count(True) - 1:,} more"
                self._replaced((*place, "coordinate"), message)
                region |= {"coordinate": [None], "_coordinate": [_absent()]}
                return
            for k, value in enumerate(values):
                if wrong[k]:
                    message = f"expected a number, got {brief(value)}"
                    self._replaced((*place, "coordinate", k), message)
            kept = [None if bad else v for v, bad in zip(values, wrong, strict=True)]
            notes = [_absent() if bad else None for bad in wrong]
            self._aside.append((region, kept, notes))
            region["coordinate"] = [0]
            region.pop("_coordinate", None)

    def mend(self, finding: Finding) -> None:
        """Replace what a finding complains of; at its second complaint, all that it is part of."""
        place, message = finding.place, finding.message
        if finding.is_unknown:  # `validate` has taken it out
            self._removed(self.containing.given(place), message)
        elif place[:1] == ("instance",) and len(place) > 1:
            self._mend_instance(place, message)
        elif place[:1] == ("contained",) and len(place) > 1:
            self.containing.leave_out(place, message)
        elif place:
            self._removed(place, message)
            self.draft.pop(str(place[0]), None)
        else:
            self._search(message)

    def _mend_instance(self, place: Place, message: str) -> None:
        instances, i = self.draft["instance"], int(place[1])
        instance = instances[i]
        owner: Place = place[:4] if len(place) > 3 and place[2] in _NAMES else place[:2]
        key = str(place[len(owner)]).removeprefix("_") if len(place) > len(owner) else ""
        if not self._now.isdisjoint([place[:2], owner, (*owner, key)]):
            return  # one of several complaints about the same element
        if key in ("", "modifierExtension") or (*owner, key) in self._mended:
            whole = owner if owner not in self._mended else place[:2]
            self._now.add(whole)
            self._replaced(whole, message)
            if len(whole) == 4:
                instance[whole[2]][whole[3]] = _absent_region()
            else:
                instances[i] = {"_uid": _absent()}
            return
        self._now.add((*owner, key))
        element = instance if len(owner) == 2 else instance[owner[2]][owner[3]]
        self._mend_element(element, key, place, message)

    def _mend_element(self, element: dict[str, Any], key: str, place: Place, message: str) -> None:
        value = element.pop(key, None)
        element.pop(f"_{key}", None)
        if key in ("uid", "number", "regionType"):
            element[f"_{key}"] = _absent()
        elif key in ("subset", "coordinate"):
            whole = value if key == "subset" and isinstance(value, list) and value else [None]
            element[key] = [v if isinstance(v, str) else None for v in whole]
            element[f"_{key}"] = [None if isinstance(v, str) else _absent() for v in whole]
        elif key == "sopClass":
            element[key] = _absent()
        else:
            self._removed(place, message)
            return
        self._replaced(place, message)

    def _search(self, message: str) -> None:
        """Find the part that fhir.resources cannot cope with at all."""
        empty = {"resourceType": "ImagingSelection", "status": "unknown", "code": {}}
        found = False
        for name in ("instance", "contained"):
            for i, item in enumerate(self.draft.get(name) or []):
                if validate(copy.deepcopy({**empty, name: [item]})):
                    found = True
                    if name == "instance":
                        self._replaced((name, i), message)
                        self.draft[name][i] = {"_uid": _absent()}
                    else:
                        self.containing.leave_out((name, i), message)
        if not found:
            for name in self.draft.keys() & {"contained", "text", "extension", "meta"}:
                self._removed((name,), message)
                del self.draft[name]

    def sweep(self) -> None:
        """End a round: drop contained resources that were refused."""
        self._mended |= self._now
        self._now.clear()
        self.containing.sweep()

    def give_up(self) -> None:
        """Keep nothing but the number of instances, status and code."""
        self._replaced((), "fhir.resources accepts no part of it")
        count = len(self.draft.get("instance") or [])
        status = self.draft.get("status")
        self.draft.clear()
        self.draft |= {
            "resourceType": "ImagingSelection",
            "status": status if status in STATUSES else "unknown",
            "code": _absent(),
        }
        if count:
            self.draft["instance"] = [{"_uid": _absent()} for _ in range(count)]

    def put_back(self) -> None:
        """Put the coordinates where their placeholders stand."""
        for region, values, notes in self._aside:
            if region.get("coordinate") == [0]:
                region["coordinate"] = values
                if notes:
                    region["_coordinate"] = notes

    def _replaced(self, place: Place, message: str) -> None:
        self.issues.append(Issue("warning", "replaced", fhirpath(place), f"{_REPLACED}: {message}"))

    def _removed(self, place: Place, message: str) -> None:
        self.issues.append(Issue("warning", "removed", fhirpath(place), f"removed: {message}"))


def _without_nulls(element: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in element.items() if value is not None}


def _clean(element: dict[str, Any], names: tuple[str, ...]) -> None:
    for name in names:
        if isinstance(element.get(name), str):
            element[name] = clean_uid(element[name])
