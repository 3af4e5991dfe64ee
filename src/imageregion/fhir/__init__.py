"""FHIR documents in and out: ImagingSelection becomes `Selection`, results become Observations."""
