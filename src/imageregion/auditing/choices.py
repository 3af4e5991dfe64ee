"""Choices: the settings that an Observation says it was measured with."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import cast

from imageregion.codes import FIRST_ORDER, GEOMETRY, PIXEL_COUNTS
from imageregion.fhir.links.values import Link
from imageregion.raster import Rule
from imageregion.settings import Settings
from imageregion.shapes import FillRule

__all__ = ["is_closed", "is_of_pixels", "stated_settings", "stated_value"]

_FILL = re.compile(r"(?:^|; )fill=(evenodd|nonzero)(?:;|$)")
_VALUES = re.compile(r"(?:^|; )values=([^ ;(]+(?: [^ ;(]+)*?) \(")
_RANGE = re.compile(r"(?:^|; )values from (open|[-+.0-9e]+) to (open|[-+.0-9e]+)(?:;|$)")
_OUTLIERS = re.compile(r"(?:^|; )within ([.0-9e+-]+) standard deviations")


def stated_settings(link: Link) -> Settings:
    """Return the settings that the method of an Observation names; ours where it names none.

    Examples
    --------
    >>> from imageregion.fhir.links.values import Link
    >>> link = Link("a", "", "", "final", (), rule="exact", method="rule=exact; fill=nonzero")
    >>> settings = stated_settings(link)
    >>> settings.rule, settings.fill_rule
    ('exact', 'nonzero')
    """
    text = link.method
    fill, outliers = _FILL.search(text), _OUTLIERS.search(text)
    names = [name for number in link.numbers for name in number.names]
    return Settings(
        rule=cast("Rule", link.rule or "center"),
        fill_rule=cast("FillRule", fill[1] if fill else "evenodd"),
        features="first-order" if any(name in FIRST_ORDER for name in names) else "basic",
        estimators=any(name.startswith("mean_") and name not in FIRST_ORDER for name in names),
        resegment=_resegment(text),
        outliers=_number(outliers[1]) if outliers else None,
        uncalibrated="sizes in mm at the detector" in text,
    )


def is_closed(link: Link) -> bool:
    """Whether the method says that an open outline was closed."""
    return "closed on request" in link.method


def stated_value(link: Link) -> str:
    """Return the quantity of pixel values that the method names, empty where it names none.

    Examples
    --------
    >>> from imageregion.fhir.links.values import Link
    >>> method = "rule=center; values=suvbw (rescale 2 0)"
    >>> stated_value(Link("a", "", "", "final", (), rule="center", method=method))
    'suvbw'
    """
    found = _VALUES.search(link.method)
    return found[1] if found and found[1] != "none" else ""


def is_of_pixels(names: Iterable[str]) -> bool:
    """Whether a number is a statistic of pixel values, not a size, a count or a share."""
    return any(name not in GEOMETRY and name not in PIXEL_COUNTS for name in names)


def _resegment(text: str) -> tuple[float | None, float | None] | None:
    found = _RANGE.search(text)
    if not found:
        return None
    ends = tuple(None if end == "open" else _number(end) for end in found.groups())
    return ends[0], ends[1]


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
