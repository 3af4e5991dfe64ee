"""Every published resource is read, or refused with the true reason."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.fhir.xml_writing import as_xml

from imageregion.errors import FhirError
from imageregion.fhir.document import read_document, read_selection, read_selections
from imageregion.fhir.text.xml_reading import parse_xml

FOLDERS = {
    "draft-2021-11": {"r5-draft"},
    "r5-5.0.0": {"r5"},
    "dicom-sr": {"r5"},
    "ihe-ira": {"r5"},
    "r6-ballot3": {"r6"},
    "r6-ballot4-5": {"r6"},
    "r6-ci-xml": {"r6"},
    "imaging-service-request-ig": {"r6", "r6-ballot2"},
    "r5-ballot-2022": {"r5", "r5-ballot"},
    "r6-invariant-tests": {"r5", "r6"},
}
"""Folder -> what its selections are recognised as; what versions share is r5."""

REFUSED = {
    "r5-ballot-2022/imagingselection-example-dicom-sr-selection.xml": "status: required",
    "r5-ballot-2022/imagingselection-example-multiframe-image-selection.xml": "status: required",
    "r5-ballot-2022/imagingselection-example-segmentation-image-selection.xml": "status: required",
}
WITHOUT_REGIONS = {
    "dicom-sr/ImagingSelection-measurement-report-3d-image-region.json": "no-target",
    "dicom-sr/ImagingSelection-measurement-report-volume-surface.json": "no-target",
    "r6-invariant-tests/isl-1.f1.fail.xml": "no-target",
    "r6-invariant-tests/isl-10.f1.fail.xml": "several-selectors",
    "r6-invariant-tests/isl-5.f1.fail.xml": "no-frame-of-reference",
    "r6-invariant-tests/isl-7.f2.fail.json": "coordinate-count",
    "r6-invariant-tests/isl-8.f2.fail.json": "no-frame-of-reference",
}
"""Nothing is selected, or what is breaks a rule: the code of the first error."""


@pytest.fixture
def folder(shared_data: Path) -> Path:
    return shared_data / "fhir"


def selections_in(folder: Path, name: str) -> list[Path]:
    pattern = "*imagingselection*" if name != "r6-invariant-tests" else "*"
    found = [p for p in (folder / name).iterdir() if p.is_file()]
    return sorted(
        p
        for p in found
        if name == "r6-invariant-tests" or p.match(pattern) or p.name.startswith("ImagingSelection")
    )


@pytest.mark.parametrize("name", FOLDERS)
def test_every_published_selection(folder: Path, name: str) -> None:
    paths = selections_in(folder, name)
    assert paths
    for path in paths:
        place = f"{name}/{path.name}"
        if place in REFUSED:
            with pytest.raises(FhirError, match=REFUSED[place]):
                read_selection(path)
            selection = read_selection(path, dialect="r5-ballot")
            assert selection.status == "unknown"
        else:
            selection = read_selection(path)
            assert selection.dialect in FOLDERS[name], path
        if place in WITHOUT_REGIONS:
            assert selection.errors[0].code == WITHOUT_REGIONS[place], path
            assert not selection.regions
        else:
            assert selection.regions, path
            assert name == "r6-invariant-tests" or not selection.errors, path
        assert all(region.path.startswith("ImagingSelection") for region in selection.regions)


@pytest.mark.parametrize(
    ("middle", "kind"), [("2d-image-region", ("polyline", "polygon")), ("3d-image", ("ellipse",))]
)
def test_one_example_in_every_version(folder: Path, middle: str, kind: tuple[str, ...]) -> None:
    """The 2-D square and the 3-D ellipse have the same coordinates from the draft to R6."""
    names = ["draft-2021-11", "r5-ballot-2022", "r5-5.0.0", "r6-ballot3", "r6-ballot4-5"]
    bounds = []
    for name in names:
        (path,) = [p for p in selections_in(folder, name) if middle in p.name]
        (region,) = read_selection(path).regions
        assert region.type in kind
        assert region.shape is not None
        assert region.target.instance
        bounds.append([low.tolist() for low in region.shape.bounds])
    assert all(each == bounds[0] for each in bounds)


def test_the_manifest(folder: Path) -> None:
    first, second = read_selections(folder / "stu3" / "ImagingManifest-example.json")
    assert (first.dialect, len(first.regions), len(second.regions)) == ("manifest", 1, 2)


ELEMENTS_OF_THEIR_OWN = {"openimagingdata_FHIRSamples", "PeterOpp_tid1500-fhir"}
OTHER_VERSIONS = {"stu3", "r6-ballot3", "r6-ballot4-5"}  # where R5 has lists, and they have none


def test_every_resource_is_the_same_in_xml(folder: Path) -> None:
    """JSON of every type of resource, written as XML and read; narratives may be respelled."""
    count = 0
    for path in sorted(folder.rglob("*.json")):
        if (ELEMENTS_OF_THEIR_OWN | OTHER_VERSIONS) & set(path.parts):
            continue
        resource, _ = read_document(path)
        if isinstance(resource, dict) and "resourceType" in resource:
            resource.pop("text", None)
            assert parse_xml(as_xml(resource).encode(), path.name) == resource, path
            count += 1
    assert count > 80
