"""Our Bundle beside the ones that others expect of the same structured report (TID 1500).

The expected Bundles (PeterOpp/tid1500-fhir, written by hand after a report of dcmqi) are about the
liver on three CT slices, as a segmentation has it. We trace the segmentation, measure it, and
compare field by field; `REASONS` is the table of all differences. One without a reason fails the
test, and so does a reason without a difference.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread

import imageregion as ir
from imageregion.fhir.measured_codes import coding_in, name_of

EXAMPLES = ("dcmqi", "rsna2018_dataset1")
SUBJECT = {
    "type": "Patient",
    "identifier": {"value": "99000"},
}

REASONS: tuple[tuple[str, str], ...] = (
    # (regular expression of the whole difference, reason)
    (
        r"Bundle\.type: transaction != collection",
        "The expected Bundle is an upload to a server; ours is a result, and names no server.",
    ),
    (
        r"Bundle\.entry\.request: .* != nothing",
        "Part of a transaction; with an empty url it could not be executed either.",
    ),
    (
        r"Patient: .* != nothing",
        "The DICOM SR names the patient, an ImagingSelection does not: ours refers to the Patient "
        "it is given and never makes one up.",
    ),
    (
        r"DiagnosticReport\.identifier: .* != nothing",
        "SOP Instance UID of the SR that was converted; ours comes from no SR.",
    ),
    (
        r"DiagnosticReport\.performer: .* != nothing",
        "The reader who signed the SR; ours was made by a device, which every Observation names.",
    ),
    (
        r"(DiagnosticReport|Observation\.\w+)\.subject(\.\w+)?: .* != .*",
        "Reference to the Patient in the Bundle, or left out there; ours is the one it was given.",
    ),
    (
        r"DiagnosticReport\.imagingStudy: .* != nothing",
        "FHIR R3 and R4; renamed to study in R5.",
    ),
    (
        r"DiagnosticReport\.study: nothing != .*",
        "FHIR R5 for imagingStudy.",
    ),
    (
        r"DiagnosticReport\.result\[\d\](\.\w+)?: .* != .*",
        "Ours refers to the measurement group of the region, which has every number as a member, "
        "as the HL7 guide DICOM SR has it.",
    ),
    (
        r".*\.(code|bodySite)\.text: nothing != [\w -]+",
        "Ours says every concept in words, too.",
    ),
    (
        r"\w+(\.\w+)?\.(id|issued): .* != .*",
        "Ids are made from contents; the profiles of the guide require issued.",
    ),
    (
        r"Observation\.\w+\.bodySite\.coding\[0\]\."
        r"(code: T-62000 != 10200004|system: SRT != http://snomed\.info/sct)",
        "The SR's finding site, with a retired code of SNOMED RT and the designator SRT where FHIR "
        "wants a URI. The selection, which the site is from in ours, has it in SNOMED CT.",
    ),
    (
        r"Observation\.volume\.(bodySite: .* != nothing|bodyStructure: nothing != .*)",
        "By the guide the finding site is a BodyStructure that also has the tracking identifiers; "
        "never both (obs-8).",
    ),
    (
        r"Observation\.\w+\.method\.(coding: \[\]|text: nothing) != .*",
        "An empty list of codings, which FHIR does not allow; ours says which pixels count.",
    ),
    (
        r"Observation\.attenuation\.code\.coding\[0\]\.code: 112031 != 110850",
        "112031 Attenuation Coefficient is what dcmqi wrote for Hounsfield values; TID 1419 has "
        "110850 X-Ray Attenuation for them.",
    ),
    (
        r"Observation\.attenuation\.code\.coding\[0\]\.display: Attenuation Coefficient != .*",
        "Display of 110850.",
    ),
    (
        r"Observation\.\w+\.code\.coding\[0\]\.system: DCM != http://dicom\.nema\.org/.*",
        "DICOM's designator in place of the URI that FHIR assigns to DCM.",
    ),
    (
        r"Observation\.(volume|attenuation\.component\[\w+\])\.code\.coding\[0\]\."
        r"(system: SRT != http://snomed\.info/sct|code: [A-Z]-\w+ != \d+)",
        "Retired SNOMED RT (R-00317, R-404FB, G-A437, R-10047, G-D705), since 2018 SNOMED CT in "
        "DICOM (PS3.16); `measured_codes` reads both as the same.",
    ),
    (
        r"Observation\.attenuation\.component\[std\]\.valueQuantity\.value: 59\.1691 != .*",
        "The SR divides by n - 1, ours by n (the population, as IBSI does): a factor of "
        "sqrt((n - 1) / n), which the test checks.",
    ),
    (
        r".*\.valueQuantity\.value: 37\.3289 != 37\.328\d+",
        "The SR prints six digits, ours the number.",
    ),
    (
        r".*\.valueQuantity\.value: 70361\.9 != 70361\.\d+",
        "The SR prints six digits, ours the number.",
    ),
    (
        r".*\.valueQuantity\.system: UCUM != http://unitsofmeasure\.org",
        "Name of the code system in place of its URI.",
    ),
    (
        r".*\.valueQuantity\.code: \.m3 != mm3",
        "A typo: .m3 is no unit of UCUM; the SR itself has mm3.",
    ),
    (
        r".*\.valueQuantity\.unit: (Hounsfield unit|Cubic millimeter) != .*",
        "Unit for people: ours shows the UCUM code.",
    ),
    (
        r"Observation\.\w+\.(extension|identifier|category|derivedFrom|note|partOf|device): "
        r"nothing != .*",
        "Links that the expected Bundle lacks: images measured, region, study and device.",
    ),
    (
        r"Observation\.volume\.meta: nothing != .*",
        "The profile of the guide that ours conforms to.",
    ),
    (
        r"Observation\.\w+\.component\[\w+\]: nothing != .*",
        "Numbers that the SR does not state.",
    ),
    (
        r"ImagingSelection: nothing != .*",
        "The expected Bundle does not say where in the images the liver is.",
    ),
    (
        r"Device: nothing != .*",
        "What measured; the SR's observer is not in the expected Bundle either.",
    ),
    (
        r"BodyStructure: nothing != .*",
        "Finding site with tracking identifiers, as the HL7 guide DICOM SR has it.",
    ),
    (
        r"ImagingStudy\.(uid|patient|modalityList|procedureCode|started): .* != .*",
        "Elements of FHIR R3 (now identifier, subject, series.modality, procedure), and started in "
        "a form that is no dateTime; ours says which study, of whom, and which series.",
    ),
    (
        r"ImagingStudy\.(identifier|status|subject): nothing != .*",
        "FHIR R5 for uid and patient; status is required there.",
    ),
    (
        r"ImagingStudy\.series\[0\]\.modality\.\w+: .* != .*",
        "A Coding in FHIR R3, a CodeableConcept in R5.",
    ),
    (
        r"ImagingStudy\.series\[0\]\.instance: .* != nothing",
        "Instances are in the ImagingSelection, and the Observation names those measured; the SOP "
        "class CTImageStorage there is a name, not the UID.",
    ),
)


def differences(expected: Any, ours: Any, path: str) -> Iterator[str]:
    """Yield "path: expected != ours" for every leaf that differs; "nothing" is an absent one."""
    if isinstance(expected, dict) and isinstance(ours, dict):
        for name in dict.fromkeys([*expected, *ours]):
            here = f"{path}.{name}"
            if name == "component":
                yield from of_components(expected[name], ours[name], here)
            elif name == "resourceType":
                continue
            elif name not in expected or name not in ours:
                yield f"{here}: {_text(expected.get(name))} != {_text(ours.get(name))}"
            else:
                yield from differences(expected[name], ours[name], here)
    elif isinstance(expected, list) and isinstance(ours, list) and expected and ours:
        for i in range(max(len(expected), len(ours))):
            theirs, mine = (some[i] if i < len(some) else None for some in (expected, ours))
            yield from differences(theirs, mine, f"{path}[{i}]")
    elif expected != ours:
        yield f"{path}: {_text(expected)} != {_text(ours)}"


def of_components(expected: list[Any], ours: list[Any], path: str) -> Iterator[str]:
    """Compare components that measure the same."""
    named = [{name_of(one["code"]): one for one in some} for some in (expected, ours)]
    assert None not in named[0], "a measurement of the expected Bundle is not understood"
    for name in dict.fromkeys([*named[0], *named[1]]):
        assert name is not None
        yield from differences(named[0].get(name), named[1].get(name), f"{path}[{name[0]}]")


def _text(value: Any) -> str:
    if value is None:
        return "nothing"
    return value if isinstance(value, str) else json.dumps(value)


@pytest.fixture(scope="module")
def report(shared_data: Path) -> ir.Report:
    """The liver on the three slices: outlines of the segmentation along the edges of its pixels."""
    place = shared_data / "liver_ct3"
    if not place.is_dir():
        pytest.skip("liver_ct3 is absent from the real data")
    images = ir.open_images(place / "ct-3slice")
    heights = {round(float(f.plane.origin[2]), 2): f for f in images.frames if f.plane is not None}
    dataset = dcmread(place / "seg" / "liver.dcm")
    groups = dataset.PerFrameFunctionalGroupsSequence
    instances = []
    for group, mask in zip(groups, dataset.pixel_array, strict=True):
        z = round(float(group.PlanePositionSequence[0].ImagePositionPatient[2]), 2)
        shape = ir.outline(mask.astype(bool))
        if shape is None or group.SegmentIdentificationSequence[0].ReferencedSegmentNumber != 1:
            continue
        rings = [[*ring.ravel().tolist(), *ring[0].tolist()] for ring in shape.rings]
        regions = [{"regionType": "polyline", "coordinate": ring} for ring in rings]
        instances.append({"uid": heights[z].instance, "imageRegion2D": regions})
    selection = {
        "resourceType": "ImagingSelection",
        "status": "available",
        "code": {"text": "Organ"},
        "bodySite": {"concept": {"coding": [liver()], "text": "Liver"}},
        "seriesUid": images.frames[0].series,
        "instance": instances,
    }
    return ir.measure(selection, images, combine=True)


def liver() -> dict[str, str]:
    return {"system": "http://snomed.info/sct", "code": "10200004", "display": "Liver"}


def expected_bundle(shared_data: Path, name: str) -> dict[str, Any]:
    file = shared_data / "fhir/PeterOpp_tid1500-fhir/examples" / name / "expected.json"
    if not file.is_file():
        pytest.skip(f"{file} is absent from the real data")
    bundle: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return bundle


def by_kind(bundle: dict[str, Any]) -> dict[str, Any]:
    """Return the resources of an expected Bundle by what they are about."""
    found: dict[str, Any] = {}
    for entry in bundle["entry"]:
        resource = entry["resource"]
        kind = resource["resourceType"]
        if kind == "Observation":
            kind += ".volume" if name_of(resource["code"]) else ".attenuation"
        assert kind not in found
        found[kind] = resource
    return found


def ours_by_kind(report: ir.Report) -> dict[str, Any]:
    """Return ours: numbers of pixels as components, as there; everything else by the guide."""
    assert report.combined is not None
    only = ir.Report(report.selection, (), report.combined)
    guide = only.to_observations("dicom-sr", subject=SUBJECT, issued="2026-01-31T12:00:00Z")
    found: dict[str, Any] = {}
    for entry in guide["entry"]:
        resource = entry["resource"]
        kind = resource["resourceType"]
        if kind != "Observation":
            assert kind not in found
            found[kind] = resource
        elif name_of(resource["code"]) == ("volume", ""):
            found["Observation.volume"] = resource
    found["Observation.attenuation"] = only.to_observations(subject=SUBJECT)["entry"][1]["resource"]
    return found


def all_differences(report: ir.Report, bundle: dict[str, Any]) -> list[str]:
    expected, ours = by_kind(bundle), ours_by_kind(report)
    found = list(differences(bundle["type"], "collection", "Bundle.type"))
    requests = {json.dumps(entry["request"]) for entry in bundle["entry"]}
    found += [f"Bundle.entry.request: {one} != nothing" for one in requests]
    for kind in dict.fromkeys([*expected, *ours]):
        found += differences(expected.get(kind), ours.get(kind), kind)
    return found


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_difference_has_a_reason(shared_data: Path, report: ir.Report, name: str) -> None:
    found = all_differences(report, expected_bundle(shared_data, name))
    patterns = [re.compile(pattern) for pattern, _ in REASONS]
    unexplained = [one for one in found if not any(p.fullmatch(one) for p in patterns)]
    assert unexplained == []
    assert len(found) > 50


def test_every_reason_has_a_difference(shared_data: Path, report: ir.Report) -> None:
    found = [
        one
        for name in EXAMPLES
        for one in all_differences(report, expected_bundle(shared_data, name))
    ]
    stale = [p for p, _ in REASONS if not any(re.fullmatch(p, one) for one in found)]
    assert stale == []


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_numbers_are_the_same(shared_data: Path, report: ir.Report, name: str) -> None:
    """To half a unit in the last digit that the report prints; its SD divides by n - 1."""
    expected = by_kind(expected_bundle(shared_data, name))
    result = report.combined
    assert result is not None
    count, std = result.get("count"), result.get("std")
    assert count is not None
    assert std is not None
    ours = {"std": std * math.sqrt(count / (count - 1)), "volume": result.get("volume")}
    components = expected["Observation.attenuation"]["component"]
    assert len(components) == 4
    for component in components:
        code = name_of(component["code"])
        assert code is not None
        value = component["valueQuantity"]["value"]
        assert ours.get(code[0], result.get(code[0])) == pytest.approx(value, abs=5e-5)
    volume = expected["Observation.volume"]
    assert name_of(volume["code"]) == ("volume", "")
    assert ours["volume"] == pytest.approx(volume["valueQuantity"]["value"], abs=0.05)


def test_a_difference_of_numbers_is_not_explained_away(
    shared_data: Path, report: ir.Report
) -> None:
    bundle = expected_bundle(shared_data, "dcmqi")
    component = by_kind(bundle)["Observation.attenuation"]["component"]
    component[0]["valueQuantity"]["value"] = 37.4289
    component[2]["valueQuantity"]["code"] = "mm"
    found = all_differences(report, bundle)
    unexplained = [one for one in found if not any(re.fullmatch(p, one) for p, _ in REASONS)]
    assert len(unexplained) == 2


def test_the_finding_site_is_the_same_place(shared_data: Path) -> None:
    site = by_kind(expected_bundle(shared_data, "dcmqi"))["Observation.volume"]["bodySite"]
    assert coding_in(site["coding"][0]) == ("SRT", "T-62000")
