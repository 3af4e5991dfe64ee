"""What conversion leaves out is listed, however hostile the document; and what the command says."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from imageregion.checking import check
from imageregion.cli.console import MOST_ROWS, first_rows
from imageregion.converting import convert_selection
from imageregion.errors import FhirError, InputError, Issue
from imageregion.fhir.document import read_selection
from imageregion.fhir.reading.capped import MOST_ALIKE, capped

CT = {"system": "urn:ietf:rfc:3986", "code": "urn:oid:1.2.840.10008.5.1.4.1.1.2"}
POINT = {"regionType": "point", "coordinate": [8, 9]}
GOOD: dict[str, Any] = {
    "resourceType": "ImagingSelection",
    "status": "available",
    "code": {"text": "Cyst"},
    "subject": {"reference": "Patient/1"},
    "studyUid": "1.2",
    "seriesUid": "1.2.3",
    "instance": [{"uid": "1.2.3.4", "sopClass": CT, "imageRegion2D": [POINT]}],
}
BAD = {"resourceType": "ImagingSelection"}
BUNDLE = {
    "resourceType": "Bundle",
    "id": "b",
    "type": "transaction",
    "entry": [
        {"resource": {"resourceType": "Patient"}, "fullUrl": "urn:uuid:1"},
        {"resource": GOOD, "fullUrl": "urn:uuid:2", "request": {"method": "POST"}},
        {"request": {"method": "DELETE"}},
    ],
}


def with_instance(**elements: Any) -> dict[str, Any]:
    changed = copy.deepcopy(GOOD)
    changed["instance"][0].update(elements)
    return changed


def run(command: str, *arguments: object, status: int, stdin: str = "") -> tuple[str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "imageregion", command, *map(str, arguments)],
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=120,
        input=stdin,
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    return done.stdout, done.stderr


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "selection.json"
    path.write_text(json.dumps(GOOD))
    return path


def test_everything_around_and_beside_selections_is_listed() -> None:
    converted = convert_selection(BUNDLE, "r6")
    assert [i.path for i in converted.losses if i.code == "left-out"] == [
        "Bundle.id",
        "Bundle.type",
        "Bundle.entry[0]",
        "Bundle.entry[1].fullUrl",
        "Bundle.entry[1].request",
        "Bundle.entry[2]",
    ]
    assert "Patient" in next(i.message for i in converted.losses if i.path == "Bundle.entry[0]")
    assert not converted.is_complete
    assert convert_selection(GOOD, "r6").is_complete
    listed = convert_selection([GOOD, {"resourceType": "Patient"}], "r6")
    assert [i.path for i in listed.losses if i.code == "left-out"] == ["[1]"]


def test_regions_with_a_key_given_twice_are_left_out() -> None:
    twice = json.dumps(with_instance(imageRegion2D=[POINT, POINT]))
    twice = twice.replace('"coordinate":', '"coordinate": [1, 2], "coordinate":', 1)
    for form in ("r5", "r6", "r5-snapshot1", "geojson", "manifest"):
        converted = convert_selection(twice, form)
        assert "repeated-key" in {i.code for i in converted.losses}, form
        assert not converted.is_complete
    region, other = convert_selection(twice, "r5").document["instance"][0]["imageRegion2D"]
    assert (region["coordinate"], other) == ([None], POINT)
    assert [i.code for i in check(twice)] == ["repeated-key"]
    with pytest.raises(FhirError, match="status: given more than once"):
        convert_selection(json.dumps(GOOD).replace('"status":', '"status":"unknown","status":'))


def test_digits_that_a_float_cannot_hold_are_listed() -> None:
    text = json.dumps(GOOD)
    (loss,) = convert_selection(text.replace("[8, 9]", "[8.12345678901234567890, 1e-400]")).losses
    assert (loss.severity, loss.code) == ("information", "digits")
    assert "2 numbers have more digits" in loss.message
    assert "1e-400 becomes 0.0" in loss.message
    (loss,) = convert_selection(text.replace("[8, 9]", "[8.500, 9.250]")).losses
    assert "2 numbers lose trailing zeros" in loss.message
    assert convert_selection(text.replace("[8, 9]", "[8.1, 9e1]")).losses == ()


def test_extensions_of_a_subset_do_not_cost_the_selector() -> None:
    notes = [{"extension": [{"url": "http://a.b", "valueString": "x"}]}]
    segments = {**CT, "code": "urn:oid:1.2.840.10008.5.1.4.1.1.66.4"}
    whole = with_instance(sopClass=segments, subset=["2"], _subset=notes)
    del whole["instance"][0]["imageRegion2D"]
    converted = convert_selection(whole, "r6")
    instance = converted.document["instance"][0]
    assert (instance["segmentNumber"], instance["_segmentNumber"]) == ([2], notes)
    assert converted.is_complete
    converted = convert_selection(whole, "r5-snapshot1")
    assert converted.document["instance"][0]["segmentList"] == "2"
    assert "removed" in {i.code for i in converted.losses}
    report = {**CT, "code": "urn:oid:1.2.840.10008.5.1.4.1.1.88.33"}
    whole["instance"][0] |= {"sopClass": report, "subset": ["1.2.77"]}
    converted = convert_selection(whole, "r5-snapshot1")
    assert converted.document["instance"][0]["observationUid"] == ["urn:oid:1.2.77"]
    assert "_subset" not in converted.document["instance"][0]
    assert "removed" in {i.code for i in converted.losses}


def test_parts_that_manifest_and_geojson_leave_out_are_listed() -> None:
    extension = [{"url": "http://a.b", "valueString": "x"}]
    rich = with_instance(sopClass={**CT, "display": "CT", "version": "1", "extension": extension})
    rich |= {
        "code": {"text": "Cyst", "_text": {"extension": extension}, "id": "c"},
        "issued": "2020-01-01T00:00:00Z",
        "_issued": {"extension": extension},
        "contained": [{"resourceType": "Patient", "id": "p"}],
        "subject": {"reference": "#p"},
    }
    paths = {loss.path for loss in convert_selection(rich, "manifest").losses}
    root = "ImagingSelection"
    of_class = {f"{root}.instance[0].sopClass.{n}" for n in ("display", "version", "extension")}
    of_code = {f"{root}.code._text", f"{root}.code.id"}
    assert of_class | of_code | {f"{root}.issued", f"{root}.subject"} <= paths
    paths = {loss.path for loss in convert_selection(rich, "geojson").losses}
    assert of_class | of_code <= paths


def test_a_million_unreadable_coordinates_are_one_loss() -> None:
    bad = {"regionType": "polyline", "coordinate": ["x"] * 1_000_000}
    before = time.process_time()
    converted = convert_selection(json.dumps(with_instance(imageRegion2D=[bad])), "r6")
    assert time.process_time() - before < 20  # 2 s on an idle core; minutes without a bound
    (loss,) = [i for i in converted.losses if "coordinate" in i.path]
    assert "999,999 more" in loss.message
    few = {"regionType": "polyline", "coordinate": ["x", 1, "y", 2]}
    losses = convert_selection(with_instance(imageRegion2D=[few]), "r6").losses
    assert [i.path[-13:] for i in losses if "coordinate" in i.path] == [
        "coordinate[0]",
        "coordinate[2]",
    ]


def test_a_resource_that_was_not_read_to_its_end_is_not_converted() -> None:
    bad = {"regionType": "dot", "coordinate": [1]}
    text = json.dumps(with_instance(imageRegion2D=[bad] * 20_000))
    with pytest.raises(FhirError, match="more than 10000 issues"):
        convert_selection(text, "r6")
    findings = check(text)
    assert len(findings) <= 2 * MOST_ALIKE + 10
    assert "more of" in " ".join(issue.message for issue in findings)


def test_issues_that_are_alike_are_counted() -> None:
    many = [Issue("warning", "a", f"P.x[{i}].y[{i}]", "bad") for i in range(MOST_ALIKE + 5)]
    other = Issue("error", "a", "P.x[0].y[0]", "worse")
    found = capped([*many, other])
    assert found[:MOST_ALIKE] == tuple(many[:MOST_ALIKE])
    assert found[MOST_ALIKE:] == (other, Issue("warning", "a", "P.x.y", "and 5 more of a"))
    assert capped([*many[:3], *many[:3]]) == tuple(many[:3])


def test_tables_show_the_first_rows_errors_before_others() -> None:
    rows = [("", Issue("warning", "a", str(i), "")) for i in range(MOST_ROWS + 3)]
    shown, more = first_rows([*rows, ("", Issue("error", "b", "", ""))])
    assert (len(shown), more, shown[0][1].code) == (MOST_ROWS, 4, "b")
    assert first_rows(rows[:2]) == (rows[:2], 0)


def test_long_tables_say_how_many_more(tmp_path: Path) -> None:
    path = tmp_path / "many.json"
    regions = [{"regionType": "dot", "coordinate": [1]}] * 500
    path.write_text(json.dumps(with_instance(imageRegion2D=regions)))
    out, _ = run("check", path, status=1)
    assert "more, which --format json lists" in out
    _, err = run("convert", path, "--to", "r6", status=1)
    assert "more, which --losses json lists" in err


def test_losses_as_json_are_all_that_stands_on_stderr(file: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    out = tmp_path / "out.json"
    printed, err = run(
        "convert", file, broken, "--to", "r6", "-o", out, "--losses", "json", status=1
    )
    records = json.loads(err)
    assert (printed, out.exists()) == ("", True)
    (unread,) = [record for record in records if record["code"] == "unreadable"]
    assert unread["path"] == str(broken)
    assert not unread["message"].startswith(str(broken))
    _, err = run("convert", broken, "--to", "r6", "--losses", "json", status=2)
    assert [record["code"] for record in json.loads(err)] == ["unreadable"]


def test_unreadable_entries_count_whatever_is_allowed(tmp_path: Path) -> None:
    path = tmp_path / "some.json"
    path.write_text(json.dumps([GOOD, BAD]))
    _, err = run("convert", path, "--to", "r6", "--allow-losses", status=1)
    assert "required, but missing" in err
    path.write_text(json.dumps([BAD]))
    _, err = run("convert", path, "--to", "r6", "--losses", "none", status=2)
    assert "required, but missing" in err


def test_read_only_files_and_absent_folders_are_refused(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "kept.json"
    out.write_text("kept")
    out.chmod(0o444)
    _, err = run("convert", file, "--to", "r6", "-o", out, status=2)
    assert "read-only" in err
    assert out.read_text() == "kept"
    with pytest.raises(InputError, match="read-only"):
        convert_selection(GOOD).save(out)
    _, err = run("convert", file, "--to", "r6", "-o", tmp_path / "none" / "a.json", status=2)
    assert "folder does not exist" in err
    with pytest.raises(InputError, match="folder does not exist"):
        convert_selection(GOOD).save(tmp_path / "none" / "a.json")


def test_standard_input_is_read_once() -> None:
    out, _ = run("convert", "-", "--to", "r5", status=0, stdin=json.dumps(GOOD))
    assert json.loads(out) == GOOD
    out, _ = run("urls", "-", "-e", "https://a.example/d", status=0, stdin=json.dumps(GOOD))
    assert "https://a.example/d/studies/1.2/" in out
    lines = f"{json.dumps(GOOD)}\n{json.dumps(GOOD)}\n"
    out, _ = run("convert", "-", "--to", "r5", "-f", "ndjson", status=0, stdin=lines)
    assert len(out.splitlines()) == 2
    _, err = run("check", "-", status=2)
    assert "standard input: expected JSON or XML, the input is empty" in err


def test_urls_says_what_it_cannot_read(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    endpoint = ("-e", "https://a.example/d")
    for text in ("null", '"x"', json.dumps([BAD])):
        path.write_text(text)
        out, err = run("urls", path, *endpoint, status=2)
        assert (out, str(path) in err, "error" in err) == ("", True, True)
    path.write_text(json.dumps([GOOD, BAD]))
    out, err = run("urls", path, *endpoint, status=1)
    assert "https://a.example" in out
    assert "required, but missing" in err
    path.write_text(json.dumps({**GOOD, "status": "entered-in-error"}))
    _, err = run("urls", path, *endpoint, status=0)
    assert "warning ImagingSelection.status" in err


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\x89PNG\r\n\x1a\n\0", "this is a PNG picture"),
        (b"%PDF-1.7", "this is a PDF document"),
        (b"\0" * 128 + b"DICM", "this is a DICOM file"),
        ('{"a": 1}'.encode("utf-16"), "this is UTF-16"),
        ('{"a": "é"}'.encode("latin-1"), "this is not UTF-8"),
        (b"null", "expected a JSON object, got null"),
        (b'"x"', "expected a JSON object, got 'x'"),
    ],
)
def test_messages_name_the_file_once_and_what_it_is(
    content: bytes, words: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises((InputError, FhirError), match=words):
        read_selection(path)
    if content in (b"null", b"%PDF-1.7"):
        out, err = run("check", path, status=1 if content == b"null" else 2)
        assert "".join((out + err).split()).count(str(path)) == 1
