"""Writing ImagingSelections: from the one form for all dialects to a published one.

========  ==========================================================================================
form      what goes where
========  ==========================================================================================
r5        3-D regions stand in each instance, or in one without uid; ``modality``, further body
          sites, selectors that ``subset`` cannot say, and types of region go into extensions
r6        3-D regions stand on the resource; where there are 2-D ones, too, in a second resource
          (isl-6); ``subset`` becomes the selector that the SOP Class asks for; further studies and
          Observation UIDs go into extensions
r5-       one region in a resource, so several regions become a Bundle of resources; status,
snapshot1 category, focus, numbers and further body sites go into extensions
========  ==========================================================================================
"""

from __future__ import annotations

from imageregion.fhir.writing.writer import FORMS, Written, write
from imageregion.fhir.writing.xml_text import to_xml

__all__ = ["FORMS", "Written", "to_xml", "write"]
