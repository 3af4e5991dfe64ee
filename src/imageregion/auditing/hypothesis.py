"""Hypothesis: one way to measure a region that is not the right one, and how to try it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from imageregion.auditing.subjects import Numbers, Subject, numbers_of
from imageregion.frame import Frame
from imageregion.region import Region
from imageregion.shapes import Shape

__all__ = [
    "Assumption",
    "Make",
    "again",
    "measured_numbers",
    "with_frames",
    "with_region",
    "with_settings",
    "with_shape",
]

Make: TypeAlias = Callable[[bool], Numbers]
"""From whether pixel values are wanted to the numbers under an assumption; may raise."""


@dataclass(frozen=True, slots=True, eq=False)
class Assumption:
    """One way to measure a region that is not the right one.

    Parameters
    ----------
    name : str
        Stable, kind and choice: "rule:exact", "convention:swapped", ...
    sentence : str
        To be read after "as if".
    level : int
        0 for a slip in one convention, 1 for something else that was measured, 2 for two changes.
    make : callable
    needs_pixels : bool
        Whether it changes pixel values only.
    """

    name: str
    sentence: str
    level: int
    make: Make
    needs_pixels: bool = False


def measured_numbers(subject: Subject, pixels: bool = True) -> Numbers:
    """Measure a subject; where its pixels are not wanted or not to be had, only its shape.

    Raises
    ------
    ImageRegionError
        Where it cannot be measured.
    """
    if not pixels:
        return numbers_of(subject.sized())
    return numbers_of(subject.measured())


def again(change: Callable[[], Subject]) -> Make:
    """Return how to measure a changed subject; it is changed only then."""
    return lambda pixels: measured_numbers(change(), pixels)


def with_settings(subject: Subject, **changes: object) -> Callable[[], Subject]:
    """Return a subject under other settings, made when asked for."""
    return lambda: subject.with_settings(**changes)


def with_region(subject: Subject, region: Region) -> Callable[[], Subject]:
    """Return another region in the place of a subject's, made when asked for."""
    return lambda: subject.with_region(region)


def with_shape(subject: Subject, shape: Shape | None) -> Callable[[], Subject]:
    """Return another shape in the place of a subject's, made when asked for."""
    return lambda: subject.with_region(replace(subject.region, shape=shape))


def with_frames(subject: Subject, change: Callable[[Frame], Frame]) -> Callable[[], Subject]:
    """Return a subject on frames that differ, made when asked for."""
    return lambda: subject.with_frames(change)
