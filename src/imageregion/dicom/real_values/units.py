"""Units: from what DICOM objects write to UCUM."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Any

from imageregion.dicom.files.headers import Header, items, text
from imageregion.quantities import canonical_unit

__all__ = ["SUV_UNITS", "code_unit", "is_unknown_unit", "suv_name", "unit_of"]

SUV_UNITS = MappingProxyType(
    {
        "suvbw": "g/ml{SUVbw}",
        "suvlbm": "g/ml{SUVlbm}",
        "suvlbmjames128": "g/ml{SUVlbm(James128)}",
        "suvlbmjanma": "g/ml{SUVlbm(Janma)}",
        "suvbsa": "cm2/ml{SUVbsa}",
        "suvibw": "g/ml{SUVibw}",
    }
)
"""UCUM unit of each standardized uptake value (DICOM PS3.16 CID 85)."""

_RESCALE_TYPES = {  # DICOM PS3.3 C.11.1.1.2
    "HU": "[hnsf'U]",
    "MGML": "mg/ml",
    "PCT": "%",
    "OD": "10*-3{OD}",
    "ED": "10*23/ml",
    "EDW": "{EDW}",
    "Z_EFF": "{Z_EFF}",
    "HU_MOD": "{HU_MOD}",
    "US": "1",
    "UNSPECIFIED": "1",
}
_PET_UNITS = {  # DICOM PS3.3 C.8.9.1.1.3, PS3.16 CID 84
    "BQML": "Bq/ml",
    "CNTS": "{counts}",
    "CPS": "{counts}/s",
    "PROPCNTS": "{propcounts}",
    "PROPCPS": "{propcounts}/s",
    "GML": "g/ml",
    "PCNT": "%",
    "MGMINML": "mg/min/ml",
    "UMOLMINML": "umol/min/ml",
    "UMOLML": "umol/ml",
    "MLMING": "ml/min/g",
    "MLMINML": "ml/min/ml",
    "MLG": "ml/g",
    "MLML": "ml/ml",
    "1CM": "/cm",
    "CM2": "cm2",
    "CM2ML": "cm2/ml",
    "STDDEV": "{STDDEV}",
    "NONE": "1",
}
_SUV_TYPES = {  # (Units, SUV Type): DICOM PS3.3 C.8.9.1
    ("GML", ""): "suvbw",
    ("GML", "BW"): "suvbw",
    ("GML", "LBM"): "suvlbm",
    ("GML", "LBMJAMES128"): "suvlbmjames128",
    ("GML", "LBMJANMA"): "suvlbmjanma",
    ("GML", "IBW"): "suvibw",
    ("CM2ML", ""): "suvbsa",
    ("CM2ML", "BSA"): "suvbsa",
}
_ANNOTATIONS = {
    "{EDW}",
    "{relative}",
    "{Z_EFF}",
    "{HU_MOD}",
    "{STDDEV}",
    "{counts}",
    "{propcounts}",
}
_HOUNSFIELD = {"hu", "hnsf'u", "[hnsf'u]", "hounsfield unit", "hounsfield units"}
_SPELLINGS = {  # of private coding schemes and of those before UCUM, in small letters
    **dict.fromkeys(_HOUNSFIELD, "[hnsf'U]"),
    "bqml": "Bq/ml",
    "bq/ml": "Bq/ml",
    "becquerels/milliliter": "Bq/ml",
    "gml": "g/ml",
    "g/ml": "g/ml",
    "mm2/s": "mm2/s",
    "um2/s": "um2/s",
    "gy": "Gy",
    "%": "%",
    "percent": "%",
    "no units": "1",
    "unitless": "1",
}


def unit_of(header: Header) -> str:
    """Return the UCUM unit of rescaled values; "1" when the image does not say.

    A code that is not known here becomes a UCUM annotation, e.g. "{normalized}" (DICOM PS3.3
    C.11.1.1.2 lets vendors invent some); see `is_unknown_unit`.
    """
    dataset = header.dataset
    modality, rescale = text(dataset, "Modality"), text(dataset, "RescaleType").upper()
    if modality == "PT":
        code = text(dataset, "Units").upper() or rescale
        suv = suv_name(header)
        return SUV_UNITS[suv] if suv else _known(code, _PET_UNITS | _RESCALE_TYPES)
    if modality == "RTDOSE":
        code = text(dataset, "DoseUnits").upper()
        return "Gy" if code == "GY" else _known(code, {"RELATIVE": "{relative}"})
    if rescale:
        return _known(rescale, _RESCALE_TYPES)
    is_localizer = "LOCALIZER" in (str(v).upper() for v in items(dataset, "ImageType"))
    is_rescaled = items(dataset, "RescaleSlope") and items(dataset, "RescaleIntercept")
    return "[hnsf'U]" if modality == "CT" and is_rescaled and not is_localizer else "1"


def suv_name(header: Header) -> str:
    """Return which standardized uptake value a PET image holds already, e.g. "suvbw"; or ""."""
    if text(header.dataset, "Modality") != "PT":
        return ""
    units = text(header.dataset, "Units").upper() or text(header.dataset, "RescaleType").upper()
    return _SUV_TYPES.get((units, text(header.dataset, "SUVType").upper()), "")


def is_unknown_unit(unit: str) -> bool:
    """Tell units that are only the code an image wrote.

    Examples
    --------
    >>> is_unknown_unit("{normalized}"), is_unknown_unit("{counts}"), is_unknown_unit("Bq/ml")
    (True, False, False)
    """
    return unit[:1] == "{" and unit[-1:] == "}" and unit not in _ANNOTATIONS


def code_unit(code: Any) -> str | None:
    """Return the UCUM unit of an item of Measurement Units Code Sequence; None when unknown.

    Parameters
    ----------
    code : pydicom.Dataset
        Codes of the scheme UCUM are taken as they are; of others some usual ones are known.
    """
    words = ("CodeValue", "LongCodeValue", "URNCodeValue")
    value = next((text(code, word) for word in words if text(code, word)), "")
    if text(code, "CodingSchemeDesignator").upper() == "UCUM" and _UCUM.fullmatch(value):
        return "[hnsf'U]" if value.lower() in _HOUNSFIELD else canonical_unit(value)
    for spelling in (value, text(code, "CodeMeaning")):
        if spelling.lower() in _SPELLINGS:
            return _SPELLINGS[spelling.lower()]
    return None


_UCUM = re.compile(r"[!-~]{1,64}")


def _known(code: str, units: dict[str, str]) -> str:
    if not code:
        return "1"
    return units.get(code) or f"{{{re.sub(r'[^!-z|~]', '_', code)[:64]}}}"
