"""Whole slides: the total pixel matrix and its tiles."""
