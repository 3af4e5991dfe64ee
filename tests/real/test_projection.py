"""Projections: what is at the detector stays in pixels, what is estimated says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import imageregion as ir
from imageregion.shapes import Polyline
from imageregion.sizing import scale_of, shape_sizes


def about(value: Any, **tolerance: Any) -> Any:
    return pytest.approx(value, **tolerance)


LINE = Polyline([[10, 10], [40, 50]])  # 50 square pixels


@pytest.mark.parametrize(
    ("name", "spacing"),
    [
        ("projection/CR-ModalitySequenceLUT.dcm", (0.15, 0.15)),
        ("projection/CR_Monochrome1-Jpeg.dcm", (0.175, 0.175)),
        ("highdicom_test_files/dx_image.dcm", (1.2, 1.201199999999)),
    ],
)
def test_uncalibrated_projections_are_measured_in_pixels(
    shared_data: Path, name: str, spacing: tuple[float, float]
) -> None:
    (frame,) = ir.open_images(shared_data / name).frames
    assert frame.plane is None
    assert frame.spacing == ir.Spacing(*spacing, source="detector")
    rows, columns = spacing
    sizes, _ = shape_sizes(LINE, scale := scale_of(LINE, frame))
    in_columns = (30**2 + (40 * rows / columns) ** 2) ** 0.5
    assert sizes == {"length": (about(in_columns, rel=1e-12), "{pixels}")}
    assert scale.flags == ("uncalibrated",)
    sizes, _ = shape_sizes(LINE, scale := scale_of(LINE, frame, uncalibrated=True))
    assert sizes == {"length": (about(in_columns * columns, rel=1e-12), "mm")}
    assert scale.flags == ("detector-spacing",)


def test_a_mammogram_states_its_magnification(shared_data: Path) -> None:
    """Estimated factor 1; only ImagerPixelSpacing, no PixelSpacing."""
    (frame,) = ir.open_images(shared_data / "projection" / "GH133.dcm").frames
    assert frame.spacing == ir.Spacing(0.09409090909091, 0.09409090909091, "estimated")
    sizes, _ = shape_sizes(LINE, scale := scale_of(LINE, frame))
    assert sizes == {"length": (about(50 * 0.09409090909091), "mm")}
    assert (scale.source, scale.flags) == ("estimated", ("estimated-spacing",))


def test_a_radiograph_without_spacing_says_so(shared_data: Path) -> None:
    (frame,) = ir.open_images(shared_data / "pydicom_data_sel" / "RG3_J2KR.dcm").frames
    assert frame.spacing is None
    assert scale_of(LINE, frame).flags == ("no-spacing",)
