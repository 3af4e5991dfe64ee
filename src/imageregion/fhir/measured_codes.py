"""Codes as others write them: which of our measurements a CodeableConcept names.

Understood are the codes of SNOMED CT, DICOM (DCM), UMLS and IBSI, those of SNOMED RT that DICOM
objects had before 2018 (scheme SRT), and our own. A code system may be named by its URI, its OID,
the UID of DICOM PS3.16 chapter 8, or the coding scheme designator that converters leave in its
place ("SRT", "DCM").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from imageregion.codes import (
    DCM,
    DERIVATIONS,
    FIRST_ORDER,
    GEOMETRY,
    MEASUREMENTS,
    NAMESPACE,
    QUANTITIES,
    SCT,
    Coded,
    measured_code,
)

__all__ = ["DERIVATION", "coding_in", "name_of", "names_of", "quantity_in"]

DERIVATION = f"{NAMESPACE}/StructureDefinition/derivation"
"""Extension on an Observation: the codings ``quantity`` and ``derivation`` of DICOM PS3.16 TID 1419
(its concept name, and the value of 121401 Derivation), and the ``channel`` of a colour image."""

_SCHEMES = {
    SCT: "SCT",
    "urn:oid:2.16.840.1.113883.6.96": "SCT",
    "SCT": "SCT",
    DCM: "DCM",
    "urn:oid:1.2.840.10008.2.16.4": "DCM",
    "DCM": "DCM",
    "SRT": "SRT",
    "SNM3": "SRT",
    "99SDM": "SRT",
    "urn:oid:2.16.840.1.113883.6.51": "SRT",
    "urn:oid:2.16.840.1.113883.6.53": "SRT",
    "http://terminology.hl7.org/CodeSystem/umls": "UMLS",
    "http://www.nlm.nih.gov/research/umls": "UMLS",
    "urn:oid:2.16.840.1.113883.6.86": "UMLS",
    "UMLS": "UMLS",
    "urn:oid:1.2.840.10008.2.16.13": "IBSI",
    "IBSI": "IBSI",
    MEASUREMENTS: "own",
}

_RETIRED = {  # SNOMED RT codes in DICOM (PS3.16 annex O) and what replaced them
    "R-00317": "373098007",
    "R-404FB": "255605001",
    "G-A437": "56851009",
    "R-10047": "386136009",
    "R-00319": "373099004",
    "R-0032E": "373100007",
    "R-40507": "255619001",
    "G-D705": "118565006",
    "G-A166": "42798000",
    "G-A16A": "131184002",
    "M-02560": "74551000",
    "G-D7FE": "410668003",
    "M-02550": "81827009",
    "G-A185": "103339001",
    "G-A193": "131187009",
    "G-A197": "131191004",
}

_NAMES: dict[tuple[str, str], tuple[str, ...]] = {
    ("SCT", "373098007"): ("mean",),
    ("SCT", "255605001"): ("min",),
    ("SCT", "56851009"): ("max",),
    ("SCT", "386136009"): ("std",),
    ("SCT", "373099004"): ("median",),
    ("SCT", "373100007"): ("mode",),
    ("SCT", "255619001"): ("sum",),
    ("SCT", "42798000"): ("area", "counted_area"),
    ("SCT", "131184002"): ("area", "counted_area"),
    ("SCT", "118565006"): ("volume", "counted_volume"),
    ("SCT", "131191004"): ("perimeter",),
    ("SCT", "74551000"): ("perimeter",),
    ("SCT", "410668003"): ("length", "max_diameter"),
    ("SCT", "81827009"): ("max_diameter", "equivalent_diameter", "length"),
    ("SCT", "103339001"): ("max_diameter", "length"),
    ("SCT", "131187009"): ("max_diameter", "length"),
    ("DCM", "121206"): ("length",),
    ("DCM", "121211"): ("length",),
    ("DCM", "121227"): ("length",),
    ("DCM", "121216"): ("volume", "counted_volume"),
    ("DCM", "121217"): ("volume", "counted_volume"),
    ("DCM", "121221"): ("volume",),
    ("DCM", "121222"): ("volume",),
    ("DCM", "126051"): ("skewness",),
    ("DCM", "126052"): ("kurtosis",),
    ("UMLS", "C1711260"): ("variance",),
    ("UMLS", "C2347976"): ("root_mean_square",),
    ("UMLS", "C0681921"): ("coefficient_of_variation",),
    ("IBSI", "RNU0"): ("volume", "counted_volume"),
    ("IBSI", "YEKZ"): ("counted_volume", "volume"),
    ("IBSI", "L0JK"): ("max_diameter",),
    ("IBSI", "Q4LE"): ("mean",),
    ("IBSI", "ECT3"): ("variance",),
    ("IBSI", "KE2A"): ("skewness",),
    ("IBSI", "IPH6"): ("kurtosis",),
    ("IBSI", "Y12H"): ("median",),
    ("IBSI", "1GSF"): ("min",),
    ("IBSI", "QG58"): ("p10",),
    ("IBSI", "8DWT"): ("p90",),
    ("IBSI", "84IY"): ("max",),
    ("IBSI", "SALO"): ("interquartile_range",),
    ("IBSI", "2OJQ"): ("range",),
    ("IBSI", "4FUA"): ("mean_absolute_deviation",),
    ("IBSI", "1128"): ("robust_mean_absolute_deviation",),
    ("IBSI", "N72L"): ("median_absolute_deviation",),
    ("IBSI", "7TET"): ("coefficient_of_variation",),
    ("IBSI", "9S40"): ("quartile_dispersion",),
    ("IBSI", "N8CA"): ("energy",),
    ("IBSI", "5ZWQ"): ("root_mean_square",),
}

_OWN = {name.replace("_", "-"): name for name in (*DERIVATIONS, *FIRST_ORDER, *GEOMETRY)}
_SUFFIXES = tuple(
    measured_code("mean", quantity).code.removeprefix("mean")
    for quantity in dict.fromkeys(QUANTITIES.values())
)
_WORDS = {
    **{coded.display.lower(): name for name, coded in (*DERIVATIONS.items(), *GEOMETRY.items())},
    **{feature.coded.display.lower(): name for name, feature in FIRST_ORDER.items()},
    "minimum": "min",
    "maximum": "max",
    "std": "std",
    "sd": "std",
}
_QUANTITIES = {("DCM", coded.code): coded for coded in QUANTITIES.values()}
_OLDER = {
    ("DCM", "112031"): "110850",  # Attenuation Coefficient, of writers before 110850
}


def name_of(
    concept: Any, extensions: Sequence[Any] | Mapping[str, Any] | None = None
) -> tuple[str, str] | None:
    """Return the measurement that a CodeableConcept most likely means, and its channel.

    Parameters
    ----------
    concept : Any
        JSON of ``Observation.code`` or ``Observation.component.code``.
    extensions : sequence or mapping, optional
        The extensions of the same Observation or component, or only `DERIVATION`; where that is
        given it decides.

    Returns
    -------
    tuple of (name, channel), or None
        `Measurement.code` and `Measurement.channel`; None for what is none of our measurements, or
        where codings contradict each other.

    Examples
    --------
    >>> name_of({"coding": [{"system": "SRT", "code": "R-00317", "display": "Mean"}]})
    ('mean', '')
    >>> name_of({"coding": [{"system": MEASUREMENTS, "code": "max-red"}]})
    ('max', 'red')
    """
    found = names_of(concept, extensions)
    return found[0] if found else None


def names_of(
    concept: Any, extensions: Sequence[Any] | Mapping[str, Any] | None = None
) -> tuple[tuple[str, str], ...]:
    """Return every measurement that a CodeableConcept may mean, the likeliest first.

    A "length" of others may be that of a line or the largest diameter of an outline; a "volume"
    that of the shape or of its voxels. Parameters are those of `name_of`.

    Examples
    --------
    >>> names_of({"coding": [{"system": SCT, "code": "118565006"}]})
    (('volume', ''), ('counted_volume', ''))
    """
    stated = _stated(extensions)
    if stated is not None:
        return stated
    if not isinstance(concept, Mapping):
        return ()
    codings = _codings(concept)
    readings = [reading for coding in codings if (reading := _names(coding))]
    if not codings and isinstance(text := concept.get("text"), str):
        name = _WORDS.get(text.strip().lower())
        return ((name, ""),) if name else ()
    if not readings:
        return ()
    narrow = min(readings, key=len)
    return tuple(one for one in narrow if all(one in reading for reading in readings))


def quantity_in(
    concept: Any, extensions: Sequence[Any] | Mapping[str, Any] | None = None
) -> Coded | None:
    """Return which quantity of pixel values a CodeableConcept names, if it is one of ours.

    Examples
    --------
    >>> quantity_in({"coding": [{"system": "DCM", "code": "112031"}]}).display
    'X-Ray Attenuation'
    """
    parts = _parts(extensions)
    codings = [parts["quantity"]] if "quantity" in parts else _codings(concept)
    for coding in codings:
        scheme, code = coding_in(coding)
        found = _QUANTITIES.get((scheme, _OLDER.get((scheme, code), code)))
        if found is not None:
            return found
    return None


def coding_in(coding: Any) -> tuple[str, str]:
    """Return the DICOM coding scheme designator and the code of a Coding; empty where unknown.

    Retired codes of SNOMED RT come back as those of SNOMED CT.

    Examples
    --------
    >>> coding_in({"system": "SNM3", "code": "G-D705"})
    ('SCT', '118565006')
    """
    if not isinstance(coding, Mapping):
        return "", ""
    system, code = coding.get("system"), coding.get("code")
    if not isinstance(system, str) or not isinstance(code, str):
        return "", ""
    scheme = _SCHEMES.get(system.strip(), "")
    if scheme in ("SRT", "SCT") and code in _RETIRED:  # one OID stands for both
        return "SCT", _RETIRED[code]
    return scheme, code.strip()


def _codings(concept: Any) -> list[Any]:
    codings = concept.get("coding") if isinstance(concept, Mapping) else None
    return codings if isinstance(codings, list) else []


def _names(coding: Any) -> tuple[tuple[str, str], ...]:
    scheme, code = coding_in(coding)
    if scheme == "own":
        return _own_names(code)
    return tuple((name, "") for name in _NAMES.get((scheme, code), ()))


def _own_names(code: str) -> tuple[tuple[str, str], ...]:
    """Take our code apart: name, channel, and behind "-of-" the quantity."""
    for suffix in _SUFFIXES:
        code = code.removesuffix(suffix)
    if code in _OWN:
        return ((_OWN[code], ""),)
    for own in sorted(_OWN, key=len, reverse=True):
        if code.startswith(f"{own}-"):
            return ((_OWN[own], code[len(own) + 1 :]),)
    return ()


def _parts(extensions: Sequence[Any] | Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what the extension `DERIVATION` says, by the names of its parts."""
    some = [extensions] if isinstance(extensions, Mapping) else extensions or ()
    for extension in some if isinstance(some, Sequence) and not isinstance(some, str) else ():
        if isinstance(extension, Mapping) and extension.get("url") == DERIVATION:
            inner = extension.get("extension")
            return {
                str(part.get("url")): part.get("valueCoding", part.get("valueString"))
                for part in (inner if isinstance(inner, list) else [])
                if isinstance(part, Mapping)
            }
    return {}


def _stated(
    extensions: Sequence[Any] | Mapping[str, Any] | None,
) -> tuple[tuple[str, str], ...] | None:
    parts = _parts(extensions)
    if "derivation" not in parts:
        return None
    channel = parts.get("channel")
    names = _names(parts["derivation"])
    if isinstance(channel, str) and channel:
        return tuple((name, channel) for name, _ in names)
    return names
