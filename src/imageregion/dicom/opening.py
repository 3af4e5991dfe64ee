"""Open images: from a folder, files or datasets to `Images`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from imageregion.dicom.duplicates import settle_duplicates
from imageregion.dicom.files.index import HeaderIndex
from imageregion.dicom.files.sources import Source, Sources, list_sources
from imageregion.dicom.images import Images
from imageregion.dicom.joining import join_slides
from imageregion.dicom.pixel_data.pixels import PixelCache
from imageregion.dicom.placement.concatenations import joined
from imageregion.dicom.reading import Outcome, read_entries
from imageregion.dicom.traffic import Traffic
from imageregion.dicom.uptake import assign_values
from imageregion.errors import InputError, Issue

__all__ = ["Survey", "images_of", "open_images", "survey"]


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
    return images_of(survey(source, progress=progress, threads=threads, index=index))


def images_of(found: Survey, traffic: Traffic | None = None) -> Images:
    """Put the images of a survey together.

    Raises
    ------
    InputError
        When there is none.
    """
    images, issues = found.images, found.issues
    parts = [(one.part, one.frames) for one in images if one.part is not None and not _tiled(one)]
    aliases, gaps = joined(parts)
    frames = [frame for one in images for frame in one.frames]
    if not frames:
        raise InputError(_nothing(found.sources, found.outcomes, [*issues, *gaps]))
    readable = {frame.instance for frame in frames}
    others = {one.uid: one.reason for one in found.outcomes if one.uid and one.reason}
    others = {uid: reason for uid, reason in others.items() if uid not in readable}
    return Images(frames, [*issues, *gaps], others | found.left_out, aliases, traffic)


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """Everything there is, and what is kept of it.

    Parameters
    ----------
    sources : Sources
    outcomes : list of Outcome
        Of everything, in the order of the sources.
    kept : list of Outcome
        Those of them that are images, each once.
    images : list of Outcome
        The same, slides that were in parts as a whole.
    issues : list of Issue
        Of the sources, of every object, and of objects together.
    left_out : dict of str to str
        SOP Instance UID to reason, of images that cannot be told apart and of parts of others.
    """

    sources: Sources
    outcomes: list[Outcome]
    kept: list[Outcome]
    images: list[Outcome]
    issues: list[Issue]
    left_out: dict[str, str]


def survey(
    source: Source | Sources,
    *,
    progress: bool | None = None,
    threads: int | None = None,
    index: str | PathLike[str] | None = None,
) -> Survey:
    """Read everything there is, for the parameters see `open_images`; or what was listed before.

    What one object alone does not tell is settled here: values that need the whole series or
    another object, and objects that share a UID.

    Raises
    ------
    InputError
        When a path does not exist.
    """
    headers = None if index is None else HeaderIndex(Path(index))
    sources = source
    if not isinstance(sources, Sources):
        sources = list_sources(sources, None if index is None else Path(index))
    read = read_entries(sources.entries, PixelCache(), progress, threads, headers)
    if headers is not None:
        headers.save()
        sources.issues += headers.issues
    outcomes, value_issues = assign_values(read)
    kept, clashes, left_out = settle_duplicates([one for one in outcomes if one.frames])
    images, gaps = _with_whole_slides(kept)
    left_out |= {one.uid: one.reason for one in images if not one.frames}
    issues = [*sources.issues, *(issue for one in outcomes for issue in one.issues)]
    issues += [*value_issues, *clashes, *gaps]
    return Survey(sources, outcomes, kept, images, issues, left_out)


def _with_whole_slides(kept: list[Outcome]) -> tuple[list[Outcome], list[Issue]]:
    """Put slides together that came in parts, unless the whole is there as well."""
    if not any(map(_tiled, kept)):
        return kept, []
    images, issues = join_slides(kept)
    present = {one.uid for one in kept}
    wholes = [one for one in images[len(kept) :] if one.uid not in present]
    return [*images[: len(kept)], *wholes], issues


def _tiled(outcome: Outcome) -> bool:
    return any(frame.tiles is not None for frame in outcome.frames)


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
