"""Display windows: how an image asks to be shown. No measurement passes through them."""

from __future__ import annotations

from typing import Literal

import numpy as np

from imageregion.dicom.files.headers import Header, items, numbers, text
from imageregion.dicom.real_values.luts import is_signed, lookup_table
from imageregion.errors import DicomError
from imageregion.frame import Window
from imageregion.quantities import TableMap

__all__ = ["window_of"]

_VOI_FUNCTIONS: dict[str, Literal["LINEAR", "LINEAR_EXACT", "SIGMOID"]] = {
    "LINEAR_EXACT": "LINEAR_EXACT",
    "SIGMOID": "SIGMOID",
}


def window_of(header: Header) -> Window | None:
    """Return the display window of an image; None when absent or unusable.

    A VOI LUT goes before window center and width; of several windows the first is taken.
    """
    try:
        return _voi_table(header) or _center_and_width(header)
    except DicomError:
        return None


def _voi_table(header: Header) -> Window | None:
    tables = items(header.dataset, "VOILUTSequence")
    if not tables:
        return None
    intercept = numbers(header.dataset, "RescaleIntercept", header.uid)
    signed = is_signed(header) or any(value < 0 for value in intercept)
    first, table, bits = lookup_table(header, tables[0], signed)
    return Window(table=TableMap(first, np.minimum(table / (2.0**bits - 1), 1.0)))


def _center_and_width(header: Header) -> Window | None:
    centers = numbers(header.dataset, "WindowCenter", header.uid)
    widths = numbers(header.dataset, "WindowWidth", header.uid)
    stated = text(header.dataset, "VOILUTFunction").upper()
    function = _VOI_FUNCTIONS.get(stated, "LINEAR")
    if not centers or not widths or widths[0] <= 0 or (widths[0] < 1 and function == "LINEAR"):
        return None
    return Window(centers[0], widths[0], function)
