"""Pixel data: the bytes of one frame, decoded to stored values."""
