"""Writing selections in other forms: what comes back, and what the list of losses says of it."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from fhir.resources.bundle import Bundle
from fhir.resources.imagingselection import ImagingSelection
from hypothesis import given, settings
from hypothesis import strategies as st

from imageregion.errors import FhirError, InputError
from imageregion.fhir.dialects import normalize
from imageregion.fhir.document import read_selection
from imageregion.fhir.normalized import Dialect, Normalized
from imageregion.fhir.selection import Selection
from imageregion.fhir.text.xml_reading import parse_xml
from imageregion.fhir.writing import FORMS, Written, to_xml, write
from imageregion.fhir.writing.parts import joined
from imageregion.fhir.writing.selectors import SELECTORS

OWN = "https://imageregion.github.io/fhir/"
CT, SEG, RT, SR, ECG = (
    "1.2.840.10008.5.1.4.1.1." + family for family in ("2", "66.4", "481.3", "88.33", "9.1.1")
)

numbers = st.integers(0, 500).map(lambda n: n / 8) | st.integers(0, 60)


def points(count: st.SearchStrategy[int], dimension: int) -> st.SearchStrategy[list[Any]]:
    point = st.lists(numbers, min_size=dimension, max_size=dimension)
    many = count.flatmap(lambda n: st.lists(point, min_size=n, max_size=n, unique_by=tuple))
    return many.map(lambda found: [value for one in found for value in one])


def region(code: str, coordinates: st.SearchStrategy[list[Any]]) -> st.SearchStrategy[Any]:
    required = {"regionType": st.just(code), "coordinate": coordinates}
    names = st.sampled_from(["edge", "core"])
    return st.fixed_dictionaries(required, optional={"id": names})


some = st.integers(2, 6)
ellipses = st.tuples(numbers, numbers, st.integers(2, 9), st.integers(1, 2)).map(
    lambda e: [e[0] - e[2], e[1], e[0] + e[2], e[1], e[0], e[1] - e[3], e[0], e[1] + e[3]]
)
flat = {
    "point": points(st.just(1), 2),
    "polyline": points(some, 2),
    "interpolated": points(some, 2),
    "circle": points(st.just(2), 2),
    "ellipse": ellipses,
}
flat_later = {"multipoint": points(some, 2), "unknown": points(some, 2)}
flat_earlier = {"multipoint": points(some, 2), "polygon": points(st.integers(3, 6), 2)}
deep = {
    "point": points(st.just(1), 3),
    "multipoint": points(some, 3),
    "polyline": points(some, 3),
}


def regions(codes: dict[str, Any], most: int = 3) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.one_of([region(*pair) for pair in codes.items()]), min_size=1, max_size=most)


uids = st.sampled_from(["1.2.3", "1.2.3.4", "2.25.99"])
concepts = st.sampled_from([{"text": "cyst"}, {"coding": [{"system": "s", "code": "c"}]}])
sites = st.sampled_from(
    [
        {"concept": {"text": "liver"}},
        {"concept": {"coding": [{"system": "s", "code": "lung"}]}},
        {"concept": {"coding": [{"code": "a"}, {"code": "b"}], "text": "two"}},
        {"reference": {"reference": "BodyStructure/tumor"}},
    ]
)


def references(*kinds: str) -> st.SearchStrategy[Any]:
    return st.sampled_from([{"reference": f"{kind}/1"} for kind in kinds])


def several(items: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(items, min_size=1, max_size=3)


heads = {
    "id": st.just("selection-1"),
    "language": st.just("en"),
    "extension": st.just([{"url": "http://example.org/x", "valueString": "mine"}]),
    "identifier": st.just([{"system": "urn:dicom:uid", "value": "urn:oid:1.2.3"}]),
    "issued": st.just("2026-03-05T10:30:10+01:00"),
    "basedOn": several(references("ServiceRequest", "AppointmentResponse", "Task")),
    "category": several(concepts),
    "derivedFrom": several(references("ImagingStudy", "DocumentReference")),
    "endpoint": several(references("Endpoint")),
    "focus": several(references("ImagingSelection")),
    "subject": references("Patient", "Location"),
    "seriesNumber": st.integers(0, 9),
    "performer": several(
        st.sampled_from(
            [
                {"actor": {"reference": "Practitioner/1"}},
                {"function": {"text": "reader"}},
                {"function": {"text": "x"}, "actor": {"display": "somebody"}},
            ]
        )
    ),
}
FRAMES = st.lists(st.integers(1, 40), min_size=1, max_size=4, unique=True)


def coding(uid: str) -> st.SearchStrategy[Any]:
    usual = {"system": "urn:ietf:rfc:3986", "code": f"urn:oid:{uid}"}
    return st.sampled_from([usual, {"system": "http://example.org", "code": uid, "display": "x"}])


@st.composite
def r5_instances(draw: st.DrawFn) -> dict[str, Any]:
    uid = draw(st.sampled_from([None, CT, SEG, RT, SR, ECG]))
    made: dict[str, Any] = {"uid": draw(uids)}
    made |= draw(st.fixed_dictionaries({}, optional={"number": st.integers(0, 9)}))
    if uid:
        made["sopClass"] = draw(coding(uid))
    if draw(st.booleans()):
        made["subset"] = ["1.2.3.9"] if uid == SR else [str(n) for n in draw(FRAMES)]
    if draw(st.booleans()):
        made["imageRegion2D"] = draw(regions(flat))
    if draw(st.integers(0, 3)) == 0:
        made["imageRegion3D"] = draw(regions(deep, 2))
    return made


def resources(more: dict[str, Any], kind: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    required = {
        "resourceType": st.just("ImagingSelection"),
        "code": concepts,
        "studyUid": uids,
        "seriesUid": uids,
        "frameOfReferenceUid": uids,
        **kind,
    }
    return st.fixed_dictionaries(required, optional={**heads, **more})


def seldom(items: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(items, min_size=1, max_size=3)


r5_resources = resources(
    {"bodySite": sites, "instance": seldom(r5_instances())},
    {"status": st.sampled_from(["available", "unknown", "entered-in-error"])},
)


@st.composite
def r6_instances(draw: st.DrawFn) -> dict[str, Any]:
    made: dict[str, Any] = {"uid": draw(uids)}
    uid = draw(st.sampled_from([None, CT, SEG, RT, SR, ECG]))
    if uid:
        made["sopClass"] = f"urn:oid:{uid}"
    selector = draw(
        st.sampled_from(
            [
                None,
                "frameNumber",
                "segmentNumber",
                "regionOfInterest",
                "waveFormChannel",
                "referencedContentItemIdentifier",
            ]
        )
    )
    if selector:
        made[selector] = draw(FRAMES)
    return made


@st.composite
def r6_resources(draw: st.DrawFn) -> dict[str, Any]:
    later = {
        "bodySite": st.lists(sites, min_size=2, max_size=3),
        "modality": concepts,
        "instance": seldom(r6_instances()),
    }
    made = draw(resources(later, {"status": st.sampled_from(["available", "inactive"])}))
    for name in ("derivedFrom", "subject"):
        made.pop(name, None)
    made["basedOn"] = [{"reference": "Task/1"}]
    made["derivedFrom"] = {"reference": "ImagingStudy/7"}
    made["performer"] = [{"actor": {"reference": "Device/1"}}]
    if draw(st.booleans()):
        made["imageRegion3D"] = draw(regions(deep | {"unknown": points(some, 3)}, 3))
    else:
        codes = {k: v for k, v in flat.items() if k != "interpolated"} | flat_later
        for instance in made.get("instance", []):
            if draw(st.booleans()):
                instance["imageRegion2D"] = draw(regions(codes))
    return made


def members(resource: dict[str, Any]) -> list[dict[str, Any]]:
    if resource["resourceType"] == "Bundle":
        return [entry["resource"] for entry in resource["entry"]]
    return [resource]


def sent(resource: Any) -> Any:
    """Send a resource somewhere and back."""
    return json.loads(json.dumps(resource))


def back(written: Written, form: Dialect, to: Dialect) -> list[Written]:
    """Read what was written as the form it claims, and write it in another."""
    read = [normalize(sent(one), form) for one in members(written.resource)]
    return [write(whole, to) for whole in joined(read)]


def shapes(selection: Selection) -> list[tuple[str, Any]]:
    found = []
    for one in selection.regions:
        shape = one.shape
        parts = getattr(shape, "rings", None) or (
            getattr(shape, "coords", None),
            getattr(shape, "center", None),
            getattr(shape, "axes", None),
        )
        found.append((one.type, [np.asarray(p).tolist() for p in parts if p is not None]))
    return found


def forgetful(value: Any) -> Any:
    """Return a resource as a system leaves it that does not know our extensions."""
    if isinstance(value, list):
        return [forgetful(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {key: forgetful(item) for key, item in value.items()}
    for name in ("extension", "modifierExtension"):
        if name in kept:
            kept[name] = [e for e in kept[name] if not str(e.get("url")).startswith(OWN)]
            if not kept[name]:
                del kept[name]
    return {key: item for key, item in kept.items() if item != {}}


def differences(one: dict[str, Any], other: dict[str, Any]) -> Iterator[str]:
    """Name the elements of the resource and of its instances that differ."""
    for name in (one.keys() | other.keys()) - {"instance"}:
        if one.get(name) != other.get(name):
            yield name.removeprefix("_")
    ours, theirs = one.get("instance", []), other.get("instance", [])
    if len(ours) != len(theirs):
        yield "instance"
    for i, (mine, his) in enumerate(zip(ours, theirs, strict=False)):
        for name in mine.keys() | his.keys():
            if mine.get(name) != his.get(name):
                yield f"instance[{i}].{name.removeprefix('_')}"


def named(path: str) -> str:
    """Return the element that a path of a loss belongs to, as `differences` names it."""
    steps = path.split(".")[1:]
    if not steps:
        return ""
    if steps[0].startswith("instance") and len(steps) > 1:
        return f"{steps[0]}.{steps[1].partition('[')[0]}"
    return steps[0].partition("[")[0]


@pytest.mark.parametrize("form", ["r5", "r6", "r5-snapshot1"])
@settings(max_examples=30)
@given(resource=r5_resources)
def test_r5_comes_back_as_it_was(form: Dialect, resource: dict[str, Any]) -> None:
    given_form = normalize(copy.deepcopy(resource), "r5")
    (returned,) = back(write(given_form, form), form, "r5")
    assert returned.resource == resource
    assert shapes(read_selection(returned.resource)) == shapes(read_selection(resource))


@pytest.mark.parametrize("form", ["r5", "r6", "r5-snapshot1"])
@settings(max_examples=30)
@given(resource=r6_resources())
def test_r6_comes_back_as_it_was(form: Dialect, resource: dict[str, Any]) -> None:
    given_form = normalize(copy.deepcopy(resource), "r6")
    (returned,) = back(write(given_form, form), form, "r6")
    assert returned.resource == resource


@pytest.mark.parametrize("form", ["r6", "r5-snapshot1"])
@settings(max_examples=30)
@given(resource=r5_resources)
def test_every_difference_is_listed(form: Dialect, resource: dict[str, Any]) -> None:
    """A reader that ignores our extensions sees what the list of losses says, and no more."""
    written = write(normalize(copy.deepcopy(resource), "r5"), form)
    parts = members(written.resource)
    if len(parts) > 1:  # parts are put together by an extension
        return
    returned = write(normalize(forgetful(sent(parts[0])), form), "r5")
    found = {shared(name) for name in differences(resource, returned.resource)}
    assert found <= {shared(named(issue.path)) for issue in written.losses}
    warned = [issue for issue in written.losses if issue.severity == "warning"]
    assert {shared(named(issue.path)) for issue in warned} <= found


def shared(name: str) -> str:
    """Leave out which instance a 3-D region stands in: elsewhere it belongs to the resource."""
    return re.sub(r"instance\[\d+\]\.(?=imageRegion3D)", "", name)


@settings(max_examples=30)
@given(resource=r6_resources())
def test_r5_is_valid(resource: dict[str, Any]) -> None:
    written = write(normalize(resource, "r6"), "r5")
    ImagingSelection.model_validate(copy.deepcopy(written.resource))
    for instance in written.resource.get("instance", []):
        for one in instance.get("imageRegion2D", []) + instance.get("imageRegion3D", []):
            assert one.get("regionType") != "unknown"


def broken(resource: dict[str, Any]) -> set[int]:
    """Return the numbers of the invariants of R6 that a resource breaks."""
    instances = resource.get("instance", [])
    deep_ones = resource.get("imageRegion3D", [])
    flat_ones = [r for i in instances for r in i.get("imageRegion2D", [])]
    has = resource.keys().__contains__
    holds = {
        1: has("seriesUid") or bool(deep_ones),
        2: not has("seriesUid") or has("studyUid"),
        3: not has("seriesNumber") or has("seriesUid"),
        4: not instances or has("seriesUid"),
        5: not deep_ones or has("frameOfReferenceUid"),
        6: not deep_ones or not flat_ones,
        7: all(len(r["coordinate"]) % 2 == 0 for r in flat_ones),
        8: all(len(r["coordinate"]) % 3 == 0 for r in deep_ones),
        9: not has("modality") or has("seriesUid"),
        10: all(sum(name in i for name in SELECTORS[1:]) < 2 for i in instances),
        11: all(len(i.get("waveFormChannel", [])) % 2 == 0 for i in instances),
    }
    return {number for number, held in holds.items() if not held}


@settings(max_examples=30)
@given(resource=r5_resources)
def test_r6_meets_its_invariants(resource: dict[str, Any]) -> None:
    written = write(normalize(resource, "r5"), "r6")
    for one in members(written.resource):
        assert not broken(one)
        for instance in one.get("instance", []):
            assert "imageRegion3D" not in instance and "subset" not in instance
            assert isinstance(instance.get("sopClass", ""), str)
        for performer in one.get("performer", []):
            assert "actor" in performer
    if written.resource["resourceType"] == "Bundle":
        assert len(written.resource["entry"]) == 2


@settings(max_examples=30)
@given(resource=r5_resources)
def test_snapshot1_has_one_region_each(resource: dict[str, Any]) -> None:
    written = write(normalize(resource, "r5"), "r5-snapshot1")
    for one in members(written.resource):
        assert one["seriesUid"].startswith("urn:oid:")
        assert not one.keys() & {"status", "category", "focus", "seriesNumber", "imageRegion3D"}
        region = one.get("imageRegion")
        if region:
            assert region["regionType"] == region["regionType"].upper() != "CIRCLE"
            step = {"2d": 2, "3d": 3}[region["coordinateType"]]
            assert len(region["coordinates"]) % step == 0


@settings(max_examples=30)
@given(resource=r5_resources, form=st.sampled_from(sorted(FORMS)))
def test_paths_lead_to_the_same_coordinates(resource: dict[str, Any], form: Dialect) -> None:
    written = write(normalize(copy.deepcopy(resource), "r5"), form)
    for i, instance in enumerate(resource.get("instance", [])):
        for name in ("imageRegion2D", "imageRegion3D"):
            for j, one in enumerate(instance.get(name, [])):
                path = f"ImagingSelection.instance[{i}].{name}[{j}]"
                for place in written.paths[path]:
                    found = at(written.resource, place)
                    if one["regionType"] not in ("interpolated", "circle"):
                        values = found.get("coordinate") or found.get("coordinates")
                        assert values == one["coordinate"]


def at(resource: Any, path: str) -> Any:
    """Return the element at a FHIRPath."""
    for step in path.replace("[", ".").replace("]", "").split(".")[1:]:
        resource = resource[int(step) if step.isdigit() else step]
    return resource


@settings(max_examples=30)
@given(resource=r5_resources | r6_resources(), form=st.sampled_from(sorted(FORMS)))
def test_xml_says_the_same(resource: dict[str, Any], form: Dialect) -> None:
    dialect: Dialect = "r6" if isinstance(resource.get("derivedFrom"), dict) else "r5"
    for one in members(write(normalize(resource, dialect), form).resource):
        read = parse_xml(to_xml(one), "text")
        again, before = write(normalize(read, form), form), write(normalize(one, form), form)
        assert again.resource == before.resource
        if form != "r5-snapshot1":  # whose order reading does not know
            assert "element-order" not in [i.code for i in getattr(read, "issues", [])]


def selection(**elements: Any) -> Normalized:
    base = {"resourceType": "ImagingSelection", "status": "available", "code": {"text": "x"}}
    uids = {"studyUid": "1.2", "seriesUid": "1.2.3", "frameOfReferenceUid": "1.2.9"}
    return Normalized({**base, **uids, **elements})


def on_image(*found: dict[str, Any], **elements: Any) -> Normalized:
    return selection(instance=[{"uid": "1.2.3.4", "imageRegion2D": list(found), **elements}])


def test_unclosed_polygon_is_closed() -> None:
    drawn = {"regionType": "polygon", "coordinate": [0, 0, 4, 0, 4, 4]}
    written = write(on_image(drawn), "r5")
    region = written.resource["instance"][0]["imageRegion2D"][0]
    assert region["regionType"] == "polyline"
    assert region["coordinate"] == [0, 0, 4, 0, 4, 4, 0, 0]
    assert [issue.code for issue in written.losses] == ["polygon"]


def test_what_was_edited_is_not_undone() -> None:
    drawn = {"regionType": "interpolated", "coordinate": [0, 0, 4, 1, 8, 0]}
    resource = sent(write(on_image(drawn), "r6").resource)
    region = resource["instance"][0]["imageRegion2D"][0]
    assert write(normalize(sent(resource), "r6"), "r5").resource["instance"][0][
        "imageRegion2D"
    ] == [drawn]
    region["coordinate"][2] += 0.01
    (left,) = write(normalize(resource, "r6"), "r5").resource["instance"][0]["imageRegion2D"]
    assert left["regionType"] == "polyline"
    assert left["coordinate"] == region["coordinate"]


def test_points_of_one_region() -> None:
    drawn = {"regionType": "multipoint", "coordinate": [1, 2, 3, 4, 5, 6], "id": "seeds"}
    written = write(on_image(drawn, {"regionType": "point", "coordinate": [7, 8]}), "r5")
    resource = written.resource
    path = "ImagingSelection.instance[0].imageRegion2D"
    assert written.paths[f"{path}[0]"] == (f"{path}[0]", f"{path}[1]", f"{path}[2]")
    assert written.paths[f"{path}[1]"] == (f"{path}[3]",)
    del resource["instance"][0]["imageRegion2D"][1]
    (first, second) = write(normalize(resource, "r5"), "r6").resource["instance"][0][
        "imageRegion2D"
    ]
    assert first == {"regionType": "multipoint", "coordinate": [1, 2, 5, 6], "id": "seeds"}
    assert second["regionType"] == "point"


def test_region_that_cannot_be_computed() -> None:
    written = write(on_image({"regionType": "unknown", "coordinate": [1, 1]}), "r5")
    (issue,) = written.losses
    assert issue.severity == "warning"
    assert issue.path == "ImagingSelection.instance[0].imageRegion2D[0].regionType"
    read = read_selection(written.resource)
    assert not read.regions
    assert read.errors


def test_resource_without_instance() -> None:
    region = {"regionType": "point", "coordinate": [1, 2, 3]}
    written = write(selection(imageRegion3D=[region]), "r5")
    (instance,) = written.resource["instance"]
    assert "uid" not in instance
    assert "_uid" in instance
    assert written.paths["ImagingSelection.imageRegion3D[0]"] == (
        "ImagingSelection.instance[0].imageRegion3D[0]",
    )
    ImagingSelection.model_validate(copy.deepcopy(written.resource))
    assert "instance" not in write(normalize(written.resource, "r5"), "r6").resource


def test_region_of_several_instances() -> None:
    region = {"regionType": "point", "coordinate": [1, 2, 3]}
    several_of = selection(imageRegion3D=[region], instance=[{"uid": "1.1"}, {"uid": "1.2"}])
    written = write(several_of, "r5")
    assert [i["imageRegion3D"] for i in written.resource["instance"]] == [[region], [region]]
    again = write(normalize(written.resource, "r5"), "r6").resource
    assert again["imageRegion3D"] == [region]


def test_flat_and_deep_regions_part() -> None:
    deep_one = {"regionType": "point", "coordinate": [1, 2, 3]}
    flat_one = {"regionType": "point", "coordinate": [1, 2]}
    both = selection(
        id="both",
        instance=[
            {"uid": "1.1", "imageRegion2D": [flat_one], "imageRegion3D": [deep_one]},
            {"uid": "1.2"},
        ],
    )
    written = write(both, "r6")
    Bundle.model_validate({**written.resource, "entry": None})
    flat_part, deep_part = members(written.resource)
    assert [i["uid"] for i in flat_part["instance"]] == ["1.1", "1.2"]
    assert [i["uid"] for i in deep_part["instance"]] == ["1.1"]
    assert [part["id"] for part in (flat_part, deep_part)] == ["both-1", "both-2"]
    assert written.paths["ImagingSelection.instance[0].imageRegion3D[0]"] == (
        "Bundle.entry[1].resource.imageRegion3D[0]",
    )
    read = [normalize(sent(part), "r6") for part in (deep_part, flat_part)]
    (whole,) = joined(read)
    assert write(whole, "r5").resource == both.resource
    assert len(joined(read[:1])) == 1
    assert write(joined(read[:1])[0], "r5").resource["id"] == "both-2"
    for mark in read[0].resource["extension"]:  # one that claims far too many parts
        mark["extension"] = [
            e | {"valuePositiveInt": 2**40} if e["url"] == "count" else e for e in mark["extension"]
        ]
    assert len(joined(read)) == 2


@pytest.mark.parametrize(
    ("uid", "code", "subset", "name", "numbers"),
    [
        (CT, "", ["1", "2"], "frameNumber", [1, 2]),
        ("", "", ["3"], "frameNumber", [3]),
        (CT, "", ["1,2", " 03"], "frameNumber", [1, 2, 3]),
        (SEG, "", ["1"], "segmentNumber", [1]),
        (SEG, "121214", ["1"], "frameNumber", [1]),
        (SEG, "121191", ["1"], "segmentNumber", [1]),
        (RT, "", ["7"], "regionOfInterest", [7]),
        ("1" + RT, "130488", ["7"], "regionOfInterest", [7]),
        (SR, "", ["1.2.3"], None, None),
        (SEG, "", ["left"], "segmentNumber", [None]),
        (CT, "", ["first"], "frameNumber", [None]),
        (ECG, "", ["1"], None, None),
    ],
)
def test_subset_by_sop_class(
    uid: str, code: str, subset: list[str], name: str | None, numbers: list[Any] | None
) -> None:
    instance: dict[str, Any] = {"uid": "1.2", "subset": subset}
    if uid:
        instance["sopClass"] = {"system": "urn:ietf:rfc:3986", "code": f"urn:oid:{uid}"}
    concept = {"coding": [{"system": "http://dicom.nema.org/resources/ontology/DCM", "code": code}]}
    given_form = selection(instance=[instance], code=concept if code else {"text": "x"})
    written = write(given_form, "r6")
    (made,) = written.resource["instance"]
    assert {key: made[key] for key in SELECTORS if key in made} == ({name: numbers} if name else {})
    level = "warning" if numbers in (None, [None]) else "information"
    where = "ImagingSelection.instance[0].subset"
    assert level in {i.severity for i in written.losses if i.path == where}


def test_selector_that_r5_cannot_say() -> None:
    """Frames of a segmentation would be taken for segments: nobody may measure the whole."""
    seg = {"system": "urn:ietf:rfc:3986", "code": f"urn:oid:{SEG}"}
    drawn = {"regionType": "point", "coordinate": [1, 2]}
    written = write(on_image(drawn, sopClass=seg, frameNumber=[2]), "r5")
    (made,) = written.resource["instance"]
    assert made["subset"] == [None]
    ImagingSelection.model_validate(copy.deepcopy(written.resource))
    (returned,) = write(normalize(sent(written.resource), "r5"), "r6").resource["instance"]
    assert returned["frameNumber"] == [2]
    image = write(on_image(drawn, segmentNumber=[2]), "r5").resource
    assert not read_selection(image).regions


@pytest.mark.parametrize("status", ["entered-in-error", "inactive", "available", "unknown"])
def test_status_of_snapshot1(status: str) -> None:
    written = write(selection(status=status), "r5-snapshot1")
    assert "status" not in written.resource
    withdrawn = status in ("entered-in-error", "inactive")
    assert ("modifierExtension" in written.resource) is withdrawn
    assert any(i.severity == "warning" for i in written.losses) is withdrawn
    returned = write(normalize(sent(written.resource), "r5-snapshot1"), "r6")
    assert returned.resource["status"] == status


def test_faults_keep_their_paths() -> None:
    """What is malformed says that it is missing, under the path that it had."""
    found = normalize(
        {
            "resourceType": "ImagingSelection",
            "code": {"text": "x"},
            "studyUid": "urn:oid:1.2",
            "seriesUid": "urn:oid:1.2.3",
            "instance": [{"uid": "urn:oid:1.2.3.4"}],
            "imageRegion": {
                "regionType": "POINT",
                "coordinateType": "2d",
                "coordinates": [1, "x"],
            },
        },
        "r5-snapshot1",
    )
    written = write(found, "r5")
    assert "ImagingSelection.imageRegion.coordinates[1]" in {i.path for i in written.losses}
    assert written.paths["ImagingSelection.imageRegion"] == (
        "ImagingSelection.instance[0].imageRegion2D[0]",
    )
    ImagingSelection.model_validate(copy.deepcopy(written.resource))


@settings(max_examples=30)
@given(resource=r6_resources(), form=st.sampled_from(sorted(FORMS)))
def test_writing_changes_nothing(resource: dict[str, Any], form: Dialect) -> None:
    found = normalize(resource, "r6")
    before = copy.deepcopy(found.resource)
    write(found, form)
    assert found.resource == before


def test_unknown_form() -> None:
    with pytest.raises(InputError, match="expected one of r5, r6, r5-snapshot1"):
        write(selection(), "r4-basic")


@pytest.mark.parametrize(
    ("resource", "message"),
    [
        ({}, "resourceType"),
        ({"resourceType": "A b"}, "resourceType"),
        ({"resourceType": "Patient", "id": "\x00"}, "Patient.id: XML has no notation"),
        ({"resourceType": "Patient", "id": "\ud800"}, "Patient.id: XML has no notation"),
        ({"resourceType": "Patient", "a b": 1}, "no name of an element"),
        ({"resourceType": "Patient", "name": [[1]]}, "a list within a list"),
        ({"resourceType": "Patient", "id": float("nan")}, "expected text, number"),
        (
            {"resourceType": "Patient", "text": {"div": "<!DOCTYPE a [<!ENTITY b 'c'>]><div/>"}},
            "document type",
        ),
        ({"resourceType": "Patient", "text": {"div": "<div>&nbsp;</div>"}}, "well-formed"),
        ({"resourceType": "Patient", "text": {"div": "<div/><div/>"}}, "well-formed"),
    ],
)
def test_what_xml_cannot_hold(resource: dict[str, Any], message: str) -> None:
    with pytest.raises(FhirError, match=message):
        to_xml(resource)


def test_xml_of_deep_nesting() -> None:
    deep_one: dict[str, Any] = {"resourceType": "Patient"}
    inner = deep_one
    for _ in range(2000):
        inner["extension"] = [{"url": "x"}]
        inner = inner["extension"][0]
    with pytest.raises(InputError, match="nested deeper"):
        to_xml(deep_one)


def test_xml_quotes() -> None:
    text = "<&>\"'\n\t\r é 😀"
    resource = {
        "resourceType": "Patient",
        "id": "a",
        "text": {
            "status": "generated",
            "div": '<div xmlns="http://www.w3.org/1999/xhtml">a &lt; b</div>',
        },
        "active": False,
        "_birthDate": {"id": "x", "extension": [{"url": "u", "valueString": text}]},
        "name": [{"given": ["Ada", None], "_given": [None, {"id": "y"}], "family": text}],
    }
    assert parse_xml(to_xml(resource), "text") == resource
