"""Capping: lists of issues that hostile documents cannot make endless."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from imageregion.errors import Issue

__all__ = ["MOST_ALIKE", "capped"]

MOST_ALIKE = 1000
"""Most issues of one severity and code with elements of one name."""

_INDEX = re.compile(r"\[\d+\]")


def capped(issues: Iterable[Issue], most: int = MOST_ALIKE) -> tuple[Issue, ...]:
    """Return issues once each, the first of those that are alike, and how many more there are.

    Alike are issues of the same severity and code whose paths differ in indices alone.

    Parameters
    ----------
    issues : iterable of Issue
    most : int
        Of those that are alike.

    Examples
    --------
    >>> for issue in capped([Issue("error", "a", f"P.x[{i}]", "bad") for i in range(9)], 2):
    ...     print(issue)
    error P.x[0]: bad
    error P.x[1]: bad
    error P.x: and 7 more of a
    """
    once = dict.fromkeys(issues)
    if len(once) <= most:
        return tuple(once)
    counts: Counter[tuple[str, str, str]] = Counter()
    kept = []
    for issue in once:
        kind = (issue.severity, issue.code, _INDEX.sub("", issue.path))
        counts[kind] += 1
        if counts[kind] <= most:
            kept.append(issue)
    for (severity, code, path), count in counts.items():
        if count > most:
            message = f"and {count - most:,} more of {code}"
            kept.append(Issue(severity, code, path, message))  # type: ignore[arg-type]
    return tuple(kept)
