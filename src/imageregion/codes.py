"""Codes and units: the few tables that FHIR, DICOM and our own output have to agree on."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

__all__ = [
    "DCM",
    "DERIVATIONS",
    "ESTIMATORS",
    "FIRST_ORDER",
    "GEOMETRY",
    "MEASUREMENTS",
    "NAMESPACE",
    "PIXEL_COUNTS",
    "QUANTITIES",
    "SCT",
    "STATISTICS",
    "UCUM",
    "Coded",
    "Feature",
    "code_of",
    "measured_code",
    "measured_text",
    "quantity_of",
]

DCM = "http://dicom.nema.org/resources/ontology/DCM"
SCT = "http://snomed.info/sct"
UCUM = "http://unitsofmeasure.org"
NAMESPACE = "https://imageregion.github.io/fhir"
"""Prefix of the identifiers of our own extensions and code systems (names, not web pages)."""


class Coded(NamedTuple):
    """A concept: code system URI, code, and its meaning in words."""

    system: str
    code: str
    display: str


MEASUREMENTS = f"{NAMESPACE}/CodeSystem/measurement"
"""Our code system, for what no standard has a code for."""
_OWN = MEASUREMENTS

DERIVATIONS: dict[str, Coded] = {
    "mean": Coded(SCT, "373098007", "Mean"),
    "std": Coded(SCT, "386136009", "Standard Deviation"),
    "min": Coded(SCT, "255605001", "Minimum"),
    "max": Coded(SCT, "56851009", "Maximum"),
    "median": Coded(SCT, "373099004", "Median"),
    "sum": Coded(SCT, "255619001", "Total"),
    "p10": Coded(_OWN, "p10", "10th percentile of pixel values"),
    "p25": Coded(_OWN, "p25", "25th percentile of pixel values"),
    "p75": Coded(_OWN, "p75", "75th percentile of pixel values"),
    "p90": Coded(_OWN, "p90", "90th percentile of pixel values"),
    "count": Coded(_OWN, "count", "Number of pixels"),
    "excluded": Coded(_OWN, "excluded", "Number of padding pixels left out"),
    "outside_range": Coded(_OWN, "outside-range", "Number of pixels left out for their value"),
    "mean_center": Coded(_OWN, "mean-center", "Mean of pixels whose centre is inside"),
    "mean_weighted": Coded(_OWN, "mean-weighted", "Mean of pixels weighted by coverage"),
    "mean_core": Coded(_OWN, "mean-core", "Mean of wholly covered pixels"),
    "mean_unmixed": Coded(_OWN, "mean-unmixed", "Mean by least squares on coverage"),
}
"""Pixel statistics by our name; DICOM has no codes for percentiles of raw values or for counts
(its CID 7478 codes are features of a discretised histogram)."""

GEOMETRY: dict[str, Coded] = {
    "area": Coded(SCT, "42798000", "Area"),
    "perimeter": Coded(SCT, "131191004", "Perimeter"),
    "length": Coded(SCT, "410668003", "Length"),
    "volume": Coded(SCT, "118565006", "Volume"),
    "max_diameter": Coded(_OWN, "max-diameter", "Largest diameter"),
    "equivalent_diameter": Coded(_OWN, "equivalent-diameter", "Diameter of a circle of this area"),
    "circularity": Coded(_OWN, "circularity", "Circularity, 4 pi area / perimeter^2"),
    "counted_area": Coded(_OWN, "counted-area", "Area of the counted pixels"),
    "counted_volume": Coded(_OWN, "counted-volume", "Volume of the counted voxels"),
    "outside_fraction": Coded(_OWN, "outside-fraction", "Fraction of the region off the image"),
}
"""Measurements of the shape itself, and their counterparts from counting pixels."""

STATISTICS: tuple[str, ...] = (
    "count",
    "mean",
    "std",
    "min",
    "max",
    "median",
    "p10",
    "p25",
    "p75",
    "p90",
    "sum",
    "excluded",
)
"""Names of the pixel statistics in the order they are reported."""


class Feature(NamedTuple):
    """A statistic of first order.

    Parameters
    ----------
    coded : Coded
    power : int
        Its unit is that of the pixel values to this power.
    """

    coded: Coded
    power: int


FIRST_ORDER: dict[str, Feature] = {
    name: Feature(Coded(_OWN, name.replace("_", "-"), display), power)
    for name, display, power in (
        ("variance", "Population variance of pixel values (IBSI ECT3)", 2),
        ("skewness", "Skewness of pixel values (IBSI KE2A)", 0),
        ("kurtosis", "Excess kurtosis of pixel values (IBSI IPH6)", 0),
        ("interquartile_range", "Interquartile range of pixel values (IBSI SALO)", 1),
        ("range", "Range of pixel values (IBSI 2OJQ)", 1),
        ("mean_absolute_deviation", "Mean absolute deviation from the mean (IBSI 4FUA)", 1),
        ("robust_mean_absolute_deviation", "Robust mean absolute deviation (IBSI 1128)", 1),
        ("median_absolute_deviation", "Mean absolute deviation from the median (IBSI N72L)", 1),
        ("coefficient_of_variation", "Coefficient of variation (IBSI 7TET)", 0),
        ("quartile_dispersion", "Quartile coefficient of dispersion (IBSI 9S40)", 0),
        ("energy", "Sum of squared pixel values (IBSI N8CA)", 2),
        ("root_mean_square", "Root mean square of pixel values (IBSI 5ZWQ)", 1),
        ("mode", "Most frequent pixel value", 1),
    )
}
"""Statistics reported on top of `STATISTICS` when all of first order are asked for."""

ESTIMATORS: tuple[Literal["center", "weighted", "core", "unmixed"], ...] = (
    "center",
    "weighted",
    "core",
    "unmixed",
)
"""Named estimators of the mean at partial volume; reported as ``mean_center`` and so on."""

PIXEL_COUNTS = ("count", "excluded", "outside_range")
"""Those of the statistics that are whole numbers of pixels."""

_ACTIVITY = Coded(DCM, "110821", "Nuclear Medicine Tomographic Activity")
_DIFFUSION = Coded(DCM, "113041", "Apparent Diffusion Coefficient")
QUANTITIES: dict[tuple[str, str], Coded] = {
    ("CT", "[hnsf'U]"): Coded(DCM, "110850", "X-Ray Attenuation"),
    ("MR", "1"): Coded(DCM, "110852", "MR signal intensity"),
    ("MR", "mm2/s"): _DIFFUSION,
    ("MR", "um2/s"): _DIFFUSION,
    ("PT", "g/ml{SUVbw}"): Coded(DCM, "126401", "SUVbw"),
    ("PT", "g/ml{SUVlbm}"): Coded(DCM, "126402", "SUVlbm"),
    ("PT", "g/ml{SUVlbm(Janma)}"): Coded(DCM, "126405", "SUVlbm(Janma)"),
    ("PT", "g/ml{SUVlbm(James128)}"): Coded(DCM, "126406", "SUVlbm(James128)"),
    ("PT", "cm2/ml{SUVbsa}"): Coded(DCM, "126403", "SUVbsa"),
    ("PT", "g/ml{SUVibw}"): Coded(DCM, "126404", "SUVibw"),
    ("PT", "Bq/ml"): _ACTIVITY,
    ("NM", "Bq/ml"): _ACTIVITY,
    ("RTDOSE", "Gy"): Coded(DCM, "128513", "Absorbed Dose"),
}
"""Concept of the pixel values by DICOM Modality and UCUM unit (DICOM PS3.16 CID 7469)."""


def code_of(name: str, channel: str = "") -> Coded:
    """Return the concept of a measurement by our name; that of a channel has a code of its own.

    Examples
    --------
    >>> code_of("skewness").display
    'Skewness of pixel values (IBSI KE2A)'
    >>> code_of("mean", "red").code
    'mean-red'
    """
    if name in FIRST_ORDER:
        coded = FIRST_ORDER[name].coded
    else:
        coded = DERIVATIONS.get(name) or GEOMETRY[name]
    if channel:
        own = f"{name}-{channel}".replace("_", "-")
        return Coded(_OWN, own, f"{coded.display}, {channel} channel")
    return coded


def quantity_of(modality: str, unit: str) -> Coded | None:
    """Return the DICOM concept of the pixel values of a modality in a UCUM unit, if there is one.

    Examples
    --------
    >>> quantity_of("CT", "[hnsf'U]").display, quantity_of("PT", "g/ml{SUVlbm}").code
    ('X-Ray Attenuation', '126402')
    """
    return QUANTITIES.get((modality, unit))


def measured_code(name: str, quantity: Coded | None, channel: str = "") -> Coded:
    """Return the one concept of a number: what was derived from which quantity, in which channel.

    DICOM says "mean attenuation" with two concepts, quantity and derivation (PS3.16 TID 1419), of
    which a mean and a maximum share the first. Here no two numbers of a region share a code.

    Parameters
    ----------
    name : str
        A key of `DERIVATIONS`, `FIRST_ORDER` or `GEOMETRY`.
    quantity : Coded or None
        Of the pixel values; sizes and numbers of pixels do not depend on it.
    channel : str

    Examples
    --------
    >>> measured_code("mean", quantity_of("CT", "[hnsf'U]")).code
    'mean-of-x-ray-attenuation'
    >>> measured_code("area", None).code == GEOMETRY["area"].code
    True
    """
    coded = code_of(name, channel)
    if quantity is None or name in GEOMETRY or name in PIXEL_COUNTS:
        return coded
    own = f"{name}-{channel}" if channel else name
    code = f"{own.replace('_', '-')}-of-{_words(quantity.display)}"
    return Coded(_OWN, code, measured_text(name, quantity, channel))


def measured_text(name: str, quantity: Coded | None, channel: str = "") -> str:
    """Return what a number is in words.

    Examples
    --------
    >>> measured_text("mean", quantity_of("CT", "[hnsf'U]"))
    'Mean X-Ray Attenuation'
    """
    coded = code_of(name, channel)
    if quantity is None or name in GEOMETRY or name in PIXEL_COUNTS:
        return coded.display
    joined = " " if coded.system == SCT else ": "
    return f"{coded.display}{joined}{quantity.display}"


def _words(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
