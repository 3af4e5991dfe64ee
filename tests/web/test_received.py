"""Answers with status 200 that are something else, or not all: never measured, never kept."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from pydicom.uid import ImplicitVRLittleEndian, JPEGLSLossless, RLELossless
from tests.pacs import Handler, Pacs, _file, _frame, _json, metadata, multipart, slices
from tests.sameness import selection_of

from imageregion import DicomError, Images, InputError, measure
from imageregion.access import open_images
from imageregion.dicom.web.keys import Key
from imageregion.dicom.web.received import is_whole_frame, is_whole_object
from imageregion.dicom.web.settings import WebSettings

QUICK: dict[str, Any] = {"timeout": 2.0, "total_timeout": 4.0, "retries": 0}
SERIES = "/studies/1.2/series/1.2.3"
JSON = "application/dicom+json"
OBJECT = r"/instances/1\.2\.3\.\d$"


def opened(pacs: Pacs, **changes: Any) -> Images:
    return open_images(pacs.url + SERIES, web=WebSettings(**QUICK | changes))


def give(status: int, body: bytes = b"", kind: str = "text/plain", **headers: str) -> Any:
    return lambda handler: handler.give(status, body, kind, **headers)


def until_closed(body: bytes, kind: str) -> Any:
    """An answer that does not say how long it is: nobody can see that it was cut short."""

    def rule(handler: Handler) -> bool:
        handler.send_response(200)
        handler.send_header("Content-Type", kind)
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.wfile.write(body)
        handler.close_connection = True
        return True

    return rule


# --- something else ------------------------------------------------------------------------------


def another(pacs: Pacs) -> None:
    """The third slice, whichever is asked for."""
    third = multipart(_file(slices(3)[2]), kind="application/dicom")
    kind = 'multipart/related; type="application/dicom"; boundary=x1y2'
    pacs.rule("/frames/", give(404))
    pacs.rule(OBJECT, give(200, third, kind))


def test_pixels_of_another_instance_are_not_measured(pacs: Pacs) -> None:
    another(pacs)
    report = measure(selection_of(slices(1)[0]), opened(pacs))
    assert not report.complete
    assert not any(result.get("mean") for result in report.results)
    (message,) = {one.message for one in report.issues if one.code == "not-measured"}
    assert "the server gives another object, 1.2.3.3" in message


def test_pixels_of_another_instance_beside_a_check_of_ours(
    pacs: Pacs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever gives the object, the header that comes with pixels must be of the instance."""
    from imageregion.dicom.web import services

    monkeypatch.setattr(services, "check_object", lambda *_: None)
    another(pacs)
    with pytest.raises(DicomError, match=r"1\.2\.3\.1: the server gives another object"):
        opened(pacs).frames[0].load()


def test_other_objects_where_whole_ones_are_asked_for(pacs: Pacs) -> None:
    another(pacs)
    images = opened(pacs, whole_objects=True)
    assert [frame.instance for frame in images.frames] == ["1.2.3.3"]
    told = [issue.message for issue in images.issues if issue.severity == "error"]
    assert len(told) == 2
    assert all("another object, 1.2.3.3" in message for message in told)


def test_other_objects_of_the_uri_service(pacs: Pacs) -> None:
    pacs.rule("/wado", give(200, _file(slices(3)[2]), "application/dicom"))
    study = {
        "resourceType": "ImagingStudy",
        "status": "available",
        "identifier": [{"system": "urn:dicom:uid", "value": "urn:oid:1.2"}],
        "contained": [
            {
                "resourceType": "Endpoint",
                "id": "e",
                "status": "active",
                "connectionType": [{"coding": [{"code": "dicom-wado-uri"}]}],
                "address": pacs.url.replace("/rs", "/wado"),
            }
        ],
        "endpoint": [{"reference": "#e"}],
        "series": [{"uid": "1.2.3", "instance": [{"uid": "1.2.3.1"}]}],
    }
    web = WebSettings(**QUICK, allow_hosts=("127.0.0.1",))
    with pytest.raises(InputError, match=r"no DICOM images|another object"):
        open_images(study, web=web)


@pytest.mark.parametrize(
    ("tag", "given"),
    [("0020000D", "9.9"), ("0020000E", "9.9.9"), ("00080018", "1.2.3.2")],
)
def test_metadata_of_something_else(tag: str, given: str, pacs: Pacs) -> None:
    other = metadata(slices(1)[0]) | {tag: {"vr": "UI", "Value": [given]}}
    found = [other, metadata(slices(2)[1])]
    query = "/instances/1.2.3.1" if tag == "00080018" else ""
    pacs.rule("metadata", give(200, json.dumps(found if not query else [other]).encode(), JSON))
    if query:
        with pytest.raises(InputError, match=r"no DICOM images"):
            open_images(pacs.url + SERIES + query, web=WebSettings(**QUICK))
        return
    images = opened(pacs)
    assert [frame.instance for frame in images.frames] == ["1.2.3.2"]
    (issue,) = [one for one in images.issues if one.severity == "error"]
    assert issue.code == "unreadable"
    assert f"the server gives another object, of {'1.2, ' if tag != '0020000D' else ''}{given}" in (
        issue.message
    )


def test_metadata_that_do_not_say_where_they_belong(pacs: Pacs) -> None:
    found = [metadata(one) for one in slices(3)]
    for one in found:
        del one["0020000D"], one["0020000E"]
    pacs.rule("metadata", give(200, json.dumps(found).encode(), JSON))
    assert len(opened(pacs)) == 3


# --- kept only when understood -------------------------------------------------------------------


@pytest.mark.parametrize(
    "rule",
    [
        until_closed(_json(slices(3))[:-50], JSON),
        give(200, b"[]", JSON),
        give(200, b"", JSON),
        give(200, json.dumps([metadata(slices(1)[0]) | {"0020000D": {"Value": ["9"]}}]).encode()),
    ],
)
def test_metadata_that_were_not_understood_are_not_kept(
    rule: Any, pacs: Pacs, tmp_path: Path
) -> None:
    pacs.rule("metadata", rule)
    with pytest.raises(InputError):
        opened(pacs, cache=tmp_path)
    pacs.rules.clear()
    assert len(opened(pacs, cache=tmp_path)) == 3


def test_metadata_of_another_study_are_not_kept(pacs: Pacs, tmp_path: Path) -> None:
    other = metadata(slices(1)[0]) | {"0020000D": {"vr": "UI", "Value": ["9.9"]}}
    pacs.rule("metadata", give(200, json.dumps([other]).encode(), JSON))
    with pytest.raises(InputError):
        opened(pacs, cache=tmp_path)
    assert not list(tmp_path.iterdir())


def test_json_that_is_cut_short_is_asked_for_again(pacs: Pacs) -> None:
    rules = [until_closed(_json(slices(3))[:-50], JSON)]
    pacs.rule("metadata", lambda handler: bool(rules) and rules.pop()(handler))
    assert len(opened(pacs, retries=1, backoff=0.01)) == 3
    assert len(pacs.requests) == 2


FIRST = slices(1)[0]


@pytest.mark.parametrize(
    ("frame", "whole"),
    [
        (_frame(FIRST, 1)[:-20], _file(FIRST)[:-20]),
        (_frame(FIRST, 1)[:-20], b"<html>please log in</html>"),
        (b"<html>please log in</html>", _file(slices(3)[2])),
        (b"", b""),
    ],
)
def test_pixels_that_were_not_understood_are_not_kept(
    frame: bytes, whole: bytes, pacs: Pacs, tmp_path: Path
) -> None:
    pacs.rule("/frames/", until_closed(frame, "application/octet-stream"))
    pacs.rule(OBJECT, until_closed(whole, "application/octet-stream"))
    with pytest.raises(DicomError):
        opened(pacs, cache=tmp_path).frames[0].load()
    pacs.rules.clear()
    assert opened(pacs, cache=tmp_path).frames[0].stored.tobytes() == FIRST.PixelData
    pacs.rule("/frames/", give(404))
    assert opened(pacs, cache=tmp_path / "2").frames[0].stored.tobytes() == FIRST.PixelData


def test_whole_objects_and_frames_are_kept(pacs: Pacs, tmp_path: Path) -> None:
    opened(pacs, cache=tmp_path).frames[0].load()
    opened(pacs, cache=tmp_path, whole_objects=True).frames[0].load()
    asked = len(pacs.requests)
    opened(pacs, cache=tmp_path).frames[0].load()
    opened(pacs, cache=tmp_path, whole_objects=True).frames[0].load()
    assert len(pacs.requests) == asked


def test_what_is_whole() -> None:
    key = Key("1.2", "1.2.3", "1.2.3.1")
    (dataset,) = slices(1)
    whole = _file(dataset)
    assert is_whole_object(whole, key)
    assert not is_whole_object(whole[:-1], key)
    assert not is_whole_object(whole[:400], key)
    assert not is_whole_object(whole, Key("1.2", "1.2.3", "1.2.3.2"))
    dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    implicit = _file(dataset)
    assert is_whole_object(implicit, key)
    assert not is_whole_object(implicit[:-1], key)
    dataset.compress(RLELossless, generate_instance_uid=False)
    packed = _file(dataset)
    assert is_whole_object(packed, key)
    assert not is_whole_object(packed[:-8], key)


def test_what_is_a_whole_frame() -> None:
    jls = b"\xff\xd8\xff\xf7 data \xff\xd9\0"
    assert is_whole_frame(jls, JPEGLSLossless, 6)
    assert not is_whole_frame(jls[:-3], JPEGLSLossless, 6)
    assert not is_whole_frame(b"<html>", JPEGLSLossless, 6)
    assert is_whole_frame(b"\1\0\0\0" + bytes(100), RLELossless, 6)
    assert not is_whole_frame(b"<html>" + bytes(100), RLELossless, 6)


# --- too much for what it is ---------------------------------------------------------------------

BOMB = gzip.compress(bytes(60_000_000))


def test_a_small_frame_cannot_become_large(pacs: Pacs) -> None:
    bomb = give(200, BOMB, "application/octet-stream", Content_Encoding="gzip")
    pacs.rule("/frames/", bomb)
    frame = opened(pacs).frames[0]
    tracemalloc.start()
    try:
        with pytest.raises(DicomError, match=r"more than 1048896 bytes \(too many for one frame\)"):
            frame.load()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 12_000_000  # a bound of 1 MiB, and what requests and zlib need


def test_gzip_of_several_members(pacs: Pacs) -> None:
    body = _json(slices(3))
    packed = gzip.compress(body[:500]) + gzip.compress(body[500:])
    pacs.rule("metadata", give(200, packed, JSON, Content_Encoding="gzip"))
    assert len(opened(pacs)) == 3
    pacs.rule("metadata", give(200, packed[:-20], JSON, Content_Encoding="gzip"))
    with pytest.raises(InputError, match="truncated"):
        opened(pacs)


def test_words_before_the_first_part(pacs: Pacs) -> None:
    message = b"a preamble\r\n" + multipart(_frame(FIRST, 1), kind="application/octet-stream")
    kind = 'multipart/related; type="application/octet-stream"; boundary=x1y2'
    pacs.rule("/frames/", give(200, message, kind))
    assert opened(pacs).frames[0].stored.tobytes() == FIRST.PixelData


def test_a_mark_before_utf_8(pacs: Pacs) -> None:
    pacs.rule("metadata", give(200, b"\xef\xbb\xbf" + _json(slices(3)), JSON))
    assert len(opened(pacs)) == 3
