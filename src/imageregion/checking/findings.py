"""Findings: everything `check` found, as a sequence of issues and as a FHIR OperationOutcome."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

from imageregion.checking.plausibility import Ranking
from imageregion.checking.rules import CODE_SYSTEM, RULES
from imageregion.errors import Issue

__all__ = ["Findings"]

_RESOURCES = frozenset({"ImagingSelection", "ImagingReference", "ImagingManifest", "Basic"})
"""What FHIRPaths of findings start with; all other paths are UIDs or names of files."""


@dataclass(frozen=True, slots=True, eq=False)
class Findings(Sequence[Issue]):
    """What is wrong or noteworthy about one selection; a sequence of `Issue`.

    Parameters
    ----------
    issues : tuple of Issue
        In the order of the document, then of the images.
    conventions : tuple of Ranking
        For each region for which there are images: how plausible it is as written, and by every
        other convention. Empty without images; of more than 1,000 regions those beyond are left
        out that fit as written.
    name : str
        Of the selection: its id or source.
    dialect : str
        The published form it was read as, a name of `DIALECTS`; empty where it was unreadable.

    Examples
    --------
    >>> from imageregion.checking import check
    >>> findings = check({"resourceType": "ImagingSelection", "status": "available", "code": {},
    ...                   "seriesUid": "1.2"})
    >>> findings
    Findings('', 1 warning)
    >>> findings[0].code
    'isl-2'
    """

    issues: tuple[Issue, ...] = ()
    conventions: tuple[Ranking, ...] = ()
    name: str = ""
    dialect: str = ""

    def __len__(self) -> int:
        return len(self.issues)

    def __iter__(self) -> Iterator[Issue]:
        return iter(self.issues)

    @overload
    def __getitem__(self, index: int) -> Issue: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Issue, ...]: ...
    def __getitem__(self, index: int | slice) -> Issue | tuple[Issue, ...]:
        return self.issues[index]

    def __repr__(self) -> str:
        return f"Findings({self.name!r}, {self._counts()})"

    @property
    def errors(self) -> tuple[Issue, ...]:
        """The issues that break the standard, or cost a region its numbers."""
        return tuple(issue for issue in self.issues if issue.severity == "error")

    def to_operation_outcome(self) -> dict[str, Any]:
        """Return a FHIR OperationOutcome (R4 and later), one issue for each finding.

        ``details.coding`` carries the id of the rule, ``details.text`` the sentence,
        ``expression`` the FHIRPath; where a finding is about an image, ``diagnostics`` names it.
        Without findings there is one informational issue, since an outcome needs one.

        Examples
        --------
        >>> outcome = Findings((Issue("error", "isl-5", "ImagingSelection", "got none"),), name="a")
        >>> outcome.to_operation_outcome()["issue"][0]["code"]
        'invariant'
        """
        issues = [self._outcome_issue(issue) for issue in self.issues]
        if not issues:
            details = {"text": "nothing found"}
            issues = [{"severity": "information", "code": "informational", "details": details}]
        return {"resourceType": "OperationOutcome", "issue": issues}

    def _outcome_issue(self, issue: Issue) -> dict[str, Any]:
        rule = RULES.get(issue.code)
        coding = {"system": CODE_SYSTEM, "code": issue.code}
        if rule:
            coding["display"] = rule.sentence.rstrip(".")
        found: dict[str, Any] = {
            "severity": issue.severity,
            "code": rule.type if rule else "processing",
            "details": {"coding": [coding], "text": issue.message},
        }
        is_path = issue.path.partition(".")[0] in _RESOURCES
        told = [self.name, "" if is_path else issue.path]
        if any(told):
            found["diagnostics"] = ": ".join(part for part in told if part)
        if is_path:
            found["expression"] = [issue.path]
        return found

    def _counts(self) -> str:
        counts = Counter(issue.severity for issue in self.issues)
        parts = [
            f"{counts[level]} {level}{'s' * (counts[level] != 1 and level != 'information')}"
            for level in ("error", "warning", "information")
            if counts[level]
        ]
        return ", ".join(parts) or "nothing found"

    def _repr_html_(self) -> str:
        name = html.escape(self.name)
        head = f"<p><b>{name}</b>: {self._counts()}</p>"
        rows = [_row("th", ("severity", "rule", "where", "what"))]
        rows += [_row("td", (i.severity, i.code, i.path, i.message)) for i in self.issues]
        tables = [f"<table>{''.join(rows)}</table>"] if self.issues else []
        ranked = [_row("th", ("region", "convention", "inside", "width", "height", "edges"))]
        for ranking in self.conventions:
            ranked += [_row("td", (ranking.path, *r.cells())) for r in ranking.readings[:3]]
        if len(ranked) > 1:
            tables.append(f"<table>{''.join(ranked)}</table>")
        return head + "".join(tables)


def _row(tag: str, cells: Sequence[str]) -> str:
    inner = "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells)
    return f"<tr>{inner}</tr>"
