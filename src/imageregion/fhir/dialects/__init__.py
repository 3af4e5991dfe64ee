"""Dialects: every published form of an ImagingSelection, recognised and turned into one."""

from __future__ import annotations

from imageregion.fhir.dialects.normalizing import normalize

__all__ = ["normalize"]
