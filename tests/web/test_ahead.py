"""Frames of several slices are fetched at the same time, with the same numbers as one by one."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from pydicom import Dataset
from tests.pacs import Handler, Pacs, slices

from imageregion import Frame, Selection, measure, read_selection
from imageregion.access import open_images
from imageregion.blocks import Block, blocks_under, load_ahead
from imageregion.dicom.opening import open_images as open_files
from imageregion.errors import DicomError
from imageregion.spans import Spans

AT_ONCE = 8
PATIENCE = 5.0  # seconds until a test fails that waits for requests which never come
COUNT = 20


class Crowd:
    """Holds answers back until several requests are there; counts how many there were at most."""

    def __init__(self, wanted: int) -> None:
        self.wanted, self.peak, self._here = wanted, 0, 0
        self._changed = threading.Condition()

    def __call__(self, handler: Handler) -> bool:
        with self._changed:
            self._here += 1
            self.peak = max(self.peak, self._here)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self.peak >= self.wanted, PATIENCE)
            self._here -= 1
        return False


@pytest.fixture
def server() -> Iterator[Pacs]:
    with Pacs() as pacs:
        pacs.add(*slices(COUNT))
        yield pacs


def discs(numbers: list[int]) -> Selection:
    """Return a disc on each of some slices."""
    region = {"regionType": "circle", "coordinate": [5, 4, 7, 4]}
    return selection([{"uid": f"1.2.3.{n}", "imageRegion2D": [region]} for n in numbers])


def ball() -> Selection:
    """Return an ellipsoid through all slices."""
    z, r = 3.0 * (COUNT - 1) / 2, 3.0 * COUNT / 2
    at = [-10, 27, z, -7, 27, z, -8.5, 22, z, -8.5, 32, z, -8.5, 27, z - r, -8.5, 27, z + r]
    region = {"regionType": "ellipsoid", "coordinate": at}
    return selection([{"uid": "1.2.3.1", "imageRegion3D": [region]}])


def selection(instances: list[dict[str, Any]]) -> Selection:
    return read_selection(
        {
            "resourceType": "ImagingSelection",
            "status": "available",
            "code": {"text": "test"},
            "studyUid": "1.2",
            "seriesUid": "1.2.3",
            "frameOfReferenceUid": "1.2.9",
            "instance": instances,
        }
    )


def files(server: Pacs) -> list[Dataset]:
    return list(server.datasets.values())


@pytest.mark.parametrize("make", [lambda: discs(list(range(1, COUNT + 1))), ball])
def test_frames_are_fetched_at_the_same_time(server: Pacs, make: Callable[[], Selection]) -> None:
    crowd, chosen = Crowd(AT_ONCE), make()
    server.rule("/frames/", crowd)
    images = open_images(server.url, selection=chosen)
    by_folder = measure(chosen, files(server), combine=True).to_dict()["measurements"]
    for _ in range(2):  # the second time no frame is fetched again
        assert measure(chosen, images, combine=True).to_dict()["measurements"] == by_folder
    assert crowd.peak == AT_ONCE
    asked = Counter(server.paths("/frames/"))
    assert len(asked) >= COUNT - 2
    assert set(asked.values()) == {1}


def test_only_frames_with_pixels_of_regions(server: Pacs) -> None:
    chosen = discs([3, 3, 7, 3, 9])
    measure(chosen, server.url)
    assert len(server.paths("/frames/")) == 3


@pytest.mark.parametrize("lost", [1, 4, COUNT])
def test_an_error_stays_with_its_region(server: Pacs, lost: int) -> None:
    server.rule(rf"/instances/1\.2\.3\.{lost}(/|$)", lambda handler: handler.give(404))
    chosen = discs(list(range(1, COUNT + 1)))
    report = measure(chosen, server.url)
    told = [issue for issue in report.issues if issue.code == "not-measured"]
    assert [issue.path for issue in told] == [chosen.regions[lost - 1].path]
    assert f"1.2.3.{lost}: " in told[0].message
    assert "HTTP 404" in told[0].message
    by_folder = measure(chosen, files(server))
    for number, (one, two) in enumerate(zip(report.results, by_folder.results, strict=True), 1):
        assert (one.get("mean") == two.get("mean")) is (number != lost)


def test_regions_that_cannot_be_located(server: Pacs) -> None:
    chosen = discs([1, 99, 2, 98])
    report = measure(chosen, server.url)
    assert [bool(result.slices) for result in report.results] == [True, False, True, False]
    assert len(server.paths("/frames/")) == 2


def test_progress_is_told_region_by_region(server: Pacs) -> None:
    chosen, seen = discs([1, 2, 3]), []

    def progress(regions: Any) -> Iterator[Any]:
        for region in regions:
            seen.append(region.path)
            yield region

    assert len(measure(chosen, server.url, progress=progress).results) == 3
    assert seen == [region.path for region in chosen.regions]


# --- the queue -----------------------------------------------------------------------------------


def counted(size: int) -> tuple[Callable[[int], list[Block]], Counter[int]]:
    """Return what gives each item some blocks, and how often each was loaded."""
    loaded: Counter[int] = Counter()
    frame = Frame.from_array(np.zeros((2, 2)))
    spans = Spans.full((2, 2))

    def blocks_of(item: int) -> list[Block]:
        def load() -> Any:
            loaded[item] += 1
            raise DicomError("1.2", "damaged") if item % 3 == 0 else KeyError("never told")

        return [Block(frame, spans, load, size)] * (1 + item % 2)

    return blocks_of, loaded


@pytest.mark.parametrize("size", [1, 2**20, 40 * 2**20])
@pytest.mark.parametrize("count", [0, 1, 5, 300])
def test_a_bounded_number_ahead_in_order(size: int, count: int) -> None:
    blocks_of, loaded = counted(size)
    passed = []
    for item in load_ahead(iter(range(count)), blocks_of):
        passed.append(item)
        ahead = [other for other in list(loaded) if other > item]
        assert len(ahead) <= 65
        assert sum(1 + other % 2 for other in ahead) * size <= 66 * 2**20
    assert passed == list(range(count))
    assert size < 2**25 or not loaded  # blocks too large to be kept are not loaded ahead


def test_leaving_early_ends_it() -> None:
    blocks_of, loaded = counted(1)
    ahead = load_ahead(range(1000), blocks_of)
    assert next(ahead) == 0
    ahead.close()
    assert sum(loaded.values()) <= 66


def test_files_are_not_loaded_ahead(server: Pacs, monkeypatch: pytest.MonkeyPatch) -> None:
    images = open_files(files(server))
    loads: list[int] = []
    original = type(images.frames[0].load).__call__

    def load(self: Any) -> Any:
        loads.append(self.index)
        return original(self)

    monkeypatch.setattr(type(images.frames[0].load), "__call__", load)
    measure(discs([1, 2]), images)
    assert len(loads) == 2
    assert len(list(blocks_under(images.frames[0], Spans.full((8, 10))))) == 1
