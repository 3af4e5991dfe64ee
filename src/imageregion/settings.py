"""Settings: what the user chose about how regions are measured; travels with every number."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from imageregion.errors import GeometryError
from imageregion.raster import Rule, check_rule
from imageregion.shapes import FillRule, check_fill_rule

__all__ = ["Features", "Settings"]

Features = Literal["basic", "first-order"]
"""Which pixel statistics are reported: the usual ones, or all of IBSI first order as well."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How regions are measured.

    Parameters
    ----------
    rule : {"center", "touched", "exact"}
        Which pixels count, and by how much; see `rasterize`.
    fill_rule : {"evenodd", "nonzero"}
        How outlines that cross themselves fill.
    features : {"basic", "first-order"}
    estimators : bool
        Report the mean by every named estimator, too; see `estimate_mean`.
    bounds : bool
        Report the interval of every pixel statistic and counted size over the three rules and
        shifts of the region by half a pixel.
    resegment : tuple of float or None, optional
        Lowest and highest real value that counts, both inclusive; None leaves an end open (IBSI
        range re-segmentation).
    outliers : float, optional
        Leave out values further from the mean than so many population standard deviations (IBSI
        intensity outlier filtering uses 3).
    value : str
        Name of the `Quantity` to measure, e.g. "suvbw", "hu", "stored", "rwv:g/ml"; "default" for
        what a reader of the modality expects.
    uncalibrated : bool
        Report sizes in mm at the detector where nothing better is known, instead of in pixels.

    Raises
    ------
    GeometryError
        On a choice that does not exist.
    """

    rule: Rule = "center"
    fill_rule: FillRule = "evenodd"
    features: Features = "basic"
    estimators: bool = False
    bounds: bool = False
    resegment: tuple[float | None, float | None] | None = None
    outliers: float | None = None
    value: str = "default"
    uncalibrated: bool = False

    def __post_init__(self) -> None:
        check_rule(self.rule)
        check_fill_rule(self.fill_rule)
        if self.features not in get_args(Features):
            raise GeometryError(
                f"features: expected one of {list(get_args(Features))}, got {self.features!r}"
            )
        if self.resegment is not None:
            object.__setattr__(self, "resegment", _range(self.resegment))
        if self.outliers is not None:
            sigmas = _number(self.outliers)
            if sigmas is None or sigmas <= 0:
                raise GeometryError(f"outliers: expected a number above 0, got {self.outliers!r}")
            object.__setattr__(self, "outliers", sigmas)

    @property
    def estimator(self) -> str:
        """How pixels enter the statistics: each once, or with its coverage as weight."""
        return "weighted" if self.rule == "exact" else self.rule

    @property
    def notes(self) -> tuple[str, ...]:
        """What was chosen beyond the defaults and enters the numbers."""
        notes = []
        if self.resegment is not None:
            low, high = ("open" if end is None else f"{end:.17g}" for end in self.resegment)
            notes.append(f"values from {low} to {high}")
        if self.outliers is not None:
            notes.append(f"within {self.outliers:.17g} standard deviations of the mean")
        if self.uncalibrated:
            notes.append("sizes in mm at the detector where nothing better is known")
        return tuple(notes)


def _range(ends: object) -> tuple[float | None, float | None]:
    if not isinstance(ends, tuple | list) or len(ends) != 2:
        raise GeometryError(f"resegment: expected a lowest and a highest value, got {ends!r}")
    low, high = (_number(end) for end in ends)
    for given, number in zip(ends, (low, high), strict=True):
        if given is not None and number is None:
            raise GeometryError(f"resegment: expected finite numbers or None, got {given!r}")
    if low is not None and high is not None and low > high:
        raise GeometryError(f"resegment: expected low <= high, got {ends!r}")
    return low, high


def _number(value: object) -> float | None:
    """Return a finite real number as float; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        return None
    try:
        number = float(value)
    except (OverflowError, TypeError):
        return None
    return number if math.isfinite(number) else None
