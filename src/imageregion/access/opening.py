"""Open images from wherever they are: files, folders, a DICOMweb server, or what FHIR says."""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imageregion.access.progress import watched
from imageregion.access.sources import Given, is_single, sort_sources
from imageregion.dicom.files.sources import Sources, list_sources
from imageregion.dicom.images import Images
from imageregion.dicom.opening import Survey, images_of, survey
from imageregion.dicom.web.settings import WebSettings
from imageregion.errors import InputError
from imageregion.fhir.selection import Selection

if TYPE_CHECKING:
    from imageregion.dicom.traffic import Traffic

__all__ = ["open_images", "survey_images"]


def open_images(
    source: Any,
    *,
    progress: bool | None = None,
    threads: int | None = None,
    index: str | PathLike[str] | None = None,
    selection: Selection | Iterable[Selection] | None = None,
    web: WebSettings | None = None,
) -> Images:
    """Find DICOM images in folders and files, or on a server; pixels stay there until needed.

    Of files only headers are read; what is not DICOM is ignored; what is damaged becomes an issue
    of the result. Of servers only metadata are fetched, of the series that a selection names or of
    what the URL names, and later the frames that are measured (WADO-RS, DICOM PS3.18 10.4).

    Parameters
    ----------
    source : path, pydicom.Dataset, URL, FHIR document, or an iterable of them
        A folder is searched recursively. Of a zip file the members are read where they are; of a
        DICOMDIR the files it names below its own folder (DICOM PS3.10 8). Both must be given
        themselves: within a folder they are passed over. A URL is the base of a DICOMweb service,
        with ``/studies/UID`` and so on behind it, or a `selection` that says which study. A FHIR
        Endpoint, ImagingStudy, or Bundle of them (JSON file, dict, model, or as read) says where
        images are; a series' own endpoints go before those of its study.
    progress : bool, optional
        Show a progress bar on stderr. By default when it takes more than about a second and
        stderr is a terminal.
    threads : int, optional
        Files or series fetched at the same time. It changes neither the result nor how pixels are
        decoded later.
    index : path, optional
        A file that keeps headers of files, made when it is absent. Files whose size and time of
        modification have not changed are not read again, all others are; then the index is
        written anew, with what this call found. It holds text of headers, not pixels.
    selection : Selection, or several, optional
        Ask servers for the series it names alone. Its own endpoints are asked first where `source`
        is an ImagingStudy.
    web : WebSettings, optional
        Token, timeouts, cache, and which hosts may be asked.

    Returns
    -------
    Images
        `Images.traffic` counts what was fetched, pixels included, when there is a server.

    Raises
    ------
    InputError
        When a path does not exist, there is no DICOM image at all, a server does not give what
        was asked for, or an ImagingStudy is registered, cancelled or entered in error.
    FhirError
        When a document is no FHIR that says where images are.

    Examples
    --------
    >>> from pydicom.data import get_testdata_file
    >>> images = open_images(get_testdata_file("CT_small.dcm", download=False))
    >>> images.frames[0].shape, images.frames[0].unit
    ((128, 128), "[hnsf'U]")
    """
    found, traffic = survey_images(
        source, progress=progress, threads=threads, index=index, selection=selection, web=web
    )
    return images_of(found, traffic)


def survey_images(
    source: Any,
    *,
    progress: bool | None = None,
    threads: int | None = None,
    index: str | PathLike[str] | None = None,
    selection: Selection | Iterable[Selection] | None = None,
    web: WebSettings | None = None,
) -> tuple[Survey, Traffic | None]:
    """Read everything there is, and what it cost; for the parameters see `open_images`.

    Raises
    ------
    InputError, FhirError
        As `open_images`, except that there need not be any image.
    """
    given = sort_sources(source)
    if not given.is_remote:
        local = source if is_single(source) else given.files
        return survey(local, progress=progress, threads=threads, index=index), None
    selections = [selection] if isinstance(selection, Selection) else list(selection or ())
    sources, traffic = _remote(given, selections, web or WebSettings(), threads, progress)
    if given.files:
        more = list_sources(given.files, None if index is None else Path(index))
        sources.entries += more.entries
        sources.issues += more.issues
        sources.ignored += more.ignored
    return survey(sources, progress=progress, threads=threads, index=index), traffic


def _remote(
    given: Given,
    selections: list[Selection],
    settings: WebSettings,
    threads: int | None,
    progress: bool | None,
) -> tuple[Sources, Traffic]:
    """Ask servers for metadata."""
    try:
        from imageregion.access.queries import plan_queries
        from imageregion.dicom.web.fetching import list_remote
        from imageregion.dicom.web.session import WebSession
    except ImportError as error:
        raise InputError(
            f"images on a server need {error.name or 'dicomweb-client'}, which is not installed: "
            'pip install "imageregion[dicomweb]"'
        ) from None
    session = WebSession(settings)
    with watched(session.traffic, progress):
        plan = plan_queries(given, selections, session)
        sources = list_remote(plan.queries, threads)
    sources.issues[:0] = plan.issues
    return sources, session.traffic
