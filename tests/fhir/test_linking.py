"""From Observations back to regions: every way to refer, and everything that dangles."""

from __future__ import annotations

import copy
import json
import time
from typing import Any

import pytest

import imageregion as ir
from imageregion.demo import demo_image, demo_selection
from imageregion.fhir.linking import link
from imageregion.fhir.links.values import Link

AREA = {"coding": [{"system": "http://snomed.info/sct", "code": "42798000"}]}
REGION = "ImagingSelection.instance[0].imageRegion2D[{}]"
PATH = "https://imageregion.github.io/fhir/StructureDefinition/region-path"
XVER = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Observation.derivedFrom"
URN = "urn:uuid:0f5b1c4e-6f3b-4a51-9b8e-0d6a6f3c1a01"


def drawn(count: int = 1, **more: Any) -> dict[str, Any]:
    circles = [{"regionType": "circle", "coordinate": [8 + i, 8, 11 + i, 8]} for i in range(count)]
    return {
        "resourceType": "ImagingSelection",
        "id": "drawn",
        "status": "available",
        "code": {"text": "Cyst"},
        "instance": [{"uid": "1.2.3", "imageRegion2D": circles} if count else {"uid": "1.2.3"}],
        **more,
    }


def stating(reference: Any = None, name: str = "area", **more: Any) -> dict[str, Any]:
    resource = {
        "resourceType": "Observation",
        "id": name,
        "status": "final",
        "code": AREA,
        "valueQuantity": {"value": 12.5, "unit": "mm2", "code": "mm2"},
        **more,
    }
    return resource if reference is None else resource | {"derivedFrom": [reference]}


def to(text: str, path: str = "") -> dict[str, Any]:
    named = {"extension": [{"url": PATH, "valueString": path}]} if path else {}
    return {**named, "reference": text}


def bundle(*resources: dict[str, Any], urls: tuple[str, ...] = ()) -> dict[str, Any]:
    entries: list[dict[str, Any]] = [{"resource": resource} for resource in resources]
    for entry, url in zip(entries, urls, strict=False):
        if url:
            entry["fullUrl"] = url
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def one(source: Any, name: str = "area") -> Link:
    return next(x for x in link(source).links if x.observation == f"Observation/{name}")


def codes(found: Link) -> list[str]:
    return [issue.code for issue in found.issues]


@pytest.mark.parametrize(
    ("reference", "url"),
    [
        (to("ImagingSelection/drawn"), ""),
        (to(URN), URN),
        (
            to("http://one.org/fhir/ImagingSelection/drawn"),
            "http://one.org/fhir/ImagingSelection/drawn",
        ),
        (to("http://one.org/fhir/ImagingSelection/drawn/_history/3"), ""),
        (to("ImagingSelection/drawn/_history/3"), ""),
        (to("ImagingSelection/drawn"), "http://one.org/fhir/ImagingSelection/drawn/_history/3"),
        ({"identifier": {"system": "urn:dicom:uid", "value": "urn:oid:1.2.77"}}, ""),
        ({"identifier": {"value": "1.2.3"}, "type": "ImagingSelection"}, ""),
    ],
)
def test_every_kind_of_reference(reference: dict[str, Any], url: str) -> None:
    selection = drawn(
        identifier=[{"system": "urn:dicom:uid", "value": "urn:oid:1.2.77"}],
        meta={"versionId": "3"},
    )
    found = one(bundle(selection, stating(reference), urls=(url,)))
    assert found.basis == "only-region"
    assert found.regions[0].path == REGION.format(0)
    assert found.instances == ("1.2.3",)
    assert not found.issues


def test_an_unknown_version_is_resolved_and_said() -> None:
    """Of a selection however it is referred to, of a member and of a result."""
    asked = to("ImagingSelection/drawn/_history/3")
    for observation in (stating(asked), stating(focus=[asked])):
        found = one([drawn(), observation])
        assert found.basis == "only-region" and not found.is_dangling
        assert [(i.severity, i.code) for i in found.issues] == [("information", "unknown-version")]
        assert found.issues[0].message.startswith("version 3 of ImagingSelection/drawn is meant")
    assert codes(one([drawn(meta={"versionId": "4"}), stating(asked)])) == ["unresolved"]
    group = stating(name="group", hasMember=[to("Observation/area/_history/3")])
    report = {"resourceType": "DiagnosticReport", "result": [to("Observation/area/_history/2")]}
    whole = link([drawn(), stating(to("ImagingSelection/drawn")), group, report])
    assert codes(whole.links[1]) == ["unknown-version", "no-derived-from"]
    assert [issue.code for issue in whole.issues] == ["unknown-version"]


def test_a_relative_reference_stays_on_its_server() -> None:
    ours, theirs = drawn(), drawn(code={"text": "Other"})
    servers = ("http://a.org/ImagingSelection/drawn", "http://b.org/ImagingSelection/drawn")
    source = bundle(
        ours,
        theirs,
        stating(to("ImagingSelection/drawn")),
        urls=(*servers, "http://b.org/Observation/area"),
    )
    assert one(source).regions[0].selection.code == "Other"
    source["entry"][2].pop("fullUrl")
    assert codes(one(source)) == ["unresolved"]


def test_a_contained_selection() -> None:
    found = one([stating(to("#drawn"), contained=[drawn()])])
    assert found.basis == "only-region"
    assert codes(one([stating(to("#other"), contained=[drawn()])])) == ["unresolved"]


def test_our_extension_names_the_region() -> None:
    source = [drawn(3), stating(to("ImagingSelection/drawn", REGION.format(2)))]
    found = one(source)
    assert (found.basis, found.regions[0].path) == ("region-path", REGION.format(2))
    whole = one([drawn(3), stating(to("ImagingSelection/drawn", "ImagingSelection"))])
    assert whole.regions[0].region is None
    missing = one([drawn(3), stating(to("ImagingSelection/drawn", REGION.format(3)))])
    assert codes(missing) == ["no-such-region"] and missing.basis == "none"


def test_several_regions_are_ambiguous_and_said_so() -> None:
    found = one([drawn(3), stating(to("ImagingSelection/drawn"))])
    assert found.basis == "ambiguous" and len(found.regions) == 3
    assert codes(found) == ["several-regions"] and not found.is_dangling


def test_members_inherit_from_their_group() -> None:
    group = {
        "resourceType": "Observation",
        "id": "group",
        "derivedFrom": [to("ImagingSelection/drawn")],
        "hasMember": [to("Observation/area")],
    }
    report = {"resourceType": "DiagnosticReport", "id": "r", "result": [to("Observation/group")]}
    found = one([drawn(), stating(), group, report])
    assert found.basis == "only-region" and found.via == "derivedFrom of Observation/group"
    assert found.groups == ("Observation/group",)
    assert found.reports == ("DiagnosticReport/r",)


def test_a_number_derived_from_another_observation() -> None:
    found = one(
        [drawn(), stating(to("ImagingSelection/drawn"), "first"), stating(to("Observation/first"))]
    )
    assert found.basis == "only-region" and found.via == "derivedFrom of Observation/first"


def test_focus_and_body_structure() -> None:
    body = {
        "resourceType": "BodyStructure",
        "id": "lung",
        "includedStructure": [{"spatialReference": [to("ImagingSelection/drawn")]}],
    }
    by_body = one([drawn(), body, stating(bodyStructure=to("BodyStructure/lung"))])
    assert by_body.basis == "only-region" and by_body.via == "bodyStructure: BodyStructure/lung"
    by_focus = one([drawn(), stating(focus=[to("ImagingSelection/drawn")])])
    assert by_focus.basis == "only-region" and by_focus.via == "focus"


@pytest.mark.parametrize("within", [True, False])
def test_the_cross_version_extension_of_r4(within: bool) -> None:
    report = ir.measure(demo_selection(), demo_image())
    source = report.to_observations("r4b")
    first = next(
        e["resource"] for e in source["entry"] if e["resource"]["resourceType"] == "Observation"
    )
    assert XVER in json.dumps(first)
    if not within:  # the extension on the Observation, and not on derivedFrom
        inner = first.pop("derivedFrom", None)
        if inner:
            first.setdefault("extension", []).extend(inner[0]["extension"])
    found = link(source)
    assert found.complete
    assert {x.basis for x in found.links} == {"region-path"}


@pytest.mark.parametrize("form", ["r5", "dicom-sr", "r4b"])
def test_our_own_bundles_lead_back_to_every_region(form: Any) -> None:
    report = ir.measure(demo_selection(), demo_image())
    found = link(report.to_observations(form))
    assert found.complete and {x.basis for x in found.links} == {"region-path"}
    stated = [n for x in found.links for n in x.numbers if n.text]
    values = [m for r in report.results for m in r.measurements if m.value is not None]
    assert sorted((n.name, n.value) for n in stated) == sorted((m.code, m.value) for m in values)


@pytest.mark.parametrize(
    ("resources", "code"),
    [
        ([stating()], "no-derived-from"),
        ([stating(to("ImagingSelection/gone"))], "unresolved"),
        ([stating(to(URN))], "unresolved"),
        ([stating({"display": "somewhere"})], "unresolved"),
        (
            [
                {"resourceType": "ImagingSelection", "id": "drawn"},
                stating(to("ImagingSelection/drawn")),
            ],
            "selection-unreadable",
        ),
        (
            [
                drawn(
                    instance=[
                        {
                            "uid": "1.2.3",
                            "imageRegion2D": [{"regionType": "banana", "coordinate": [1, 2]}],
                        }
                    ]
                ),
                stating(to("ImagingSelection/drawn")),
            ],
            "no-region",
        ),
    ],
)
def test_what_dangles_is_named(resources: list[dict[str, Any]], code: str) -> None:
    found = link(resources)
    assert codes(found.links[0]) == [code]
    assert not found.complete and found.dangling == found.links
    assert found.links[0].basis == "none"


def test_cycles_are_named_and_end() -> None:
    def group(name: str, member: str) -> dict[str, Any]:
        return {
            "resourceType": "Observation",
            "id": name,
            "hasMember": [to(f"Observation/{member}")],
        }

    source = [group("a", "b"), group("b", "a"), group("c", "c")]
    found = link(
        [*source, {"resourceType": "DiagnosticReport", "id": "r", "result": [to("Observation/a")]}]
    )
    assert [codes(x) for x in found.links] == [[], ["member-cycle"], ["member-cycle"]]
    assert found.links[1].reports == ("DiagnosticReport/r",)


def test_nothing_of_others_is_called_dangling() -> None:
    """A study or a document that is not in the Bundle is no mistake of the Bundle."""
    found = one([drawn(), stating(to("ImagingSelection/drawn"))])
    more = copy.deepcopy([drawn(), stating(to("ImagingSelection/drawn"))])
    more[1]["derivedFrom"].append(to("ImagingStudy/elsewhere"))
    assert one(more).issues == found.issues == ()


def test_numbers_keep_their_digits() -> None:
    text = json.dumps([drawn(), stating(to("ImagingSelection/drawn"))]).replace("12.5", "12.500")
    number = one(text).numbers[0]
    assert (number.text, number.half_unit, number.digits) == ("12.500", 0.0005, 5)
    lines = "\n".join(json.dumps(r) for r in json.loads(text)).replace("12.5", "12.50")
    assert one(lines).numbers[0].text == "12.50"
    assert one([drawn(), stating(to("ImagingSelection/drawn"))]).numbers[0].text == "12.5"


def test_absent_values_and_bounds() -> None:
    absent = {"code": AREA, "dataAbsentReason": {"text": "unknown"}}
    bound = {"code": AREA, "valueQuantity": {"value": 1.2, "comparator": "<=", "unit": "cm"}}
    found = one([drawn(), stating(to("ImagingSelection/drawn"), component=[absent, bound])])
    whole, first, second = found.numbers
    assert whole.text and not first.text and first.absent == "unknown"
    assert second.comparator == "<=" and second.unit == "cm"
    assert second.path == "Observation.component[1].value"


@pytest.mark.parametrize("value", [True, "NaN", "1e999", None, {}, [], "12,5", float("inf")])
def test_what_is_no_number_is_absent(value: Any) -> None:
    found = one([drawn(), stating(to("ImagingSelection/drawn"), valueQuantity={"value": value})])
    assert found.numbers[0].text == "" and found.numbers[0].value is None


@pytest.mark.parametrize(
    ("broken", "place", "message"),
    [
        ({"valueQuantity": {"value": "abc"}}, "value", "a number, found the text 'abc'"),
        ({"valueQuantity": {"value": "12.5"}}, "value", "a number, found the text '12.5'"),
        ({"valueQuantity": {"value": True}}, "value", "a number, found true"),
        ({"valueQuantity": {"value": None}}, "value", "a number, found null"),
        ({"valueQuantity": {"value": [1]}}, "value", "a number, found a list"),
        ({"valueQuantity": 7}, "value", "a Quantity, found 7"),
        ({"valueQuantity": {"value": 1, "comparator": 3}}, "value", "a comparator, found 3"),
        ({"valueQuantity": None, "valueInteger": 1.5}, "value", "a whole number, found 1.5"),
        ({"component": {"a": 1}}, "component", "a list, found an object"),
        ({"component": [None]}, "component[0]", "an object, found null"),
    ],
)
def test_wrong_types_are_errors_with_their_place(
    broken: dict[str, Any], place: str, message: str
) -> None:
    whole = link([drawn(), stating(to("ImagingSelection/drawn")) | broken])
    found = whole.links[0]
    issue = found.issues[0]
    assert (issue.severity, issue.code) == ("error", "wrong-type")
    assert issue.path.endswith(f": Observation.{place}")
    assert issue.message == f"expected {message}"
    assert not whole.complete and not found.is_dangling
    assert [n.unreadable for n in found.numbers if n.unreadable] == [issue.message]


@pytest.mark.parametrize(
    ("entries", "messages"),
    [
        ([None, 3], ["an entry, found null", "an entry, found a number"]),
        ([{"resource": None}, {"resource": []}], ["a resource, found null", "found a list"]),
        ([{"resource": {"id": "a"}}], ["found an object without resourceType"]),
    ],
)
def test_entries_that_are_no_resource_are_errors(entries: list[Any], messages: list[str]) -> None:
    source = bundle(drawn(), stating(to("ImagingSelection/drawn")))
    assert link(source).complete
    source["entry"] += [{"request": {"method": "DELETE"}}, *entries]
    found = link(source)
    assert not found.complete and len(found.links) == 1
    assert [issue.code for issue in found.issues] == ["unreadable"] * len(messages)
    assert all(issue.path.startswith("Bundle.entry[") for issue in found.issues)
    for issue, message in zip(found.issues, messages, strict=True):
        assert issue.message.endswith(message)


@pytest.mark.parametrize("line", ['{"resourceType": "Obs', "null", "7", '"text"'])
def test_lines_that_are_no_resource_are_errors(line: str) -> None:
    lines = [json.dumps(drawn()), json.dumps(stating(to("ImagingSelection/drawn"))), line]
    found = link("\n".join(lines))
    assert not found.complete and len(found.links) == 1
    assert [(i.severity, i.code) for i in found.issues] == [("error", "unreadable")]


@pytest.mark.parametrize(
    "broken",
    [
        {"derivedFrom": 7},
        {"derivedFrom": [None, 7, "x", {}]},
        {"hasMember": {"reference": 3}, "component": 5, "valueQuantity": 4},
        {"component": [None, {"code": 5, "valueQuantity": {"value": {}}}], "extension": [None, 3]},
        {"extension": [{"url": XVER, "valueReference": 5}], "contained": [None, 4]},
        {"method": 4, "bodyStructure": [1], "focus": 9, "identifier": [{"value": 4}]},
    ],
)
def test_wrong_types_are_no_crash(broken: dict[str, Any]) -> None:
    assert len(link([drawn(), stating() | broken]).links) == 1


def test_records_are_json() -> None:
    found = link([drawn(), stating(to("ImagingSelection/drawn"))])
    record = json.loads(found.to_json())["observations"][0]
    assert record["numbers"][0]["names"][0] == "area"
    assert record["regions"][0]["path"] == REGION.format(0)
    assert str(found).startswith("Observations: 1, with 1 numbers; of one region: 1")


def test_many_observations_take_linear_time() -> None:
    """5,000 in one group take half a second; with quadratic time it would be minutes."""
    names = [f"o{i}" for i in range(5_000)]
    group = {
        "resourceType": "Observation",
        "id": "group",
        "derivedFrom": [to("ImagingSelection/drawn")],
        "hasMember": [to(f"Observation/{name}") for name in names],
    }
    start = time.perf_counter()
    found = link([drawn(), group, *(stating(name=name) for name in names)])
    assert time.perf_counter() - start < 20
    assert sum(x.basis == "only-region" for x in found.links) == len(names) + 1


def test_long_chains_take_linear_time() -> None:
    """Four times as many take four times as long; sixteen times when every one walks the chain.

    Processor time, the better of two; the bound lies between 4 and 16 for busy machines.
    """

    def seconds(count: int) -> float:
        chain = [stating(to("ImagingSelection/drawn"), "o0")]
        for k in range(1, count):
            chain[-1]["hasMember"] = [to(f"Observation/o{k}")]
            chain.append(stating(to(f"Observation/o{k - 1}"), f"o{k}"))
        start = time.process_time()
        found = link([drawn(), *chain])
        taken = time.process_time() - start
        assert found.links[3].via == "derivedFrom of Observation/o0"
        return taken

    few = min(seconds(1_000) for _ in range(2))
    assert min(seconds(4_000) for _ in range(2)) < 10 * few + 0.1
    assert few < 1


def test_the_nearest_selection_counts() -> None:
    """One step to the group, two over another Observation; of two groups the first."""
    near = stating(to("ImagingSelection/drawn", REGION.format(1)), "near")
    far = stating(to("ImagingSelection/drawn", REGION.format(0)), "far")
    between = stating(to("Observation/far"), "between")
    member = to("Observation/area")
    groups = [near | {"hasMember": [member]}, far | {"id": "late", "hasMember": [member]}]
    source = [drawn(2), *groups, far, between, stating(to("Observation/between"))]
    found = one(source)
    assert found.via == "derivedFrom of Observation/near"
    assert found.regions[0].path == REGION.format(1)
    assert one([source[0], *source[3:]]).via == "derivedFrom of Observation/far"
