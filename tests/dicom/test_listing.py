"""The list of objects: a line for each, for people and for programs."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from imageregion.cli import app
from imageregion.listing import list_objects

Save = Callable[..., Path]
Wheel = Callable[[str], Path]


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["images", *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout


@pytest.fixture
def folder(save_slice: Save, wheel: Wheel) -> Path:
    place = save_slice("a.dcm").parent
    save_slice("b.dcm")
    save_slice("clash 1.dcm", SOPInstanceUID="1.2.9")
    save_slice("clash 2.dcm", SOPInstanceUID="1.2.9", RescaleSlope=7)
    save_slice("no place.dcm", SOPInstanceUID="1.2.8", PixelSpacing=None, Modality="OT")
    cut = save_slice("cut.dcm", SOPInstanceUID="1.2.7")
    cut.write_bytes(cut.read_bytes()[:-20])
    rgb = np.zeros((4, 6, 3), dtype=np.uint8)
    save_slice(
        "colour.dcm", rgb, SOPInstanceUID="1.2.6", Rows=4, Columns=6, SamplesPerPixel=3,
        PlanarConfiguration=0, PhotometricInterpretation="RGB", BitsAllocated=8, BitsStored=8,
        PixelRepresentation=0, RescaleSlope=None, RescaleIntercept=None,
    )  # fmt: skip
    shutil.copy(wheel("rtstruct.dcm"), place)
    (place / "notes.txt").write_text("hello")
    return place


def test_every_object_has_a_line(folder: Path) -> None:
    listing = list_objects(folder)
    lines = {line.file: line for line in listing.lines}
    assert listing.others == 1
    a = lines["a.dcm"]
    assert (a.sop_class, a.frames, a.size) == ("CT Image Storage", "1", "4 x 6")
    assert (a.geometry, a.spacing) == ("patient", "2 x 0.5 mm (patient)")
    assert (a.values, a.problem) == ("hu [hnsf'U]", "")
    assert lines["b.dcm"].problem == "is a copy of a.dcm"
    assert lines["clash 1.dcm"].problem.startswith("left out: clash 1.dcm and clash 2.dcm")
    assert lines["no place.dcm"].problem == "neither a plane nor a size of pixels is stated"
    assert "truncated" in lines["cut.dcm"].problem
    assert lines["cut.dcm"].values == ""
    assert lines["colour.dcm"].values.endswith(", red/green/blue")
    struct = lines["rtstruct.dcm"]
    assert struct.problem == "is a RT Structure Set Storage, not an image"
    assert struct.frames == struct.size == struct.geometry == struct.values == ""
    assert all(line.is_usable for line in listing.lines)


def test_formats_say_the_same(folder: Path) -> None:
    expected = list_objects(folder).records()
    status, text = run(folder, "--format", "json")
    assert (status, json.loads(text)) == (0, expected)
    status, text = run(folder, "-f", "csv")
    assert (status, list(csv.DictReader(io.StringIO(text)))) == (0, expected)
    status, text = run(folder)
    assert status == 0
    assert "a.dcm" in text
    assert "DICOM objects: 8, with frames: 7; files that are not DICOM: 1" in text


def test_exit_status(save_slice: Save, tmp_path: Path) -> None:
    path = save_slice("1.dcm")
    assert run(path)[0] == 0
    bad = save_slice("2.dcm", SOPInstanceUID="1.2.5", Rows=0)
    assert run(path.parent)[0] == 1
    assert run(bad)[0] == 1
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="no DICOM objects among 0 files"):
        run(tmp_path / "empty")
    with pytest.raises(ValueError, match="cannot open"):
        run(tmp_path / "nowhere")


def test_an_index_file_is_kept(save_slice: Save, tmp_path: Path) -> None:
    path = save_slice("1.dcm")
    assert run(path, "--index", tmp_path / "kept")[0] == 0


def test_missing_files_of_a_file_set_have_a_line(wheel: Wheel, tmp_path: Path) -> None:
    path = tmp_path / "DICOMDIR"
    shutil.copy(wheel("DICOMDIR"), path)
    listing = list_objects(path)
    assert listing.lines
    assert {line.problem.partition(";")[0] for line in listing.lines} == {"there is no such file"}
    assert not any(line.is_usable for line in listing.lines)
