"""Converting selections: every target, files, the list of losses, the command."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imageregion import Polygon, from_geojson, read_selection, read_selections
from imageregion.converting import Converted, convert_selection
from imageregion.errors import FhirError, InputError
from imageregion.fhir.text.xml_reading import parse_xml

SQUARE = [1, 1, 5, 1, 5, 5, 1, 5, 1, 1]
CT = {"system": "urn:ietf:rfc:3986", "code": "urn:oid:1.2.840.10008.5.1.4.1.1.2"}


def resource(*regions: dict[str, Any], **elements: Any) -> dict[str, Any]:
    return {
        "resourceType": "ImagingSelection",
        "id": "cyst",
        "status": "available",
        "code": {"text": "Cyst"},
        "subject": {"reference": "Patient/1"},
        "studyUid": "1.2",
        "seriesUid": "1.2.3",
        "frameOfReferenceUid": "1.2.9",
        "instance": [
            {"uid": "1.2.3.4", "sopClass": CT, "subset": ["2"], "imageRegion2D": list(regions)}
        ],
        **elements,
    }


def polyline(*coordinates: float) -> dict[str, Any]:
    return {"regionType": "polyline", "coordinate": list(coordinates)}


BOTH = resource(
    polyline(*SQUARE),
    instance=[
        {
            "uid": "1.2.3.4",
            "imageRegion2D": [polyline(*SQUARE)],
            "imageRegion3D": [{"regionType": "point", "coordinate": [1, 2, 3]}],
        }
    ],
)


def test_several_become_one_bundle() -> None:
    converted = convert_selection([resource(polyline(*SQUARE)), BOTH], "r6")
    assert len(converted.documents) == 2
    kinds = [e["resource"]["resourceType"] for e in converted.document["entry"]]
    assert kinds == ["ImagingSelection"] * 3
    assert len(converted.to_ndjson().splitlines()) == 3
    returned = convert_selection(converted.document, "r5")
    assert list(returned.documents) == [resource(polyline(*SQUARE)), BOTH]


def test_losses_name_their_selection() -> None:
    two = [{"reference": "ImagingStudy/1"}, {"reference": "ImagingStudy/2"}]
    lossy = resource(polyline(*SQUARE), id="lossy", derivedFrom=two)
    converted = convert_selection([resource(polyline(*SQUARE)), lossy], "r6")
    assert not converted.is_complete
    assert {name for name, i in converted.found if i.severity == "warning"} == {"lossy"}
    assert convert_selection(resource(polyline(*SQUARE)), "r5").losses == ()


def test_takes_selections() -> None:
    read = read_selection(resource(polyline(*SQUARE)))
    assert convert_selection(read, "r5").document == read.resource
    assert convert_selection([read], "r5").document == read.resource
    assert convert_selection((s for s in [read]), "r5").document == read.resource


def test_unreadable_ones_are_listed() -> None:
    converted = convert_selection([{"resourceType": "ImagingSelection"}, BOTH], "r5")
    assert len(converted.documents) == 1
    assert [issue.severity for issue in converted.losses] == ["error"]
    assert not converted.is_complete
    with pytest.raises(FhirError):
        convert_selection({"resourceType": "ImagingSelection"}, "r5")
    with pytest.raises(InputError, match="expected one of r5, r6"):
        convert_selection(BOTH, "r7")  # type: ignore[arg-type]


def test_dialect_can_be_forced() -> None:
    old = {k: v for k, v in resource(instance=[{"uid": "1.2.3.4"}]).items() if k != "status"}
    with pytest.raises(FhirError):
        convert_selection(old, "r5")
    assert convert_selection(old, "r5", dialect="r5-ballot").document["status"] == "unknown"


def features(*regions: dict[str, Any], **elements: Any) -> tuple[list[dict[str, Any]], Converted]:
    converted = convert_selection(resource(*regions, **elements), "geojson")
    assert converted.document["type"] == "FeatureCollection"
    return converted.document["features"], converted


def test_geojson_properties() -> None:
    ((feature,), converted) = features(polyline(*SQUARE))
    assert feature["properties"] == {
        "selection": "cyst",
        "status": "available",
        "code": "Cyst",
        "path": "ImagingSelection.instance[0].imageRegion2D[0]",
        "label": "polyline 1",
        "type": "polyline",
        "unit": "px",
        "study": "1.2",
        "series": "1.2.3",
        "instance": "1.2.3.4",
        "sopClass": "1.2.840.10008.5.1.4.1.1.2",
        "frames": [2],
        "frameOfReference": "1.2.9",
    }
    assert [issue.path for issue in converted.losses] == ["ImagingSelection.subject"]


@pytest.mark.parametrize(
    "region",
    [
        polyline(*SQUARE),
        polyline(0, 0, 4, 5, 9.125, 2),
        {"regionType": "point", "coordinate": [3, 4.5]},
    ],
)
def test_geojson_reads_back(region: dict[str, Any]) -> None:
    ((feature,), _) = features(region)
    (drawn,) = read_selection(resource(region)).regions
    read = from_geojson(feature)
    assert type(read) is type(drawn.shape)
    if isinstance(read, Polygon) and isinstance(drawn.shape, Polygon):
        assert {tuple(p) for p in read.rings[0]} == {tuple(p) for p in drawn.shape.rings[0]}
    else:
        assert np.array_equal(read.coords, drawn.shape.coords)  # type: ignore[union-attr]


def test_geojson_ellipse_is_within_its_tolerance() -> None:
    points = [0, 10, 20, 10, 10, 5, 10, 15]
    ellipse = {"regionType": "ellipse", "coordinate": points}
    ((feature,), converted) = features(ellipse)
    ring = np.array(feature["geometry"]["coordinates"][0])
    middles = (ring[1:] + ring[:-1]) / 2
    reach = np.hypot((middles[:, 0] - 10) / 10, (middles[:, 1] - 10) / 5)
    assert np.abs(1 - reach).max() * 10 <= 1e-4  # at most the long semi-axis times that
    assert feature["properties"]["coordinate"] == points
    assert "ellipse" in {issue.code for issue in converted.losses}


def test_geojson_says_what_it_cannot_hold() -> None:
    deep = {"regionType": "point", "coordinate": [1, 2, 3]}
    bow = polyline(0, 0, 8, 8, 8, 0, 0, 8, 0, 0)
    bad = {"regionType": "circle", "coordinate": [1, 1, 1, 1]}
    instance = {"uid": "1.2.3.4", "imageRegion2D": [bow, bad], "imageRegion3D": [deep]}
    whole = {"uid": "1.2.3.5", "extension": [{"url": "http://example.org/x", "valueCode": "y"}]}
    made, converted = features(instance=[instance, whole])
    kinds = [(f["geometry"] or {}).get("type") for f in made]
    assert kinds == ["MultiPolygon", None, None]
    assert made[1]["properties"]["unit"] == "mm"
    assert made[1]["properties"]["coordinate"] == [1, 2, 3]
    found = {
        (i.severity, i.code, i.path.removeprefix("ImagingSelection.")) for i in converted.losses
    }
    assert found == {
        ("warning", "left-out", "subject"),
        ("information", "cut", "instance[0].imageRegion2D[0]"),
        ("error", "no-extent", "instance[0].imageRegion2D[1].coordinate"),
        ("warning", "no-geometry", "instance[0].imageRegion3D[0]"),
        ("information", "no-geometry", "instance[1]"),
        ("warning", "left-out", "instance[1].extension"),
    }


def test_manifest() -> None:
    converted = convert_selection(resource(polyline(*SQUARE)), "manifest")
    assert converted.document["resourceType"] == "ImagingManifest"
    paths = {issue.path for issue in converted.losses if issue.severity == "warning"}
    assert "ImagingSelection.instance[0].imageRegion2D[0]" in paths
    (read,) = read_selections(converted.document)
    assert (read.study, read.series) == ("1.2", "1.2.3")
    assert parse_xml(converted.to_xml(), "text") == converted.document


def test_files(tmp_path: Path) -> None:
    converted = convert_selection(BOTH, "r6")
    for name in ("a.json", "a.xml", "a.ndjson", "a.txt"):
        path = converted.save(tmp_path / name)
        (again,) = convert_selection(path, "r5").documents
        assert again == BOTH
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.json", "a.ndjson", "a.txt", "a.xml"]
    with pytest.raises(InputError, match="cannot be written"):
        converted.save(tmp_path / "none" / "a.json")
    with pytest.raises(InputError, match="GeoJSON is JSON"):
        convert_selection(BOTH, "geojson").save(tmp_path / "b.xml")
    assert not (tmp_path / "b.xml").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="file modes")
def test_files_keep_their_mode(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("old")
    path.chmod(0o640)
    convert_selection(BOTH, "r5").save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert json.loads(path.read_text()) == BOTH


def run(*arguments: object, status: int) -> tuple[str, str]:
    command = [sys.executable, "-W", "error", "-m", "imageregion", "convert"]
    done = subprocess.run(
        [*command, *map(str, arguments)],
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    return done.stdout, done.stderr


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "selection.json"
    path.write_text(json.dumps(resource(polyline(*SQUARE))))
    return path


def test_command_prints_nothing_but_the_result(file: Path, tmp_path: Path) -> None:
    out, err = run(file, "--to", "r6", status=0)
    assert json.loads(out)["instance"][0]["frameNumber"] == [2]
    assert "becomes frameNumber 2" in err
    out, err = run(file, "--to", "r6", "-o", tmp_path / "out.xml", "--losses", "none", status=0)
    assert (out, err) == ("", f"wrote {tmp_path / 'out.xml'}\n")
    out, _ = run(tmp_path / "out.xml", "--to", "r5", "--losses", "none", status=0)
    assert json.loads(out) == json.loads(file.read_text())


def test_command_tells_that_meaning_is_lost(file: Path) -> None:
    out, err = run(file, "--to", "geojson", "--losses", "json", status=1)
    assert json.loads(out)["type"] == "FeatureCollection"
    (loss,) = json.loads(err)
    assert loss["path"] == "ImagingSelection.subject"
    run(file, "--to", "geojson", "--allow-losses", status=0)


def test_command_refuses(file: Path, tmp_path: Path) -> None:
    before = file.read_text()
    other = tmp_path / "link.json"
    other.symlink_to(file)
    for out in (file, other):
        _, err = run(file, "--to", "r6", "-o", out, status=2)
        assert "is the input" in err
    assert file.read_text() == before
    _, err = run(file, "--to", "geojson", "-o", tmp_path / "a.xml", status=2)
    assert "GeoJSON is JSON" in err
    printed, err = run(tmp_path / "none.json", file, "--to", "r5", status=1)
    assert "no such file" in err
    assert json.loads(printed) == json.loads(before)
    _, err = run(file, "--to", "r5", "--dialect", "r6", status=2)
    assert "ImagingSelection.instance[0].subset" in err
