"""Every rule finds what it is for, and leaves alone what is much like it."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.operationoutcome import OperationOutcome
from tests.checking.cases import CASES, GOOD, r6, stack

import imageregion
from imageregion.checking import RULES, Findings, check, rules_table
from imageregion.fhir.document import read_selections
from imageregion.fhir.reading import resource as reading

PACKAGE = Path(imageregion.__file__).parent


def run(case: Any, which: int) -> Findings:
    source, images = case[which], case[2:]
    if isinstance(source, dict) and source.get("resourceType") == "ImagingManifest":
        source = next(read_selections(source))
    return check(source, images[which if len(images) > 1 else 0] if images else None)


def test_every_rule_has_a_case() -> None:
    assert set(CASES) == set(RULES)


@pytest.mark.parametrize("name", CASES)
def test_a_rule_finds_what_it_is_for(name: str) -> None:
    findings = run(CASES[name], 0)
    assert name in {issue.code for issue in findings}, list(findings)
    assert {issue.code for issue in findings} <= set(RULES)


@pytest.mark.parametrize("name", CASES)
def test_a_rule_leaves_the_rest_alone(name: str) -> None:
    findings = run(CASES[name], 1)
    assert name not in {issue.code for issue in findings}, list(findings)


def test_nothing_is_found_where_nothing_is_wrong() -> None:
    for resource in (GOOD, r6()):
        assert list(check(resource)) == []
        assert list(check(resource, stack())) == []


def test_findings_are_operation_outcomes() -> None:
    for case in CASES.values():
        findings = run(case, 0)
        outcome = findings.to_operation_outcome()
        OperationOutcome.model_validate(outcome)
        assert len(outcome["issue"]) == len(findings)
        for issue, written in zip(findings, outcome["issue"], strict=True):
            assert written["code"] == RULES[issue.code].type
            assert written["details"]["coding"][0]["code"] == issue.code
            assert written["details"]["text"] == issue.message
            assert issue.path in str(written)


def test_rules_are_one_sentence_each() -> None:
    for rule in RULES.values():
        assert rule.sentence.endswith(".")
        assert "\n" not in rule.sentence
        assert "|" not in rule.sentence + rule.source
        assert rule.source
    table = rules_table()
    assert table.count("\n") == len(RULES) + 1


def test_everything_that_reading_reports_is_a_rule() -> None:
    """Reading lists the names of its issues; each must be explained, and no others."""
    listed = _listed(reading.__doc__ or "")
    assert len(listed) > 40, "the way names are looked for no longer fits the list"
    assert listed <= set(RULES), sorted(listed - set(RULES))
    form = {rule.id for rule in RULES.values() if rule.group == "form"} - {"unreadable"}
    assert form <= listed, sorted(form - listed)


def test_every_code_written_in_reading_is_a_rule() -> None:
    found = {code for path in (PACKAGE / "fhir").rglob("*.py") for code in _codes(path)}
    assert len(found) > 20, "the way codes are looked for no longer fits the code"
    assert found <= set(RULES), sorted(found - set(RULES))


def _listed(text: str) -> set[str]:
    lines = re.findall(r"^((?:[a-z0-9-]+, )*[a-z0-9-]+)  +[a-z0-9A-Z`]", text, flags=re.MULTILINE)
    return {name for line in lines for name in line.split(", ")}


_OTHERS = (
    "linking",
    "links",
    "observations",
    "studies",
    "writing",
    "cross_version",
    "sound",
    "urls",
)
"""What reads or writes other resources."""
_SEVERITIES = ("error", "warning", "information")


def _codes(path: Path) -> set[str]:
    """Codes written as literals in calls that make issues."""
    if path.relative_to(PACKAGE / "fhir").with_suffix("").parts[0] in _OTHERS:
        return set()
    codes = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        words = [a.value for a in node.args if isinstance(a, ast.Constant)]
        texts = [word for word in words if isinstance(word, str)]
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        if len(texts) > 1 and texts[0] in _SEVERITIES:
            codes.add(texts[1])
        elif name == "RegionError" and texts:
            codes.add(texts[0])
    return {code for code in codes if re.fullmatch(r"[a-z0-9-]+", code)}
