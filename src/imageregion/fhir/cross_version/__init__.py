"""ImagingSelection in FHIR R4 and R4B: a Basic with the cross-version extensions of HL7.

Source: HL7 package hl7.fhir.uv.xver-r5.r4 (and -r5.r4b) 0.1.0, "Extensions for Using Data Elements
from FHIR R5 in FHIR R4". What Basic has, stands there: meta, text, contained, identifier, subject.
Every other element is an extension ``extension-ImagingSelection.<element>``, the ones below it have
relative URLs (``uid``, ``coordinate``); status, which changes the meaning of the rest, is a
modifier extension. Earlier drafts of the package held everything in one extension
``extension-ImagingSelection``, with relative or with full URLs inside; these are read, too.
"""

from __future__ import annotations

from imageregion.fhir.cross_version.contained import contained_to_r4b
from imageregion.fhir.cross_version.derivation import DERIVED_FROM, derived_from
from imageregion.fhir.cross_version.naming import EXTENSION, PROFILE, is_selection
from imageregion.fhir.cross_version.reading import from_basic
from imageregion.fhir.cross_version.writing import to_basic

__all__ = [
    "DERIVED_FROM",
    "EXTENSION",
    "PROFILE",
    "contained_to_r4b",
    "derived_from",
    "from_basic",
    "is_selection",
    "to_basic",
]
