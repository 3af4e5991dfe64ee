"""From regions to the URLs that show them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from imageregion.errors import ImageRegionError, InputError, Issue, Severity
from imageregion.fhir.selection import Selection
from imageregion.fhir.studies.values import Endpoint
from imageregion.fhir.targets import is_image, sop_class
from imageregion.fhir.urls.iid import graphic_of, iid_region_url, iid_url
from imageregion.fhir.urls.parameters import Annotation, Box, Windowing, as_windowing
from imageregion.fhir.urls.values import KINDS, RegionUrls, Url
from imageregion.fhir.urls.view import box_around
from imageregion.fhir.urls.wado import wado_rs_url, wado_uri_url
from imageregion.region import Region

__all__ = ["region_urls"]

ImageShapes: TypeAlias = "tuple[int, int] | Mapping[str, tuple[int, int]] | None"

_SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"
_PICTURES = {"rendered", "wado-uri"}
_OF_INSTANCES = ("wado-uri", "frames")


@dataclass(slots=True)
class _Plan:
    """What is wanted of every region, and what was found so far."""

    kinds: tuple[str, ...]
    endpoints: tuple[Endpoint, ...]
    image_shape: ImageShapes
    window: Windowing | None
    margin: float
    size: int
    quality: int | None
    annotation: tuple[Annotation, ...]
    study: str
    classes: Mapping[str, str]
    urls: list[Url] = field(default_factory=list)
    issues: dict[Issue, None] = field(default_factory=dict)

    def note(self, severity: Severity, code: str, path: str, message: str) -> None:
        self.issues[Issue(severity, code, path, message)] = None


def region_urls(
    source: Selection | Region | Iterable[Region],
    endpoint: Endpoint | str | Sequence[Endpoint | str],
    *,
    image_shape: ImageShapes = None,
    window: Windowing | Sequence[float | str] | None = None,
    kinds: Sequence[str] | None = None,
    margin: float = 0.25,
    size: int = 512,
    quality: int | None = None,
    annotation: Iterable[Annotation] = (),
    study: str = "",
) -> RegionUrls:
    """Build the URLs with which others open regions: pictures, objects, viewers.

    Parameters
    ----------
    source : Selection, Region, or regions
        Regions in mm lie on no image until they are cut, and get no picture.
    endpoint : Endpoint, URL, or several of these
        Each gives the kinds of its connection types. A URL alone is taken for WADO-RS, or for
        whatever `kinds` ask for.
    image_shape : tuple of int or mapping, optional
        (rows, columns) of the images, or by SOP Instance UID. Without it pictures show the whole
        image, since what lies beyond its edge cannot be told.
    window : Windowing or (center, width, function), optional
        Display window in real values.
    kinds : sequence of str, optional
        Names of `KINDS`; by default all that the endpoints serve.
    margin : float
        Around the region, as a share of its longer side.
    size : int
        Longer side of pictures, in pixels.
    quality, annotation
        As in `wado_rs_url`.
    study : str
        Study Instance UID, for regions that name none.

    Returns
    -------
    RegionUrls
        What cannot be built is an issue, and does not stop the others.

    Raises
    ------
    InputError
        When a kind, window or endpoint is none, or the endpoints serve no kind that is asked for.

    Examples
    --------
    >>> from imageregion.region import Target
    >>> from imageregion.shapes import Ellipse
    >>> region = Region(Ellipse.circle((100, 50), 20), Target("1.2", "1.2.3", "1.2.3.4"))
    >>> for url in region_urls(region, "https://a.org/rs", image_shape=(256, 512),
    ...                        kinds=["rendered", "frames"]):
    ...     print(url.url)  # doctest: +NORMALIZE_WHITESPACE
    https://a.org/rs/studies/1.2/series/1.2.3/instances/1.2.3.4/rendered?viewport=512,512,70,20,60,60
    """
    chosen, endpoints = _served(kinds, endpoint)
    plan = _Plan(
        kinds=chosen,
        endpoints=endpoints,
        image_shape=image_shape,
        window=as_windowing(window),
        margin=margin,
        size=size,
        quality=quality,
        annotation=tuple(annotation),
        study=study,
        classes=_classes(source),
    )
    for one in endpoints:
        if not one.is_active:
            message = f"the endpoint is not in use: {one.status or 'its period is over'}"
            plan.note("warning", "endpoint-status", one.address, message)
    regions = source.regions if isinstance(source, Selection) else source
    for region in [regions] if isinstance(regions, Region) else regions:
        _add(region, plan)
    return RegionUrls(tuple(plan.urls), tuple(plan.issues))


def _served(
    kinds: Sequence[str] | None, endpoint: Endpoint | str | Sequence[Endpoint | str]
) -> tuple[tuple[str, ...], tuple[Endpoint, ...]]:
    """Return the kinds to build and the endpoints as values."""
    for name in kinds or ():
        if name not in KINDS:
            raise InputError(f"kind: expected one of {', '.join(KINDS)}, got {name!r:.60}")
    wanted = tuple(kinds) if kinds else tuple(KINDS)
    types = tuple(dict.fromkeys(KINDS[name].connection_type for name in kinds or ("rendered",)))
    given = [endpoint] if isinstance(endpoint, str | Endpoint) else list(endpoint)
    endpoints = tuple(one if isinstance(one, Endpoint) else Endpoint(one, types) for one in given)
    if not endpoints:
        raise InputError("endpoint: expected at least one")
    served = {kind for one in endpoints for kind in one.connection_types}
    found = tuple(name for name in wanted if KINDS[name].connection_type in served)
    if not found:
        offered = ", ".join(sorted(served)) or "no connection type"
        raise InputError(f"endpoint: {offered} serves none of {', '.join(wanted)}")
    return found, endpoints


def _classes(source: object) -> dict[str, str]:
    """Return the SOP classes that a selection states, by SOP Instance UID."""
    normalized = source.normalized if isinstance(source, Selection) else None
    instances: Any = normalized.resource.get("instance") if normalized else None
    found: dict[str, str] = {}
    for one in instances if isinstance(instances, list) else ():
        if isinstance(one, dict) and isinstance(one.get("uid"), str):
            found[one["uid"].removeprefix("urn:oid:")] = sop_class(one)
    return found


def _add(region: Region, plan: _Plan) -> None:
    target, path = region.target, region.path or "region"
    study = target.study or plan.study
    if not study:
        message = "no studyUid, which every URL needs; give the study"
        plan.note("error", "no-study", path, message)
        return
    box = _box(region, plan) if _PICTURES & set(plan.kinds) else None
    for one in plan.endpoints:
        for name in plan.kinds:
            if KINDS[name].connection_type not in one.connection_types:
                continue
            try:
                plan.urls += _urls(name, one.address, study, region, box, plan)
            except ImageRegionError as error:
                plan.note("warning", "no-url", path, f"{name}: {error}")


def _box(region: Region, plan: _Plan) -> Box | None:
    """Return the part of the image to show; None, with an issue, for all of it."""
    target, path = region.target, region.path or "region"
    if region.shape is None:
        return None
    if region.shape.dimension == 3:
        message = "a region in mm: which image shows it is only known with the images"
        plan.note("warning", "needs-images", path, message)
        return None
    if plan.classes.get(target.instance) == _SLIDE and not target.frames:
        message = "pictures show the whole slide: no parameter addresses its total pixel matrix"
        plan.note("information", "whole-image", path, message)
        return None
    shape = _shape_of(region, plan)
    if shape is None:
        message = "pictures show the whole image: its size is not known"
        plan.note("information", "whole-image", path, message)
        return None
    try:
        return box_around(region.shape, shape, margin=plan.margin)
    except ImageRegionError as error:
        plan.note("warning", "whole-image", path, f"pictures show the whole image: {error}")
        return None


def _urls(
    name: str, base: str, study: str, region: Region, box: Box | None, plan: _Plan
) -> Iterator[Url]:
    """Yield the URLs of one kind; pictures are of one frame each."""
    target = region.target
    if not target.instance and name in _OF_INSTANCES:
        message = f"{name}: the region names no instance"
        plan.note("warning", "no-url", region.path or "region", message)
        return
    if name == "iid":
        yield _url(name, iid_url(base, study), region)
    elif name == "iid-region":
        yield _launch(base, study, region)
    elif name in ("retrieve", "metadata", "frames"):
        if name == "frames" and not target.frames:
            return
        frames = target.frames if name == "frames" else ()
        part: Literal["metadata", ""] = "metadata" if name == "metadata" else ""
        url = wado_rs_url(base, study, target.series, target.instance, frames, part)
        yield _url(name, url, region)
    else:
        for frame in target.frames or (None,):
            yield _picture(name, base, study, region, frame, box, plan)


def _launch(base: str, study: str, region: Region) -> Url:
    target = region.target
    graphic = None if region.shape is None else graphic_of(region)
    url = iid_region_url(base, study, target.series, target.instance, graphic)
    return _url("iid-region", url, region, shows=graphic is not None)


def _picture(
    name: str,
    base: str,
    study: str,
    region: Region,
    frame: int | None,
    box: Box | None,
    plan: _Plan,
) -> Url:
    target = region.target
    place = (base, study, target.series, target.instance)
    if name == "thumbnail":
        url = wado_rs_url(*place, () if frame is None else (frame,), "thumbnail")
        return _url(name, url, region, frame)
    size = box.scaled(plan.size) if box else None
    window = _window(name, region, plan)
    if name == "rendered":
        url = wado_rs_url(
            *place,
            () if frame is None else (frame,),
            "rendered",
            size=size,
            box=box,
            window=window,
            quality=plan.quality,
            annotation=plan.annotation,
        )
    else:
        shape = _shape_of(region, plan)
        url = wado_uri_url(
            *place,
            frame=frame,
            size=size,
            region=box.fractions(shape) if box and shape else None,
            window=window,
            quality=plan.quality,
            annotation=plan.annotation,
        )
    return _url(name, url, region, frame, shows=box is not None)


def _window(name: str, region: Region, plan: _Plan) -> Windowing | None:
    """Return the window where the picture can have it; see PS3.18 8.3.5.1.4 and 9.5.1.2.6."""
    window, path = plan.window, region.path or "region"
    if window is None:
        return None
    if not is_image(plan.classes.get(region.target.instance, "")):
        message = "no window: the instance is no image, or brings its own presentation"
        plan.note("information", "no-window", path, message)
        return None
    if name == "wado-uri" and window.function != "linear":
        message = f"no window: WADO-URI has no function {window.function}"
        plan.note("warning", "no-window", path, message)
        return None
    return window


def _shape_of(region: Region, plan: _Plan) -> tuple[int, int] | None:
    shape = plan.image_shape
    return shape.get(region.target.instance) if isinstance(shape, Mapping) else shape


def _url(
    name: str, url: str, region: Region, frame: int | None = None, *, shows: bool = False
) -> Url:
    kind = KINDS[name]
    return Url(name, url, region.path, region.label, frame, kind.accept, kind.is_draft, shows)
