"""Untrusted headers: what never ends or grows without bounds is refused, real files still open."""

from __future__ import annotations

import random
import struct
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.tag import Tag
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from imageregion.dicom import open_images
from imageregion.dicom.files import bounds
from imageregion.errors import DicomError, InputError
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

    def read() -> Dataset:
        with path.open("rb") as file:
            return bounds.read_bounded(file, "good.dcm", [Tag("Rows"), Tag("Columns")])

    assert (read().Rows, read().Columns) == (4, 6)
    monkeypatch.setattr(bounds, limit, value)
    with pytest.raises(DicomError, match=message):
        read()


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
    assert images.issues == ()
    for frame in images.frames:
        assert frame.plane is not None
        assert frame.plane.origin.tolist() == [1, 2, 3]


# --- what is inside of functional groups ---------------------------------------------------------

PER_FRAME, SHARED = (0x5200, 0x9230), (0x5200, 0x9229)
ITEMS = 400_000  # pydicom needs some 20 s and 1 GB for them


def sequence(tag: tuple[int, int], items: bytes, undefined: bool = False) -> bytes:
    if undefined:
        return explicit(*tag, b"SQ", items + SEQUENCE_END + bytes(4), 0xFFFFFFFF)
    return explicit(*tag, b"SQ", items)


def entry(content: bytes = b"", undefined: bool = False) -> bytes:
    if undefined:
        return ITEM + UNDEFINED + content + ITEM_END + bytes(4)
    return ITEM + struct.pack("<L", len(content)) + content


def nest(depth: int, undefined: bool) -> bytes:
    content = b""
    for _ in range(depth):
        content = sequence((0x28, 0x3010), entry(content, undefined), undefined)
    return content


def slope(number: int) -> bytes:
    return sequence((0x28, 0x9145), entry(explicit(0x28, 0x1053, b"DS", b"%-8d" % (number + 1))))


MANY = entry() * ITEMS
OVERLAP = ITEM + struct.pack("<L", 2**31)
LOOKUP = explicit(0x40, 0x9212, b"UN", bytes(8 * 65536))
HOSTILE_GROUPS: dict[str, tuple[bytes, bytes, int]] = {
    "countless items": (entry(), MANY, 10),
    "countless undefined items": (entry(), entry(b"", undefined=True) * (ITEMS // 2), 10),
    "countless items in a place": (entry(sequence((0x20, 0x9113), MANY)), entry() * 10, 10),
    "countless mappings": (entry(sequence((0x40, 0x9096), MANY)), entry() * 10, 10),
    "countless units": (
        entry(sequence((0x40, 0x9096), entry(sequence((0x40, 0x08EA), MANY)))),
        entry() * 10,
        10,
    ),
    "deep": (entry(nest(700, False)), entry(nest(700, False)) * 10, 10),
    "deep and undefined": (entry(nest(3000, True)), entry(nest(3000, True)) * 10, 10),
    "deep in a place": (entry(sequence((0x20, 0x9113), entry(nest(700, False)))), entry() * 10, 10),
    "overlapping items": (OVERLAP, OVERLAP * 10, 10),
    "overlapping elements": (
        entry(explicit(0x20, 0x9113, b"SQ", b"", 2**31)),
        entry(explicit(0x20, 0x9113, b"SQ", b"", 2**31)) * 10,
        10,
    ),
    "garbage": (random.Random(1).randbytes(500_000), random.Random(2).randbytes(500_000), 10),
    "a long table for each of many slopes": (
        entry(sequence((0x40, 0x9096), entry(LOOKUP))),
        b"".join(entry(slope(n)) for n in range(3000)),
        3000,
    ),
}


@pytest.mark.parametrize("undefined", [False, True])
@pytest.mark.parametrize("name", HOSTILE_GROUPS)
def test_hostile_functional_groups(
    name: str, undefined: bool, make_slice: Make, tmp_path: Path
) -> None:
    """Read or refused in seconds, with a reason."""
    shared, frames, count = HOSTILE_GROUPS[name]
    dataset = make_slice(np.zeros((count, 4, 6), np.int16), NumberOfFrames=count)
    dataset.save_as(tmp_path / "1.dcm", enforce_file_format=True)
    content = (tmp_path / "1.dcm").read_bytes()
    place = content.index(b"\xe0\x7f\x10\x00OW")
    groups = sequence(SHARED, shared, undefined) + sequence(PER_FRAME, frames, undefined)
    (tmp_path / "1.dcm").write_bytes(content[:place] + groups + content[place:])
    start = time.process_time()
    try:
        images = open_images(tmp_path / "1.dcm")
    except InputError as error:
        assert "the header is damaged or too large" in str(error)  # noqa: PT017
    else:
        assert len(images) == count
        reasons = " ".join(issue.message for issue in images.issues)
        known = ("expected 10 items", "single item", "too many items", "nested deeper", "longer")
        assert name == "deep" or any(word in reasons for word in (*known, "expected an item"))
    assert time.process_time() - start < 8  # 2 s where this was written


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
