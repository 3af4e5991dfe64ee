"""Comparing the same images from a folder and from a server."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
from pydicom import Dataset

from imageregion import Frame, Images, Selection, measure, read_selection
from imageregion.errors import DicomError
from imageregion.plane import Plane
from imageregion.quantities import RealWorldMap, TableMap

_APART = {"load", "tiles", "lossy"}


def assert_same_images(one: Images, two: Images, *, pixels: bool = True) -> None:
    """Every field of every frame is equal, pixels bit for bit."""
    assert len(one) == len(two)
    for a, b in zip(one.frames, two.frames, strict=True):
        for name in (field.name for field in fields(Frame) if field.name not in _APART):
            assert _plain(getattr(a, name)) == _plain(getattr(b, name)), name
        if not pixels:
            continue
        first, second = _stored(a), _stored(b)
        if isinstance(first, str):
            assert first == second
            continue
        assert not isinstance(second, str), second
        assert first.dtype == second.dtype
        assert first.tobytes() == second.tobytes()
        assert a.is_lossy == b.is_lossy


def _stored(frame: Frame) -> Any:
    """Stored values, or why there are none."""
    try:
        return frame.stored
    except DicomError as error:
        return error.message


def _plain(value: Any) -> Any:
    """Return something that can be compared."""
    if isinstance(value, Plane):
        return value.shape, value.origin.tolist(), value.axes.tolist()
    if isinstance(value, TableMap):
        return value.first, value.table.tolist()
    if isinstance(value, RealWorldMap):
        return value.first, value.last, _plain(value.inner)
    if hasattr(value, "value_map"):
        return value.name, value.unit, _plain(value.value_map)
    if isinstance(value, tuple):
        return tuple(map(_plain, value))
    if hasattr(value, "table") and hasattr(value, "center"):  # a window
        return value.center, value.width, value.function, _plain(value.table)
    return value


def selection_of(dataset: Dataset, frame: int = 0, **changes: Any) -> Selection:
    """A disc and a line in the middle of an image, or of one of its frames."""
    rows, columns = dataset.Rows, dataset.Columns
    c, r, radius = columns / 2 + 0.3, rows / 2 - 0.2, min(rows, columns) / 4
    instance = {
        "uid": str(dataset.SOPInstanceUID),
        "imageRegion2D": [
            {"regionType": "circle", "coordinate": [c, r, c + radius, r]},
            {"regionType": "polyline", "coordinate": [1, 1, c, r]},
        ],
    } | ({"subset": [str(frame)]} if frame else {})
    return read_selection(
        {
            "resourceType": "ImagingSelection",
            "status": "available",
            "code": {"text": "test"},
            "studyUid": str(dataset.StudyInstanceUID),
            "seriesUid": str(dataset.SeriesInstanceUID),
            "instance": [instance],
            **changes,
        }
    )


def assert_same_measurement(selection: Selection, one: Any, two: Any, **options: Any) -> Images:
    """All that a report says is equal, flags and issues about the images included."""
    from imageregion.access import open_images

    images = two if isinstance(two, Images) else open_images(two, selection=selection)
    by_folder = measure(selection, one, **options)
    by_server = measure(selection, images, **options)
    assert by_folder.to_dict()["measurements"] == by_server.to_dict()["measurements"]
    assert any(result.measurements for result in by_server.results)
    return images


def middle(array: Any) -> float:
    """Any number that depends on all pixels."""
    return float(np.asarray(array, dtype=np.float64).mean())
