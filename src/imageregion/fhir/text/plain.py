"""Plain JSON values: text to values, values to text, and copies that hold nothing else."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson

from imageregion.errors import InputError

__all__ = [
    "MAX_DEPTH",
    "MAX_TEXT",
    "RepeatedKeys",
    "as_json",
    "brief",
    "is_shallow",
    "parse_json",
    "parse_regular",
    "plain",
]

MAX_DEPTH = 128
"""Deepest nesting of objects and lists that is read; FHIR resources stay far below."""

MAX_TEXT = 2**26
"""Longest text of one resource or Bundle that is read, 64 MiB."""

_MOST = {b",": 2**22 + 2**16, b"{": 2**18, b"[": 2**19, b'"': 2**21}
"""How often these may occur in a text, so that what it becomes fits into memory: values (the most
coordinates of a region and some more), objects, lists, and both ends of strings and keys."""
_NAMES = {b",": "values", b"{": "objects", b"[": "lists", b'"': "quotation marks"}
_SHORT = 2**21  # bytes of text, whatever it holds
_LOOKED_THROUGH = 2**22  # bytes of text in which keys given twice are named

_LEAVES = frozenset({str, int, float, bool, type(None)})
_NUMBERS = frozenset({int, float})


class RepeatedKeys(dict[str, Any]):
    """An object of a JSON text in which some object gives a key more than once.

    The last value counts. `repeated` names the keys that this object repeats, often none.
    """

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        keys = [key for key, _ in pairs] if len(self) < len(pairs) else []
        counts = Counter(keys)
        self.repeated = tuple(key for key, count in counts.items() if count > 1)


def parse_json(content: bytes | str, name: str) -> Any:
    """Parse JSON; `name` says in the error where it came from.

    Objects of a text that gives a key twice are `RepeatedKeys`.

    Raises
    ------
    InputError
        On empty or malformed text, with line and column; text nested too deep; text longer than
        `MAX_TEXT`, or of so many values that they would not fit into memory.

    Examples
    --------
    >>> parse_json("[1, 2.5]", "text")
    [1, 2.5]
    """
    return parse_regular(content, name)[0]


def parse_regular(content: bytes | str, name: str) -> tuple[Any, bool]:
    """Parse JSON as `parse_json` does, and tell whether it is regular.

    Returns
    -------
    value : Any
    is_regular : bool
        Whether lists that begin and end with a number hold nothing but numbers, or might not.

    Examples
    --------
    >>> parse_regular("[1, [], 2]", "text")
    ([1, [], 2], False)
    """
    if isinstance(content, str):
        content = content.encode("utf-8", "surrogatepass")
    if not content.strip():
        raise InputError(f"{name}: expected JSON, the input is empty")
    _check_size(content, name)
    try:
        value = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        if "depth" in error.msg or "recursion" in error.msg:
            raise InputError(f"{name}: JSON nested deeper than {MAX_DEPTH} levels") from None
        if "surrogates" in error.msg:
            raise InputError(f"{name}: expected JSON in UTF-8, this is not UTF-8") from None
        raise InputError(
            f"{name}: not JSON: {error.msg} (line {error.lineno}, column {error.colno})"
        ) from None
    is_regular = b"\\u00" not in content and _unaccounted(content, value, False) == (0, 0)
    if is_regular or _unaccounted(content, value, True)[0] == 0:
        return value, is_regular
    if len(content) > _LOOKED_THROUGH:
        raise InputError(f"{name}: some object gives a key more than once")
    try:
        return json.loads(content, object_pairs_hook=RepeatedKeys, parse_int=_integer), False
    except RecursionError:
        raise InputError(f"{name}: JSON nested deeper than {MAX_DEPTH} levels") from None


def _check_size(content: bytes, name: str) -> None:
    if len(content) > MAX_TEXT:
        raise InputError(
            f"{name}: larger than {MAX_TEXT} bytes, the most that is read of one resource or "
            "Bundle; NDJSON (one resource per line) may be longer"
        )
    for sign, most in _MOST.items() if len(content) > _SHORT else ():
        if len(content) > most and content.count(sign) > most:
            raise InputError(f"{name}: more than {most} {_NAMES[sign]}, the most that is read")


def _unaccounted(content: bytes, value: Any, thorough: bool) -> tuple[int, int]:
    """Count colons and openings of objects and lists that were not seen in the parsed value.

    A key that is given twice leaves a colon over. Lists that begin and end with a number are taken
    for numbers alone unless `thorough`; an object or list in one leaves an opening over. Where the
    text has escapes, which may be of these signs, the counts may be off by more.
    """
    colons = content.count(b":")
    openings = content.count(b"[") + content.count(b"{")
    level = [value]
    while level:
        below: list[Any] = []
        for item in level:
            kind = type(item)
            if kind is str:
                text = item
            elif kind is dict:
                text = "".join(item)
                colons -= len(item)
                openings -= 1
                below += item.values()
            elif kind is list:
                text = ""
                openings -= 1
                if item and (thorough or not _NUMBERS.issuperset((type(item[0]), type(item[-1])))):
                    below += item
            else:
                continue
            if text:
                colons -= text.count(":")
                openings -= text.count("[") + text.count("{")
        level = below
    return colons, openings


def _integer(text: str) -> int | float:
    """Read an integer; one beyond 64 bits becomes the nearest float, as everywhere."""
    return int(text) if len(text) < 19 else float(text)


def as_json(value: Any, *, ordered: bool = False) -> bytes:
    """Return plain JSON values as UTF-8 text, keys in order of the alphabet when `ordered`.

    Numbers that are not finite become null, integers beyond 64 bits the nearest float.

    Raises
    ------
    InputError
        On values that JSON has no notation for, or text that is no Unicode.

    Examples
    --------
    >>> as_json({"b": 10, "a": float("nan")}, ordered=True)
    b'{"a":null,"b":10}'
    >>> parse_json(as_json(10**30), "number")
    1e+30
    """
    option = orjson.OPT_SORT_KEYS if ordered else 0
    try:
        return orjson.dumps(value, option=option)
    except TypeError:
        pass
    try:
        return orjson.dumps(_narrowed(value), option=option)
    except TypeError as error:
        raise InputError(f"cannot be written as JSON: {error}") from None


def is_shallow(value: Any) -> bool:
    """Whether a regular value of `parse_regular` is nested no deeper than `MAX_DEPTH`.

    Examples
    --------
    >>> is_shallow([[1]])
    True
    """
    level, depth = [value], -1
    while level and depth <= MAX_DEPTH:
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below += item.values()
            elif type(item) is list and not _NUMBERS.issuperset(map(type, (*item[:1], *item[-1:]))):
                below += item
        level, depth = below, depth + 1
    return not level


def plain(value: Any, place: str = "", depth: int = 0) -> Any:
    """Copy a value into dicts, lists and JSON leaves that belong to nobody else.

    Tuples become lists, numpy arrays and numbers become Python ones, and decimals become floats.

    Raises
    ------
    InputError
        On values that JSON has no notation for, text that is no Unicode (lone surrogates), or
        nesting deeper than `MAX_DEPTH`.

    Examples
    --------
    >>> plain({"coordinate": (1, Decimal("2.50"))})
    {'coordinate': [1, 2.5]}
    """
    if depth > MAX_DEPTH:
        raise InputError(f"JSON nested deeper than {MAX_DEPTH} levels")
    if type(value) in _LEAVES:
        if type(value) is str:
            _check_text(value, place)
        return value
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise InputError(f"{place or 'object'}: expected text as key, got {key!r:.60}")
            _check_text(key, place)
        return {
            str(k): plain(v, f"{place}.{k}" if place else k, depth + 1) for k, v in value.items()
        }
    if isinstance(value, list | tuple):
        kinds = set(map(type, value))
        if kinds <= _LEAVES and str not in kinds:
            return list(value)
        return [plain(v, f"{place}[{i}]", depth + 1) for i, v in enumerate(value)]
    return _leaf(value, place, depth)


def _narrowed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _narrowed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_narrowed(item) for item in value]
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        try:
            return float(value)
        except OverflowError:
            return None
    return value


def _check_text(text: str, place: str) -> None:
    """Refuse lone surrogates: halves of a character, for which UTF-8 has no notation."""
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise InputError(f"{place or 'text'}: expected Unicode text, got {text!r:.60}")


def _leaf(value: Any, place: str, depth: int) -> Any:
    """Turn what is not JSON, but means it, into JSON."""
    if isinstance(value, Decimal):
        return math.nan if value.is_snan() else float(value)
    if hasattr(value, "tolist"):  # numpy arrays and numbers, without importing numpy
        return plain(value.tolist(), place, depth + 1)
    for base in (str, int, float):  # subclasses, such as enumerations
        if isinstance(value, base):
            return plain(base(value), place)
    raise InputError(f"{place or 'value'}: expected JSON values, got {type(value).__name__}")


def brief(value: object) -> str:
    """Describe a JSON value in a few words for an error message, however large it is.

    Examples
    --------
    >>> brief("x"), brief([1, 2]), brief({}), brief(None)
    ("'x'", 'a list', 'an object', 'null')
    """
    if isinstance(value, str):
        return repr(value[:60] + "..." if len(value) > 60 else value)
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list | tuple):
        return "a list"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float) or (isinstance(value, int) and abs(value) < 1e15):
        return f"{value:.15g}"
    return "a large integer" if isinstance(value, int) else type(value).__name__
