"""DICOM JSON, multipart messages and media types: every digit and every byte survives."""

from __future__ import annotations

import json
import struct
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian, JPEGLSLossless
from tests.pacs import metadata, multipart, slices

from imageregion.dicom.files.headers import Header, numbers, text
from imageregion.dicom.pixel_data.decoding import PixelFormat, Samples
from imageregion.dicom.pixel_data.fetched import form_of_fetched
from imageregion.dicom.traffic import Traffic, size_text
from imageregion.dicom.web.bodies import check_kind, parameter, parts_of
from imageregion.dicom.web.failures import FetchError
from imageregion.dicom.web.json_model import JsonModelError, encode_element
from imageregion.dicom.web.metadata import has_lost_values, header_of
from imageregion.dicom.web.syntaxes import syntax_of


def read(**changes: Any) -> Header:
    found = metadata(slices(1)[0]) | {tag[1:]: element for tag, element in changes.items()}
    return header_of(json.loads(json.dumps(found)), "1.2", None)


finite = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(finite, min_size=1, max_size=6))
def test_decimals_keep_every_digit(values: list[float]) -> None:
    header = read(_00281050={"vr": "DS", "Value": values})
    assert numbers(header.dataset, "WindowCenter", "") == values


@given(st.lists(finite, min_size=3, max_size=3))
def test_doubles_keep_every_digit(values: list[float]) -> None:
    header = read(_00189089={"vr": "FD", "Value": values})
    assert numbers(header.dataset, "DiffusionGradientOrientation", "") == values


@given(st.integers(-(2**31), 2**31 - 1))
def test_whole_numbers(value: int) -> None:
    for written in (value, str(value), float(value)):
        header = read(_00280008={"vr": "IS", "Value": [written]})
        assert numbers(header.dataset, "NumberOfFrames", "") == [value]


@given(st.integers(-32768, 65535))
def test_words_of_either_sign(value: int) -> None:
    encoded = encode_element(0x00280120, {"vr": "US", "Value": [value]}, None)
    assert struct.unpack("<H", encoded[8:])[0] == value % 65536


def test_a_header_is_the_one_of_the_file() -> None:
    dataset = slices(1)[0]
    header = read()
    assert (header.uid, header.sop_class) == (dataset.SOPInstanceUID, dataset.SOPClassUID)
    assert header.pixel_keyword == "PixelData"
    assert header.pixel_bytes is None
    assert header.syntax == ""
    assert text(header.dataset, "PhotometricInterpretation") == "MONOCHROME2"


def test_what_servers_do() -> None:
    assert read(_00020010={"vr": "UI", "Value": ["1.2.840.10008.1.2.5"]}).syntax.name.startswith(
        "RLE"
    )
    assert read(_00083002={"vr": "UI", "Value": [str(JPEGLSLossless)]}).syntax == JPEGLSLossless
    assert read(_00280120={"vr": "US or SS", "Value": [-5]}).dataset.PixelPaddingValue == 65531
    assert read(_00080005={"vr": "CS", "Value": ["ISO_IR 13"]}).dataset.Rows == 8
    lost = {"vr": "CS", "Value": ["ORIGINAL\u00a5PRIMARY"]}
    assert text(read(_00080008=lost).dataset, "ImageType") == "ORIGINAL\\PRIMARY"
    japanese = {"00080005": {"vr": "CS", "Value": ["ISO 2022 IR 13"]}}
    nothing = {"00280030": {"vr": "DS", "Value": []}}
    assert has_lost_values(japanese | nothing)
    assert not has_lost_values(japanese)
    assert not has_lost_values(nothing)
    assert not has_lost_values("hello")
    for wrong in (5, True, {"a": 1}, "ISO_IR 13"):
        assert not has_lost_values({"00080005": {"vr": "CS", "Value": wrong}} | nothing)


@pytest.mark.parametrize(
    ("bits", "keyword"), [(32, "FloatPixelData"), (64, "DoubleFloatPixelData"), (16, "PixelData")]
)
def test_pixel_data_that_nobody_mentions(bits: int, keyword: str) -> None:
    dataset = slices(1)[0]
    dataset.BitsAllocated = bits
    if bits > 16:
        del dataset.BitsStored
    found = metadata(dataset)
    del found["7FE00010"]
    assert header_of(found, "1.2", None).pixel_keyword == keyword


@pytest.mark.parametrize(
    "element",
    [
        {"vr": "US", "Value": ["a"]},
        {"vr": "US", "Value": [1.5]},
        {"vr": "US", "Value": [True]},
        {"vr": "US", "Value": [65544]},
        {"vr": "US", "Value": [-65528]},
        {"vr": "SS", "Value": [65536]},
        {"vr": "UL", "Value": [2**32]},
        {"vr": "SV", "Value": [-(2**63) - 1]},
        {"vr": "us", "Value": [1]},
        {"vr": "OW", "Value": [1]},
        {"vr": "DS", "Value": [[]]},
        {"vr": "SQ", "Value": ["x"]},
        {"vr": "OB", "InlineBinary": "\u00e9"},
    ],
)
def test_elements_against_the_model(element: dict[str, Any]) -> None:
    with pytest.raises((JsonModelError, ValueError)):
        encode_element(0x00280010, element, None)


@given(
    st.lists(st.binary(max_size=300), min_size=1, max_size=4),
    st.text("abcdefXYZ0123456789-", min_size=1, max_size=30),
)
def test_multipart_there_and_back(contents: list[bytes], boundary: str) -> None:
    if any(boundary.encode() in content for content in contents):
        return
    kind = "application/octet-stream; transfer-syntax=1.2.3"
    body = multipart(*contents, kind=kind, boundary=boundary)
    head = f'multipart/related; boundary="{boundary}"; type="application/octet-stream"'
    for message in (body, b"preamble\r\n" + body + b"\r\nepilogue"):
        parts = parts_of(head, message, "")
        assert [part.content for part in parts] == contents
        assert {part.content_type for part in parts} == {kind}
    check_kind(head, body, "multipart/related", "")


@given(st.binary(max_size=400), st.integers(0, 400))
def test_damaged_multipart_is_an_error_or_whole(noise: bytes, at: int) -> None:
    body = bytearray(multipart(b"x" * 200, kind="image/jls"))
    body[at : at + len(noise) // 4] = noise[: len(noise) // 4]
    with suppress(FetchError):
        assert parts_of("multipart/related; boundary=x1y2", bytes(body), "")


def test_parameters_and_syntaxes() -> None:
    assert parameter('a/b; TYPE="x/y; z=1";boundary=q', "type") == "x/y; z=1"
    assert parameter("a/b; boundary=q; c=d", "boundary") == "q"
    assert parameter("a/b", "boundary") == ""
    whole = 'multipart/related; type="image/jls; transfer-syntax=1.2.840.10008.1.2.4.81"'
    assert syntax_of("image/jls", whole, b"").endswith(".81")
    for marker, syntax in ((0xC0, ".50"), (0xC1, ".51"), (0xC3, ".70"), (0xF7, ".80")):
        jpeg = b"\xff\xd8\xff\xe0\0\4xx\xff" + bytes([marker]) + b"\0\x0b"
        assert syntax_of("image/jpeg", "", jpeg).endswith(syntax)
        assert syntax_of("application/octet-stream", "", jpeg).endswith(syntax)
    assert syntax_of("", "", b"\xff\x4f\xff\x51").endswith(".90")
    assert syntax_of("", "", b"\0\1\2") == ExplicitVRLittleEndian


def form(**changes: Any) -> PixelFormat:
    fields: dict[str, Any] = {
        "syntax": ExplicitVRLittleEndian,
        "keyword": "PixelData",
        "shape": (2, 3),
        "channels": 1,
        "allocated": 8,
        "samples": Samples(8, 7),
        "signed": False,
        "photometric": "MONOCHROME2",
        "planar": 0,
    }
    return PixelFormat(**fields | changes)


def test_frames_whose_encoding_is_certain() -> None:
    native, jls = str(ExplicitVRLittleEndian), str(JPEGLSLossless)
    assert form_of_fetched(form(), b"x" * 6, native) is not None
    assert form_of_fetched(form(shape=(3, 3)), b"x" * 10, native) is not None  # padded
    assert form_of_fetched(form(), b"x" * 7, native) is None
    assert form_of_fetched(form(syntax=""), b"x", jls) is not None
    assert form_of_fetched(form(allocated=1), b"x", native) is None
    rgb = {"channels": 3, "photometric": "RGB"}
    assert form_of_fetched(form(syntax="", **rgb), b"x" * 18, native) is not None
    assert form_of_fetched(form(syntax="", **rgb | {"planar": 1}), b"x" * 18, native) is None
    assert form_of_fetched(form(**rgb | {"planar": 1}), b"x" * 18, native) is not None  # as stored
    ybr = {"channels": 3, "photometric": "YBR_FULL"}
    assert form_of_fetched(form(syntax=jls, **ybr), b"x" * 18, native) is None
    assert form_of_fetched(form(**rgb), b"x", jls) is None


def test_traffic_in_words() -> None:
    traffic = Traffic()
    traffic.add(requests=1, received=10)
    assert str(traffic) == "fetched 1 request, 10 bytes"
    assert [size_text(10**n) for n in (0, 3, 6, 9, 12, 15)] == [
        *("1 bytes", "1 kB", "1 MB", "1 GB", "1 TB", "1e+03 TB")
    ]


def test_a_dataset_of_a_server_is_not_changed() -> None:
    found = metadata(slices(1)[0])
    before = json.dumps(found)
    header_of(found, "1.2", None)
    assert json.dumps(found) == before
    assert isinstance(header_of(found, "1.2", None).dataset, Dataset)
