"""Headers: everything a DICOM object says besides its pixels, read without touching them."""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from pydicom import Dataset
from pydicom.datadict import tag_for_keyword
from pydicom.tag import Tag
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from imageregion.dicom.bounds import read_bounded
from imageregion.errors import DicomError

__all__ = [
    "Head",
    "Header",
    "integer",
    "items",
    "numbers",
    "read_dataset",
    "read_head",
    "read_header",
    "text",
]

_KEYWORDS = [
    *("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"),
    *("FrameOfReferenceUID", "Modality", "ImageType", "Units", "SUVType"),
    *("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"),
    *("SpacingBetweenSlices", "SliceThickness"),
    *("SamplesPerPixel", "PhotometricInterpretation", "NumberOfFrames", "Rows", "Columns"),
    *("BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"),
    *("PixelPaddingValue", "PixelPaddingRangeLimit"),
    *("FloatPixelPaddingValue", "FloatPixelPaddingRangeLimit"),
    *("RescaleIntercept", "RescaleSlope", "RescaleType", "ModalityLUTSequence"),
    *("WindowCenter", "WindowWidth", "VOILUTFunction", "VOILUTSequence"),
    *("DoseGridScaling", "DoseUnits", "GridFrameOffsetVector"),
    *("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"),
    *("DimensionOrganizationType", "ConcatenationUID", "SOPInstanceUIDOfConcatenationSource"),
    *("InConcatenationNumber", "ConcatenationFrameOffsetNumber"),
    # what tells the images of one position apart
    *("TemporalPositionIdentifier", "EchoNumbers", "EchoTime", "DiffusionBValue", "TriggerTime"),
    *("AcquisitionNumber", "InversionTime", "FrameReferenceTime"),
    # NM
    *("FrameIncrementPointer", "DetectorInformationSequence", "SliceVector", "NumberOfSlices"),
    # whole slides
    *("TotalPixelMatrixColumns", "TotalPixelMatrixRows", "TotalPixelMatrixFocalPlanes"),
    *("TotalPixelMatrixOriginSequence", "ImageOrientationSlide", "OpticalPathSequence"),
    *("NumberOfOpticalPaths", "ImagedVolumeDepth", "ImagedVolumeWidth", "ImagedVolumeHeight"),
    # real values
    *("RealWorldValueMappingSequence", "ReferencedImageRealWorldValueMappingSequence"),
    *("PlanarConfiguration", "LossyImageCompression", "LossyImageCompressionRatio"),
    *("PixelIntensityRelationship", "BurnedInAnnotation"),
    # SUV
    *("RadiopharmaceuticalInformationSequence", "DecayCorrection", "CorrectedImage"),
    *("PatientWeight", "PatientSize", "PatientSex", "PatientAge"),
    *("StudyDate", "StudyTime", "SeriesDate", "SeriesTime", "AcquisitionDate", "AcquisitionTime"),
    *("AcquisitionDateTime", "ActualFrameDuration", "TimezoneOffsetFromUTC"),
    # spacing without a place in the patient
    *("ImagerPixelSpacing", "NominalScannedPixelSpacing", "PixelSpacingCalibrationType"),
    *("PixelSpacingCalibrationDescription", "EstimatedRadiographicMagnificationFactor"),
    *("DistanceSourceToDetector", "DistanceSourceToPatient", "PixelAspectRatio"),
    *("SequenceOfUltrasoundRegions", "ObjectPixelSpacingInCenterOfBeam"),
]
_TAGS = [Tag(keyword) for keyword in _KEYWORDS]
_PIXEL_ELEMENTS = {0x0008: "FloatPixelData", 0x0009: "DoubleFloatPixelData", 0x0010: "PixelData"}
_NATIVE = {
    ImplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
}
_PREAMBLE = 128
_HEAD_BYTES = 64 * 1024
_UNDEFINED = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Head:
    """The first bytes of a file, and its size."""

    start: bytes
    size: int


@dataclass(frozen=True, slots=True, eq=False)
class Header:
    """What one DICOM object says, and where its pixels are.

    Parameters
    ----------
    dataset : pydicom.Dataset
        Read only; of a file, without its pixels.
    source : Path or pydicom.Dataset
        Where the pixels can be decoded from.
    name : str
        How messages call the source.
    uid, sop_class : str
        SOP Instance and SOP Class UID; empty where absent.
    syntax : UID
        Transfer syntax, guessed from the encoding where the object does not state it.
    pixel_keyword : str
        "PixelData", "FloatPixelData", "DoubleFloatPixelData", or "" when there are no pixels.
    pixel_bytes : int, optional
        Bytes of pixel data at hand; None when unknown (deflated files).
    """

    dataset: Dataset
    source: Path | Dataset
    name: str
    uid: str
    sop_class: str
    syntax: UID
    pixel_keyword: str
    pixel_bytes: int | None

    @property
    def is_native(self) -> bool:
        """Whether pixels are stored as they are, neither compressed nor encapsulated."""
        return self.syntax in _NATIVE

    @property
    def kind(self) -> str:
        """Name of the SOP class, e.g. "RT Structure Set Storage"."""
        return UID(self.sop_class).name if self.sop_class else "object without SOP Class UID"


def read_head(path: Path) -> Head:
    """Read the first bytes of a file; the only part of reading that waits for a disk.

    Raises
    ------
    OSError
        When the file cannot be read.
    """
    with path.open("rb") as file:
        return Head(file.read(_HEAD_BYTES), os.fstat(file.fileno()).st_size)


def read_header(path: Path, name: str, head: Head) -> Header | None:
    """Read the header of a file; None when the file is not DICOM.

    Files without the DICOM preamble count when they begin like a dataset and turn out to have a
    SOP Instance UID. The file itself is opened only when the header is longer than `head`.

    Raises
    ------
    OSError
        When the file cannot be read.
    DicomError
        When the header is longer than any real one, or its elements make no sense.
    Exception
        Whatever pydicom raises on a damaged file.
    """
    has_preamble = head.start[_PREAMBLE : _PREAMBLE + 4] == b"DICM"
    if not has_preamble and not _begins_like_dataset(head.start):
        return None
    try:
        header = None
        if head.size > len(head.start):
            with suppress(Exception):
                header = _parse(BytesIO(head.start), path, name, head.size)
            if header is None or not header.pixel_keyword or header.pixel_bytes is None:
                with path.open("rb") as file:
                    header = _parse(file, path, name, head.size)
        else:
            header = _parse(BytesIO(head.start), path, name, head.size)
    except Exception:
        if has_preamble:
            raise
        return None
    return header if has_preamble or header.uid else None


def _parse(file: BinaryIO, path: Path, name: str, size: int) -> Header:
    dataset = read_bounded(file, name, _TAGS)
    syntax = _syntax(dataset)
    keyword, length = _pixel_element(file, size, syntax)
    return Header(dataset, path, name, *_identity(dataset), syntax, keyword, length)


def read_dataset(dataset: Dataset, name: str) -> Header:
    """Take a dataset in memory for a header; nothing in it is changed."""
    present = [word for word in _PIXEL_ELEMENTS.values() if word in dataset]
    return Header(
        dataset,
        dataset,
        name,
        *_identity(dataset),
        _syntax(dataset),
        present[0] if present else "",
        len(dataset[present[0]].value or b"") if present else 0,
    )


def text(dataset: Dataset, keyword: str) -> str:
    """Return an attribute as text without padding; empty when absent."""
    value = _value(dataset, keyword)
    return "" if value is None else str(value).strip(" \0")


def items(dataset: Dataset, keyword: str) -> list[Any]:
    """Return the values or sequence items of an attribute; empty when absent."""
    value = _value(dataset, keyword)
    if value is None or (isinstance(value, (str, bytes)) and not value):
        return []
    multiple = isinstance(value, Sequence) and not isinstance(value, (str, bytes))
    return list(value) if multiple else [value]


def numbers(dataset: Dataset, keyword: str, uid: str) -> list[float]:
    """Return the values of a numeric attribute; empty when absent.

    Raises
    ------
    DicomError
        When a value is no finite number.
    """
    try:
        result = [float(value) for value in items(dataset, keyword)]
    except (TypeError, ValueError, ArithmeticError) as error:
        raise DicomError(uid, f"{keyword}: expected numbers: {error}") from None
    if not np.isfinite(result).all():
        raise DicomError(uid, f"{keyword}: expected finite numbers, got {result}")
    return result


def integer(dataset: Dataset, keyword: str, uid: str, default: int | None = None) -> int:
    """Return the single whole number of an attribute.

    Raises
    ------
    DicomError
        When it is no whole number, or absent and there is no default.
    """
    values = numbers(dataset, keyword, uid)
    if not values and default is not None:
        return default
    if len(values) != 1 or values[0] != int(values[0]):
        got = values if values else "nothing"
        raise DicomError(uid, f"{keyword}: expected one whole number, got {got}")
    return int(values[0])


def _begins_like_dataset(start: bytes) -> bool:
    """Tell whether bytes look like the first element of a dataset without preamble.

    That is a short element of group 0002 or 0008: with a value representation in capitals, or
    implicit with a length that fits.
    """
    if len(start) < 12:
        return False
    if start[:2] not in (b"\x02\x00", b"\x08\x00", b"\x00\x08"):
        return False
    if start[4:6].isalpha() and start[4:6].isupper():
        return True
    return bool(struct.unpack("<L", start[4:8])[0] < 1024)


def _value(dataset: Dataset, keyword: str) -> Any:
    """Return the value of an attribute or None, quickly where it is absent."""
    tag = tag_for_keyword(keyword)
    return dataset.get(keyword) if tag in dataset.keys() else None  # noqa: SIM118


def _identity(dataset: Dataset) -> tuple[str, str]:
    """Return SOP Instance and SOP Class UID, those of the file meta information at need."""
    meta = getattr(dataset, "file_meta", None) or Dataset()
    return (
        text(dataset, "SOPInstanceUID") or text(meta, "MediaStorageSOPInstanceUID"),
        text(dataset, "SOPClassUID") or text(meta, "MediaStorageSOPClassUID"),
    )


def _syntax(dataset: Dataset) -> UID:
    meta = getattr(dataset, "file_meta", None)
    stated = text(meta, "TransferSyntaxUID") if meta is not None else ""
    if stated:
        return UID(stated)
    implicit, little = dataset.original_encoding
    if implicit:
        return ImplicitVRLittleEndian
    return ExplicitVRBigEndian if little is False else ExplicitVRLittleEndian


def _pixel_element(file: BinaryIO, size: int, syntax: UID) -> tuple[str, int | None]:
    """Look at the element where reading stopped: its keyword and the bytes there really are."""
    if syntax == DeflatedExplicitVRLittleEndian:
        return "PixelData", None
    big = syntax == ExplicitVRBigEndian
    order = ">" if big else "<"
    head = file.read(12)
    if len(head) < 8:
        return "", 0
    group, element = struct.unpack(order + "HH", head[:4])
    if group != 0x7FE0:
        return "", 0
    keyword = _PIXEL_ELEMENTS.get(element, "")
    remaining = size - file.tell()
    if syntax == ImplicitVRLittleEndian:
        remaining += len(head) - 8
        length = struct.unpack("<L", head[4:8])[0]
    else:
        length = struct.unpack(order + "L", head[8:12])[0] if len(head) == 12 else 0
    return keyword, max(remaining if length == _UNDEFINED else min(length, remaining), 0)
