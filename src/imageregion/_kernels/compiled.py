"""How every kernel is compiled: without the GIL, cached on disk where a place can be written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit

__all__ = ["kernel"]


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a kernel on first use; where no cache can be written, in every process anew."""
    try:
        return njit(cache=True, nogil=True, error_model="numpy")(function)
    except RuntimeError:  # numba: no locator available (read-only installation and home)
        return njit(nogil=True, error_model="numpy")(function)
