"""Open images: from a folder, files or datasets to `Images`."""

from __future__ import annotations

from collections import Counter
from os import PathLike
from pathlib import Path
from typing import Any

from imageregion.dicom.concatenations import joined
from imageregion.dicom.duplicates import settle_duplicates
from imageregion.dicom.images import Images
from imageregion.dicom.index import HeaderIndex
from imageregion.dicom.pixels import PixelCache
from imageregion.dicom.reading import Outcome, read_entries
from imageregion.dicom.sources import Source, Sources, list_sources
from imageregion.dicom.uptake import assign_values
from imageregion.errors import InputError, Issue

__all__ = ["open_images"]


def open_images(
    source: Source,
    *,
    progress: bool | None = None,
    threads: int | None = None,
    index: str | PathLike[str] | None = None,
) -> Images:
    """Find the DICOM images in folders, zip files, file-sets or datasets; pixels stay there.

    Only headers are read. What is not DICOM is ignored; what is damaged becomes an issue of the
    result. Nothing is raised for a single bad file.

    Parameters
    ----------
    source : path, pydicom.Dataset, or an iterable of them
        A folder is searched recursively. Of a zip file the members are read where they are; of a
        DICOMDIR the files it names below its own folder (DICOM PS3.10 8). Both must be given
        themselves: within a folder they are passed over.
    progress : bool, optional
        Show a progress bar on stderr. By default when it takes more than about a second and
        stderr is a terminal.
    threads : int, optional
        Files fetched at the same time, 8 by default: what helps where a disk or a network takes
        its time to answer. It changes neither the result nor how pixels are decoded later.
    index : path, optional
        A file that keeps headers, made when it is absent. Files whose size and time of
        modification have not changed are not read again, all others are; then the index is
        written anew, with what this call found. It holds text of headers, not pixels.

    Raises
    ------
    InputError
        When a path does not exist or there is no DICOM image at all.

    Examples
    --------
    >>> from pydicom.data import get_testdata_file
    >>> images = open_images(get_testdata_file("CT_small.dcm", download=False))
    >>> images.frames[0].shape, images.frames[0].unit
    ((128, 128), "[hnsf'U]")
    """
    kept_headers = None if index is None else HeaderIndex(Path(index))
    sources = list_sources(source, None if index is None else Path(index))
    read = read_entries(sources.entries, PixelCache(), progress, threads, kept_headers)
    if kept_headers is not None:
        kept_headers.save()
        sources.issues += kept_headers.issues
    outcomes, value_issues = assign_values(read)
    kept, clashes, refused = settle_duplicates([found for found in outcomes if found.frames])
    aliases, gaps = joined([(found.part, found.frames) for found in kept if found.part is not None])
    frames = [frame for found in kept for frame in found.frames]
    others = {found.uid: found.reason for found in outcomes if found.uid and found.reason}
    issues = [*sources.issues, *(issue for found in outcomes for issue in found.issues)]
    issues += [*value_issues, *clashes, *gaps]
    if not frames:
        raise InputError(_nothing(sources, outcomes, issues))
    readable = {frame.instance for frame in frames}
    others = {uid: reason for uid, reason in others.items() if uid not in readable}
    uncut: dict[str, Any] = {"aliases": aliases} if aliases else {}
    return Images(tuple(frames), issues, others | refused, **uncut)


def _nothing(sources: Sources, outcomes: list[Outcome], issues: list[Issue]) -> str:
    """Say what there is where no image was found."""
    errors = [issue for issue in issues if issue.severity != "information"]
    foreign = sum(not found.uid and not found.reason and not found.kind for found in outcomes)
    kinds = Counter(found.kind for found in outcomes if found.kind)
    parts = [f"{number} {kind}" for kind, number in kinds.most_common()]
    if foreign + sources.ignored:
        parts.append(f"{foreign + sources.ignored} not DICOM")
    if errors:
        parts.append(f"{len(errors)} unusable, first {errors[0].path}: {errors[0].message}")
    if not parts:
        return f"{sources.label}: no DICOM images, it is empty"
    total = len(outcomes) + sources.ignored
    if not total:
        return f"{sources.label}: no DICOM images ({', '.join(parts)})"
    files = "1 file" if total == 1 else f"{total} files"
    return f"{sources.label}: no DICOM images among {files} ({', '.join(parts)})"
