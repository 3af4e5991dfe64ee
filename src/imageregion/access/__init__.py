"""Access: images wherever they are, in files and folders or on DICOMweb servers."""

from __future__ import annotations

from imageregion.access.opening import open_images, survey_images

__all__ = ["open_images", "survey_images"]
