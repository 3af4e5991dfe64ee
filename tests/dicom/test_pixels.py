"""Pixels: found, decoded, converted and kept, whatever their encoding; damaged ones refused."""

from __future__ import annotations

import pickle
import struct
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from pydicom import Dataset, dcmread
from pydicom.encaps import encapsulate, encapsulate_extended, generate_frames
from pydicom.pixels.decoders import base as decoders
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import convert_color_space
from pydicom.pixels.utils import pixel_array
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLSLossless,
    RLELossless,
)

from imageregion.dicom.files.headers import Header, read_dataset, read_head, read_header
from imageregion.dicom.pixel_data.codestreams import Codestream, bare_codestream, codestream_of
from imageregion.dicom.pixel_data.decoding import PixelFormat, Samples, decode_frame
from imageregion.dicom.pixel_data.offsets import from_basic
from imageregion.dicom.pixel_data.pixels import PixelCache, Pixels, pixels_of
from imageregion.errors import DicomError

Wheel = Callable[[str], Path]
Make = Callable[..., Dataset]


def header_of(path: Path) -> Header:
    header = read_header(path, path.name, read_head(path))
    assert header is not None
    return header


def pixels(source: Path | Dataset) -> Pixels:
    if isinstance(source, Dataset):
        return pixels_of(read_dataset(source, "dataset"), PixelCache())
    return pixels_of(header_of(source), PixelCache())


def compressed(
    make_slice: Make, data: bytes, syntax: UID, cells: NDArray[Any], **changes: Any
) -> Dataset:
    dataset = make_slice(cells, **changes)
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.PixelData = data
    dataset["PixelData"].VR = "OB"
    return dataset


def jpeg(cells: NDArray[np.uint8], **options: Any) -> bytes:
    buffer = BytesIO()
    Image.fromarray(cells).save(buffer, "JPEG", **({"quality": 95} | options))
    return buffer.getvalue()


# --- real files against pydicom -------------------------------------------------------------------

REAL = [
    *("CT_small.dcm", "MR_small_bigendian.dcm", "MR_small_RLE.dcm", "JPEG2000.dcm"),
    *("rtdose.dcm", "rtdose_rle.dcm", "rtdose_expb.dcm", "liver_expb_1frame.dcm"),
    *("examples_rgb_color.dcm", "SC_rgb_rle_16bit_2frame.dcm", "SC_rgb_rle_32bit_2frame.dcm"),
    *("SC_rgb_dcmtk_+eb+cr.dcm", "SC_rgb_dcmtk_+eb+cy+n1.dcm", "SC_rgb_dcmtk_+eb+cy+s4.dcm"),
    *("SC_jpeg_no_color_transform.dcm", "SC_rgb_jpeg_app14_dcmd.dcm", "SC_rgb_jpeg_dcmd.dcm"),
    *("SC_rgb_small_odd.dcm", "SC_rgb_small_odd_jpeg.dcm", "SC_rgb_small_odd_big_endian.dcm"),
    *("SC_ybr_full_422_uncompressed.dcm", "examples_ybr_color.dcm", "examples_jpeg2k.dcm"),
    *("SC_rgb_jls_lossy_line.dcm", "SC_rgb_jls_lossy_sample.dcm", "JPEGLSNearLossless_16.dcm"),
    *("MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm", "J2K_pixelrep_mismatch.dcm"),
    *("GDCMJ2K_TextGBR.dcm", "SC_rgb_jpeg_gdcm.dcm", "liver_1frame.dcm", "image_dfl.dcm"),
]


def test_real_files_equal_pydicom(wheel: Wheel) -> None:
    """Every frame of every encoding in the wheel; an odd frame size and both byte orders."""
    found = 0
    for name in REAL:
        path = wheel(name)
        dataset = dcmread(path)
        whole = dataset.pixel_array if name == "image_dfl.dcm" else pixel_array(path)
        loaded = pixels(path)
        frames = whole if loaded.frames.count > 1 else whole[None]
        for index, expected in enumerate(frames):
            got = loaded.load(index)
            np.testing.assert_array_equal(got, expected, err_msg=name)
            assert got.dtype.isnative and not got.flags.writeable
            found += 1
    assert found > len(REAL)


def test_lossless_encodings_equal_the_raw_slice(wheel: Wheel) -> None:
    raw = pixels(wheel("MR_small.dcm")).load(0)
    for name in ("RLE", "jp2klossless", "jpeg_ls_lossless", "bigendian", "implicit", "padded"):
        np.testing.assert_array_equal(pixels(wheel(f"MR_small_{name}.dcm")).load(0), raw)


def test_the_same_file_in_memory(wheel: Wheel) -> None:
    for name in ("rtdose_rle.dcm", "SC_rgb_small_odd_big_endian.dcm", "rtdose_expb.dcm"):
        from_file, in_memory = pixels(wheel(name)), pixels(dcmread(wheel(name)))
        for index in range(from_file.frames.count):
            np.testing.assert_array_equal(from_file.load(index), in_memory.load(index))


@pytest.mark.parametrize("odd", [False, True])
def test_single_bytes_in_big_endian_words(make_slice: Make, tmp_path: Path, odd: bool) -> None:
    """OW swaps the bytes of 8-bit pixels in pairs, also across the border of odd frames."""
    cells = np.arange(5 * 3 * (3 if odd else 4), dtype=np.uint8).reshape(5, 3, -1)
    dataset = make_slice(
        cells, BitsAllocated=8, BitsStored=8, PixelRepresentation=0, NumberOfFrames=5
    )
    data = dataset.PixelData
    dataset.PixelData = np.frombuffer(data, "<u2").byteswap().tobytes()
    dataset["PixelData"].VR = "OW"
    dataset.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    path = tmp_path / "a.dcm"
    dataset.save_as(path, enforce_file_format=True)
    for source in (path, dcmread(path)):
        for index in range(5):
            np.testing.assert_array_equal(pixels(source).load(index), cells[index])


def test_single_bits_run_on_from_frame_to_frame(make_slice: Make, tmp_path: Path) -> None:
    bits = np.random.default_rng(1).integers(0, 2, (4, 5, 7)).astype(np.uint8)
    dataset = make_slice(
        bits, BitsAllocated=1, BitsStored=1, PixelRepresentation=0, NumberOfFrames=4
    )
    packed = np.packbits(bits.reshape(-1), bitorder="little").tobytes()
    dataset.PixelData = packed + b"\0" * (len(packed) % 2)
    path = tmp_path / "a.dcm"
    dataset.save_as(path, enforce_file_format=True)
    loaded = pixels(path)
    for index in (3, 0, 2, 1):
        np.testing.assert_array_equal(loaded.load(index), bits[index])


# --- colours --------------------------------------------------------------------------------------


def colour_fields(photometric: str, planar: int = 0) -> dict[str, Any]:
    return {
        "SamplesPerPixel": 3,
        "PhotometricInterpretation": photometric,
        "PlanarConfiguration": planar,
        "BitsAllocated": 8,
        "BitsStored": 8,
        "PixelRepresentation": 0,
        "Rows": 4,
        "Columns": 6,
        "NumberOfFrames": 2,
    }


@pytest.mark.parametrize("planar", [0, 1])
@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL"])
def test_colours_come_as_red_green_blue(make_slice: Make, photometric: str, planar: int) -> None:
    rng = np.random.default_rng(2)
    rgb = rng.integers(60, 200, (2, 4, 6, 3)).astype(np.uint8)
    cells = rgb if photometric == "RGB" else convert_color_space(rgb, "RGB", "YBR_FULL")
    cells = cells.transpose(0, 3, 1, 2) if planar else cells
    loaded = pixels(make_slice(np.ascontiguousarray(cells), **colour_fields(photometric, planar)))
    assert loaded.channels == ("red", "green", "blue")
    for index in range(2):
        got = loaded.load(index)
        assert got.shape == (4, 6, 3) and got.dtype == np.uint8
        # there and back through 8-bit YCbCr rounds each colour by at most 1.8
        error = np.abs(got.astype(int) - rgb[index]).max()
        assert error <= (0 if photometric == "RGB" else 2)


def test_two_pixels_share_their_colour(make_slice: Make) -> None:
    """Y1 Y2 Cb Cr (DICOM PS3.3 C.7.6.3.1.2); grey has Cb = Cr = 128."""
    grey = np.arange(48, dtype=np.uint8).reshape(2, 4, 3, 2)
    quads = np.concatenate([grey, np.full((2, 4, 3, 2), 128, np.uint8)], axis=3)
    dataset = make_slice(quads, **colour_fields("YBR_FULL_422"))
    got = pixels(dataset).load(1)
    np.testing.assert_array_equal(got, np.repeat(grey[1].reshape(4, 6, 1), 3, axis=2))


RED = np.full((16, 16, 3), (200, 30, 60), np.uint8)


def with_adobe(data: bytes, transform: int) -> bytes:
    """Put an Adobe marker into a JPEG, in the place of a JFIF marker where there is one."""
    rest = data[20:] if data[2:4] == b"\xff\xe0" else data[2:]
    marker = struct.pack(">HH5sHHHB", 0xFFEE, 14, b"Adobe", 100, 0, 0, transform)
    return b"\xff\xd8" + marker + rest


@pytest.mark.parametrize("stated", ["RGB", "YBR_FULL_422"])
@pytest.mark.parametrize("marker", ["JFIF", "Adobe"])
def test_jpeg_colours_are_converted_once(make_slice: Make, stated: str, marker: str) -> None:
    """What the codestream says about its colours goes before what the header says."""
    data = jpeg(RED, subsampling=0)
    data = with_adobe(data, 1) if marker == "Adobe" else data
    fields = colour_fields(stated) | {"Rows": 16, "Columns": 16, "NumberOfFrames": 1}
    dataset = compressed(make_slice, encapsulate([data]), JPEGBaseline8Bit, RED, **fields)
    got = pixels(dataset).load(0).astype(int)
    assert np.abs(got - RED).max() <= 4  # quality 95


def test_jpeg_of_plain_red_green_blue(make_slice: Make) -> None:
    """Neither marker nor a colour transform: the header's RGB is right."""
    planes = [Image.fromarray(RED[..., n]) for n in range(3)]
    buffer = BytesIO()
    Image.merge("YCbCr", planes).save(buffer, "JPEG", quality=95, subsampling=0)
    data = b"\xff\xd8" + buffer.getvalue()[20:]
    fields = colour_fields("RGB") | {"Rows": 16, "Columns": 16, "NumberOfFrames": 1}
    dataset = compressed(make_slice, encapsulate([data]), JPEGBaseline8Bit, RED, **fields)
    assert np.abs(pixels(dataset).load(0).astype(int) - RED).max() <= 4


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "not measurements"),
        ({"PhotometricInterpretation": "RGB"}, "RGB with 1 samples"),
        ({"SamplesPerPixel": 3}, "MONOCHROME2 with 3 samples"),
        ({"SamplesPerPixel": 4, "PhotometricInterpretation": "CMYK"}, "CMYK"),
        ({"BitsAllocated": 12}, "BitsAllocated"),
        ({"BitsStored": 17}, "HighBit"),
        ({"BitsStored": 12, "HighBit": 3}, "HighBit 3 and BitsStored 12 do not fit"),
        ({"Rows": 0}, "Rows: expected 1 to 65535"),
        ({"Columns": None}, "Columns"),
        ({"NumberOfFrames": 2}, "truncated: its frames need 96 bytes, there are 48"),
        ({"NumberOfFrames": -1}, "NumberOfFrames"),
        ({"NumberOfFrames": 2**31 - 1}, "NumberOfFrames"),
        (colour_fields("YBR_FULL") | {"BitsAllocated": 16, "BitsStored": 16}, "8 bits only"),
        (colour_fields("YBR_RCT"), "without JPEG 2000"),
        (colour_fields("YBR_FULL_422") | {"Columns": 5}, "pairs of pixels"),
        (colour_fields("RGB") | {"PlanarConfiguration": 2}, "PlanarConfiguration"),
        (colour_fields("RGB") | {"PixelRepresentation": 1}, "unsigned"),
        ({"PixelData": b""}, "no pixel data"),
    ],
)
def test_contradictions_are_refused(make_slice: Make, changes: dict[str, Any], reason: str) -> None:
    dataset = make_slice(**{key: value for key, value in changes.items() if key != "PixelData"})
    if "PixelData" in changes:
        dataset.PixelData = changes["PixelData"]
    with pytest.raises(DicomError, match=reason):
        pixels(dataset)


# --- where frames are -----------------------------------------------------------------------------


def grey_frames(count: int = 7) -> list[NDArray[np.uint8]]:
    rng = np.random.default_rng(5)
    return [rng.integers(0, 256, (8, 16)).astype(np.uint8) for _ in range(count)]


GREY = {"BitsAllocated": 8, "BitsStored": 8, "PixelRepresentation": 0, "Rows": 8, "Columns": 16}


def rle(cells: NDArray[np.uint8]) -> bytes:
    """Literal runs only: a header of one segment, each run of up to 128 bytes behind its length."""
    data = cells.tobytes()
    runs = b"".join(
        bytes([len(part) - 1]) + part
        for part in (data[at : at + 128] for at in range(0, len(data), 128))
    )
    return struct.pack("<16L", 1, 64, *[0] * 14) + runs


def item(data: bytes) -> bytes:
    return struct.pack("<HHL", 0xFFFE, 0xE000, len(data)) + data


END = struct.pack("<HHL", 0xFFFE, 0xE0DD, 0)


def save_raw(make_slice: Make, path: Path, data: bytes, syntax: UID, **changes: Any) -> Path:
    """Write a file whose pixel data element is `data`, whatever that is."""
    extra = {key: changes.pop(key) for key in list(changes) if key.startswith("Extended")}
    dataset = make_slice(np.zeros((8, 16), np.uint8), **(GREY | changes))
    for key, value in extra.items():
        setattr(dataset, key, value)
    dataset.file_meta.TransferSyntaxUID = syntax
    del dataset.PixelData
    dataset.save_as(path, enforce_file_format=True)
    with path.open("ab") as file:
        file.write(struct.pack("<HH2sHL", 0x7FE0, 0x0010, b"OB", 0, 0xFFFFFFFF) + data)
    return path


@pytest.mark.parametrize("table", ["basic", "extended", "none"])
def test_each_frame_is_found(make_slice: Make, tmp_path: Path, table: str) -> None:
    frames = grey_frames()
    encoded = [rle(frame) for frame in frames]
    extra: dict[str, Any] = {"NumberOfFrames": len(frames)}
    if table == "extended":
        data, offsets, lengths = encapsulate_extended(encoded)
        extra |= {"ExtendedOffsetTable": offsets, "ExtendedOffsetTableLengths": lengths}
    else:
        data = encapsulate(encoded, has_bot=table == "basic")
    path = save_raw(make_slice, tmp_path / "a.dcm", data + END, RLELossless, **extra)
    loaded = pixels(path)
    for index in (6, 0, 3, 1):
        np.testing.assert_array_equal(loaded.load(index), frames[index])
    in_memory = pixels(dcmread(path))
    np.testing.assert_array_equal(in_memory.load(5), frames[5])


def jpeg_pieces(count: int = 4) -> tuple[list[bytes], list[list[bytes]]]:
    """Compressed frames, and each of them in several fragments of even length."""
    rng = np.random.default_rng(6)
    whole = [jpeg(rng.integers(0, 256, (8, 16)).astype(np.uint8)) for _ in range(count)]
    whole = [data + b"\0" * (len(data) % 2) for data in whole]
    cuts = [sorted({0, *(2 * rng.integers(1, len(data) // 2, 3)), len(data)}) for data in whole]
    pieces = [
        [data[first:last] for first, last in pairwise(at)]
        for data, at in zip(whole, cuts, strict=True)
    ]
    return whole, pieces


@pytest.mark.parametrize("table", [True, False])
def test_frames_of_several_fragments(make_slice: Make, tmp_path: Path, table: bool) -> None:
    whole, pieces = jpeg_pieces()
    assert sum(map(len, pieces)) > len(pieces)
    offsets = np.cumsum([0, *(sum(8 + len(p) for p in frame) for frame in pieces)])[:-1]
    basic = offsets.astype("<u4").tobytes() if table else b""
    data = item(basic) + b"".join(item(part) for frame in pieces for part in frame) + END
    path = save_raw(make_slice, tmp_path / "a.dcm", data, JPEGBaseline8Bit, NumberOfFrames=4)
    loaded = pixels(path)
    for index in (2, 0, 3, 1):
        expected = np.asarray(Image.open(BytesIO(whole[index])))
        np.testing.assert_array_equal(loaded.load(index), expected)


def test_one_frame_in_many_fragments_without_end(make_slice: Make, tmp_path: Path) -> None:
    frame = grey_frames(1)[0]
    data = rle(frame)
    parts = b"".join(item(data[at : at + 10]) for at in range(0, len(data), 10))
    path = save_raw(make_slice, tmp_path / "a.dcm", item(b"") + parts, RLELossless)
    np.testing.assert_array_equal(pixels(path).load(0), frame)


@pytest.mark.parametrize("kind", ["basic", "extended"])
@pytest.mark.parametrize("fault", ["shifted", "swapped", "huge", "zero"])
def test_wrong_tables_give_way_to_the_items(
    make_slice: Make, tmp_path: Path, kind: str, fault: str
) -> None:
    frames = grey_frames(4)
    encoded = [rle(frame) for frame in frames]
    offsets = np.arange(4) * (8 + len(encoded[0]))
    if fault == "swapped":
        offsets = offsets[[0, 2, 1, 3]]
    offsets = offsets + {"shifted": 4, "huge": 10**8, "swapped": 0, "zero": 0}[fault]
    offsets *= fault != "zero"
    extra: dict[str, Any] = {"NumberOfFrames": 4}
    if kind == "extended":
        extra["ExtendedOffsetTable"] = offsets.astype("<u8").tobytes()
        extra["ExtendedOffsetTableLengths"] = np.full(4, len(encoded[0]), "<u8").tobytes()
    basic = offsets.astype("<u4").tobytes() if kind == "basic" else b""
    data = item(basic) + b"".join(map(item, encoded)) + END
    path = save_raw(make_slice, tmp_path / "a.dcm", data, RLELossless, **extra)
    loaded = pixels(path)
    for index in range(4):
        np.testing.assert_array_equal(loaded.load(index), frames[index])


def test_a_table_that_points_into_a_frame_is_not_believed(make_slice: Make, tmp_path: Path) -> None:
    frames = grey_frames(3)
    encoded = [rle(frame) for frame in frames]
    step = 8 + len(encoded[0])
    basic = np.array([0, step + 20, 2 * step], "<u4").tobytes()
    data = item(basic) + b"".join(map(item, encoded)) + END
    path = save_raw(make_slice, tmp_path / "a.dcm", data, RLELossless, NumberOfFrames=3)
    loaded = pixels(path)
    for index in range(3):
        np.testing.assert_array_equal(loaded.load(index), frames[index])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (item(b"") + item(rle(grey_frames(1)[0])) + END, "1 fragments for 3 frames"),
        (item(b"") + item(b"ab") * 5 + END, "5 fragments for 3 frames"),
        (item(b"") + item(b"ab") * 3 + item(b"x" * 50)[:30], "truncated within a fragment"),
        (b"\0" * 40, "does not begin with an item"),
        (item(b"") + END + b"\0" * 20, "0 fragments for 3 frames"),
        (item(b"x" * 4000)[:50], "does not begin with an item"),
    ],
)
def test_frames_that_cannot_be_told_apart(
    make_slice: Make, tmp_path: Path, data: bytes, reason: str
) -> None:
    path = save_raw(make_slice, tmp_path / "a.dcm", data, RLELossless, NumberOfFrames=3)
    with pytest.raises(DicomError, match=reason):
        pixels(path).load(0)


def test_a_truncated_single_frame_is_refused(make_slice: Make, tmp_path: Path) -> None:
    whole = jpeg(np.random.default_rng(0).integers(0, 256, (8, 16)).astype(np.uint8))
    data = item(b"") + item(whole[:200]) + item(whole[200:] + b"\0" * (len(whole) % 2))
    path = save_raw(make_slice, tmp_path / "a.dcm", data[:-40], JPEGBaseline8Bit)
    with pytest.raises(DicomError, match="truncated within a fragment"):
        pixels(path).load(0)


@given(st.lists(st.integers(8, 2**31), min_size=1, max_size=12))
def test_offsets_beyond_32_bits(steps: list[int]) -> None:
    """The Basic Offset Table starts again behind 4 GiB; its numbers only grow otherwise."""
    true = np.cumsum([0, *steps]).astype(np.int64)
    table = from_basic((true % 2**32).astype("<u4").tobytes(), 100, 100 + int(true[-1]) + 8)
    assert table is not None
    np.testing.assert_array_equal(table.starts, true + 100)
    np.testing.assert_array_equal(table.stops, [*(true[1:] + 100), -1])


def test_one_frame_of_many_costs_one_frame(make_slice: Make, tmp_path: Path) -> None:
    """Bytes read after the first frame: those of the frame, whatever there is besides."""
    count, frame = 3000, grey_frames(1)[0]
    encoded = rle(frame)
    data = item(b"") + item(encoded) * count + END
    path = save_raw(make_slice, tmp_path / "a.dcm", data, RLELossless, NumberOfFrames=count)
    source = CountingSource(path)
    header = header_of(path)
    object.__setattr__(header, "source", source)
    loaded = pixels_of(header, PixelCache())
    loaded.load(0)
    source.bytes = 0
    loaded.load(2500)
    assert source.bytes <= len(encoded) + 32


class CountingSource:
    """A source of bytes that is no path, and counts what is read from it."""

    def __init__(self, path: Path) -> None:
        self.path, self.bytes = path, 0

    def open(self) -> BinaryIO:
        owner = self

        class Counting(BytesIO):
            def read(self, size: int | None = -1) -> bytes:
                data = super().read(size)
                owner.bytes += len(data)
                return data

        return Counting(self.path.read_bytes())


def test_a_file_that_changed_is_refused(wheel: Wheel, tmp_path: Path) -> None:
    path = tmp_path / "a.dcm"
    path.write_bytes(wheel("MR_small_RLE.dcm").read_bytes())
    loaded = pixels(path)
    path.write_bytes(path.read_bytes()[:700])
    with pytest.raises(DicomError, match=r"cannot be decoded|not where it was"):
        loaded.load(0)
    path.unlink()
    with pytest.raises(DicomError, match="No such file"):
        loaded.load(0)


def test_pixels_can_be_pickled(wheel: Wheel) -> None:
    loaded = pixels(wheel("MR_small_RLE.dcm"))
    expected = loaded.load(0)
    copied = pickle.loads(pickle.dumps(loaded.loader(0)))
    np.testing.assert_array_equal(copied(), expected)


# --- codestreams ----------------------------------------------------------------------------------


def test_codestreams_of_real_files(wheel: Wheel) -> None:
    for name in REAL:
        loaded = pixels(wheel(name))
        syntax = loaded.form.syntax
        if not syntax.is_encapsulated or syntax == RLELossless:
            continue
        stream = codestream_of(bare_codestream(loaded.frames.read(0)))
        assert stream is not None, name
        assert (stream.rows, stream.columns) == loaded.form.shape
        assert stream.samples == loaded.form.channels


@given(st.binary(max_size=80))
def test_no_bytes_break_the_codestream_reader(data: bytes) -> None:
    for start in (b"\xff\xd8\xff", b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  ", b""):
        assert isinstance(codestream_of(bare_codestream(start + data)), Codestream | None)


def test_a_jp2_file_with_a_box_of_no_length_does_not_hang(wheel: Wheel) -> None:
    dataset = dcmread(wheel("GDCMJ2K_TextGBR.dcm"))
    expected = pixels(dataset).load(0)
    data = next(generate_frames(dataset.PixelData, number_of_frames=1))
    boxes = data[: data.index(b"\xff\x4f\xff\x51")]
    assert boxes[4:8] == b"jP  "
    hostile = boxes[:12] + b"\0" * 4 + data[16:]
    dataset.PixelData = encapsulate([hostile])
    np.testing.assert_array_equal(pixels(dataset).load(0), expected)


def test_a_jpeg_without_end_is_refused(wheel: Wheel) -> None:
    """Some decoders would deliver grey for what is missing."""
    for name in ("SC_rgb_jpeg_gdcm.dcm", "SC_rgb_dcmtk_+eb+cr.dcm", "JPEGLSNearLossless_16.dcm"):
        dataset = dcmread(wheel(name))
        data = next(generate_frames(dataset.PixelData, number_of_frames=1))
        dataset.PixelData = encapsulate([data[: len(data) // 2]])
        with pytest.raises(DicomError, match="the compressed frame has no end"):
            pixels(dataset).load(0)


def test_frames_larger_than_their_header_are_not_decoded(
    make_slice: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small file must not make a decoder allocate a picture of any size."""
    data = bytearray(jpeg(np.zeros((8, 16), np.uint8)))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", 60000, 60000)
    dataset = compressed(
        make_slice,
        encapsulate([bytes(data)]),
        JPEGBaseline8Bit,
        np.zeros((8, 16), np.uint8),
        **GREY,
    )
    loaded = pixels(dataset)
    monkeypatch.setattr(decoders.Decoder, "as_array", lambda *_, **__: pytest.fail("decoded"))
    with pytest.raises(DicomError, match="has 60000 x 60000 pixels of 1 samples, the header says"):
        loaded.load(0)


def test_more_bits_than_allocated_are_refused(wheel: Wheel) -> None:
    """They would be cut off without a word."""
    dataset = dcmread(wheel("MR_small_jp2klossless.dcm"))
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit = 7
    with pytest.raises(DicomError, match="16 bits per sample, BitsAllocated is 8"):
        pixels(dataset).load(0)


# --- decoders -------------------------------------------------------------------------------------


@contextmanager
def only(*names: str, syntax: UID) -> Iterator[None]:
    """Leave only some decoder plugins installed."""
    decoder = get_decoder(syntax)
    available = dict(decoder._available)
    missing = dict(decoder._unavailable)
    for name in set(available) - set(names):
        decoder._available.pop(name)
        decoder._unavailable[name] = ("something>=1",)
    try:
        yield
    finally:
        decoder._available, decoder._unavailable = available, missing


@pytest.mark.parametrize(
    ("name", "syntax"),
    [
        ("SC_rgb_jpeg_gdcm.dcm", "70"),
        ("MR_small_jpeg_ls_lossless.dcm", "80"),
        ("JPEG2000.dcm", "91"),
    ],
)
def test_without_a_decoder_the_extra_is_named(wheel: Wheel, name: str, syntax: str) -> None:
    with (
        only(syntax=UID(f"1.2.840.10008.1.2.4.{syntax}")),
        pytest.raises(DicomError, match=r'not installed: pip install "imageregion\[codecs\]"'),
    ):
        pixels(wheel(name)).load(0)


def test_twelve_bits_of_jpeg_extended_say_what_they_need(wheel: Wheel) -> None:
    if "pylibjpeg" in get_decoder(JPEGExtended12Bit).available_plugins:
        pytest.skip("a decoder for JPEG Extended of 12 bits is installed")
    with pytest.raises(DicomError, match="12 bits needs pylibjpeg-libjpeg"):
        pixels(wheel("JPEG-lossy.dcm")).load(0)


def test_an_unknown_transfer_syntax_is_named(make_slice: Make) -> None:
    dataset = make_slice()
    dataset.file_meta.TransferSyntaxUID = UID("1.2.840.10008.1.2.4.102")
    dataset.PixelData = encapsulate([b"\xff\xd8ab"])
    with pytest.raises(DicomError, match="no decoder for transfer syntax MPEG-4"):
        pixels(dataset).load(0)


@pytest.mark.parametrize(
    ("name", "syntax"),
    [
        ("MR_small_jp2klossless.dcm", JPEG2000Lossless),
        ("MR_small_jpeg_ls_lossless.dcm", JPEGLSLossless),
        ("MR_small_RLE.dcm", RLELossless),
    ],
)
def test_all_lossless_decoders_agree(wheel: Wheel, name: str, syntax: UID) -> None:
    raw = pixels(wheel("MR_small.dcm")).load(0)
    for plugin in get_decoder(syntax).available_plugins:
        with only(plugin, syntax=syntax):
            np.testing.assert_array_equal(pixels(wheel(name)).load(0), raw, err_msg=plugin)


class PanicError(BaseException):
    """What a decoder in another language throws when it gives up."""


def test_panics_of_decoders_are_errors(wheel: Wheel, monkeypatch: pytest.MonkeyPatch) -> None:
    decoder = get_decoder(RLELossless)
    working = decoder._available["pydicom"]

    def panic(*_: Any) -> bytes:
        raise PanicError("index out of bounds")

    monkeypatch.setattr(decoder, "_available", {"pylibjpeg": panic})
    with pytest.raises(DicomError, match="pylibjpeg: index out of bounds"):
        pixels(wheel("MR_small_RLE.dcm")).load(0)
    monkeypatch.setattr(decoder, "_available", {"pylibjpeg": panic, "pydicom": working})
    raw = pixels(wheel("MR_small.dcm")).load(0)
    np.testing.assert_array_equal(pixels(wheel("MR_small_RLE.dcm")).load(0), raw)


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_the_user_can_still_stop(
    wheel: Wheel, monkeypatch: pytest.MonkeyPatch, stop: type[BaseException]
) -> None:
    def interrupted(*_: Any) -> bytes:
        raise stop

    monkeypatch.setattr(get_decoder(RLELossless), "_available", {"pylibjpeg": interrupted})
    loaded = pixels(wheel("MR_small_RLE.dcm"))
    with pytest.raises(stop):
        loaded.load(0)
    monkeypatch.undo()
    assert loaded.load(0).shape == (64, 64)  # nothing waits for the frame that was given up


def test_a_decoder_that_fails_names_the_others(wheel: Wheel) -> None:
    dataset = dcmread(wheel("MR_small_RLE.dcm"))
    dataset.PixelData = encapsulate([b"\1\0\0\0" + b"\0" * 100])
    with pytest.raises(DicomError, match="pydicom: "):
        pixels(dataset).load(0)


def test_a_frame_that_lacks_its_edge_is_filled_up(make_slice: Make) -> None:
    cells = np.random.default_rng(3).integers(0, 256, (5, 11)).astype(np.uint8)
    dataset = compressed(
        make_slice,
        encapsulate([jpeg(cells)]),
        JPEGBaseline8Bit,
        np.zeros((8, 16), np.uint8),
        **GREY,
    )
    with pytest.raises(DicomError, match="5 x 11"):
        pixels(dataset).load(0)
    with pytest.raises(DicomError, match="5 x 11"):
        pixels(dataset).load(0, (6, 11))
    got = pixels(dataset).load(0, (5, 10))
    np.testing.assert_array_equal(got[:5, :11], np.asarray(Image.open(BytesIO(jpeg(cells)))))
    assert got.shape == (8, 16) and not got[5:].any() and not got[:, 11:].any()


def test_signed_values_in_fewer_bits(make_slice: Make) -> None:
    cells = np.array([[-2048, 2047, -1], [0, 5, -700]], np.int16)
    stored = (cells & 0x0FFF) | 0x3000  # bits above must not matter
    dataset = make_slice(stored.astype(np.int16), BitsStored=12)
    np.testing.assert_array_equal(pixels(dataset).load(0), cells)
    form = pixels(dataset).form
    assert isinstance(form, PixelFormat) and form.samples == Samples(12, 11)
    data = bytes(stored.astype("<i2").tobytes())
    np.testing.assert_array_equal(decode_frame(data, form, "1.2"), cells)


# --- the cache ------------------------------------------------------------------------------------


def frame_of(size: int) -> NDArray[np.uint8]:
    return np.zeros(size, np.uint8)


def test_the_cache_stays_within_its_limit() -> None:
    cache = PixelCache(1000)
    for key in range(20):
        cache.load(key, 300, lambda: frame_of(300))
        assert cache.used <= 1000
    assert cache.get(19) is not None and cache.get(0) is None
    cache.load("large", 5000, lambda: frame_of(5000))
    assert cache.get("large") is None and cache.get(19) is not None


def test_threads_make_a_frame_once() -> None:
    cache, made, gate = PixelCache(10_000), [], threading.Barrier(8)

    def make() -> NDArray[np.uint8]:
        made.append(1)
        return frame_of(100)

    def ask(_: int) -> NDArray[Any]:
        gate.wait(10)
        return cache.load("a", 100, make)

    with ThreadPoolExecutor(8) as pool:
        assert len({id(frame) for frame in pool.map(ask, range(8))}) == 1
    assert len(made) == 1


def test_frames_in_the_making_are_bounded() -> None:
    """Eight threads want frames of 400 bytes within a limit of 1000: two at a time, not eight."""
    cache, lock, now, most = PixelCache(1000), threading.Lock(), 0, 0
    wait = threading.Event()

    def make() -> NDArray[np.uint8]:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        wait.wait(0.02)
        with lock:
            now -= 1
        return frame_of(400)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: cache.load(key, 400, make), range(24)))
    assert most == 2
    with ThreadPoolExecutor(8) as pool:  # larger than the limit: one at a time, and no deadlock
        most = 0
        list(pool.map(lambda key: cache.load(key, 4000, make), range(100, 106)))
    assert most == 1


def test_a_failure_is_not_kept() -> None:
    cache = PixelCache(1000)

    def fail() -> NDArray[np.uint8]:
        raise DicomError("1.2", "no")

    for _ in range(2):
        with pytest.raises(DicomError):
            cache.load("a", 10, fail)
    assert cache.load("a", 10, lambda: frame_of(10)).nbytes == 10


def test_many_threads_decode_the_same_file(wheel: Wheel) -> None:
    loaded = pixels(wheel("rtdose_rle.dcm"))
    expected = pixel_array(wheel("rtdose.dcm"))
    order = [index % 15 for index in range(90)]
    with ThreadPoolExecutor(8) as pool:
        for index, frame in zip(order, pool.map(loaded.load, order), strict=True):
            np.testing.assert_array_equal(frame, expected[index])
