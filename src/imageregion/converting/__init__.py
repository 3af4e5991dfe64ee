"""Converting selections to other forms of FHIR and to GeoJSON, losses listed."""

from __future__ import annotations

from imageregion.converting.conversion import Converted, TargetForm, convert_selection
from imageregion.converting.documents import read_all

__all__ = ["Converted", "TargetForm", "convert_selection", "read_all"]
