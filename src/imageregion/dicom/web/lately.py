"""Lately: whole objects that were fetched, kept for a while, since their frames come one by one."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

from imageregion.dicom.web.keys import Key

__all__ = ["Lately"]

_KEPT_BYTES = 256 * 2**20


class Lately:
    """Keeps whole objects up to a number of bytes; safe for threads.

    Examples
    --------
    >>> lately, key = Lately(), Key("1.2", "1.2.3", "1.2.3.4")
    >>> lately.get(key, lambda: b"object"), lately.get(key, lambda: b"never asked for")
    (b'object', b'object')
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[Key, bytes] = OrderedDict()
        self._coming: set[Key] = set()
        self._changed = threading.Condition()

    def get(self, key: Key, fetch: Callable[[], bytes]) -> bytes:
        """Return an object; one that is not there is fetched by one thread while others wait.

        Raises
        ------
        Exception
            Whatever `fetch` raises; then others try it themselves.
        """
        with self._changed:
            while key not in self._kept and key in self._coming:
                self._changed.wait()
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
            self._coming.add(key)
        try:
            content = fetch()
            self._put(key, content)
            return content
        finally:
            with self._changed:
                self._coming.discard(key)
                self._changed.notify_all()

    def _put(self, key: Key, content: bytes) -> None:
        with self._changed:
            self._kept[key] = content
            used = sum(map(len, self._kept.values()))
            while len(self._kept) > 1 and used > _KEPT_BYTES:
                used -= len(self._kept.popitem(last=False)[1])
