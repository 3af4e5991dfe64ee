"""Progress: what is being fetched, told on a terminal while it takes long."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from imageregion.dicom.traffic import Traffic

__all__ = ["watched"]

_PATIENCE = 1.0  # seconds before anything is shown
_STEP = 0.2


@contextmanager
def watched(traffic: Traffic | None, progress: bool | None = None) -> Iterator[None]:
    """Show what was fetched so far, on a line of stderr that vanishes at the end.

    Parameters
    ----------
    traffic : Traffic or None
        None shows nothing.
    progress : bool, optional
        By default when it takes more than a second and stderr is a terminal.

    Examples
    --------
    >>> with watched(Traffic(), progress=False):
    ...     pass
    """
    wanted = sys.stderr.isatty() if progress is None else progress
    if traffic is None or not wanted:
        yield
        return
    done = threading.Event()
    patience = 0.0 if progress else _PATIENCE
    thread = threading.Thread(target=_show, args=(traffic, done, patience), daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _show(traffic: Traffic, done: threading.Event, patience: float) -> None:
    if done.wait(patience):
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(str(traffic), total=None)
        while not done.wait(_STEP):
            bar.update(task, description=str(traffic))
