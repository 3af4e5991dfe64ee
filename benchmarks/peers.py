"""One table of tasks and the libraries that do them, for the tests and for the benchmarks.

`tests/test_peers.py` asserts that every library agrees with imageregion; `test_speed.py` and
`report.py` time the very same callables. So nothing is timed that was not checked.
"""

from __future__ import annotations

from functools import partial

from benchmarks.coverage import COVERAGE
from benchmarks.crowds import CIRCLES, NUCLEI, SAMPLE, per_region
from benchmarks.inputs import circles, nuclei, organ, star
from benchmarks.masks import MASKS, SKIMAGE
from benchmarks.opening import TASKS as OPENING
from benchmarks.parsing import PARSING
from benchmarks.planes import BACK, FORTH
from benchmarks.planes import SERIES as POINTS
from benchmarks.task import REFERENCE, Library, Seconds, Task, one_thread
from benchmarks.values import DISTRIBUTION, MOMENTS, ON_COPIES, mean_alone, of_copying

__all__ = ["REFERENCE", "TASKS", "Library", "Seconds", "Task", "one_thread"]

COVERED = "exact coverage and weighted mean"


def covered(vertices: int, size: int) -> Task:
    return Task(
        partial(organ, vertices, size),
        COVERAGE,
        "From a polygon to the exact area it covers of each pixel and the mean of a 16-bit image "
        "weighted by it. Coverage agrees to 2e-7, the mean to 1e-6. exactextract gets its outlines "
        "as WKB, which it reads fastest, and as GeoJSON, as most users have them; its coverage "
        "alone is compared to that of imageregion alone.",
        series=COVERED,
    )


TASKS: dict[str, Task] = {
    "polygon to mask": Task(
        lambda: star(1_000, 512),
        MASKS | {"scikit-image polygon2mask": SKIMAGE},
        "A smooth star of 1,000 vertices on 512 x 512 pixels. imageregion, rasterio and "
        "scikit-image give the same mask, pixel for pixel (the centre rule). OpenCV answers "
        "another question: it rounds the vertices and includes the boundary, here 0.9 % more "
        "pixels.",
    ),
    "large polygon to mask": Task(
        lambda: star(20_000, 4_096),
        MASKS,
        "The same star of 20,000 vertices on 4096 x 4096 pixels. scikit-image is left out, since "
        "it tests every pixel against every edge and would need minutes.",
    ),
    "region statistics": Task(
        organ,
        MOMENTS,
        "Count, mean, standard deviation, minimum and maximum of 77,466 pixels of a 16-bit image. "
        "The first row includes rasterizing the polygon; all others start from a ready mask (or "
        "ready spans) in their own image type, so they do less.",
    ),
    "statistics of a large region": Task(
        lambda: organ(1_000, 4_096),
        MOMENTS | ON_COPIES,
        "The same for 5 million pixels of a 4096 x 4096 image, beside the least that reading "
        "them can cost.",
        remark=of_copying,
    ),
    "all quantiles and moments": Task(
        lambda: organ(1_000, 4_096),
        DISTRIBUTION,
        "The whole distribution of the same 5 million pixels: five statistics and seven quantiles "
        "of it.",
        remark=mean_alone,
    ),
    **{
        f"{COVERED}, {vertices:,} vertices on {size} x {size}": covered(vertices, size)
        for size in (512, 4_096)
        for vertices in (64, 500, 2_000)
    },
    "10,000 circles": Task(
        circles,
        CIRCLES,
        "Circles of radius 5 on a 4096 x 4096 image of 16 bits, ten statistics of each.",
    ),
    "100,000 polygons": Task(
        nuclei,
        NUCLEI,
        "Outlines of 20 vertices, some 10 pixels wide, on a 4096 x 4096 image of 16 bits. "
        f"rasterio and exactextract work on the first {SAMPLE:,}; their times are scaled up.",
        remark=per_region,
    ),
    **PARSING,
    f"{POINTS}, to the patient": FORTH,
    f"{POINTS}, to pixels": BACK,
    **OPENING,
}
"""Task name -> what to do and who does it."""
