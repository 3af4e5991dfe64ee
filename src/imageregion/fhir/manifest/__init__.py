"""STU3 ImagingManifest: to ImagingSelections, one per study and series, and back."""

from __future__ import annotations

from imageregion.fhir.manifest.reading import Piece, read_pieces, to_selections
from imageregion.fhir.manifest.writing import from_selections

__all__ = ["Piece", "from_selections", "read_pieces", "to_selections"]
