"""Membership: the groups and reports an Observation belongs to; cycles are not followed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from imageregion.errors import Issue
from imageregion.fhir.links.entries import Entry
from imageregion.fhir.links.library import Library, Unresolved, reference_text
from imageregion.fhir.links.versions import unknown_version

__all__ = ["Membership", "references"]

_MEMBERS = ("MolecularSequence", "QuestionnaireResponse")
"""What else may be ``Observation.hasMember`` (FHIR R4 to R6)."""


def references(resource: Mapping[str, Any], name: str) -> Iterator[tuple[str, Any]]:
    """Yield the References of an element, one or several, each with its FHIRPath."""
    value = resource.get(name)
    kind = resource.get("resourceType")
    start = f"{kind}.{name}" if isinstance(kind, str) else name
    if isinstance(value, list):
        yield from ((f"{start}[{index}]", one) for index, one in enumerate(value))
    elif value is not None:
        yield start, value


class Membership:
    """``Observation.hasMember`` and ``DiagnosticReport.result`` of a document, both ways.

    Examples
    --------
    >>> member = Entry({"resourceType": "Observation", "id": "a"}, {})
    >>> group = Entry({"resourceType": "Observation", "id": "g",
    ...                "hasMember": [{"reference": "Observation/a"}]}, {})
    >>> Membership(Library([member, group])).groups(member)
    ('Observation/g',)
    """

    def __init__(self, library: Library) -> None:
        self.issues: list[Issue] = []
        self._parents: dict[int, list[Entry]] = defaultdict(list)
        self._members: dict[int, list[Entry]] = defaultdict(list)
        self._problems: dict[int, list[Issue]] = defaultdict(list)
        self._reports: dict[int, list[str]] = defaultdict(list)
        reports: list[tuple[Entry, list[Entry]]] = []
        for entry in library.entries:
            if entry.kind == "Observation":
                for path, reference in references(entry.resource, "hasMember"):
                    self._add_member(library, entry, path, reference)
            elif entry.kind == "DiagnosticReport":
                reports.append((entry, self._results(library, entry)))
        for report, results in reports:
            self._spread(report, results)
        self._find_cycles([e for e in library.entries if id(e) in self._members])

    def parents(self, entry: Entry) -> list[Entry]:
        """Return the Observations that have this one as member."""
        return self._parents.get(id(entry), [])

    def groups(self, entry: Entry) -> tuple[str, ...]:
        """Return the names of the Observations that have this one as member."""
        return tuple(dict.fromkeys(parent.name for parent in self.parents(entry)))

    def reports(self, entry: Entry) -> tuple[str, ...]:
        """Return the names of the DiagnosticReports that this Observation belongs to."""
        return tuple(self._reports.get(id(entry), ()))

    def of(self, entry: Entry) -> tuple[Issue, ...]:
        """Return what is wrong with the members of an Observation."""
        return tuple(self._problems.get(id(entry), ()))

    def _add_member(self, library: Library, entry: Entry, path: str, reference: Any) -> None:
        found = library.resolve(reference, entry)
        if isinstance(found, Unresolved):
            self._problems[id(entry)].append(_unresolved(entry, path, reference, found))
        elif found.kind == "Observation":
            place = f"{entry.place}: {path}" if entry.place else path
            self._problems[id(entry)] += unknown_version(place, reference, found)
            self._parents[id(found)].append(entry)
            self._members[id(entry)].append(found)
        elif found.kind not in _MEMBERS:
            self._problems[id(entry)].append(_wrong(entry, path, found))

    def _results(self, library: Library, report: Entry) -> list[Entry]:
        results = []
        for path, reference in references(report.resource, "result"):
            found = library.resolve(reference, report)
            if isinstance(found, Unresolved):
                self.issues.append(_unresolved(report, path, reference, found))
            elif found.kind == "Observation":
                place = f"{report.place}: {path}" if report.place else path
                self.issues += unknown_version(place, reference, found)
                results.append(found)
            else:
                self.issues.append(_wrong(report, path, found))
        return results

    def _spread(self, report: Entry, results: list[Entry]) -> None:
        seen: set[int] = set()
        pending = list(results)
        while pending:
            entry = pending.pop()
            if id(entry) not in seen:
                seen.add(id(entry))
                self._reports[id(entry)].append(report.name)
                pending += self._members.get(id(entry), ())

    def _find_cycles(self, groups: list[Entry]) -> None:
        """Walk every group once, by hand, because chains may be long."""
        finished: set[int] = set()
        for start in groups:
            under_way: set[int] = set()
            path = [(start, iter(self._members.get(id(start), ())))]
            under_way.add(id(start))
            while path:
                entry, members = path[-1]
                member = next(members, None)
                if member is None:
                    path.pop()
                    under_way.discard(id(entry))
                    finished.add(id(entry))
                elif id(member) in under_way:
                    message = f"{entry.name} has {member.name} as member, of which it is a member"
                    place = f"{entry.place}: Observation.hasMember" if entry.place else entry.name
                    self._problems[id(entry)].append(Issue("error", "member-cycle", place, message))
                elif id(member) not in finished:
                    under_way.add(id(member))
                    path.append((member, iter(self._members.get(id(member), ()))))


def _unresolved(entry: Entry, path: str, reference: Any, reason: Unresolved) -> Issue:
    place = f"{entry.place}: {path}" if entry.place else path
    return Issue("error", "unresolved", place, f"{reference_text(reference)}: {reason}")


def _wrong(entry: Entry, path: str, found: Entry) -> Issue:
    place = f"{entry.place}: {path}" if entry.place else path
    told = f"{found.name} is no Observation"
    if found.kind == "ImagingSelection":
        told += "; an Observation refers to what it measures by derivedFrom or focus"
    return Issue("warning", "reference-type", place, told)
