"""Total pixel matrices and colours without DICOM: which tiles are read, and what is counted."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from imageregion import (
    DicomError,
    Ellipse,
    Frame,
    GeometryError,
    LinearMap,
    Plane,
    Polygon,
    Quantity,
    Region,
    Spacing,
    Spans,
    Target,
    Window,
    rasterize,
    render,
    summarize,
)
from imageregion.blocks import Block, blocks_under, read_ahead
from imageregion.counting import count_pixels, rasterized
from imageregion.locate import Part
from imageregion.overlay.view import reduced_spans
from imageregion.results import assembled_result
from imageregion.settings import Settings

RGB = ("red", "green", "blue")


@dataclass(frozen=True, eq=False)
class ArrayTiles:
    """Tiles of an array; `absent` ones are not stored, edge tiles are padded with 7."""

    array: NDArray[Any]
    shape: tuple[int, int]
    absent: frozenset[tuple[int, int]] = frozenset()
    loaded: list[tuple[int, int]] = field(default_factory=list)

    @property
    def corners(self) -> NDArray[np.int64]:
        rows, columns = self.array.shape[:2]
        places = [
            (r, c)
            for r in range(0, rows, self.shape[0])
            for c in range(0, columns, self.shape[1])
            if (r, c) not in self.absent
        ]
        return np.array(places, dtype=np.int64).reshape(-1, 2)

    def load(self, index: int) -> NDArray[Any]:
        top, left = (int(v) for v in self.corners[index])
        self.loaded.append((top, left))
        part = self.array[top : top + self.shape[0], left : left + self.shape[1]]
        tile = np.full((*self.shape, *self.array.shape[2:]), 7, dtype=self.array.dtype)
        tile[: part.shape[0], : part.shape[1]] = part
        return tile

    def frame(self, number: int) -> Frame:
        raise NotImplementedError


def matrix(array: NDArray[Any], tile: tuple[int, int], **fields: Any) -> tuple[Frame, ArrayTiles]:
    tiles = ArrayTiles(array, tile, fields.pop("absent", frozenset()))

    def whole() -> NDArray[Any]:
        raise AssertionError("the whole matrix must not be loaded")

    shape = (array.shape[0], array.shape[1])
    return Frame(whole, shape, tiles=tiles, number=0, **fields), tiles


def counted(frame: Frame, spans: Spans) -> Any:
    part = rasterized([Part(frame, None)], Settings())[0]
    return count_pixels([type(part)(part.frame, None, spans)], Settings())


@given(
    st.integers(1, 40),
    st.integers(1, 50),
    st.integers(1, 13),
    st.integers(1, 17),
    st.integers(0, 2**32 - 1),
)
def test_counting_by_tiles_is_counting_at_once(
    rows: int, columns: int, tall: int, wide: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    array = random.integers(0, 9, (rows, columns), dtype=np.uint8)
    mask = random.random((rows, columns)) < 0.2
    frame, tiles = matrix(array, (tall, wide))
    spans = Spans.from_mask(mask)
    found = counted(frame, spans)
    expected = summarize(spans, array)
    assert found.statistics.values.tolist() == expected.values.tolist()
    assert found.statistics.counts.tolist() == expected.counts.tolist()
    assert not found.missing
    touched = {(r // tall * tall, c // wide * wide) for r, c in zip(*np.nonzero(mask), strict=True)}
    assert sorted(tiles.loaded) == sorted(touched)


def test_pixels_of_tiles_that_are_not_stored_are_excluded_and_flagged() -> None:
    array = np.arange(20 * 30, dtype=np.int16).reshape(20, 30)
    frame, _ = matrix(array, (8, 11), absent=frozenset({(8, 11)}), instance="1.2")
    region = Region(Polygon([[2, 2], [28, 2], [28, 18], [2, 18]]), Target(instance="1.2"))
    slices = rasterized([Part(frame, region.shape)], Settings())
    result = assembled_result(region, slices, {}, None, [], Settings())
    inside = np.zeros(array.shape, dtype=bool)
    inside[2:18, 2:28] = True
    stored = np.ones(array.shape, dtype=bool)
    stored[8:16, 11:22] = False
    assert result.get("count") == (inside & stored).sum()
    assert result.get("excluded") == (inside & ~stored).sum() == 88
    assert result.get("mean") == pytest.approx(array[inside & stored].mean(), rel=1e-14)
    assert "missing-tiles" in result.flags
    assert "padding-inside" not in result.flags


def test_reading_a_part_takes_only_its_tiles_and_leaves_nan_where_there_is_none() -> None:
    array = np.arange(50 * 70).reshape(50, 70)
    frame, tiles = matrix(array, (16, 9), absent=frozenset({(16, 18)}), value_map=LinearMap(2, 1))
    part = frame.read((10, 30), (12, 25))
    expected = array[10:30, 12:25] * 2.0 + 1
    expected[6:22, 6:13] = np.nan
    np.testing.assert_array_equal(part, expected)
    assert set(tiles.loaded) == {(0, 9), (0, 18), (16, 9)}


def test_a_part_that_is_too_large_to_hold_is_refused() -> None:
    huge, _ = matrix(np.empty((1, 1)), (1, 1), instance="1.2.3")
    frame = Frame(huge.load, (100_000, 100_000), tiles=huge.tiles, instance="1.2.3", number=0)
    with pytest.raises(DicomError, match=r"1\.2\.3: 100000 x 100000 pixels are too many"):
        _ = frame.pixels


def test_blocks_come_in_order_and_not_too_many_are_held() -> None:
    held, most, lock = 0, 0, threading.Lock()

    def load() -> NDArray[Any]:
        nonlocal held, most
        with lock:
            held += 1
            most = max(most, held)
        return np.zeros((1, 1))

    frame = Frame.from_array([[0]])
    blocks = [Block(frame, Spans.full((1, 1)), load, 40 * 2**20) for _ in range(30)]
    seen = []
    for block, _ in read_ahead(blocks):
        with lock:
            held -= 1
        seen.append(block)
    assert seen == blocks
    assert most <= 4  # 3 x 40 MiB fit into the limit of 128 MiB; one more is being handed over


def test_a_tile_that_cannot_be_decoded_raises_where_it_is_reached() -> None:
    def fail() -> NDArray[Any]:
        raise DicomError("1.2", "broken")

    frame = Frame.from_array([[1]])
    good = Block(frame, Spans.full((1, 1)), frame.load, 8)
    reading = read_ahead([good, Block(frame, Spans.full((1, 1)), fail, 8), good])
    assert next(reading)[0] is good
    with pytest.raises(DicomError, match="broken"):
        next(reading)


def test_an_empty_region_reads_nothing() -> None:
    frame, _ = matrix(np.zeros((4, 4)), (2, 2))
    assert list(blocks_under(frame, Spans.empty((4, 4)))) == []


def colour(seed: int = 3) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (20, 33, 3), dtype=np.uint8)


@pytest.mark.parametrize("tiled", [False, True])
def test_every_channel_has_statistics_of_its_own(tiled: bool) -> None:
    array = colour()
    plane = Plane((20, 33), [0, 0, 0], np.array([[0.5, 0], [0, 2], [0, 0]]))
    fields: dict[str, Any] = {"channels": RGB, "plane": plane, "highest": 255.0}
    frame = matrix(array, (6, 7), **fields)[0] if tiled else Frame.from_array(array, **fields)
    shape = Ellipse.circle((15.0, 10.0), 6.0)
    settings = Settings(estimators=True, bounds=True)
    slices = rasterized([Part(frame, shape)], settings)
    region = Region(shape, Target())
    result = assembled_result(region, slices, {}, None, [], settings, (None, False, True))
    mask = rasterize(shape, frame.shape).to_mask()
    assert result.channels == RGB
    assert result.get("count") == mask.sum()
    assert result.get("mean") is None
    record = result.to_dict()
    for index, name in enumerate(RGB):
        values = array[..., index][mask]
        assert result.get("mean", name) == pytest.approx(values.mean(), rel=1e-14)
        assert record[f"max_{name}"] == values.max()
        assert record[f"mean_core_{name}"] is not None
        assert record[f"mean_{name}_low"] <= record[f"mean_{name}"] <= record[f"mean_{name}_high"]
    assert "count_red" not in record
    low, high = record["count_low"], record["count_high"]
    assert low < record["count"] < high  # of pixels, whatever their colour


def test_channels_are_frames_of_their_own() -> None:
    frame = Frame.from_array(colour(), channels=RGB)
    np.testing.assert_array_equal(frame.as_channel("green").pixels, colour()[..., 1])
    assert frame.as_channel("green").channels == ()
    with pytest.raises(GeometryError, match="expected one of"):
        frame.as_channel("alpha")


def test_a_picture_of_a_matrix_shows_the_part_with_the_region_in_its_colours() -> None:
    array = np.zeros((3000, 5000, 3), dtype=np.uint8)
    array[...] = (200, 30, 60)
    frame, tiles = matrix(array, (256, 256), channels=RGB, highest=255.0)
    picture = render(frame, Ellipse.circle((4000.0, 2500.0), 50.0))
    assert len(tiles.loaded) <= 4  # a box of 228 pixels around the circle
    assert max(picture.shape) < 1500
    assert (picture == (200, 30, 60)).all(axis=2).mean() > 0.3
    large = render(frame, Ellipse.circle((2500.0, 1500.0), 1400.0))
    assert (large == (200, 30, 60)).all(axis=2).mean() > 0.2


def test_a_window_follows_its_values_into_another_quantity() -> None:
    frame = Frame.from_array(
        [[0, 100]],
        value_map=LinearMap(2, -10),
        value="rescaled",
        window=Window(40.0, 20.0),
        quantities=(Quantity("suvbw", LinearMap(0.5, 0), "g/ml{SUVbw}"),),
    )
    other = frame.as_value("suvbw")
    assert other.pixels.tolist() == [[0.0, 50.0]]
    assert other.window is not None
    # 40 is stored value 25, which is 12.5; a width of 20 is 10 stored values, which is 5
    assert (other.window.center, other.window.width) == (12.5, 5.0)
    with pytest.raises(DicomError, match="no suvlbm values: the image does not state it"):
        frame.as_value("suvlbm")


def test_pictures_of_slides_carry_no_directions_of_the_patient() -> None:
    array = colour()
    plane = Plane((20, 33), [0, 0, 0], np.array([[0.5, 0], [0, 0.5], [0, 0]]))
    spacings = Spacing(0.5, 0.5, "slide"), Spacing(0.5, 0.5, "patient")
    frames = [
        matrix(array, (6, 7), channels=RGB, plane=plane, spacing=spacing)[0] for spacing in spacings
    ]
    heights = [render(frame, Ellipse.circle((15, 10), 6)).shape[0] for frame in frames]
    assert heights[0] < heights[1]  # no room is left for letters


@given(st.integers(2, 9), st.integers(0, 2**32 - 1))
def test_reduced_weights_are_the_means_of_blocks(factor: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    coverage = np.where(random.random((23, 31)) < 0.4, random.choice([0.25, 1.0], (23, 31)), 0.0)
    row, column = np.nonzero(coverage)
    spans = Spans(row, column, column + 1, coverage[row, column], coverage.shape)
    box = (2, 21, 3, 31)
    found = reduced_spans(spans, box, factor).to_coverage()
    part = coverage[2:21, 3:31]
    for (i, j), value in np.ndenumerate(found):
        block = part[i * factor : (i + 1) * factor, j * factor : (j + 1) * factor]
        assert value == pytest.approx(block.mean(), abs=1e-12)
