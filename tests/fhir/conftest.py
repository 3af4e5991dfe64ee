"""Selections written by hand, and where the published ones are."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

BASE: dict[str, Any] = {
    "resourceType": "ImagingSelection",
    "id": "test",
    "status": "available",
    "code": {"text": "Test"},
    "studyUid": "1.2",
    "seriesUid": "1.2.3",
    "frameOfReferenceUid": "1.2.9",
}

Make = Callable[..., dict[str, Any]]


@pytest.fixture
def make() -> Make:
    """Return a function that makes a selection of one instance from its regions and changes."""

    def build(
        *regions: tuple[str, list[Any]],
        dimension: int = 2,
        instance: dict[str, Any] | None = None,
        **changes: Any,
    ) -> dict[str, Any]:
        resource = copy.deepcopy(BASE)
        elements = [{"regionType": kind, "coordinate": coordinate} for kind, coordinate in regions]
        one: dict[str, Any] = {"uid": "1.2.3.4"}
        if elements:
            one[f"imageRegion{dimension}D"] = elements
        resource["instance"] = [{**one, **(instance or {})}]
        resource.update(changes)
        return {key: value for key, value in resource.items() if value is not ...}

    return build


@pytest.fixture
def official() -> Callable[[str], dict[str, Any]]:
    """Return a function that loads an official R5 example by the middle of its file name."""
    root = Path(__file__).parents[2]
    data = Path(os.environ.get("IMAGEREGION_DATA", root.parent / "shared" / "data"))
    folder = data / "fhir" / "r5-5.0.0"
    if not folder.is_dir():
        pytest.skip(f"official FHIR R5 examples not found in {folder}; set IMAGEREGION_DATA")

    def load(name: str) -> dict[str, Any]:
        text = (folder / f"ImagingSelection-example-{name}-selection.json").read_text("utf-8")
        resource: dict[str, Any] = json.loads(text)
        return resource

    return load
