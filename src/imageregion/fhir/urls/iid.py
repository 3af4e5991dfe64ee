"""URLs that launch a viewer: IHE Invoke Image Display (IHE RAD TF-2 4.106), and drafts beyond."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from imageregion._arrays import FloatArray
from imageregion.errors import FhirError, InputError
from imageregion.fhir.urls.parameters import check_base, check_uid, decimal, with_query
from imageregion.region import Region
from imageregion.shapes import Ellipse, Points, Polygon, Polyline

__all__ = ["MAX_URL", "Graphic", "graphic_of", "iid_region_url", "iid_url"]

MAX_URL = 8000
"""Longest URL that is built: what every server should take (RFC 9110 section 4.1)."""

_RIGHT_ANGLE = 1e-6  # cosine: rounding of coordinates in float32 stays below, a slant does not


@dataclass(frozen=True, slots=True)
class Graphic:
    """A region as DICOM SR names it (DICOM PS3.3 C.18.6.1.2).

    Parameters
    ----------
    type : {"POINT", "MULTIPOINT", "POLYLINE", "CIRCLE", "ELLIPSE"}
    data : tuple of float
        column, row, column, row, ...; (0, 0) is the outer corner of the first pixel.
    """

    type: str
    data: tuple[float, ...]


def iid_url(base: str, studies: str | Iterable[str], *, viewer_type: str = "") -> str:
    """Build the URL that opens studies in a viewer (IHE RAD TF-2 4.106.4.1).

    Parameters
    ----------
    base : str
        Address of the Image Display.
    studies : str or iterable of str
        Study Instance UIDs.
    viewer_type : str
        Such as "IHE_BIR", the basic image review; empty leaves it to the display.

    Raises
    ------
    InputError
        When a UID or the base is none.

    Examples
    --------
    >>> iid_url("https://a.org/IHEInvokeImageDisplay", "1.2.3")
    'https://a.org/IHEInvokeImageDisplay?requestType=STUDY&studyUID=1.2.3'
    """
    uids = [studies] if isinstance(studies, str) else list(studies)
    if not uids:
        raise InputError("studies: expected at least one UID")
    parameters = [
        ("requestType", "STUDY"),
        ("studyUID", ",".join(check_uid(uid, "study") for uid in uids)),
    ]
    if viewer_type:
        parameters.append(("viewerType", viewer_type))
    return with_query(check_base(base, keep_query=True), parameters)


def iid_region_url(
    base: str,
    study: str,
    series: str,
    instance: str = "",
    graphic: Graphic | None = None,
    *,
    viewer_type: str = "IHE_IMR",
) -> str:
    """Build the URL that opens a series, an image or a region of it in a viewer: a draft.

    The parameters are those of IHE IMR, transaction RAD-142 (CP-RAD-474, "subject to change"). A
    display that knows IID alone does not understand them.

    Parameters
    ----------
    base : str
        Address of the Image Display.
    study, series, instance : str
        UIDs; without instance the series is opened.
    graphic : Graphic, optional
        Needs `instance`.
    viewer_type : str

    Raises
    ------
    InputError
        When a UID or the base is none, or the URL gets longer than `MAX_URL`.

    Examples
    --------
    >>> iid_region_url("https://a.org/iid", "1.2", "1.2.3", "1.2.3.4", Graphic("POINT", (8, 8.5)))
    ... # doctest: +NORMALIZE_WHITESPACE
    'https://a.org/iid?requestType=SERIES&studyUID=1.2&seriesUID=1.2.3&imageUID=1.2.3.4&viewerType=IHE_IMR&graphicData=8,8.5&graphicType=POINT&coordinateType=2D'
    """
    parameters = [
        ("requestType", "SERIES"),
        ("studyUID", check_uid(study, "study")),
        ("seriesUID", check_uid(series, "series")),
    ]
    if instance:
        parameters.append(("imageUID", check_uid(instance, "instance")))
    if viewer_type:
        parameters.append(("viewerType", viewer_type))
    if graphic is not None:
        if not instance:
            raise InputError("a region needs the instance it lies on")
        if len(graphic.data) > MAX_URL:
            raise InputError(f"{len(graphic.data)} coordinates do not fit into a URL")
        parameters += [
            ("graphicData", ",".join(decimal(value) for value in graphic.data)),
            ("graphicType", graphic.type),
            ("coordinateType", "2D"),
        ]
    url = with_query(check_base(base, keep_query=True), parameters)
    if len(url) > MAX_URL:
        raise InputError(f"a URL of {len(url)} characters, more than {MAX_URL}")
    return url


def graphic_of(region: Region) -> Graphic:
    """Return a 2-D region as DICOM SR writes it.

    Areas with an outline become a closed polyline: the first vertex is repeated.

    Raises
    ------
    FhirError
        On regions in 3-D, areas with holes, and whole images.

    Examples
    --------
    >>> from imageregion.region import Target
    >>> graphic_of(Region(Ellipse.circle((8, 8), 3), Target()))
    Graphic(type='CIRCLE', data=(8.0, 8.0, 11.0, 8.0))
    """
    shape = region.shape
    if shape is None or shape.dimension != 2:
        message = "expected a region in the pixels of one image"
        raise FhirError(region.path or "region", message)
    if isinstance(shape, Points):
        return _graphic("POINT" if len(shape.coords) == 1 else "MULTIPOINT", shape.coords)
    if isinstance(shape, Polyline):
        return _graphic("POLYLINE", shape.coords)
    if isinstance(shape, Polygon):
        if len(shape.rings) > 1:
            raise FhirError(region.path or "region", "an area with holes is no DICOM SR graphic")
        ring = shape.rings[0]
        return _graphic("POLYLINE", np.concatenate([ring, ring[:1]]))
    if isinstance(shape, Ellipse):
        return _ellipse(shape)
    raise FhirError(region.path or "region", f"{type(shape).__name__} is no DICOM SR graphic")


def _ellipse(shape: Ellipse) -> Graphic:
    """Return the ends of the major and then of the minor axis; a circle by centre and a point."""
    axes = np.asarray(shape.axes)
    lengths = np.linalg.norm(axes, axis=0)
    if abs(axes[:, 0] @ axes[:, 1]) > _RIGHT_ANGLE * lengths[0] * lengths[1]:
        directions, lengths, _ = np.linalg.svd(axes)
        axes = directions * lengths
    if abs(lengths[0] - lengths[1]) <= _RIGHT_ANGLE * lengths[0]:
        return _graphic("CIRCLE", np.stack([shape.center, shape.center + axes[:, 0]]))
    major, minor = axes[:, np.argmax(lengths)], axes[:, np.argmin(lengths)]
    ends = [shape.center - major, shape.center + major, shape.center - minor, shape.center + minor]
    return _graphic("ELLIPSE", np.stack(ends))


def _graphic(kind: str, coords: FloatArray) -> Graphic:
    return Graphic(kind, tuple(float(value) for value in coords.ravel()))
