"""Images from zip files and file-sets, headers from an index, and how little is read."""

from __future__ import annotations

import io
import os
import pickle
import struct
import threading
import time
import warnings
import zipfile
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset, dcmread
from pydicom.fileset import FileSet as PydicomFileSet
from pydicom.uid import ImplicitVRLittleEndian, generate_uid

from imageregion import measure
from imageregion.dicom import Images, open_images
from imageregion.dicom.files import archives, filesets, headers, index, members
from imageregion.dicom.files.archives import read_directory
from imageregion.dicom.files.members import ZipMember
from imageregion.dicom.files.scanning import scan_elements, scan_file
from imageregion.dicom.files.wanted import WANTED
from imageregion.dicom.pixel_data import decoding, pixels
from imageregion.errors import DicomError, ImageRegionError, InputError
from imageregion.frame import Frame
from imageregion.region import Target

Make = Callable[..., Dataset]
Save = Callable[..., Path]
Wheel = Callable[[str], Path]
SECOND = 10**9


def codes(images: Images) -> list[str]:
    return [issue.code for issue in images.issues]


def series(save: Save, count: int, **changes: Any) -> Path:
    """Write slices 3 mm apart whose pixels all hold their number; return their folder."""
    for number in range(count):
        path = save(
            f"{number:04}.dcm",
            np.full((4, 6), number, dtype=np.int16),
            SOPInstanceUID=f"1.2.3.1.{number + 1}",
            ImagePositionPatient=[-10.0, 20.0, 3.0 * number],
            **changes,
        )
    return path.parent


def zipped(folder: Path, target: Path, method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(target, "w", method) as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder).as_posix())
    return target


def looks(images: Images) -> list[tuple[Any, ...]]:
    """Everything that frames say, with their pixels, in plain values."""
    return [look(frame) for frame in images.frames]


def look(frame: Frame) -> tuple[Any, ...]:
    plain: list[Any] = []
    for field in fields(Frame):
        value = getattr(frame, field.name)
        if field.name in ("load", "tiles"):
            continue
        if field.name == "plane" and value is not None:
            value = (value.shape, value.origin.tolist(), value.axes.tolist())
        plain.append(repr(value))
    try:
        content: Any = frame.load().tobytes()
    except ImageRegionError as error:
        content = str(error)
    return (*plain, content)


# --- zip files -----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zip_file_gives_the_same_images_as_its_folder(
    save_slice: Save, tmp_path: Path, method: int
) -> None:
    folder = series(save_slice, 5)
    save_slice("inner/x.dcm", SOPInstanceUID="1.2.3.1.99", SeriesInstanceUID="1.2.3.7")
    (folder / "notes.txt").write_text("hello")
    path = zipped(folder, tmp_path / "study.zip", method)
    expected = looks(open_images(folder))
    images = open_images(path)
    assert looks(images) == expected
    assert images.issues == ()
    mixed = open_images([path, folder / "0003.dcm"])
    assert len(mixed) == 6
    assert codes(mixed) == ["duplicate"]
    assert "0003.dcm is a copy of study.zip/0003.dcm" in mixed.issues[0].message


def test_members_are_read_where_they_are(save_slice: Save, tmp_path: Path) -> None:
    """Names that lead elsewhere, stand twice or hold odd letters do no harm."""
    data = save_slice("1.dcm").read_bytes()
    other = save_slice("1.dcm", SOPInstanceUID="1.2.3.1.2").read_bytes()
    path = tmp_path / "odd.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../../../escaped.dcm", data)
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("../../../../escaped.dcm", other)
        archive.writestr("/etc/absolute\x1b[31m", data)
        archive.mkdir("folder")
    before = sorted(tmp_path.rglob("*"))
    images = open_images(path)
    assert {frame.instance for frame in images.frames} == {"1.2.3.1.1", "1.2.3.1.2"}
    assert codes(images) == ["duplicate"]
    assert "\x1b" not in images.issues[0].message
    assert images.frames[0].stored[3, 5] == 23
    assert sorted(tmp_path.rglob("*")) == before


def test_only_the_first_bytes_of_members_are_inflated(
    save_slice: Save, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = np.zeros((2000, 2000), dtype=np.int16)
    folder = save_slice("1.dcm", cells).parent
    path = zipped(folder, tmp_path / "study.zip")
    asked: list[str] = []
    inflate = ZipMember.inflate

    def counted(member: ZipMember) -> bytes:
        asked.append(member.name)
        return inflate(member)

    monkeypatch.setattr(ZipMember, "inflate", counted)
    images = open_images(path)
    assert asked == []
    assert images.frames[0].stored.shape == (2000, 2000)
    assert asked == ["study.zip/1.dcm"]


def test_threads_read_members_at_the_same_time(save_slice: Save, tmp_path: Path) -> None:
    folder = series(save_slice, 20)
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        images = open_images(zipped(folder, tmp_path / "study.zip", method))
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda frame: int(frame.stored[2, 3]), images.frames))
        assert found == list(range(20))


def test_inflated_members_that_are_kept_are_bounded(
    save_slice: Save, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = series(save_slice, 6)
    size = (folder / "0000.dcm").stat().st_size
    monkeypatch.setattr(members, "_KEPT_BYTES", 2 * size + 10)
    kept = members._Inflated()
    for member in read_directory(zipped(folder, tmp_path / "study.zip")).members:
        assert kept.get(member) == (folder / member.name.split("/")[1]).read_bytes()
        assert kept._used <= 2 * size + 10


def test_members_can_be_pickled(save_slice: Save, tmp_path: Path) -> None:
    path = zipped(series(save_slice, 1), tmp_path / "study.zip")
    (member,) = read_directory(path).members
    with pickle.loads(pickle.dumps(member)).open() as file:
        assert file.read() == (tmp_path / "study" / "0000.dcm").read_bytes()


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_member_behaves_like_a_file(tmp_path: Path, method: int) -> None:
    content = bytes(range(256)) * 700
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("first", b"x" * 1000)
        archive.writestr("it", content)
        archive.writestr("last", b"y" * 1000)
    member = read_directory(path).members[1]
    for opened in (member.open(), member.stream()):
        with opened as file:
            assert file.seek(0, os.SEEK_END) == len(content)
            assert file.read(5) == b""
            assert file.seek(1000) == 1000
            assert file.read(300) == content[1000:1300]
            assert file.seek(-3, os.SEEK_CUR) == 1297
            assert file.tell() == 1297
            assert file.read() == content[1297:]


@given(
    names=st.lists(
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1),
        max_size=5,
        unique=True,
    ),
    comment=st.binary(max_size=200),
    prefix=st.binary(max_size=50),
    zip64=st.booleans(),
)
def test_members_are_those_of_the_standard_library(
    tmp_path_factory: pytest.TempPathFactory,
    names: list[str],
    comment: bytes,
    prefix: bytes,
    zip64: bool,
) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, name in enumerate(names):
            info = zipfile.ZipInfo(name)
            with archive.open(info, "w", force_zip64=zip64) as member:
                member.write(f"{number}".encode() * 50)
        archive.comment = comment.replace(b"PK", b"")
    path = tmp_path_factory.mktemp("zip") / "a.zip"
    path.write_bytes(prefix.replace(b"PK", b"") + file.getvalue())
    with zipfile.ZipFile(path) as archive:
        expected = [archive.read(i) for i in archive.infolist() if not i.filename.endswith("/")]
    found = []
    for each in read_directory(path).members:
        with each.open() as opened:
            found.append(opened.read())
    assert found == expected


def test_encrypted_and_foreign_compression_are_named(save_slice: Save, tmp_path: Path) -> None:
    folder = series(save_slice, 1)
    path = zipped(folder, tmp_path / "study.zip")
    data = bytearray(path.read_bytes())
    entry = data.index(b"PK\1\2")
    data[entry + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"study\.zip/0000\.dcm: it is encrypted"):
        open_images(path)
    images = open_images([path, folder])
    assert [(i.severity, i.code) for i in images.issues] == [("warning", "unreadable")]
    zipped(folder, path, zipfile.ZIP_LZMA)
    with pytest.raises(InputError, match=r"its compression \(zip method 14\) is not supported"):
        open_images(path)


def test_of_very_many_unreadable_members_the_first_are_named(tmp_path: Path) -> None:
    path = tmp_path / "study.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as archive:
        for number in range(500):
            archive.writestr(f"{number}", b"x")
    with pytest.raises(InputError, match=r"no DICOM images \(21 unusable, first study\.zip/0: "):
        open_images(path)


def test_zip_files_within_others_are_passed_over(save_slice: Save, tmp_path: Path) -> None:
    folder = series(save_slice, 2)
    inner = zipped(folder, tmp_path / "inner.zip")
    (tmp_path / "outer").mkdir()
    inner.rename(tmp_path / "outer" / "inner.zip")
    (tmp_path / "outer" / "1.dcm").write_bytes((folder / "0000.dcm").read_bytes())
    for source in (tmp_path / "outer", zipped(tmp_path / "outer", tmp_path / "outer.zip")):
        images = open_images(source)
        assert len(images) == 1
        (issue,) = images.issues
        assert (issue.severity, issue.code) == ("information", "archive")
        assert issue.path.endswith("inner.zip")


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-30],
        lambda data: data[: len(data) // 2],
        lambda data: b"PK\3\4",
        lambda data: b"PK\5\6" + bytes(5),
        lambda data: data[:-22] + b"PK\5\6" + b"\xff" * 18,
        lambda data: data.replace(b"PK\1\2", b"PK\1\7"),
        lambda data: data[: -22 + 16] + struct.pack("<L", 10**6) + data[-22 + 20 :],
    ],
)
def test_damaged_zip_files_are_named(
    save_slice: Save, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    folder = series(save_slice, 3)
    path = zipped(folder, tmp_path / "bad.zip")
    path.write_bytes(damage(path.read_bytes()))
    images = open_images([path, folder])
    assert len(images) == 3
    assert [(i.severity, i.code, i.path) for i in images.issues] == [
        ("error", "unreadable", "bad.zip")
    ]
    with pytest.raises(InputError, match=r"bad\.zip: the zip file "):
        open_images(path)


def test_a_member_that_is_not_what_it_says(save_slice: Save, tmp_path: Path) -> None:
    folder = series(save_slice, 1)
    path = zipped(folder, tmp_path / "bad.zip")
    data = bytearray(path.read_bytes())
    entry = data.index(b"PK\1\2")
    data[entry + 16] ^= 1  # checksum
    path.write_bytes(data)
    with pytest.raises((DicomError, InputError), match=r"Bad CRC-32 for file .bad\.zip/0000\.dcm"):
        _ = open_images(path).frames[0].stored


def test_bombs(save_slice: Save, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = save_slice("1.dcm").read_bytes()
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.dcm", data + bytes(10**6))
    monkeypatch.setattr(members, "_MAX_INFLATED", 10**5)
    with pytest.raises(DicomError, match=r"1000\d+ bytes are too many"):
        _ = open_images(path).frames[0].stored
    monkeypatch.setattr(archives, "_MAX_MEMBERS", 0)
    with pytest.raises(InputError, match="more than 0 members"):
        open_images(path)


def test_members_that_overlap_are_refused(tmp_path: Path) -> None:
    """A few kilobytes whose many members share one block of data."""
    packed = zlib.compress(bytes(10**6), 9)[2:-4]
    local = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 8, 0, 0, 0, len(packed), 10**6, 1, 0)
    entry = struct.pack(
        "<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, 8, 0, 0, 0, len(packed), 10**6, 1, 0, 0, 0, 0, 0, 0
    )
    body, listed = local + b"a" + packed, (entry + b"a") * 1000
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1000, 1000, len(listed), len(body), 0)
    path = tmp_path / "overlap.zip"
    path.write_bytes(body + listed + end)
    with pytest.raises(InputError, match="its members overlap"):
        open_images(path)


# --- file-sets -----------------------------------------------------------------------------------


@pytest.fixture
def file_set(save_slice: Save, tmp_path: Path) -> Path:
    """A DICOMDIR with three slices, made by pydicom."""
    made = PydicomFileSet()
    folder = series(
        save_slice, 3, StudyDate="20200101", StudyTime="1200", StudyID="1", SeriesNumber=1,
        InstanceNumber=1, PatientID="P", PatientName="P", AccessionNumber="1",
    )  # fmt: skip
    for path in sorted(folder.iterdir()):
        dataset = dcmread(path)
        dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        made.add(dataset)
    made.write(tmp_path / "medium")
    made._stage["t"].cleanup()
    return tmp_path / "medium" / "DICOMDIR"


def test_a_dicomdir_leads_to_its_files(file_set: Path) -> None:
    stray = file_set.parent / "stray.dcm"
    stray.write_bytes(b"no image")
    images = open_images(file_set)
    assert looks(images) == looks(open_images(file_set.parent))
    assert [int(frame.stored[0, 0]) for frame in images.frames] == [0, 1, 2]
    assert images.issues == ()
    moved = file_set.rename(file_set.parent / "other name")
    assert len(open_images(moved)) == 3
    assert len(open_images([moved, file_set.parent])) == 3  # each file once


def test_names_whose_case_was_changed(file_set: Path) -> None:
    for path in sorted(file_set.parent.rglob("*"), reverse=True):
        if path != file_set:
            ending = ";1" if path.is_file() else ""
            path.rename(path.with_name(path.name.lower() + ending))
    assert len(open_images(file_set)) == 3


def test_missing_files_are_named(file_set: Path) -> None:
    paths = sorted(path for path in file_set.parent.rglob("*") if path.is_file())
    gone = next(path for path in paths if path != file_set and b"1.2.3.1.2\0" in path.read_bytes())
    gone.unlink()
    images = open_images(file_set)
    (issue,) = images.issues
    assert (issue.severity, issue.code) == ("warning", "missing-file")
    assert issue.path == gone.relative_to(file_set.parent).as_posix()


def rewritten(path: Path, change: Callable[[Dataset], None]) -> Path:
    """Change every record of a DICOMDIR that names a file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some File IDs are wrong on purpose
        dataset = dcmread(path)
        for record in dataset.DirectoryRecordSequence:
            if "ReferencedFileID" in record:
                change(record)
        dataset.save_as(path)
    return path


@pytest.mark.parametrize(
    "parts", [["..", "secret"], ["PT", "..", "..", "secret"], ["/", "x"], ["a/../../secret"]]
)
def test_file_ids_do_not_lead_out_of_the_folder(
    file_set: Path, save_slice: Save, parts: list[str]
) -> None:
    save_slice("../secret", SOPInstanceUID="6.6.6")

    def escape(record: Dataset) -> None:
        if record.ReferencedSOPInstanceUIDInFile == "1.2.3.1.1":
            record.ReferencedFileID = parts

    images = open_images(rewritten(file_set, escape))
    assert [frame.instance for frame in images.frames] == ["1.2.3.1.2", "1.2.3.1.3"]
    (issue,) = images.issues
    assert issue.code == "missing-file"
    assert "leads out of the folder" in issue.message


@pytest.mark.skipif(os.name == "nt", reason="needs links")
def test_links_do_not_lead_out_of_the_folder(file_set: Path, save_slice: Save) -> None:
    (file_set.parent / "LINK").symlink_to(save_slice("x.dcm", SOPInstanceUID="6.6.6").parent)

    def escape(record: Dataset) -> None:
        record.ReferencedFileID = ["LINK", "x.dcm"]

    with pytest.raises(InputError, match="no DICOM images"):
        open_images(rewritten(file_set, escape))


def test_records_no_longer_in_use_are_passed_over(file_set: Path) -> None:
    def retire(record: Dataset) -> None:
        if record.ReferencedSOPInstanceUIDInFile == "1.2.3.1.1":
            record.RecordInUseFlag = 0

    assert len(open_images(rewritten(file_set, retire))) == 2


def test_damaged_and_huge_dicomdirs(file_set: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = file_set.read_bytes()
    file_set.write_bytes(good[:-400])
    images = open_images(file_set)
    assert len(images) in (1, 2)
    assert "its records may be incomplete" in images.issues[0].message
    file_set.write_bytes(good[:400])
    with pytest.raises(InputError, match="no DICOM images"):
        open_images(file_set)
    file_set.write_bytes(good)
    monkeypatch.setattr(filesets, "_MAX_RECORDS", 2)
    with pytest.raises(InputError, match="DICOMDIR: it has more than 2 records"):
        open_images(file_set)
    monkeypatch.setattr(filesets, "_MAX_BYTES", 100)
    with pytest.raises(InputError, match="too many for a DICOMDIR"):
        open_images(file_set)


@pytest.mark.parametrize("name", ["DICOMDIR", "DICOMDIR-bigEnd", "DICOMDIR-implicit"])
def test_real_dicomdirs_in_every_encoding(wheel: Wheel, name: str) -> None:
    path = wheel("DICOMDIR").with_name(name)
    if not path.exists():
        pytest.skip(f"pydicom comes without {name}")
    expected = {
        str(path.parent.joinpath(*record.ReferencedFileID))
        for record in dcmread(path).DirectoryRecordSequence
        if "ReferencedFileID" in record
    }
    files = filesets.read_dicomdir(path)
    assert {str(file) for file in files.paths} | {
        str(path.parent / name) for name, _ in files.missing
    } == expected


# --- index ---------------------------------------------------------------------------------------


def files_of(kept: Path) -> dict[str, Any]:
    """What an index file says about files."""
    found: dict[str, Any] = orjson.loads(kept.read_bytes().partition(b"\n")[2])
    return found


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of files whose first bytes are read."""
    found: list[str] = []
    original = headers.read_head

    def counted(place: Any) -> headers.Head:
        found.append(Path(getattr(place, "name", str(place))).name)
        return original(place)

    monkeypatch.setattr("imageregion.dicom.reading.read_head", counted)
    return found


def aged(folder: Path) -> Path:
    """Make files look as if they had been there for a while."""
    for path in folder.rglob("*"):
        then = path.stat().st_mtime_ns - 10 * SECOND
        os.utime(path, ns=(then, then))
    return folder


def test_an_index_saves_reading(save_slice: Save, tmp_path: Path, reads: list[str]) -> None:
    folder = series(save_slice, 4)
    (folder / "notes.txt").write_text("hello")
    aged(folder)
    kept = tmp_path / "study.index"
    expected = looks(open_images(folder))
    reads.clear()
    assert looks(open_images(folder, index=kept)) == expected
    assert len(reads) == 5
    reads.clear()
    assert looks(open_images(folder, index=str(kept))) == expected
    assert reads == []


def test_changes_are_noticed(save_slice: Save, tmp_path: Path, reads: list[str]) -> None:
    folder = aged(series(save_slice, 4))
    kept = tmp_path / "study.index"
    open_images(folder, index=kept)
    reads.clear()
    (folder / "0003.dcm").unlink()
    path = folder / "0001.dcm"
    before = path.stat()
    changed = path.read_bytes().replace(b"MONOCHROME2", b"MONOCHROME1")
    path.write_bytes(changed)
    os.utime(path, ns=(before.st_mtime_ns + 1, before.st_mtime_ns + 1))  # size as it was
    save_slice("0009.dcm", SOPInstanceUID="1.2.3.1.99", ImagePositionPatient=[-10, 20, 77])
    os.utime(folder / "0009.dcm", ns=(before.st_mtime_ns, before.st_mtime_ns))
    images = open_images(folder, index=kept)
    assert reads == ["0001.dcm", "0009.dcm"]
    assert [frame.inverted for frame in images.frames] == [False, True, False, False]
    reads.clear()
    assert looks(open_images(folder, index=kept)) == looks(images)
    assert reads == []
    assert sorted(Path(key).name for key in files_of(kept)) == [
        "0000.dcm", "0001.dcm", "0002.dcm", "0009.dcm",
    ]  # fmt: skip


def test_young_files_are_not_trusted_to_their_time(
    save_slice: Save, tmp_path: Path, reads: list[str]
) -> None:
    folder = series(save_slice, 2)
    open_images(folder, index=tmp_path / "i")
    reads.clear()
    open_images(folder, index=tmp_path / "i")
    assert len(reads) == 2


def test_an_index_within_the_folder_is_no_image(save_slice: Save, reads: list[str]) -> None:
    folder = aged(series(save_slice, 2))
    kept = folder / "index"
    open_images(folder, index=kept)
    written = kept.stat().st_mtime_ns
    reads.clear()
    assert len(open_images(folder, index=kept)) == 2
    assert reads == []
    assert kept.stat().st_mtime_ns == written  # nothing changed, nothing is written
    assert sorted(path.name for path in folder.iterdir()) == ["0000.dcm", "0001.dcm", "index"]


def test_an_index_of_a_zip_file(save_slice: Save, tmp_path: Path, reads: list[str]) -> None:
    path = zipped(series(save_slice, 3), tmp_path / "study.zip")
    then = time.time_ns() - 10 * SECOND
    os.utime(path, ns=(then, then))
    expected = looks(open_images(path, index=tmp_path / "i"))
    reads.clear()
    assert looks(open_images(path, index=tmp_path / "i")) == expected
    assert reads == []


@pytest.mark.parametrize(
    "content",
    [b"", b"imageregion index ", b"imageregion index 0 a b\n{}", index.encoded(3)],
)
def test_index_files_that_are_of_no_use_are_named_and_written_anew(
    save_slice: Save, tmp_path: Path, content: bytes
) -> None:
    folder = aged(series(save_slice, 2))
    kept = tmp_path / "i"
    kept.write_bytes(content)
    images = open_images(folder, index=kept)
    assert (len(images), codes(images)) == (2, ["index-ignored"])
    images = open_images(folder, index=kept)
    assert (len(images), codes(images)) == (2, [])


@pytest.mark.parametrize("content", [b"{", b"\x80\x04pickle", b"my thesis", b"[" * 100_000])
def test_nothing_but_an_index_is_ever_written_over(
    save_slice: Save, tmp_path: Path, content: bytes
) -> None:
    folder = aged(series(save_slice, 2))
    other = tmp_path / "thesis.txt"
    other.write_bytes(content)
    with pytest.raises(InputError, match="this file is no index"):
        open_images(folder, index=other)
    assert other.read_bytes() == content
    image = next(folder.iterdir())
    before = image.read_bytes()
    with pytest.raises(InputError, match="this file is no index"):
        open_images(folder, index=image)
    assert image.read_bytes() == before
    with pytest.raises(InputError, match="it is something else"):
        open_images(folder, index=tmp_path)


def test_records_are_not_trusted(save_slice: Save, tmp_path: Path) -> None:
    folder = aged(series(save_slice, 1))
    kept = tmp_path / "i"
    expected = looks(open_images(folder, index=kept))
    ((key, (size, modified, record)),) = files_of(kept).items()
    spoiled: list[Any] = [3, "x", [], [1], record[:-1], [*record, 1]]
    for place in range(len(record)):
        value: Any
        for value in (None, -1, 10**15, "", "AAAA", "\u00e9", [], {}, record[-1][:-8], True):
            spoiled.append([*record[:place], value, *record[place + 1 :]])
    for bad in spoiled:
        kept.write_bytes(index.encoded({key: [size, modified, bad]}))
        try:
            found = looks(open_images(folder, index=kept))
        except InputError:  # there is no UID, or there are no pixels: so the record says
            assert isinstance(bad, list)
            assert len(bad) == len(record)
            continue
        assert len(found) == 1
        if not isinstance(bad, list) or len(bad) != len(record):
            assert found == expected
    kept.write_bytes(index.encoded({key: 3, "x": [1, 2, 3], "y": {}}))
    assert looks(open_images(folder, index=kept)) == expected


def test_every_flipped_bit_of_an_index_is_noticed(save_slice: Save, tmp_path: Path) -> None:
    folder = aged(series(save_slice, 1))
    kept = tmp_path / "i"
    expected = looks(open_images(folder, index=kept))
    content = kept.read_bytes()
    for place in range(0, len(content), 7):
        spoiled = bytearray(content)
        spoiled[place] ^= 1 << place % 8
        kept.write_bytes(spoiled)
        if place < len(b"imageregion index "):  # it might be anything now
            with pytest.raises(InputError):
                open_images(folder, index=kept)
            continue
        images = open_images(folder, index=kept)
        assert looks(images) == expected
        assert codes(images) in (["index-ignored"], [])


def test_an_index_that_cannot_be_written(save_slice: Save, tmp_path: Path) -> None:
    folder = aged(series(save_slice, 1))
    images = open_images(folder, index=tmp_path / "nowhere" / "i")
    assert codes(images) == ["index-not-written"]


def test_other_elements_wanted_than_before(
    save_slice: Save, tmp_path: Path, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = aged(series(save_slice, 1))
    open_images(folder, index=tmp_path / "i")
    monkeypatch.setattr(index, "WANTED", {**WANTED, 0x00100010: WANTED[0x00080016]})
    reads.clear()
    open_images(folder, index=tmp_path / "i")
    assert reads == ["0000.dcm"]


# --- how little is read --------------------------------------------------------------------------


def test_a_region_on_one_slice_decodes_one_slice(
    save_slice: Save, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = open_images(series(save_slice, 1000))
    decoded: list[Any] = []
    original = decoding.decode_frame

    def counted(*args: Any, **options: Any) -> Any:
        decoded.append(args)
        return original(*args, **options)

    monkeypatch.setattr(pixels, "decode_frame", counted)
    selection = {
        "resourceType": "ImagingSelection",
        "status": "available",
        "code": {"text": "test"},
        "studyUid": "1.2.3",
        "seriesUid": "1.2.3.1",
        "frameOfReferenceUid": "1.2.3.9",
        "instance": [
            {
                "uid": "1.2.3.1.501",
                "imageRegion2D": [
                    {"regionType": "polyline", "coordinate": [1, 1, 5, 1, 5, 3, 1, 3, 1, 1]}
                ],
            }
        ],
    }
    report = measure(selection, images)
    assert not report.issues
    assert report.results[0].get("mean") == 500 * 2 - 1000
    assert len(decoded) == 1
    corner = [-10.25, 19.0, 1200.0]  # the same slice, found in the patient
    ring = [corner, [corner[0] + 2, 19.0, 1200.0], [corner[0] + 2, 25.0, 1200.0], corner]
    coordinate = [value for point in ring for value in point]
    selection["instance"] = [
        {
            "uid": "1.2.3.1.401",
            "imageRegion3D": [{"regionType": "polygon", "coordinate": coordinate}],
        }
    ]
    decoded.clear()
    report = measure(selection, images)
    assert not report.issues
    assert report.results[0].get("mean") == 400 * 2 - 1000
    assert len(decoded) == 1


def test_memory_of_waiting_heads_is_bounded(
    save_slice: Save, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threads fetch only a little ahead of what is read."""
    folder = series(save_slice, 400)
    lock, ahead, most = threading.Lock(), 0, 0
    original, understand = headers.read_head, headers.read_header

    def fetched(place: Any) -> headers.Head:
        nonlocal ahead, most
        with lock:
            ahead += 1
            most = max(most, ahead)
        return original(place)

    def read(*args: Any) -> Any:
        nonlocal ahead
        with lock:
            ahead -= 1
        return understand(*args)

    monkeypatch.setattr("imageregion.dicom.reading.read_head", fetched)
    monkeypatch.setattr("imageregion.dicom.reading.read_header", read)
    open_images(folder, threads=2)
    assert most <= (2 * 2 + 1) * 8  # groups of eight, two for each thread and the one being read


def test_scanning_finds_what_pydicom_finds(save_slice: Save, make_slice: Make) -> None:
    """Elements of known and unknown length, nested, in both encodings."""
    item = Dataset()
    item.RealWorldValueSlope = 2.0
    code = Dataset()
    code.CodeValue = "[hnsf'U]"
    item.MeasurementUnitsCodeSequence = [code]
    for implicit in (False, True):
        for undefined in (False, True):
            dataset = make_slice(PatientName="x", RealWorldValueMappingSequence=[item, item])
            if implicit:
                dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
            dataset["RealWorldValueMappingSequence"].is_undefined_length = undefined
            for inner in dataset.RealWorldValueMappingSequence:
                inner.is_undefined_length_sequence_item = undefined
            file = io.BytesIO()
            dataset.save_as(file, implicit_vr=implicit, enforce_file_format=True)
            found = scan_file(file.getvalue(), WANTED)
            assert found is not None
            assert found.at_pixels
            assert file.getvalue()[found.stop :][:4] == b"\xe0\x7f\x10\x00"
            assert "PatientName" not in found.dataset
            expected = dcmread(io.BytesIO(file.getvalue()), stop_before_pixels=True)
            assert found.dataset.RealWorldValueMappingSequence == (
                expected.RealWorldValueMappingSequence
            )
            again = scan_elements(found.elements, 0, WANTED, implicit=implicit)
            assert again is not None
            assert again.dataset == found.dataset
            for length in range(132, found.stop + 8):
                scan_file(file.getvalue()[:length], WANTED)


@given(data=st.binary(max_size=300), implicit=st.booleans())
def test_scanning_takes_anything(data: bytes, implicit: bool) -> None:
    scan_elements(data, 0, WANTED, implicit=implicit)


def test_deep_and_wide_sequences_are_left_to_the_careful_reader() -> None:
    head = struct.pack("<HH2s2xL", 0x0040, 0x9096, b"SQ", 0xFFFFFFFF)
    item = struct.pack("<HHL", 0xFFFE, 0xE000, 0xFFFFFFFF)
    assert scan_elements((head + item) * 5000, 0, WANTED, implicit=False) is None
    empty = struct.pack("<HHL", 0xFFFE, 0xE000, 0)
    end = struct.pack("<HHL", 0xFFFE, 0xE0DD, 0)
    assert scan_elements(head + empty * 100 + end, 0, WANTED, implicit=False) is not None
    assert scan_elements(head + empty * 9000 + end, 0, WANTED, implicit=False) is None


def test_targets_of_members(save_slice: Save, tmp_path: Path) -> None:
    images = open_images(zipped(series(save_slice, 2), tmp_path / "a.zip"))
    assert images.frame(Target(instance="1.2.3.1.2")).stored[0, 0] == 1
    assert generate_uid() not in images.others
