"""FHIR XML becomes the JSON that means the same, as fhir.resources says it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from fhir.resources.bundle import Bundle
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fhir.xml_writing import as_xml

from imageregion.errors import InputError
from imageregion.fhir.document import read_document, read_selection, read_selections
from imageregion.fhir.text import xml_reading
from imageregion.fhir.text.xml_reading import XmlResource, parse_xml

Make = Callable[..., dict[str, Any]]
FHIR = 'xmlns="http://hl7.org/fhir"'
SELECTION = (
    f'<?xml version="1.0"?><ImagingSelection {FHIR}><id value="a"/><status value="available"/>'
    '<code><text value="Cyst"/></code><seriesUid value="1.2"/><seriesNumber value="3"/>'
    '<instance><uid value="1.2.3"/><imageRegion2D id="left"><regionType value="circle"/>'
    '<coordinate value="8"/><coordinate value="8.50"/><coordinate value="1.1e1"/>'
    '<coordinate value="8.5"/></imageRegion2D></instance></ImagingSelection>'
)


def parse(text: str) -> dict[str, Any]:
    return parse_xml(text.encode(), "text")


def inside(inner: str) -> dict[str, Any]:
    return parse(f"<ImagingSelection {FHIR}>{inner}</ImagingSelection>")


def issues(resource: Any) -> list[tuple[str, str, str]]:
    assert isinstance(resource, XmlResource)
    return [(issue.severity, issue.code, issue.path) for issue in resource.issues]


def test_a_selection() -> None:
    resource = parse(SELECTION)
    assert resource == {
        "resourceType": "ImagingSelection",
        "id": "a",
        "status": "available",
        "code": {"text": "Cyst"},
        "seriesUid": "1.2",
        "seriesNumber": 3,
        "instance": [
            {
                "uid": "1.2.3",
                "imageRegion2D": [
                    {"id": "left", "regionType": "circle", "coordinate": [8, 8.5, 11.0, 8.5]}
                ],
            }
        ],
    }
    assert not issues(resource)
    numbers = resource["instance"][0]["imageRegion2D"][0]["coordinate"]
    assert [type(number) for number in numbers] == [int, float, float, float]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_and_sources(encoding: str, tmp_path: Any) -> None:
    text = SELECTION.replace("Cyst", "Zyste größer 3 µm")
    path = tmp_path / "one.xml"
    path.write_bytes(text.encode(encoding))
    for source in (path, str(path), text.encode(encoding), text):
        selection = read_selection(source)
        assert (selection.code, selection.regions[0].label) == ("Zyste größer 3 µm", "left")
        assert [s.id for s in read_selections(source)] == ["a"]
    assert json.loads(selection.to_json())["id"] == "a"


def test_ids_and_extensions_of_primitives() -> None:
    extension = '<extension url="http://x"><valueBoolean value="true"/></extension>'
    resource = inside(
        f'<status id="s" value="available">{extension}</status><code/><instance><uid value="1"/>'
        f'<subset value="1"/><subset>{extension}</subset><subset id="t" value="3"/></instance>'
    )
    note = {"extension": [{"url": "http://x", "valueBoolean": True}]}
    assert resource["status"] == "available"
    assert resource["_status"] == {"id": "s", **note}
    instance = resource["instance"][0]
    assert instance["subset"] == ["1", None, "3"]
    assert instance["_subset"] == [None, note, {"id": "t"}]


def test_resources_within_resources() -> None:
    bundle = parse(
        f'<Bundle {FHIR}><type value="collection"/><entry><fullUrl value="urn:x"/><resource>'
        f"{SELECTION[21:]}</resource></entry><entry><resource><Patient {FHIR}><contained>"
        '<Device><id value="d"/></Device></contained><active value="false"/></Patient></resource>'
        "</entry></Bundle>"
    )
    first, second = (entry["resource"] for entry in bundle["entry"])
    assert (first["resourceType"], second["active"]) == ("ImagingSelection", False)
    assert second["contained"] == [{"resourceType": "Device", "id": "d"}]
    assert [s.source for s in read_selections(json.dumps(bundle))] == ["Bundle.entry[0].resource"]
    Bundle.model_validate(bundle)


def test_narrative_is_text() -> None:
    div = (
        '<div xmlns="http://www.w3.org/1999/xhtml" xml:lang="en"><p class="a&quot;b">1 &lt; 2 &amp;'
        "<br/><b/>x</p></div>"
    )
    text = inside(f'<text><status value="generated"/>{div}</text>')["text"]
    assert text["status"] == "generated"
    assert text["div"].replace("'", '"').startswith('<div xmlns="http://www.w3.org/1999/xhtml"')
    assert text["div"].endswith("1 &lt; 2 &amp;<br/><b/>x</p></div>")
    again = parse(f"<Patient {FHIR}><text>{text['div']}</text></Patient>")["text"]["div"]
    assert again == text["div"]


def test_elements_of_other_versions() -> None:
    region = '<regionType value="POINT"/><coordinateType value="3D"/><coordinates value="1"/>'
    resource = inside(
        f'<instances><uid value="1"/><sopClass value="urn:oid:1.2"/><frameNumber value="2"/>'
        f'<observationUid value="1.5"/><imageRegion>{region}</imageRegion></instances>'
        '<modality><coding><code value="CT"/></coding></modality>'
        '<imageRegion3D><coordinate value="1"/></imageRegion3D>'
        '<bodySite><concept><text value="a"/></concept></bodySite>'
        '<bodySite><concept><text value="b"/></concept></bodySite>'
    )
    assert resource["instances"] == [
        {
            "uid": "1",
            "sopClass": "urn:oid:1.2",
            "frameNumber": [2],
            "observationUid": "1.5",
            "imageRegion": {"regionType": "POINT", "coordinateType": "3D", "coordinates": [1]},
        }
    ]
    assert resource["modality"] == {"coding": [{"code": "CT"}]}
    assert resource["imageRegion3D"] == [{"coordinate": [1]}]
    assert [site["concept"]["text"] for site in resource["bodySite"]] == ["a", "b"]


def test_unknown_elements_are_kept() -> None:
    resource = inside('<colour value="red"/><shade><deep value="1"/></shade><colour value="2"/>')
    assert (resource["colour"], resource["shade"]) == (["red", "2"], {"deep": "1"})


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("1", 1),
        ("-0", 0),
        ("1.", "1."),
        ("01", "01"),
        ("+1", "+1"),
        (" 1", " 1"),
        ("1_0", "1_0"),
        ("nan", "nan"),
        ("1e999", "1e999"),
        ("9" * 30, 1e30),
        ("9" * 65, "9" * 65),
        ("\u0661", "\u0661"),
    ],
)
def test_numbers(value: str, read: Any) -> None:
    number = inside(f'<seriesNumber value="{value}"/>')["seriesNumber"]
    assert number == read
    assert type(number) is type(read)


def test_another_order_is_information() -> None:
    resource = inside(
        '<status value="available"/><id value="a"/><code><coding><code value="x"/>'
        '<system value="http://x"/></coding></code>'
    )
    assert issues(resource) == [
        ("information", "element-order", "ImagingSelection"),
        ("information", "element-order", "ImagingSelection.code.coding[0]"),
    ]
    assert resource["code"] == {"coding": [{"code": "x", "system": "http://x"}]}
    scattered = inside('<endpoint><display value="a"/></endpoint><seriesUid value="1"/><endpoint/>')
    assert [code for _, code, _ in issues(scattered)] == ["element-order"]
    assert len(scattered["endpoint"]) == 2


def test_the_order_of_any_version_is_right() -> None:
    later = '<code/><derivedFrom><display value="a"/></derivedFrom><studyUid value="1"/>'
    earlier = '<code/><studyUid value="1"/><derivedFrom><display value="a"/></derivedFrom>'
    assert not issues(inside(later))
    assert not issues(inside(earlier))


def test_what_is_not_fhir_is_left_out_and_said() -> None:
    resource = inside(
        '<status value="available" colour="red"/>word<x:y xmlns:x="urn:x"><x:z/></x:y><!-- c -->'
        "<?p i?><code/>"
    )
    assert [code for _, code, _ in issues(resource)] == [
        "unknown-attribute",
        "unknown-text",
        "unknown-element",
    ]
    assert resource.keys() == {"resourceType", "status", "code"}
    bare = parse('<Patient><active value="true"/></Patient>')
    assert issues(bare) == [("information", "namespace", "Patient")]
    assert bare["active"] is True


def test_issues_reach_the_selection() -> None:
    moved = SELECTION.replace('<id value="a"/>', "").replace("<code>", '<id value="a"/><code>')
    assert [issue.code for issue in read_selection(moved).issues] == ["element-order"]
    bundle = f"<Bundle {FHIR}><entry><resource>{moved[21:]}</resource></entry></Bundle>"
    (selection,) = read_selections(bundle)
    assert [issue.path for issue in selection.issues] == ["ImagingSelection"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<a", "not XML: unclosed token"),
        (f"<Patient {FHIR}>", "not XML: no element found .line 1, column"),
        ("<a/><b/>", "expected FHIR XML, got element a"),
        (f"<!DOCTYPE Patient><Patient {FHIR}/>", "document type"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>', "document type"),
        ('<?xml version="1.0" encoding="UTF-7"?><Patient/>', "expected UTF-8, got encoding"),
        ('<?xml version="1.0" encoding="cp037"?><Patient/>', "expected UTF-8, got encoding"),
        (f"<Patient {FHIR}><x>&nothing;</x></Patient>", "undefined entity"),
        ('<html xmlns="http://www.w3.org/1999/xhtml"/>', "expected FHIR XML, got element html"),
        (f"<patient {FHIR}/>", "expected FHIR XML, got element patient"),
        (f"<Patient {FHIR}>{'<a>' * 200}{'</a>' * 200}</Patient>", "nested deeper than 128"),
    ],
)
def test_what_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_document(text)


def test_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xml_reading, "MAX_ELEMENTS", 3)
    with pytest.raises(InputError, match="more than 3 elements"):
        inside("<a/><b/><c/>")
    inside("<a/><b/>")
    monkeypatch.setattr(xml_reading, "MAX_XML", 40)
    with pytest.raises(InputError, match="larger than 40 bytes"):
        inside("<a/>")


@pytest.mark.parametrize(
    "resource",
    [
        {
            "resourceType": "Observation",
            "meta": {"profile": ["http://x/y"]},
            "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": "1"}]},
            "hasMember": [{"reference": "#a"}],
            "valueQuantity": {"value": 2.5, "comparator": "<=", "unit": "mm"},
            "component": [{"code": {"text": "a"}, "valueInteger": 3}],
        },
        {
            "resourceType": "ImagingSelection",
            "extension": [{"url": "http://x", "valueDecimal": 0.5}],
            "identifier": [{"system": "urn:dicom:uid", "value": "urn:oid:1.2"}],
            "status": "available",
            "_status": {"id": "s"},
            "code": {"text": "<&>\"'"},
            "performer": [{"actor": {"reference": "Practitioner/1"}}],
            "instance": [
                {"uid": "1", "number": 4, "subset": ["1", None], "_subset": [None, {"id": "t"}]}
            ],
        },
        {
            "resourceType": "ImagingStudy",
            "status": "available",
            "series": [{"uid": "1.2", "numberOfInstances": 3, "instance": [{"uid": "1.2.3"}]}],
        },
        {
            "resourceType": "ImagingManifest",
            "study": [{"uid": "urn:oid:1.2", "series": [{"uid": "urn:oid:1.2.3"}]}],
        },
    ],
)
def test_what_is_written_as_xml_is_read_the_same(resource: dict[str, Any]) -> None:
    read = parse(as_xml(resource))
    assert read == resource
    assert not issues(read)


number = st.floats(-1e6, 1e6, allow_nan=False) | st.integers(-(10**6), 10**6)


@given(
    st.lists(st.tuples(number, number), min_size=2, max_size=9),
    st.text(st.characters(min_codepoint=32, exclude_categories=("Cs", "Cn")), min_size=1),
)
@settings(deadline=None)
def test_xml_and_json_are_read_the_same(vertices: list[tuple[float, float]], text: str) -> None:
    from xml.sax.saxutils import quoteattr

    flat = [value for vertex in vertices for value in vertex]
    coordinates = "".join(f'<coordinate value="{value!r}"/>' for value in flat)
    resource = inside(
        f"<code><text value={quoteattr(text)}/></code><instance><imageRegion2D>{coordinates}"
        "</imageRegion2D></instance>"
    )
    assert resource["instance"][0]["imageRegion2D"][0]["coordinate"] == flat
    assert resource["code"]["text"] == text


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda b: b.decode("latin-1")))
@settings(deadline=None)
def test_whatever_comes_is_json_or_a_clear_error(text: str) -> None:
    for content in (f"<{text}", f"<Patient {FHIR}>{text}</Patient>"):
        try:
            value, _ = read_document(content.encode("utf-8", "replace"))
        except InputError:
            continue
        json.dumps(value)
