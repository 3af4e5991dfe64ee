"""Which resource a reference means: versions, servers, repeats; several ways; what is withdrawn."""

from __future__ import annotations

import copy
import json
import time
from typing import Any

import pytest

from imageregion.fhir.cross_version import to_basic
from imageregion.fhir.linking import link
from imageregion.fhir.links.values import Link, Links

A, B = "http://a.org/fhir/", "http://b.org/fhir/"
URN = "urn:uuid:0f5b1c4e-6f3b-4a51-9b8e-0d6a6f3c1a01"
AREA = {"coding": [{"system": "http://snomed.info/sct", "code": "42798000"}]}


def selecting(name: str = "s", image: str = "1.2.3", **more: Any) -> dict[str, Any]:
    circle = {"regionType": "circle", "coordinate": [8, 8, 11, 8]}
    return {
        "resourceType": "ImagingSelection",
        "id": name,
        "status": "available",
        "code": {"text": "Cyst"},
        "instance": [{"uid": image, "imageRegion2D": [circle]}],
        **more,
    }


def version(number: str, image: str) -> dict[str, Any]:
    return selecting(image=image, meta={"versionId": number})


def stating(*references: str, name: str = "o", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": name,
        "status": "final",
        "code": AREA,
        "derivedFrom": [{"reference": reference} for reference in references],
        "valueQuantity": {"value": 12.5, "unit": "mm2", "code": "mm2"},
        **more,
    }


def group(name: str, *references: str, **more: Any) -> dict[str, Any]:
    more.setdefault("hasMember", [{"reference": "Observation/m"}])
    resource = stating(*references, name=name, **more)
    del resource["valueQuantity"]
    return resource


def reporting(**more: Any) -> dict[str, Any]:
    heading = {"resourceType": "DiagnosticReport", "id": "r", "status": "final"}
    return {**heading, "code": AREA, **more}


def linked(*entries: Any) -> Links:
    """Link a Bundle of resources, or of pairs of a fullUrl and a resource."""
    pairs = [entry if isinstance(entry, tuple) else ("", entry) for entry in entries]
    records = [{"fullUrl": url, "resource": r} if url else {"resource": r} for url, r in pairs]
    return link({"resourceType": "Bundle", "type": "collection", "entry": records})


def last(*entries: Any) -> Link:
    return linked(*entries).links[-1]


def codes(found: Link | Links) -> list[str]:
    return [issue.code for issue in found.issues]


def images(found: Link) -> list[str]:
    targets = [one.region.target for one in found.regions if one.region is not None]
    return [target.instance for target in targets]


# Several ways


def test_groups_with_different_selections_leave_it_open() -> None:
    both = [selecting("s", "1.1"), selecting("t", "2.2")]
    groups = [group("g1", "ImagingSelection/s"), group("g2", "ImagingSelection/t")]
    found = last(*both, *groups, stating(name="m"))
    assert found.basis == "ambiguous"
    assert images(found) == ["1.1", "2.2"]
    assert codes(found) == ["several-regions"]


def test_derived_from_observations_of_different_selections() -> None:
    parts = [stating("ImagingSelection/s", name="a"), stating("ImagingSelection/t", name="b")]
    ratio = stating("Observation/a", "Observation/b")
    found = last(selecting("s", "1.1"), selecting("t", "2.2"), *parts, ratio)
    assert found.basis == "ambiguous"
    assert images(found) == ["1.1", "2.2"]


def test_two_ways_to_one_selection_leave_no_doubt() -> None:
    groups = [group("g1", "ImagingSelection/s"), group("g2", "ImagingSelection/s")]
    assert last(selecting(), *groups, stating(name="m")).basis == "only-region"
    twice = last(selecting(), stating("ImagingSelection/s", "ImagingSelection/s"))
    assert (twice.basis, len(twice.regions), codes(twice)) == ("only-region", 1, [])


def test_the_nearest_still_goes_first() -> None:
    far = group("far", "ImagingSelection/t", hasMember=[{"reference": "Observation/near"}])
    empty = group("empty", hasMember=[{"reference": "Observation/m"}])
    empty["hasMember"].append({"reference": "Observation/near"})
    near = group("near", "ImagingSelection/s")
    both = [selecting("s", "1.1"), selecting("t", "2.2")]
    assert images(last(*both, far, near, empty, stating(name="m"))) == ["1.1"]


def test_very_many_ways_end() -> None:
    """500 groups above one group above 500 members: not every member lists every way."""
    members = [{"reference": f"Observation/m{i}"} for i in range(500)]
    over = [
        group(f"g{i}", f"ImagingSelection/s{i}", hasMember=[{"reference": "Observation/one"}])
        for i in range(500)
    ]
    start = time.monotonic()
    found = linked(
        *[selecting(f"s{i}", f"1.{i}") for i in range(500)],
        *over,
        group("one", hasMember=members),
        *[stating(name=f"m{i}") for i in range(500)],
    )
    assert found.links[-1].basis == "ambiguous"
    assert len(found.links[-1].regions) < 100
    assert time.monotonic() - start < 20  # about 1 s; a way for each pair would be 250 000


# Versions


@pytest.mark.parametrize("start", ["", A])
@pytest.mark.parametrize(("number", "image"), [("1", "1.1"), ("2", "2.2")])
def test_a_version_is_chosen(start: str, number: str, image: str) -> None:
    url = f"{A}ImagingSelection/s"
    entries = [(url, version("1", "1.1")), (url, version("2", "2.2"))]
    source = (f"{A}Observation/o", stating(f"{start}ImagingSelection/s/_history/{number}"))
    found = last(*entries, source)
    assert (images(found), codes(found)) == ([image], [])


def test_a_version_that_is_not_there_is_unresolved() -> None:
    found = last(version("1", "1.1"), stating("ImagingSelection/s/_history/7"))
    assert (found.basis, codes(found)) == ("none", ["unresolved"])
    assert "holds version 1" in found.issues[0].message


def test_a_version_that_is_not_stated_is_told() -> None:
    found = last(selecting(), stating("ImagingSelection/s/_history/7"))
    assert (found.basis, codes(found)) == ("only-region", ["unknown-version"])


def test_a_reference_without_version_means_any() -> None:
    both = [version("1", "1.1"), version("2", "2.2")]
    assert codes(last(*both, stating("ImagingSelection/s"))) == ["unresolved"]
    assert last(both[0], stating("ImagingSelection/s")).basis == "only-region"


# Servers


def test_a_relative_reference_stays_on_its_server() -> None:
    source = (f"{A}Observation/o", stating("ImagingSelection/s"))
    found = last((f"{B}ImagingSelection/s", selecting()), source)
    assert (found.basis, codes(found)) == ("none", ["unresolved"])
    for url in (f"{A}ImagingSelection/s", "", URN):
        assert last((url, selecting()), source).basis == "only-region"


def test_the_server_of_an_observation_without_id() -> None:
    source = stating("ImagingSelection/s")
    del source["id"]
    here, there = selecting(image="1.1"), selecting(image="2.2")
    entries = [(f"{B}ImagingSelection/s", there), (f"{A}ImagingSelection/s", here)]
    assert images(last(*entries, (f"{A}Observation/o", source))) == ["1.1"]


def test_the_server_of_a_contained_observation() -> None:
    report = reporting(contained=[stating("ImagingSelection/s")])
    here, there = selecting(image="1.1"), selecting(image="2.2")
    entries = [(f"{B}ImagingSelection/s", there), (f"{A}ImagingSelection/s", here)]
    assert images(last(*entries, (f"{A}DiagnosticReport/r", report))) == ["1.1"]


def test_the_prefix_and_digits_of_a_uuid_have_no_case() -> None:
    assert last((URN, selecting()), stating(URN.upper())).basis == "only-region"
    assert last((URN.upper(), selecting()), stating(URN)).basis == "only-region"


# Identifiers beside references, repeats


def naming(text: str, value: str = "urn:oid:1.2.77") -> dict[str, Any]:
    identifier = {"system": "urn:dicom:uid", "value": value}
    return stating() | {"derivedFrom": [{"reference": text, "identifier": identifier}]}


def test_an_identifier_helps_where_the_reference_leads_nowhere() -> None:
    known = selecting(identifier=[{"system": "urn:dicom:uid", "value": "urn:oid:1.2.77"}])
    found = last(known, naming("ImagingSelection/gone"))
    assert (found.basis, codes(found)) == ("only-region", [])
    assert last(known, naming("ImagingSelection/gone", "urn:oid:9")).basis == "none"


def test_an_identifier_does_not_change_type_or_version() -> None:
    identifier = [{"system": "urn:dicom:uid", "value": "urn:oid:1.2.77"}]
    known = version("1", "1.1") | {"identifier": identifier}
    assert last(known, naming("DocumentReference/gone")).basis == "none"
    assert last(known, naming("ImagingSelection/s/_history/7")).basis == "none"


def test_equal_resources_count_once() -> None:
    found = linked(selecting(), selecting(), stating("ImagingSelection/s"))
    assert found.links[0].basis == "only-region"
    assert codes(found) == ["repeated"]
    twice = linked(selecting(), stating("ImagingSelection/s"), stating("ImagingSelection/s"))
    assert (len(twice.links), codes(twice)) == (1, ["repeated"])


def test_resources_that_differ_do_not_count_once() -> None:
    other = selecting(image="9.9")
    assert codes(last(selecting(), other, stating("ImagingSelection/s"))) == ["unresolved"]
    text = [json.dumps(stating("ImagingSelection/s")) for _ in range(2)]
    text[1] = text[1].replace("12.5", "12.50")
    found = link("\n".join([json.dumps(selecting()), *text]))
    assert [one.numbers[0].text for one in found.links] == ["12.5", "12.50"]
    nameless = stating("ImagingSelection/s")
    del nameless["id"]
    assert len(linked(selecting(), nameless, copy.deepcopy(nameless)).links) == 2


# Withdrawn


@pytest.mark.parametrize(
    ("wrong", "name"),
    [(0, "ImagingSelection/s"), (1, "Observation/g"), (2, "Observation/m")],
)
def test_what_is_entered_in_error_on_the_way(wrong: int, name: str) -> None:
    entries = [selecting(), group("g", "ImagingSelection/s"), stating(name="m")]
    assert last(*entries).withdrawn == ()
    entries[wrong]["status"] = "entered-in-error"
    found = last(*entries)
    assert found.withdrawn == (name,)
    assert [(i.severity, i.code) for i in found.issues] == [("warning", "entered-in-error")]
    assert found.basis == "only-region"
    assert not found.is_dangling
    assert found.to_dict()["withdrawn"] == [name]


def test_a_group_between_is_on_the_way() -> None:
    inner = group("g", status="entered-in-error")
    outer = group("h", "ImagingSelection/s", hasMember=[{"reference": "Observation/g"}])
    assert last(selecting(), outer, inner, stating(name="m")).withdrawn == ("Observation/g",)


def test_a_group_that_is_not_on_the_way_does_not_matter() -> None:
    wrong = group("g", "ImagingSelection/s", status="entered-in-error")
    right = group("h", "ImagingSelection/s")
    assert last(selecting(), wrong, stating("ImagingSelection/s", name="m")).withdrawn == ()
    assert last(selecting(), wrong, right, stating(name="m")).withdrawn == ()


def test_the_status_inside_a_basic() -> None:
    basic = to_basic(selecting(status="entered-in-error"))
    assert last(basic, stating("Basic/s")).withdrawn == ("Basic/s",)
    assert last(to_basic(selecting()), stating("Basic/s")).withdrawn == ()


# Types


def test_members_and_results_that_are_no_observation() -> None:
    wrong = stating("ImagingSelection/s", hasMember=[{"reference": "ImagingSelection/s"}])
    results = [{"reference": "ImagingSelection/s"}, {"reference": "Observation/o"}]
    report = reporting(result=results)
    found = linked(selecting(), wrong, report)
    assert codes(found) == codes(found.links[0]) == ["reference-type"]
    assert found.links[0].basis == "only-region"
    assert found.links[0].reports == ("DiagnosticReport/r",)
    form = {"resourceType": "QuestionnaireResponse", "id": "q", "status": "completed"}
    fine = stating("ImagingSelection/s", hasMember=[{"reference": "QuestionnaireResponse/q"}])
    assert codes(last(selecting(), form, fine)) == []


# Digits of XML


XML = """<Observation xmlns="http://hl7.org/fhir"><id value="o"/><status value="final"/>
  <code><text value="Area"/></code>
  <derivedFrom><reference value="ImagingSelection/s"/></derivedFrom>
  <component><code><text value="a"/></code><valueQuantity><value value="222.90"/></valueQuantity>
  </component><component><code><text value="b"/></code><valueInteger value="316"/></component>
  <component><code><text value="c"/></code><valueQuantity><value value="1.50e2"/></valueQuantity>
  </component></Observation>"""


def test_xml_keeps_the_digits(tmp_path: Any) -> None:
    path = tmp_path / "observation.xml"
    path.write_text(XML)
    sources = (XML, XML.encode(), ("\ufeff" + XML).encode(), path, str(path), [selecting(), XML])
    for source in (*sources, XML.encode("utf-16")):
        numbers = link(source).links[0].numbers
        assert [number.text for number in numbers] == ["222.90", "316", "1.50e2"]
        assert [number.value for number in numbers] == [222.9, 316.0, 150.0]


def test_xml_values_stay_plain() -> None:
    from imageregion.fhir.text.xml_reading import parse_xml

    parsed = parse_xml(XML.encode(), "text")
    assert type(parsed["component"][0]["valueQuantity"]["value"]) is float
