"""Findings as a sequence, as an OperationOutcome, as HTML and on the command line."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.bundle import Bundle
from fhir.resources.operationoutcome import OperationOutcome
from fhir.resources.R4B.operationoutcome import OperationOutcome as OutcomeR4B
from tests.checking.cases import GOOD, box, selection, stack
from tests.checking.readme import README, table_in
from typer.testing import CliRunner, Result

from imageregion import Issue
from imageregion.checking import RULES, Findings, check, rules_table
from imageregion.checking.rules import CODE_SYSTEM
from imageregion.cli import app
from imageregion.demo import demo_image, demo_selection
from imageregion.fhir.document import read_selection, read_selections

BAD = selection(box(0.1, 0.2, 0.5, 0.9), {"regionType": "banana", "coordinate": [1, 2]})


def test_findings_are_a_sequence_of_issues() -> None:
    findings = check(BAD)
    assert len(findings) == len(list(findings)) == len(findings.issues) > 1
    assert findings[0] in findings
    assert findings[:2] == findings.issues[:2]
    assert [issue.severity for issue in findings.errors] == ["error"]
    assert findings.name == "test"
    assert findings.dialect == "r5"
    assert "1 error" in repr(findings)
    assert not check(GOOD)


def test_an_outcome_says_code_rule_place_and_sentence() -> None:
    outcome = check(BAD).to_operation_outcome()
    (error,) = (issue for issue in outcome["issue"] if issue["severity"] == "error")
    rule = RULES["region-type"]
    assert error["code"] == rule.type == "code-invalid"
    assert error["expression"] == ["ImagingSelection.instance[0].imageRegion2D[1].regionType"]
    (coding,) = error["details"]["coding"]
    assert coding == {
        "system": CODE_SYSTEM,
        "code": "region-type",
        "display": rule.sentence.rstrip("."),
    }
    assert "banana" in error["details"]["text"]
    OperationOutcome.model_validate(outcome)
    OutcomeR4B.model_validate(outcome)
    json.dumps(outcome, allow_nan=False)


def test_findings_about_images_name_them_and_have_no_expression() -> None:
    findings = check(selection(studyUid="1.2.4"), stack())
    (issue,) = findings.to_operation_outcome()["issue"]
    assert issue["diagnostics"] == "test: 1.2.3.1.0"
    assert "expression" not in issue


def test_an_outcome_without_findings_has_one_issue_that_says_so() -> None:
    outcome = check(GOOD).to_operation_outcome()
    assert [issue["severity"] for issue in outcome["issue"]] == ["information"]
    OperationOutcome.model_validate(outcome)


def test_a_rule_nobody_knows_still_makes_an_outcome() -> None:
    findings = Findings((Issue("warning", "from-elsewhere", "1.2.3", "odd"),))
    outcome = findings.to_operation_outcome()
    OperationOutcome.model_validate(outcome)
    assert outcome["issue"][0]["code"] == "processing"


def test_html_shows_what_was_found_and_escapes_it() -> None:
    findings = check(selection(id="a", instance={"subset": ["<b>bold</b>"]}), stack())
    html = findings._repr_html_()
    assert "<b>bold</b>" not in html
    assert "&lt;b&gt;bold" in html
    assert "subset" in html


def test_check_takes_what_reading_takes(tmp_path: Path) -> None:
    path = tmp_path / "selection.json"
    path.write_text(json.dumps(BAD))
    expected = [str(issue) for issue in check(BAD)]
    for source in (path, str(path), json.dumps(BAD), path.read_bytes(), read_selection(BAD)):
        assert [str(issue) for issue in check(source)] == expected


def test_what_else_is_wrong_is_said_of_what_cannot_be_read() -> None:
    """Whoever repairs a resource wants to hear of everything at once."""
    broken = selection(status=None, studyUid=None, instance={"uid": "1.02"})
    for source in (broken, json.dumps(broken), next(read_selections([broken]))):
        codes = [issue.code for issue in check(source)]
        assert codes == ["unreadable", "isl-2", "uid-form"]


def test_what_cannot_be_read_is_a_finding() -> None:
    (issue,) = check({"resourceType": "Patient"})
    assert (issue.severity, issue.code) == ("error", "unreadable")


@pytest.mark.parametrize("value", [None, 7, "x", [], [3], {}, {"a": [None]}, [[]], -1.5, True])
@pytest.mark.parametrize(
    "name",
    ["instance", "studyUid", "identifier", "derivedFrom", "modality", "imageRegion3D", "basedOn"],
)
def test_any_json_value_anywhere_gives_findings_and_no_traceback(name: str, value: Any) -> None:
    for resource in (
        GOOD | {name: value},
        selection(instance={name: value, "uid": value, "sopClass": value}),
        selection(instance={"imageRegion2D": value, "subset": value, "frameNumber": value}),
    ):
        findings = check(resource, stack())
        OperationOutcome.model_validate(findings.to_operation_outcome())


def test_the_readme_has_the_rules_of_today() -> None:
    assert table_in(README.read_text("utf-8")) == rules_table(), "python -m tests.checking.readme"


def run(*arguments: object, status: int) -> Result:
    result = CliRunner().invoke(app, ["check", *map(str, arguments)])
    assert result.exit_code == status, (result.output, result.exception)
    return result


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(BAD))
    return path


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.json"
    path.write_text(json.dumps(GOOD))
    return path


def test_the_command_prints_a_table(bad: Path, good: Path) -> None:
    out = run(bad, status=1).stdout
    for word in ("error", "region-type", "banana", "imageRegion2D[1]", "looks-normalized"):
        assert word in out
    assert "nothing found" in run(good, status=0).stdout
    assert "FHIR 5.0.0" in run(good, status=0).stderr


def test_the_command_prints_an_operation_outcome(bad: Path, good: Path) -> None:
    outcome = json.loads(run(bad, "--format", "json", status=1).stdout)
    OperationOutcome.model_validate(outcome)
    assert outcome == check(BAD).to_operation_outcome()
    bundle = json.loads(run(bad, good, "-f", "json", status=1).stdout)
    Bundle.model_validate(bundle)
    kinds = [entry["resource"]["resourceType"] for entry in bundle["entry"]]
    assert kinds == ["OperationOutcome", "OperationOutcome"]


def test_the_command_prints_csv(bad: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(run(bad, "-f", "csv", status=1).stdout)))
    assert [row["rule"] for row in rows] == [issue.code for issue in check(BAD)]
    assert {row["selection"] for row in rows} == {"test"}


def test_the_command_lists_the_rules() -> None:
    out = run("--rules", status=0).stdout
    assert all(name in out for name in RULES)
    rows = list(csv.DictReader(io.StringIO(run("--rules", "-f", "csv", status=0).stdout)))
    assert [row["id"] for row in rows] == list(RULES)
    assert {
        rule["id"] for rule in json.loads(run("--rules", "-f", "json", status=0).stdout)
    } == set(RULES)


def test_the_command_shows_conventions(tmp_path: Path) -> None:
    path = tmp_path / "demo.json"
    path.write_bytes(demo_selection())
    out = run(path, "--images", demo_image(), status=0).stdout
    assert "as-written" not in out  # nothing but what is plausible as written
    out = run(path, "--images", demo_image(), "--conventions", status=0).stdout
    assert "as-written" in out
    assert "cannot be decided" in out


def test_the_command_refuses_what_it_does_not_know(good: Path, tmp_path: Path) -> None:
    assert "SELECTION" in run(status=2).stderr
    assert "--dialect" in run(good, "--dialect", "r99", status=2).stderr
    assert "absent.json" in run(tmp_path / "absent.json", status=2).stderr


def test_the_command_reads_as_the_dialect_asked_for(good: Path) -> None:
    assert "FHIR 5.0.0 (R5)" in run(good, "--dialect", "r5", status=0).stderr
    assert "as asked for" in run(good, "--dialect", "r5-draft", status=1).stdout
