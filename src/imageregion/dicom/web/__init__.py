"""DICOMweb in: metadata and single frames of images that stay on a server (DICOM PS3.18)."""
