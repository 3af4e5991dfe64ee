"""Exact pixels, measurements and FHIR Observations from FHIR ImagingSelection regions on DICOM."""
