"""Spans and shapes from and to other forms: run lengths, labels, outlines, GeoJSON, shapely."""
