"""DICOM series written to disk and measured, against a slow computation that shares no code.

The oracle knows only what was written: it puts every pixel centre into the patient by the equation
of DICOM PS3.3 C.7.6.2.1.1 and asks shape by shape which of them lie inside.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from imageregion import RegionResult, measure

Floats = NDArray[np.float64]
FOR = "1.2.826.0.1.3680043.9"
SERIES = f"{FOR}.1"
ROWS, COLUMNS = 26, 44
DOUBLE_OBLIQUE = ((0.8, 0.36, -0.48), (0.0, 0.8, 0.6))


@dataclass(frozen=True)
class Phantom:
    """How a series is written."""

    cosines: tuple[tuple[float, ...], tuple[float, ...]] = ((1, 0, 0), (0, 1, 0))
    spacing: tuple[float, float] = (2.0, 0.5)
    heights: tuple[float, ...] = (0, 3, 6, 9, 12, 15, 18)
    shear: tuple[float, float, float] = (0, 0, 0)
    signed: bool = True
    stored: int = 16
    rescale: tuple[tuple[float, float], ...] = ((1.0, -1024.0),)
    padding: tuple[int, ...] = ()
    photometric: str = "MONOCHROME2"
    modality: str = "CT"
    series: str = SERIES
    thickness: float | None = None
    uids: str = ".1"


class Written:
    """A series on disk, and what the oracle knows of it."""

    def __init__(self, phantom: Phantom, folder: Path) -> None:
        self.phantom = phantom
        self.x, self.y = (np.array(v, dtype=float) for v in phantom.cosines)
        self.normal = np.cross(self.x, self.y)
        self.between_rows, self.between_columns = phantom.spacing
        start = np.array((-158.1, 34.25, 1001.7))
        self.origins = [
            np.round(start + h * self.normal + h * np.array(phantom.shear), 6)
            for h in phantom.heights
        ]
        self.heights = np.array([origin @ self.normal for origin in self.origins])
        self.values = []
        self.valid = []
        random = np.random.default_rng(7)
        files = random.permutation(len(self.heights))
        folder.mkdir(parents=True, exist_ok=True)
        for k, origin in enumerate(self.origins):
            slope, intercept = phantom.rescale[k % len(phantom.rescale)]
            low = -(2 ** (phantom.stored - 1)) if phantom.signed else 0
            stored = random.integers(low, low + 2**phantom.stored, (ROWS, COLUMNS))
            if phantom.padding:
                stored[random.random((ROWS, COLUMNS)) < 0.1] = phantom.padding[0]
            limits = sorted(phantom.padding) or [1, 0]
            self.values.append(stored * slope + intercept)
            self.valid.append((stored < limits[0]) | (stored > limits[-1]))
            dataset = self._dataset(k, origin, stored, int(files[k]))
            dataset.save_as(folder / f"{files[k]:03}.dcm", enforce_file_format=True)

    def uid(self, k: int) -> str:
        return f"{self.phantom.series}{self.phantom.uids}.{100 - k}"

    def _dataset(self, k: int, origin: Floats, stored: NDArray[np.int64], number: int) -> Dataset:
        phantom = self.phantom
        dataset = Dataset()
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
        dataset.SOPInstanceUID = self.uid(k)
        dataset.Modality = phantom.modality
        dataset.StudyInstanceUID = FOR + ".2"
        dataset.SeriesInstanceUID = phantom.series
        dataset.FrameOfReferenceUID = FOR
        dataset.InstanceNumber = number
        dataset.ImagePositionPatient = [f"{v:.10g}" for v in origin]
        dataset.ImageOrientationPatient = [f"{v:.10g}" for v in (*self.x, *self.y)]
        dataset.PixelSpacing = list(phantom.spacing)
        dataset.SliceThickness = phantom.thickness
        dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = ROWS, COLUMNS, 1
        dataset.PhotometricInterpretation = phantom.photometric
        dataset.BitsAllocated, dataset.BitsStored = 16, phantom.stored
        dataset.HighBit, dataset.PixelRepresentation = phantom.stored - 1, int(phantom.signed)
        dataset.RescaleSlope, dataset.RescaleIntercept = phantom.rescale[k % len(phantom.rescale)]
        if phantom.padding:
            dataset.PixelPaddingValue = phantom.padding[0]
        if len(phantom.padding) > 1:
            dataset.PixelPaddingRangeLimit = phantom.padding[1]
        # Bits above the stored ones hold rubbish (overlays of old), which is no part of the value.
        cells = (stored & (2**phantom.stored - 1)).astype(np.uint16)
        if phantom.stored < 16:
            cells |= np.uint16(1 << phantom.stored) * (np.arange(COLUMNS, dtype=np.uint16) % 2)
        dataset.PixelData = cells.astype("<u2").tobytes()
        dataset["PixelData"].VR = "OW"
        return dataset

    def centers(self, k: int) -> Floats:
        """Patient position of every pixel centre of a slice, shape (rows, columns, 3)."""
        j, i = np.mgrid[:ROWS, :COLUMNS]
        across = self.x * self.between_columns
        down = self.y * self.between_rows
        return np.asarray(self.origins[k] + i[..., None] * across + j[..., None] * down)

    def at(self, k: int, column: Any, row: Any) -> Floats:
        """Patient positions of pixel coordinates (outer corner of the first pixel = 0, 0)."""
        i, j = np.asarray(column) - 0.5, np.asarray(row) - 0.5
        return np.asarray(
            self.origins[k]
            + i[..., None] * self.x * self.between_columns
            + j[..., None] * self.y * self.between_rows
        )

    def in_plane(self, points: Floats) -> Floats:
        """Millimetres along the row and column directions, shape (..., 2)."""
        return np.stack([points @ self.x, points @ self.y], axis=-1)


def even_odd(point: Floats, ring: Floats) -> bool:
    """Winding by the angle that the ring turns as seen from the point; odd turns are inside."""
    away = ring - point
    angle = np.arctan2(away[:, 1], away[:, 0])
    turn = np.diff(np.append(angle, angle[0]))
    total = ((turn + np.pi) % (2 * np.pi) - np.pi).sum()
    return bool(round(total / (2 * np.pi)) % 2)


def inside_ring(points: Floats, ring: Floats) -> NDArray[np.bool_]:
    flat = points.reshape(-1, 2)
    return np.array([even_odd(p, ring) for p in flat]).reshape(points.shape[:-1])


def vector_area(points: Floats) -> float:
    """Area of a simple flat polygon in space: half the length of the sum of cross products."""
    around = points - points[0]
    return float(np.linalg.norm(np.cross(around, np.roll(around, -1, axis=0)).sum(axis=0)) / 2)


def box_hits(start: Floats, end: Floats, low: Floats, high: Floats) -> NDArray[np.bool_]:
    """Liang-Barsky: which boxes (..., 3) hold a stretch of the segment."""
    step = end - start
    with np.errstate(divide="ignore", invalid="ignore"):
        one, two = (low - start) / step, (high - start) / step
    enter = np.where(
        step == 0, np.where((start >= low) & (start < high), -9, 9), np.minimum(one, two)
    )
    leave = np.where(step == 0, 9, np.maximum(one, two))
    begin = np.maximum(enter.max(axis=-1), 0)
    return np.asarray(np.minimum(leave.min(axis=-1), 1) - begin > 1e-9)


def check_values(
    result: RegionResult, written: Written, masks: dict[int, NDArray[np.bool_]]
) -> None:
    """Compare the pixels themselves, slice by slice, and then the statistics."""
    place = {written.uid(k): k for k in range(len(written.heights))}
    expected = {k: mask for k, mask in masks.items() if mask.any()}
    found: dict[int, NDArray[np.bool_]] = {}
    for part in result.slices:
        if part.spans.count:
            k = place[part.frame.instance]
            found[k] = found.get(k, np.zeros((ROWS, COLUMNS), dtype=bool)) | part.spans.to_mask()
    assert found.keys() == expected.keys()
    for k, mask in expected.items():
        assert int((found[k] != mask).sum()) == 0, f"slice {k}"
    real = np.concatenate([written.values[k][m & written.valid[k]] for k, m in expected.items()])
    total = sum(int(mask.sum()) for mask in expected.values())
    assert (result.get("count"), result.get("excluded")) == (len(real), total - len(real))
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
        assert result.get(code) == pytest.approx(float(value), rel=1e-12, abs=1e-9), code


def selection(instances: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "resourceType": "ImagingSelection",
        "status": "available",
        "code": {"text": "phantom"},
        "frameOfReferenceUid": FOR,
        "instance": instances,
    }


def region(kind: str, coordinate: Any) -> dict[str, Any]:
    return {"regionType": kind, "coordinate": [float(v) for v in np.ravel(coordinate)]}


def closed(points: Floats) -> Floats:
    return np.concatenate([points, points[:1]])


PHANTOMS = {
    "anisotropic": Phantom(),
    "sagittal reversed": Phantom(
        cosines=((0, 1, 0), (0, 0, -1)), heights=(18, 15, 12, 9, 6, 3, 0), spacing=(0.7, 1.3)
    ),
    "double oblique, uneven": Phantom(
        cosines=DOUBLE_OBLIQUE, heights=(0, 2.5, 5.6, 8.1, 11.2, 14.3, 17.4)
    ),
    "tilted gantry": Phantom(
        cosines=((1, 0, 0), (0, 0.939692621, -0.342020143)), shear=(0, 0.36397023, 0), stored=12
    ),
    "unsigned 12 of 16": Phantom(signed=False, stored=12, rescale=((2.0, -1000.0),)),
    "signed 12 of 16, MONOCHROME1": Phantom(stored=12, photometric="MONOCHROME1"),
    "padding": Phantom(stored=12, padding=(-2000, -1500)),
    "PET, rescale of each slice": Phantom(
        modality="PT", rescale=((0.37, 0), (1.91, 0), (0.0123, 0), (5.5, 0)), signed=False
    ),
}


@pytest.fixture(params=list(PHANTOMS.values()), ids=list(PHANTOMS))
def written(request: pytest.FixtureRequest, tmp_path: Path) -> Written:
    return Written(request.param, tmp_path / "study")


RING = np.array([(5.3, 3.1), (30.7, 2.2), (39.4, 12.9), (22.2, 9.73), (18.8, 22.6), (3.9, 19.05)])


def test_regions_in_pixels(written: Written, tmp_path: Path) -> None:
    k = 2
    ends = np.array([(9.2, 5.1), (33.8, 15.3), (25.8, 4.0), (17.2, 16.4)])
    middle = ends[:2].mean(axis=0)
    major = (ends[1] - ends[0]) / 2
    minor = np.array((-major[1], major[0])) * 0.4
    ends[2:] = middle + minor, middle - minor
    regions = [
        region("polyline", closed(RING)),
        region("ellipse", ends),
        region("circle", [(20.3, 11.2), (26.1, 14.9)]),
        region("point", (17.99, 3.01)),
        region("polyline", RING),
    ]
    results = measure(
        selection([{"uid": written.uid(k), "imageRegion2D": regions}]), tmp_path / "study"
    ).results
    j, i = np.mgrid[:ROWS, :COLUMNS] + 0.5
    pixels = np.stack([i, j], axis=-1)
    pixel = written.between_rows * written.between_columns

    check_values(results[0], written, {k: inside_ring(pixels, RING)})
    assert results[0].get("area") == pytest.approx(vector_area(written.at(k, *RING.T)))
    corners = written.at(k, *closed(RING).T)
    around = np.linalg.norm(np.diff(corners, axis=0), axis=1).sum()
    assert results[0].get("perimeter") == pytest.approx(float(around))
    assert results[0].get("counted_area") == pytest.approx(inside_ring(pixels, RING).sum() * pixel)

    away = pixels - middle
    inside = ((away @ major) / (major @ major)) ** 2 + ((away @ minor) / (minor @ minor)) ** 2 < 1
    check_values(results[1], written, {k: inside})
    semi = np.linalg.norm(major) * np.linalg.norm(minor)
    assert results[1].get("area") == pytest.approx(float(np.pi * semi * pixel))
    turn = np.linspace(0, 2 * np.pi, 20001)[:, None]
    outline = written.at(k, *(middle + np.cos(turn) * major + np.sin(turn) * minor).T)
    around = np.linalg.norm(np.diff(outline, axis=0), axis=1).sum()
    assert results[1].get("perimeter") == pytest.approx(float(around), rel=1e-6)

    radius = np.hypot(26.1 - 20.3, 14.9 - 11.2)
    check_values(results[2], written, {k: np.hypot(i - 20.3, j - 11.2) < radius})
    check_values(results[3], written, {k: (i == 17.5) & (j == 3.5)})

    boxes = np.zeros((ROWS, COLUMNS), dtype=bool)
    for a, b in pairwise(RING):
        boxes |= box_hits(a, b, pixels - 0.5, pixels + 0.5)
    check_values(results[4], written, {k: boxes})
    length = np.linalg.norm(np.diff(written.at(k, *RING.T), axis=0), axis=1).sum()
    assert results[4].get("length") == pytest.approx(float(length))


def test_polygons_in_the_patient_combined(written: Written, tmp_path: Path) -> None:
    """A contour with a hole on four slices, somewhat beside their planes."""
    order = np.argsort(written.heights)
    chosen = order[1:5]
    hole = RING.mean(axis=0) + (RING - RING.mean(axis=0)) * 0.25 - (4, 0)
    rings = {int(k): [RING + 0.3 * n, hole] for n, k in enumerate(chosen)}
    regions = [
        region("polygon", np.round(closed(written.at(k, *r.T) + 0.2 * written.normal), 4))
        for k, shapes in rings.items()
        for r in shapes
    ]
    report = measure(
        selection([{"uid": "1.2", "imageRegion3D": regions}]), tmp_path / "study", combine=True
    )
    assert report.combined is not None
    masks, volume, counted = {}, 0.0, 0.0
    owned = np.empty(len(written.heights))
    sorted_heights = written.heights[order]
    half = np.diff(sorted_heights) / 2
    owned[order] = np.append(half[0], half) + np.append(half, half[-1])
    for k, shapes in rings.items():
        points = written.in_plane(written.centers(k))
        flat = [written.in_plane(written.at(k, *r.T)) for r in shapes]
        masks[k] = inside_ring(points, flat[0]) ^ inside_ring(points, flat[1])
        area = vector_area(written.at(k, *shapes[0].T)) - vector_area(written.at(k, *shapes[1].T))
        volume += area * owned[k]
        counted += masks[k].sum() * written.between_rows * written.between_columns * owned[k]
    check_values(report.combined, written, masks)
    assert report.combined.get("volume") == pytest.approx(volume, rel=1e-5)
    assert report.combined.get("counted_volume") == pytest.approx(counted)
    distances = [result.distance for result in report.results]
    assert distances == pytest.approx([0.2] * len(regions), abs=1e-3)


def test_ellipsoids_points_and_lines_in_the_patient(written: Written, tmp_path: Path) -> None:
    order = np.argsort(written.heights)
    middle = written.at(int(order[3]), 20.7, 12.2)
    turn = np.array([(0.6, 0.64, 0.48), (-0.8, 0.48, 0.36), (0.0, -0.6, 0.8)])
    radii = np.array([6.0, 3.5, 7.5])
    ends = [middle + s * radii[n] * turn[n] for n in range(3) for s in (1, -1)]
    line = np.stack(
        [
            written.at(int(order[n]), c, r)
            for n, c, r in ((1, 6.1, 4.2), (4, 31.7, 20.37), (2, 15.2, 11.9))
        ]
    )
    points = np.stack(
        [
            written.at(int(order[n]), c, r)
            for n, c, r in ((1, 6.1, 4.2), (4, 31.99, 20.01), (4, 0.01, 25.9))
        ]
    )
    points = points + 0.4 * written.normal
    regions = [region("ellipsoid", ends), region("polyline", line), region("multipoint", points)]
    ellipsoid, polyline, multipoint = measure(
        selection([{"uid": "1.2", "imageRegion3D": regions}]), tmp_path / "study"
    ).results

    number = range(len(written.heights))
    away = {k: (written.centers(k) - middle) @ turn.T / radii for k in number}
    check_values(ellipsoid, written, {k: (a**2).sum(axis=-1) < 1 for k, a in away.items()})
    assert ellipsoid.get("volume") == pytest.approx(float(4 / 3 * np.pi * radii.prod()))
    assert ellipsoid.centroid == pytest.approx(tuple(middle))

    frame = np.stack([written.x, written.y, written.normal])
    size = np.array([written.between_columns, written.between_rows])
    masks: dict[int, NDArray[np.bool_]] = {}
    marks: dict[int, NDArray[np.bool_]] = {}
    heights = np.array([origin @ written.normal for origin in written.origins])
    ranked = heights[order]
    for rank, k in enumerate(order):
        low_gap = (ranked[rank] - ranked[max(rank - 1, 0)]) / 2 or (ranked[1] - ranked[0]) / 2
        high_gap = (ranked[min(rank + 1, len(order) - 1)] - ranked[rank]) / 2 or low_gap
        centers = written.centers(int(k)) @ frame.T
        low = np.concatenate([centers[..., :2] - size / 2, centers[..., 2:] - low_gap], axis=-1)
        high = np.concatenate([centers[..., :2] + size / 2, centers[..., 2:] + high_gap], axis=-1)
        masks[int(k)] = box_hits(line[0] @ frame.T, line[1] @ frame.T, low, high)
        masks[int(k)] |= box_hits(line[1] @ frame.T, line[2] @ frame.T, low, high)
        near = [((p @ frame.T >= low) & (p @ frame.T < high)).all(axis=-1) for p in points]
        marks[int(k)] = np.any(near, axis=0)
    check_values(polyline, written, masks)
    check_values(multipoint, written, marks)
    length = np.linalg.norm(np.diff(line, axis=0), axis=1).sum()
    assert polyline.get("length") == pytest.approx(float(length))


def test_two_series_in_one_frame_of_reference(tmp_path: Path) -> None:
    """Every series gets its own result, on its own pixels, whatever the grid."""
    one = Written(Phantom(), tmp_path / "study" / "a")
    other = Phantom(spacing=(1.1, 0.9), heights=(1, 3.5, 6, 8.5, 11), series=f"{FOR}.3")
    two = Written(other, tmp_path / "study" / "b")
    middle = one.at(3, 20.7, 8.2)
    ends = [middle + s * 5 * np.eye(3)[n] for n in range(3) for s in (1, -1)]
    report = measure(
        selection([{"uid": "1.2", "imageRegion3D": [region("ellipsoid", ends)]}]),
        tmp_path / "study",
    )
    by_series = {result.series: result for result in report.results}
    assert len(report.results) == 2
    for written in (one, two):
        masks = {
            k: (((written.centers(k) - middle) / 5) ** 2).sum(axis=-1) < 1
            for k in range(len(written.heights))
        }
        check_values(by_series[written.phantom.series], written, masks)


def test_missing_slices_lose_only_what_was_drawn_on_them(tmp_path: Path) -> None:
    written = Written(Phantom(heights=(0, 3, 6, 9, 18, 21, 24)), tmp_path / "study")
    drawn = Written(Phantom(heights=(0, 3, 6, 9, 12, 15, 18, 21, 24)), tmp_path / "elsewhere")
    regions = [region("polygon", closed(drawn.at(k, *RING.T))) for k in range(9)]
    report = measure(
        selection([{"uid": "1.2", "imageRegion3D": regions}]), tmp_path / "study", combine=True
    )
    assert [bool(result.slices) for result in report.results] == [k not in (4, 5) for k in range(9)]
    assert report.combined is not None
    assert "regions-missing" in report.combined.flags
    j, i = np.mgrid[:ROWS, :COLUMNS] + 0.5
    mask = inside_ring(np.stack([i, j], axis=-1), RING)
    check_values(report.combined, written, dict.fromkeys(range(7), mask))


def test_a_single_slice_owns_its_thickness(tmp_path: Path) -> None:
    written = Written(Phantom(heights=(0,), thickness=3.0), tmp_path / "study")
    shifts = (0.0, 1.4, -1.4, 1.6, -1.6)
    regions = [
        region("polygon", closed(written.at(0, *RING.T) + s * written.normal)) for s in shifts
    ]
    report = measure(selection([{"uid": "1.2", "imageRegion3D": regions}]), tmp_path / "study")
    assert [bool(result.slices) for result in report.results] == [True, True, True, False, False]


def test_two_orientations_in_one_series(tmp_path: Path) -> None:
    """As in a localizer: a contour belongs to the plane it lies in, an ellipsoid to both stacks."""
    one = Written(Phantom(), tmp_path / "study" / "a")
    lean = np.radians(20)
    turned = ((1.0, 0.0, 0.0), (0.0, float(np.cos(lean)), float(np.sin(lean))))
    two = Written(Phantom(cosines=turned, uids=".5"), tmp_path / "study" / "b")
    ring = region("polygon", closed(two.at(4, *RING.T)))
    middle = one.at(3, 20.7, 8.2)
    ends = [middle + s * 5 * np.eye(3)[n] for n in range(3) for s in (1, -1)]
    report = measure(
        selection([{"uid": "1.2", "imageRegion3D": [ring, region("ellipsoid", ends)]}]),
        tmp_path / "study",
    )
    polygon, *ellipsoids = report.results
    j, i = np.mgrid[:ROWS, :COLUMNS] + 0.5
    check_values(polygon, two, {4: inside_ring(np.stack([i, j], axis=-1), RING)})
    assert len(ellipsoids) == 2
    for result in ellipsoids:
        owner = (
            one if result.instances[0].startswith(one.phantom.series + one.phantom.uids) else two
        )
        masks = {
            k: (((owner.centers(k) - middle) / 5) ** 2).sum(axis=-1) < 1
            for k in range(len(owner.heights))
        }
        check_values(result, owner, masks)


def test_numbers_of_two_units_are_never_mixed(tmp_path: Path) -> None:
    Written(Phantom(), tmp_path / "study" / "a")
    Written(Phantom(modality="MR", heights=(21, 24), uids=".5"), tmp_path / "study" / "b")
    instances = [
        {"uid": f"{SERIES}{place}.100", "imageRegion2D": [region("polyline", closed(RING))]}
        for place in (".1", ".5")
    ]
    report = measure(selection(instances), tmp_path / "study", combine=True)
    assert [result.unit for result in report.results] == ["[hnsf'U]", "1"]
    assert report.combined is None
    assert [issue.code for issue in report.errors] == ["not-combined"]


def test_centroid_of_a_polygon_lies_in_its_plane(written: Written, tmp_path: Path) -> None:
    k = 2
    square = np.array([(5.0, 3.0), (30.0, 3.0), (30.0, 20.0), (5.0, 20.0)])
    instance = {"uid": written.uid(k), "imageRegion2D": [region("polyline", closed(square))]}
    (result,) = measure(selection([instance]), tmp_path / "study").results
    assert result.centroid == pytest.approx(tuple(written.at(k, 17.5, 11.5)))


SQUARE = np.array([(4.0, 4.0), (24.0, 4.0), (24.0, 14.0), (4.0, 14.0)])  # 200 mm2


def combined_volume(folder: Path, uids: list[str]) -> float | None:
    shape = region("polyline", closed(SQUARE))
    instances = [{"uid": uid, "imageRegion2D": [shape]} for uid in uids]
    combined = measure(selection(instances), folder, combine=True).combined
    assert combined is not None
    return combined.get("volume")


@pytest.mark.parametrize("shift", [0.0, 0.002])
def test_volume_on_one_of_two_time_points(tmp_path: Path, shift: float) -> None:
    one = Written(Phantom(), tmp_path / "study" / "a")
    later = tuple(h + shift for h in one.phantom.heights)
    Written(Phantom(heights=later, uids=".5"), tmp_path / "study" / "b")
    volume = combined_volume(tmp_path / "study", [one.uid(k) for k in (2, 3, 4)])
    assert volume == pytest.approx(200 * 3 * 3)


@pytest.mark.parametrize("heights", [(0.0, 30.0), (0.0, 30.0, 90.0)])
def test_volume_on_key_images_far_apart(tmp_path: Path, heights: tuple[float, ...]) -> None:
    written = Written(Phantom(heights=heights, thickness=3.0), tmp_path / "study")
    number = range(len(heights))
    volume = combined_volume(tmp_path / "study", [written.uid(k) for k in number])
    assert volume == pytest.approx(200 * 3 * len(heights))


def test_a_whole_image_less_a_region(tmp_path: Path) -> None:
    written = Written(Phantom(), tmp_path / "study")
    shape = region("polyline", closed(SQUARE))
    instances: list[dict[str, Any]] = [
        {"uid": written.uid(2)},
        {"uid": written.uid(2), "imageRegion2D": [shape]},
    ]
    combined = measure(selection(instances), tmp_path / "study", combine=True).combined
    assert combined is not None
    assert combined.get("count") == ROWS * COLUMNS - 200
    assert combined.get("area") == pytest.approx(ROWS * COLUMNS - 200)
