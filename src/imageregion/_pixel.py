"""Where the centre of a pixel lies: the only place in the code that says so.

Pixel coordinates count from the outer corner of the first pixel (DICOM PS3.3 C.18.6, FHIR
``imageRegion2D``), so pixel (k, l) reaches from k to k + 1 and from l to l + 1. Image Position
(Patient), the rule that a pixel counts when its centre lies inside, and libraries that number
pixels from their centres, all speak of the centre. Whoever goes from one to the other does it with
this number; a test looks through the code for others.
"""

from __future__ import annotations

from typing import Final

__all__ = ["CENTER"]

CENTER: Final = 0.5
"""From the outer corner of a pixel to its centre, along columns and along rows."""
