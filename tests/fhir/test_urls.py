"""URLs of regions: every parameter where its standard has it, and nothing that could slip in."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from imageregion.cli import app
from imageregion.cli.command_urls import _shapes
from imageregion.demo import demo_image, demo_selection
from imageregion.dicom.images import Images
from imageregion.dicom.opening import open_images
from imageregion.errors import FhirError, InputError, PlacementError
from imageregion.fhir.document import read_selection
from imageregion.fhir.studies import Endpoint
from imageregion.fhir.urls import (
    KINDS,
    Box,
    Graphic,
    RegionUrls,
    Windowing,
    box_around,
    graphic_of,
    iid_region_url,
    iid_url,
    region_urls,
    wado_rs_url,
    wado_uri_url,
)
from imageregion.frame import Frame
from imageregion.region import Region, Target
from imageregion.shapes import Ellipse, Ellipsoid, Points, Polygon, Polyline, Shape

RS, URI, IID = "dicom-wado-rs", "dicom-wado-uri", "ihe-iid"
BASE = "https://a.org/rs"
IMAGE = ("1.2", "1.2.3", "1.2.3.4")
PATH = f"{BASE}/studies/1.2/series/1.2.3/instances/1.2.3.4"
ALL = Endpoint(BASE, (RS, URI, IID))


def query(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query, strict_parsing=True))


def on(shape: Shape | None, *frames: int, **changes: Any) -> Region:
    return Region(shape, Target(*IMAGE, frames), path="ImagingSelection.instance[0]", **changes)


CIRCLE = Ellipse.circle((100, 50), 20)


# --- WADO-RS ----------------------------------------------------------------------------------


def test_wado_rs_resources() -> None:
    assert wado_rs_url(BASE, "1.2") == f"{BASE}/studies/1.2"
    assert wado_rs_url(BASE + "/studies/9.9/", "1.2", "1.2.3", part="metadata") == (
        f"{BASE}/studies/1.2/series/1.2.3/metadata"
    )
    assert wado_rs_url(BASE, *IMAGE) == PATH
    assert wado_rs_url(BASE, *IMAGE, [1, 3]) == f"{PATH}/frames/1,3"
    assert wado_rs_url(BASE, *IMAGE, [2], "rendered") == f"{PATH}/frames/2/rendered"
    assert wado_rs_url(BASE, *IMAGE, part="thumbnail", size=(64, 64)) == (
        f"{PATH}/thumbnail?viewport=64,64"
    )


def test_rendered_parameters() -> None:
    url = wado_rs_url(
        BASE,
        *IMAGE,
        part="rendered",
        size=(512, 256),
        box=Box(10, 20, 60, 30),
        window=(40, 400.5, "linear-exact"),
        quality=90,
        annotation=["patient", "technique"],
    )
    assert url.startswith(f"{PATH}/rendered?")
    assert query(url) == {
        "annotation": "patient,technique",
        "quality": "90",
        "viewport": "512,256,10,20,60,30",
        "window": "40,400.5,linear-exact",
    }


@pytest.mark.parametrize(
    ("arguments", "options", "reason"),
    [
        (("1.2/../..",), {}, "study: expected a DICOM UID"),
        (("1.2?x=1",), {}, "study: expected a DICOM UID"),
        (("1.2#x",), {}, "study: expected a DICOM UID"),
        (("1.2\n",), {}, "study: expected a DICOM UID"),
        (("\uff11.2",), {}, "study: expected a DICOM UID"),
        (("1." * 40 + "1",), {}, "study: expected a DICOM UID"),
        (("",), {}, "study: expected a DICOM UID"),
        (("1.2", "%2e%2e"), {}, "series: expected a DICOM UID"),
        (("1.2", "", "1.2.3.4"), {}, "needs the UID of the series"),
        (("1.2", "1.2.3", "", [1]), {}, "needs the UID of the series of an instance"),
        ((*IMAGE, [0]), {}, "frames: expected numbers from 1"),
        ((*IMAGE, [True]), {}, "frames: expected numbers from 1"),
        ((*IMAGE, [1], "metadata"), {}, "metadata are of instances"),
        ((*IMAGE, (), "pixels"), {}, "part: expected"),
        (IMAGE, {"window": (1, 2)}, "only of pictures"),
        ((*IMAGE, (), "thumbnail"), {"window": (1, 2)}, "a thumbnail takes a size alone"),
        (
            (*IMAGE, (), "thumbnail"),
            {"size": (8, 8), "box": Box(0, 0, 1, 1)},
            "a thumbnail shows the whole image",
        ),
        ((*IMAGE, (), "rendered"), {"box": Box(0, 0, 1, 1)}, "a box needs the size"),
        ((*IMAGE, (), "rendered"), {"size": (0, 8)}, "expected a whole number from 1"),
        ((*IMAGE, (), "rendered"), {"size": (8, 2.5)}, "expected a whole number from 1"),
        (
            (*IMAGE, (), "rendered"),
            {"size": (8, 8), "box": Box(-1, 0, 1, 1)},
            "expected a whole number from 0",
        ),
        ((*IMAGE, (), "rendered"), {"quality": 0}, "quality: expected"),
        ((*IMAGE, (), "rendered"), {"annotation": ["x&y"]}, "annotation: expected"),
        ((*IMAGE, (), "rendered"), {"window": (1, 0)}, "window width: expected at least 1"),
        ((*IMAGE, (), "rendered"), {"window": (1, 0, "sigmoid")}, "expected above 0"),
        ((*IMAGE, (), "rendered"), {"window": (1, float("nan"))}, "expected a finite number"),
        ((*IMAGE, (), "rendered"), {"window": (1, 2, "log")}, "window function: expected"),
        ((*IMAGE, (), "rendered"), {"window": (1,)}, "window: expected center, width"),
        ((*IMAGE, (), "rendered"), {"window": ("a", "b")}, "window: expected numbers"),
    ],
)
def test_what_makes_no_wado_rs_url(
    arguments: tuple[Any, ...], options: dict[str, Any], reason: str
) -> None:
    with pytest.raises(InputError, match=reason):
        wado_rs_url(BASE, *arguments, **options)


@pytest.mark.parametrize(
    "base", ["ftp://a.org", "a.org/rs", "https://me:word@a.org", "https://a b"]
)
def test_a_base_is_a_url(base: str) -> None:
    with pytest.raises(InputError, match="endpoint: "):
        wado_rs_url(base, "1.2")


# --- WADO-URI ---------------------------------------------------------------------------------


def test_wado_uri_parameters() -> None:
    url = wado_uri_url(
        "https://a.org/wado?key=1",
        *IMAGE,
        frame=3,
        size=(512, 256),
        region=(0.125, 0, 1 / 3, 1),
        window=(-600, 1500),
        quality=80,
        annotation=["patient"],
    )
    assert query(url) == {
        "key": "1",
        "requestType": "WADO",
        "studyUID": "1.2",
        "seriesUID": "1.2.3",
        "objectUID": "1.2.3.4",
        "contentType": "image/jpeg",
        "frameNumber": "3",
        "imageAnnotation": "patient",
        "imageQuality": "80",
        "rows": "256",
        "columns": "512",
        "region": "0.125,0,0.3333333333,1",
        "windowCenter": "-600",
        "windowWidth": "1500",
    }
    assert "contentType=image/jpeg" in url


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"region": (0.5, 0, 0.5, 1)}, "region: expected fractions"),
        ({"region": (0, 0, 1.1, 1)}, "region: expected fractions"),
        ({"region": (0, 0, float("nan"), 1)}, "region: expected fractions"),
        ({"window": (1, 2, "sigmoid")}, "no window function sigmoid"),
        ({"frame": 0}, "frames: expected numbers from 1"),
        ({"content_type": "application/dicom", "window": (1, 2)}, "not of application/dicom"),
        ({"content_type": "application/dicom", "region": (0, 0, 1, 1)}, "only of pictures"),
    ],
)
def test_what_makes_no_wado_uri_url(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        wado_uri_url(BASE, *IMAGE, **options)
    assert query(wado_uri_url(BASE, *IMAGE, content_type="application/dicom"))["contentType"]


# --- IHE IID ----------------------------------------------------------------------------------


def test_iid_opens_studies() -> None:
    assert query(iid_url(BASE, ["1.2", "1.3"], viewer_type="IHE_BIR")) == {
        "requestType": "STUDY",
        "studyUID": "1.2,1.3",
        "viewerType": "IHE_BIR",
    }
    wrong: list[Any] = [[], "", "1.2&x=1"]
    for studies in wrong:
        with pytest.raises(InputError):
            iid_url(BASE, studies)


def test_the_draft_of_imr_has_the_region() -> None:
    """The URL of the example in IHE IMR RAD-142, of the official 2-D example, closed."""
    ring = [(0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75)]
    url = iid_region_url(BASE, *IMAGE, graphic_of(on(Polygon([ring]))))
    assert url == (
        f"{BASE}?requestType=SERIES&studyUID=1.2&seriesUID=1.2.3&imageUID=1.2.3.4&"
        "viewerType=IHE_IMR&graphicData=0.25,0.25,0.75,0.25,0.75,0.75,0.25,0.75,0.25,0.25&"
        "graphicType=POLYLINE&coordinateType=2D"
    )
    assert KINDS["iid-region"].is_draft
    assert not KINDS["iid"].is_draft


@pytest.mark.parametrize(
    ("shape", "graphic"),
    [
        (Points([(1, 2)]), Graphic("POINT", (1, 2))),
        (Points([(1, 2), (3, 4)]), Graphic("MULTIPOINT", (1, 2, 3, 4))),
        (Polyline([(1, 2), (3, 4)]), Graphic("POLYLINE", (1, 2, 3, 4))),
        (CIRCLE, Graphic("CIRCLE", (100, 50, 120, 50))),
        (
            Ellipse((8, 8), [[0, 6], [3, 0]]),
            Graphic("ELLIPSE", (2, 8, 14, 8, 8, 5, 8, 11)),
        ),
    ],
)
def test_graphics_are_those_of_dicom_sr(shape: Shape, graphic: Graphic) -> None:
    assert graphic_of(on(shape)) == graphic


@given(st.floats(0, 3.1), st.floats(0.2, 1.4), st.floats(1, 9), st.floats(1, 9))
def test_a_slanted_ellipse_is_written_by_its_own_axes(
    angle: float, between: float, first: float, second: float
) -> None:
    """Ends of the axes of any conjugate pair lie on the same ellipse and at right angles."""
    axes = np.array(
        [
            [first * np.cos(angle), second * np.cos(angle + between)],
            [first * np.sin(angle), second * np.sin(angle + between)],
        ]
    )
    graphic = graphic_of(on(Ellipse((40, 30), axes)))
    points = np.reshape(graphic.data, (-1, 2)) - (40, 30)
    if graphic.type == "CIRCLE":
        points = points[1:]
    lengths = np.linalg.norm(np.linalg.solve(axes, points.T), axis=0)
    # 1e-6: axes as close to perpendicular as rounding in float32 leaves them are taken as they are
    np.testing.assert_allclose(lengths, 1, atol=1e-6)
    if graphic.type == "ELLIPSE":
        assert abs((points[1] - points[0]) @ (points[3] - points[2])) < 1e-4 * first * second
        assert np.linalg.norm(points[0]) >= np.linalg.norm(points[2])


def test_what_is_no_graphic_and_urls_that_get_too_long_are_refused() -> None:
    square = [(0, 0), (9, 0), (9, 9), (0, 9)]
    hole = [(2, 2), (3, 2), (3, 3), (2, 3)]
    for shape in (Polygon([square, hole]), Ellipsoid((0, 0, 0), np.eye(3)), None):
        with pytest.raises(FhirError):
            graphic_of(on(shape))
    for count in (2000, 50_000):
        with pytest.raises(InputError, match=r"do not fit|a URL of"):
            iid_region_url(BASE, *IMAGE, graphic_of(on(Polyline(np.ones((count, 2)) * 1.5))))
    with pytest.raises(InputError, match="a region needs the instance"):
        iid_region_url(BASE, "1.2", "1.2.3", "", Graphic("POINT", (1, 2)))


# --- the part of the image --------------------------------------------------------------------


@given(
    st.floats(-50, 350),
    st.floats(-50, 250),
    st.floats(0, 300),
    st.floats(0, 300),
    st.floats(0, 2),
    st.tuples(st.integers(1, 200), st.integers(1, 300)),
)
def test_the_box_shows_the_region_and_stays_in_the_image(
    left: float, top: float, width: float, height: float, margin: float, size: tuple[int, int]
) -> None:
    shape = Points([(left, top), (left + width, top + height)])
    rows, columns = size
    try:
        box = box_around(shape, size, margin=margin)
    except PlacementError:
        assert left > columns or top > rows or left + width < 0 or top + height < 0
        return
    assert 0 <= box.left < box.left + box.width <= columns
    assert 0 <= box.top < box.top + box.height <= rows
    # a region that only touches the image from outside shows the pixel at the edge
    assert box.left <= max(min(left, columns - 1), 0)
    assert box.left + box.width >= min(left + width, columns)
    assert box.top <= max(min(top, rows - 1), 0)
    assert box.top + box.height >= min(top + height, rows)
    assert box.width >= min(32, columns)
    assert box.height >= min(32, rows)
    fractions = box.fractions(size)
    assert 0 <= fractions[0] < fractions[2] <= 1
    assert 0 <= fractions[1] < fractions[3] <= 1


def test_the_margin_is_a_share_of_the_longer_side() -> None:
    shape = Points([(100, 100), (140, 120)])
    assert box_around(shape, (500, 500), margin=0.5, least=1) == Box(80, 80, 80, 60)
    assert box_around(shape, (500, 500), margin=0, least=1) == Box(100, 100, 40, 20)
    assert box_around(Points([(5, 5)]), (500, 500)) == Box(0, 0, 32, 32)
    assert box_around(Points([(499, 250)]), (500, 500)) == Box(468, 234, 32, 32)


@pytest.mark.parametrize(
    ("shape", "size", "margin"),
    [
        (Points([(1, 2, 3)]), (9, 9), 0.1),
        (CIRCLE, (0, 9), 0.1),
        (CIRCLE, (99, 999), -1),
        (CIRCLE, (99, 999), float("nan")),
    ],
)
def test_no_box(shape: Shape, size: tuple[int, int], margin: float) -> None:
    with pytest.raises(InputError):
        box_around(shape, size, margin=margin)


def test_pictures_keep_the_form_of_the_box() -> None:
    assert Box(0, 0, 60, 30).scaled(512) == (512, 256)
    assert Box(0, 0, 30, 60).scaled(512) == (256, 512)
    assert Box(0, 0, 10_000, 1).scaled(512) == (512, 1)


# --- regions ----------------------------------------------------------------------------------


def kinds(found: RegionUrls) -> list[str]:
    return [one.kind for one in found]


def codes(found: RegionUrls) -> list[str]:
    return [one.code for one in found.issues]


def test_a_region_gets_every_kind_that_its_endpoint_serves() -> None:
    found = region_urls(on(CIRCLE, 2), ALL, image_shape=(256, 512), window=(40, 400))
    assert kinds(found) == list(KINDS)
    by = {one.kind: one for one in found}
    assert by["rendered"].url == (
        f"{PATH}/frames/2/rendered?viewport=512,512,70,20,60,60&window=40,400,linear"
    )
    assert by["thumbnail"].url == f"{PATH}/frames/2/thumbnail"
    assert by["frames"].url == f"{PATH}/frames/2"
    assert by["metadata"].url == f"{PATH}/metadata"
    assert by["retrieve"].url == PATH
    uri = query(by["wado-uri"].url)
    left, top, right, bottom = (float(one) for one in uri["region"].split(","))
    # ten decimals are written: half of the last one, in pixels of this image
    assert np.allclose(
        [left * 512, top * 256, right * 512, bottom * 256], [70, 20, 130, 80], 0, 1e-7
    )
    assert (uri["frameNumber"], uri["windowCenter"], uri["windowWidth"]) == ("2", "40", "400")
    assert query(by["iid-region"].url)["graphicType"] == "CIRCLE"
    assert by["iid-region"].is_draft
    assert {one.kind for one in found if one.shows_region} == {"rendered", "wado-uri", "iid-region"}
    assert all(one.accept == KINDS[one.kind].accept for one in found)
    assert found.issues == ()
    assert len(found.records()) == len(found)


def test_without_the_size_of_the_image_pictures_show_all_of_it() -> None:
    found = region_urls(on(CIRCLE), BASE, kinds=["rendered"])
    assert [one.url for one in found] == [f"{PATH}/rendered"]
    assert not found.urls[0].shows_region
    assert codes(found) == ["whole-image"]


def test_a_region_off_the_image_is_told() -> None:
    found = region_urls(on(CIRCLE), BASE, kinds=["rendered"], image_shape=(20, 512))
    assert [one.url for one in found] == [f"{PATH}/rendered"]
    assert "does not lie on the image of 512 x 20 pixels" in found.issues[0].message


def test_sizes_may_differ_by_image() -> None:
    other = Region(CIRCLE, Target("1.2", "1.2.3", "1.2.3.9"), path="b")
    found = region_urls([on(CIRCLE), other], BASE, image_shape={"1.2.3.4": (256, 512)})
    rendered = [one for one in found if one.kind == "rendered"]
    assert [one.shows_region for one in rendered] == [True, False]


def test_every_frame_has_a_picture_of_its_own() -> None:
    found = region_urls(on(CIRCLE, 2, 5), BASE, kinds=["rendered", "frames"])
    assert [(one.frame, one.url) for one in found] == [
        (2, f"{PATH}/frames/2/rendered"),
        (5, f"{PATH}/frames/5/rendered"),
        (None, f"{PATH}/frames/2,5"),
    ]


def test_a_region_in_mm_needs_the_images() -> None:
    ball = Region(
        Ellipsoid((0, 0, 0), np.eye(3)),
        Target("1.2", "1.2.3", frame_of_reference="1.9"),
        path="ImagingSelection.imageRegion3D[0]",
    )
    found = region_urls(ball, ALL, image_shape=(256, 512))
    assert "needs-images" in codes(found)
    assert not any(one.shows_region for one in found)
    assert "iid-region" not in kinds(found)


def test_a_whole_series_is_opened_as_such() -> None:
    series = Region(None, Target("1.2", "1.2.3"), path="ImagingSelection")
    by = {one.kind: one.url for one in region_urls(series, ALL)}
    assert by["retrieve"] == f"{BASE}/studies/1.2/series/1.2.3"
    assert by["rendered"] == f"{BASE}/studies/1.2/series/1.2.3/rendered"
    assert "imageUID" not in by["iid-region"]
    assert "wado-uri" not in by


def test_regions_without_study_need_one() -> None:
    region = Region(CIRCLE, Target("", "1.2.3", "1.2.3.4"), path="a")
    found = region_urls([region, on(CIRCLE)], BASE, kinds=["retrieve"])
    assert [one.region for one in found] == ["ImagingSelection.instance[0]"]
    assert [(one.code, one.path) for one in found.issues] == [("no-study", "a")]
    assert region_urls(region, BASE, kinds=["retrieve"], study="1.2").urls[0].url == PATH


def test_uids_of_hostile_documents_never_reach_a_url() -> None:
    region = Region(CIRCLE, Target("1.2", "1.2.3", "../../secret?x=1"), path="a")
    found = region_urls([region, on(CIRCLE)], ALL)
    assert set(codes(found)) == {"no-url", "whole-image"}
    assert not any("secret" in one.url for one in found)
    assert {one.region for one in found if one.kind != "iid"} == {"ImagingSelection.instance[0]"}


def selection(sop: str, **instance: Any) -> Any:
    return read_selection(
        {
            "resourceType": "ImagingSelection",
            "status": "available",
            "code": {"text": "x"},
            "studyUid": "1.2",
            "seriesUid": "1.2.3",
            "instance": [
                {"uid": "1.2.3.4", "sopClass": {"code": f"urn:oid:{sop}"}, **instance},
            ],
        }
    )


def test_presentation_states_and_reports_bring_their_own_display() -> None:
    state = selection("1.2.840.10008.5.1.4.1.1.11.1")
    found = region_urls(state, ALL, window=(40, 400), kinds=["rendered", "wado-uri"])
    assert found.urls[0].url == f"{PATH}/rendered"
    assert "windowCenter" not in found.urls[1].url
    assert codes(found) == ["no-window"]


def test_no_parameter_addresses_the_matrix_of_a_slide() -> None:
    slide = "1.2.840.10008.5.1.4.1.1.77.1.6"
    region = [{"regionType": "circle", "coordinate": [100, 50, 120, 50]}]
    whole = region_urls(selection(slide, imageRegion2D=region), BASE, image_shape=(9999, 9999))
    assert codes(whole) == ["whole-image"]
    assert not any(one.shows_region for one in whole)
    tile = selection(slide, imageRegion2D=region, subset=["3"])
    assert any(one.shows_region for one in region_urls(tile, BASE, image_shape=(256, 256)))


def test_wado_uri_has_no_window_function() -> None:
    found = region_urls(
        on(CIRCLE), ALL, window=(40, 400, "sigmoid"), kinds=["rendered", "wado-uri"]
    )
    assert query(found.urls[0].url)["window"] == "40,400,sigmoid"
    assert "windowCenter" not in found.urls[1].url
    assert "no-window" in codes(found)


def test_endpoints_that_are_not_in_use_are_told() -> None:
    found = region_urls(on(CIRCLE), Endpoint(BASE, (IID,), "suspended"))
    assert kinds(found) == ["iid", "iid-region"]
    assert "endpoint-status" in codes(found)


def test_a_url_alone_serves_what_is_asked_for() -> None:
    assert kinds(region_urls(on(CIRCLE), "https://a.org/view", kinds=["iid"])) == ["iid"]
    assert "rendered" in kinds(region_urls(on(CIRCLE), [BASE, "https://b.org"]))


@pytest.mark.parametrize(
    ("endpoint", "options", "reason"),
    [
        (Endpoint(BASE, (IID,)), {"kinds": ["rendered"]}, "ihe-iid serves none of rendered"),
        (Endpoint(BASE), {}, "no connection type serves none of"),
        ([], {}, "endpoint: expected at least one"),
        (BASE, {"kinds": ["video"]}, "kind: expected one of rendered"),
        (BASE, {"window": (1, 2, 3, 4)}, "window: expected"),
    ],
)
def test_what_gives_no_urls_at_all(endpoint: Any, options: dict[str, Any], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        region_urls(on(CIRCLE), endpoint, **options)


@given(st.text(max_size=30), st.text(max_size=30), st.text(max_size=30))
def test_no_text_slips_into_a_url(study: str, series: str, instance: str) -> None:
    found = region_urls(Region(CIRCLE, Target(study, series, instance)), ALL)
    for one in found:
        parts = urlsplit(one.url)
        assert (parts.scheme, parts.netloc, parts.fragment) == ("https", "a.org", "")
        assert one.url.isascii()
        assert not set(one.url) & set(" <>\"'\\\r\n\t")
        assert set(parse_qs(parts.query)) <= {
            *("requestType", "studyUID", "seriesUID", "objectUID", "imageUID", "contentType"),
            *("viewerType", "graphicData", "graphicType", "coordinateType"),
        }


def test_windows_are_values() -> None:
    assert Windowing(40, 400).value == "40,400,linear"
    assert Windowing(0.5, 1e-3, "sigmoid").value == "0.5,0.001,sigmoid"


# --- command ----------------------------------------------------------------------------------


def run(*arguments: Any) -> Any:
    return CliRunner().invoke(app, [str(one) for one in arguments])


@pytest.fixture
def document(tmp_path: Path) -> Path:
    """A Bundle: a selection with an endpoint of its own, its study, and two endpoints."""
    region = [{"regionType": "circle", "coordinate": [100, 50, 120, 50]}]
    resource = {
        "resourceType": "ImagingSelection",
        "id": "cyst",
        "status": "available",
        "code": {"text": "Cyst"},
        "seriesUid": "1.2.3",
        "studyUid": "1.2",
        "endpoint": [{"reference": "Endpoint/view"}],
        "instance": [{"uid": "1.2.3.4", "imageRegion2D": region}],
    }
    study = {
        "resourceType": "ImagingStudy",
        "status": "available",
        "identifier": [{"system": "urn:dicom:uid", "value": "urn:oid:1.2"}],
        "endpoint": [{"reference": "Endpoint/rs"}],
        "series": [{"uid": "1.2.3"}],
    }
    endpoints = [
        {
            "resourceType": "Endpoint",
            "id": name,
            "status": "active",
            "connectionType": [{"coding": [{"code": kind}]}],
            "address": f"https://{name}.org/x",
        }
        for name, kind in (("view", IID), ("rs", RS))
    ]
    path = tmp_path / "bundle.json"
    entries = [{"resource": one} for one in (resource, study, *endpoints)]
    path.write_text(json.dumps({"resourceType": "Bundle", "entry": entries}))
    return path


def test_the_command_finds_the_endpoints_of_the_document(document: Path) -> None:
    done = run("urls", document, "--study", document, "--format", "json")
    assert done.exit_code == 0, done.output
    (found,) = json.loads(done.stdout)
    assert found["selection"] == "cyst"
    assert {urlsplit(one["url"]).netloc for one in found["urls"]} == {"view.org", "rs.org"}
    alone = json.loads(run("urls", document, "--format", "json").stdout)[0]["urls"]
    assert [one["kind"] for one in alone] == ["iid", "iid-region"]


def test_the_command_takes_an_endpoint_and_a_window(document: Path) -> None:
    arguments = ("urls", document, "-e", BASE, "-k", "rendered", "--window", "40,400,sigmoid")
    done = run(*arguments)
    assert done.exit_code == 0
    assert f"rendered    {PATH}/rendered?window=40,400,sigmoid" in done.stdout
    assert "its size is not known" in done.stderr
    lines = run(*arguments, "--format", "csv").stdout.splitlines()
    assert lines[0].startswith("selection,kind,url")
    assert len(lines) == 2


def test_the_command_without_any_endpoint_says_so(tmp_path: Path, document: Path) -> None:
    bundle = json.loads(document.read_text())
    path = tmp_path / "alone.json"
    path.write_text(json.dumps(bundle["entry"][0]["resource"]))
    done = run("urls", path)
    assert isinstance(done.exception, InputError)
    assert "no endpoint in the selection or its study; give --endpoint" in str(done.exception)
    assert "Endpoint/view is not at hand" in done.stderr


def test_the_command_cuts_regions_in_mm_by_the_images(tmp_path: Path) -> None:
    path = tmp_path / "selection.json"
    path.write_bytes(demo_selection())
    arguments = ("urls", path, "-e", BASE, "-k", "rendered", "--study", _study(tmp_path, path))
    without = json.loads(run(*arguments, "--format", "json").stdout)[0]["urls"]
    assert not any(one["shows_region"] for one in without)
    done = run(*arguments, "--format", "json", "--images", demo_image())
    (found,) = json.loads(done.stdout)
    assert all(one["shows_region"] for one in found["urls"]), done.stderr
    ball = [one for one in found["urls"] if "imageRegion3D" in one["region"]]
    assert ball
    frame = open_images(demo_image()).frames[0]
    for one in found["urls"]:
        assert f"/instances/{frame.instance}/rendered" in one["url"]
        left, top, width, height = map(int, query(one["url"])["viewport"].split(",")[2:])
        assert left + width <= frame.shape[1]
        assert top + height <= frame.shape[0]


def test_the_matrix_of_a_slide_is_no_size_of_a_picture() -> None:
    plain = Frame.from_array(np.zeros((3, 4)), instance="1.1")
    slide = replace(plain, instance="1.2", tiles=object())  # type: ignore[arg-type]
    assert _shapes(Images([plain, slide])) == {"1.1": (3, 4)}


def _study(folder: Path, selection: Path) -> Path:
    """Write the study that a selection is of."""
    uid = read_selection(selection).study or "1.2"
    path = folder / "study.json"
    study = {"resourceType": "ImagingStudy", "uid": f"urn:oid:{uid}"}
    path.write_text(json.dumps(study))
    return path


@pytest.mark.parametrize(
    ("point", "corner"),
    [((0, 0), (0, 0)), ((64, 48), (63, 47)), ((0, 48), (0, 47)), ((64, 0), (63, 0))],
)
def test_the_corners_of_the_image_belong_to_it(
    point: tuple[int, int], corner: tuple[int, int]
) -> None:
    box = box_around(Points([point]), (48, 64), margin=0, least=1)
    assert box == Box(*corner, 1, 1)


@pytest.mark.parametrize("point", [(-1e-6, 5), (5, -1e-6), (64.01, 5), (5, 48.01)])
def test_what_lies_beyond_an_edge_does_not(point: tuple[float, float]) -> None:
    with pytest.raises(PlacementError, match="does not lie on the image of 64 x 48 pixels"):
        box_around(Points([point]), (48, 64))


def test_the_narrowest_windows() -> None:
    assert Windowing(0, 1).value == "0,1,linear"
    with pytest.raises(InputError, match="above 0"):
        Windowing(0, 0, "linear-exact")
