"""A selection with every region type on a CT slice that comes inside the pydicom wheel.

The image is a 5 mm slice through a thoracic vertebra, 128 x 128 pixels of 0.66 mm.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from imageregion.errors import InputError

__all__ = ["demo_image", "demo_selection"]


def demo_selection() -> bytes:
    """Return the FHIR R5 ImagingSelection as JSON text."""
    return files(__name__).joinpath("selection.json").read_bytes()


def demo_image() -> Path:
    """Return the path of the CT slice.

    Raises
    ------
    InputError
        When this installation of pydicom comes without its sample files.
    """
    from pydicom.data import get_testdata_file

    try:
        found = get_testdata_file("CT_small.dcm", download=False)
    except (OSError, ValueError):
        found = None
    if not isinstance(found, str):
        raise InputError("CT_small.dcm: expected inside the installed pydicom package, not found")
    return Path(found)
