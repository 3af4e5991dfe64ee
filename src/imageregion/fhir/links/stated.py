"""Stated numbers: the values that Observations hold, with all the digits they were written with."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from imageregion.fhir.links.entries import Entry, WrittenFloat
from imageregion.fhir.measured_codes import names_of

__all__ = ["StatedNumber", "concept_text", "stated_numbers"]

_NUMBER = re.compile(r"[+-]?[0-9]{1,400}(\.[0-9]{1,400})?([eE][+-]?[0-9]{1,3})?")


@dataclass(frozen=True, slots=True)
class StatedNumber:
    """One number of an Observation.

    Parameters
    ----------
    path : str
        FHIRPath within the Observation, e.g. ``Observation.component[2].value``.
    names : tuple of str
        What it may measure by our names (`Measurement.code`), the likeliest first; empty where its
        code is not known.
    title : str
        What it measures in the words of the document.
    text : str
        The number as it was written; empty where it is absent.
    unit : str
        UCUM code, or where there is none the unit as text.
    comparator : str
        "<", "<=", ">=", ">", "ad", or empty.
    channel : str
        Of a colour image.
    absent : str
        Why there is no number.
    unreadable : str
        Why something stands there that cannot be read: what was expected, and what came.

    Examples
    --------
    >>> number = StatedNumber("Observation.value", ("area",), "Area", "12.50", "mm2")
    >>> number.value, number.half_unit, number.digits
    (12.5, 0.005, 4)
    """

    path: str
    names: tuple[str, ...]
    title: str
    text: str
    unit: str = ""
    comparator: str = ""
    channel: str = ""
    absent: str = ""
    unreadable: str = ""

    @property
    def name(self) -> str:
        """What it most likely measures by our name, empty where its code is not known."""
        return self.names[0] if self.names else ""

    @property
    def value(self) -> float | None:
        """The number as float64, None where it is absent."""
        return float(self.text) if self.text else None

    @property
    def half_unit(self) -> float:
        """Half a unit in the last place that is written, 0 where the number is absent."""
        if not self.text:
            return 0.0
        exponent = Decimal(self.text).as_tuple().exponent
        return 0.5 * 10.0**exponent if isinstance(exponent, int) else 0.0

    @property
    def digits(self) -> int:
        """How many significant digits are written."""
        return len(Decimal(self.text).as_tuple().digits) if self.text else 0

    def to_dict(self) -> dict[str, Any]:
        """Return the record that JSON prints."""
        return {
            "path": self.path,
            "names": list(self.names),
            "title": self.title,
            "value": self.value,
            "text": self.text or None,
            "unit": self.unit or None,
            "comparator": self.comparator or None,
            "channel": self.channel or None,
            "absent": self.absent or None,
            "unreadable": self.unreadable or None,
        }

    def __str__(self) -> str:
        if not self.text:
            why = self.unreadable or f"absent ({self.absent})"
            return f"{self.name or self.title}: {why}"
        parts = (self.comparator, self.text, self.unit)
        return f"{self.name or self.title} {' '.join(part for part in parts if part)}"


def concept_text(concept: Any) -> str:
    """Return what a CodeableConcept says, in words.

    Examples
    --------
    >>> concept_text({"coding": [{"code": "118565006", "display": "Volume"}]})
    'Volume'
    """
    if not isinstance(concept, Mapping):
        return ""
    codings = concept.get("coding")
    parts = [concept.get("text")]
    for coding in codings if isinstance(codings, list) else []:
        if isinstance(coding, Mapping):
            parts += [coding.get("display"), coding.get("code")]
    return next((part[:200] for part in parts if isinstance(part, str) and part), "")


def stated_numbers(entry: Entry) -> tuple[StatedNumber, ...]:
    """Return every number of an Observation, in the order of the document.

    Absent ones and those that cannot be read are among them, without text.

    Examples
    --------
    >>> volume = {"code": {"coding": [{"system": "http://snomed.info/sct", "code": "118565006"}]},
    ...           "valueQuantity": {"value": 6.25, "unit": "mL", "code": "mL"}}
    >>> print(*stated_numbers(Entry(volume, volume)))
    volume 6.25 mL
    """
    return tuple(_all(entry.written))


def _all(observation: Mapping[str, Any]) -> Iterator[StatedNumber]:
    yield from _of(observation, "Observation")
    components = observation.get("component")
    if components is None:
        return
    if not isinstance(components, list):
        yield _unread("Observation.component", _expected("a list", components))
        return
    for index, component in enumerate(components):
        path = f"Observation.component[{index}]"
        if isinstance(component, Mapping):
            yield from _of(component, path)
        else:
            yield _unread(path, _expected("an object", component))


def _unread(path: str, problem: str) -> StatedNumber:
    return StatedNumber(path, (), "(unreadable)", "", unreadable=problem)


def _expected(what: str, value: Any) -> str:
    """Say what was expected, and what came; in the words of JSON."""
    if value is None or isinstance(value, bool):
        came = {None: "null", True: "true", False: "false"}[value]
    elif isinstance(value, str):
        came = f"the text {value[:40]!r}"
    elif isinstance(value, Mapping):
        came = "an object"
    elif isinstance(value, list):
        came = "a list"
    else:
        came = f"{getattr(value, 'text', value)!s:.40}"
    return f"expected {what}, found {came}"


def _of(element: Mapping[str, Any], path: str) -> Iterator[StatedNumber]:
    code, extensions = element.get("code"), element.get("extension")
    quantity = element.get("valueQuantity")
    reason = element.get("dataAbsentReason")
    unit = comparator = problem = ""
    value: Any = None
    if isinstance(quantity, Mapping):
        value, unit = quantity.get("value"), _unit(quantity)
        comparator, problem = _comparator(quantity)
        if "value" in quantity and not (value is None and isinstance(reason, Mapping)):
            problem = problem or _problem("a number", value)
    elif quantity is not None:
        problem = _expected("a Quantity", quantity)
    elif "valueInteger" in element:
        value = element["valueInteger"]
        problem = _problem("a whole number", value)
    elif not isinstance(reason, Mapping) or path == "Observation":
        return
    found = names_of(code, extensions if isinstance(extensions, list) else None)
    text = "" if problem else _text(value)
    absent = "" if text else concept_text(reason) or "no value is given"
    yield StatedNumber(
        f"{path}.value",
        tuple(name for name, _ in found),
        concept_text(code) or "(no code)",
        text,
        unit,
        comparator,
        found[0][1] if found else "",
        "" if problem else absent,
        problem,
    )


def _comparator(quantity: Mapping[str, Any]) -> tuple[str, str]:
    """Return the comparator, or what is wrong with it."""
    found = quantity.get("comparator")
    if found is None or isinstance(found, str):
        return found or "", ""
    return "", _expected("a comparator", found)


def _problem(what: str, value: Any) -> str:
    """Say why a value that is given is no number; empty where it is one."""
    right = isinstance(value, int) if what == "a whole number" else not isinstance(value, str)
    return "" if right and _text(value) else _expected(what, value)


def _unit(quantity: Mapping[str, Any]) -> str:
    """Return the UCUM code, or what stands for people; spaces around do not count."""
    for key in ("code", "unit"):
        unit = quantity.get(key)
        if isinstance(unit, str) and unit.strip():
            return unit.strip()[:100]
    return ""


def _text(value: Any) -> str:
    """Return the digits of a number; empty for what is none, or none that can be written.

    Floats that come without text have the shortest digits that mean the same float.
    """
    if isinstance(value, bool) or value is None:
        return ""
    if isinstance(value, WrittenFloat):
        text = value.text
    elif isinstance(value, float):
        text = repr(value)
    elif isinstance(value, int | Decimal):
        text = (
            str(value) if not isinstance(value, int) or abs(value) < 10**18 else repr(float(value))
        )
    else:
        text = str(value).strip() if isinstance(value, str) else ""
    if not _NUMBER.fullmatch(text):
        return ""
    try:
        return text if math.isfinite(float(Decimal(text))) else ""
    except (InvalidOperation, OverflowError):
        return ""
