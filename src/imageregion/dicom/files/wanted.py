"""Wanted: which elements are read from files; all others are passed over."""

from __future__ import annotations

from pydicom.tag import BaseTag, Tag

__all__ = ["KEYWORDS", "WANTED"]

KEYWORDS = (
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
    *("InConcatenationNumber", "ConcatenationFrameOffsetNumber", "InConcatenationTotalNumber"),
    # what tells the images of one position apart
    *("TemporalPositionIdentifier", "EchoNumbers", "EchoTime", "DiffusionBValue", "TriggerTime"),
    *("AcquisitionNumber", "InversionTime", "FrameReferenceTime"),
    *("RepetitionTime", "FlipAngle", "SequenceName", "ComplexImageComponent", "KVP"),
    *("DiffusionGradientOrientation", "ConvolutionKernel", "DimensionIndexSequence"),
    *("VolumetricProperties", "VolumeBasedCalculationTechnique"),
    # NM
    *("FrameIncrementPointer", "DetectorInformationSequence", "SliceVector", "NumberOfSlices"),
    *("EnergyWindowVector", "DetectorVector", "PhaseVector", "RotationVector"),
    *("RRIntervalVector", "TimeSlotVector", "AngularViewVector", "TimeSliceVector"),
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
    *("DecayFactor", "DecayCorrected", "AttenuationCorrected", "DecayCorrectionDateTime"),
    *("DoubleFloatPixelPaddingValue", "DoubleFloatPixelPaddingRangeLimit"),
    # spacing without a place in the patient
    *("ImagerPixelSpacing", "NominalScannedPixelSpacing", "PixelSpacingCalibrationType"),
    *("PixelSpacingCalibrationDescription", "EstimatedRadiographicMagnificationFactor"),
    *("DistanceSourceToDetector", "DistanceSourceToPatient", "PixelAspectRatio"),
    *("SequenceOfUltrasoundRegions", "ObjectPixelSpacingInCenterOfBeam"),
)
"""Elements that are asked for somewhere; one that is missing here is never found in a file."""

_PRIVATE = {  # group, and elements within a block that a private creator has reserved
    0x0009: (0x0D,),  # GEMS_PETD_01
    0x7053: (0x00, 0x09),  # Philips PET Private Group
}
_PRIVATE_TAGS = [
    Tag(group, element)
    for group, offsets in _PRIVATE.items()
    for block in range(0x10, 0x20)
    for element in (block, *(block << 8 | offset for offset in offsets))
]
WANTED: dict[int, BaseTag] = {
    int(tag): tag for tag in [*map(Tag, ("SpecificCharacterSet", *KEYWORDS)), *_PRIVATE_TAGS]
}
"""Every element that is read from files, by its number."""
