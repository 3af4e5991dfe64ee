"""The command line as a user meets it: tables, JSON, files, exit status, never a traceback."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pydicom
import pytest
from PIL import Image
from pydicom.data import get_testdata_file

from imageregion.demo import demo_image, demo_selection

COMMAND = [sys.executable, "-W", "error", "-m", "imageregion"]


def run(*arguments: object, status: int, cwd: Path | None = None) -> tuple[str, str]:
    """Run the command in a process of its own; a traceback is always a failure."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        check=False,
        timeout=300,
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    return done.stdout, done.stderr


@pytest.fixture
def selection(tmp_path: Path) -> Path:
    path = tmp_path / "selection.json"
    path.write_bytes(demo_selection())
    return path


@pytest.fixture
def ct() -> Path:
    return demo_image()


def changed(path: Path, **fields: Any) -> Path:
    document = json.loads(path.read_bytes()) | fields
    path.write_text(json.dumps(document))
    return path


def test_demo_prints_a_table_and_writes_what_it_says(tmp_path: Path) -> None:
    out, err = run("demo", status=0, cwd=tmp_path)
    for name in ("vertebral-body", "interpolated", "circle", "ellipsoid", "mm²", "mm³", "[hnsf'U]"):
        assert name in out
    folder = tmp_path / "imageregion-demo"
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "measurements.json",
        "measurements.csv",
        "observations.json",
        "overlay.png",
    }
    assert all(name in err for name in names)
    types = {
        m["type"] for m in json.loads((folder / "measurements.json").read_text())["measurements"]
    }
    assert types == {
        *("point", "polyline", "interpolated", "circle", "ellipse"),
        *("multipoint", "polygon", "ellipsoid"),
    }
    with Image.open(folder / "overlay.png") as picture:
        assert min(picture.size) >= 512
    bundle = json.loads((folder / "observations.json").read_text())
    assert len(bundle["entry"]) == 1 + 11


def test_measure_prints_only_json_on_stdout(selection: Path, ct: Path, tmp_path: Path) -> None:
    out, _ = run("measure", selection, "--images", ct, "--format", "json", "--combine", status=0)
    record = json.loads(out)
    assert len(record["measurements"]) == 11
    assert record["combined"]["type"] == "combined"
    out, _ = run("measure", selection, "-i", ct.parent / "CT_small.dcm", "-f", "csv", status=0)
    assert len(out.splitlines()) == 12
    out, err = run("measure", selection, "-i", ct, "-o", tmp_path / "a" / "b", status=0)
    assert "vertebral-body" in out
    assert (tmp_path / "a" / "b" / "overlay.png").exists()
    assert "overlay.png" in err


def test_several_selections_give_an_array_and_a_folder_each(
    selection: Path, ct: Path, tmp_path: Path
) -> None:
    document = json.loads(selection.read_bytes())
    bundle = tmp_path / "bundle.json"
    entries = [{"resource": document}, {"resource": document | {"id": "second"}}]
    bundle.write_text(
        json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries})
    )
    out, _ = run("measure", bundle, "-i", ct, "-f", "json", "-o", tmp_path / "out", status=0)
    assert [record["selection"] for record in json.loads(out)] == ["every-region-type", "second"]
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "001-every-region-type",
        "002-second",
    ]


def test_a_region_on_an_absent_image_is_named_and_the_rest_measured(
    selection: Path, ct: Path
) -> None:
    document = json.loads(selection.read_bytes())
    point = [{"regionType": "point", "coordinate": [1, 1]}]
    document["instance"].append({"uid": "1.2.3.4.5", "imageRegion2D": point})
    selection.write_text(json.dumps(document))
    out, err = run("measure", selection, "--images", ct, "-f", "json", status=1)
    assert "1.2.3.4.5" in err
    measured = [m for m in json.loads(out)["measurements"] if m["count"] is not None]
    assert len(measured) == 11


def test_check_exits_1_on_errors_and_0_without(selection: Path, ct: Path) -> None:
    run("check", selection, "--images", ct, status=0)
    document = json.loads(selection.read_bytes())
    document["instance"][0]["imageRegion2D"][0]["regionType"] = "banana"
    selection.write_text(json.dumps(document))
    out, _ = run("check", selection, status=1)
    assert "imageRegion2D[0]" in out
    assert "banana" in out
    out, _ = run("check", selection, "--format", "json", status=1)
    assert any("banana" in issue["details"]["text"] for issue in json.loads(out)["issue"])


def test_render_writes_a_picture(selection: Path, ct: Path, tmp_path: Path) -> None:
    run("render", selection, "--images", ct, "--out", tmp_path / "p.png", status=0)
    with Image.open(tmp_path / "p.png") as picture:
        assert picture.mode == "RGB"


def test_one_unusable_file_never_stops_the_others(
    selection: Path, ct: Path, tmp_path: Path
) -> None:
    (tmp_path / "patient.json").write_text('{"resourceType": "Patient"}')
    out, err = run(
        "measure", selection, tmp_path / "patient.json", "-i", ct, "-f", "json", status=1
    )
    assert len(json.loads(out)["measurements"]) == 11
    assert "patient.json" in err


def test_entered_in_error_needs_insisting(selection: Path, ct: Path) -> None:
    changed(selection, status="entered-in-error")
    _, err = run("measure", selection, "-i", ct, status=2)
    assert "entered in error" in err
    run("measure", selection, "-i", ct, "--entered-in-error", status=0)


def test_close_measures_outlines_as_areas(selection: Path, ct: Path) -> None:
    document = json.loads(selection.read_bytes())
    outline = {"regionType": "polyline", "coordinate": [50, 20, 70, 20, 70, 35, 50, 35]}
    document["instance"][0]["imageRegion2D"] = [outline]
    selection.write_text(json.dumps(document))
    out, _ = run("measure", selection, "-i", ct, "-f", "json", status=0)
    first = json.loads(out)["measurements"][0]
    assert (first["area_mm2"], "unclosed" in first["flags"]) == (None, True)
    out, _ = run("measure", selection, "-i", ct, "-f", "json", "--close", status=0)
    assert json.loads(out)["measurements"][0]["count"] == 300


def test_help_shows_the_commands_with_examples() -> None:
    out, _ = run("--help", status=0)
    assert all(name in out for name in ("demo", "measure", "check", "render"))
    for name in ("measure", "check", "render", "demo"):
        out, _ = run(name, "--help", status=0)
        assert f"imageregion {name}" in out
        assert "Example" in out
    out, _ = run("--version", status=0)
    assert out.startswith("imageregion ")


BROKEN = {
    "broken.json": b'{"resourceType": "ImagingSelection", ',
    "empty.json": b"",
    "patient.json": b'{"resourceType": "Patient"}',
    "nan.json": b'{"resourceType": "ImagingSelection", "status": NaN}',
    "list.json": b"[1, 2, 3]",
    "binary.json": bytes(range(256)),
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("verb", ["measure", "check", "render"])
def test_unusable_selections(name: str, verb: str, tmp_path: Path, ct: Path) -> None:
    path = tmp_path / name
    path.write_bytes(BROKEN[name])
    out, err = run(
        *(verb, path, "--images", ct),
        *(["--out", tmp_path / "x.png"] if verb == "render" else []),
        status=1 if (verb, name) == ("check", "list.json") else 2,
    )
    assert name in (out + err) or "Patient" in (out + err)


def test_unusable_images(selection: Path, tmp_path: Path, ct: Path) -> None:
    empty = tmp_path / "study"
    empty.mkdir()
    _, err = run("measure", selection, "--images", empty, status=2)
    assert "no DICOM" in err
    _, err = run("measure", selection, "--images", tmp_path / "absent", status=2)
    assert "absent" in err
    _, err = run("measure", tmp_path / "absent.json", "--images", ct, status=2)
    assert "absent.json" in err
    (empty / "truncated.dcm").write_bytes(ct.read_bytes()[:20_000])
    _, err = run("measure", selection, "--images", empty, status=1)
    assert "1.3.6.1.4.1.5962.1.1.1.1.1.20040119072730.12322: the pixel data is truncated" in err
    (empty / "truncated.dcm").write_bytes(ct.read_bytes()[:900])
    _, err = run("measure", selection, "--images", empty, status=2)
    assert "truncated.dcm" in err


def test_unwritable_output(selection: Path, ct: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    _, err = run("measure", selection, "-i", ct, "--out", tmp_path / "file", status=2)
    assert "error" in err


def test_ten_million_coordinates(selection: Path, ct: Path) -> None:
    document = json.loads(selection.read_bytes())
    document["instance"][0]["imageRegion2D"][1]["coordinate"] = "HERE"
    text = json.dumps(document).replace('"HERE"', "[" + "1.5," * 9_999_999 + "1.5]")
    selection.write_text(text)
    out, err = run("measure", selection, "-i", ct, "-f", "json", status=2)
    assert not out
    assert "the most that is read" in err


def test_wrong_usage_is_explained(selection: Path, ct: Path) -> None:
    run("measure", selection, status=2)
    run("measure", selection, "-i", ct, "--rule", "fuzzy", status=2)
    run("nonsense", status=2)


def selection_on(path: Path, image: str, region: dict[str, Any]) -> Path:
    """Write a selection with one 2-D region on an image."""
    uid = pydicom.dcmread(image, stop_before_pixels=True).SOPInstanceUID
    document = {
        "resourceType": "ImagingSelection",
        "status": "available",
        "code": {"text": "x"},
        "instance": [{"uid": uid, "imageRegion2D": [region]}],
    }
    path.write_text(json.dumps(document))
    return path


def test_a_colour_image_has_statistics_per_channel(tmp_path: Path) -> None:
    colour = str(get_testdata_file("SC_rgb_small_odd.dcm", download=False))
    path = selection_on(tmp_path / "s.json", colour, {"regionType": "point", "coordinate": [1, 1]})
    out, _ = run("measure", path, "-i", colour, "-f", "json", status=0)
    record = json.loads(out)["measurements"][0]
    assert (record["count"], record["mean"]) == (1, None)
    pixel = pydicom.dcmread(colour).pixel_array[1, 1]
    assert [record[f"mean_{name}"] for name in record["channels"]] == pixel.tolist()
    table, _ = run("measure", path, "-i", colour, status=0)
    assert f"R {pixel[0]}" in table


def test_palette_colours_are_refused_with_the_reason(tmp_path: Path) -> None:
    palette = str(get_testdata_file("examples_palette.dcm", download=False))
    path = selection_on(tmp_path / "s.json", palette, {"regionType": "point", "coordinate": [9, 9]})
    out, err = run("measure", path, "-i", palette, "-f", "json", status=1)
    assert "palette" in err
    assert json.loads(out)["measurements"][0]["count"] is None


def test_the_quantity_can_be_chosen_and_is_named(selection: Path, ct: Path) -> None:
    def means(*options: str, status: int = 0) -> tuple[list[Any], str]:
        out, err = run("measure", selection, "-i", ct, "-f", "json", *options, status=status)
        return json.loads(out)["measurements"], err

    usual, stored = means()[0][0], means("--value", "stored")[0][0]
    assert (usual["value"], usual["unit"]) == ("hu", "[hnsf'U]")
    assert (stored["value"], stored["unit"]) == ("stored", "1")
    assert stored["mean"] - usual["mean"] == pytest.approx(1024, abs=1e-9)  # the intercept
    assert means("--value", "HU")[0][0]["mean"] == usual["mean"]
    refused, err = means("--value", "suvbw", status=1)
    assert refused[0]["mean"] is None
    assert "suvbw" in err


def test_an_uncalibrated_projection_is_measured_in_pixels_unless_asked(tmp_path: Path) -> None:
    dataset = pydicom.dcmread(demo_image())
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.1.1"
    dataset.Modality = "DX"
    dataset.ImagerPixelSpacing = [0.2, 0.1]
    del dataset.PixelSpacing, dataset.DistanceSourceToDetector, dataset.DistanceSourceToPatient
    image = tmp_path / "dx.dcm"
    dataset.save_as(image)
    line = {"regionType": "polyline", "coordinate": [10, 10, 13, 12]}
    path = selection_on(tmp_path / "s.json", str(image), line)

    def record(*options: str) -> Any:
        out, _ = run("measure", path, "-i", image, "-f", "json", *options, status=0)
        return json.loads(out)["measurements"][0]

    usual, asked = record(), record("--uncalibrated")
    assert usual["length_mm"] is None
    assert usual["length_px"] == pytest.approx(5)  # 3 columns, 2 rows that are twice as far apart
    assert (usual["spacing"], "uncalibrated" in usual["flags"]) == ("detector", True)
    assert asked["length_mm"] == pytest.approx(0.5)
    assert "detector-spacing" in asked["flags"]


def test_regions_are_measured_on_another_series(tmp_path: Path, ct: Path) -> None:
    dataset = pydicom.dcmread(ct)
    dataset.SOPInstanceUID, dataset.SeriesInstanceUID = "1.2.3.4", "1.2.3"
    dataset.Modality = "MR"
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.4"
    study = tmp_path / "study"
    study.mkdir()
    dataset.save_as(study / "mr.dcm")
    (study / "ct.dcm").write_bytes(ct.read_bytes())
    disc = {"regionType": "circle", "coordinate": [60, 70, 66, 70]}
    path = selection_on(tmp_path / "s.json", str(ct), disc)
    out, _ = run("measure", path, "-i", study, "--on", "MR", "-f", "json", status=0)
    record = json.loads(out)["measurements"][0]
    here = json.loads(run("measure", path, "-i", study, "-f", "json", status=0)[0])
    assert (record["instance"], record["series"]) == ("1.2.3.4", "1.2.3")
    assert record["count"] == here["measurements"][0]["count"]
    _, err = run("measure", path, "-i", study, "--on", "PT", "-f", "json", status=2)
    assert "PT" in err


@pytest.mark.parametrize("closed", ["stdout", "stderr"])
def test_closed_streams_end_quietly(closed: str, selection: Path, ct: Path) -> None:
    redirect = ">&-" if closed == "stdout" else "2>&-"
    words = [*COMMAND, "measure", str(selection), "-i", str(ct)]
    done = subprocess.run(
        f"{shlex.join(words)} {redirect}", shell=True, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr
    assert done.returncode in (0, 141)


def test_interruption_while_loading_ends_quietly(selection: Path, ct: Path) -> None:
    words = [*COMMAND, "measure", str(selection), "-i", str(ct)]
    process = subprocess.Popen(words, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    time.sleep(1.2)  # Python itself has started, the libraries are loading
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert "Traceback" not in err
    assert process.returncode in (130, 0)  # 0 on a machine that was done by then
