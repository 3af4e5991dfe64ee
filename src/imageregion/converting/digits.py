"""Digits: numbers of a JSON text that a float cannot hold, or not as they were written."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from imageregion.errors import ImageRegionError, Issue

__all__ = ["digit_losses"]

_MOST_BYTES = 2**22
"""Longest text that is looked through."""

_SHOWN = 3


def digit_losses(source: Any) -> Iterator[Issue]:
    """Yield what becomes of numbers that are not written as the float they are read as.

    Parameters
    ----------
    source : Any
        As for `read_selections`. XML, values without text and long texts are not looked at.

    Examples
    --------
    >>> for issue in digit_losses('{"coordinate": [20.1234567890123456789, 2.50]}'):
    ...     print(issue.message)  # doctest: +NORMALIZE_WHITESPACE
    1 number has more digits than a float holds:
    20.1234567890123456789 becomes 20.123456789012344
    1 number loses trailing zeros, which tell its precision: 2.50 becomes 2.5
    """
    changed: list[tuple[str, str]] = []
    shortened: list[tuple[str, str]] = []

    def note(text: str) -> float:
        value = float(text)
        written = repr(value)
        if written != text and not _is_same(text, written):
            changed.append((text, written))
        elif written != text and text.lower().partition("e")[0].endswith("0") and "." in text:
            shortened.append((text, written))
        return value

    _look_through(_text_of(source), note)
    for pairs, many, one in (
        (changed, "have more digits than a float holds", "has more digits than a float holds"),
        (
            shortened,
            "lose trailing zeros, which tell their precision",
            "loses trailing zeros, which tell its precision",
        ),
    ):
        if pairs:
            what = f"{len(pairs):,} numbers {many}" if len(pairs) > 1 else f"1 number {one}"
            told = "; ".join(f"{old:.40} becomes {new}" for old, new in pairs[:_SHOWN])
            more = "; ..." if len(pairs) > _SHOWN else ""
            yield Issue("information", "digits", "document", f"{what}: {told}{more}")


def _is_same(text: str, written: str) -> bool:
    try:
        return Decimal(text) == Decimal(written)
    except InvalidOperation:
        return False


def _text_of(source: Any) -> bytes:
    """Return the JSON text of a source; empty where there is none, or too long a one."""
    from imageregion.fhir.text.sources import read_text

    if not isinstance(source, str | Path | bytes | bytearray):
        return b""
    try:
        content = read_text(source, _MOST_BYTES)
    except ImageRegionError:  # reading says so
        return b""
    return content if content.lstrip()[:1] in (b"{", b"[") else b""


def _look_through(content: bytes, note: Callable[[str], float]) -> None:
    def integer(text: str) -> float:
        return 0.0 if len(text) < 19 else note(text)

    lines = content.split(b"\n") if _is_lines(content) else [content]
    for line in lines:
        try:
            json.loads(line, parse_float=note, parse_int=integer)
        except (ValueError, RecursionError):
            continue


def _is_lines(content: bytes) -> bool:
    """Whether the first line is a document of its own."""
    first, _, rest = content.partition(b"\n")
    try:
        return bool(rest.strip()) and isinstance(json.loads(first), dict | list)
    except (ValueError, RecursionError):
        return False
