"""Pixel sizes: what a region measures on pixels of another size than they have."""

from __future__ import annotations

from collections.abc import Iterator

from imageregion.auditing.hypothesis import Assumption, Make, measured_numbers
from imageregion.auditing.subjects import Numbers, Subject
from imageregion.errors import ImageRegionError
from imageregion.sizing import Scale, scale_of, shape_sizes

__all__ = ["other_sizes"]


def other_sizes(subject: Subject) -> Iterator[Assumption]:
    """Yield sizes on pixels of another size; of flat regions on one image only."""
    parts = subject.located.parts
    if len(parts) != 1 or parts[0].shape is None:
        return
    scale = _scale(subject)
    if scale is None:
        return
    rows, columns = scale.rows, scale.columns
    choices = [("ignored", "sizes were counted in pixels, not mm", Scale())]
    if scale.is_anisotropic:
        choices += [
            (
                "swapped",
                "the distances between rows and between columns were swapped",
                Scale("mm", columns, rows),
            ),
            (
                "rows",
                f"pixels were {rows:.6g} mm wide, as the distance between rows is",
                Scale("mm", rows, rows),
            ),
            (
                "columns",
                f"pixels were {columns:.6g} mm high, as the distance between columns is",
                Scale("mm", columns, columns),
            ),
        ]
    for name, sentence, other in choices:
        yield Assumption(f"spacing:{name}", sentence, 0, _rescaled(subject, scale, other))


def _scale(subject: Subject) -> Scale | None:
    """Return the scale in mm of a flat region on one image, None where there is none."""
    part = subject.located.parts[0]
    try:
        scale = scale_of(part.shape, part.frame, subject.settings.uncalibrated)
    except ImageRegionError:
        return None
    return scale if scale.unit == "mm" and scale.rows and scale.columns else None


def _rescaled(subject: Subject, scale: Scale, other: Scale) -> Make:
    shape = subject.located.parts[0].shape

    def make(pixels: bool) -> Numbers:
        sizes, _ = shape_sizes(shape, other)
        found = {(c, ""): (v, u) for c, (v, u) in sizes.items() if v is not None}
        if pixels:
            area = measured_numbers(subject).get(("counted_area", ""))
            if area is not None:
                ratio = other.pixel_area / scale.pixel_area
                found["counted_area", ""] = (area[0] * ratio, other.power("2"))
        return found

    return make
