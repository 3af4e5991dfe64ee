"""Findings: what an audit says of every number, ready to be read or written."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from imageregion.errors import InputError, Issue
from imageregion.fhir.links.stated import StatedNumber
from imageregion.fhir.links.values import Link

__all__ = ["Audit", "AuditedNumber", "Explanation", "Reason", "Status"]

Status = Literal["matches", "explained", "ambiguous", "unexplained", "not-audited"]
"""What is said of a number: it "matches" ours to its digits; one or several mistakes reproduce it
and it is "explained"; some reproduce it, but it has too few digits to tell them from chance
("ambiguous"); none does ("unexplained"); or it was "not-audited", for a `Reason`."""

Reason = Literal[
    "",
    "absent",
    "no-region",
    "not-measured",
    "not-such-a-region",
    "other-unit",
    "several-regions",
    "unknown-code",
    "unreadable",
    "withdrawn",
]
"""Why a number was not audited."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """One mistake that reproduces a number.

    Parameters
    ----------
    name : str
        Stable, e.g. "convention:swapped", "rule:exact", "quantity:perimeter", "unit:cm".
    sentence : str
        What a person reads, with both numbers.
    value : float
        What comes out under it, in the unit that is stated.
    residual : float
        The stated number less that.
    changes : int
        How many things have to be assumed: 1 or 2.
    explains : int
        How many wrong numbers of the region it reproduces.
    contradicts : int
        How many numbers of the region it would change that are right.
    chance : float
        How many such hits are expected by chance among everything tried on the numbers of the
        document that do not match; see `auditing.chance`.
    """

    name: str
    sentence: str
    value: float
    residual: float
    changes: int = 1
    explains: int = 1
    contradicts: int = 0
    chance: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return the record that JSON prints."""
        return {name: getattr(self, name) for name in self.__slots__}

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True, slots=True, eq=False)
class AuditedNumber:
    """One number, and what comes of measuring it again.

    Parameters
    ----------
    link : Link
        The Observation that states it.
    number : StatedNumber
    status : Status
    region : str
        FHIRPath of the region, empty where none is known.
    selection : str
        Name of its selection.
    recomputed : float, optional
        What we measure, in the unit that is stated.
    explanations : tuple of Explanation
        Likeliest first; only of a number that is "explained".
    possible : tuple of Explanation
        What reproduces an "ambiguous" number, but may do so by chance.
    reason : Reason
    message : str
        One sentence for a person, where there is something to say.
    """

    link: Link
    number: StatedNumber
    status: Status
    region: str = ""
    selection: str = ""
    recomputed: float | None = None
    explanations: tuple[Explanation, ...] = ()
    possible: tuple[Explanation, ...] = ()
    reason: Reason = ""
    message: str = ""

    @property
    def summary(self) -> str:
        """The likeliest explanation, the candidates, or the reason, in one sentence."""
        if self.explanations:
            return self.explanations[0].sentence
        if self.possible:
            names = "; ".join(one.sentence for one in self.possible[:2])
            return f"too few digits to tell: {names}"
        return self.message

    def to_dict(self) -> dict[str, Any]:
        """Return the record that JSON prints."""
        return {
            "observation": self.link.observation,
            **self.number.to_dict(),
            "selection": self.selection or None,
            "region": self.region or None,
            "status": self.status,
            "recomputed": self.recomputed,
            "reason": self.reason or None,
            "summary": self.summary or None,
            "explanations": [one.to_dict() for one in self.explanations],
            "possible": [one.to_dict() for one in self.possible],
        }

    def __str__(self) -> str:
        told = f": {self.summary}" if self.summary else ""
        return f"{self.link.observation} {self.number}: {self.status}{told}"


@dataclass(frozen=True, slots=True, eq=False)
class Audit:
    """What is said of every number of a document.

    Parameters
    ----------
    numbers : tuple of AuditedNumber
        In the order of the document.
    issues : tuple of Issue
        What cannot be read, what dangles, and what is not said clearly.
    """

    numbers: tuple[AuditedNumber, ...]
    issues: tuple[Issue, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """How many numbers there are of each status."""
        return dict(Counter(one.status for one in self.numbers))

    @property
    def is_clean(self) -> bool:
        """Whether some numbers were audited, all that are stated match, and nothing was unread.

        A document without any number, or with absent ones alone, is not clean: nothing in it was
        measured again. Neither is one with an issue that is an error.
        """
        return (
            any(one.status == "matches" for one in self.numbers)
            and all(one.status == "matches" or one.reason == "absent" for one in self.numbers)
            and all(issue.severity != "error" for issue in self.issues)
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the record that ``--format json`` prints."""
        return {
            "clean": self.is_clean,
            "counts": self.counts,
            "numbers": [one.to_dict() for one in self.numbers],
            "issues": [issue.to_dict() for issue in self.issues],
        }

    def to_json(self) -> str:
        """Return `to_dict` as indented JSON text."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False, ensure_ascii=False)

    def to_csv(self, path: str | Path | None = None) -> str:
        """Write one line per number; return the text.

        Raises
        ------
        InputError
            When the file cannot be written.
        """
        names = ("observation", "path", "region", "title", "text", "unit", "status", "recomputed")
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow((*names, "explanation", "summary"))
        for one in self.numbers:
            record = one.to_dict()
            best = one.explanations[0].name if one.explanations else ""
            writer.writerow([*(record[name] for name in names), best, one.summary])
        if path is not None:
            try:
                Path(path).write_text(text.getvalue(), encoding="utf-8", errors="backslashreplace")
            except (OSError, ValueError) as error:
                raise InputError(f"{path}: cannot be written: {error}") from None
        return text.getvalue()

    def __str__(self) -> str:
        """Return how many there are of each status, those that do not match, and the issues."""
        counts = ", ".join(f"{status}: {count}" for status, count in self.counts.items())
        wrong = [str(one) for one in self.numbers if one.status != "matches"]
        head = f"numbers: {len(self.numbers)} ({counts or 'nothing to audit'})"
        return "\n".join([head, *wrong, *map(str, self.issues)])
