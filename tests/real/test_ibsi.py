"""IBSI reference patients: RTSTRUCT contours as ImagingSelections give the published masks.

Every contour becomes one ``imageRegion3D`` polygon, found by frame of reference alone, because the
SOP Instance UIDs that the contours name are not in the series.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray

from imageregion import RegionResult, measure, open_images
from imageregion.dicom.images import Images
from imageregion.report import Report

PATIENTS = ("STS_002", "STS_008", "STS_012", "STS_025")
MODALITIES = ("CT", "MR_T1", "PET")


def selection_from_rtstruct(path: Path, roi: str) -> dict[str, Any]:
    """Make a FHIR R5 ImagingSelection from the closed contours of one ROI."""
    structures = pydicom.dcmread(path)
    number = next(r.ROINumber for r in structures.StructureSetROISequence if roi in r.ROIName)
    contours = next(
        r.ContourSequence for r in structures.ROIContourSequence if r.ReferencedROINumber == number
    )
    reference = structures.ReferencedFrameOfReferenceSequence[0].FrameOfReferenceUID
    regions = []
    for contour in contours:
        points = [float(v) for v in contour.ContourData]
        regions.append({"regionType": "polygon", "coordinate": points + points[:3]})
    return {
        "resourceType": "ImagingSelection",
        "id": structures.PatientID,
        "status": "available",
        "code": {"text": roi},
        "frameOfReferenceUid": str(reference),
        "instance": [{"uid": str(structures.SOPInstanceUID), "imageRegion3D": regions}],
    }


def mask_volume(result: RegionResult, images: Images) -> NDArray[np.bool_]:
    """Stack the pixels of a combined result over all planes of the series, sorted along z."""
    (frames,) = images.stacks(result.slices[0].frame.frame_of_reference).values()
    place = {frame.instance: i for i, frame in enumerate(frames)}
    volume = np.zeros((len(frames), *frames[0].shape), dtype=bool)
    for part in result.slices:
        volume[place[part.frame.instance]] |= part.spans.to_mask()
    return volume


def nifti_mask(path: Path) -> NDArray[np.bool_]:
    """Read a NIfTI mask as (plane, row, column) in the order of a patient-axial DICOM series."""
    image = nibabel.load(path)
    assert isinstance(image, nibabel.Nifti1Image)
    x, y, z = np.sign(np.diag(image.affine)[:3])
    assert (x, y) in {(-1, -1), (1, 1)} and z == 1 and np.count_nonzero(image.affine[:3, :3]) == 3
    data = np.asarray(image.dataobj) > 0.5
    if (x, y) == (1, 1):  # RAS; DICOM patient coordinates are LPS
        data = data[::-1, ::-1]
    return np.ascontiguousarray(data.transpose(2, 1, 0))


def combined(report: Report) -> RegionResult:
    assert report.errors == ()
    assert report.combined is not None
    return report.combined


@pytest.mark.parametrize("modality", MODALITIES)
@pytest.mark.parametrize("patient", PATIENTS)
def test_soft_tissue_sarcoma_voxel_for_voxel(
    shared_data: Path, patient: str, modality: str
) -> None:
    folder = shared_data / "ibsi_sts" / "dicom" / patient / modality
    images = open_images(folder / "image")
    selection = selection_from_rtstruct(folder / "mask" / "RS.dcm", "GTV_Mass")
    result = combined(measure(selection, images, combine=True))

    published = nifti_mask(
        shared_data / "ibsi_sts" / "nifti_masks" / patient / f"{modality}_mask.nii.gz"
    )
    assert int((mask_volume(result, images) != published).sum()) == 0

    table = reference_values(shared_data, patient, modality)
    assert result.get("count") == table["vox_count"]
    # The teams agree to single precision; MR and PET intensities carry float rescaling.
    for code in ("mean", "min", "max"):
        assert result.get(code) == pytest.approx(table[code], rel=1e-5), code


def reference_values(shared_data: Path, patient: str, modality: str) -> dict[str, float]:
    """Median over the teams of the features of the unprocessed ROI."""
    tags = {
        "int_mask_vox_count_init_roi": "vox_count",
        "int_mask_mean_int_init_roi": "mean",
        "int_mask_min_int_init_roi": "min",
        "int_mask_max_int_init_roi": "max",
    }
    values = {}
    with (shared_data / "ibsi_sts" / "sts_init_roi_reference_shared4.csv").open() as lines:
        for row in csv.DictReader(lines):
            if row["id"] == patient and row["modality"] == modality and row["tag"] in tags:
                teams = [
                    float(v) for k, v in row.items() if k not in ("id", "modality", "tag") and v
                ]
                values[tags[row["tag"]]] = float(np.median(teams))
    return values


def test_ct_phantom_voxel_for_voxel(shared_data: Path) -> None:
    folder = shared_data / "ibsi_phantoms" / "ibsi_1_ct_radiomics_phantom"
    images = open_images(folder / "dicom" / "image")
    (structure,) = (folder / "dicom" / "mask").glob("*.dcm")
    report = measure(selection_from_rtstruct(structure, "GTV-1"), images, combine=True)
    result = combined(report)
    published = nifti_mask(folder / "nifti" / "mask" / "mask.nii.gz")
    assert int((mask_volume(result, images) != published).sum()) == 0
    assert len(report.results) == 26
    assert result.get("count") == published.sum()
