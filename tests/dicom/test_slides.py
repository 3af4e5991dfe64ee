"""Slides: tiles found by every organization, only those that are asked for, and where they lie."""

from __future__ import annotations

import json
import os
import pickle
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.uid import JPEGBaseline8Bit
from tests.dicom import slidemaker as make

from imageregion import Frame, Plane
from imageregion.dicom.files.headers import Header, read_dataset, read_head, read_header
from imageregion.dicom.files.sources import Entry
from imageregion.dicom.joining import join_slides
from imageregion.dicom.pixel_data.pixels import PixelCache, Pixels
from imageregion.dicom.reading import Outcome
from imageregion.dicom.slides.matrices import SlideTiles
from imageregion.dicom.slides.overlaps import find_overlap
from imageregion.dicom.slides.slides import is_tiled, slide_frames
from imageregion.errors import DicomError, Issue, PlacementError

TILE = (5, 8)
Shape = tuple[int, int]


def header_of(source: Dataset | Path) -> Header:
    if isinstance(source, Dataset):
        return read_dataset(source, "dataset")
    header = read_header(source, source.name, read_head(source))
    assert header is not None
    return header


def slide(source: Dataset | Path) -> tuple[Frame, ...]:
    frames, issues = slide_frames(header_of(source), PixelCache())
    assert issues == ()
    return frames


def refusal(source: Dataset | Path) -> str:
    """Return why the pixels of a slide are refused; there must be one frame, and an issue."""
    (frame,), issues = slide_frames(header_of(source), PixelCache())
    assert frame.tiles is None and frame.number == 0
    with pytest.raises(DicomError) as caught:
        _ = frame.stored
    assert issues[-1] == Issue("warning", "no-pixels", frame.instance, caught.value.message)
    return caught.value.message


def noise(rows: int, columns: int, channels: int = 1, seed: int = 0) -> NDArray[np.uint8]:
    shape = (rows, columns) if channels == 1 else (rows, columns, channels)
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def tiles_of(frame: Frame) -> SlideTiles:
    assert isinstance(frame.tiles, SlideTiles)
    return frame.tiles


# --- TILED_FULL -----------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("shape", [(17, 29), (5, 8), (15, 24), (1, 1), (16, 3)])
def test_a_full_slide(shape: Shape, channels: int) -> None:
    """Tiles that are not square, in a matrix that is no multiple of them."""
    matrix = noise(*shape, channels)
    (frame,) = slide(make.full([matrix], TILE))
    assert (frame.shape, frame.number, frame.dimensions) == (shape, 0, ())
    assert frame.channels == (("red", "green", "blue") if channels == 3 else ())
    tiles = tiles_of(frame)
    expected = [(r, c) for r in range(0, shape[0], 5) for c in range(0, shape[1], 8)]
    assert tiles.corners.tolist() == [list(corner) for corner in expected]
    assert tiles.shape == TILE
    np.testing.assert_array_equal(frame.pixels, matrix)
    np.testing.assert_array_equal(frame.stored, matrix)
    assert frame.stored.dtype == np.uint8


def test_paths_and_planes_of_a_full_slide() -> None:
    """Frames count along columns, rows, focal planes, optical paths (DICOM PS3.3 C.7.6.17.3)."""
    matrices = [noise(17, 29, seed=n) for n in range(6)]
    dataset = make.full(matrices, TILE, paths=("blue", "red"), planes=3, between=0.0025)
    frames = slide(dataset)
    names = [dict(frame.dimensions) for frame in frames]
    assert [name["OpticalPathIdentifier"] for name in names] == ["blue"] * 3 + ["red"] * 3
    heights = [name["ZOffsetInSlideCoordinateSystem"] for name in names]
    assert heights == ["0", "2.5", "5"] * 2
    for frame, matrix, z in zip(frames, matrices, (0, 0.0025, 0.005) * 2, strict=True):
        np.testing.assert_array_equal(frame.pixels, matrix)
        assert frame.plane is not None
        assert frame.plane.origin[2] == pytest.approx(z)
    assert len({frame.key for frame in frames}) == 6


@pytest.mark.parametrize(
    ("changes", "several"),
    [
        ({"paths": ("a", "b")}, "OpticalPathIdentifier"),
        ({"planes": 2, "between": 0.001}, "ZOffsetInSlideCoordinateSystem"),
    ],
)
def test_only_what_differs_is_a_dimension(changes: dict[str, Any], several: str) -> None:
    frames = slide(make.full([noise(9, 9, seed=n) for n in range(2)], TILE, **changes))
    assert [[name for name, _ in frame.dimensions] for frame in frames] == [[several]] * 2


def test_the_height_of_the_origin_is_in_micrometres() -> None:
    dataset = make.full([noise(9, 9), noise(9, 9)], TILE, planes=2, between=0.001)
    dataset.TotalPixelMatrixOriginSequence[0].ZOffsetInSlideCoordinateSystem = 1500.0
    planes = [frame.plane for frame in slide(dataset)]
    assert [plane.origin[2] for plane in planes if plane] == pytest.approx([1.5, 1.501])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"NumberOfFrames": 15}, r"expected 16 frames, 4 x 4 tiles .* got 15"),
        ({"TotalPixelMatrixRows": 21}, r"expected 20 frames"),
        ({"TotalPixelMatrixRows": 2**31}, r"TotalPixelMatrixRows: expected 1 to 2147483647"),
        ({"TotalPixelMatrixColumns": 2**31 - 1}, r"got 16"),
        ({"TotalPixelMatrixFocalPlanes": 2}, r"expected 32 frames"),
        ({"TotalPixelMatrixFocalPlanes": 4_000_000_000}, r"TotalPixelMatrixFocalPlanes"),
        ({"NumberOfOpticalPaths": 2}, r"NumberOfOpticalPaths: 2, .* 1 items"),
        ({"NumberOfFrames": 2_000_001}, r"NumberOfFrames: 2000001 is more than 2000000"),
        ({"NumberOfFrames": 1000}, r"truncated"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, r"palette"),
        ({"PixelData": b"\0" * 20}, r"truncated"),
    ],
)
def test_contradictions_of_a_full_slide(changes: dict[str, Any], reason: str) -> None:
    dataset = make.full([noise(17, 29)], TILE)
    for name, value in changes.items():
        setattr(dataset, name, value)
    if "31" in reason or "2147" in reason:
        with pytest.raises(DicomError, match=reason):
            slide_frames(header_of(dataset), PixelCache())
        return
    assert re.search(reason, refusal(dataset))


def test_focal_planes_without_a_distance_are_refused() -> None:
    dataset = make.full([noise(9, 9), noise(9, 9)], TILE, planes=2)
    assert "the mm between the 2 focal planes" in refusal(dataset)


def test_without_optical_paths_there_is_one() -> None:
    dataset = make.full([noise(9, 9)], TILE)
    del dataset.OpticalPathSequence, dataset.NumberOfOpticalPaths
    assert slide(dataset)[0].dimensions == ()


def test_a_label_needs_no_organization() -> None:
    """One frame as large as the matrix can only lie at its start."""
    picture = noise(*TILE, 3)
    (frame,) = slide(make.full([picture], TILE, organization=None))
    np.testing.assert_array_equal(frame.pixels, picture)
    two = make.full([noise(9, 8)], TILE, organization=None)
    assert "RowPositionInTotalImagePixelMatrix" in refusal(two)


# --- TILED_SPARSE ---------------------------------------------------------------------------------


def sparse(
    places: Sequence[tuple[int, int]],
    tiles: Sequence[NDArray[Any]],
    matrix: Shape = (40, 60),
    heights: Sequence[float | None] | None = None,
    named: Sequence[str] | None = None,
    **changes: Any,
) -> Dataset:
    channels = 3 if tiles[0].ndim == 3 else 1
    fields: dict[str, Any] = {"organization": "TILED_SPARSE", "channels": channels} | changes
    dataset = make.header(matrix, TILE, len(tiles), **fields)
    heights, named = heights or [None] * len(tiles), named or [""] * len(tiles)
    dataset.PerFrameFunctionalGroupsSequence = [
        make.place(row, column, height=height, path=path)
        for (row, column), height, path in zip(places, heights, named, strict=True)
    ]
    return make.with_pixels(dataset, tiles)


@pytest.mark.parametrize("organization", ["TILED_SPARSE", None])
@pytest.mark.parametrize("from_file", [False, True])
def test_a_sparse_slide_with_gaps_and_shuffled_frames(
    tmp_path: Path, organization: str | None, from_file: bool
) -> None:
    rng = np.random.default_rng(3)
    grid = [(r, c) for r in range(0, 40, 5) for c in range(0, 60, 8)]
    places = [grid[n] for n in rng.permutation(len(grid))[:23]]
    tiles = [noise(*TILE, 3, seed=n) for n in range(23)]
    dataset = sparse(places, tiles, organization=organization)
    (frame,) = slide(make.save(dataset, tmp_path / "a.dcm") if from_file else dataset)
    expected = np.full((40, 60, 3), np.nan)
    for (row, column), tile in zip(places, tiles, strict=True):
        part = expected[row : row + 5, column : column + 8]
        part[...] = tile[: part.shape[0], : part.shape[1]]
    np.testing.assert_array_equal(frame.pixels, expected)
    corners = tiles_of(frame).corners.tolist()
    assert corners == sorted(map(list, places))
    with pytest.raises(DicomError, match="tiles of the total pixel matrix are missing"):
        _ = frame.stored


def test_tiles_need_no_grid() -> None:
    places = [(0, 3), (5, 0), (11, 40), (35, 55)]
    tiles = [noise(*TILE, seed=n) for n in range(4)]
    (frame,) = slide(sparse(places, tiles))
    for (row, column), tile in zip(places, tiles, strict=True):
        part = frame.read((row, min(row + 5, 40)), (column, min(column + 8, 60)))
        np.testing.assert_array_equal(part, tile[: part.shape[0], : part.shape[1]])
    assert np.isfinite(frame.pixels).sum() == 3 * 40 + 5 * 5


def test_paths_and_planes_of_a_sparse_slide() -> None:
    """Two paths in the order of the sequence, planes by height in micrometres."""
    tiles = [noise(*TILE, seed=n) for n in range(6)]
    places = [(0, 0), (0, 0), (0, 8), (0, 0), (5, 0), (0, 8)]
    dataset = sparse(
        places,
        tiles,
        heights=[2.5, -1.0, 2.5, 2.5, 2.5, -1.0],
        named=["b", "b", "b", "a", "a", "b"],
        paths=("b", "a"),
        planes=2,
    )
    frames = slide(dataset)
    keys = [tuple(value for _, value in frame.dimensions) for frame in frames]
    assert keys == [("b", "-1"), ("b", "2.5"), ("a", "2.5")]
    assert [len(tiles_of(frame).corners) for frame in frames] == [2, 2, 2]
    assert [frame.plane.origin[2] for frame in frames if frame.plane] == [-0.001, 0.0025, 0.0025]
    expected = [(1, 5), (0, 2), (3, 4)]
    for frame, pair in zip(frames, expected, strict=True):
        for index, number in enumerate(pair):
            np.testing.assert_array_equal(tiles_of(frame).load(index), tiles[number])


@pytest.mark.parametrize("planes", [1, None])
def test_a_focal_plane_may_follow_the_specimen(planes: int | None) -> None:
    heights = [1.0, 1.2, 2.0]
    tiles = [noise(*TILE, seed=n) for n in range(3)]
    dataset = sparse([(0, 0), (0, 8), (0, 16)], tiles, heights=heights)
    if planes is None:
        del dataset.TotalPixelMatrixFocalPlanes
    (frame,) = slide(dataset)
    assert frame.plane is not None
    assert frame.plane.origin[2] == pytest.approx(0.0012)
    assert frame.dimensions == ()
    dataset.TotalPixelMatrixFocalPlanes = 3
    assert len(slide(dataset)) == 3


@pytest.mark.parametrize(
    ("places", "reason"),
    [
        ([(0, 0), (4, 7)], "frames 1 and 2 overlap"),
        ([(10, 10), (10, 10)], "frames 1 and 2 overlap"),
        ([(0, 0), (-1, 8)], "frame 2 begins at row 0, column 9, outside"),
        ([(0, 60), (8, 8)], "frame 1 begins at row 1, column 61, outside"),
    ],
)
def test_impossible_places_are_refused(places: list[tuple[int, int]], reason: str) -> None:
    assert reason in refusal(sparse(places, [noise(*TILE), noise(*TILE)]))


def test_frames_without_a_place_are_refused() -> None:
    dataset = sparse([(0, 0), (8, 8)], [noise(*TILE)] * 2)
    del dataset.PerFrameFunctionalGroupsSequence[1].PlanePositionSlideSequence
    assert "RowPositionInTotalImagePixelMatrix: expected one whole number" in refusal(dataset)
    del dataset.PerFrameFunctionalGroupsSequence[1]
    assert "expected 2 items, one for each frame" in refusal(dataset)


def test_tiles_of_different_spacing_are_refused() -> None:
    dataset = sparse([(0, 0), (8, 8)], [noise(*TILE)] * 2)
    groups = dataset.PerFrameFunctionalGroupsSequence
    groups[0].PixelMeasuresSequence = [make.item(PixelSpacing=[0.1, 0.1])]
    groups[1].PixelMeasuresSequence = [make.item(PixelSpacing=[0.1, 0.2])]
    del dataset.SharedFunctionalGroupsSequence
    assert "frames 1 and 2 are tiles of one matrix, but their pixel spacing" in refusal(dataset)
    groups[1].PixelMeasuresSequence = [make.item(PixelSpacing=[0.1, 0.1])]
    assert slide(dataset)[0].spacing is not None


@given(st.integers(1, 12), st.integers(1, 9), st.integers(2, 30), st.randoms(use_true_random=False))
def test_overlaps_are_found(height: int, width: int, count: int, random: Any) -> None:
    """Against the comparison of all pairs."""
    places = [(random.randrange(60), random.randrange(60)) for _ in range(count)]
    corners = np.array(places)
    pairs = {
        (i, j)
        for i in range(count)
        for j in range(i + 1, count)
        if abs(places[i][0] - places[j][0]) < height and abs(places[i][1] - places[j][1]) < width
    }
    found = find_overlap(corners, (height, width))
    assert found in pairs if pairs else found is None


def test_values_of_a_grey_slide() -> None:
    """Shared functional groups tell what the values of all tiles mean."""
    dataset = make.full([noise(9, 9).astype(np.uint16)], TILE)
    transform = make.item(RescaleSlope=2.0, RescaleIntercept=-3.0, RescaleType="US")
    dataset.SharedFunctionalGroupsSequence[0].PixelValueTransformationSequence = [transform]
    (frame,) = slide(dataset)
    np.testing.assert_array_equal(frame.pixels, 2.0 * noise(9, 9) - 3)


# --- where slides lie -----------------------------------------------------------------------------

_TURN = np.radians(30)
ORIENTATIONS = {
    "usual": [0, -1, 0, -1, 0, 0],
    "plain": [1, 0, 0, 0, 1, 0],
    "turned": [np.cos(_TURN), np.sin(_TURN), 0, -np.sin(_TURN), np.cos(_TURN), 0],
    "tilted": [0.8, 0.36, -0.48, 0.0, 0.8, 0.6],
}


@pytest.mark.parametrize("name", sorted(ORIENTATIONS))
def test_the_origin_is_the_centre_of_the_first_pixel(name: str) -> None:
    """P = O + X dc (c - 0.5) + Y dr (r - 0.5), by hand, for spacing that is not square."""
    cosines = np.array(ORIENTATIONS[name])
    dataset = make.full([noise(17, 29)], TILE, ImageOrientationSlide=list(cosines))
    (frame,) = slide(dataset)
    assert frame.plane is not None
    points = np.array([[0.5, 0.5], [0.0, 0.0], [29.0, 17.0], [3.25, 11.5]])
    expected = [
        np.array([23.4, 25.7, 0])
        + cosines[:3] * 0.0005 * (column - 0.5)
        + cosines[3:] * 0.002 * (row - 0.5)
        for column, row in points
    ]
    # coordinates of some 25 mm, in double precision
    np.testing.assert_allclose(frame.plane.to_patient(points), expected, atol=1e-12)
    np.testing.assert_allclose(frame.plane.to_pixel(expected), points, atol=1e-8)
    spacing = frame.spacing
    assert spacing is not None
    assert (spacing.rows, spacing.columns, spacing.source) == (0.002, 0.0005, "slide")
    assert (frame.frame_of_reference, frame.modality) == ("1.2.5.9", "SM")


@pytest.mark.parametrize("name", sorted(ORIENTATIONS))
def test_an_encoded_frame_lies_where_its_tile_is(name: str) -> None:
    matrices = [noise(17, 29, seed=n) for n in range(4)]
    dataset = make.full(
        matrices,
        TILE,
        paths=("a", "b"),
        planes=2,
        between=0.001,
        ImageOrientationSlide=list(ORIENTATIONS[name]),
    )
    frames = slide(dataset)
    for number in (1, 6, 16, 17, 40, 64):
        layer, index = divmod(number - 1, 16)
        row, column = 5 * (index // 4), 8 * (index % 4)
        tile = tiles_of(frames[0]).frame(number)
        within = matrices[layer][row : row + 5, column : column + 8]  # nothing beyond the matrix
        assert (tile.number, tile.shape, tile.tiles) == (number, within.shape, None)
        assert tile.dimensions == frames[layer].dimensions
        np.testing.assert_array_equal(tile.stored, within)
        whole = frames[layer].plane
        assert tile.plane is not None and whole is not None
        here = np.array([[0.5, 0.5], [2.0, 3.0]])
        there = here + np.array([column, row])
        np.testing.assert_allclose(tile.plane.to_patient(here), whole.to_patient(there), atol=1e-12)


def test_there_is_no_other_frame() -> None:
    tiles = tiles_of(slide(make.full([noise(17, 29)], TILE))[0])
    for number in (0, -1, 17):
        with pytest.raises(PlacementError, match=f"there is no frame {number}, .* 16 frames"):
            tiles.frame(number)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ImageOrientationSlide": None}, "is not stated"),
        ({"TotalPixelMatrixOriginSequence": None}, "is not stated"),
        ({"ImageOrientationSlide": [1, 0, 0, 0.5, 0.866, 0]}, "perpendicular unit vectors"),
        ({"ImageOrientationSlide": [0, 0, 0, 0, 0, 0]}, "lengths 0 and 0"),
    ],
)
def test_a_slide_without_place_still_has_pixels(changes: dict[str, Any], message: str) -> None:
    matrix = noise(17, 29)
    dataset = make.full([matrix], TILE, **changes)
    (frame,), (issue,) = slide_frames(header_of(dataset), PixelCache())
    assert (issue.severity, issue.code) == ("warning", "no-plane")
    assert message in issue.message
    assert frame.plane is None and frame.spacing is not None
    np.testing.assert_array_equal(frame.pixels, matrix)
    assert tiles_of(frame).frame(2).plane is None


def test_a_slide_of_metres_is_not_believed() -> None:
    dataset = make.full([noise(17, 29)], TILE, spacing=(20.0, 0.5))
    _, (issue,) = slide_frames(header_of(dataset), PixelCache())
    assert (issue.code, issue.message.count("340 x 14.5 mm")) == ("implausible-spacing", 1)


def test_what_is_tiled() -> None:
    assert is_tiled(header_of(make.full([noise(9, 9)], TILE)))
    plain = make.full([noise(9, 9)], TILE)
    del plain.TotalPixelMatrixColumns
    assert not is_tiled(header_of(plain))


# --- only what is asked for -----------------------------------------------------------------------


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Indices of the encoded frames that are decoded."""
    seen: list[int] = []
    decode = Pixels._decode

    def counting(self: Pixels, index: int, least: Any) -> NDArray[Any]:
        seen.append(index)
        return decode(self, index, least)

    monkeypatch.setattr(Pixels, "_decode", counting)
    return seen


def test_only_touched_tiles_are_decoded(loads: list[int]) -> None:
    matrix = noise(23, 45)
    (frame,) = slide(make.full([matrix], TILE))
    assert loads == []
    part = frame.read((4, 11), (15, 17))  # rows 0, 5 and 10; columns 8 and 16; of 6 tiles a row
    np.testing.assert_array_equal(part, matrix[4:11, 15:17])
    assert loads == [1, 2, 7, 8, 13, 14]
    frame.read((5, 10), (8, 16))
    assert loads == [1, 2, 7, 8, 13, 14]  # kept
    frame.read((20, 23), (40, 45))
    assert loads[6:] == [29]


def test_a_matrix_too_large_is_refused_before_anything_is_read(loads: list[int]) -> None:
    (frame,) = slide(make.full([noise(17, 29)], TILE))
    tiles = tiles_of(frame)
    huge = replace(frame.load, shape=(2**20, 2**10))  # type: ignore[type-var]
    with pytest.raises(DicomError, match="1048576 x 1024 pixels is too large"):
        huge()
    assert loads == [] and len(tiles.corners) == 16


def test_slides_can_be_pickled() -> None:
    matrix = noise(17, 29, 3)
    copy = pickle.loads(pickle.dumps(slide(make.full([matrix], TILE))[0]))
    np.testing.assert_array_equal(copy.pixels, matrix)


@pytest.mark.parametrize("table", ["none", "basic", "extended"])
@pytest.mark.parametrize("cropped", [False, True])
def test_compressed_tiles(tmp_path: Path, table: str, cropped: bool) -> None:
    """Tiles at the edge are whole, or cut off there against the standard: the same pixels."""
    matrix = np.kron(noise(3, 4, 3), np.ones((8, 8, 1), np.uint8))[:20, :27]
    tile = (16, 8)
    parts = make.cut(matrix, tile, fill=0)
    if cropped:
        last = [make.jpeg(np.ascontiguousarray(part[:4])) for part in parts[4:7]]
        last.append(make.jpeg(np.ascontiguousarray(parts[7][:4, :3])))
        encoded = [*(make.jpeg(part) for part in parts[:4]), *last]
    else:
        encoded = [make.jpeg(part) for part in parts]
    dataset = make.header((20, 27), tile, 8, channels=3)
    dataset.PhotometricInterpretation = "YBR_FULL_422"
    path = make.write_encapsulated(tmp_path / "a.dcm", dataset, encoded, table=table)
    header = header_of(path)
    assert header.syntax == JPEGBaseline8Bit
    (frame,) = slide(path)
    assert frame.lossy
    error = np.abs(frame.pixels - matrix)
    assert error.shape == (20, 27, 3)
    assert error[:16, :24].max() < 60 and np.median(error) <= 3  # quality 90, shared colours
    assert tiles_of(frame).load(7).shape == (*tile, 3)
    assert tiles_of(frame).frame(8).stored.shape == (4, 3, 3)  # what lies within the matrix


def test_a_tile_that_lacks_pixels_of_the_matrix_is_refused(tmp_path: Path) -> None:
    parts = [make.jpeg(noise(16, 8, 3))] * 7 + [make.jpeg(noise(3, 3, 3))]
    dataset = make.header((20, 27), (16, 8), 8, channels=3)
    dataset.PhotometricInterpretation = "YBR_FULL_422"
    (frame,) = slide(make.write_encapsulated(tmp_path / "a.dcm", dataset, parts))
    assert frame.read((0, 16), (0, 8)).shape == (16, 8, 3)
    with pytest.raises(DicomError, match="has 3 x 3 pixels"):
        frame.read((16, 20), (24, 27))


# --- concatenations -------------------------------------------------------------------------------


def part_of(
    whole: Dataset, tiles: Sequence[NDArray[Any]], first: int, stop: int, number: int
) -> Dataset:
    """Cut frames out of a slide, as an instance of its own."""
    part = deepcopy(whole)
    part.SOPInstanceUID = f"1.2.5.1.{number}"
    part.ConcatenationUID = "1.2.5.77"
    part.SOPInstanceUIDOfConcatenationSource = whole.SOPInstanceUID
    part.InConcatenationNumber = number
    part.ConcatenationFrameOffsetNumber = first
    part.NumberOfFrames = stop - first
    if "PerFrameFunctionalGroupsSequence" in whole:
        groups = whole.PerFrameFunctionalGroupsSequence
        part.PerFrameFunctionalGroupsSequence = list(groups)[first:stop]
    return make.with_pixels(part, tiles[first:stop])


def outcome(dataset: Dataset) -> Outcome:
    frames, issues = slide_frames(header_of(dataset), PixelCache())
    uid = str(dataset.SOPInstanceUID)
    return Outcome(Entry(uid, dataset), uid, frames=frames, issues=issues)


def full_parts() -> tuple[list[NDArray[np.uint8]], list[Dataset]]:
    """32 frames, two optical paths; parts begin and end in the middle of them."""
    matrices = [noise(17, 29, seed=n) for n in range(2)]
    tiles = [tile for matrix in matrices for tile in make.cut(matrix, TILE)]
    whole = make.full(matrices, TILE, paths=("a", "b"))
    cuts = (0, 5, 20, 32)
    parts = [
        part_of(whole, tiles, first, stop, number)
        for number, (first, stop) in enumerate(pairwise(cuts), start=1)
    ]
    return matrices, parts


def test_a_part_alone_has_its_own_frames() -> None:
    matrices, parts = full_parts()
    first, second = slide(parts[1])  # frames 6 to 20 of the whole
    assert [len(tiles_of(frame).corners) for frame in (first, second)] == [11, 4]
    np.testing.assert_array_equal(first.read((5, 17), (8, 29)), matrices[0][5:, 8:])
    assert np.isnan(first.read((0, 5), (0, 29))).all()
    np.testing.assert_array_equal(second.read((0, 5), (0, 29)), matrices[1][:5])
    np.testing.assert_array_equal(tiles_of(first).frame(1).stored, make.cut(matrices[0], TILE)[5])


def test_parts_are_joined_to_the_slide_they_were(loads: list[int]) -> None:
    matrices, parts = full_parts()
    other = outcome(make.full([noise(9, 9)], TILE, SOPInstanceUID="1.2.6"))
    given_order = [outcome(parts[2]), other, outcome(parts[0]), outcome(parts[1])]
    outcomes, issues = join_slides(given_order)
    assert issues == []
    assert [bool(found.frames) for found in outcomes] == [False, True, False, False, True]
    assert "its frames are those of image 1.2.5.1" in outcomes[0].reason
    whole = outcomes[-1]
    assert whole.uid == "1.2.5.1" and loads == []
    for frame, matrix, path in zip(whole.frames, matrices, "ab", strict=True):
        assert frame.dimensions == (("OpticalPathIdentifier", path),)
        assert (frame.instance, frame.number) == ("1.2.5.1", 0)
        np.testing.assert_array_equal(frame.pixels, matrix)
        np.testing.assert_array_equal(frame.stored, matrix)
    tiles = whole.frames[0].tiles
    assert tiles is not None
    for number in (1, 5, 6, 17, 20, 21, 32):
        layer, index = divmod(number - 1, 16)
        tile = tiles.frame(number)
        assert (tile.number, tile.instance) == (number, "1.2.5.1")
        assert tile.dimensions == whole.frames[layer].dimensions
        rows, columns = tile.shape
        cut = make.cut(matrices[layer], TILE)[index]
        np.testing.assert_array_equal(tile.stored, cut[:rows, :columns])
    with pytest.raises(PlacementError, match="frame 33"):
        tiles.frame(33)


def test_sparse_parts_are_joined() -> None:
    tiles = [noise(*TILE, seed=n) for n in range(4)]
    places = [(5, 8), (0, 0), (0, 8), (20, 40)]
    whole = sparse(places, tiles, heights=[1.0, 1.1, 1.2, 1.3])
    parts = [part_of(whole, tiles, 0, 3, 1), part_of(whole, tiles, 3, 4, 2)]
    (frame,) = join_slides([outcome(part) for part in parts])[0][-1].frames
    assert frame.tiles is not None
    assert frame.tiles.corners.tolist() == [[0, 0], [0, 8], [5, 8], [20, 40]]
    for index, number in enumerate((1, 2, 0, 3)):
        np.testing.assert_array_equal(frame.tiles.load(index), tiles[number])


def test_missing_parts_are_named() -> None:
    matrices, parts = full_parts()
    outcomes, issues = join_slides([outcome(parts[0]), outcome(parts[2])])
    (issue,) = issues
    assert (issue.severity, issue.path) == ("warning", "1.2.5.1")
    assert "frames 6 to 20 are in a part that is missing" in issue.message
    first = outcomes[-1].frames[0]
    np.testing.assert_array_equal(first.read((0, 5), (0, 29)), matrices[0][:5])
    assert first.tiles is not None
    with pytest.raises(PlacementError, match="not among its parts at hand"):
        first.tiles.frame(6)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"ConcatenationFrameOffsetNumber": 3}, "two of its parts have the same frames"),
        ({"TotalPixelMatrixRows": 20}, "the sizes or colours of its parts differ"),
    ],
)
def test_parts_that_do_not_fit_stay_for_themselves(change: dict[str, Any], reason: str) -> None:
    _, parts = full_parts()
    for name, value in change.items():
        setattr(parts[1], name, value)
    before = [outcome(part) for part in parts]
    outcomes, (issue,) = join_slides(before)
    assert outcomes == before and reason in issue.message


def test_copies_of_a_part_are_one_part() -> None:
    matrices, parts = full_parts()
    twice = [outcome(part) for part in [*parts, parts[1]]]
    outcomes, issues = join_slides(twice)
    assert issues == [] and [bool(found.frames) for found in outcomes] == [False] * 4 + [True]
    np.testing.assert_array_equal(outcomes[-1].frames[0].pixels, matrices[0])


# --- size -----------------------------------------------------------------------------------------

_READ = """
import sys, json
import numpy as np
from imageregion import open_images
frame, = open_images(sys.argv[1]).frames
part = frame.read((51_000, 53_000), (48_000, 50_000))
status = dict(line.split(":") for line in open("/proc/self/status"))
peak = int(status["VmHWM"].split()[0]) / 1024  # ru_maxrss would be that of the parent
missing = np.isnan(part).sum().item()
print(json.dumps([peak, list(frame.shape), missing, part[::500, ::500].tolist()]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="measures memory as Linux counts it")
def test_a_region_of_a_huge_slide_needs_little_memory(tmp_path: Path) -> None:
    """2,000 x 2,000 pixels of 100,000 x 100,000 in colour: the result alone has 92 MiB."""
    path = make.write_huge(tmp_path / "huge.dcm")
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", _READ, str(path)],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    path.unlink()
    peak, shape, missing, part = json.loads(done.stdout)
    assert (shape, missing) == ([100_000, 100_000], 0)
    assert peak < 300, f"{peak:.0f} MiB"
    assert time.perf_counter() - start < 60
    across = -(-100_000 // 320)
    rows, columns = np.meshgrid(np.arange(51_000, 53_000, 500), np.arange(48_000, 50_000, 500))
    number = (rows.T // 256) * across + columns.T // 320
    # flat colours through JPEG of quality 90 and YCbCr
    assert np.abs(np.array(part) - make.tile_colours()[number % 16]).max() <= 3


def test_many_sparse_tiles_open_in_seconds(tmp_path: Path) -> None:
    count = 4000
    grid = [(5 * (n // 100), 8 * (n % 100)) for n in range(count)]
    dataset = sparse(grid, [noise(*TILE)] * count, matrix=(200, 800))
    path = make.save(dataset, tmp_path / "a.dcm")
    start = time.perf_counter()
    (frame,) = slide(path)
    assert len(tiles_of(frame).corners) == count
    assert time.perf_counter() - start < 5  # 0.3 s; a slow machine under load
    assert frame.plane is not None and isinstance(frame.plane, Plane)
