"""Read many headers at once: threads, a progress bar, and one outcome per source."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import islice
from typing import TypeAlias

from pydicom import Dataset

from imageregion.dicom._quiet import quiet
from imageregion.dicom.files.archives import is_zip
from imageregion.dicom.files.headers import Head, Header, read_dataset, read_head, read_header
from imageregion.dicom.files.index import HeaderIndex, NotDicom
from imageregion.dicom.files.sources import Entry
from imageregion.dicom.frames import frames_of, is_image
from imageregion.dicom.pixel_data.pixels import PixelCache
from imageregion.dicom.placement.concatenations import Part, part_of
from imageregion.dicom.suv.evidence import Evidence, evidence_of
from imageregion.errors import DicomError, InputError, Issue
from imageregion.frame import Frame

__all__ = ["Outcome", "read_entries"]

_Fetched: TypeAlias = Head | Exception | None

_THREADS = 8
_GROUP = 8  # files that a thread fetches at a time; more would keep too many bytes waiting
_LONGEST = 300  # letters of a reason
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
    evidence : Evidence, optional
        What it says that matters to the values of other objects.
    part : Part, optional
        Which part of a concatenation it is.
    sop_class : str
        Its name; empty when unknown or not DICOM.
    """

    entry: Entry
    uid: str = ""
    kind: str = ""
    reason: str = ""
    frames: tuple[Frame, ...] = ()
    issues: tuple[Issue, ...] = ()
    evidence: Evidence | None = None
    part: Part | None = None
    sop_class: str = ""


class _ArchiveError(Exception):
    """A zip file where an image was looked for."""


def read_entries(
    entries: Sequence[Entry],
    cache: PixelCache,
    progress: bool | None,
    threads: int | None,
    index: HeaderIndex | None = None,
) -> list[Outcome]:
    """Read all sources, in their order; nothing a file holds raises.

    Threads only fetch the first bytes of files, a little ahead of the one thread that reads what is
    in them: Python would not let more do so at a time.
    """
    if threads is not None and threads < 1:
        raise InputError(f"threads: expected at least 1, got {threads}")
    with quiet(), ThreadPoolExecutor(threads or _THREADS, "imageregion-read") as pool:
        outcomes = _read_all(entries, cache, pool, 2 * (threads or _THREADS), index)
        return list(_with_progress(outcomes, len(entries), progress))


def _read_all(
    entries: Sequence[Entry],
    cache: PixelCache,
    pool: Executor,
    ahead: int,
    index: HeaderIndex | None,
) -> Iterator[Outcome]:
    known = [index is not None and index.knows(entry) for entry in entries]
    unread = [entry for entry, is_known in zip(entries, known, strict=True) if not is_known]
    heads = _fetch_all(unread, pool, ahead)
    for entry, is_known in zip(entries, known, strict=True):
        head = None if is_known else next(heads)
        yield _read(entry, head, cache, index)


def _fetch_all(entries: Sequence[Entry], pool: Executor, ahead: int) -> Iterator[_Fetched]:
    """Yield the first bytes of all files in order; few of them are held at a time."""
    groups = (entries[first : first + _GROUP] for first in range(0, len(entries), _GROUP))
    coming = deque(pool.submit(_fetch_group, group) for group in islice(groups, ahead))
    while coming:
        fetched = coming.popleft().result()
        coming.extend(pool.submit(_fetch_group, group) for group in islice(groups, 1))
        yield from fetched


def _fetch_group(entries: Sequence[Entry]) -> list[_Fetched]:
    return [_fetch(entry) for entry in entries]


def _fetch(entry: Entry) -> _Fetched:
    try:
        return None if isinstance(entry.item, (Dataset, Header)) else read_head(entry.item)
    except Exception as error:  # of a disk, or of a damaged archive
        return error


def _read(entry: Entry, head: _Fetched, cache: PixelCache, index: HeaderIndex | None) -> Outcome:
    try:
        header = _header(entry, head, index)
    except _ArchiveError:
        message = "a zip file within another source is not searched"
        return Outcome(entry, issues=(Issue("information", "archive", entry.name, message),))
    except Exception as error:
        return _unreadable(entry, "", error)
    if header is None:
        return Outcome(entry)
    try:
        return _understand(entry, header, cache)
    except Exception as error:
        return _unreadable(entry, header.uid, error)


def _header(entry: Entry, head: _Fetched, index: HeaderIndex | None) -> Header | None:
    """Return the header of one source, from the index where it is there; None if not DICOM."""
    if isinstance(entry.item, Header):
        return entry.item
    if isinstance(entry.item, Dataset):
        return read_dataset(entry.item, entry.name)
    found = index.find(entry) if index is not None else None
    if found is not None:
        return None if isinstance(found, NotDicom) else found
    if isinstance(head, Exception):
        raise head
    head = head or read_head(entry.item)
    if is_zip(head.start):
        raise _ArchiveError
    header = read_header(entry.item, entry.name, head)
    if index is not None:
        index.keep(entry, header)
    return header


def _understand(entry: Entry, header: Header, cache: PixelCache) -> Outcome:
    found = Outcome(entry, header.uid, evidence=evidence_of(header), sop_class=header.kind)
    if not is_image(header):
        article = "an" if header.kind[:1].lower() in "aeiou" else "a"
        reason = f"is {article} {header.kind}, not an image"
        return replace(found, kind=header.kind, reason=reason)
    if not header.uid:
        raise DicomError(entry.name, "the image has no SOP Instance UID")
    if not isinstance(entry.item, Dataset) and not header.pixel_keyword:
        raise DicomError(entry.name, f"the {header.kind} ends before its pixel data")
    frames, issues = frames_of(header, cache)
    return replace(found, frames=frames, issues=issues, part=part_of(header))


def _unreadable(entry: Entry, uid: str, error: Exception) -> Outcome:
    message = str(error)
    if isinstance(error, DicomError):
        message = error.message
    elif isinstance(error, OSError) and error.strerror:
        message = error.strerror
    reason = " ".join(message.split()) or type(error).__name__
    if len(reason) > _LONGEST:  # some of pydicom's hold the bytes they are about
        reason = f"{reason[:_LONGEST]} ..."
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
