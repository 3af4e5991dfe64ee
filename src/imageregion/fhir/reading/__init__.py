"""One ImagingSelection from its normalized form to a `Selection`: form, targets, geometry."""
