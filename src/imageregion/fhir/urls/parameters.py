"""Values of URL parameters, each checked: boxes, windows, numbers, UIDs, and bases of services."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias
from urllib.parse import quote

from imageregion.errors import InputError
from imageregion.fhir.studies.endpoints import tidy_address
from imageregion.fhir.text.plain import brief

__all__ = [
    "Annotation",
    "Box",
    "Windowing",
    "as_windowing",
    "check_base",
    "check_frames",
    "check_uid",
    "decimal",
    "with_query",
]

Annotation: TypeAlias = Literal["patient", "technique"]

FUNCTIONS = ("linear", "linear-exact", "sigmoid")
"""VOI LUT functions as DICOM PS3.18 section 8.3.5.1.4 writes them."""

_UID = re.compile(r"[0-9]+(\.[0-9]+)*")
_SAFE = ",:/"  # legal in a query (RFC 3986 section 3.4), and some servers do not decode them


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of whole pixels; (0, 0) is the outer corner of the first pixel.

    Parameters
    ----------
    left, top, width, height : int
        In pixels, width and height at least 1.

    Examples
    --------
    >>> Box(10, 20, 30, 15).fractions((100, 200))
    (0.05, 0.2, 0.2, 0.35)
    """

    left: int
    top: int
    width: int
    height: int

    def fractions(self, image_shape: tuple[int, int]) -> tuple[float, float, float, float]:
        """Return (left, top, right, bottom) as fractions of an image of (rows, columns)."""
        rows, columns = image_shape
        right, bottom = self.left + self.width, self.top + self.height
        return self.left / columns, self.top / rows, right / columns, bottom / rows

    def scaled(self, longest: int) -> tuple[int, int]:
        """Return (width, height) of the same form whose longer side is `longest` pixels."""
        scale = longest / max(self.width, self.height)
        return max(1, round(self.width * scale)), max(1, round(self.height * scale))


@dataclass(frozen=True, slots=True)
class Windowing:
    """A display window (DICOM PS3.18 section 8.3.5.1.4, PS3.3 C.11.2.1.2).

    Parameters
    ----------
    center, width : float
        In real values, such as HU.
    function : {"linear", "linear-exact", "sigmoid"}

    Raises
    ------
    InputError
        On numbers that are not finite, another function, or a width below 1 for "linear", not
        above 0 for the others.

    Examples
    --------
    >>> Windowing(40, 400).value
    '40,400,linear'
    """

    center: float
    width: float
    function: str = "linear"

    def __post_init__(self) -> None:
        if self.function not in FUNCTIONS:
            names = ", ".join(FUNCTIONS)
            raise InputError(f"window function: expected {names}, got {brief(self.function)}")
        decimal(self.center, "window center")
        decimal(self.width, "window width")
        if self.width < 1 if self.function == "linear" else self.width <= 0:
            least = "at least 1" if self.function == "linear" else "above 0"
            raise InputError(f"window width: expected {least}, got {self.width:g}")

    @property
    def value(self) -> str:
        """The value of the parameter ``window``."""
        return f"{decimal(self.center)},{decimal(self.width)},{self.function}"


def as_windowing(window: Windowing | Iterable[float | str] | None) -> Windowing | None:
    """Return a window given as (center, width) or (center, width, function).

    Examples
    --------
    >>> as_windowing((40, 400))
    Windowing(center=40.0, width=400.0, function='linear')
    """
    if window is None or isinstance(window, Windowing):
        return window
    parts = list(window)
    if len(parts) not in (2, 3):
        raise InputError(f"window: expected center, width and a function, got {len(parts)} values")
    try:
        center, width = float(parts[0]), float(parts[1])
    except (TypeError, ValueError):
        raise InputError(f"window: expected numbers, got {brief(parts[:2])}") from None
    return Windowing(center, width, *(str(part).strip() for part in parts[2:]))


def decimal(value: float, what: str = "number") -> str:
    """Write a number as decimal without exponent, with up to 10 digits after the point.

    Examples
    --------
    >>> decimal(40.0), decimal(-0.125), decimal(1e-12)
    ('40', '-0.125', '0')
    """
    if not math.isfinite(value) or abs(value) > 1e15:
        raise InputError(f"{what}: expected a finite number, got {value}")
    text = f"{value:.10f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def check_uid(uid: str, what: str) -> str:
    """Return a UID that can stand in a URL.

    Raises
    ------
    InputError
        On anything but digits and dots, up to 64 of them.

    Examples
    --------
    >>> check_uid("1.2.840", "study")
    '1.2.840'
    """
    if not isinstance(uid, str) or len(uid) > 64 or not _UID.fullmatch(uid):
        raise InputError(f"{what}: expected a DICOM UID, got {brief(uid)}")
    return uid


def check_frames(frames: Iterable[int]) -> tuple[int, ...]:
    """Return frame numbers, counted from 1."""
    found = tuple(frames)
    if any(isinstance(one, bool) or not isinstance(one, int) or one < 1 for one in found):
        raise InputError(f"frames: expected numbers from 1, got {brief(list(found))}")
    return found


def check_base(base: str, *, keep_query: bool = False) -> str:
    """Return the base of a service; see `tidy_address`.

    Examples
    --------
    >>> check_base("https://pacs.example.org/dicomweb/")
    'https://pacs.example.org/dicomweb'
    """
    try:
        return tidy_address(base, keep_query=keep_query)
    except ValueError as error:
        raise InputError(f"endpoint: {error}") from None


def with_query(base: str, parameters: Iterable[tuple[str, str]]) -> str:
    """Append parameters to a URL, percent-encoded.

    Examples
    --------
    >>> with_query("https://a.org/wado?key=1", [("region", "0,0,0.5,1"), ("name", "a&b")])
    'https://a.org/wado?key=1&region=0,0,0.5,1&name=a%26b'
    """
    text = "&".join(f"{quote(name)}={quote(value, safe=_SAFE)}" for name, value in parameters)
    if not text:
        return base
    return f"{base}{'&' if '?' in base else '?'}{text}"
