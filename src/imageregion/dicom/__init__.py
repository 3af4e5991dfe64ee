"""DICOM in: which images there are, where they lie in the patient, and their pixels on demand."""

from __future__ import annotations

from imageregion.dicom.images import Images
from imageregion.dicom.opening import open_images

__all__ = ["Images", "open_images"]
