"""Repeats: resources that a document holds more than once, equal in everything."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from imageregion.errors import InputError, Issue
from imageregion.fhir.links.entries import Entry, WrittenFloat
from imageregion.fhir.text.plain import as_json

__all__ = ["first_of_each"]


def first_of_each(entries: Iterable[Entry]) -> tuple[tuple[Entry, ...], tuple[Issue, ...]]:
    """Leave out resources that repeat an earlier one, with what they contain.

    Only those of the same address, type, id and content, in the same digits, are repeats; what has
    neither address nor id is never one.

    Parameters
    ----------
    entries : iterable of Entry

    Returns
    -------
    entries : tuple of Entry
    issues : tuple of Issue
        "repeated", an information, for each that is left out.

    Examples
    --------
    >>> patient = {"resourceType": "Patient", "id": "a"}
    >>> entries, issues = first_of_each([Entry(patient, patient), Entry(dict(patient), patient)])
    >>> len(entries), issues[0].code
    (1, 'repeated')
    """
    first: dict[tuple[str, str, str], Entry] = {}
    digests: dict[tuple[str, str, str], set[bytes]] = defaultdict(set)
    kept: list[Entry] = []
    left: set[int] = set()
    issues: list[Issue] = []
    for entry in entries:
        if entry.container is not None:
            if id(entry.container) not in left:
                kept.append(entry)
            continue
        key = (entry.url, entry.kind, entry.id)
        before = first.setdefault(key, entry)
        if before is not entry and (entry.url or entry.id):
            known = digests[key]
            if not known:
                known.add(_digest(before))
            digest = _digest(entry)
            if digest and digest in known:
                left.add(id(entry))
                where = entry.place or entry.name
                told = f"repeats {before.name}, equal in everything; it counts once"
                issues.append(Issue("information", "repeated", where, told))
                continue
            known.add(digest)
        kept.append(entry)
    return tuple(kept), tuple(issues)


def _digest(entry: Entry) -> bytes:
    """Return a digest of the content; empty where it cannot be written as JSON."""
    try:
        return sha256(as_json(_spelled(entry.written), ordered=True)).digest()
    except (InputError, RecursionError):
        return b""


def _spelled(value: Any) -> Any:
    """Return a value with its numbers as they were written."""
    if isinstance(value, WrittenFloat):
        return {"": value.text}
    if isinstance(value, dict):
        return {key: _spelled(item) for key, item in value.items()}
    return [_spelled(item) for item in value] if isinstance(value, list) else value
