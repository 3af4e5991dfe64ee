"""The URLs that are built for others, asked of a real server."""

from __future__ import annotations

import io
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydicom.uid import UID
from tests.orthanc import Orthanc

from imageregion.demo import demo_image
from imageregion.dicom.opening import open_images
from imageregion.fhir.studies import Endpoint
from imageregion.fhir.urls import Box, Url, box_around, region_urls, wado_rs_url, wado_uri_url
from imageregion.frame import Frame
from imageregion.region import Region, Target
from imageregion.shapes import Ellipse

WINDOW = (40, 400)
CIRCLE = Ellipse.circle((40.5, 60.25), 8)


def get(url: str, accept: str = "image/png") -> bytes:
    request = urllib.request.Request(url, headers={"Accept": accept})
    with urllib.request.urlopen(request, timeout=60) as response:
        content: bytes = response.read()
        return content


def picture(url: str) -> NDArray[np.float64]:
    return np.asarray(Image.open(io.BytesIO(get(url)))).astype(float)


@pytest.fixture(scope="module")
def frame(orthanc: Orthanc) -> Frame:
    orthanc.store([demo_image()])
    return open_images(demo_image()).frames[0]


@pytest.fixture(scope="module")
def urls_of(orthanc: Orthanc, frame: Frame) -> Callable[..., dict[str, Url]]:
    """Return a function that builds the URLs of a circle on the demo image, by kind."""

    def build(**options: object) -> dict[str, Url]:
        target = Target(frame.study, frame.series, frame.instance)
        endpoints = [
            Endpoint(orthanc.url, ("dicom-wado-rs",)),
            Endpoint(orthanc.wado_uri, ("dicom-wado-uri",)),
        ]
        found = region_urls(Region(CIRCLE, target), endpoints, **options)  # type: ignore[arg-type]
        return {one.kind: one for one in found}

    return build


def test_a_rendered_url_shows_the_part_of_the_image_that_the_region_is_in(
    orthanc: Orthanc, frame: Frame, urls_of: Callable[..., dict[str, Url]]
) -> None:
    whole = wado_rs_url(
        orthanc.url, frame.study, frame.series, frame.instance, part="rendered", window=WINDOW
    )
    box = box_around(CIRCLE, frame.shape)
    part = picture(whole)[box.top : box.top + box.height, box.left : box.left + box.width]
    for factor in (1, 2):
        size = factor * max(box.width, box.height)
        url = urls_of(image_shape=frame.shape, window=WINDOW, size=size)["rendered"]
        assert url.shows_region
        shown = picture(url.url)
        # this server repeats pixels when it enlarges, so every one of them can be compared
        np.testing.assert_array_equal(shown, part.repeat(factor, 0).repeat(factor, 1))


def test_the_window_of_a_url_is_that_of_the_values(orthanc: Orthanc, frame: Frame) -> None:
    place = (orthanc.url, frame.study, frame.series, frame.instance)
    shown = picture(wado_rs_url(*place, part="rendered", window=WINDOW))
    center, width = WINDOW
    expected = ((frame.pixels - (center - 0.5)) / (width - 1) + 0.5) * 255
    # half a grey level: the server rounds to whole ones
    np.testing.assert_allclose(shown, np.clip(expected, 0, 255), atol=0.5 + 1e-9)


def test_boxes_count_from_the_first_pixel(orthanc: Orthanc, frame: Frame) -> None:
    place = (orthanc.url, frame.study, frame.series, frame.instance)
    whole = picture(wado_rs_url(*place, part="rendered", window=(0, 4000)))
    rows, columns = frame.shape
    for box in (Box(0, 0, 3, 2), Box(columns - 3, rows - 2, 3, 2), Box(5, 9, 1, 1)):
        shown = picture(
            wado_rs_url(
                *place,
                part="rendered",
                window=(0, 4000),
                size=(box.width, box.height),
                box=box,
            )
        )
        expected = whole[box.top : box.top + box.height, box.left : box.left + box.width]
        np.testing.assert_array_equal(shown, expected)


def test_other_kinds_answer(frame: Frame, urls_of: Callable[..., dict[str, Url]]) -> None:
    found = urls_of(image_shape=frame.shape, window=WINDOW)
    assert get(found["metadata"].url, found["metadata"].accept).startswith(b"[")
    assert b"DICM" in get(found["retrieve"].url, found["retrieve"].accept)[:2000]
    uri = Image.open(io.BytesIO(get(found["wado-uri"].url, "image/jpeg")))
    # a server may leave out `region` (DICOM PS3.18 9.5.1.2.5), and this one does
    assert uri.format == "JPEG"
    assert uri.size in (frame.shape[::-1], (512, 512))


def test_a_thumbnail_answers_where_the_server_has_any(
    urls_of: Callable[..., dict[str, Url]],
) -> None:
    url = urls_of()["thumbnail"]
    try:
        content = get(url.url, url.accept)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code != 404:
            raise
        pytest.skip("this version of Orthanc's plugin has no thumbnails")
    assert Image.open(io.BytesIO(content)).format == "JPEG"


def test_one_frame_of_many_is_shown(orthanc: Orthanc, tmp_path: Path) -> None:
    dataset = pydicom.dcmread(demo_image())
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = UID("1.2.826.0.1.7")
    values = np.stack([dataset.pixel_array + 100 * number for number in range(3)])
    dataset.PixelData = values.astype(dataset.pixel_array.dtype).tobytes()
    dataset.NumberOfFrames = 3
    path = tmp_path / "many.dcm"
    dataset.save_as(path)
    orthanc.store([path])
    place = (dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID)
    shape = dataset.pixel_array.shape[1:]
    found = region_urls(
        Region(CIRCLE, Target(*place, frames=(2, 3))),
        orthanc.url,
        image_shape=(shape[0], shape[1]),
        kinds=["rendered"],
        window=(1000, 4000),
    )
    pictures = [picture(url.url) for url in found]
    assert [url.frame for url in found] == [2, 3]
    # 100 of a window of 4000 are 6.4 of 255 grey levels; the server rounds each to whole ones
    assert 5 <= (pictures[1] - pictures[0]).min() <= (pictures[1] - pictures[0]).max() <= 8


def test_a_uri_of_the_object_itself(orthanc: Orthanc, frame: Frame) -> None:
    url = wado_uri_url(
        orthanc.wado_uri,
        frame.study,
        frame.series,
        frame.instance,
        content_type="application/dicom",
    )
    assert get(url, "application/dicom")[128:132] == b"DICM"
