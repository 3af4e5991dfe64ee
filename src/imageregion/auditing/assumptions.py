"""Assumptions: what a wrong number may have been made under, each tried by measuring again.

Names of the hypotheses of an audit (`Explanation.name`), by how simple they are:

=====================  =============================================================================
a slip of convention
---------------------  -----------------------------------------------------------------------------
rule:R                 pixels were counted by another rule: center, touched or exact
deviation:sample       n - 1 in place of n
unit:U                 given in cm, m, mL, kBq/ml, percent, ... but labelled otherwise
sign                   the sign was lost
convention:C           coordinates were read by another of `conventions.CONVENTIONS`; in the patient
                       "ras" (x and y negated) and "feet" (z negated)
outline:closed, open   an open outline was closed, a closed one opened
fill:F                 outlines that cross themselves were filled by the other rule
spacing:S              "ignored" (pixels for mm), "swapped", "rows" or "columns" (one of the two for
                       both), "detector" (mm at the detector)
value:V                other pixel values: stored, rescaled, hu, suvbw, ...
padding                padding was counted
---------------------  -----------------------------------------------------------------------------
something else
---------------------  -----------------------------------------------------------------------------
quantity:Q             another quantity of the region: the perimeter for the area, median for mean
size:doubled, halved   diameters taken for radii, and the other way round
shape:bounding-box     the bounding box in place of the shape
shape:image            the whole image in place of the shape
frame:F                a frame or slice nearby
region:P               another region of the document, or "combined", all of the selection as one
---------------------  -----------------------------------------------------------------------------
two at once
---------------------  -----------------------------------------------------------------------------
A+B                    a rule and a convention or kind of values; a unit and any of the above; the
                       sample deviation and any of the above
=====================  =============================================================================
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import get_args

import numpy as np

from imageregion.auditing.hypothesis import (
    Assumption,
    Make,
    again,
    measured_numbers,
    with_frames,
    with_region,
    with_settings,
    with_shape,
)
from imageregion.auditing.pixel_sizes import other_sizes
from imageregion.auditing.subjects import Numbers, Subject
from imageregion.auditing.substitutes import other_frames, other_shapes
from imageregion.conventions import CONVENTIONS
from imageregion.errors import ImageRegionError
from imageregion.frame import Frame
from imageregion.raster import Rule
from imageregion.region import Region
from imageregion.shapes import FillRule, Polygon, Polyline

__all__ = ["RULES", "double_assumptions", "single_assumptions"]

RULES: dict[str, str] = {
    "center": "only pixels counted whose centre is inside",
    "touched": "every pixel counted that the region touches",
    "exact": "pixels counted by the share of them that is covered",
}


def single_assumptions(subject: Subject) -> Iterator[Assumption]:
    """Yield every assumption about one region that can be tried, the simplest first."""
    yield from _rules(subject)
    yield from _shapes(subject)
    yield from other_sizes(subject)
    yield from _values(subject)
    yield from other_shapes(subject)
    yield from other_frames(subject)


def double_assumptions(subject: Subject) -> Iterator[Assumption]:
    """Yield two assumptions at once: another rule and another convention or quantity."""
    for rule in get_args(Rule):
        if rule == subject.settings.rule:
            continue
        changed = subject.with_settings(rule=rule)
        for other in (*_conventions(changed), *_values(changed)):
            yield replace(
                other,
                name=f"rule:{rule}+{other.name}",
                sentence=f"{RULES[rule]}, and {other.sentence}",
                level=2,
            )


def _rules(subject: Subject) -> Iterator[Assumption]:
    for rule in get_args(Rule):
        if rule != subject.settings.rule:
            change = with_settings(subject, rule=rule)
            yield Assumption(f"rule:{rule}", RULES[rule], 0, again(change))
    if isinstance(subject.region.shape, Polygon):
        fill: FillRule = "nonzero"
        if subject.region.shape.fill_rule == "nonzero":
            fill = "evenodd"
        sentence = f"outlines that cross themselves were filled by the rule {fill}"
        filled = subject.region.filled(fill)
        yield Assumption(f"fill:{fill}", sentence, 0, again(with_region(subject, filled)))
    if not subject.settings.uncalibrated:
        sentence = "sizes at the detector were sizes in the body"
        change = with_settings(subject, uncalibrated=True)
        yield Assumption("spacing:detector", sentence, 0, again(change))


def _shapes(subject: Subject) -> Iterator[Assumption]:
    yield from _conventions(subject)
    shape = subject.region.shape
    if subject.region.is_open:
        closed = subject.region.closed()
        if closed is not subject.region:
            yield Assumption(
                "outline:closed", "the outline were closed", 0, _closed(subject, closed)
            )
    elif isinstance(shape, Polygon) and len(shape.rings) == 1:
        yield Assumption(
            "outline:open",
            "the outline were an open line without its last side",
            0,
            _opened(subject, Polyline(shape.rings[0])),
        )


def _conventions(subject: Subject) -> Iterator[Assumption]:
    shape = subject.region.shape
    if shape is None:
        return
    if shape.dimension == 3:
        for name, sentence, signs in _MIRRORS:
            mirrored = shape.transform(np.diag(signs), np.zeros(3))
            change = with_shape(subject, mirrored)
            yield Assumption(f"convention:{name}", sentence, 0, again(change))
        return
    for one in CONVENTIONS:
        try:
            read = one.read(shape, subject.frame.shape)
        except ImageRegionError:
            continue
        change = with_shape(subject, read)
        yield Assumption(f"convention:{one.name}", one.sentence, 0, again(change))


_MIRRORS = (
    ("ras", "x went to the right and y to the front (RAS, not LPS)", (-1.0, -1.0, 1.0)),
    ("feet", "z went to the feet", (1.0, 1.0, -1.0)),
)


def _closed(subject: Subject, closed: Region) -> Make:
    """Measure a line as an area; what was its length is then that of the closed outline."""

    def make(pixels: bool) -> Numbers:
        found = measured_numbers(subject.with_region(closed), pixels)
        perimeter = found.get(("perimeter", ""))
        return found | ({("length", ""): perimeter} if perimeter else {})

    return make


def _opened(subject: Subject, line: Polyline) -> Make:
    """Measure an area as a line; what was its perimeter is then the length of the line."""

    def make(pixels: bool) -> Numbers:
        found = measured_numbers(subject.with_region(replace(subject.region, shape=line)), pixels)
        length = found.get(("length", ""))
        return found | ({("perimeter", ""): length} if length else {})

    return make


def _values(subject: Subject) -> Iterator[Assumption]:
    frame = subject.frame
    chosen = _value(frame, subject.settings.value)
    for quantity in frame.quantities:
        if quantity.name != chosen:
            unit = f" ({quantity.unit})" if quantity.unit != "1" else ""
            sentence = f"values were {quantity.label or quantity.name}{unit}"
            change = with_settings(subject, value=quantity.name)
            yield Assumption(f"value:{quantity.name}", sentence, 0, again(change), True)
    if any(part.frame.padding is not None for part in subject.located.parts):
        change = with_frames(subject, lambda frame: replace(frame, padding=None))
        yield Assumption("padding", "padding were counted", 0, again(change), True)


def _value(frame: Frame, name: str) -> str:
    try:
        return frame.as_value(name).value
    except ImageRegionError:
        return ""
