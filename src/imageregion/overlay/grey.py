"""Shades of grey: real values through the display window of the image (DICOM PS3.3 C.11.2)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imageregion._arrays import FloatArray
from imageregion.frame import Frame, Window

__all__ = ["display_values"]

_SAMPLES = 1 << 21  # values that percentiles are taken from; more would only cost time
_EXPONENT = 700.0  # exp() of more overflows; the sigmoid is 0 or 1 long before


def display_values(frame: Frame) -> NDArray[np.uint8]:
    """Return the frame as it is meant to be seen.

    The VOI LUT or window of the frame is applied as DICOM PS3.3 C.11.2.1 writes it. A frame
    without a usable window is stretched between the 1st and 99th percentile of its values, or
    between lowest and highest where these agree; a constant frame is black. MONOCHROME1 frames
    (`Frame.inverted`) show low values white. Padding and NaN are black in either case. Colours
    are shown as they are, on the scale of the samples.

    Parameters
    ----------
    frame : Frame

    Returns
    -------
    ndarray of uint8, shape (rows, columns), or (rows, columns, channels)
        0 black to 255 white.

    Examples
    --------
    >>> frame = Frame.from_array([[0, 50, 100]], window=Window(50, 100, "LINEAR_EXACT"))
    >>> display_values(frame).tolist()
    [[0, 128, 255]]
    """
    values = frame.pixels
    absent = np.isnan(values)
    values[absent] = 0.0
    if frame.channels:
        top = frame.highest or max(float(values.max(initial=0.0)), 1.0)
        return np.rint(np.clip(values / top, 0.0, 1.0) * 255.0).astype(np.uint8)
    if _is_usable(frame.window):
        grey = apply_window(values, frame.window)
    else:
        grey = _stretch(values, *_robust_range(values, absent))
    if frame.inverted:
        grey = 1.0 - grey
    grey[absent] = 0.0
    grey *= 255.0
    return np.rint(grey, out=grey).astype(np.uint8)


def _is_usable(window: Window | None) -> bool:
    if window is None:
        return False
    return window.table is not None or bool(
        np.isfinite([window.center, window.width]).all() and window.width > 0
    )


def apply_window(values: FloatArray, window: Window | None) -> FloatArray:
    """Map real values to 0..1 (DICOM PS3.3 C.11.2.1.1 to C.11.2.1.3).

    A LINEAR window narrower than 1, which the standard forbids, is taken as LINEAR_EXACT.
    """
    assert window is not None  # noqa: S101  (callers ask _is_usable first)
    if window.table is not None:
        index = np.rint(np.clip(values, -(2.0**53), 2.0**53))
        return np.clip(window.table(index), 0.0, 1.0)
    center, width = window.center, window.width
    if window.function == "SIGMOID":
        steepness = np.clip(-4.0 * (values - center) / width, -_EXPONENT, _EXPONENT)
        return np.asarray(1.0 / (1.0 + np.exp(steepness)))
    if window.function == "LINEAR" and width >= 1.0:
        center, width = center - 0.5, width - 1.0
    return _stretch(values, center - width / 2, center + width / 2)


def _stretch(values: FloatArray, low: float, high: float) -> FloatArray:
    """Map low..high linearly to 0..1; everything up to `low` is 0, all above `high` is 1."""
    if not high > low:
        return (values > low).astype(np.float64)
    grey = values - low
    grey /= high - low
    return np.clip(grey, 0.0, 1.0, out=grey)


def _robust_range(values: FloatArray, absent: NDArray[np.bool_]) -> tuple[float, float]:
    every = -(-values.size // _SAMPLES)
    sample = values.reshape(-1)[::every]
    sample = sample[~absent.reshape(-1)[::every] & np.isfinite(sample)]
    if sample.size:
        low, high = (float(v) for v in np.percentile(sample, (1.0, 99.0)))
        if high > low:
            return low, high
    known = values[~absent & np.isfinite(values)]
    return (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
