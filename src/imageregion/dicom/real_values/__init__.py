"""Real values: what stored values mean."""
