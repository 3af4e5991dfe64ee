"""Rules: everything `check` can find, each with an id, a severity, a sentence and its source."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from imageregion.checking.rules_of_form import FORM, INVARIANTS, MANIFEST
from imageregion.checking.rules_of_meaning import DRAWING, IDENTITY, IMAGES
from imageregion.codes import NAMESPACE
from imageregion.errors import Severity

__all__ = ["CODE_SYSTEM", "RULES", "Rule", "rules_table"]

CODE_SYSTEM = f"{NAMESPACE}/CodeSystem/check-rule"
"""System of the rule ids in an OperationOutcome."""

IssueType = Literal[
    "business-rule",
    "code-invalid",
    "duplicate",
    "extension",
    "incomplete",
    "informational",
    "invalid",
    "invariant",
    "not-found",
    "not-supported",
    "processing",
    "required",
    "structure",
    "too-long",
    "value",
]
"""The codes of FHIR issue-type that rules use."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing `check` looks for.

    Parameters
    ----------
    id : str
        Stable; the `Issue.code` of its findings. "isl-n" for the invariants of FHIR R6.
    severity : {"error", "warning", "information"}
        The usual one; invariants of R6 are less in versions that do not have them.
    type : str
        Code of FHIR issue-type.
    sentence : str
        What is wrong when the rule finds something.
    source : str
        The clause it comes from; "practice" for mistakes that no clause names.
    group : str
        "invariant", "identity", "form", "manifest", "drawing" or "images".

    Examples
    --------
    >>> RULES["isl-5"].sentence
    'Regions in 3-D without frameOfReferenceUid.'
    """

    id: str
    severity: Severity
    type: IssueType
    sentence: str
    source: str
    group: str


def rules_table(rules: Iterable[Rule] | None = None) -> str:
    """Return rules as a Markdown table, the text between ``<!-- rules -->`` marks.

    Parameters
    ----------
    rules : iterable of Rule, optional
        All by default.

    Examples
    --------
    >>> print(rules_table([RULES["isl-3"]]))
    | rule | severity | what is wrong | source |
    |---|---|---|---|
    | `isl-3` | error | seriesNumber without seriesUid. | FHIR R6 isl-3 |
    """
    chosen = RULES.values() if rules is None else rules
    lines = ["| rule | severity | what is wrong | source |", "|---|---|---|---|"]
    lines += [f"| `{r.id}` | {r.severity} | {r.sentence} | {r.source} |" for r in chosen]
    return "\n".join(lines)


_GROUPS = {
    "invariant": INVARIANTS,
    "identity": IDENTITY,
    "form": FORM,
    "manifest": MANIFEST,
    "drawing": DRAWING,
    "images": IMAGES,
}

RULES: dict[str, Rule] = {
    name: Rule(name, severity, kind, sentence, source, group)
    for group, lines in _GROUPS.items()
    for name, severity, kind, sentence, source in lines
}
"""Every rule by its id, in the order of the table."""
