"""Audit of Observations against the pixels they were measured on."""

from imageregion.auditing.auditor import audit

__all__ = ["audit"]
