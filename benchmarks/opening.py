"""From a folder of slices to what is known about them, without touching a pixel.

The slices are copies of one real CT header with positions of their own; their pixels are holes in
the files, which take no room on the disk.
"""

from __future__ import annotations

import atexit
import os
import shutil
import struct
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import pydicom
from pydicom.data import get_testdata_file

import imageregion as ir
from benchmarks.task import REFERENCE, Library, Task

__all__ = ["OPENING", "TASKS"]

COUNT = 1_000
SIZE = 512
AGE = 3_600  # seconds since the files were written, so that an index trusts their time

Facts = dict[str, tuple[Any, ...]]
"""UID -> rows, columns, position, orientation, spacing, slope and intercept."""


@cache
def study() -> Path:
    """Write the slices into a folder that lives as long as this process."""
    folder = Path(tempfile.mkdtemp(prefix="imageregion-opening-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "slices").mkdir()
    dataset = pydicom.dcmread(str(get_testdata_file("CT_small.dcm", download=False)))
    dataset.Rows = dataset.Columns = SIZE
    dataset.PixelData = b"\0\0"
    for number in range(COUNT):
        dataset.SOPInstanceUID = f"1.2.826.0.1.3680043.8.498.{number + 1}"
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.ImagePositionPatient = [-158.1, -179.0, round(-75.7 + 1.25 * number, 2)]
        write(dataset, folder / "slices" / f"{number:04}.dcm")
    return folder / "slices"


def write(dataset: pydicom.Dataset, path: Path) -> None:
    """Write a header; pixels of the right length follow as a hole."""
    content = BytesIO()
    dataset.save_as(content)
    header = content.getvalue()
    end = header.rindex(b"\xe0\x7f\x10\x00OW\0\0") + 8
    length = 2 * SIZE * SIZE
    with path.open("wb") as file:
        file.write(header[:end] + struct.pack("<L", length))
        file.truncate(end + 4 + length)
    then = path.stat().st_mtime - AGE
    os.utime(path, (then, then))


def by_imageregion(folder: Path) -> ir.Images:
    return ir.open_images(folder, progress=False)


def by_index(folder: Path) -> ir.Images:
    return ir.open_images(folder, progress=False, index=folder.parent / "index")


def by_pydicom(folder: Path) -> list[pydicom.Dataset]:
    return [pydicom.dcmread(path, stop_before_pixels=True) for path in sorted(folder.iterdir())]


def facts_of_images(images: ir.Images) -> Facts:
    return {frame.instance: facts(frame) for frame in images.frames}


def facts(frame: ir.Frame) -> tuple[Any, ...]:
    assert frame.plane is not None
    rescaled = frame.as_value("rescaled") if frame.value != "rescaled" else frame
    assert isinstance(rescaled.value_map, ir.LinearMap)
    spacing = frame.plane.spacing
    across, down = frame.plane.axes.T
    cosines = (*(across / spacing[1]), *(down / spacing[0]))
    slope, intercept = rescaled.value_map.slope, rescaled.value_map.intercept
    return (*frame.shape, *frame.plane.origin, *cosines, *spacing, slope, intercept)


def facts_of_datasets(datasets: Sequence[pydicom.Dataset]) -> Facts:
    return {
        str(each.SOPInstanceUID): (
            *(each.Rows, each.Columns),
            *map(float, each.ImagePositionPatient),
            *map(float, each.ImageOrientationPatient),
            *map(float, each.PixelSpacing),
            *(float(each.RescaleSlope), float(each.RescaleIntercept)),
        )
        for each in datasets
    }


def same_facts(_: Path, mine: Facts, other: Facts) -> None:
    assert len(mine) == COUNT
    assert mine.keys() == other.keys()
    for uid, numbers in mine.items():
        pairs = zip(numbers, other[uid], strict=True)
        assert all(abs(a - b) <= 1e-12 * max(1.0, abs(b)) for a, b in pairs), uid  # cosines divided


def library(run: Callable[[Path], Any], module: str, finish: Any, note: str) -> Library:
    return Library(run, module, same_facts, finish=finish, note=note)


OPENING = {
    REFERENCE: library(
        by_imageregion, "imageregion", facts_of_images,
        "planes, values and units are settled, series sorted",
    ),
    f"{REFERENCE}, with an index": library(
        by_index, "imageregion", facts_of_images,
        "the same; no file is read, each is checked for its size and time",
    ),
    "pydicom": library(
        by_pydicom, "pydicom", facts_of_datasets,
        "`dcmread(path, stop_before_pixels=True)` in a loop; no value is converted yet",
    ),
}  # fmt: skip

TASKS = {
    "open 1,000 slices": Task(
        study,
        OPENING,
        f"A folder of {COUNT:,} CT slices of {SIZE} x {SIZE} pixels whose headers of 6 kB are in "
        "the file cache. No pixel is read.",
    ),
}
