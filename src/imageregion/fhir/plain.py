"""Plain JSON values: text to values, values to text, and copies that hold nothing else."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson

from imageregion.errors import InputError

__all__ = ["MAX_DEPTH", "RepeatedKeys", "as_json", "brief", "parse_json", "plain"]

MAX_DEPTH = 128
"""Deepest nesting of objects and lists that is read; FHIR resources stay far below."""

_LOOKED_THROUGH = 2**20  # bytes of text in which keys given twice are looked for

_LEAVES = frozenset({str, int, float, bool, type(None)})


class RepeatedKeys(dict[str, Any]):
    """An object of a JSON text in which some object gives a key more than once.

    The last value counts. `repeated` names the keys that this object repeats, often none.
    """

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        keys = [key for key, _ in pairs] if len(self) < len(pairs) else []
        self.repeated = tuple(key for key in self if keys.count(key) > 1) if keys else ()


def parse_json(content: bytes | str, name: str) -> Any:
    """Parse JSON; `name` says in the error where it came from.

    Objects of a text up to 1 MiB that gives a key twice are `RepeatedKeys`; longer texts are not
    looked through for them.

    Raises
    ------
    InputError
        On empty or malformed text, with line and column, or text nested too deep.

    Examples
    --------
    >>> parse_json("[1, 2.5]", "text")
    [1, 2.5]
    """
    if not content.strip():
        raise InputError(f"{name}: expected JSON, the input is empty")
    try:
        value = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        if "depth" in error.msg or "recursion" in error.msg:
            raise InputError(f"{name}: JSON nested deeper than {MAX_DEPTH} levels") from None
        raise InputError(
            f"{name}: not JSON: {error.msg} (line {error.lineno}, column {error.colno})"
        ) from None
    if len(content) <= _LOOKED_THROUGH and _has_repeated_keys(content):
        return json.loads(content, object_pairs_hook=RepeatedKeys, parse_int=_integer)
    return value


def _has_repeated_keys(content: bytes | str) -> bool:
    try:
        json.loads(content, object_pairs_hook=_unique, parse_int=float)
    except KeyError:
        return True
    except RecursionError:
        return False
    return False


def _unique(pairs: list[tuple[str, Any]]) -> None:
    if len(dict(pairs)) < len(pairs):
        raise KeyError


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
