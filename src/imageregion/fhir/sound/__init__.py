"""A resource as it was read, made valid: what cannot be kept says that it is missing, and why.

`read_selection` works around faults; a Bundle that is sent on must hold none. Elements keep their
places, so that every FHIRPath stays right. A malformed value is replaced by the extension
data-absent-reason with code "error", an unknown element is taken out, and each has its issue. A
contained resource that is malformed is left out, and references to it keep what they say besides.
"""

from __future__ import annotations

from imageregion.fhir.sound.repairing import sound_resource

__all__ = ["sound_resource"]
