"""Dimensions: what besides space tells frames apart - time, echo, b-value, cardiac phase, ..."""

from __future__ import annotations

from collections.abc import Sequence

from pydicom.datadict import dictionary_VR, keyword_for_tag, tag_for_keyword
from pydicom.tag import BaseTag

from imageregion.dicom.files.headers import Header, items, text

__all__ = [
    "DIMENSION_MACROS",
    "KEYWORDS",
    "Dimensions",
    "dimensions_of",
    "index_names",
    "vectors_of",
]

Dimensions = tuple[tuple[str, str], ...]
"""DICOM keyword and value."""

DIMENSION_MACROS = (
    *("FrameContentSequence", "TemporalPositionSequence"),
    *("MREchoSequence", "MRDiffusionSequence", "MRModifierSequence", "MRVelocityEncodingSequence"),
    *("MRTimingAndRelatedParametersSequence", "MRArterialSpinLabelingSequence"),
    *("CardiacSynchronizationSequence", "RespiratorySynchronizationSequence"),
    *("CTReconstructionSequence", "CTXRayDetailsSequence"),
)
"""Functional groups that hold dimensions, besides those of the frame type."""

KEYWORDS = (
    *("TemporalPositionIndex", "TemporalPositionIdentifier", "TemporalPositionTimeOffset"),
    *("EffectiveEchoTime", "EchoTime", "EchoNumbers", "InversionTime", "InversionTimes"),
    *("RepetitionTime", "FlipAngle", "SequenceName", "ComplexImageComponent", "ASLContext"),
    *("DiffusionBValue", "DiffusionGradientOrientation", "VelocityEncodingDirection"),
    *("TriggerTime", "NominalCardiacTriggerDelayTime", "NominalPercentageOfCardiacPhase"),
    *("NominalRespiratoryTriggerDelayTime", "NominalPercentageOfRespiratoryPhase"),
    *("FrameReferenceTime", "AcquisitionNumber", "FrameAcquisitionNumber", "StackID"),
    *("ConvolutionKernel", "KVP", "ImageType"),
)
"""Attributes that tell frames apart."""

_DECIMAL = frozenset(
    word for word in KEYWORDS if dictionary_VR(tag_for_keyword(word) or 0) in ("DS", "IS")
)
_SPATIAL = {
    *("ImagePositionPatient", "ImageOrientationPatient", "InStackPositionNumber", "SliceLocation"),
    *("PlanePositionSequence", "PlaneOrientationSequence", "ImagePositionVolume"),
    *("ImageOrientationVolume", "PlanePositionVolumeSequence", "PlaneOrientationVolumeSequence"),
    *("RowPositionInTotalImagePixelMatrix", "ColumnPositionInTotalImagePixelMatrix"),
    *("XOffsetInSlideCoordinateSystem", "YOffsetInSlideCoordinateSystem"),
    "ZOffsetInSlideCoordinateSystem",
}
_VECTORS = (
    *("EnergyWindowVector", "DetectorVector", "PhaseVector", "RotationVector"),
    *("RRIntervalVector", "TimeSlotVector", "AngularViewVector", "TimeSliceVector"),
)


def dimensions_of(header: Header, names: Sequence[str] = ()) -> Dimensions:
    """Return what tells a frame apart from others at its place.

    Nothing is told here of what varies with the place itself, like a slice location, but some of
    the rest may do so as well: scanners number acquisitions and trigger times slice by slice.

    Parameters
    ----------
    header : Header
        Of a single frame, functional groups flattened.
    names : sequence of str
        What the dimension index values are of; empty for spatial ones.

    Examples
    --------
    >>> from pydicom import Dataset
    >>> from imageregion.dicom.files.headers import read_dataset
    >>> dataset = Dataset()
    >>> dataset.EchoTime, dataset.SliceLocation = 3.5, 7
    >>> dimensions_of(read_dataset(dataset, "memory"))
    (('EchoTime', '3.5'),)
    """
    found = [(word, value) for word in KEYWORDS if (value := _told(header, word))]
    if names:
        known = {word for word, _ in found}
        values = items(header.dataset, "DimensionIndexValues")
        found += [
            (name, str(value))
            for name, value in zip(names, values, strict=False)
            if name and name not in known
        ]
    return tuple(found)


def _told(header: Header, word: str) -> str:
    """Return a value as text, a number as short as it can be: its digits depend on who wrote it."""
    value = text(header.dataset, word)
    if word not in _DECIMAL:
        return value
    return "\\".join(map(_short, value.split("\\")))


def _short(number: str) -> str:
    r"""Write a decimal without what does not matter.

    Examples
    --------
    >>> _short("240.0000"), _short("3.50"), _short("n/a")
    ('240', '3.5', 'n/a')
    """
    try:
        return repr(float(number)).removesuffix(".0")
    except ValueError:
        return number


def index_names(header: Header) -> tuple[str, ...]:
    """Return what the dimension index values of an object are of (DICOM PS3.3 C.7.6.17).

    Spatial ones, and those in a list that cannot be read, are empty.
    """
    names = []
    for item in items(header.dataset, "DimensionIndexSequence")[:64]:
        try:
            tag = BaseTag(int(items(item, "DimensionIndexPointer")[0]))
        except (IndexError, TypeError, ValueError):
            return ()
        name = keyword_for_tag(tag) or f"({tag.group:04X},{tag.element:04X})"
        names.append("" if name in _SPATIAL else name)
    return tuple(names)


def vectors_of(header: Header, count: int) -> list[Dimensions]:
    """Return the dimensions of nuclear medicine frames besides their slice (C.8.4.8.1.1)."""
    columns = {word: items(header.dataset, word) for word in _VECTORS}
    complete = {word: values for word, values in columns.items() if len(values) == count}
    return [
        tuple((word, str(values[index])) for word, values in complete.items())
        for index in range(count)
    ]
