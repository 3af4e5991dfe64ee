"""One table of tasks and the libraries that do them, for the tests and for the benchmarks.

`tests/test_peers.py` asserts that every library agrees with imageregion; `test_speed.py` and
`report.py` time the very same callables. So nothing is timed that was not checked.

Every library gets its input in the form it likes best, made beforehand by `prepare` and not timed;
imageregion starts from what a user has. Coordinates count from the outer corner of the first
pixel; OpenCV and scikit-image count from its centre, so their vertices are shifted by -0.5.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

import imageregion as ir
from benchmarks.agreement import (
    Statistics,
    same_centres,
    same_coordinates,
    same_statistics,
    same_up_to_the_boundary,
)
from benchmarks.inputs import FloatArray, Mask, Organ, Outline, organ, selection_json, star

REFERENCE = "imageregion"


@dataclass(frozen=True)
class Library:
    """How one library does a task.

    Parameters
    ----------
    run : callable
        From what `prepare` returns to the result. This is what gets timed.
    module : str
        What must be installed.
    agree : callable
        Takes (given, result of imageregion, result); raises AssertionError when they disagree.
    prepare : callable
        From the input of the task to the form this library likes best.
    finish : callable
        From the result to the form that `agree` compares; not timed.
    note : str
        What differs from the other libraries, for the reader of the numbers.
    """

    run: Callable[[Any], Any]
    module: str
    agree: Callable[[Any, Any, Any], None]
    prepare: Callable[[Any], Any] = lambda given: given
    finish: Callable[[Any], Any] = lambda result: result
    note: str = ""

    @property
    def missing(self) -> str:
        """Why this library cannot run here; empty when it can."""
        try:
            found = find_spec(self.module)
        except ModuleNotFoundError:
            found = None
        return "" if found else f"{self.module} is not installed"

    @property
    def version(self) -> str:
        """Its name and version."""
        return f"{self.module} {import_module(self.module).__version__}"


@dataclass(frozen=True)
class Task:
    """Something that several libraries can do.

    Parameters
    ----------
    given : callable
        Returns the input that all libraries share.
    libraries : dict of str to Library
        The first is imageregion, whose result is what the others must agree with.
    about : str
        What is done, and what is and is not comparable, in plain words.
    """

    given: Callable[[], Any]
    libraries: dict[str, Library]
    about: str

    def call(self, library: str) -> Callable[[], Any]:
        """Return the call to time: input prepared, nothing left but the work."""
        chosen = self.libraries[library]
        return partial(chosen.run, chosen.prepare(self.given()))

    def result(self, library: str) -> Any:
        """Run a library once and return its result in comparable form."""
        return self.libraries[library].finish(self.call(library)())

    def check(self, library: str) -> None:
        """Raise AssertionError when a library does not agree with imageregion."""
        mine = self.result(REFERENCE)
        self.libraries[library].agree(self.given(), mine, self.result(library))


def one_thread() -> None:
    """Keep the libraries that would use several threads to one."""
    if find_spec("cv2"):
        import cv2

        cv2.setNumThreads(1)
    if find_spec("SimpleITK"):
        import_module("SimpleITK").ProcessObject.SetGlobalDefaultNumberOfThreads(1)


# Polygon to mask ---------------------------------------------------------------------------------


def spans_imageregion(given: Outline) -> ir.Spans:
    return ir.rasterize(ir.Polygon([given.xy]), given.shape)


def mask_imageregion(given: Outline) -> Mask:
    return spans_imageregion(given).to_mask()


def rounded_vertices(given: Outline) -> tuple[NDArray[np.int32], tuple[int, int]]:
    return np.rint(given.xy - 0.5).astype(np.int32), given.shape


def mask_opencv(prepared: tuple[NDArray[np.int32], tuple[int, int]]) -> NDArray[np.uint8]:
    import cv2

    vertices, shape = prepared
    mask = np.zeros(shape, dtype=np.uint8)
    cv2.fillPoly(mask, [vertices], 1)
    return mask


def geojson(given: Outline) -> tuple[dict[str, Any], tuple[int, int]]:
    closed = np.concatenate([given.xy, given.xy[:1]])
    return {"type": "Polygon", "coordinates": [closed.tolist()]}, given.shape


def mask_rasterio(prepared: tuple[dict[str, Any], tuple[int, int]]) -> Any:
    from rasterio.features import rasterize

    geometry, shape = prepared
    return rasterize([(geometry, 1)], out_shape=shape, dtype="uint8")


def row_column_centres(given: Outline) -> tuple[FloatArray, tuple[int, int]]:
    return given.xy[:, ::-1] - 0.5, given.shape


def mask_skimage(prepared: tuple[FloatArray, tuple[int, int]]) -> Any:
    draw: Any = import_module("skimage.draw")
    vertices, shape = prepared
    return draw.polygon2mask(shape, vertices)


def as_mask(result: Any) -> Mask:
    return np.asarray(result).astype(np.bool_)


MASK_LIBRARIES = {
    REFERENCE: Library(mask_imageregion, "imageregion", same_centres),
    "imageregion, spans only": Library(
        spans_imageregion,
        "imageregion",
        same_centres,
        finish=lambda spans: spans.to_mask(),
        note="the pixels as runs, which is all that statistics and overlays need",
    ),
    "OpenCV fillPoly": Library(
        mask_opencv,
        "cv2",
        same_up_to_the_boundary,
        prepare=rounded_vertices,
        finish=as_mask,
        note="another rule: vertices rounded to whole pixels, boundary pixels included",
    ),
    "rasterio rasterize": Library(
        mask_rasterio, "rasterio", same_centres, prepare=geojson, finish=as_mask
    ),
}
SKIMAGE = Library(mask_skimage, "skimage", same_centres, prepare=row_column_centres, finish=as_mask)


# Region statistics -------------------------------------------------------------------------------


def named(count: Any, mean: Any, std: Any, low: Any, high: Any) -> Statistics:
    names = ("count", "mean", "std", "min", "max")
    return dict(zip(names, map(float, (count, mean, std, low, high)), strict=True))


def statistics_of_spans(prepared: tuple[ir.Spans, NDArray[np.int16]]) -> Statistics:
    found = ir.summarize(*prepared)
    numbers = named(found.count, found.mean, found.std, found.min, found.max)
    return numbers | {"median": float(found.median or 0)}


def statistics_imageregion(given: Organ) -> Statistics:
    return statistics_of_spans((spans_imageregion(given.outline), given.pixels))


def ready_spans(given: Organ) -> tuple[ir.Spans, NDArray[np.int16]]:
    return spans_imageregion(given.outline), given.pixels


def statistics_numpy(given: Organ) -> Statistics:
    values = given.pixels[given.mask]
    numbers = named(values.size, values.mean(), values.std(), values.min(), values.max())
    return numbers | {"median": float(np.median(values))}


def bytes_mask(given: Organ) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    return given.pixels, given.mask.astype(np.uint8)


def statistics_opencv(prepared: tuple[NDArray[np.int16], NDArray[np.uint8]]) -> Statistics:
    import cv2

    pixels, mask = prepared
    mean, std = cv2.meanStdDev(pixels, mask=mask)
    low, high, _, _ = cv2.minMaxLoc(pixels, mask=mask)
    return named(cv2.countNonZero(mask), mean[0, 0], std[0, 0], low, high)


def itk_images(given: Organ) -> tuple[Any, Any]:
    make: Any = import_module("SimpleITK").GetImageFromArray
    pixels, mask = bytes_mask(given)
    return make(pixels), make(mask)


def statistics_itk(prepared: tuple[Any, Any]) -> Statistics:
    found: Any = import_module("SimpleITK").LabelStatisticsImageFilter()
    found.UseHistogramsOff()
    found.Execute(*prepared)
    count = found.GetCount(1)
    population = found.GetSigma(1) * np.sqrt((count - 1) / count)  # ITK divides by count - 1
    return named(count, found.GetMean(1), population, found.GetMinimum(1), found.GetMaximum(1))


STATISTICS_LIBRARIES = {
    REFERENCE: Library(
        statistics_imageregion,
        "imageregion",
        same_statistics,
        note="starts from the polygon; the others below start from a ready mask",
    ),
    "imageregion, spans ready": Library(
        statistics_of_spans, "imageregion", same_statistics, prepare=ready_spans
    ),
    "numpy on a mask": Library(statistics_numpy, "numpy", same_statistics),
    "OpenCV meanStdDev, minMaxLoc": Library(
        statistics_opencv, "cv2", same_statistics, prepare=bytes_mask, note="no median"
    ),
    "SimpleITK LabelStatistics": Library(
        statistics_itk,
        "SimpleITK",
        same_statistics,
        prepare=itk_images,
        note="no median: ITK estimates it from a histogram with coarse bins, which is slower still",
    ),
}


# Selection parsing -------------------------------------------------------------------------------


def ring_imageregion(content: bytes) -> FloatArray:
    shape = ir.read_selection(content).regions[0].shape
    assert isinstance(shape, ir.Polygon), shape
    return shape.rings[0]


def ring_fhir_resources(content: bytes) -> FloatArray:
    from fhir.resources.imagingselection import ImagingSelection

    model: Any = ImagingSelection.model_validate_json(content)
    numbers = np.array(model.instance[0].imageRegion2D[0].coordinate, dtype=np.float64)
    return numbers.reshape(-1, 2)


def ring_orjson(content: bytes) -> FloatArray:
    import orjson

    region = orjson.loads(content)["instance"][0]["imageRegion2D"][0]
    return np.array(region["coordinate"], dtype=np.float64).reshape(-1, 2)


def without_last(ring: FloatArray) -> FloatArray:
    """Drop the repeated first vertex, which imageregion does not store."""
    return ring[:-1]


PARSING_LIBRARIES = {
    REFERENCE: Library(ring_imageregion, "imageregion", same_coordinates),
    "fhir.resources + numpy": Library(
        ring_fhir_resources,
        "fhir.resources",
        same_coordinates,
        finish=without_last,
        note="validates the resource, not the geometry; every coordinate becomes a Decimal",
    ),
    "orjson + numpy": Library(
        ring_orjson,
        "orjson",
        same_coordinates,
        finish=without_last,
        note="checks nothing: the least that reading this text can cost",
    ),
}


TASKS: dict[str, Task] = {
    "polygon to mask": Task(
        lambda: star(1_000, 512),
        MASK_LIBRARIES | {"scikit-image polygon2mask": SKIMAGE},
        "A smooth star of 1,000 vertices on 512 x 512 pixels. imageregion, rasterio and "
        "scikit-image give the same mask, pixel for pixel (the centre rule). OpenCV answers "
        "another question: it rounds the vertices and includes the boundary, here 0.9 % more "
        "pixels.",
    ),
    "large polygon to mask": Task(
        lambda: star(20_000, 4_096),
        MASK_LIBRARIES,
        "The same star of 20,000 vertices on 4096 x 4096 pixels. scikit-image is left out, since "
        "it tests every pixel against every edge and would need minutes.",
    ),
    "region statistics": Task(
        organ,
        STATISTICS_LIBRARIES,
        "Count, mean, standard deviation, minimum, maximum and median of 77,466 pixels of a "
        "16-bit image. The first row includes rasterizing the polygon; all others start from a "
        "ready mask (or ready spans) in their own image type, so they do less.",
    ),
    "selection parsing": Task(
        selection_json,
        PARSING_LIBRARIES,
        "From the JSON text of an ImagingSelection with a 5,000-vertex outline to an array. "
        "imageregion validates the resource with fhir.resources too, but keeps the coordinates "
        "away from it, and checks the geometry itself.",
    ),
}
"""Task name -> what to do and who does it."""
