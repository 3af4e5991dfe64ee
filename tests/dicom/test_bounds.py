"""Untrusted headers: what never ends or grows without bounds is refused, real files still open."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from imageregion.dicom import bounds, open_images
from imageregion.errors import DicomError
from imageregion.quantities import LinearMap, TableMap

Make = Callable[..., Dataset]
Save = Callable[..., Path]

PREFIX = bytes(128) + b"DICM"
EXPLICIT, IMPLICIT = b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2\0"
ITEM, ITEM_END, SEQUENCE_END = (struct.pack("<HH", 0xFFFE, e) for e in (0xE000, 0xE00D, 0xE0DD))
UNDEFINED = b"\xff" * 4
SIZE = 64 * 2**20


def meta(syntax: bytes) -> bytes:
    element = struct.pack("<HH2sH", 2, 0x10, b"UI", len(syntax)) + syntax
    return PREFIX + struct.pack("<HH2sHL", 2, 0, b"UL", 4, len(element)) + element


def explicit(group: int, element: int, vr: bytes, value: bytes, length: int | None = None) -> bytes:
    length = len(value) if length is None else length
    if vr in (b"SQ", b"UN", b"OB"):
        return struct.pack("<HH2sHL", group, element, vr, 0, length) + value
    return struct.pack("<HH2sH", group, element, vr, length) + value


UID = explicit(8, 0x18, b"UI", b"1.2.3\0")
HOSTILE: dict[str, bytes] = {
    "zeros": PREFIX,
    "zeros after the meta information": meta(EXPLICIT),
    "zeros in a dataset": meta(EXPLICIT) + UID,
    "zeros in an implicit dataset": meta(IMPLICIT) + struct.pack("<HHL", 8, 0x18, 6) + b"1.2.3\0",
    "an unwanted sequence": meta(EXPLICIT) + UID + explicit(9, 0x10, b"SQ", b"", 0xFFFFFFFF),
    "an item of one": meta(EXPLICIT) + UID + explicit(9, 0x10, b"SQ", ITEM + UNDEFINED, 0xFFFFFFFF),
    "a wanted sequence": meta(EXPLICIT) + UID + explicit(0x28, 0x3010, b"SQ", b"", 0xFFFFFFFF),
    "a long item": meta(EXPLICIT)
    + UID
    + explicit(0x28, 0x3010, b"SQ", ITEM + struct.pack("<L", SIZE - 1000), SIZE - 992),
    "an unknown value without end": meta(EXPLICIT)
    + UID
    + explicit(9, 0x10, b"OB", b"", 0xFFFFFFFF),
    "a long value": meta(EXPLICIT) + explicit(8, 0x60, b"UN", b"", SIZE),
    "a huge value": meta(EXPLICIT) + explicit(8, 0x60, b"UN", b"", 0xFFFFFFF0),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_without_end_is_named_and_the_others_open(name: str, save_slice: Save) -> None:
    folder = save_slice("good.dcm").parent
    with (folder / "endless.dcm").open("wb") as file:
        file.write(HOSTILE[name])
        file.truncate(SIZE)
    images = open_images(folder)
    assert [frame.instance for frame in images.frames] == ["1.2.3.1.1"]
    (issue,) = images.issues
    assert (issue.severity, issue.code, issue.path) == ("error", "unreadable", "endless.dcm")
    assert "the header is damaged or too large" in issue.message


def test_a_sparse_file_of_many_gigabytes(save_slice: Save) -> None:
    folder = save_slice("good.dcm").parent
    with (folder / "endless.dcm").open("wb") as file:
        file.write(PREFIX)
        file.truncate(5 * 2**30)
    images = open_images(folder)
    assert len(images) == 1
    assert [issue.path for issue in images.issues] == ["endless.dcm"]


@pytest.mark.parametrize("seed", range(12))
def test_garbage_after_the_prefix(seed: int, save_slice: Save) -> None:
    folder = save_slice("good.dcm").parent
    start = [PREFIX, meta(EXPLICIT), meta(EXPLICIT) + UID, meta(IMPLICIT)][seed % 4]
    (folder / "garbage.dcm").write_bytes(start + random.Random(seed).randbytes(500_000))
    assert len(open_images(folder)) == 1


def test_a_table_of_countless_items_is_not_parsed(save_slice: Save) -> None:
    folder = save_slice("good.dcm").parent
    items = (ITEM + bytes(4)) * 20_000 + SEQUENCE_END + bytes(4)
    for element, length in ((0x3000, 0xFFFFFFFF), (0x3010, len(items))):
        content = meta(EXPLICIT) + UID + explicit(0x28, element, b"SQ", items, length)
        (folder / f"{element}.dcm").write_bytes(content)
    images = open_images(folder)
    assert len(images) == 1
    assert ["too many items" in issue.message for issue in images.issues] == [True, True]


@pytest.mark.parametrize(
    ("limit", "value", "message"),
    [("_MAX_ELEMENTS", 9, "more than 9 elements"), ("_MAX_BYTES", 99, "more than 99 bytes")],
)
def test_limits(
    limit: str, value: int, message: str, save_slice: Save, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save_slice("good.dcm")
    open_images(path)
    monkeypatch.setattr(bounds, limit, value)
    with pytest.raises(ValueError, match=message):
        open_images(path)


def nested(depth: int) -> Dataset:
    item = Dataset()
    item.CodeValue = "1"
    if depth:
        item.ContentSequence = [nested(depth - 1), nested(0)]
        item["ContentSequence"].is_undefined_length = bool(depth % 2)
        item.is_undefined_length_sequence_item = bool(depth % 3)
    return item


SYNTAXES = {
    "implicit": ImplicitVRLittleEndian,
    "explicit": ExplicitVRLittleEndian,
    "big endian": ExplicitVRBigEndian,
    "deflated": DeflatedExplicitVRLittleEndian,
}


@pytest.mark.parametrize("undefined", [False, True])
@pytest.mark.parametrize("name", SYNTAXES)
def test_real_structures_open_in_every_encoding(
    name: str, undefined: bool, make_slice: Make, tmp_path: Path
) -> None:
    """Sequences that are wanted and not, nested, of known and undefined length, large values."""
    table = Dataset()
    table.add_new("LUTDescriptor", "US", [24, 0, 16])
    table.add_new("LUTData", "US", list(range(100, 124)))
    cells = np.arange(24, dtype=np.uint16).reshape(4, 6)
    if name == "big endian":
        cells = cells.astype(">u2")
    dataset = make_slice(
        cells,
        PixelRepresentation=0,
        ModalityLUTSequence=[table],
        RescaleSlope=None,
        RescaleIntercept=None,
        ReferencedImageSequence=[nested(6), nested(5)],
    )
    block = dataset.private_block(0x0029, "MAKER", create=True)
    block.add_new(0x01, "OB", bytes(300_000))
    block.add_new(0x02, "SQ", [nested(3)])
    for sequence in (dataset[0x0029, 0x1002], *map(dataset.data_element, _SEQUENCES)):
        assert sequence is not None
        sequence.is_undefined_length = undefined
    dataset.file_meta.TransferSyntaxUID = SYNTAXES[name]
    dataset.save_as(tmp_path / "1.dcm", enforce_file_format=True)
    images = open_images(tmp_path)
    assert images.issues == ()
    (frame,) = images.frames
    assert isinstance(frame.value_map, TableMap)
    assert frame.value_map.table.tolist() == list(range(100, 124))
    assert frame.pixels.ravel().tolist() == list(range(100, 124))
    assert frame.thickness == 3.0


_SEQUENCES = ("ModalityLUTSequence", "ReferencedImageSequence")


@pytest.mark.parametrize("undefined", [False, True])
def test_long_functional_groups_open(undefined: bool, make_slice: Make, tmp_path: Path) -> None:
    item = Dataset()
    item.PlanePositionSequence = [Dataset()]
    item.PlanePositionSequence[0].ImagePositionPatient = [1, 2, 3]
    dataset = make_slice(
        np.zeros((3000, 4, 6), np.int16),
        NumberOfFrames=3000,
        PerFrameFunctionalGroupsSequence=[item] * 3000,
    )
    dataset["PerFrameFunctionalGroupsSequence"].is_undefined_length = undefined
    item.is_undefined_length_sequence_item = undefined
    dataset.save_as(tmp_path / "1.dcm", enforce_file_format=True)
    images = open_images(tmp_path)
    assert len(images) == 3000
    assert [issue.code for issue in images.issues] == ["unsupported"]


def test_elements_out_of_order_are_still_read(save_slice: Save) -> None:
    path = save_slice("1.dcm", RescaleSlope=None)
    content = path.read_bytes()
    slope = explicit(0x28, 0x1053, b"DS", b"7 ")
    place = content.index(b"\x08\x00\x16\x00UI")  # SOPClassUID, the first element
    path.write_bytes(content[:place] + slope + content[place:])
    (frame,) = open_images(path).frames
    assert frame.value_map == LinearMap(7, -1000)


def test_a_deflated_bomb(make_slice: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = make_slice()
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    path = tmp_path / "1.dcm"
    dataset.save_as(path, enforce_file_format=True)
    (frame,) = open_images(path).frames
    content = path.read_bytes()
    start = content.index(b"1.2.840.10008.1.2.1.99") + 22
    start = next(i for i in range(start, len(content)) if _inflates(content[i:]))
    inflated = zlib.decompress(content[start:], -zlib.MAX_WBITS)
    deflate = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    bomb = deflate.compress(inflated + bytes(2**24)) + deflate.flush()
    path.write_bytes(content[:start] + bomb)
    assert frame.shape == (4, 6)
    monkeypatch.setattr(bounds, "_MAX_INFLATED", 2**23)
    (frame,) = open_images(path).frames
    with pytest.raises(DicomError, match="the deflated dataset is larger than 8388608 bytes"):
        _ = frame.stored


def _inflates(data: bytes) -> bool:
    try:
        return zlib.decompress(data, -zlib.MAX_WBITS)[:4] == b"\x08\x00\x16\x00"
    except zlib.error:
        return False
