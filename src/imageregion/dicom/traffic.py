"""Traffic: how much was fetched from servers for some images, counted while it happens."""

from __future__ import annotations

import threading

__all__ = ["Traffic", "size_text"]

_UNITS = ("bytes", "kB", "MB", "GB", "TB")


class Traffic:
    """Counts requests and bytes; safe for threads.

    Attributes
    ----------
    requests : int
        Sent to servers, those that were tried again and redirected included.
    received : int
        Bytes of the bodies of their answers as they came over the network, perhaps compressed;
        what comes with an error is not read, and not counted.
    cached : int
        Answers taken from the cache instead.
    pixels : int
        Bytes of all pixels of the images at hand, uncompressed: what a download of everything
        would come to.

    Examples
    --------
    >>> traffic = Traffic()
    >>> traffic.add(requests=2, received=1_200_000)
    >>> traffic.add(pixels=180_000_000)
    >>> print(traffic)
    fetched 2 requests, 1.2 MB; the pixels of all these images are 180 MB
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.requests = self.received = self.cached = self.pixels = 0

    def add(
        self, *, requests: int = 0, received: int = 0, cached: int = 0, pixels: int = 0
    ) -> None:
        """Count something."""
        with self._lock:
            self.requests += requests
            self.received += received
            self.cached += cached
            self.pixels += pixels

    def __str__(self) -> str:
        """Return one sentence."""
        plural = "" if self.requests == 1 else "s"
        text = f"fetched {self.requests} request{plural}, {size_text(self.received)}"
        if self.cached:
            text += f", {self.cached} more from the cache"
        if self.pixels:
            text += f"; the pixels of all these images are {size_text(self.pixels)}"
        return text

    def __repr__(self) -> str:
        return f"Traffic({self})"

    def __reduce__(self) -> tuple[type[Traffic], tuple[()]]:
        return Traffic, ()


def size_text(size: float) -> str:
    """Return a number of bytes with three digits and a unit.

    Examples
    --------
    >>> size_text(999), size_text(1_234_567)
    ('999 bytes', '1.23 MB')
    """
    for unit in _UNITS[:-1]:
        if size < 999.5:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} {_UNITS[-1]}"
