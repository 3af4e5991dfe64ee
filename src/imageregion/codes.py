"""Codes and units: the few tables that FHIR, DICOM and our own output have to agree on."""

from __future__ import annotations

from typing import NamedTuple

__all__ = [
    "DCM",
    "DERIVATIONS",
    "GEOMETRY",
    "NAMESPACE",
    "SCT",
    "STATISTICS",
    "UCUM",
    "Coded",
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
}
"""Pixel statistics by our name; DICOM has no codes for percentiles of raw values or for counts
(its CID 7478 codes are features of a discretised histogram)."""

GEOMETRY: dict[str, Coded] = {
    "area": Coded(SCT, "42798000", "Area"),
    "perimeter": Coded(SCT, "131191004", "Perimeter"),
    "length": Coded(SCT, "410668003", "Length"),
    "volume": Coded(SCT, "118565006", "Volume"),
    "counted_area": Coded(_OWN, "counted-area", "Area of the counted pixels"),
    "counted_volume": Coded(_OWN, "counted-volume", "Volume of the counted voxels"),
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

_BY_MODALITY = {
    ("CT", "[hnsf'U]"): Coded(DCM, "110850", "X-Ray Attenuation"),
    ("MR", "1"): Coded(DCM, "110852", "MR signal intensity"),
    ("PT", "g/ml{SUVbw}"): Coded(DCM, "126401", "SUVbw"),
}


def quantity_of(modality: str, unit: str) -> Coded | None:
    """Return the DICOM concept of the pixel values of a modality in a UCUM unit, if there is one.

    Source: DICOM PS3.16 CID 7469 / TID 1419 usage.

    Examples
    --------
    >>> quantity_of("CT", "[hnsf'U]").display
    'X-Ray Attenuation'
    """
    return _BY_MODALITY.get((modality, unit))
