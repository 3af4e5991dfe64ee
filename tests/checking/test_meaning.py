"""Rules on names and numbers in more detail: severities, what exactly is said, and where."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.checking.cases import (
    FLAT_RING,
    GOOD,
    SERIES,
    STUDY,
    box,
    line,
    multiframe,
    r6,
    region,
    selection,
    snapshot,
    sop_class,
    stack,
    without,
)
from tests.checking.cases import (
    Resource as Json,
)

from imageregion import Issue
from imageregion.checking import check
from imageregion.checking.elements import Resource
from imageregion.checking.invariants import invariant_issues
from imageregion.checking.sop_classes import class_issue, expected_modalities, has_pixels
from imageregion.fhir.normalized import Dialect, Normalized

STORAGE = "1.2.840.10008.5.1.4.1.1."


def found(rule: str, *arguments: Any) -> Issue:
    """Return the one finding of a rule."""
    (issue,) = (issue for issue in check(*arguments) if issue.code == rule)
    return issue


SOLID: Json = {"imageRegion3D": [{}], "frameOfReferenceUid": "1.2"}


@pytest.mark.parametrize(
    ("rule", "resource", "elsewhere"),
    [
        ("isl-1", {"studyUid": STUDY}, "error"),
        ("isl-2", {"seriesUid": SERIES}, "warning"),
        ("isl-3", {"seriesNumber": 3, **SOLID}, "information"),
        ("isl-4", {"instance": [{"uid": "1.2"}], **SOLID}, "warning"),
        ("isl-5", {"imageRegion3D": [{}]}, "error"),
        ("isl-9", {"modality": {"text": "CT"}, **SOLID}, "information"),
    ],
)  # fmt: skip
def test_severity_of_invariants_by_version(rule: str, resource: Json, elsewhere: str) -> None:
    def severity(dialect: Dialect) -> str:
        issues = invariant_issues(Resource(Normalized(resource, dialect)))
        (issue,) = (issue for issue in issues if issue.code == rule)
        assert (f"would break {rule} in FHIR R6" in issue.message) == (issue.severity != "error")
        return issue.severity

    assert severity("r6") == severity("r6-ballot2") == "error"
    assert severity("r5") == severity("r5-snapshot1") == elsewhere
    assert invariant_issues(Resource(Normalized(resource, "manifest"))) == []


def test_paths_are_those_of_the_document_that_was_read() -> None:
    """A snapshot keeps its one region in the resource; R6 keeps 3-D regions there."""
    coordinates = [10.2, 10.4, 30.7, 10.1, 20.3]
    issue = found("isl-7", snapshot(coordinates=coordinates))
    assert issue.path == "ImagingSelection.imageRegion.coordinates"
    solid = r6(
        instance={"imageRegion2D": None},
        imageRegion3D=[region("polygon", FLAT_RING), region("polygon", FLAT_RING[1:])],
    )
    assert found("isl-8", solid).path == "ImagingSelection.imageRegion3D[1].coordinate"
    assert found("isl-11", _channels()).path == "ImagingSelection.instance[0].waveFormChannel"


def _channels() -> Json:
    more = {"sopClass": f"urn:oid:{STORAGE}9.1.2", "waveFormChannel": [1], "frameNumber": None}
    return r6(instance=more | {"imageRegion2D": None})


@pytest.mark.parametrize(
    ("uid", "said"),
    [
        ("1.2.03", "leading zero"),
        ("1.2.a", "digits and dots"),
        ("1..2", "numbers with dots"),
        (".1.2", "numbers with dots"),
        ("1." + "2" * 63, "65 characters"),
        ("1.2.0.3", ""),
        ("1." + "2" * 62, ""),
        ("urn:oid:1.2.3", ""),
    ],
)
def test_uids(uid: str, said: str) -> None:
    issues = [
        issue for issue in check(selection(frameOfReferenceUid=uid)) if issue.code == "uid-form"
    ]
    assert len(issues) == bool(said)
    assert all(said in issue.message for issue in issues)
    assert all(issue.path == "ImagingSelection.frameOfReferenceUid" for issue in issues)


@pytest.mark.parametrize(
    ("uid", "rule"),
    [
        (STORAGE + "2", None),
        (STORAGE + "66.7", None),  # label maps are younger than some registries
        ("1" + STORAGE + "481.3", "sop-class-typo"),
        ("1.2.840.1008.5.1.4.1.1.2", "sop-class-typo"),
        ("1.2.804.10008.5.1.4.1.1.2", "sop-class-typo"),
        (STORAGE + "999.1", "sop-class-unknown"),
        ("1.3.6.1.4.1.9590", "sop-class-unknown"),
        ("1.2.840.10008.1.2", "not-a-sop-class"),
    ],
)  # fmt: skip
def test_sop_classes(uid: str, rule: str | None) -> None:
    issue = class_issue(uid)
    assert (issue[1] if issue else None) == rule
    if rule == "sop-class-typo":
        assert issue is not None
        assert STORAGE in issue[2]


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        ("2", True), ("4.1", True), ("77.1.6", True), ("66.4", True), ("30", True), ("481.2", True),
        ("128", True), ("6.2", True), ("66.7", True), ("999.9", True),
        ("88.33", False), ("481.3", False), ("104.1", False), ("9.1.1", False), ("11.1", False),
        ("66", False), ("66.5", False), ("67", False), ("481.5", False), ("91.1", False),
    ],
)  # fmt: skip
def test_which_classes_have_pixels(end: str, expected: bool) -> None:
    assert has_pixels(STORAGE + end) == expected
    codes = {i.code for i in check(selection(instance={"sopClass": sop_class(STORAGE + end)}))}
    assert ("not-an-image" in codes) != expected


def test_modalities_of_classes() -> None:
    assert expected_modalities(STORAGE + "4") == ("MR",)
    assert expected_modalities(STORAGE + "7") == ()
    assert expected_modalities("1.2") == ()


def test_every_missing_frame_is_named() -> None:
    subset = {"subset": ["2", "5", "9"], "sopClass": sop_class(STORAGE + "2.1")}
    issue = found("frame-missing", selection(instance=subset), multiframe())
    assert "no frame 5, 9" in issue.message
    assert "3 frames" in issue.message


def test_the_missing_are_told_apart() -> None:
    def codes(resource: Json) -> set[str]:
        return {issue.code for issue in check(resource, stack()).errors}

    solid = (region("polygon", FLAT_RING),)
    assert codes(selection(instance={"uid": "1.2.77"})) == {"instance-missing"}
    whole_series = without(selection(seriesUid="1.2.77") | {"instance": None})
    assert codes(whole_series) == {"instance-missing"}
    assert codes(selection(solid=solid, seriesUid="1.2.77")) == {"instance-missing"}
    assert codes(selection(solid=solid, frameOfReferenceUid="1.2.8")) == {
        "wrong-frame-of-reference"
    }
    far = (region("point", [0, 0, 99]),)
    assert codes(selection(solid=far)) == {"off-planes"}
    assert codes(GOOD) == set()


def test_duplicates_name_the_first() -> None:
    issue = found(
        "duplicate-region", selection(box(1.5, 1, 9, 9), line(1, 2, 3.5, 9), box(1.5, 1, 9, 9))
    )
    assert issue.path.endswith("imageRegion2D[2]")
    assert "imageRegion2D[0]" in issue.message
    twice = selection(box(1.5, 1, 9, 9))
    other = copy.deepcopy(twice["instance"][0]) | {"uid": "1.2.3.1.1"}
    twice["instance"].append(other)  # the same outline on another image is no duplicate
    assert "duplicate-region" not in {issue.code for issue in check(twice)}


def test_modality_of_the_image_against_class_and_element() -> None:
    images = stack(modality="MR")
    said = found("sop-class-mismatch", GOOD, images)
    assert "CT Image Storage" in said.message
    assert "MR" in said.message
    assert said.path == "ImagingSelection.instance[0].sopClass"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["uid", "coding", "code", "system", "identifier", "value", "coordinate"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)
elements = st.sampled_from(
    ["instance", "imageRegion3D", "identifier", "derivedFrom", "modality", "studyUid", "focus"]
)


@given(
    st.dictionaries(elements, json_values, max_size=4), st.sampled_from(["r5", "r6", "manifest"])
)
def test_rules_on_any_normalized_resource_end_in_issues(content: Json, dialect: Dialect) -> None:
    from imageregion.checking.identity import identity_issues
    from imageregion.checking.stated import stated_issues

    resource = Resource(Normalized(content, dialect))
    issues = [*invariant_issues(resource), *identity_issues(resource)]
    issues += stated_issues(resource, stack(1))
    assert all(issue.path.startswith("ImagingSelection") for issue in issues)
