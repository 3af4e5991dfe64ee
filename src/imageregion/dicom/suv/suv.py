"""Uptake values (SUV) of a PET series: what every scanner writes, and what makes them certain.

SUV = activity concentration / (dose left at the time the activity is corrected to / body size).
The rules are those of the QIBA FDG-PET/CT profile and DICOM PS3.3 C.8.9:

============  ====================================================================================
Units         activity concentration
============  ====================================================================================
BQML          the rescaled value
CNTS          rescaled value x (7053,xx09) of the Philips PET Private Group; when there is
              (7053,xx00), rescaled value x that is SUVbw already
GML, CM2ML    none: the values are uptake values, and are left as they are
others        none
============  ====================================================================================

There is no uptake value unless CorrectedImage has ATTN and DECY, and DecayCorrection is START or
ADMIN; nor when weight, dose or half-life are missing or absurd, or differ within the series. The
dose is in Bq; one below 0.1 MBq was written in another unit, and which one cannot be told (10
may be MBq or mCi).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeVar

from imageregion.dicom.real_values.units import SUV_UNITS
from imageregion.dicom.suv.body import body_sizes
from imageregion.dicom.suv.decay import (
    Clock,
    NoUptakeError,
    reference_time,
    remaining_dose,
    scanned_after,
)

__all__ = ["PetFacts", "Uptake", "uptake_of"]

_DOSES = (1e5, 1e11)  # Bq
_HALF_LIVES = (30.0, 2e6)  # s: from Rb-82, 75 s, to Zr-89, 3.3 days, and beyond
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class PetFacts:
    """What one PET image says that uptake values depend on; None for what it does not say.

    Parameters
    ----------
    unit : str
        UCUM unit of its values, e.g. "Bq/ml", "{counts}".
    suv : str
        The uptake value that it holds already; empty when it is another quantity.
    decay_correction : str
        "START", "ADMIN", "NONE" or empty.
    corrections : tuple of str
        Corrected Image.
    weight, height : float, optional
        kg and m.
    sex : str
    radiopharmaceuticals : int
        Items of the Radiopharmaceutical Information Sequence.
    dose, half_life : float, optional
        Bq and seconds.
    clocks : tuple of Clock
        Of its frames, at least one.
    suv_factor, activity_factor : float, optional
        Of the Philips PET Private Group: from rescaled values to SUVbw, and to Bq/ml.
    problem : str
        Why nothing is known; empty when the header could be read.
    """

    unit: str
    suv: str = ""
    decay_correction: str = ""
    corrections: tuple[str, ...] = ()
    weight: float | None = None
    height: float | None = None
    sex: str = ""
    radiopharmaceuticals: int = 0
    dose: float | None = None
    half_life: float | None = None
    clocks: tuple[Clock, ...] = (Clock(),)
    suv_factor: float | None = None
    activity_factor: float | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Uptake:
    """The decision about a PET series; all its images share it.

    Parameters
    ----------
    sizes : mapping of str to float
        Body size by the name of each uptake value that is to be had: g, or cm2.
    dose : float
        Bq left at the time that activities are corrected to; NaN when the scanner's own factors
        take its place.
    reasons : mapping of str to str
        Why other uptake values are not to be had.
    note : str
        How the time was found, when not as usual.
    """

    sizes: Mapping[str, float]
    dose: float
    reasons: Mapping[str, str]
    note: str = ""

    def factor(self, name: str, facts: PetFacts) -> float:
        """Return what the values of one image are multiplied by to become an uptake value."""
        if facts.unit == "{counts}" and facts.suv_factor:
            return facts.suv_factor * self.sizes[name] / self.sizes["suvbw"]
        activity = facts.activity_factor if facts.unit == "{counts}" else 1.0
        return (activity or 0.0) * self.sizes[name] / self.dose


def uptake_of(series: Sequence[PetFacts]) -> Uptake:
    """Decide which uptake values the images of a series have, and why not others.

    Parameters
    ----------
    series : sequence of PetFacts
        Of all images of the series, at least one.

    Examples
    --------
    >>> facts = PetFacts("Bq/ml", "", "ADMIN", ("ATTN", "DECY"), 70.0, 1.7, "F", 1, 350e6, 6586.2)
    >>> uptake = uptake_of([facts])
    >>> uptake.factor("suvbw", facts)
    0.0002
    >>> sorted(uptake.sizes)
    ['suvbsa', 'suvbw', 'suvibw', 'suvlbm', 'suvlbmjames128', 'suvlbmjanma']
    """
    try:
        sizes, reasons, dose, note = _decide(series)
    except NoUptakeError as error:
        sizes, reasons = {}, dict.fromkeys(SUV_UNITS, str(error))
        dose, note = float("nan"), ""
    return Uptake(MappingProxyType(sizes), dose, MappingProxyType(reasons), note)


def _decide(series: Sequence[PetFacts]) -> tuple[dict[str, float], dict[str, str], float, str]:
    for facts in series:
        if facts.problem:
            raise NoUptakeError(facts.problem)
    unit = _common((facts.unit for facts in series), "units")
    suv = _common((facts.suv for facts in series), "types of uptake value")
    if suv:
        held = f"the image holds {suv} as the scanner computed it"
        return {}, {name: held for name in SUV_UNITS if name != suv}, float("nan"), ""
    if unit not in ("Bq/ml", "{counts}"):
        raise NoUptakeError(f"values in {unit} are no activity concentration")
    correction = _corrected(series)
    sizes, reasons = body_sizes(
        _common((facts.weight for facts in series), "patient's weights"),
        _common((facts.height for facts in series), "patient's heights"),
        _common((facts.sex for facts in series), "patient's sexes"),
    )
    if not sizes:
        raise NoUptakeError(reasons["suvbw"])
    if unit == "{counts}" and _have_factors(series):
        return sizes, reasons, float("nan"), ""
    dose, note = _dose(series, correction)
    return sizes, reasons, dose, note


def _corrected(series: Sequence[PetFacts]) -> str:
    """Return the time that decay is corrected to, of images that are corrected as need be."""
    correction = _common((facts.decay_correction for facts in series), "decay corrections")
    if correction not in ("START", "ADMIN"):
        raise NoUptakeError(f"its decay correction is {correction or 'missing'}")
    for facts in series:
        done = set(facts.corrections)
        if "ATTN" not in done:
            raise NoUptakeError("it is not corrected for attenuation")
        if not done & {"DECY", "DECAY"}:
            raise NoUptakeError("it is not corrected for decay")
    return correction


def _have_factors(series: Sequence[PetFacts]) -> bool:
    """Whether counts become uptake values by factors of the scanner; else they need a dose."""
    if all(facts.suv_factor for facts in series):
        return True
    if not all(facts.activity_factor for facts in series):
        raise NoUptakeError("values are counts, and no factor of the scanner makes them Bq/ml")
    if any(facts.suv_factor for facts in series):
        raise NoUptakeError("only some of its images have a factor of the scanner")
    return False


def _dose(series: Sequence[PetFacts], correction: str) -> tuple[float, str]:
    if _common((facts.radiopharmaceuticals for facts in series), "numbers of injections") != 1:
        number = series[0].radiopharmaceuticals
        raise NoUptakeError(f"it states {number or 'no'} injections, expected one")
    dose = _common((facts.dose for facts in series), "doses")
    if dose is None:
        raise NoUptakeError("the dose is missing")
    if not _DOSES[0] <= dose <= _DOSES[1]:
        raise NoUptakeError(f"a dose of {dose:g} Bq cannot be: another unit, or a mistake")
    if correction == "ADMIN":
        return dose, ""
    half_life = _common((facts.half_life for facts in series), "half-lives")
    if half_life is None:
        raise NoUptakeError("the half-life is missing")
    if not _HALF_LIVES[0] <= half_life <= _HALF_LIVES[1]:
        raise NoUptakeError(f"a half-life of {half_life:g} s cannot be")
    clocks = [clock for facts in series for clock in facts.clocks]
    try:
        reference, note = reference_time(clocks, half_life)
        elapsed = scanned_after(clocks, reference, half_life)
    except OverflowError:
        raise NoUptakeError("its times make no sense") from None
    return remaining_dose(dose, elapsed, half_life), note


def _common(values: Iterable[_T], words: str) -> _T:
    """Return what all images of a series say alike."""
    found = set(values)
    if len(found) > 1:
        raise NoUptakeError(f"its images state different {words}")
    return found.pop()
