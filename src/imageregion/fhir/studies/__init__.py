"""ImagingStudy and Endpoint of STU3, R4, R4B, R5 and R6: what exists, where, and how to get it."""

from __future__ import annotations

from imageregion.fhir.studies.effective import effective_endpoints, endpoints_of_selection
from imageregion.fhir.studies.endpoints import read_endpoint
from imageregion.fhir.studies.reading import read_studies, read_study
from imageregion.fhir.studies.values import (
    IHE_IID,
    NOT_LOADED,
    RELEASES,
    WADO_RS,
    WADO_URI,
    Endpoint,
    InstanceEntry,
    Release,
    SeriesEntry,
    Study,
)

__all__ = [
    "IHE_IID",
    "NOT_LOADED",
    "RELEASES",
    "WADO_RS",
    "WADO_URI",
    "Endpoint",
    "InstanceEntry",
    "Release",
    "SeriesEntry",
    "Study",
    "effective_endpoints",
    "endpoints_of_selection",
    "read_endpoint",
    "read_studies",
    "read_study",
]
