"""ImagingStudy and Endpoint of every release: what exists, where, and whether it is to be had."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from imageregion.cli import app
from imageregion.errors import FhirError, ImageRegionError, InputError
from imageregion.fhir.studies import (
    NOT_LOADED,
    RELEASES,
    Endpoint,
    Release,
    SeriesEntry,
    Study,
    effective_endpoints,
    endpoints_of_selection,
    read_endpoint,
    read_studies,
    read_study,
)
from imageregion.fhir.studies.elements import MAX_ISSUES

CT = "1.2.840.10008.5.1.4.1.1.2"
RS, URI, IID = "dicom-wado-rs", "dicom-wado-uri", "ihe-iid"
R4_SYSTEM = "http://terminology.hl7.org/CodeSystem/endpoint-connection-type"
STU3_SYSTEM = "http://hl7.org/fhir/endpoint-connection-type"
ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"

IDENTIFIER = {"system": "urn:dicom:uid", "value": "urn:oid:1.2"}


def study_of(release: Release, **changes: Any) -> dict[str, Any]:
    """The same study of one series and two instances, as each release writes it."""
    coding = {"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "CT"}
    prefix = "urn:oid:" if release == "stu3" else ""
    sop: Any = {"system": "urn:ietf:rfc:3986", "code": f"urn:oid:{CT}"}
    instances = [
        {
            "uid": f"{prefix}1.2.3.{number}",
            "sopClass": f"urn:oid:{CT}" if release in ("stu3", "r6") else sop,
            "number": number,
        }
        for number in (4, 5)
    ]
    if release == "r6":
        instances[0]["numberOfFrames"] = 7
    series = {
        "uid": f"{prefix}1.2.3",
        "modality": coding if release in ("stu3", "r4") else {"coding": [coding]},
        "instance": instances,
    }
    head: dict[str, Any] = (
        {"uid": "urn:oid:1.2", "patient": {"reference": "Patient/1"}}
        if release == "stu3"
        else {"identifier": [IDENTIFIER], "status": "available", "subject": {}}
    )
    study = {"resourceType": "ImagingStudy", "id": "s", **head, "series": [series], **changes}
    return {key: value for key, value in study.items() if value is not ...}


def endpoint_of(named: str, /, *types: str, release: str = "r5", **changes: Any) -> dict[str, Any]:
    codings = [{"system": R4_SYSTEM, "code": kind} for kind in types]
    found = {
        "resourceType": "Endpoint",
        "id": named,
        "status": "active",
        "connectionType": [{"coding": [one]} for one in codings] if release == "r5" else codings[0],
        "address": f"https://{named}.example.org/x",
        **changes,
    }
    return {key: value for key, value in found.items() if value is not ...}


def codes(found: Study | Endpoint, severity: str = "") -> list[str]:
    return [one.code for one in found.issues if severity in ("", one.severity)]


# --- releases ---------------------------------------------------------------------------------


@pytest.mark.parametrize("release", get_args(Release))
def test_every_release_says_the_same(release: Release) -> None:
    study = read_study(study_of(release))
    assert study.release == release
    assert study.evidence.startswith("ImagingStudy.")
    assert (study.uid, study.id) == ("1.2", "s")
    (series,) = study.series
    assert (series.uid, series.modality) == ("1.2.3", "CT")
    assert [(one.uid, one.sop_class, one.number) for one in series.instances] == [
        ("1.2.3.4", CT, 4),
        ("1.2.3.5", CT, 5),
    ]
    assert series.instances[0].frames == (7 if release == "r6" else None)
    assert study.issues == ()
    assert study.status == ("unknown" if release == "stu3" else "available")


def test_the_release_can_be_forced_and_what_speaks_against_it_is_reported() -> None:
    study = read_study(study_of("r5"), release="r4")
    assert (study.release, study.evidence) == ("r4", "asked for")
    assert codes(study) == ["other-release"]
    assert study.series == read_study(study_of("r5")).series
    with pytest.raises(FhirError, match="expected a release of stu3, r4, r5, r6, got 'r9'"):
        read_study(study_of("r5"), release="r9")  # type: ignore[arg-type]


def test_where_nothing_tells_the_release_that_is_said() -> None:
    study = read_study(study_of("r4", series=...))
    assert (study.release, study.evidence) == ("r5", "nothing tells the release")


@pytest.mark.parametrize(
    ("changes", "release"),
    [
        ({"procedureCode": [{}]}, "r4"),
        ({"procedure": [{"concept": {}}]}, "r5"),
        ({"status": "inactive"}, "r6"),
        ({"availability": "ONLINE"}, "stu3"),
        ({"modality": [{"code": "CT"}]}, "r4"),
        ({"modality": [{"coding": [{"code": "CT"}]}]}, "r5"),
    ],
)
def test_single_elements_tell_the_release(changes: dict[str, Any], release: str) -> None:
    assert read_study(study_of("r4", series=..., **changes)).release == release


# --- identity and status ----------------------------------------------------------------------


@pytest.mark.parametrize("status", ["registered", "cancelled", "entered-in-error", "inactive"])
def test_studies_that_are_not_to_be_had_say_why(status: str) -> None:
    study = read_study(study_of("r5", status=status))
    assert not study.is_loadable
    assert study.reason_not_loadable == f"the study is {status}: {NOT_LOADED[status]}"
    assert "not-loadable" in codes(study, "warning")


@pytest.mark.parametrize("status", ["available", "unknown", "Available "])
def test_other_studies_are_loaded(status: str) -> None:
    study = read_study(study_of("r5", status=status))
    assert study.is_loadable
    assert study.reason_not_loadable == ""
    assert study.status == status.strip().lower()


def test_a_status_that_fhir_does_not_have_is_not_loaded_and_a_missing_one_is() -> None:
    unclear = read_study(study_of("r5", status="deleted"))
    assert (unclear.status, unclear.is_loadable) == ("", False)
    assert "status" in codes(unclear, "error")
    missing = read_study(study_of("r5", status=...))
    assert (missing.status, missing.is_loadable) == ("unknown", True)
    assert codes(missing, "warning") == ["status"]


@pytest.mark.parametrize(
    ("availability", "status"),
    [("ONLINE", "available"), ("OFFLINE", "unknown"), ("UNAVAILABLE", "unavailable")],
)
def test_stu3_has_availability_for_a_status(availability: str, status: str) -> None:
    study = read_study(study_of("stu3", availability=availability))
    assert study.status == status
    assert study.is_loadable == (status != "unavailable")


def test_the_study_uid_is_the_identifier_of_that_system() -> None:
    others = [{"system": "http://a.org/accession", "value": "1.9"}, IDENTIFIER]
    assert read_study(study_of("r4", identifier=others)).uid == "1.2"
    bare = read_study(study_of("r4", identifier=[{"system": "urn:dicom:uid", "value": "1.2"}]))
    assert (bare.uid, codes(bare)) == ("1.2", ["uid-prefix"])
    general = [{"system": "urn:ietf:rfc:3986", "value": "urn:oid:1.2"}]
    assert codes(read_study(study_of("r4", identifier=general))) == ["identifier-system"]


def test_one_of_several_uids_is_taken_only_when_it_is_stated_to_be_the_study() -> None:
    other = {"system": "urn:dicom:uid", "value": "urn:oid:1.9"}
    study = read_study(study_of("r6", identifier=[other, IDENTIFIER]))
    assert (study.uid, codes(study, "error")) == ("", ["study-uid"])
    kind = {"coding": [{"code": "110180"}]}
    study = read_study(study_of("r6", identifier=[other, {**IDENTIFIER, "type": kind}]))
    assert (study.uid, codes(study)) == ("1.2", ["study-uid"])


def test_a_study_without_uid_is_an_error_when_it_lists_series() -> None:
    assert codes(read_study(study_of("r6", identifier=...)), "error") == ["study-uid"]
    assert codes(read_study(study_of("r5", identifier=..., series=...)), "error") == []


# --- series and instances ---------------------------------------------------------------------


def test_bad_entries_do_not_stop_the_others() -> None:
    study = study_of("r4")
    study["series"] = [
        5,
        {"uid": "not a uid"},
        {"uid": "1.2.3", "instance": [{}, {"uid": "1.2.3.4"}, None, {"uid": "../etc"}]},
    ]
    found = read_study(study)
    assert [one.uid for one in found.series] == ["1.2.3"]
    assert [one.uid for one in found.series[0].instances] == ["1.2.3.4"]
    assert sorted(codes(found, "error")) == ["invalid-element"] * 2 + ["invalid-uid"] * 3
    assert "ImagingStudy.series[2].instance[3].uid" in {one.path for one in found.issues}


def test_duplicates_are_reported_and_a_series_listed_twice_is_put_together() -> None:
    study = study_of("r4")
    more = {"uid": "1.2.3", "instance": [{"uid": "1.2.3.5"}, {"uid": "1.2.3.6"}]}
    twice = {"uid": "1.2.9", "instance": [{"uid": "1.2.3.4"}, {"uid": "1.7"}, {"uid": "1.7"}]}
    study["series"] += [more, twice]
    found = read_study(study)
    assert [one.uid for one in found.series[0].instances] == ["1.2.3.4", "1.2.3.5", "1.2.3.6"]
    assert [one.uid for one in found.series[1].instances] == ["1.2.3.4", "1.7"]
    assert codes(found, "warning") == ["duplicate-uid"] * 3


def test_counts_are_compared_to_what_is_listed() -> None:
    fewer = read_study(study_of("r5", numberOfSeries=3, numberOfInstances=2))
    assert [(one.severity, one.code) for one in fewer.issues] == [("information", "not-listed")]
    more = read_study(study_of("r5", numberOfSeries=1, numberOfInstances=1))
    assert [(one.severity, one.code) for one in more.issues] == [("warning", "counts")]
    wrong = read_study(study_of("r5", numberOfSeries="many"))
    assert codes(wrong) == ["invalid-element"]


def test_a_modality_that_the_study_does_not_list_is_reported() -> None:
    study = study_of("r5", modality=[{"coding": [{"code": "MR"}]}])
    assert codes(read_study(study)) == ["modality"]
    study["modality"].append({"coding": [{"code": "CT"}]})
    assert codes(read_study(study)) == []


def test_one_object_for_a_list_is_read() -> None:
    study = study_of("r4")
    study["series"] = study["series"][0]
    found = read_study(study)
    assert len(found.series) == 1
    assert codes(found) == ["not-a-list"]


# --- endpoints --------------------------------------------------------------------------------


def test_an_endpoint_of_every_release_is_read() -> None:
    new = read_endpoint(endpoint_of("a", RS, IID, name="PACS", header=["Authorization: secret"]))
    assert new == Endpoint(
        "https://a.example.org/x", (RS, IID), "active", ("Authorization: secret",), "PACS"
    )
    assert "secret" not in repr(new)
    old = read_endpoint(endpoint_of("a", RS, release="r4"))
    assert old.connection_types == (RS,)
    coding = {"system": STU3_SYSTEM, "code": RS}
    assert read_endpoint(endpoint_of("a", connectionType=coding)).connection_types == (RS,)


def test_a_code_of_another_system_is_not_taken_for_one_of_hl7() -> None:
    other = {"coding": [{"system": "http://a.org", "code": RS}, {"code": "IHE-IID"}]}
    endpoint = read_endpoint(endpoint_of("a", connectionType=[other]))
    assert endpoint.connection_types == (f"http://a.org|{RS}", IID)
    assert not endpoint.serves(RS)
    assert codes(endpoint) == ["code-case", "code-system"]
    assert codes(read_endpoint(endpoint_of("a", connectionType=...))) == ["connection-type"]


@pytest.mark.parametrize(
    ("address", "base"),
    [
        ("https://a.org/dicomweb/", "https://a.org/dicomweb"),
        ("https://a.org/dicomweb/studies", "https://a.org/dicomweb"),
        ("https://a.org/dicomweb/studies/", "https://a.org/dicomweb"),
        ("https://a.org/rs/studies/1.2/series/1.3?x=1#y", "https://a.org/rs"),
        ("https://a.org/wadors/study/1.2.3.4.5", "https://a.org/wadors"),
        ("https://a.org/studies-archive/rs", "https://a.org/studies-archive/rs"),
        ("https://a.org/studies/rs", "https://a.org/studies/rs"),
        ("HTTPS://a.org:8443", "https://a.org:8443"),
        (" http://[::1]:8042/dicom-web ", "http://[::1]:8042/dicom-web"),
    ],
)
def test_an_address_becomes_the_base_of_the_service(address: str, base: str) -> None:
    endpoint = read_endpoint(endpoint_of("a", RS, address=address))
    assert endpoint.address == base
    assert codes(endpoint) == ([] if address == base else ["address-form"])


def test_parameters_of_a_uri_service_stay_unless_they_ask_for_one_thing() -> None:
    address = "https://a.org/wado?key=a%20b&requestType=WADO&studyUID=1.2"
    assert read_endpoint(endpoint_of("a", URI, address=address)).address == (
        "https://a.org/wado?key=a+b"
    )
    assert read_endpoint(endpoint_of("a", RS, address=address)).address == "https://a.org/wado"


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        (..., "expected a URL, got null"),
        (5, "expected a URL, got 5"),
        ("", "expected a URL"),
        ("http://notspecified", "only says that the address is not stated"),
        ("http://notspecified/", "only says that the address is not stated"),
        ("ftp://a.org", "expected a URL with http or https"),
        ("file:///etc/passwd", "expected a URL with http or https"),
        ("javascript:alert(1)", "expected a URL with http or https"),
        ("/dicomweb", "expected a URL with http or https"),
        ("https://", "expected a URL with http or https"),
        ("https://me:word@a.org/x", "a name or password in the URL of a.org"),
        ("https://a.org/x y", "expected a URL"),
        ("https://a.org/x\r\nHost: b", "expected a URL"),
        ("https://a.org\\@b.org", "expected a URL"),
        ("https://a.org:port/", "expected a URL"),
        ("https://[::1/x", "expected a URL"),
        ("https://a.org/" + "x" * 5000, "expected a URL"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_with_the_reason(
    address: Any, reason: str
) -> None:
    with pytest.raises(FhirError, match=reason) as caught:
        read_endpoint(endpoint_of("a", RS, address=address))
    assert caught.value.path == "Endpoint.address"
    assert "word" not in str(caught.value).replace("password", "")


def test_an_address_that_is_stated_to_be_absent_is_refused_with_that_reason() -> None:
    extra = {"extension": [{"url": ABSENT, "valueCode": "not-applicable"}]}
    with pytest.raises(FhirError, match="stated to be absent, reason 'not-applicable'"):
        read_endpoint(endpoint_of("a", RS, address="http://notspecified", _address=extra))


@pytest.mark.parametrize("status", ["suspended", "error", "off", "entered-in-error", "test"])
def test_an_endpoint_that_is_not_active_says_so(status: str) -> None:
    endpoint = read_endpoint(endpoint_of("a", RS, status=status))
    assert not endpoint.is_active
    assert codes(endpoint, "warning") == ["endpoint-status"]


@pytest.mark.parametrize(
    ("period", "is_active"),
    [
        ({"start": "2014-09-01"}, True),
        ({"end": "2024"}, True),
        ({"end": "2024-06"}, True),
        ({"end": "2024-06-15T10:00:00Z"}, True),
        ({"end": "2024-06-14"}, False),
        ({"end": "2024-05"}, False),
        ({"end": "2023"}, False),
        ({"start": "2024-07"}, False),
        ({"start": "2024"}, True),
        ({"end": "9999-12"}, True),
        ({"end": "soon"}, True),
        ("always", True),
    ],
)
def test_an_endpoint_is_in_use_during_its_period(period: Any, is_active: bool) -> None:
    endpoint = read_endpoint(endpoint_of("a", RS, period=period), today=date(2024, 6, 15))
    assert endpoint.is_active == is_active
    assert codes(endpoint) == ([] if is_active else ["endpoint-period"])


def test_headers_that_would_split_a_request_are_left_out() -> None:
    endpoint = read_endpoint(endpoint_of("a", RS, header=["A: b", "C: d\r\nE: f", 5, "x" * 9000]))
    assert endpoint.headers == ("A: b",)
    assert codes(endpoint, "error") == ["header"] * 3
    assert not any("E: f" in one.message for one in endpoint.issues)


def test_other_resources_are_no_endpoints() -> None:
    with pytest.raises(FhirError, match="expected an Endpoint, got 'Patient'"):
        read_endpoint({"resourceType": "Patient"})
    with pytest.raises(InputError):
        read_endpoint(b"not json")


# --- effective endpoints ----------------------------------------------------------------------


def refer(study: dict[str, Any], whole: list[str], own: list[str]) -> dict[str, Any]:
    study["endpoint"] = [{"reference": text} for text in whole]
    study["series"][0]["endpoint"] = [{"reference": text} for text in own]
    return study


def addresses(endpoints: tuple[Endpoint, ...]) -> list[tuple[str, tuple[str, ...]]]:
    return [(one.address.split(".")[0][8:], one.connection_types) for one in endpoints]


def test_a_series_overrides_its_study_per_connection_type() -> None:
    shelf = [endpoint_of("whole", RS, URI, IID), endpoint_of("own", RS), endpoint_of("view", IID)]
    study = refer(study_of("r5"), ["Endpoint/whole", "Endpoint/view"], ["Endpoint/own"])
    found = read_study(study, endpoints=shelf)
    assert addresses(effective_endpoints(found, "1.2.3")) == [
        ("own", (RS,)),
        ("whole", (URI, IID)),
        ("view", (IID,)),
    ]
    assert addresses(effective_endpoints(found, "9.9")) == [
        ("whole", (RS, URI, IID)),
        ("view", (IID,)),
    ]


def test_the_endpoint_of_the_selection_comes_first() -> None:
    shelf = [endpoint_of("whole", RS), endpoint_of("own", RS), endpoint_of("mine", RS)]
    study = read_study(refer(study_of("r5"), ["Endpoint/whole"], ["Endpoint/own"]), endpoints=shelf)
    mine, issues = endpoints_of_selection({"endpoint": [{"reference": "Endpoint/mine"}]}, shelf)
    assert issues == ()
    assert addresses(effective_endpoints(study, "1.2.3", mine)) == [("mine", (RS,)), ("own", (RS,))]
    assert addresses(effective_endpoints(None, "1.2.3", mine)) == [("mine", (RS,))]
    own = study.series[0].endpoints
    assert addresses(effective_endpoints(study, "1.2.3", own)) == [("own", (RS,))]


def test_an_endpoint_entered_in_error_overrides_nothing_and_a_suspended_one_does() -> None:
    study = refer(study_of("r5"), ["Endpoint/whole"], ["Endpoint/own"])
    for status, expected in (("entered-in-error", "whole"), ("suspended", "own")):
        shelf = [endpoint_of("whole", RS), endpoint_of("own", RS, status=status)]
        found = effective_endpoints(read_study(study, endpoints=shelf), "1.2.3")
        assert addresses(found) == [(expected, (RS,))]


@pytest.mark.parametrize(
    "reference",
    [
        {"reference": "Endpoint/own"},
        {"reference": "Endpoint/own/_history/3"},
        {"reference": "https://fhir.example.org/r4/Endpoint/own"},
        {"reference": "urn:uuid:6f1a"},
        {"reference": "#inside"},
        {"identifier": {"system": "http://a.org/id", "value": "e1"}},
    ],
)
def test_references_are_resolved_in_all_their_forms(reference: dict[str, Any]) -> None:
    own = endpoint_of("own", RS, identifier=[{"system": "http://a.org/id", "value": "e1"}])
    study = study_of("r4", contained=[endpoint_of("own", RS, id="inside")], endpoint=[reference])
    urls = ["https://fhir.example.org/r4/ImagingStudy/s", "urn:uuid:6f1a"]
    bundle = {
        "resourceType": "Bundle",
        "entry": [
            {"fullUrl": url, "resource": resource}
            for url, resource in zip(urls, (study, own), strict=True)
        ],
    }
    found = read_study(json.dumps(bundle))
    assert addresses(found.endpoints) == [("own", (RS,))]
    assert codes(found) == []


def test_endpoints_by_reference_can_be_values() -> None:
    study = study_of("r4", endpoint=[{"reference": "Endpoint/own"}])
    endpoint = Endpoint("https://own.example.org", (RS,))
    assert read_study(study, endpoints={"Endpoint/own": endpoint}).endpoints == (endpoint,)


@pytest.mark.parametrize(
    ("shelf", "code", "reason"),
    [
        ([], "endpoint-unresolved", "Endpoint/own is not at hand"),
        ([{"resourceType": "Patient", "id": "own"}], "endpoint-unresolved", "is not at hand"),
        (
            {"Endpoint/own": {"resourceType": "Patient"}},
            "endpoint-unresolved",
            "expected an Endpoint, Endpoint/own is Patient",
        ),
        ([endpoint_of("own", RS, address="x")], "endpoint", "expected a URL"),
        (
            [endpoint_of("own", RS), endpoint_of("own", IID)],
            "endpoint-unresolved",
            "is not at hand",
        ),
    ],
)
def test_endpoints_that_are_no_use_are_explained(shelf: Any, code: str, reason: str) -> None:
    study = read_study(study_of("r4", endpoint=[{"reference": "Endpoint/own"}]), endpoints=shelf)
    assert study.endpoints == ()
    (issue,) = study.issues
    assert issue.code == code
    assert issue.path.startswith("ImagingStudy.endpoint[0]")
    assert reason in issue.message


# --- documents --------------------------------------------------------------------------------


def test_a_study_is_read_from_files_bytes_text_xml_and_models(tmp_path: Path) -> None:
    resource = study_of("r5")
    text = json.dumps(resource)
    path = tmp_path / "study.json"
    path.write_text(text)
    xml = (
        '<ImagingStudy xmlns="http://hl7.org/fhir"><identifier><system value="urn:dicom:uid"/>'
        '<value value="urn:oid:1.2"/></identifier><status value="available"/><subject/>'
        '<series><uid value="1.2.3"/><modality><coding><code value="CT"/></coding></modality>'
        '<instance><uid value="1.2.3.4"/><sopClass>'
        '<code value="urn:oid:1.2.840.10008.5.1.4.1.1.2"/>'
        "</sopClass></instance></series></ImagingStudy>"
    )
    expected = read_study(resource)
    for source in (path, str(path), text, text.encode()):
        assert read_study(source) == expected
    found = read_study(xml)
    assert (found.uid, found.release, len(found.series[0].instances)) == ("1.2", "r5", 1)


def test_bundles_give_one_study_or_say_how_many() -> None:
    entries = [{"resource": study_of("r4")}, {"resource": study_of("r5", identifier=[])}]
    bundle = {"resourceType": "Bundle", "entry": entries}
    assert [one.release for one in read_studies(bundle)] == ["r4", "r5"]
    with pytest.raises(FhirError, match="expected 1 ImagingStudy, got 2"):
        read_study(bundle)
    with pytest.raises(FhirError, match="expected 1 ImagingStudy, got none"):
        read_study({"resourceType": "Bundle", "entry": [5, {"resource": 5}]})
    nested = {"resourceType": "Bundle", "entry": [{"resource": bundle}]}
    assert len(read_studies(nested)) == 2


@pytest.mark.parametrize(
    "source", [{"resourceType": "Patient"}, {}, b"[]", b"{", b"", 5, "/no/such/file"]
)
def test_other_things_are_no_studies(source: Any) -> None:
    with pytest.raises(ImageRegionError):
        read_study(source)


def test_a_bundle_that_contains_itself_ends() -> None:
    bundle: dict[str, Any] = {"resourceType": "Bundle", "entry": []}
    bundle["entry"] = [{"resource": bundle}, {"resource": study_of("r4")}]
    assert read_study(bundle).uid == "1.2"


def test_issues_are_bounded() -> None:
    study = study_of("r4", series=[{"uid": "x"}] * 3000)
    found = read_study(study)
    assert len(found.issues) == MAX_ISSUES + 1
    assert found.issues[-1].code == "too-many-issues"


_INNER = (
    *("uid", "series", "instance", "sopClass", "code", "coding", "system", "value", "reference"),
    *("modality", "identifier", "extension", "url", "resourceType"),
)
_OUTER = (
    *("uid", "identifier", "status", "series", "endpoint", "modality", "contained", "id"),
    *("numberOfSeries", "availability", "modifierExtension"),
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(_INNER),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(
    st.dictionaries(
        st.sampled_from(_OUTER),
        _JSON,
        max_size=6,
    )
)
def test_any_json_is_read_or_refused(elements: dict[str, Any]) -> None:
    study = read_study({"resourceType": "ImagingStudy", **elements})
    for series in study.series:
        assert series.uid
        effective_endpoints(study, series.uid)
    json.dumps(study.to_dict(), allow_nan=False)


@given(
    st.dictionaries(
        st.sampled_from(
            ["address", "connectionType", "status", "header", "period", "name", "_address"]
        ),
        _JSON | st.text(max_size=40),
        max_size=6,
    )
)
def test_any_endpoint_is_read_or_refused(elements: dict[str, Any]) -> None:
    base = {"resourceType": "Endpoint", "address": "https://a.org", **elements}
    with suppress(ImageRegionError):
        assert read_endpoint(base).address.startswith("http")


# --- command ----------------------------------------------------------------------------------


def run(*arguments: Any) -> Any:
    return CliRunner().invoke(app, [str(one) for one in arguments])


def test_the_command_lists_series_and_endpoints(tmp_path: Path) -> None:
    path, shelf = tmp_path / "study.json", tmp_path / "endpoint.json"
    path.write_text(json.dumps(study_of("r4", endpoint=[{"reference": "Endpoint/own"}])))
    shelf.write_text(json.dumps(endpoint_of("own", RS, header=["Authorization: secret"])))
    done = run("study", path, "--endpoints", shelf)
    assert done.exit_code == 0, done.output
    for text in ("1.2.3", "CT", "2 instances", RELEASES["r4"], "https://own.example.org/x"):
        assert text in done.stdout
    found = json.loads(run("study", path, "--endpoints", shelf, "--format", "json").stdout)
    assert found[0]["series"][0]["endpoints"][0]["address"] == "https://own.example.org/x"
    assert "secret" not in json.dumps(found)
    lines = run("study", path, "--format", "csv").stdout.splitlines()
    assert lines[1].startswith("1.2,available,1.2.3,CT,2,")


def test_the_command_says_when_a_study_is_not_to_be_had(tmp_path: Path) -> None:
    path = tmp_path / "study.json"
    path.write_text(json.dumps(study_of("r5", status="cancelled", series=[{"uid": "x"}])))
    done = run("study", path)
    assert done.exit_code == 1
    assert "not to be loaded: the study is cancelled" in done.stdout
    assert "expected a UID, got 'x'" in done.stderr


def test_values_are_short_in_words() -> None:
    series = (SeriesEntry("1.2.3"),)
    assert repr(Study("1.2", "available", series=series)) == (
        "Study('1.2', available, r5, 0 instances in 1 series)"
    )
    assert repr(Endpoint("https://a.org", (), "off")) == (
        "Endpoint('https://a.org', no connection type, off)"
    )


def test_an_endpoint_is_named_once_for_each_address_and_type() -> None:
    first = Endpoint("https://a.org", (RS,))
    more = Endpoint("https://a.org", (RS, IID))
    none = Endpoint("https://a.org", ())
    study = Study("1.2", endpoints=(first, more, none))
    assert effective_endpoints(study) == (first, Endpoint("https://a.org", (IID,)))


def test_the_entries_of_one_series_complete_each_other() -> None:
    study = study_of("r4")
    study["series"][0].pop("modality")
    more = {"uid": "1.2.3", "modality": {"code": "ct"}, "number": 0, "description": "Chest"}
    study["series"].append(more)
    (series,) = read_study(study).series
    assert (series.modality, series.number, series.description) == ("CT", 0, "Chest")
    study["series"].reverse()
    study["series"][1] |= {"number": 7, "description": "Head"}
    (series,) = read_study(study).series
    assert (series.number, series.description) == (0, "Chest")


def test_other_extensions_of_an_address_do_not_make_it_absent() -> None:
    extra = {"extension": [{"url": "http://a.org/note", "valueString": "x"}]}
    endpoint = read_endpoint(endpoint_of("a", RS, _address=extra))
    assert endpoint.address == "https://a.example.org/x"


def test_resources_without_type_or_id_are_found_by_their_url_alone() -> None:
    own = endpoint_of("own", RS, id=...)
    reference = [{"reference": "https://a.org/e"}]
    study = read_study(study_of("r4", endpoint=reference), endpoints={"https://a.org/e": own})
    assert addresses(study.endpoints) == [("own", (RS,))]
