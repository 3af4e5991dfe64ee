"""The commands link and audit, on the CT slice of the pydicom wheel with mistakes planted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import imageregion as ir
from imageregion.cli import app
from imageregion.demo import demo_image, demo_selection

CLEAN = 0
RUNNER = CliRunner()


def bundle(form: Any = "r5") -> dict[str, Any]:
    return ir.measure(demo_selection(), demo_image()).to_observations(form)


def component(resource: dict[str, Any], code: str) -> dict[str, Any]:
    found = [c for c in resource["component"] if c["code"]["coding"][0]["code"] == code]
    quantity: dict[str, Any] = found[0]["valueQuantity"]
    return quantity


def written(folder: Path, content: dict[str, Any]) -> str:
    path = folder / "bundle.json"
    path.write_text(json.dumps(content))
    return str(path)


def run(*arguments: str) -> tuple[int, str]:
    result = RUNNER.invoke(app, list(arguments))
    return result.exit_code, result.stdout


@pytest.mark.parametrize("form", ["r5", "dicom-sr", "r4b"])
def test_a_clean_bundle(form: Any, tmp_path: Path) -> None:
    path = written(tmp_path, bundle(form))
    code, text = run("audit", path, "--images", str(demo_image()))
    assert code == CLEAN and "182 matches" in text
    code, text = run("link", path)
    assert code == CLEAN and "dangling: 0" in text


def planted() -> dict[str, Any]:
    """The area of the circle is its perimeter, and the mean of the ellipse comes from elsewhere."""
    made = bundle()
    found = [e["resource"] for e in made["entry"] if e["resource"]["resourceType"] == "Observation"]
    areas = [r for r in found if any(c["code"]["text"] == "Perimeter" for c in r["component"])]
    component(areas[0], "42798000")["value"] = component(areas[0], "131191004")["value"]
    component(areas[1], "373098007")["value"] = 77.125031
    return made


def test_mistakes_are_printed_and_set_the_exit_status(tmp_path: Path) -> None:
    path, images = written(tmp_path, planted()), str(demo_image())
    code, text = run("audit", path, "--images", images)
    assert code == 1 and "1 explained" in text and "1 unexplained" in text
    assert "as if it were the perimeter" in " ".join(text.split())
    code, text = run("audit", path, "-i", images, "--format", "json")
    record = json.loads(text)
    assert code == 1 and record["counts"]["explained"] == 1
    wrong = [n for n in record["numbers"] if n["status"] != "matches"]
    assert [n["status"] for n in wrong] == ["explained", "unexplained"]
    assert wrong[0]["explanations"][0]["name"] == "quantity:perimeter"
    code, text = run("audit", path, "-i", images, "--format", "csv")
    assert code == 1 and len(text.splitlines()) == 1 + len(record["numbers"])
    assert len(run("audit", path, "-i", images, "--all")[1].splitlines()) > 182


def test_link_prints_what_dangles(tmp_path: Path) -> None:
    broken = bundle()
    broken["entry"] = broken["entry"][1:3]
    path = written(tmp_path, broken)
    code, text = run("link", path)
    assert code == 1 and "dangling: 2" in text and "is no resource of this document" in text
    code, text = run("link", path, "--format", "json")
    assert code == 1
    assert json.loads(text)["observations"][0]["issues"][0]["code"] == "unresolved"


@pytest.mark.parametrize("command", [["link"], ["audit", "--images", "CT"]])
def test_unusable_input_is_an_error_of_ours(command: list[str], tmp_path: Path) -> None:
    images = [str(demo_image()) if part == "CT" else part for part in command]
    result = RUNNER.invoke(app, [*images, str(tmp_path / "absent.json")])
    assert isinstance(result.exception, ir.InputError)


@pytest.mark.parametrize("output", ["table", "csv", "json"])
def test_what_cannot_be_read_is_said_and_sets_the_exit_status(output: str, tmp_path: Path) -> None:
    """Every number that could be read matches; a line that was cut off may have held others."""
    entries = bundle()["entry"]
    drawn = next(e for e in entries if e["resource"]["resourceType"] == "ImagingSelection")
    named = f"ImagingSelection/{drawn['resource']['id']}"  # lines have no fullUrl
    lines = [json.dumps(e["resource"]).replace(drawn["fullUrl"], named) for e in entries]
    path = tmp_path / "numbers.ndjson"
    path.write_text("\n".join([*lines, lines[-1][:300]]))
    arguments = ["audit", str(path), "-i", str(demo_image()), "-f", output]
    result = RUNNER.invoke(app, arguments)
    assert result.exit_code == 1
    shown = result.stdout if output == "json" else result.stderr
    assert "not JSON" in shown and "error" in shown
    path.write_text("\n".join(lines))
    assert RUNNER.invoke(app, arguments).exit_code == CLEAN


def test_warnings_are_said_beside_the_table(tmp_path: Path) -> None:
    unnamed = bundle()
    for entry in unnamed["entry"]:
        for reference in entry["resource"].get("derivedFrom", []):
            reference.pop("extension", None)
    path = written(tmp_path, unnamed)
    result = RUNNER.invoke(app, ["audit", path, "-i", str(demo_image())])
    assert "regions may be meant" in result.stderr


@pytest.mark.parametrize("entries", [[], [None, 3, {"resource": None}]])
def test_nothing_audited_is_not_clean(entries: list[Any], tmp_path: Path) -> None:
    selection = next(
        entry for entry in bundle()["entry"] if "Selection" in entry["resource"]["resourceType"]
    )
    path = written(tmp_path, {"resourceType": "Bundle", "entry": [selection, *entries]})
    result = RUNNER.invoke(app, ["audit", path, "-i", str(demo_image())])
    assert result.exit_code == 1 and "nothing was audited" in result.stderr
    assert run("link", path)[0] == (1 if entries else CLEAN)
    assert "no number at all" in " ".join(run("audit", "--help")[1].replace("│", " ").split())
