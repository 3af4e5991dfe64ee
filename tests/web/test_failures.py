"""Servers that are down, slow, wrong or hostile: a clear error, soon, and nothing half done."""

from __future__ import annotations

import gzip
import json
import re
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest
from pydicom import Dataset
from tests.pacs import Handler, Pacs, metadata, multipart, slices
from tests.sameness import selection_of

from imageregion import DicomError, Images, InputError, Target, measure
from imageregion.access import open_images
from imageregion.dicom.web.settings import WebSettings

QUICK = WebSettings(timeout=0.4, total_timeout=1.0, retries=2, backoff=0.01, max_bytes=200_000)
SERIES = "/studies/1.2/series/1.2.3"


def opened(pacs: Pacs, web: WebSettings = QUICK) -> Images:
    return open_images(pacs.url + SERIES, web=web)


def stored(pacs: Pacs, web: WebSettings = QUICK) -> bytes:
    """Pixels of the first slice."""
    found: bytes = opened(pacs, web).frame(Target(instance="1.2.3.1")).stored.tobytes()
    return found


def give(status: int, body: bytes = b"", kind: str = "text/plain", **headers: str) -> Any:
    return lambda handler: handler.give(status, body, kind, **headers)


def first_times(count: int, rule: Callable[[Handler], bool]) -> Callable[[Handler], bool]:
    """Misbehave only so often."""
    left = [count]

    def limited(handler: Handler) -> bool:
        left[0] -= 1
        return left[0] >= 0 and rule(handler)

    return limited


def test_a_server_that_behaves(pacs: Pacs) -> None:
    images = opened(pacs)
    assert len(images) == 3
    assert stored(pacs) == slices(1)[0].PixelData
    assert images.frames[2].plane is not None
    assert images.frames[2].plane.origin.tolist() == [-10.5, 20.0, 6.0]
    assert images.frames[0].unit == "[hnsf'U]"


# --- no answer at all ----------------------------------------------------------------------------


def test_nobody_listens() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}/rs/studies/1.2"
        start = time.monotonic()
        with pytest.raises(InputError, match=r"cannot connect: .*refused"):
            open_images(url, web=QUICK)
    assert time.monotonic() - start < 2


def test_a_host_that_does_not_exist() -> None:
    with pytest.raises(InputError, match=r"pacs\.invalid/rs/studies/1\.2/metadata: cannot connect"):
        open_images("http://pacs.invalid/rs/studies/1.2", web=QUICK)


def test_a_server_that_is_down_is_not_asked_for_every_image(pacs: Pacs) -> None:
    images = opened(pacs)
    pacs.__exit__(None, None, None)
    for adapter in session_of(images).adapters.values():
        adapter.close()
    start = time.monotonic()
    for frame in images.frames:
        with pytest.raises(DicomError, match="cannot connect"):
            frame.load()
    assert time.monotonic() - start < 2


def session_of(images: Images) -> Any:
    return images.frames[0].load.pixels.source.service.session  # type: ignore[attr-defined]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 406, 410, 418, 500, 501])
def test_statuses(status: int, pacs: Pacs) -> None:
    pacs.rule("metadata", give(status, b"<html>secret</html>", "text/html"))
    with pytest.raises(InputError, match=rf"/series/1\.2\.3/metadata: the server .*HTTP {status}"):
        opened(pacs)
    assert len(pacs.requests) == 1


def test_nothing_there(pacs: Pacs) -> None:
    pacs.rule("metadata", give(204))
    with pytest.raises(InputError, match="nothing there"):
        opened(pacs)


# --- once more -----------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_what_may_pass_is_tried_again(status: int, pacs: Pacs) -> None:
    pacs.rule("metadata", first_times(2, give(status, Retry_After="0")))
    assert len(opened(pacs)) == 3
    assert len(pacs.requests) == 3


def test_not_for_ever(pacs: Pacs) -> None:
    pacs.rule("metadata", give(503))
    with pytest.raises(InputError, match="HTTP 503"):
        opened(pacs)
    assert len(pacs.requests) == 1 + QUICK.retries


@pytest.mark.parametrize("wait", ["3600", "Wed, 21 Oct 2065 07:28:00 GMT"])
def test_nobody_waits_for_an_hour(wait: str, pacs: Pacs) -> None:
    pacs.rule("metadata", give(503, Retry_After=wait))
    with pytest.raises(InputError, match="HTTP 503"):
        opened(pacs)
    assert len(pacs.requests) == 1


def test_the_time_a_server_asks_for_is_waited(pacs: Pacs) -> None:
    pacs.rule("metadata", first_times(1, give(503, Retry_After="1")))
    start = time.monotonic()
    assert len(opened(pacs)) == 3
    assert time.monotonic() - start >= 1


def cut(handler: Handler) -> bool:
    """Promise more than comes."""
    handler.give(200, b"[" + b" " * 50, "application/dicom+json", length="5000")
    handler.close_connection = True
    return True


def cut_chunks(handler: Handler) -> bool:
    """Leave in the middle of a chunk."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/dicom+json")
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    handler.wfile.write(b"400\r\n[{")
    handler.close_connection = True
    return True


def hang_up(handler: Handler) -> bool:
    """Leave without a word."""
    handler.close_connection = True
    return True


@pytest.mark.parametrize("rule", [cut, cut_chunks, hang_up])
def test_an_answer_that_ends_too_early(rule: Callable[[Handler], bool], pacs: Pacs) -> None:
    pacs.rule("metadata", first_times(1, rule))
    assert len(opened(pacs)) == 3
    pacs.rule("metadata", rule)
    with pytest.raises(InputError, match=r"truncated|cannot connect"):
        opened(pacs)


# --- slow ----------------------------------------------------------------------------------------


def never(handler: Handler) -> bool:
    time.sleep(1.5)
    handler.close_connection = True
    return True


def drip(handler: Handler) -> bool:
    """A byte now and then, for longer than anybody waits."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/dicom+json")
    handler.send_header("Content-Length", "100")
    handler.end_headers()
    return dripped(handler)


def drip_head(handler: Handler) -> bool:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    return dripped(handler)


def dripped(handler: Handler) -> bool:
    try:
        for _ in range(30):
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.1)
    except OSError:
        pass
    handler.close_connection = True
    return True


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (never, r"no answer within 0\.4 s"),
        (drip, "no whole answer within 1 s"),
        (drip_head, "no whole answer within 1 s"),
    ],
)
def test_slow_servers(rule: Callable[[Handler], bool], message: str, pacs: Pacs) -> None:
    pacs.rule("metadata", rule)
    web = WebSettings(timeout=0.4, total_timeout=1.0, retries=0)
    start = time.monotonic()
    with pytest.raises(InputError, match=message):
        opened(pacs, web)
    assert time.monotonic() - start < 2


# --- too much ------------------------------------------------------------------------------------


def endless(handler: Handler) -> bool:
    handler.send_response(200)
    handler.send_header("Content-Type", "application/dicom+json")
    handler.send_header("Connection", "close")
    handler.end_headers()
    try:
        for _ in range(1000):
            handler.wfile.write(b" " * 10_000)
    except OSError:
        pass
    handler.close_connection = True
    return True


JSON = "application/dicom+json"
BOMB = gzip.compress(b"[" + b" " * 50_000_000)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (give(200, b"[]", JSON, length="99999999999"), "more than 200000 bytes"),
        (endless, "more than 200000 bytes"),
        (give(200, BOMB, JSON, Content_Encoding="gzip"), "more than 200000 bytes"),
        (give(200, b"abc", JSON, Content_Encoding="gzip"), "cannot be unpacked"),
        (give(200, BOMB[:100], JSON, Content_Encoding="gzip"), "truncated"),
        (give(200, b"abc", JSON, Content_Encoding="br"), "packed in an unknown way"),
        (give(200, b"[" * 100_000, JSON), "this is no JSON"),
        (give(200, b'[{"00080018":' * 15_000, JSON), "this is no JSON"),
        (give(200, b"[" + b"1" * 150_000 + b"]", JSON), "this is no JSON"),
        (give(200, b'["x", 5, null, {}]', JSON), "no DICOM images"),
        (give(200, b"{}", JSON), "no DICOM images"),
        (give(200, b"[]", JSON), "no DICOM images"),
        (give(200, b"17", JSON), "makes no sense"),
        (give(200, b"", JSON), "no DICOM images"),
        (give(200, b"[{]", JSON), "this is no JSON"),
        (give(200, b"<!DOCTYPE html><html>", "text/html"), r"a web page \(HTML\)"),
        (give(200, b"<html>", "application/octet-stream"), r"a web page \(HTML\)"),
        (give(200, b"hello", "text/plain"), "content of type 'text/plain'"),
    ],
)
def test_answers_that_make_no_sense(rule: Any, message: str, pacs: Pacs) -> None:
    pacs.rule("metadata", rule)
    start = time.monotonic()
    with pytest.raises(InputError, match=message):
        opened(pacs)
    assert time.monotonic() - start < 2


def test_all_answers_together_are_bounded(pacs: Pacs) -> None:
    web = WebSettings(max_total_bytes=100)
    images = opened(pacs, web)
    with pytest.raises(DicomError, match="more than 100 bytes fetched"):
        images.frames[0].load()


def test_hostile_values_cost_one_image() -> None:
    """Whatever an element holds, the other images are there."""
    hostile: list[Any] = [
        {"00280010": {"vr": "US", "Value": ["x" * 1000]}},
        {"00280010": {"vr": "US", "Value": [1e308]}},
        {"00280010": {"vr": 5, "Value": [1]}},
        {"00280010": {"vr": "ZZZ", "Value": [1]}},
        {"00200032": {"vr": "DS", "Value": [{"a": 1}]}},
        {"00200032": {"vr": "DS", "InlineBinary": "%%%"}},
        {"00081140": 7, "00200032": {"vr": "OB", "Value": [1]}},
        {"52009230": {"vr": "SQ", "Value": [[1]]}},
        {"52009230": {"vr": "SQ", "Value": {}}},
        {"52009230": nested(100)},
        {"00280008": {"vr": "IS", "Value": ["99999999999999"]}},
        {"00280010": {"vr": "US", "Value": [65535]}, "00280011": {"vr": "US", "Value": [65535]}},
        {"00080018": {"vr": "UI", "Value": ["../../etc"]}},
        {"00080018": {"vr": "UI"}},
        {"0020000D": {"vr": "UI", "Value": ["1/2"]}},
        {"\u0660\u0661\u0662\u0663\u0664\u0665\u0666\u0667": {"vr": "UI"}},
    ]
    good, *others = slices(len(hostile) + 1)
    bad = [metadata(one) | change for one, change in zip(others, hostile, strict=True)]
    with Pacs() as pacs:
        pacs.add(good, *others)
        body = json.dumps([*bad, metadata(good)]).encode()
        pacs.rule("metadata", give(200, body, JSON))
        images = opened(pacs)
        assert images.of_instance("1.2.3.1")
        assert images.of_instance("1.2.3.1")[0].stored.tobytes() == good.PixelData
        for frame in images.frames:
            try:
                frame.load()
            except DicomError:
                continue
        assert len([issue for issue in images.issues if issue.severity == "error"]) >= 10


def nested(depth: int) -> Any:
    inner: Any = {"vr": "SQ", "Value": [{}]}
    for _ in range(depth):
        inner = {"vr": "SQ", "Value": [{"52009230": inner}]}
    return inner


# --- pixels --------------------------------------------------------------------------------------

FRAME = 'multipart/related; type="application/octet-stream"; boundary=x1y2'


def test_no_frames_then_the_object(pacs: Pacs) -> None:
    pacs.rule("/frames/", give(404))
    assert stored(pacs) == slices(1)[0].PixelData
    assert len(pacs.paths("/frames/")) == 3  # in three forms


def test_frames_are_not_asked_for_again_where_there_are_none(pacs: Pacs) -> None:
    pacs.rule("/frames/", give(501))
    for frame in opened(pacs).frames:
        frame.load()
    assert len(pacs.paths("/frames/")) == 3 * 2


@pytest.mark.parametrize(
    "body",
    [
        multipart(slices(1)[0].PixelData, kind="application/octet-stream")[:-20],
        multipart(slices(1)[0].PixelData, kind="application/octet-stream")[:60],
        b"",
    ],
)
def test_truncated_multipart(body: bytes, pacs: Pacs) -> None:
    pacs.rule("/frames/", first_times(1, give(200, body, FRAME)))
    assert stored(pacs) == slices(1)[0].PixelData  # tried again
    pacs.rule("/frames/", give(200, body, FRAME))
    with pytest.raises(DicomError, match=r"1\.2\.3\.1: .*frames/1: the multipart answer is trunc"):
        stored(pacs)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\0" * 10, "application/octet-stream"),  # too short
        (b"\0" * 500, "application/octet-stream"),  # too long
        (b"\xff\xd8\xff\xe0 nonsense", "image/jpeg"),  # no JPEG
        (slices(1)[0].PixelData, "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.2"),
    ],
)
def test_frames_that_cannot_be_right_are_not_used(content: bytes, kind: str, pacs: Pacs) -> None:
    pacs.rule("/frames/", give(200, multipart(content, kind=kind), FRAME))
    assert stored(pacs) == slices(1)[0].PixelData
    assert pacs.paths("/instances/1.2.3.1")[-1].endswith("/instances/1.2.3.1")


@pytest.mark.parametrize(
    ("content", "kind", "message"),
    [
        (b"\xff\xd8\xff\xe0\0\2\xff\xc0\0\2", "image/jpeg", "pixel data"),
        (b"abc", "image/jp2", "pixel data"),
        (b"abc", "application/octet-stream; transfer-syntax=1.2.3.4", "no decoder|transfer syntax"),
    ],
)
def test_frames_that_cannot_be_decoded(content: bytes, kind: str, message: str, pacs: Pacs) -> None:
    pacs.rule("/frames/", give(200, multipart(content, kind=kind), FRAME))
    with pytest.raises(DicomError, match=message):
        stored(pacs)


def test_several_frames_for_one(pacs: Pacs) -> None:
    two = multipart(b"\0" * 160, b"\1" * 160, kind="application/octet-stream")
    pacs.rule("/frames/", give(200, two, FRAME))
    with pytest.raises(DicomError, match="expected one frame, got 2"):
        stored(pacs)


def test_a_frame_without_multipart(pacs: Pacs) -> None:
    content = bytes(slices(1)[0].PixelData)
    pacs.rule("/frames/", give(200, content, "application/octet-stream"))
    assert stored(pacs) == content


def test_an_object_that_is_none(pacs: Pacs) -> None:
    pacs.rule("/frames/", give(404))
    pacs.rule(r"/instances/1\.2\.3\.1$", give(200, b"hello", "application/dicom"))
    with pytest.raises(DicomError, match="is no DICOM"):
        stored(pacs)


def test_an_object_of_another_size(pacs: Pacs) -> None:
    """Metadata and object do not agree: neither is believed."""
    pacs.rule("/frames/", give(404))
    changed = metadata(slices(1)[0]) | {"00280011": {"vr": "US", "Value": [20]}}
    pacs.rule("metadata", give(200, json.dumps([changed]).encode(), JSON))
    with pytest.raises(DicomError, match="not as its metadata say"):
        stored(pacs)


def test_one_bad_image_does_not_stop_the_others(pacs: Pacs) -> None:
    pacs.rule(r"1\.2\.3\.2(/frames.*)?$", give(500))
    images = opened(pacs)
    for number in (1, 3):
        assert images.frame(Target(instance=f"1.2.3.{number}")).stored.any()
    reports = [measure(selection_of(dataset), images) for dataset in (*pacs.datasets.values(),)]
    assert [report.complete for report in reports] == [True, False, True]
    issue = next(one for one in reports[1].issues if one.code == "not-measured")
    assert re.search(r"1\.2\.3\.2: .*the server failed \(HTTP 500\)", issue.message)


def test_colours_decoded_by_the_server_are_not_trusted() -> None:
    """YBR in the header and RGB on the way would be wrong colours: the object is fetched."""
    (dataset,) = slices(1)
    dataset.PhotometricInterpretation, dataset.SamplesPerPixel = "YBR_FULL", 3
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
    dataset.PixelRepresentation, dataset.PlanarConfiguration = 0, 0
    dataset.PixelData = bytes(range(240))
    dataset["PixelData"].VR = "OB"
    with Pacs() as pacs:
        pacs.add(dataset)
        images = opened(pacs)
        assert images.frames[0].stored.shape == (8, 10, 3)
        assert pacs.paths()[-1].endswith("/instances/1.2.3.1")


def test_tables_that_are_bulk_data() -> None:
    (dataset,) = slices(1)
    item = Dataset()
    item.LUTDescriptor, item.ModalityLUTType = [4, 0, 16], "US"
    item.LUTData = b"\x0a\0\x14\0\x1e\0\x28\0"
    dataset.ModalityLUTSequence = [item]
    del dataset.RescaleSlope, dataset.RescaleIntercept
    dataset.PixelRepresentation = 0
    dataset.PixelData = b"\1\0\2\0" * 40
    with Pacs() as pacs:
        pacs.add(dataset)
        found = metadata(dataset)
        table = found["00283000"]["Value"][0]["00283006"]
        del table["InlineBinary"]
        table["BulkDataURI"] = "http://inner.example/rs/studies/1.2/bulk/lut"
        pacs.rule("metadata", give(200, json.dumps([found]).encode(), JSON))
        lut = multipart(bytes(item.LUTData), kind="application/octet-stream")
        pacs.rule("bulk/lut", give(200, lut, FRAME))
        images = opened(pacs)
        assert images.frames[0].pixels[0, :2].tolist() == [20.0, 30.0]
        assert pacs.paths("bulk") == ["/rs/studies/1.2/bulk/lut"]
        pacs.rule("bulk/lut", give(404))
        with pytest.raises(InputError, match="HTTP 404"):
            opened(pacs)
