"""Text and values: JSON, NDJSON and XML of any FHIR resource, bounded, as plain JSON values."""
