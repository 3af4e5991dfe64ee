"""What open_images finds, ignores, and reports."""

from __future__ import annotations

import os
import random
import shutil
import socket
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import Dataset, dcmread

from imageregion.dicom import Images, open_images
from imageregion.errors import DicomError, ImageRegionError, InputError
from imageregion.region import Target

Make = Callable[..., Dataset]
Save = Callable[..., Path]
Wheel = Callable[[str], Path]


def codes(images: Images) -> list[str]:
    return [issue.code for issue in images.issues]


def test_sources_of_every_kind_give_the_same_image(save_slice: Save, make_slice: Make) -> None:
    path = save_slice("a/b/1.dcm")
    for source in (path.parent.parent, str(path.parent), path, [path], make_slice()):
        images = open_images(source)
        assert [frame.instance for frame in images.frames] == ["1.2.3.1.1"]
        assert len(images) == 1
        assert images.frames[0].pixels[1, 0] == -1000 + 2 * 6
    both = open_images([make_slice(), make_slice(SOPInstanceUID="1.2.3.1.2")])
    assert len(both) == 2


def test_a_file_met_twice_counts_once(save_slice: Save) -> None:
    path = save_slice("1.dcm")
    images = open_images([path, path.parent, str(path)])
    assert (len(images), images.issues) == (1, ())


def test_headers_are_read_and_pixels_left_alone(save_slice: Save) -> None:
    path = save_slice("1.dcm")
    images = open_images(path)
    path.unlink()
    assert images.frames[0].shape == (4, 6)
    with pytest.raises(DicomError, match=r"^1\.2\.3\.1\.1: the pixel data cannot be decoded"):
        _ = images.frames[0].stored


def test_what_is_not_dicom_is_ignored(save_slice: Save) -> None:
    folder = save_slice("1.dcm").parent
    (folder / "notes.txt").write_text("hello")
    (folder / "empty").touch()
    (folder / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(300))
    (folder / "looks-like-it").write_bytes(b"\x08\x00\x05\x00CS\x0a\x00ISO_IR 100" + b"x" * 90)
    (folder / "zeros").write_bytes(bytes(1000))
    (folder / "tiff").write_bytes(b"II*\0\x08\0\0\0" + bytes(100))
    images = open_images(folder)
    assert (len(images), images.issues) == (1, ())


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a system with pipes")
def test_pipes_sockets_and_broken_or_circular_links(
    save_slice: Save, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = save_slice("inner/1.dcm").parent
    os.mkfifo(folder / "pipe")
    (folder / "broken").symlink_to(tmp_path / "nowhere")
    (folder / "loop").symlink_to(folder.parent)
    (folder / "self").symlink_to(folder / "self")
    (folder / "again.dcm").symlink_to(folder / "1.dcm")
    with socket.socket(socket.AF_UNIX) as server:
        monkeypatch.chdir(folder)  # names of sockets are short
        server.bind("socket")
        images = open_images(folder.parent)
    assert (len(images), images.issues) == (1, ())
    with pytest.raises(InputError, match="neither a file nor a folder"):
        open_images(folder / "pipe")


def test_a_linked_folder_is_searched(save_slice: Save, tmp_path: Path) -> None:
    folder = save_slice("1.dcm").parent
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "study").symlink_to(folder)
    assert len(open_images(tmp_path / "links")) == 1


def test_files_without_preamble(make_slice: Make, tmp_path: Path) -> None:
    for index, implicit in enumerate((True, False)):
        dataset = make_slice(SOPInstanceUID=f"1.2.3.1.{index}")
        del dataset.file_meta
        path = tmp_path / f"{index}.img"
        dataset.save_as(path, implicit_vr=implicit, little_endian=True, enforce_file_format=False)
    images = open_images(tmp_path)
    assert [frame.stored[3, 5] for frame in images.frames] == [23, 23]


@pytest.mark.parametrize("threads", [1, 3])
def test_number_of_threads(save_slice: Save, threads: int) -> None:
    for number in range(70):
        save_slice(
            f"{number}.dcm", SOPInstanceUID=f"1.2.{number}", ImagePositionPatient=[0, 0, number]
        )
    images = open_images(save_slice("0.dcm", SOPInstanceUID="1.2.0").parent, threads=threads)
    assert len(images) == 70
    with pytest.raises(InputError, match="threads"):
        open_images([], threads=0)


def test_progress_bar_goes_to_stderr(save_slice: Save, capsys: pytest.CaptureFixture[str]) -> None:
    path = save_slice("1.dcm")
    open_images(path)
    assert capsys.readouterr() == ("", "")
    open_images(path, progress=True)
    assert capsys.readouterr().out == ""


def test_warnings_do_not_leak_and_filters_come_back(save_slice: Save) -> None:
    path = save_slice("1.dcm", PatientID="x" * 80, StudyInstanceUID="not a uid")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        before = list(warnings.filters)
        images = open_images([path])
        _ = images.frames[0].stored
        assert warnings.filters == before
    assert caught == []


# --- nothing to be had ---------------------------------------------------------------------------


def test_nothing_at_all(tmp_path: Path, wheel: Wheel) -> None:
    with pytest.raises(InputError, match=r"cannot open .*nowhere: No such file"):
        open_images(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"folder .*: no DICOM images, it is empty"):
        open_images(tmp_path)
    (tmp_path / "a.txt").write_text("hello")
    with pytest.raises(InputError, match=r"no DICOM images among 1 file \(1 not DICOM\)"):
        open_images(tmp_path)
    with pytest.raises(InputError, match=r"among 1 file \(1 RT Structure Set Storage\)"):
        open_images(wheel("rtstruct.dcm"))
    with pytest.raises(InputError, match=r"0 sources"):
        open_images([])
    with pytest.raises(InputError, match="null"):
        open_images("a\0b")


@pytest.mark.parametrize("source", [b"bytes", 3, None, [3], [None]])
def test_sources_of_unknown_kind(source: Any) -> None:
    with pytest.raises(InputError, match="expected a folder, file"):
        open_images(source)


def test_objects_that_are_not_images_are_remembered(save_slice: Save, wheel: Wheel) -> None:
    folder = save_slice("1.dcm").parent
    shutil.copy(wheel("DICOMDIR"), folder)  # within a folder it is one more object without frames
    images = open_images([folder, wheel("rtstruct.dcm"), wheel("test-SR.dcm")])
    assert (len(images), images.issues) == (1, ())
    for name, kind in (("rtstruct", "RT Structure Set Storage"), ("test-SR", "Comprehensive SR")):
        uid = str(dcmread(wheel(f"{name}.dcm"), force=True).SOPInstanceUID)
        with pytest.raises(DicomError, match=rf"^{uid}: is a {kind}.*, not an image"):
            images.find(Target(instance=uid))


# --- damage --------------------------------------------------------------------------------------


def test_truncated_files_are_named_and_the_rest_goes_on(save_slice: Save) -> None:
    good = save_slice("good.dcm")
    data = good.read_bytes()
    bad = save_slice("sub/bad.dcm", SOPInstanceUID="1.2.3.1.2")
    data = bad.read_bytes()
    images = None
    for length in (140, 300, len(data) - 48 - 12):
        bad.write_bytes(data[:length])
        images = open_images(good.parent)
        assert [frame.instance for frame in images.frames] == ["1.2.3.1.1"]
        assert [(i.severity, i.code, i.path) for i in images.issues] in (
            [("error", "unreadable", "sub/bad.dcm")],
            [],  # so short that it no longer says that it is an image
        )
    assert images is not None
    with pytest.raises(DicomError, match="ends before its pixel data"):
        images.find(Target(instance="1.2.3.1.2"))


def test_truncated_pixels_are_refused_when_asked_for(save_slice: Save, wheel: Wheel) -> None:
    path = save_slice("1.dcm")
    path.write_bytes(path.read_bytes()[:-10])
    images = open_images(path)
    assert codes(images) == ["no-pixels"]
    with pytest.raises(DicomError, match=r"truncated: .* need 48 bytes, there are 38"):
        _ = images.frames[0].stored
    for name in ("MR_small_RLE.dcm", "MR_small_jp2klossless.dcm"):
        path.write_bytes(wheel(name).read_bytes()[:-1500])
        with pytest.raises(DicomError, match=r"cannot be decoded|truncated"):
            _ = open_images(path).frames[0].stored


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"Rows": 65535, "Columns": 65535}, "truncated"),
        ({"NumberOfFrames": 10**9}, "more than"),
        ({"NumberOfFrames": 1000}, "truncated: its frames need 48000 bytes, there are 48"),
        ({"NumberOfFrames": -1}, "NumberOfFrames"),
        ({"Rows": 0}, "Rows"),
        ({"Rows": None}, "Rows"),
        ({"BitsStored": 13, "HighBit": 40}, "HighBit"),
    ],
)
def test_absurd_sizes(save_slice: Save, changes: dict[str, Any], expected: str) -> None:
    good = save_slice("good.dcm", SOPInstanceUID="1.2.3.1.2")
    save_slice("bad.dcm", **changes)
    images = open_images(good.parent)
    assert len(images) <= 2
    with pytest.raises(DicomError, match=expected):
        _ = images.frame(Target(instance="1.2.3.1.1")).stored


def test_flipped_bits_never_crash(wheel: Wheel, tmp_path: Path) -> None:
    rng = random.Random(7)
    path = tmp_path / "fuzz.dcm"
    for name in ("MR_small_RLE.dcm", "rtdose_1frame.dcm", "MR_small_implicit.dcm"):
        data = wheel(name).read_bytes()
        header = min(len(data), 1800)
        for _ in range(150):
            mutant = bytearray(data)
            for _ in range(rng.randint(1, 12)):
                mutant[rng.randrange(128, header)] ^= 1 << rng.randrange(8)
            if rng.random() < 0.2:
                del mutant[rng.randrange(128, len(mutant)) :]
            path.write_bytes(mutant)
            try:
                for frame in open_images(path).frames[:3]:
                    assert frame.pixels.shape == frame.shape
            except ImageRegionError:
                pass


# --- one UID, two objects ------------------------------------------------------------------------


def test_copies_are_kept_once(save_slice: Save) -> None:
    path = save_slice("a.dcm")
    save_slice("b.dcm")
    save_slice("c.dcm", WindowCenter=3, WindowWidth=7)  # another file, the same image
    images = open_images(path.parent)
    assert len(images) == 1
    assert [(issue.severity, issue.code) for issue in images.issues] == [
        ("information", "duplicate"),
        ("information", "duplicate"),
    ]
    assert "b.dcm is a copy of a.dcm" in images.issues[0].message


def test_the_same_image_in_two_encodings_is_a_copy(wheel: Wheel) -> None:
    images = open_images([wheel("MR_small.dcm"), wheel("MR_small_RLE.dcm")])
    assert (len(images), codes(images)) == (1, ["duplicate"])


@pytest.mark.parametrize(
    "changes",
    [
        {"cells": np.ones((4, 6), dtype=np.int16)},
        {"ImagePositionPatient": [0, 0, 0]},
        {"RescaleSlope": 3},
        {"SeriesInstanceUID": "1.2.3.2"},
    ],
)
def test_different_images_of_one_uid_are_left_out(
    save_slice: Save, changes: dict[str, Any]
) -> None:
    folder = save_slice("a.dcm").parent
    save_slice("b.dcm", **changes)
    save_slice("c.dcm", SOPInstanceUID="1.2.3.1.2")
    images = open_images(folder)
    assert [frame.instance for frame in images.frames] == ["1.2.3.1.2"]
    (issue,) = images.issues
    assert (issue.severity, issue.code, issue.path) == ("error", "duplicate-uid", "1.2.3.1.1")
    assert "a.dcm" in issue.message
    assert "b.dcm" in issue.message
    with pytest.raises(DicomError, match=r"a\.dcm and b[.]dcm have this SOP Instance UID"):
        images.find(Target(instance="1.2.3.1.1"))


def test_a_copy_that_cannot_be_compared_is_a_clash(wheel: Wheel) -> None:
    paths = [wheel("MR_small.dcm"), wheel("MR_small_jpeg_ls_lossless.dcm"), wheel("CT_small.dcm")]
    try:
        _ = open_images(paths[1]).frames[0].stored
    except DicomError:
        images = open_images(paths)
        assert (len(images), codes(images)) == (1, ["duplicate-uid"])
        assert "cannot be compared" in images.issues[0].message
    else:
        pytest.skip("a JPEG-LS decoder is installed")


def test_overlapping_threads_leave_the_warning_filters_alone(wheel: Wheel) -> None:
    before = list(warnings.filters)
    with ThreadPoolExecutor(4) as pool:
        frames = [open_images(wheel("MR_small_RLE.dcm")).frames[0] for _ in range(12)]
        list(pool.map(lambda frame: frame.stored, frames))
    assert list(warnings.filters) == before
