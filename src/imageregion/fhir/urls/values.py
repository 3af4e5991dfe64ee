"""Url and RegionUrls: what can be opened for a region, by kind, and what cannot, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from imageregion.errors import Issue
from imageregion.fhir.studies.values import IHE_IID, WADO_RS, WADO_URI

__all__ = ["KINDS", "Kind", "RegionUrls", "Url"]


class Kind(NamedTuple):
    """One kind of URL.

    Parameters
    ----------
    connection_type : str
        Of the endpoints that serve it.
    meaning : str
        What opens.
    clause : str
        Where it is defined.
    accept : str
        Media type to ask for.
    is_draft : bool
        Whether the definition may still change.
    """

    connection_type: str
    meaning: str
    clause: str
    accept: str
    is_draft: bool = False


_OBJECT = 'multipart/related; type="application/dicom"'
_PIXELS = 'multipart/related; type="application/octet-stream"'

KINDS: dict[str, Kind] = {
    "rendered": Kind(
        WADO_RS, "picture of the region", "DICOM PS3.18 10.4.1.1.3, 8.3.5.1", "image/jpeg"
    ),
    "thumbnail": Kind(
        WADO_RS, "small picture of the image", "DICOM PS3.18 10.4.1.1.4, 8.3.5.2", "image/jpeg"
    ),
    "wado-uri": Kind(WADO_URI, "picture of the region", "DICOM PS3.18 9.5", "image/jpeg"),
    "iid": Kind(IHE_IID, "study in a viewer", "IHE RAD TF-2 4.106.4.1", "text/html"),
    "iid-region": Kind(
        IHE_IID,
        "image and region in a viewer",
        "IHE IMR RAD-142 4.142.4.1.3 (CP-RAD-474, subject to change)",
        "text/html",
        True,
    ),
    "metadata": Kind(
        WADO_RS, "attributes without pixels", "DICOM PS3.18 10.4.1.1.2", "application/dicom+json"
    ),
    "retrieve": Kind(WADO_RS, "DICOM object", "DICOM PS3.18 10.4.1.1.1", _OBJECT),
    "frames": Kind(WADO_RS, "pixels of frames", "DICOM PS3.18 10.4.1.1.6", _PIXELS),
}
"""The kinds of URL, by the name that ``kinds=`` takes."""


@dataclass(frozen=True, slots=True)
class Url:
    """One thing that can be opened.

    Parameters
    ----------
    kind : str
        A name of `KINDS`.
    url : str
    region : str
        FHIRPath of the region.
    label : str
        Of the region.
    frame : int, optional
        Frame number, where the URL is of one frame.
    accept : str
        Media type to ask for in the header Accept.
    is_draft : bool
        Whether the kind is a draft.
    shows_region : bool
        Whether it opens the part of the image that the region is in, or the region itself.
    """

    kind: str
    url: str
    region: str = ""
    label: str = ""
    frame: int | None = None
    accept: str = ""
    is_draft: bool = False
    shows_region: bool = False


@dataclass(frozen=True, slots=True)
class RegionUrls:
    """The URLs of the regions of a selection; iterates over them.

    Parameters
    ----------
    urls : tuple of Url
        By region, then in the order of endpoints and kinds.
    issues : tuple of Issue
        What could not be built, or shows less than it could, and why.
    """

    urls: tuple[Url, ...]
    issues: tuple[Issue, ...] = ()

    def __iter__(self) -> Iterator[Url]:
        return iter(self.urls)

    def __len__(self) -> int:
        return len(self.urls)

    def records(self) -> list[dict[str, Any]]:
        """Return one flat dict for each URL, for tables and JSON."""
        return [asdict(url) for url in self.urls]
