"""Open images: from a folder, files or datasets to `Images`."""

from __future__ import annotations

from collections import Counter

from imageregion.dicom.duplicates import settle_duplicates
from imageregion.dicom.images import Images
from imageregion.dicom.pixels import PixelCache
from imageregion.dicom.reading import Outcome, read_entries
from imageregion.dicom.sources import Source, Sources, list_sources
from imageregion.errors import InputError, Issue

__all__ = ["open_images"]


def open_images(
    source: Source, *, progress: bool | None = None, threads: int | None = None
) -> Images:
    """Find the DICOM images in a folder, files or datasets; pixels stay where they are.

    Only headers are read. What is not DICOM is ignored; what is damaged becomes an issue of the
    result. Nothing is raised for a single bad file.

    Parameters
    ----------
    source : path, pydicom.Dataset, or an iterable of them
        Folders are searched recursively.
    progress : bool, optional
        Show a progress bar on stderr. By default when it takes more than about a second and
        stderr is a terminal.
    threads : int, optional
        Files read at the same time.

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
    sources = list_sources(source)
    outcomes = read_entries(sources.entries, PixelCache(), progress, threads)
    kept, issues, refused = settle_duplicates([found for found in outcomes if found.frames])
    frames = [frame for found in kept for frame in found.frames]
    others = {found.uid: found.reason for found in outcomes if found.uid and found.reason}
    all_issues = [*sources.issues, *(issue for found in outcomes for issue in found.issues)]
    if not frames:
        raise InputError(_nothing(sources, outcomes, [*all_issues, *issues]))
    readable = {frame.instance for frame in frames}
    others = {uid: reason for uid, reason in others.items() if uid not in readable}
    return Images(tuple(frames), (*all_issues, *issues), others | refused)


def _nothing(sources: Sources, outcomes: list[Outcome], issues: list[Issue]) -> str:
    """Say what there is where no image was found."""
    errors = [issue for issue in issues if issue.severity == "error"]
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
    files = "1 file" if total == 1 else f"{total} files"
    return f"{sources.label}: no DICOM images among {files} ({', '.join(parts)})"
