"""Wholes: all regions of a selection taken as one, measured like a single region."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, get_args

from imageregion.auditing.assumptions import RULES
from imageregion.auditing.hypothesis import Assumption
from imageregion.auditing.subjects import FrameCache, Numbers, numbers_of
from imageregion.combining import combined_result
from imageregion.locate import locate
from imageregion.raster import Rule
from imageregion.results import region_result
from imageregion.settings import Settings

if TYPE_CHECKING:
    from imageregion.dicom.images import Images
    from imageregion.fhir.selection import Selection

__all__ = ["Whole"]


@dataclass(frozen=True, slots=True, eq=False)
class Whole:
    """All regions of a selection as one, and how they are to be measured.

    Parameters
    ----------
    selection : Selection
    images : Images
    settings : Settings
    cache : FrameCache
    closed : bool
        Whether open outlines are closed.
    """

    selection: Selection
    images: Images
    settings: Settings
    cache: FrameCache
    closed: bool = False

    def numbers(self, pixels: bool = True) -> Numbers:
        """Measure them; `pixels` makes no difference, because what is covered is counted.

        Raises
        ------
        ImageRegionError
            Where one of them, or all as one, cannot be measured.
        """
        results = []
        for read in self.selection.regions:
            region = (read.closed() if self.closed else read).filled(self.settings.fill_rule)
            for located in locate(region, self.images):
                here = self.cache.located(located)
                results.append(region_result(region, here, self.images, self.settings))
        return numbers_of(combined_result(results, self.images, self.settings))

    def more_numbers(self, numbers: Numbers) -> Numbers:
        """Return nothing: there is no simple shape to measure further."""
        return {}

    def with_settings(self, **changes: Any) -> Whole:
        """Return the same under other settings."""
        return replace(self, settings=replace(self.settings, **changes))

    def assumptions(self) -> Iterator[Assumption]:
        """Yield the other rules."""
        for rule in get_args(Rule):
            if rule != self.settings.rule:
                make = self.with_settings(rule=rule).numbers
                yield Assumption(f"rule:{rule}", RULES[rule], 0, make)

    def double_assumptions(self) -> Iterator[Assumption]:
        """Yield nothing: one change is all that is tried."""
        yield from ()
