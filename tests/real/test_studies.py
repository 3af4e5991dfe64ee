"""Every ImagingStudy, Endpoint and ImagingManifest among the published examples."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.imagingselection import ImagingSelection
from fhir.resources.STU3.imagingmanifest import ImagingManifest

from imageregion.errors import ImageRegionError
from imageregion.fhir.document import read_selections
from imageregion.fhir.manifest import from_selections, to_selections
from imageregion.fhir.studies import effective_endpoints, read_endpoint, read_studies, read_study
from imageregion.fhir.text.sources import read_document

STUDIES = {
    "PeterOpp_tid1500-fhir/examples/dcmqi/expected.json": ("stu3", "unknown", [3]),
    "PeterOpp_tid1500-fhir/examples/rsna2018_dataset1/expected.json": ("stu3", "unknown", [3]),
    "dicom-sr/ImagingStudy-measurement-report-imaging-study.json": ("r5", "available", []),
    "ihe-ira/ImagingStudy-example-ImagingStudy-Comparison.json": ("r5", "available", []),
    "ihe-ira/ImagingStudy-example-ImagingStudyContext.json": ("r5", "available", []),
    "related-r5/ImagingStudy-example-xr.json": ("r5", "available", [2]),
    "related-r5/ImagingStudy-example.json": ("r5", "available", [1]),
    "stu3/ImagingStudy-example-xr.json": ("stu3", "available", [2]),
    "stu3/ImagingStudy-example.json": ("stu3", "unknown", [1]),
}
"""File: release it is read as, status, and the number of instances of each series."""

ENDPOINTS = {
    "related-r5/Endpoint-example-wadors.json": "dicom-wado-rs",
    "related-r5/Endpoint-example.json": "hl7-fhir-rest",
    "stu3/Endpoint-example-iid.json": "ihe-iid",
    "stu3/Endpoint-example-wadors.json": "dicom-wado-rs",
    "stu3/Endpoint-example.json": "hl7-fhir-rest",
}
MANIFESTS = ["stu3/ImagingManifest-example.json"]


@pytest.fixture(scope="module")
def folder(shared_data: Path) -> Path:
    if not (shared_data / "fhir").is_dir():
        pytest.skip("FHIR examples absent")
    return shared_data / "fhir"


def holders(folder: Path, kind: str) -> set[str]:
    """The files with a resource of a type, at the top or in a Bundle."""
    found = set()
    for path in sorted([*folder.rglob("*.json"), *folder.rglob("*.xml")]):
        try:
            document, _ = read_document(path)
        except ImageRegionError:
            continue
        if any(one.get("resourceType") == kind for one in resources(document)):
            found.add(str(path.relative_to(folder)))
    return found


def resources(document: Any) -> Iterator[dict[str, Any]]:
    if isinstance(document, dict):
        yield document
        for entry in document.get("entry") or []:
            if isinstance(entry, dict):
                yield from resources(entry.get("resource"))


def test_the_tables_here_name_every_example(folder: Path) -> None:
    assert holders(folder, "ImagingStudy") == set(STUDIES)
    assert holders(folder, "Endpoint") == set(ENDPOINTS)
    assert holders(folder, "ImagingManifest") == set(MANIFESTS)


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_is_read(name: str, folder: Path) -> None:
    release, status, counts = STUDIES[name]
    (study,) = read_studies(folder / name)
    assert (study.release, study.status) == (release, status)
    assert [len(series.instances) for series in study.series] == counts
    assert study.uid
    assert study.is_loadable
    assert not [issue for issue in study.issues if issue.severity == "error"]


@pytest.mark.parametrize("name", ENDPOINTS)
def test_every_endpoint_is_read(name: str, folder: Path) -> None:
    endpoint = read_endpoint(folder / name)
    assert endpoint.connection_types == (ENDPOINTS[name],)
    assert endpoint.is_active
    assert endpoint.issues == ()
    assert "BASGS534s4" not in repr(endpoint)


@pytest.mark.parametrize("release", ["stu3", "related-r5"])
def test_the_endpoint_of_the_radiograph_is_found(release: str, folder: Path) -> None:
    shelf = [read_document(folder / release / "Endpoint-example-wadors.json")[0]]
    study = read_study(folder / release / "ImagingStudy-example-xr.json", endpoints=shelf)
    (series,) = study.series
    (endpoint,) = effective_endpoints(study, series.uid)
    assert endpoint.address == "https://pacs.hospital.org/wado-rs"
    assert not [issue for issue in study.issues if issue.code == "endpoint-unresolved"]


def test_the_manifest_becomes_two_selections_and_comes_back(folder: Path) -> None:
    """Two selections, of one SC and two CT images, with the endpoints that hold for each."""
    manifest, _ = read_document(folder / MANIFESTS[0])
    shelf = [
        read_document(folder / f"stu3/Endpoint-example-{n}.json")[0] for n in ("iid", "wadors")
    ]
    found = [selection for selection, _ in to_selections(manifest, endpoints=shelf)]
    for selection in found:
        ImagingSelection.model_validate(copy.deepcopy(selection))
    assert [len(one["instance"]) for one in found] == [1, 2]
    names = [[e["reference"] for e in one["endpoint"]] for one in found]
    assert names == [
        ["Endpoint/example-wadors", "Endpoint/example-iid"],
        ["Endpoint/example-iid", "Endpoint/example-wadors"],
    ]
    back, losses = from_selections(found)
    ImagingManifest.model_validate(copy.deepcopy(back))
    assert not [loss for loss in losses if loss.severity != "information"]
    for name in ("identifier", "patient", "authoringTime", "author", "description"):
        assert back[name] == manifest[name]
    for one in (back, manifest):
        for study in one["study"]:
            study.pop("endpoint", None)
            for series in study["series"]:
                series.pop("endpoint", None)
    assert back["study"] == manifest["study"]


def test_reading_selections_reads_the_manifest(folder: Path) -> None:
    found = list(read_selections(folder / MANIFESTS[0]))
    assert [len(selection.regions) for selection in found] == [1, 2]
    assert {selection.dialect for selection in found} == {"manifest"}
