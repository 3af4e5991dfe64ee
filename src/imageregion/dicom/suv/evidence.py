"""Evidence: what one object says about the values of its whole series, or of other images."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pydicom import Dataset
from pydicom.tag import BaseTag

from imageregion.dicom.files.headers import Header, integer, items, text
from imageregion.dicom.placement.groups import Groups, has_groups
from imageregion.dicom.real_values.mappings import (
    MAPPING_STORAGE,
    ReferencedMapping,
    referenced_mappings_of,
)
from imageregion.dicom.real_values.units import suv_name, unit_of
from imageregion.dicom.suv.decay import Clock
from imageregion.dicom.suv.suv import PetFacts
from imageregion.dicom.suv.times import date_time, moment_of, time_of_day
from imageregion.errors import DicomError

__all__ = ["Evidence", "evidence_of"]

_PHILIPS = (0x7053, "Philips PET Private Group")
_GE = (0x0009, "GEMS_PETD_01")
_CREATORS = {
    group: [(block, BaseTag(group << 16 | block)) for block in range(0x10, 0x20)]
    for group in (_PHILIPS[0], _GE[0])
}
_ENHANCED_PET = "1.2.840.10008.5.1.4.1.1.130"
_MAX_FRAMES = 200_000


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known from one object and needed for others.

    Parameters
    ----------
    series : str
        Series Instance UID.
    pet : PetFacts, optional
        Of a PET image.
    mappings : tuple of ReferencedMapping
        Of a Real World Value Mapping object.
    problem : str
        Why that object cannot be used; empty when it can.
    """

    series: str
    pet: PetFacts | None = None
    mappings: tuple[ReferencedMapping, ...] = ()
    problem: str = ""


def evidence_of(header: Header) -> Evidence | None:
    """Return what an object says about the values of others; None for most.

    Parameters
    ----------
    header : Header
        Of the object itself, not of one of its frames.

    Examples
    --------
    >>> from imageregion.dicom.files.headers import read_dataset
    >>> dataset = Dataset()
    >>> dataset.Modality, dataset.Units, dataset.PatientWeight = "PT", "BQML", 70
    >>> evidence_of(read_dataset(dataset, "slice")).pet.weight
    70.0
    """
    is_pet = text(header.dataset, "Modality") == "PT"
    if not is_pet and header.sop_class != MAPPING_STORAGE:
        return None
    series = text(header.dataset, "SeriesInstanceUID")
    try:
        if is_pet:
            return Evidence(series, _pet_facts(header))
        return Evidence(series, mappings=referenced_mappings_of(header.dataset, header.uid))
    except Exception as error:  # of pydicom on elements it cannot read
        reason = error.message if isinstance(error, DicomError) else str(error)
        problem = f"its header cannot be read: {' '.join(reason.split())}"
        return Evidence(series, PetFacts("", problem=problem) if is_pet else None, (), problem)


def _pet_facts(header: Header) -> PetFacts:
    frames = _frame_headers(header)
    dataset = frames[0].dataset
    doses = items(dataset, "RadiopharmaceuticalInformationSequence")
    dose = doses[0] if doses else Dataset()
    enhanced = header.sop_class == _ENHANCED_PET
    return PetFacts(
        # values of enhanced images are Bq/ml by their real world value mapping
        unit="Bq/ml" if enhanced and not text(dataset, "Units") else unit_of(frames[0]),
        suv=suv_name(frames[0]),
        decay_correction=_decay_correction(dataset),
        corrections=_corrections(dataset),
        weight=_finite(text(dataset, "PatientWeight")),
        height=_finite(text(dataset, "PatientSize")),
        sex=text(dataset, "PatientSex").upper(),
        radiopharmaceuticals=len(doses),
        dose=_finite(text(dose, "RadionuclideTotalDose")),
        half_life=_finite(text(dose, "RadionuclideHalfLife")),
        clocks=tuple(dict.fromkeys(_clock(frame.dataset, dose) for frame in frames)),
        suv_factor=_positive(_private(dataset, *_PHILIPS, 0x00)),
        activity_factor=_positive(_private(dataset, *_PHILIPS, 0x09)),
        problem=_missing_scale(header),
    )


def _frame_headers(header: Header) -> list[Header]:
    """Return headers that read like those of classic images, one for frames of equal times.

    Converted images keep what has no functional group among unassigned attributes, which are read
    as well (DICOM PS3.3 C.7.6.16.2.25).
    """
    if not has_groups(header):
        return [header]
    try:
        stated = integer(header.dataset, "NumberOfFrames", header.uid, default=1)
        count = min(max(stated, 1), _MAX_FRAMES)
        groups = Groups(header, count)
        found = [groups.header(n, "FrameContentSequence") for n in range(count)]
    except DicomError:
        return [header]
    return list({id(one): one for one in found}.values())


def _missing_scale(header: Header) -> str:
    """Say when stored values of a classic image are not scaled, as PS3.3 C.8.9.4 demands."""
    if has_groups(header) or items(header.dataset, "RescaleSlope"):
        return ""
    return "its rescale slope is missing"


def _decay_correction(dataset: Dataset) -> str:
    """Return START, ADMIN, NONE or nothing; an enhanced image states the time itself."""
    stated = text(dataset, "DecayCorrection").upper()
    corrected = text(dataset, "DecayCorrected").upper()
    if stated or not corrected:
        return stated
    return "START" if corrected == "YES" else "NONE"


def _corrections(dataset: Dataset) -> tuple[str, ...]:
    found = [str(value).strip().upper() for value in items(dataset, "CorrectedImage")]
    for word, code in (("AttenuationCorrected", "ATTN"), ("DecayCorrected", "DECY")):
        if text(dataset, word).upper() == "YES":
            found.append(code)
    return tuple(found)


def _clock(dataset: Dataset, dose: Dataset) -> Clock:
    offset = text(dataset, "TimezoneOffsetFromUTC")
    duration = _finite(text(dataset, "ActualFrameDuration"))
    reference = _finite(text(dataset, "FrameReferenceTime"))
    acquired = date_time(text(dataset, "AcquisitionDate"), text(dataset, "AcquisitionTime"))
    stamps = ("FrameAcquisitionDateTime", "AcquisitionDateTime")
    first = [moment_of(text(dataset, word), offset) for word in stamps]
    return Clock(
        series=date_time(text(dataset, "SeriesDate"), text(dataset, "SeriesTime")),
        acquired=first[0] or acquired or first[1],
        scan_start=moment_of(_private(dataset, *_GE, 0x0D), offset),
        corrected_to=moment_of(text(dataset, "DecayCorrectionDateTime"), offset),
        frame_reference=None if reference is None else reference / 1000,
        duration=None if duration is None else duration / 1000,
        decay_factor=_finite(text(dataset, "DecayFactor")),
        injected=moment_of(text(dose, "RadiopharmaceuticalStartDateTime"), offset),
        injected_at=time_of_day(text(dose, "RadiopharmaceuticalStartTime")),
    )


def _finite(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _positive(value: str) -> float | None:
    number = _finite(value)
    return number if number is not None and number > 0 else None


def _private(dataset: Dataset, group: int, creator: str, offset: int) -> str:
    """Return a private element as text, wherever its creator reserved a block (PS3.5 7.8.1)."""
    present = dataset.keys()
    for block, tag in _CREATORS[group]:
        if tag in present and _decoded(dataset, tag).upper() == creator.upper():
            wanted = BaseTag(group << 16 | block << 8 | offset)
            return _decoded(dataset, wanted) if wanted in present else ""
    return ""


def _decoded(dataset: Dataset, tag: BaseTag) -> str:
    value = dataset[tag].value
    if isinstance(value, bytes):  # its value representation is unknown
        value = value.decode("ascii", "replace")
    return str(value or "").strip(" \0")
