"""The resource around the regions: identity, targets, leniencies, and what a fault costs."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imageregion.errors import FhirError, InputError
from imageregion.fhir.document import read_selection
from imageregion.fhir.reading.resource import read_resource
from imageregion.fhir.selection import Selection
from imageregion.region import Target
from imageregion.shapes import Ellipse, Polyline

Make = Callable[..., dict[str, Any]]
POINT = ("point", [3, 4])
INSTANCE = "ImagingSelection.instance[0]"
CT = {"system": "urn:ietf:rfc:3986", "code": "urn:oid:1.2.840.10008.5.1.4.1.1.2"}
STORAGE = "1.2.840.10008.5.1.4.1.1."


def found(selection: Selection) -> list[tuple[str, str, str]]:
    return [(issue.severity, issue.code, issue.path) for issue in selection.issues]


def test_identity_and_target(make: Make) -> None:
    selection = read_resource(make(POINT), "here.json")
    assert (selection.id, selection.status, selection.code) == ("test", "available", "Test")
    assert (selection.study, selection.series) == ("1.2", "1.2.3")
    assert selection.frame_of_reference == "1.2.9"
    assert (selection.name, selection.source) == ("test", "here.json")
    region = selection.regions[0]
    assert region.target == Target("1.2", "1.2.3", "1.2.3.4", (), "1.2.9")
    assert region.path == f"{INSTANCE}.imageRegion2D[0]"
    assert (region.type, region.label) == ("point", "point 1")
    assert not selection.issues
    assert repr(selection) == "Selection('test', available, 1 region: 1 point)"


def test_the_name_falls_back_to_the_source(make: Make) -> None:
    assert read_resource(make(POINT, id=...), "here.json").name == "here.json"


def test_order_paths_and_labels(make: Make) -> None:
    resource = make(
        POINT, POINT, instance={"imageRegion3D": [{"regionType": "point", "coordinate": [1, 2, 3]}]}
    )
    second = {
        "uid": "1.2.3.5",
        "imageRegion2D": [
            {"id": "left kidney", "regionType": "circle", "coordinate": [8, 8, 9, 8]},
            {"id": "left kidney", "regionType": "circle", "coordinate": [8, 8, 9, 8]},
        ],
    }
    resource["instance"].append(second)
    regions = read_resource(resource).regions
    assert [region.path.removeprefix("ImagingSelection.instance") for region in regions] == [
        "[0].imageRegion2D[0]",
        "[0].imageRegion2D[1]",
        "[0].imageRegion3D[0]",
        "[1].imageRegion2D[0]",
        "[1].imageRegion2D[1]",
    ]
    assert [region.label for region in regions] == [
        "point 1",
        "point 2",
        "point 3",
        "left kidney",
        "left kidney (2)",
    ]


def test_without_regions_the_whole_image(make: Make) -> None:
    (region,) = read_resource(make()).regions
    assert (region.shape, region.type, region.path) == (None, "image", INSTANCE)
    assert region.target.instance == "1.2.3.4"


def test_without_instances_the_whole_series(make: Make) -> None:
    resource = {k: v for k, v in make().items() if k != "instance"}
    (region,) = read_resource(resource).regions
    assert (region.shape, region.type, region.path) == (None, "image", "ImagingSelection")
    assert region.target == Target("1.2", "1.2.3", frame_of_reference="1.2.9")


def test_nothing_selected(make: Make) -> None:
    resource = {k: v for k, v in make().items() if k not in ("instance", "seriesUid")}
    selection = read_resource(resource)
    assert not selection.regions
    assert found(selection) == [("error", "no-target", "ImagingSelection")]


@pytest.mark.parametrize("where", ["instance", "imageRegion2D", "imageRegion3D"])
def test_empty_lists_do_not_mean_everything(make: Make, where: str) -> None:
    resource = make()
    if where == "instance":
        resource["instance"] = []
    else:
        resource["instance"][0][where] = []
    selection = read_resource(resource)
    assert not selection.regions
    assert [issue.code for issue in selection.errors] == ["empty-list"]


def test_uid_prefixes_and_blanks(make: Make) -> None:
    resource = make(
        POINT, studyUid="urn:oid:1.2", seriesUid=" 1.2.3 ", instance={"uid": "URN:OID:1.2.3.4"}
    )
    selection = read_resource(resource)
    assert selection.regions[0].target == Target("1.2", "1.2.3", "1.2.3.4", (), "1.2.9")
    assert found(selection) == [
        ("information", "uid-prefix", "ImagingSelection.studyUid"),
        ("information", "uid-prefix", "ImagingSelection.seriesUid"),
        ("information", "uid-prefix", f"{INSTANCE}.uid"),
    ]
    assert selection.to_dict()["studyUid"] == "urn:oid:1.2"


@pytest.mark.parametrize(
    ("subset", "frames", "codes"),
    [
        (["1", "2", "3"], (1, 2, 3), []),
        (["4", "2", "4"], (4, 2), []),
        ([" 7 "], (7,), []),
        ([3], (3,), []),
        (["1,2, 3"], (1, 2, 3), ["comma-list"]),
    ],
)
def test_frames(make: Make, subset: list[Any], frames: tuple[int, ...], codes: list[str]) -> None:
    selection = read_resource(make(POINT, instance={"subset": subset, "sopClass": CT}))
    assert selection.regions[0].target.frames == frames
    assert [issue.code for issue in selection.issues] == codes


def test_leading_zeros_of_a_frame_number_do_not_count(make: Make) -> None:
    selection = read_resource(make(POINT, instance={"subset": ["0" * 5000 + "7"]}))
    assert selection.regions[0].target.frames == (7,)


@pytest.mark.parametrize(
    "subset",
    [
        ["0"],
        ["-1"],
        ["1.5"],
        ["a"],
        ["1,,2"],
        [""],
        [None],
        [True],
        [],
        "1",
        ["9" * 5000],
        [10**5000],
    ],
)
def test_subsets_that_are_no_frames(make: Make, subset: Any) -> None:
    selection = read_resource(make(POINT, instance={"subset": subset}))
    assert not selection.regions
    assert [issue.code for issue in selection.errors] == ["subset"]
    assert selection.errors[0].path.startswith(f"{INSTANCE}.subset")


@pytest.mark.parametrize("family", ["66.4", "66.7", "88.22", "481.3", "11.1"])
@pytest.mark.parametrize("prefix", ["", "urn:oid:"])
def test_subsets_that_are_not_meant_as_frames(make: Make, family: str, prefix: str) -> None:
    coding = {"code": f"{prefix}{STORAGE}{family}"}
    selection = read_resource(make(instance={"subset": ["1.2.3"], "sopClass": coding}))
    (region,) = selection.regions
    assert region.target.frames == ()
    assert region.notes[0].endswith(" 1.2.3")
    assert found(selection) == [("information", "no-frames", f"{INSTANCE}.subset")]


@pytest.mark.parametrize(
    ("family", "image"),
    [
        ("88.22", False),
        ("481.3", False),
        ("11.1", False),
        ("66.4", True),
        ("2", True),
        ("1.1", True),
        ("881", True),
    ],
)
def test_2d_regions_belong_on_images(make: Make, family: str, image: bool) -> None:
    selection = read_resource(make(POINT, instance={"sopClass": {"code": STORAGE + family}}))
    assert len(selection.regions) == image
    assert [issue.code for issue in selection.issues] == ([] if image else ["not-an-image"])


def test_3d_needs_a_frame_of_reference(make: Make) -> None:
    resource = make(("point", [1, 2, 3]), ("point", [4, 5, 6]), dimension=3)
    assert not read_resource(resource).issues
    del resource["frameOfReferenceUid"]
    selection = read_resource(resource)
    assert not selection.regions
    assert [(i.code, i.path) for i in selection.errors] == [
        ("no-frame-of-reference", f"{INSTANCE}.imageRegion3D[0]"),
        ("no-frame-of-reference", f"{INSTANCE}.imageRegion3D[1]"),
    ]


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ("available", "available"),
        ("unknown", "unknown"),
        ("entered-in-error", "entered-in-error"),
        ("AVAILABLE", "available"),
    ],
)
def test_status(make: Make, given: str, status: str) -> None:
    selection = read_resource(make(POINT, status=given))
    assert selection.status == status
    codes = {"entered-in-error": ["entered-in-error"], "AVAILABLE": ["code-case"]}
    assert [issue.code for issue in selection.issues] == codes.get(given, [])


@pytest.mark.parametrize("status", ["active", "", 7, ["available"], None])
def test_other_status_is_refused(make: Make, status: Any) -> None:
    with pytest.raises(FhirError, match=r"^ImagingSelection\.status: "):
        read_resource(make(POINT, status=status))


def test_a_missing_status_with_a_reason_is_unknown(make: Make) -> None:
    reason = {
        "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
        "valueCode": "unknown",
    }
    resource = make(POINT, status=..., _status={"extension": [reason]})
    assert read_resource(resource).status == "unknown"


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"code": None}, "ImagingSelection.code"),
        ({"code": "Test"}, "ImagingSelection.code"),
        ({"studyUid": 5}, "ImagingSelection.studyUid"),
        ({"studyUid": "not a uid"}, "ImagingSelection.studyUid"),
        ({"issued": "yesterday"}, "ImagingSelection.issued"),
        ({"subject": ["x"]}, "ImagingSelection.subject"),
        ({"subject": {"reference": 3}}, "ImagingSelection.subject.reference"),
        ({"instance": {"uid": "1"}}, "ImagingSelection.instance"),
        ({"instance": [1] * 3, "code": {"coding": "x"}}, "ImagingSelection.code.coding"),
    ],
)
def test_faults_of_the_resource(make: Make, change: dict[str, Any], path: str) -> None:
    with pytest.raises(FhirError) as caught:
        read_resource({**make(POINT), **change})
    assert caught.value.path == path
    assert str(caught.value).startswith(f"{path}: ")


def test_every_fault_of_the_resource_is_named(make: Make) -> None:
    with pytest.raises(FhirError, match=r"1 more: ImagingSelection\.studyUid"):
        read_resource(make(POINT, studyUid="a b", issued="x"))


@pytest.mark.parametrize(
    ("instance", "path"),
    [
        ({"number": 1}, "instance[0].uid"),
        ({"uid": "a b"}, "instance[0].uid"),
        ({"uid": "1", "number": -3}, "instance[0].number"),
        ({"uid": "1", "sopClass": "x"}, "instance[0].sopClass"),
        ({"uid": "1", "imageRegion2D": {}}, "instance[0].imageRegion2D"),
        ({"uid": "1", "imageRegion2D": {"regionType": "point"}}, "instance[0].imageRegion2D"),
        ("1.2", "instance[0]"),
        (None, "instance[0]"),
        ('{"uid": "1.2"}', "instance[0]"),
    ],
)
def test_a_fault_in_an_instance_costs_that_instance(make: Make, instance: Any, path: str) -> None:
    resource = make(POINT)
    resource["instance"].insert(0, instance)
    selection = read_resource(resource)
    assert [region.path for region in selection.regions] == [
        "ImagingSelection.instance[1].imageRegion2D[0]"
    ]
    assert found(selection) == [("error", "invalid-element", f"ImagingSelection.{path}")]


@pytest.mark.parametrize(
    ("region", "path"),
    [
        ("x", ""),
        (None, ""),
        ({"regionType": "point", "coordinate": [1, 2], "id": 5}, ".id"),
        ({"regionType": "point", "coordinate": [1, 2], "extension": [{}]}, ".extension[0].url"),
        ({"coordinate": [1, 2]}, ".regionType"),
        ({"regionType": "point"}, ".coordinate"),
        ({"regionType": "point", "coordinate": [1, "2"]}, ".coordinate[1]"),
    ],
)
def test_a_fault_in_a_region_costs_that_region(make: Make, region: Any, path: str) -> None:
    resource = make(POINT)
    resource["instance"][0]["imageRegion2D"].insert(0, region)
    selection = read_resource(resource)
    assert [r.path for r in selection.regions] == [f"{INSTANCE}.imageRegion2D[1]"]
    assert [(i.severity, i.path) for i in selection.issues] == [
        ("error", f"{INSTANCE}.imageRegion2D[0]{path}")
    ]


def test_unknown_elements_and_extensions_survive(make: Make) -> None:
    extension = [{"url": "https://example.org/reader", "valueString": "A"}]
    resource = make(POINT, colour="red", extension=extension, instance={"shade": {"deep": [1]}})
    resource["instance"][0]["imageRegion2D"][0] |= {"weight": 3, "extension": extension}
    before = copy.deepcopy(resource)
    selection = read_resource(resource)
    assert len(selection.regions) == 1
    assert {(i.severity, i.code, i.path) for i in selection.issues} == {
        ("warning", "unknown-element", "ImagingSelection.colour"),
        ("warning", "unknown-element", f"{INSTANCE}.shade"),
        ("warning", "unknown-element", f"{INSTANCE}.imageRegion2D[0].weight"),
    }
    assert resource == before
    assert selection.to_dict() == before
    assert read_selection(selection.to_json()).to_dict() == before


def test_a_fault_beside_an_unknown_element_is_still_found(make: Make) -> None:
    selection = read_resource(make(POINT, instance={"uid": None, "colour": "red"}))
    assert not selection.regions
    assert {issue.code for issue in selection.issues} == {"unknown-element", "invalid-element"}


@pytest.mark.parametrize("name", ["imageRegion2D", "frameNumber", "subset", "coordinate"])
def test_what_limits_the_selection_out_of_place_costs_all_of_it(make: Make, name: str) -> None:
    selection = read_resource(make(POINT, **{name: [{"regionType": "point"}]}))
    assert not selection.regions
    assert [(i.code, i.path) for i in selection.errors] == [
        ("misplaced", f"ImagingSelection.{name}")
    ]


def test_what_limits_a_region_out_of_place_costs_that_region(make: Make) -> None:
    resource = make(POINT, POINT)
    resource["instance"][0]["imageRegion2D"][0]["subset"] = ["1"]
    selection = read_resource(resource)
    assert [region.path for region in selection.regions] == [f"{INSTANCE}.imageRegion2D[1]"]
    assert [issue.code for issue in selection.errors] == ["misplaced"]


def test_modifier_extensions_are_noted(make: Make) -> None:
    modifier = [{"url": "https://example.org/not", "valueBoolean": True}]
    resource = make(POINT, modifierExtension=modifier, instance={"modifierExtension": modifier})
    resource["instance"][0]["imageRegion2D"][0]["modifierExtension"] = modifier
    assert [i.path for i in read_resource(resource).issues if i.code == "modifier-extension"] == [
        "ImagingSelection.modifierExtension",
        f"{INSTANCE}.modifierExtension",
        f"{INSTANCE}.imageRegion2D[0].modifierExtension",
    ]


def test_faults_that_bear_on_no_number_are_warnings(make: Make) -> None:
    selection = read_resource(make(POINT, id="my_own", text={"status": "generated"}))
    assert len(selection.regions) == 1
    assert {i.code for i in selection.issues} == {"invalid-id", "invalid-narrative"}


def test_contained_resources_are_carried_along(make: Make) -> None:
    selection = read_resource(make(POINT, contained=[{"resourceType": "Foo"}, {"a": 1}]))
    assert not selection.issues
    assert selection.to_dict()["contained"][0] == {"resourceType": "Foo"}


@pytest.mark.parametrize(
    "code", [{"coding": [{"display": "Test"}]}, {"coding": [{"code": "Test"}]}, {"text": "Test"}]
)
def test_code_in_words(make: Make, code: dict[str, Any]) -> None:
    assert read_resource(make(POINT, code=code)).code == "Test"


def test_the_input_is_not_changed_and_not_shared(make: Make) -> None:
    resource = make(POINT)
    selection = read_resource(resource)
    resource["instance"][0]["imageRegion2D"][0]["coordinate"][0] = 99
    assert selection.to_dict()["instance"][0]["imageRegion2D"][0]["coordinate"] == [3, 4]
    copied = selection.to_dict()
    copied["instance"].clear()
    assert selection.to_dict()["instance"]


@pytest.mark.parametrize("kind", ["Patient", None, 5, "Bundle2"])
def test_other_resources_are_refused(make: Make, kind: Any) -> None:
    with pytest.raises(FhirError, match="expected ImagingSelection, got"):
        read_resource({**make(POINT), "resourceType": kind})


def test_values_that_are_not_json_are_refused(make: Make) -> None:
    with pytest.raises(InputError, match=r"issued: expected JSON values, got object"):
        read_resource(make(POINT, issued=object()))
    with pytest.raises(InputError, match="expected text as key, got 5"):
        read_resource(make(POINT, code={5: "x"}))


def test_deep_nesting_is_refused(make: Make) -> None:
    deep: Any = {}
    for _ in range(5000):
        deep = {"extension": [deep]}
    with pytest.raises(InputError, match="nested deeper than 128 levels"):
        read_resource(make(POINT, code=deep))


def test_official_2d_example(official: Callable[[str], dict[str, Any]]) -> None:
    selection = read_resource(official("2d-image-region"))
    (region,) = selection.regions
    assert isinstance(region.shape, Polyline)
    unclosed, tiny = selection.issues
    assert (unclosed.severity, unclosed.code) == ("warning", "unclosed")
    assert (tiny.severity, tiny.code) == ("information", "sub-pixel")
    assert "0.5 px wide, 0.5 px high" in tiny.message
    assert "normalised" in tiny.message
    assert unclosed.path == region.path == f"{INSTANCE}.imageRegion2D[0]"


def test_official_3d_example(official: Callable[[str], dict[str, Any]]) -> None:
    selection = read_resource(official("3d-image-region"))
    (region,) = selection.regions
    assert isinstance(region.shape, Ellipse)
    major, minor = (region.shape.axes**2).sum(axis=0) ** 0.5
    assert (major, minor) == pytest.approx((86.60254, 35.35534))
    assert not selection.issues


@pytest.mark.parametrize(
    ("name", "count", "frames", "codes"),
    [
        ("basic-image", 2, (), []),
        ("multiframe-image", 1, (1, 2, 3, 4), []),
        ("segmentation-image", 1, (), ["no-frames"]),
        ("dicom-sr", 1, (), ["no-frames"]),
        ("presentation-state", 1, (), []),
    ],
)
def test_official_examples_without_regions(
    official: Callable[[str], dict[str, Any]],
    name: str,
    count: int,
    frames: tuple[int, ...],
    codes: list[str],
) -> None:
    resource = official(name)
    selection = read_resource(resource)
    assert [region.type for region in selection.regions] == ["image"] * count
    assert {region.target.frames for region in selection.regions} == {frames}
    assert [issue.code for issue in selection.issues] == codes
    assert selection.to_dict() == resource


leaf = st.none() | st.booleans() | st.integers(-100, 100) | st.floats() | st.text(max_size=4)
tree = st.recursive(
    leaf,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "uid",
                    "imageRegion2D",
                    "imageRegion3D",
                    "regionType",
                    "coordinate",
                    "extension",
                    "url",
                    "subset",
                    "code",
                    "id",
                    "x",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


# The first validation imports the models of fhir.resources, which takes its time.
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(
        st.sampled_from(
            [
                "instance",
                "status",
                "studyUid",
                "subject",
                "extension",
                "text",
                "id",
                "bodySite",
                "contained",
                "modifierExtension",
                "meta",
                "x",
            ]
        ),
        tree,
        max_size=4,
    )
)
def test_whatever_comes_is_a_selection_or_a_clear_error(changes: dict[str, Any]) -> None:
    base = {"resourceType": "ImagingSelection", "status": "available", "code": {}, "seriesUid": "1"}
    try:
        selection = read_resource({**base, **changes})
    except (FhirError, InputError):
        return
    assert all(issue.path.startswith("ImagingSelection") for issue in selection.issues)
    assert len({region.label for region in selection.regions}) == len(selection.regions)
    assert isinstance(selection.to_json(), bytes)
