"""Real series of every orientation against answers that do not come from this library.

Contours are filled by a winding test in millimetres on the pixel centres of DICOM's own equation;
points are looked up in NIfTI volumes made by dicom2nifti.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray

from imageregion import RegionResult, measure, open_images

Floats = NDArray[np.float64]
FOR = "1.2.826.0.1.3680043.9.9"


class Oracle:
    """A series as pydicom reads it, slice by slice."""

    def __init__(self, folder: Path) -> None:
        found = [pydicom.dcmread(path) for path in sorted(folder.glob("*.dcm"))]
        self.slices = [ds for ds in found if "PixelData" in ds]
        first = self.slices[0]
        self.x, self.y = np.array(first.ImageOrientationPatient, dtype=float).reshape(2, 3)
        self.normal = np.cross(self.x, self.y)
        self.slices.sort(key=lambda ds: float(np.dot(self.normal, self.origin(ds))))
        self.heights = np.array([self.normal @ self.origin(ds) for ds in self.slices])
        self.between_rows, self.between_columns = (float(v) for v in first.PixelSpacing)

    @staticmethod
    def origin(dataset: pydicom.Dataset) -> Floats:
        return np.array(dataset.ImagePositionPatient, dtype=float)

    def values(self, k: int) -> Floats:
        dataset = self.slices[k]
        slope = float(dataset.get("RescaleSlope", 1) or 1)
        intercept = float(dataset.get("RescaleIntercept", 0) or 0)
        values: Floats = dataset.pixel_array * slope + intercept
        padding = dataset.get("PixelPaddingValue")
        if padding is not None:
            values[dataset.pixel_array == padding] = np.nan
        return values

    def inside(self, k: int, contour: Floats) -> NDArray[np.bool_]:
        """Pixels whose centre, in millimetres along row and column, the contour winds around."""
        dataset = self.slices[k]
        ring = np.stack([contour @ self.x, contour @ self.y], axis=1)
        start = self.origin(dataset)
        across = start @ self.x + np.arange(dataset.Columns) * self.between_columns
        down = start @ self.y + np.arange(dataset.Rows) * self.between_rows
        mask = np.zeros((dataset.Rows, dataset.Columns), dtype=bool)
        columns = np.flatnonzero((across >= ring[:, 0].min()) & (across <= ring[:, 0].max()))
        for j in np.flatnonzero((down >= ring[:, 1].min()) & (down <= ring[:, 1].max())):
            crossings = np.zeros(len(columns), dtype=int)
            for a, b in zip(ring, np.roll(ring, -1, axis=0), strict=True):
                if (a[1] > down[j]) != (b[1] > down[j]):
                    share = (down[j] - a[1]) / (b[1] - a[1])
                    crossings += across[columns] < a[0] + share * (b[0] - a[0])
            mask[j, columns] = crossings % 2 == 1
        return mask


def vector_area(points: Floats) -> float:
    around = points - points[0]
    return float(np.linalg.norm(np.cross(around, np.roll(around, -1, axis=0)).sum(axis=0)) / 2)


def selection(reference: str, regions: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "resourceType": "ImagingSelection",
        "status": "available",
        "code": {"text": "test"},
        "frameOfReferenceUid": reference,
        "instance": [{"uid": "1.2.3", "imageRegion3D": regions}],
    }


def contours_of(path: Path, roi: str) -> tuple[str, list[Floats]]:
    structures = pydicom.dcmread(path)
    number = next(r.ROINumber for r in structures.StructureSetROISequence if r.ROIName == roi)
    item = next(c for c in structures.ROIContourSequence if c.ReferencedROINumber == number)
    reference = str(structures.ReferencedFrameOfReferenceSequence[0].FrameOfReferenceUID)
    return reference, [
        np.array(c.ContourData, dtype=float).reshape(-1, 3) for c in item.ContourSequence
    ]


CONTOURS = {
    "oblique MR, GTV": ("sts001_raw/MR_T2/image", "sts001_raw/MR_T2/mask/1-1.dcm", "GTV_Mass"),
    "oblique MR, edema": ("sts001_raw/MR_T2/image", "sts001_raw/MR_T2/mask/1-1.dcm", "GTV_Edema"),
    "CERR": (
        "rtstruct_small/cerr_pat_2",
        "rtstruct_small/cerr_pat_2/DCM_RS_00041.dcm",
        "GTV-1",
    ),
    "CT phantom": (
        "rtstruct_small/rtutils_phantom/ct",
        "rtstruct_small/rtutils_phantom/rt.dcm",
        "ROI-1",
    ),
    "CT phantom, 3": (
        "rtstruct_small/rtutils_phantom/ct",
        "rtstruct_small/rtutils_phantom/rt.dcm",
        "ROI-3",
    ),
}


@pytest.mark.parametrize(("series", "structures", "roi"), CONTOURS.values(), ids=CONTOURS.keys())
def test_contours_pixel_for_pixel(
    shared_data: Path, series: str, structures: str, roi: str
) -> None:
    oracle = Oracle(shared_data / series)
    reference, contours = contours_of(shared_data / structures, roi)
    closed = [np.concatenate([c, c[:1]]) for c in contours]
    regions = [{"regionType": "polygon", "coordinate": c.ravel().tolist()} for c in closed]
    images = open_images(shared_data / series)
    report = measure(selection(reference, regions), images, combine=True)
    assert report.errors == ()
    assert report.combined is not None

    half = np.diff(oracle.heights) / 2
    owned = np.append(half[0], half) + np.append(half, half[-1])
    masks: dict[int, NDArray[np.bool_]] = {}
    volume = 0.0
    for contour, result in zip(contours, report.results, strict=True):
        k = int(np.abs(oracle.heights - oracle.normal @ contour.mean(axis=0)).argmin())
        mask = oracle.inside(k, contour)
        masks[k] = masks.get(k, np.zeros_like(mask)) ^ mask
        volume += vector_area(contour) * owned[k]
        check(result, oracle, {k: mask})
        if "self-crossing" not in result.flags:
            assert result.get("area") == pytest.approx(vector_area(contour), rel=1e-6)
        around = np.linalg.norm(contour - np.roll(contour, 1, axis=0), axis=1).sum()
        assert result.get("perimeter") == pytest.approx(float(around))
    check(report.combined, oracle, masks)
    if "overlapping-regions" not in report.combined.flags:
        assert report.combined.get("volume") == pytest.approx(volume, rel=1e-3)


def check(result: RegionResult, oracle: Oracle, masks: dict[int, NDArray[np.bool_]]) -> None:
    place = {ds.SOPInstanceUID: k for k, ds in enumerate(oracle.slices)}
    found = {place[part.frame.instance]: part.spans.to_mask() for part in result.slices}
    assert found.keys() == masks.keys()
    assert sum(int((found[k] != masks[k]).sum()) for k in masks) == 0
    every = np.concatenate([oracle.values(k)[mask] for k, mask in masks.items()])
    real = every[~np.isnan(every)]
    assert (result.get("count"), result.get("excluded")) == (len(real), len(every) - len(real))
    wanted = {
        "mean": real.mean(),
        "std": real.std(),
        "min": real.min(),
        "max": real.max(),
        "sum": real.sum(),
        "median": np.median(real),
        **{f"p{q}": np.percentile(real, q) for q in (10, 25, 75, 90)},
    }
    for code, value in wanted.items():
        assert result.get(code) == pytest.approx(float(value), rel=1e-9), code


VOLUMES = (
    "generic/anatomical/001",
    "generic/anatomical/002_non_isotropic",
    "generic/compressed_rle/001",
    "siemens/anatomical/001",
)


@pytest.mark.parametrize("name", VOLUMES)
def test_points_have_the_values_of_the_nifti_volume(shared_data: Path, name: str) -> None:
    """Points anywhere in a voxel; the datasets have no Frame of Reference UID and get one."""
    folder = shared_data / "geometry_nifti" / name
    datasets = [pydicom.dcmread(path) for path in sorted(folder.iterdir())]
    for dataset in datasets:
        dataset.FrameOfReferenceUID = FOR
    truth = nibabel.load(folder.with_name(folder.name + "_ground_truth.nii.gz"))
    assert isinstance(truth, nibabel.Nifti1Image)
    data, affine = np.asarray(truth.dataobj, dtype=float), np.asarray(truth.affine, dtype=float)

    random = np.random.default_rng(11)
    voxels = np.stack([random.integers(0, n, 150) for n in data.shape], axis=1)
    within = random.uniform(-0.45, 0.45, voxels.shape)
    at = (voxels + within) @ affine[:3, :3].T + affine[:3, 3]
    at[:, :2] *= -1  # NIfTI is RAS, DICOM is LPS
    regions = [{"regionType": "point", "coordinate": p.tolist()} for p in at]
    report = measure(selection(FOR, regions), open_images(datasets))
    means = [result.get("mean") for result in report.results]
    assert means == pytest.approx(data[tuple(voxels.T)].tolist())
    assert all(result.get("count") == 1 for result in report.results)
    assert [r.centroid for r in report.results] == [pytest.approx(tuple(p)) for p in at]


def test_contours_of_absent_slices_are_not_measured_elsewhere(shared_data: Path) -> None:
    """130 of 131 slices are missing: only what lies within the one slice that is there counts."""
    folder = shared_data / "rtstruct_small" / "orthanc_lctsc_partial"
    oracle = Oracle(folder)
    reference, contours = contours_of(folder / "RT.dcm", "Lung_R")
    regions = [
        {"regionType": "polygon", "coordinate": np.concatenate([c, c[:1]]).ravel().tolist()}
        for c in contours
    ]
    report = measure(selection(reference, regions), open_images(folder))
    away = [abs(float(c[0] @ oracle.normal) - oracle.heights[0]) for c in contours]
    half = float(oracle.slices[0].SliceThickness) / 2 + 0.01
    assert [bool(r.slices) for r in report.results] == [d <= half for d in away]
    for result, contour in zip(report.results, contours, strict=True):
        if result.slices:
            check(result, oracle, {0: oracle.inside(0, contour)})
