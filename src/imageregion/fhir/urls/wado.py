"""URLs of DICOM web services: WADO-RS (DICOM PS3.18 chapter 10) and WADO-URI (chapter 9)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, TypeAlias

from imageregion.errors import InputError
from imageregion.fhir.urls.parameters import (
    Annotation,
    Box,
    Windowing,
    as_windowing,
    check_base,
    check_frames,
    check_uid,
    decimal,
    with_query,
)

__all__ = ["wado_rs_url", "wado_uri_url"]

Part: TypeAlias = Literal["", "metadata", "rendered", "thumbnail"]
Window: TypeAlias = "Windowing | Sequence[float | str] | None"


def wado_rs_url(
    base: str,
    study: str,
    series: str = "",
    instance: str = "",
    frames: Iterable[int] = (),
    part: Part = "",
    *,
    size: tuple[int, int] | None = None,
    box: Box | None = None,
    window: Window = None,
    quality: int | None = None,
    annotation: Iterable[Annotation] = (),
) -> str:
    """Build a WADO-RS URL (DICOM PS3.18 section 10.4.1).

    Parameters
    ----------
    base : str
        Address of the service.
    study, series, instance : str
        UIDs; the last one given is the target.
    frames : iterable of int
        Frame numbers from 1.
    part : {"", "metadata", "rendered", "thumbnail"}
        The DICOM object itself, its attributes, a picture, or a small picture.
    size : tuple of int, optional
        (width, height) of the picture in pixels, which is scaled to fit in without distortion.
    box : Box, optional
        Part of the source image to show; needs `size` (section 8.3.5.1.3).
    window : Windowing or (center, width, function), optional
        Section 8.3.5.1.4.
    quality : int, optional
        1 to 100, for lossy pictures (section 8.3.5.1.2).
    annotation : iterable of {"patient", "technique"}
        Text burned into the picture (section 8.3.5.1.1).

    Raises
    ------
    InputError
        When a UID, number or base is none, or a parameter does not go with `part`: thumbnails take
        `size` alone (section 8.3.5.2).

    Examples
    --------
    >>> wado_rs_url("https://a.org/rs", "1.2", "1.2.3", "1.2.3.4", [2], "rendered",
    ...             size=(512, 256), box=Box(10, 20, 60, 30), window=(40, 400))
    ... # doctest: +NORMALIZE_WHITESPACE
    'https://a.org/rs/studies/1.2/series/1.2.3/instances/1.2.3.4/frames/2/rendered?viewport=512,256,10,20,60,30&window=40,400,linear'
    """
    path = _path(base, study, series, instance, check_frames(frames), part)
    parameters = _picture(size, box, as_windowing(window), quality, tuple(annotation))
    if part == "thumbnail" and set(parameters) - {"viewport"}:
        raise InputError("a thumbnail takes a size alone, without window, quality or annotation")
    if part == "thumbnail" and box is not None:
        raise InputError("a thumbnail shows the whole image: it takes a size without a box")
    if part in ("", "metadata") and parameters:
        raise InputError(f"{', '.join(parameters)}: only of pictures, so part must be 'rendered'")
    return with_query(path, parameters.items())


def wado_uri_url(
    base: str,
    study: str,
    series: str,
    instance: str,
    *,
    frame: int | None = None,
    content_type: str = "image/jpeg",
    size: tuple[int, int] | None = None,
    region: tuple[float, float, float, float] | None = None,
    window: Window = None,
    quality: int | None = None,
    annotation: Iterable[Annotation] = (),
) -> str:
    """Build a WADO-URI URL (DICOM PS3.18 sections 9.4 and 9.5).

    Parameters
    ----------
    base : str
        Address of the service.
    study, series, instance : str
        UIDs, all needed.
    frame : int, optional
        From 1 (section 9.5.1.2.1).
    content_type : str
        Media type, e.g. "image/jpeg", "image/png", or "application/dicom" for the object itself.
    size : tuple of int, optional
        (width, height) that the picture fits into: ``columns`` and ``rows`` (section 9.5.1.2.4).
    region : tuple of float, optional
        (left, top, right, bottom) as fractions of the image, see `Box.fractions` (section
        9.5.1.2.5).
    window : Windowing or (center, width), optional
        ``windowCenter`` and ``windowWidth``; the function is always linear (section 9.5.1.2.6).
    quality, annotation
        As in `wado_rs_url`.

    Raises
    ------
    InputError
        When a value is none of these, or does not go with "application/dicom".

    Examples
    --------
    >>> wado_uri_url("https://a.org/wado", "1.2", "1.2.3", "1.2.3.4", region=(0, 0, 0.5, 1))
    ... # doctest: +NORMALIZE_WHITESPACE
    'https://a.org/wado?requestType=WADO&studyUID=1.2&seriesUID=1.2.3&objectUID=1.2.3.4&contentType=image/jpeg&region=0,0,0.5,1'
    """
    windowing = as_windowing(window)
    if windowing is not None and windowing.function != "linear":
        raise InputError(f"WADO-URI has no window function {windowing.function}, only linear")
    found = {
        "requestType": "WADO",
        "studyUID": check_uid(study, "study"),
        "seriesUID": check_uid(series, "series"),
        "objectUID": check_uid(instance, "instance"),
        "contentType": content_type,
    }
    plain = _picture(None, None, None, quality, tuple(annotation))
    extra: dict[str, str] = {}
    if frame is not None:
        extra["frameNumber"] = str(*check_frames([frame]))
    if "annotation" in plain:
        extra["imageAnnotation"] = plain["annotation"]
    if "quality" in plain:
        extra["imageQuality"] = plain["quality"]
    if size is not None:
        extra |= {"rows": _count(size[1]), "columns": _count(size[0])}
    if region is not None:
        extra["region"] = _region(region)
    if windowing is not None:
        extra["windowCenter"] = decimal(windowing.center)
        extra["windowWidth"] = decimal(windowing.width)
    if extra and content_type == "application/dicom":
        raise InputError(f"{', '.join(extra)}: only of pictures, not of application/dicom")
    return with_query(check_base(base, keep_query=True), (found | extra).items())


def _path(
    base: str, study: str, series: str, instance: str, frames: tuple[int, ...], part: str
) -> str:
    path = f"{check_base(base)}/studies/{check_uid(study, 'study')}"
    if (instance and not series) or (frames and not instance):
        raise InputError("WADO-RS needs the UID of the series of an instance, and of that a frame")
    if series:
        path += f"/series/{check_uid(series, 'series')}"
    if instance:
        path += f"/instances/{check_uid(instance, 'instance')}"
    if frames:
        path += f"/frames/{','.join(map(str, frames))}"
    if part not in ("", "metadata", "rendered", "thumbnail"):
        raise InputError(f"part: expected metadata, rendered, thumbnail or nothing, got {part!r}")
    if frames and part == "metadata":
        raise InputError("metadata are of instances, not of frames")
    return f"{path}/{part}" if part else path


def _picture(
    size: tuple[int, int] | None,
    box: Box | None,
    window: Windowing | None,
    quality: int | None,
    annotation: tuple[str, ...],
) -> dict[str, str]:
    """Return query parameters of rendered resources (DICOM PS3.18 section 8.3.5.1)."""
    found: dict[str, str] = {}
    if annotation:
        if set(annotation) - {"patient", "technique"}:
            raise InputError(f"annotation: expected patient or technique, got {annotation}")
        found["annotation"] = ",".join(annotation)
    if quality is not None:
        if isinstance(quality, bool) or not isinstance(quality, int) or not 1 <= quality <= 100:
            raise InputError(f"quality: expected a whole number from 1 to 100, got {quality}")
        found["quality"] = str(quality)
    if box is not None and size is None:
        raise InputError("a box needs the size of the picture that shows it")
    if size is not None:
        numbers = [_count(size[0]), _count(size[1])]
        if box is not None:
            numbers += [_count(box.left, 0), _count(box.top, 0)]
            numbers += [_count(box.width), _count(box.height)]
        found["viewport"] = ",".join(numbers)
    if window is not None:
        found["window"] = window.value
    return found


def _count(value: int, least: int = 1) -> str:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= 2**31 - 1:
        raise InputError(f"size or box: expected a whole number from {least}, got {value}")
    return str(value)


def _region(region: tuple[float, float, float, float]) -> str:
    left, top, right, bottom = region
    if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
        raise InputError(f"region: expected fractions 0 <= left < right <= 1, got {region}")
    return ",".join(decimal(value) for value in region)
