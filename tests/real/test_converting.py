"""Every ImagingSelection that HL7, IHE and others have published, in every form and back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from fhir.resources.imagingselection import ImagingSelection
from fhir.resources.STU3.imagingmanifest import ImagingManifest

from imageregion.converting import Converted, convert_selection
from imageregion.errors import ImageRegionError
from imageregion.fhir.document import read_selections
from imageregion.fhir.selection import Selection

Form = Literal["r5", "r6", "r5-snapshot1"]
FORMS: tuple[Form, ...] = ("r5", "r6", "r5-snapshot1")
SHARED = {
    "r5": {"r5"},
    "r6": {"r6", "r5"},  # a selection may say nothing that tells R6 from R5
    "r5-snapshot1": {"r5-snapshot1", "r5-draft", ""},  # and UIDs that are none make no mark
}


def published(folder: Path) -> Iterator[tuple[Path, list[Selection]]]:
    for path in sorted(folder.rglob("*")):
        if path.suffix not in (".json", ".xml") or "profiles" in path.parts:
            continue
        try:
            read = [one for one in read_selections(path) if one.normalized]
        except ImageRegionError:
            continue
        if read:
            yield path, read


@pytest.fixture(scope="module")
def examples(shared_data: Path) -> list[tuple[Path, list[Selection]]]:
    folder = shared_data / "fhir"
    if not folder.is_dir():
        pytest.skip("FHIR examples absent")
    return list(published(folder))


def shapes(selections: list[Selection]) -> list[Any]:
    found: list[Any] = []
    for region in (region for one in selections for region in one.regions):
        shape = region.shape
        parts = getattr(shape, "rings", None) or (
            getattr(shape, "coords", None),
            getattr(shape, "center", None),
            getattr(shape, "axes", None),
        )
        found.append([np.asarray(part).tolist() for part in parts if part is not None])
    return found


def is_unsaid(converted: Converted) -> bool:
    """Whether a form cannot say which part of an image is meant, so that nobody may read it."""
    return any(i.code == "selector" and i.severity == "warning" for i in converted.losses)


@pytest.mark.parametrize("form", FORMS)
def test_shapes_survive(examples: list[tuple[Path, list[Selection]]], form: Form) -> None:
    for path, read in examples:
        converted = convert_selection(read, form)
        document = json.loads(converted.to_json())
        again = list(read_selections(document))
        assert {one.dialect for one in again} <= SHARED[form], path
        if form == "r5-snapshot1":
            again = list(read_selections(document, dialect=form))
        if is_unsaid(converted) and form == "r5":
            assert len(shapes(again)) <= len(shapes(read)), path
        elif not is_unsaid(converted):
            assert shapes(again) == shapes(read), path
        if form == "r5":
            for one in converted.documents:
                ImagingSelection.model_validate(json.loads(json.dumps(one)))


def settled(documents: tuple[dict[str, Any], ...]) -> list[dict[str, Any]]:
    """Return resources with one number in each item of a subset, once."""
    found: list[dict[str, Any]] = json.loads(json.dumps(documents))
    for one in found:
        for instance in one.get("instance", []):
            if "subset" in instance:
                parts = ",".join(map(str, instance["subset"])).split(",")
                instance["subset"] = list(dict.fromkeys(parts))
    return found


@pytest.mark.parametrize("form", FORMS)
def test_way_back_is_exact(examples: list[tuple[Path, list[Selection]]], form: Form) -> None:
    """What R5 can say comes back as R5 would say it without the detour."""
    for path, read in examples:
        direct = convert_selection(read, "r5")
        there = convert_selection(read, form)
        back = convert_selection(json.loads(there.to_json()), "r5", dialect=form)
        assert settled(back.documents) == settled(direct.documents), path
        if form != "r5-snapshot1":
            xml = convert_selection(there.to_xml(), "r5", dialect=form)
            assert len(xml.documents) == len(direct.documents)
            assert shapes(list(read_selections(xml.document))) == shapes(
                list(read_selections(direct.document))
            ), path


def test_manifests_are_valid(examples: list[tuple[Path, list[Selection]]]) -> None:
    made, refused = 0, set[str]()
    for _, read in examples:
        try:
            manifest = convert_selection(read, "manifest").document
        except ImageRegionError as error:
            refused.add(str(error).partition(": error")[0])
            continue
        ImagingManifest.model_validate(json.loads(json.dumps(manifest)))
        made += 1
    assert made > 20
    assert refused == {"ImagingSelection: nothing for a manifest"}


def test_geojson_has_every_region(examples: list[tuple[Path, list[Selection]]]) -> None:
    for path, read in examples:
        converted = convert_selection(read, "geojson")
        found = converted.document["features"]
        assert len(found) == sum(len(one.regions) for one in read), path
        flat = [f for f in found if f["geometry"]]
        assert all(f["properties"]["unit"] == "px" for f in flat)
