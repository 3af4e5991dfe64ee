"""Keep pydicom's warnings from the user: what matters of them is told as issues and errors."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["quiet"]

_lock = threading.Lock()
_users = 0
_filters: warnings.catch_warnings[None] | None = None


@contextmanager
def quiet() -> Iterator[None]:
    """Silence warnings while any thread is inside; the filters of before come back at the end.

    `warnings.catch_warnings` alone is not safe when threads overlap: the last one to leave would
    restore the silence of another. So only the first one in enters it and the last one out leaves.
    """
    global _users, _filters  # noqa: PLW0603 - the warning filters are global, too
    with _lock:
        if _users == 0:
            _filters = warnings.catch_warnings()
            _filters.__enter__()
            warnings.simplefilter("ignore")
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0 and _filters is not None:
                _filters.__exit__(None, None, None)
                _filters = None
