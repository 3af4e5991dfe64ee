"""Read many headers at once: threads, a progress bar, and one outcome per source."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from pydicom import Dataset

from imageregion.dicom._quiet import quiet
from imageregion.dicom.frames import frames_of, is_image
from imageregion.dicom.headers import Head, Header, read_dataset, read_head, read_header
from imageregion.dicom.pixels import PixelCache
from imageregion.dicom.sources import Entry
from imageregion.errors import DicomError, InputError, Issue
from imageregion.frame import Frame

__all__ = ["Outcome", "read_entries"]

_THREADS = 8
_BATCH = 64
_PATIENCE = 1.0  # seconds before a progress bar appears


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What became of one source.

    Parameters
    ----------
    entry : Entry
    uid : str
        SOP Instance UID; empty when unknown or not DICOM.
    kind : str
        SOP class name of a DICOM object that is not an image.
    reason : str
        Why a DICOM object gives no frames.
    frames : tuple of Frame
    issues : tuple of Issue
    """

    entry: Entry
    uid: str = ""
    kind: str = ""
    reason: str = ""
    frames: tuple[Frame, ...] = ()
    issues: tuple[Issue, ...] = ()


def read_entries(
    entries: Sequence[Entry], cache: PixelCache, progress: bool | None, threads: int | None
) -> list[Outcome]:
    """Read all sources, in their order; nothing a file holds raises.

    Threads only fetch bytes, a batch at a time; parsing them is bound to one core by Python.
    """
    if threads is not None and threads < 1:
        raise InputError(f"threads: expected at least 1, got {threads}")
    with quiet(), ThreadPoolExecutor(threads or _THREADS, "imageregion-read") as pool:
        outcomes = _read_batches(entries, cache, pool)
        return list(_with_progress(outcomes, len(entries), progress))


def _read_batches(entries: Sequence[Entry], cache: PixelCache, pool: Executor) -> Iterator[Outcome]:
    for first in range(0, len(entries), _BATCH):
        batch = entries[first : first + _BATCH]
        for entry, head in zip(batch, list(pool.map(_fetch, batch)), strict=True):
            yield _read(entry, head, cache)


def _fetch(entry: Entry) -> Head | OSError | None:
    try:
        return read_head(entry.item) if isinstance(entry.item, Path) else None
    except OSError as error:
        return error


def _read(entry: Entry, head: Head | OSError | None, cache: PixelCache) -> Outcome:
    if isinstance(head, OSError):
        return _unreadable(entry, "", head)
    try:
        header: Header | None
        if isinstance(entry.item, Dataset):
            header = read_dataset(entry.item, entry.name)
        else:
            header = read_header(entry.item, entry.name, head or read_head(entry.item))
    except Exception as error:
        return _unreadable(entry, "", error)
    if header is None:
        return Outcome(entry)
    try:
        return _understand(entry, header, cache)
    except Exception as error:
        return _unreadable(entry, header.uid, error)


def _understand(entry: Entry, header: Header, cache: PixelCache) -> Outcome:
    if not is_image(header):
        reason = f"is a {header.kind}, not an image"
        return Outcome(entry, header.uid, kind=header.kind, reason=reason)
    if not header.uid:
        raise DicomError(entry.name, "the image has no SOP Instance UID")
    if isinstance(entry.item, Path) and not header.pixel_keyword:
        raise DicomError(entry.name, f"the {header.kind} ends before its pixel data")
    frames, issues = frames_of(header, cache)
    return Outcome(entry, header.uid, frames=frames, issues=issues)


def _unreadable(entry: Entry, uid: str, error: Exception) -> Outcome:
    message = str(error)
    if isinstance(error, DicomError):
        message = error.message
    elif isinstance(error, OSError) and error.strerror:
        message = error.strerror
    reason = " ".join(message.split()) or type(error).__name__
    issue = Issue("error", "unreadable", entry.name, f"cannot be read: {reason}")
    return Outcome(entry, uid, reason=f"cannot be read: {reason}", issues=(issue,))


def _with_progress(
    results: Iterator[Outcome], total: int, progress: bool | None
) -> Iterator[Outcome]:
    """Pass results on; show a bar on stderr once it takes long and somebody is watching."""
    wanted = sys.stderr.isatty() if progress is None else progress
    start = time.monotonic()
    with ExitStack() as stack:
        bar = None
        for done, outcome in enumerate(results, start=1):
            yield outcome
            if not wanted:
                continue
            if bar is None and (progress or time.monotonic() - start > _PATIENCE):
                from rich.console import Console
                from rich.progress import Progress

                bar = stack.enter_context(Progress(console=Console(stderr=True), transient=True))
                task = bar.add_task("Reading DICOM headers", total=total)
            if bar is not None:
                bar.update(task, completed=done)
