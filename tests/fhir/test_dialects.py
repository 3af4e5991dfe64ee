"""Every published form of an ImagingSelection means the same; what contradicts itself is refused.

The forms of one selection are written by hand after the definitions of each version.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imageregion.errors import FhirError, InputError
from imageregion.fhir.cross_version import to_basic
from imageregion.fhir.dialects import normalize
from imageregion.fhir.document import read_selection, read_selections
from imageregion.fhir.normalized import DIALECTS, Dialect, fhirpath, original_place
from imageregion.fhir.selection import Selection
from imageregion.region import Target
from imageregion.shapes import Points, Polygon

CT = "1.2.840.10008.5.1.4.1.1.2"
URI = {"system": "urn:ietf:rfc:3986", "code": f"urn:oid:{CT}"}
SQUARE = [1, 1, 5, 1, 5, 5, 1, 5, 1, 1]
BALL = [0, 0, 9, 0, 0, -9, 9, 0, 0, -9, 0, 0, 0, 9, 0, 0, -9, 0]
KIND = {"resourceType": "ImagingSelection"}
STATUS = {"status": "available"}
CODE = {"code": {"text": "Cyst"}}
BARE = {"studyUid": "1.2", "seriesUid": "1.2.3", "frameOfReferenceUid": "1.2.9"}
OIDS = {name: f"urn:oid:{uid}" for name, uid in BARE.items()}
DRAFT = {
    **CODE,
    "studyUid": "urn:oid:1.2",
    "seriesUid": "urn:oid:1.2.3",
    "frameOfReference": "urn:oid:1.2.9",
}


def at(uid: str = "1.2.3.4", **more: Any) -> dict[str, Any]:
    return {"uid": uid, **more}


def early(kind: str, dimension: str, coordinates: Sequence[float]) -> dict[str, Any]:
    return {"regionType": kind, "coordinateType": dimension, "coordinates": coordinates}


def late(kind: str, coordinate: Sequence[float]) -> dict[str, Any]:
    return {"regionType": kind, "coordinate": coordinate}


OID = "urn:oid:1.2.3.4"
AREAS: dict[Dialect, tuple[dict[str, Any], str]] = {
    "imaging-reference": (
        {
            "resourceType": "ImagingReference",
            "description": "Cyst",
            **OIDS,
            "instance": [
                at(
                    OID,
                    sopClass=f"urn:oid:{CT}",
                    frameNumber=[2],
                    imageRegion={"regionType": "Polygon", "2dCoordinateList": SQUARE[:-2]},
                )
            ],
        },
        "ImagingReference.instance[0].imageRegion",
    ),
    "r5-draft": (
        DRAFT
        | {
            "instances": [
                at(
                    OID,
                    sopClass=URI,
                    frameList="2",
                    imageRegion=early("POLYGON", "2D", SQUARE[:-2]),
                )
            ]
        },
        "ImagingSelection.instances[0].imageRegion",
    ),
    "r5-snapshot1": (
        KIND
        | CODE
        | OIDS
        | {
            "instance": [at(OID, sopClass=URI, frameList="2")],
            "imageRegion": early("POLYGON", "2d", SQUARE),
        },
        "ImagingSelection.imageRegion",
    ),
    "r5-ballot": (
        KIND
        | STATUS
        | CODE
        | BARE
        | {
            "instance": [
                at(sopClass=URI, subset=["2"], imageRegion=[late("polyline", SQUARE)]),
            ]
        },
        "ImagingSelection.instance[0].imageRegion[0]",
    ),
    "r5": (
        KIND
        | STATUS
        | CODE
        | BARE
        | {
            "instance": [
                at(sopClass=URI, subset=["2"], imageRegion2D=[late("polyline", SQUARE)]),
            ]
        },
        "ImagingSelection.instance[0].imageRegion2D[0]",
    ),
    "r6-ballot2": (
        KIND
        | STATUS
        | CODE
        | BARE
        | {
            "instance": [
                at(
                    sopClass=f"urn:oid:{CT}",
                    subset=["2"],
                    imageRegion2D=[late("polyline", SQUARE)],
                )
            ]
        },
        "ImagingSelection.instance[0].imageRegion2D[0]",
    ),
    "r6": (
        KIND
        | STATUS
        | CODE
        | BARE
        | {
            "modality": {"coding": [{"code": "CT"}]},
            "instance": [
                at(
                    sopClass=f"urn:oid:{CT}",
                    frameNumber=[2],
                    imageRegion2D=[late("polyline", SQUARE)],
                )
            ],
        },
        "ImagingSelection.instance[0].imageRegion2D[0]",
    ),
}
BASIC = to_basic(AREAS["r5"][0])


def found(selection: Selection) -> list[tuple[str, str, str]]:
    return [(issue.severity, issue.code, issue.path) for issue in selection.issues]


@pytest.mark.parametrize("forced", [False, True])
@pytest.mark.parametrize("dialect", AREAS)
def test_every_form_of_an_area(dialect: Dialect, forced: bool) -> None:
    resource, path = AREAS[dialect]
    before = copy.deepcopy(resource)
    selection = read_selection(resource, dialect=dialect if forced else None)
    assert selection.dialect == dialect
    (region,) = selection.regions
    assert isinstance(region.shape, Polygon)
    assert region.shape.rings[0].tolist() == [[1, 1], [5, 1], [5, 5], [1, 5]]
    assert region.target == Target("1.2", "1.2.3", "1.2.3.4", (2,), "1.2.9")
    assert (region.path, selection.code) == (path, "Cyst")
    assert not selection.errors
    assert resource == before
    assert selection.to_dict() == before
    assert selection.normalized is not None
    assert (selection.normalized.evidence == "asked for") == forced


def test_a_basic_of_r4() -> None:
    selection = read_selection(BASIC)
    assert selection.dialect == "r4-basic"
    (region,) = selection.regions
    assert region.path == "ImagingSelection.instance[0].imageRegion2D[0]"
    assert region.target == Target("1.2", "1.2.3", "1.2.3.4", (2,), "1.2.9")
    assert selection.to_dict() == BASIC
    bundle = {
        "resourceType": "Bundle",
        "entry": [{"resource": BASIC}, {"resource": {"resourceType": "Basic", "code": {}}}],
    }
    assert [len(s.regions) for s in read_selections(bundle)] == [1]


BALLS: dict[Dialect, dict[str, Any]] = {
    "imaging-reference": {
        "resourceType": "ImagingReference",
        "description": "Cyst",
        **OIDS,
        "instance": [at(OID, imageRegion={"regionType": "ELLIPSOID", "3dCoordinateList": BALL})],
    },
    "r5-draft": DRAFT | {"instances": [at(OID, imageRegion=early("ELLIPSOID", "3D", BALL))]},
    "r5-snapshot1": KIND
    | CODE
    | OIDS
    | {"instance": [at(OID)], "imageRegion": early("ELLIPSOID", "3d", BALL)},
    "r5-ballot": KIND
    | STATUS
    | CODE
    | BARE
    | {"instance": [at()], "imageRegion": [late("ellipsoid", BALL)]},
    "r5": KIND | STATUS | CODE | BARE | {"instance": [at(imageRegion3D=[late("ellipsoid", BALL)])]},
    "r6": KIND
    | STATUS
    | CODE
    | BARE
    | {"instance": [at()], "imageRegion3D": [late("ellipsoid", BALL)]},
}


@pytest.mark.parametrize("dialect", BALLS)
def test_every_form_of_a_ball(dialect: Dialect) -> None:
    selection = read_selection(BALLS[dialect])
    assert selection.dialect == dialect
    (region,) = selection.regions  # and not the whole image beside it
    assert region.type == "ellipsoid"
    assert region.target == Target("1.2", "1.2.3", "1.2.3.4", (), "1.2.9")
    assert not selection.errors


R6 = BALLS["r6"]


def test_3d_regions_beside_several_instances_lie_in_the_series() -> None:
    selection = read_selection(R6 | {"instance": [at(), at("1.2.3.5"), at("1.2.3.6")]})
    (region,) = selection.regions
    assert region.target == Target("1.2", "1.2.3", "", (), "1.2.9")
    assert found(selection) == [("information", "beside-3d", "ImagingSelection.instance")]


def test_3d_regions_beside_a_structure_set_lie_in_the_frame_of_reference() -> None:
    instance = at(sopClass="urn:oid:1.2.840.10008.5.1.4.1.1.481.3", regionOfInterest=[3])
    selection = read_selection(R6 | {"instance": [instance]})
    (region,) = selection.regions
    assert region.target == Target("1.2", "", "", (), "1.2.9")
    assert [code for _, code, _ in found(selection)] == ["no-frames", "beside-3d"]


def test_3d_regions_without_instance_or_series() -> None:
    resource = {k: v for k, v in R6.items() if k not in ("instance", "seriesUid", "studyUid")}
    (region,) = read_selection(resource).regions
    assert region.target == Target(frame_of_reference="1.2.9")


def test_3d_regions_keep_the_frames_of_their_instance() -> None:
    (region,) = read_selection(R6 | {"instance": [at(frameNumber=[3, 1])]}).regions
    assert (region.target.instance, region.target.frames) == ("1.2.3.4", (3, 1))


@pytest.mark.parametrize("instance", [7, {"uid": "a b"}, at(frameNumber=[0])])
def test_3d_regions_beside_an_instance_that_cannot_be_read_are_not_read(instance: Any) -> None:
    selection = read_selection(R6 | {"instance": [instance]})
    assert not selection.regions
    assert "no-target" in [issue.code for issue in selection.errors]


@pytest.mark.parametrize("regions", [[], "x", [7], [{"regionType": "sphere", "coordinate": [1]}]])
def test_bad_3d_regions_do_not_make_whole_images(regions: Any) -> None:
    selection = read_selection(R6 | {"imageRegion3D": regions})
    assert not selection.regions
    assert len(selection.errors) == 1
    assert selection.errors[0].path.startswith("ImagingSelection.imageRegion3D")


def test_2d_and_3d_regions_side_by_side() -> None:
    instance = at(imageRegion2D=[late("point", [3, 4])])
    selection = read_selection(R6 | {"instance": [instance]})
    assert [region.path for region in selection.regions] == [
        "ImagingSelection.instance[0].imageRegion2D[0]",
        "ImagingSelection.imageRegion3D[0]",
    ]


def test_a_2d_region_of_the_resource_lies_on_every_instance() -> None:
    resource, path = AREAS["r5-snapshot1"]
    instances = [at(OID), at("urn:oid:1.2.3.5", frameList="1, 3")]
    selection = read_selection(resource | {"instance": instances})
    assert [(r.target.instance, r.target.frames, r.path) for r in selection.regions] == [
        ("1.2.3.4", (), path),
        ("1.2.3.5", (1, 3), path),
    ]
    assert len({region.label for region in selection.regions}) == 2
    broken = resource["imageRegion"] | {"coordinates": [1, 2, 3]}
    selection = read_selection(resource | {"instance": instances, "imageRegion": broken})
    assert not selection.regions
    assert {issue.path for issue in selection.errors} == {f"{path}.coordinates"}


def test_a_2d_region_of_a_resource_without_instances_is_refused() -> None:
    resource = {k: v for k, v in AREAS["r5-snapshot1"][0].items() if k != "instance"}
    selection = read_selection(resource)
    assert not selection.regions
    assert [(i.code, i.path) for i in selection.errors] == [
        ("contradiction", "ImagingSelection.imageRegion")
    ]


def region_of(**region: Any) -> dict[str, Any]:
    return DRAFT | {"instances": [at(OID, imageRegion=region), at("urn:oid:1.2.3.5")]}


@pytest.mark.parametrize(
    ("region", "message"),
    [
        (early("POLYGON", "2D", SQUARE) | {"coordinate": SQUARE}, "coordinates once"),
        (
            {"regionType": "POLYGON", "coordinateType": "3D", "2dCoordinateList": SQUARE},
            "contradicts",
        ),
        (early("POLYGON", "4D", SQUARE), "coordinateType 2D or 3D, got '4D'"),
        ({"regionType": "POLYGON", "coordinates": SQUARE}, "2-D or 3-D"),
        (
            {"regionType": "POINT", "2dCoordinateList": [1, 2], "3dCoordinateList": [1, 2, 3]},
            "coordinates once",
        ),
    ],
)
def test_a_region_that_says_two_things_is_refused(region: dict[str, Any], message: str) -> None:
    selection = read_selection(region_of(**region))
    assert [r.path for r in selection.regions] == ["ImagingSelection.instances[1]"]
    (error,) = selection.errors
    assert (error.code, error.path) == (
        "contradiction",
        "ImagingSelection.instances[0].imageRegion",
    )
    assert message in error.message


@pytest.mark.parametrize(
    ("region", "code"),
    [
        (early("ELLIPSOID", "2D", BALL), "region-type"),
        (early("ELLIPSE", "2D", BALL[:12]), "coordinate-count"),
        (early("POLYGON", "3D", SQUARE), "coordinate-count"),
        (early("POINT", "3D", [1, 2]), "coordinate-count"),
    ],
)
def test_coordinates_of_another_dimension_than_stated_are_refused(
    region: dict[str, Any], code: str
) -> None:
    selection = read_selection(region_of(**region))
    assert [r.path for r in selection.regions] == ["ImagingSelection.instances[1]"]
    assert [issue.code for issue in selection.errors] == [code]


@pytest.mark.parametrize(
    "instance",
    [
        at(subset=["1"], frameNumber=[2]),
        at(frameNumber=[1], segmentNumber=[2]),
        at(frameList="1", frameNumber=[1]),
        at(frameList="1", segmentList="2"),
        at(subset=["1"], observationUid="1.2"),
        at(imageRegion=late("point", [1, 2]), imageRegion2D=[late("point", [1, 2])]),
    ],
)
def test_an_instance_that_says_two_things_is_refused(instance: dict[str, Any]) -> None:
    resource = KIND | STATUS | CODE | BARE | {"instance": [instance, at("1.2.3.5")]}
    selection = read_selection(resource)
    assert [region.target.instance for region in selection.regions] == ["1.2.3.5"]
    (error,) = selection.errors
    assert error.code in ("several-selectors", "contradiction")
    assert error.path == "ImagingSelection.instance[0]"


@pytest.mark.parametrize(
    "more",
    [
        {"instances": [at("1.2.3.7")]},
        {"frameOfReference": "1.2.8"},
        {"imageRegion": late("ellipsoid", BALL), "imageRegion3D": [late("ellipsoid", BALL)]},
        {
            "imageRegion": early("POINT", "2D", [1, 2]),
            "instance": [at(imageRegion2D=[late("point", [1, 2])])],
        },
    ],
)
def test_a_resource_that_says_two_things_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(FhirError, match=r"^ImagingSelection\.\w+: expected .* got both"):
        read_selection(KIND | STATUS | CODE | BARE | {"instance": [at()]} | more)


def test_the_same_said_twice_is_no_contradiction() -> None:
    more = {"frameOfReference": "urn:oid:1.2.9", "instance": [at()]}
    assert read_selection(KIND | STATUS | CODE | BARE | more).frame_of_reference == "1.2.9"


@pytest.mark.parametrize("asked", AREAS)
@pytest.mark.parametrize("given", AREAS)
def test_a_dialect_that_contradicts_the_text_says_so(given: Dialect, asked: Dialect) -> None:
    if given == asked or {given, asked} == {"r5", "r6-ballot2"}:
        return  # the latter differ in how a SOP class is written, which is no contradiction
    with pytest.raises(FhirError, match=r"as asked for, (but|got) .* of ") as caught:
        read_selection(AREAS[given][0], dialect=asked)
    assert DIALECTS[asked] in str(caught.value)


def test_dialects_of_other_resources() -> None:
    with pytest.raises(FhirError, match="as asked for, got resourceType ImagingSelection"):
        read_selection(AREAS["r5"][0], dialect="r4-basic")
    with pytest.raises(FhirError, match="as asked for, got FHIR R4 or R4B"):
        read_selection(BASIC, dialect="r5")
    with pytest.raises(InputError, match=r"expected a dialect out of .*, got 'r7'"):
        read_selection(AREAS["r5"][0], dialect="r7")  # type: ignore[arg-type]
    (selection,) = read_selections(AREAS["r5"][0], dialect="r6")
    assert "as asked for" in selection.errors[0].message


def test_what_versions_share_is_r5() -> None:
    resource = (
        KIND | STATUS | CODE | BARE | {"instance": [at(imageRegion2D=[late("point", [1, 2])])]}
    )
    for dialect in (None, "r5", "r6-ballot2", "r6"):
        selection = read_selection(resource, dialect=dialect)
        assert selection.dialect == (dialect or "r5")
        assert not selection.issues


def test_no_status_is_no_fault_where_there_was_none() -> None:
    ballot = {k: v for k, v in AREAS["r5-ballot"][0].items() if k != "status"}
    for resource in (ballot, AREAS["r5-draft"][0], AREAS["r5-snapshot1"][0]):
        selection = read_selection(resource)
        assert selection.status == "unknown"
        assert ("information", "no-status", "ImagingSelection") in found(selection)
    shared = {k: v for k, v in AREAS["r5"][0].items() if k != "status"} | {"instance": [at()]}
    with pytest.raises(FhirError, match=r"status: required, but missing; .* r5-ballot"):
        read_selection(shared)
    assert read_selection(shared, dialect="r5-ballot").status == "unknown"


def test_mixtures_that_mean_one_thing_are_read() -> None:
    """A uri as SOP class with strings as subset, R5 regions beside elements of R6."""
    instance = at(sopClass=f"urn:oid:{CT}", subset=["1,2"], imageRegion3D=[late("ellipsoid", BALL)])
    resource = KIND | STATUS | CODE | BARE | {"instance": [instance], "modality": {"text": "CT"}}
    selection = read_selection(resource)
    (region,) = selection.regions
    assert region.target.frames == (1, 2)
    codes = [issue.code for issue in selection.issues]
    assert "mixed-dialects" in codes
    assert not selection.errors


@pytest.mark.parametrize("status", ["inactive", "INACTIVE "])
def test_status_of_r6(status: str) -> None:
    selection = read_selection(R6 | {"status": status})
    assert selection.status == "inactive"
    assert ("warning", "inactive", "ImagingSelection.status") in found(selection)
    with pytest.raises(FhirError, match="as asked for"):
        read_selection(AREAS["r5"][0] | {"status": "inactive"}, dialect="r5")


@pytest.mark.parametrize(
    ("element", "value", "path"),
    [
        ("modality", {"coding": "CT"}, "modality.coding"),
        ("modality", "CT", "modality"),
        ("bodySite", [{}, {"concept": "x"}], "bodySite[1].concept"),
        ("derivedFrom", {"reference": 7}, "derivedFrom.reference"),
    ],
)
def test_faults_name_the_place_in_the_original(element: str, value: Any, path: str) -> None:
    with pytest.raises(FhirError) as caught:
        read_selection(R6 | {element: value})
    assert caught.value.path == f"ImagingSelection.{path}"


def test_sites_of_every_version() -> None:
    concept = {"coding": [{"code": "L"}]}
    for site in ({"code": "L"}, concept, {"concept": concept}, [{"concept": concept}]):
        resource = KIND | CODE | OIDS | {"bodySite": site} | STATUS
        assert normalize(resource).resource["bodySite"] == {"concept": concept}
    sites = [{"concept": concept}, {"concept": {"text": "R"}}]
    assert normalize(R6 | {"bodySite": sites}).resource["bodySite"] == sites
    assert not read_selection(R6 | {"bodySite": sites}).errors


@pytest.mark.parametrize(
    ("name", "family", "fits"),
    [
        ("segmentNumber", "66.4", True),
        ("segmentNumber", "2", False),
        ("regionOfInterest", "481.3", True),
        ("regionOfInterest", "66.4", False),
        ("waveFormChannel", "9.1.2", True),
        ("waveFormChannel", "2", False),
        ("referencedContentItemIdentifier", "88.22", True),
        ("referencedContentItemIdentifier", "481.3", False),
        ("frameNumber", "2.1", True),
        ("frameNumber", "66.4", True),
        ("frameNumber", "88.22", False),
    ],
)
def test_selectors_belong_to_kinds_of_instances(name: str, family: str, fits: bool) -> None:
    instance: dict[str, Any] = {
        "sopClass": f"urn:oid:1.2.840.10008.5.1.4.1.1.{family}",
        name: [1, 2],
    }
    selection = read_selection(KIND | STATUS | CODE | BARE | {"instance": [at(**instance)]})
    assert len(selection.regions) == fits
    if not fits:
        assert [(i.code, i.path) for i in selection.errors] == [
            ("subset", f"ImagingSelection.instance[0].{name}")
        ]
    elif name == "frameNumber":
        assert selection.regions[0].target.frames == (1, 2)
    else:
        assert selection.regions[0].target.frames == ()
        assert selection.regions[0].notes[0].endswith("s 1, 2")
        assert [i.code for i in selection.issues] == ["no-frames"]


@pytest.mark.parametrize("frames", [["1"], [0], [-1], [1.5], [True], [None], [], "x", {}, [10**12]])
def test_frame_numbers_that_are_none(frames: Any) -> None:
    resource = KIND | STATUS | CODE | BARE | {"instance": [at(frameNumber=frames)]}
    selection = read_selection(resource)
    if frames == ["1"]:  # as people write it
        assert selection.regions[0].target.frames == (1,)
        return
    assert not selection.regions
    assert [issue.code for issue in selection.errors] == ["subset"]


def test_a_frame_list_that_is_none_names_its_place() -> None:
    selection = read_selection(DRAFT | {"instances": [at(OID, frameList="1,2-5")]})
    assert [(i.code, i.path) for i in selection.errors] == [
        ("subset", "ImagingSelection.instances[0].frameList")
    ]


def test_a_frame_of_a_segmentation_is_told_from_a_segment_by_the_code() -> None:
    segmentation = {"code": "1.2.840.10008.5.1.4.1.1.66.4"}
    for code, frames in (("121214", (7,)), ("121191", ())):
        resource = (
            KIND
            | STATUS
            | BARE
            | {
                "code": {"coding": [{"code": code}]},
                "instance": [at(sopClass=segmentation, subset=["7"])],
            }
        )
        assert read_selection(resource).regions[0].target.frames == frames


def test_points_of_r6() -> None:
    regions = [late("multipoint", [1, 2, 3, 4]), late("unknown", [1, 2])]
    selection = read_selection(
        KIND | STATUS | CODE | BARE | {"instance": [at(imageRegion2D=regions)]}
    )
    assert selection.dialect == "r6"
    (region,) = selection.regions
    assert isinstance(region.shape, Points)
    (error,) = selection.errors
    assert (error.code, error.path[-14:]) == ("region-type", "[1].regionType")


def test_a_polygon_in_2d_is_of_early_versions() -> None:
    instance = at(imageRegion2D=[late("polygon", SQUARE)])
    selection = read_selection(KIND | STATUS | CODE | BARE | {"instance": [instance]})
    assert isinstance(selection.regions[0].shape, Polygon)
    assert [(i.severity, i.code) for i in selection.issues] == [("warning", "region-type")]


@pytest.mark.parametrize("kind", ["snapshot1", "draft"])
def test_a_status_of_r6_yields_to_regions_of_early_versions(kind: str) -> None:
    region = {"regionType": "POLYGON", "coordinateType": "2D", "coordinates": SQUARE}
    where = {"imageRegion": region}
    resource: dict[str, Any] = {**KIND, **CODE, **OIDS, "status": "inactive", "instance": [at(OID)]}
    if kind == "draft":
        resource["instance"] = [at(OID, **where)]
    else:
        resource |= where
    selection = read_selection(resource)
    assert selection.dialect == f"r5-{kind}"
    assert (selection.status, len(selection.regions)) == ("inactive", 1)
    assert ("information", "mixed-dialects", "ImagingSelection.status") in found(selection)


@pytest.mark.parametrize(
    ("place", "path"),
    [
        (("a", 0, "_b1"), "ImagingSelection.a[0]._b1"),
        (
            ("ImagingReference", "imageRegion", "2dCoordinateList", 3),
            "ImagingReference.imageRegion.`2dCoordinateList`[3]",
        ),
        (("a b",), "ImagingSelection.`a b`"),
        (("a`.b\\",), "ImagingSelection.`a\\`.b\\\\`"),
        (("é",), "ImagingSelection.`é`"),
        (("",), "ImagingSelection.``"),
        (("`2d`",), "ImagingSelection.`2d`"),
    ],
)
def test_names_that_are_no_identifiers_stand_between_backticks(place: Any, path: str) -> None:
    assert fhirpath(place) == path


def test_faults_in_a_coordinate_list_have_a_fhirpath() -> None:
    region = {"regionType": "POINT", "2dCoordinateList": [1, "x"]}
    resource = {
        "resourceType": "ImagingReference",
        **OIDS,
        "instance": [at(OID, imageRegion=region)],
    }
    (issue,) = read_selection(resource).errors
    assert issue.path == "ImagingReference.instance[0].imageRegion.`2dCoordinateList`[1]"


def test_places_begin_with_the_type_where_it_is_another() -> None:
    places = {(): ("ImagingReference",), ("instance", 0): ("ImagingReference", "instance", 0)}
    assert fhirpath(original_place(("instance", 0, "uid"), places)) == (
        "ImagingReference.instance[0].uid"
    )
    assert fhirpath(original_place(("code",), places)) == "ImagingReference.code"


def test_a_manifest_is_one_selection_for_each_series() -> None:
    def series(number: int) -> dict[str, Any]:
        uid = f"urn:oid:1.2.{number}"
        return {"uid": uid, "instance": [{"uid": f"{uid}.1", "sopClass": f"urn:oid:{CT}"}]}

    study = {"uid": "urn:oid:1.2", "series": [series(3), series(4)]}
    manifest = {
        "resourceType": "ImagingManifest",
        "patient": {"reference": "P/1"},
        "study": [study],
    }
    first, second = read_selections(manifest)
    assert (first.dialect, first.series, second.series) == ("manifest", "1.2.3", "1.2.4")
    assert second.regions[0].path == "ImagingManifest.study[0].series[1].instance[0]"
    assert second.source == "ImagingManifest.study[0].series[1]"
    assert second.to_dict() == manifest
    with pytest.raises(FhirError, match="expected one series, got 2"):
        read_selection(manifest)
    study["series"].pop()  # type: ignore[attr-defined]
    assert read_selection(manifest).series == "1.2.3"


coordinate = st.floats(-1e6, 1e6, allow_nan=False)
points = st.lists(st.tuples(coordinate, coordinate), min_size=3, max_size=9, unique=True)


@given(points, st.sampled_from(["POINT", "POLYLINE", "MULTIPOINT"]))
def test_early_and_late_forms_have_the_same_shape(
    vertices: list[tuple[float, float]], kind: str
) -> None:
    flat = [float(number) for vertex in vertices for number in vertex]
    flat = flat[:2] if kind == "POINT" else flat
    forms = (
        DRAFT | {"instances": [at(OID, imageRegion=early(kind, "2D", flat))]},
        KIND | CODE | OIDS | {"instance": [at(OID)], "imageRegion": early(kind, "2d", flat)},
        KIND | STATUS | CODE | BARE | {"instance": [at(imageRegion2D=[late(kind.lower(), flat)])]},
    )
    shapes = [read_selection(form).regions[0].shape for form in forms]
    for shape in shapes[1:]:
        assert type(shape) is type(shapes[0])
        # Lines whose ends are 1e-6 px apart are closed, and areas.
        for name in ("coords", "rings"):
            mine, first = (getattr(one, name, ()) for one in (shape, shapes[0]))
            np.testing.assert_array_equal(mine, first)
