"""Bytes and headers: where DICOM objects are kept, and what they say besides their pixels."""
