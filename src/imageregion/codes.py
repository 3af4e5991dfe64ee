"""Codes and units: the few tables that FHIR, DICOM and our own output have to agree on."""

from __future__ import annotations

from typing import Literal, NamedTuple

__all__ = [
    "DCM",
    "DERIVATIONS",
    "ESTIMATORS",
    "FIRST_ORDER",
    "GEOMETRY",
    "NAMESPACE",
    "PIXEL_COUNTS",
    "SCT",
    "STATISTICS",
    "UCUM",
    "Coded",
    "Feature",
    "code_of",
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


_OWN = f"{NAMESPACE}/CodeSystem/measurement"

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

_BY_MODALITY = {
    ("CT", "[hnsf'U]"): Coded(DCM, "110850", "X-Ray Attenuation"),
    ("MR", "1"): Coded(DCM, "110852", "MR signal intensity"),
    ("PT", "g/ml{SUVbw}"): Coded(DCM, "126401", "SUVbw"),
}


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

    Source: DICOM PS3.16 CID 7469 / TID 1419 usage.

    Examples
    --------
    >>> quantity_of("CT", "[hnsf'U]").display
    'X-Ray Attenuation'
    """
    return _BY_MODALITY.get((modality, unit))
