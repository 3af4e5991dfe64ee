"""Bundles with numbers of our choice, and images whose pixels are not square."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

import imageregion as ir
from imageregion.codes import code_of
from imageregion.dicom.images import Images
from imageregion.quantities import LinearMap, Quantity

ROWS, COLUMNS = 60, 90
SERIES, REFERENCE = "1.2.3", "1.2.9"
PATH = "ImagingSelection.instance[{}].imageRegion2D[{}]"

OVAL = ("polyline", [21.3, 12.2, 40.1, 10.7, 52.6, 22.4, 44.9, 37.8, 27.7, 33.1, 21.3, 12.2])
CIRCLE = ("circle", [30.2, 24.7, 38.9, 24.7])
OTHER = ("circle", [60.4, 40.1, 66.6, 40.1])
OPEN = ("polyline", [21.3, 12.2, 40.1, 10.7, 52.6, 22.4, 44.9, 37.8, 27.7, 33.1])
STAR = ("polyline", [30, 10, 50, 45, 12, 22, 55, 20, 18, 47, 30, 10])


def texture(seed: int = 0) -> np.ndarray[Any, np.dtype[np.int16]]:
    """Smooth and rough at once, different along rows and columns, so that every change shows."""
    row, column = np.mgrid[:ROWS, :COLUMNS]
    noise = np.random.default_rng(seed).normal(0, 25, (ROWS, COLUMNS))
    return np.asarray(400 + 3 * row + 1.7 * column + noise, dtype=np.int16)


def phantom(count: int = 1, **fields: Any) -> Images:
    """Slices of 2.0 mm between rows and 0.5 mm between columns, 3 mm apart."""
    axes = [[0.5, 0.0], [0.0, 2.0], [0.0, 0.0]]
    hounsfield = LinearMap(1.0, -1024.0)
    given = {
        "value_map": hounsfield,
        "unit": "[hnsf'U]",
        "value": "hu",
        "quantities": (
            Quantity("hu", hounsfield, "[hnsf'U]"),
            Quantity("stored", LinearMap(), "1"),
        ),
        "modality": "CT",
    }
    return Images(
        [
            ir.Frame.from_array(
                texture(k),
                plane=ir.Plane((ROWS, COLUMNS), (-20.0, 15.0, 3.0 * k), axes),
                instance=f"{SERIES}.{k + 1}",
                series=SERIES,
                frame_of_reference=REFERENCE,
                **(given | fields),
            )
            for k in range(count)
        ]
    )


def pet() -> Images:
    """One slice that is Bq/ml when rescaled, and SUV by weight."""
    activity, uptake = LinearMap(12.3, 0.0), LinearMap(12.3 * 7.41e-5, 0.0)
    return phantom(
        modality="PT",
        value_map=uptake,
        unit="g/ml{SUVbw}",
        value="suvbw",
        quantities=(
            Quantity("suvbw", uptake, "g/ml{SUVbw}", "SUV by body weight"),
            Quantity("rescaled", activity, "Bq/ml"),
            Quantity("stored", LinearMap(), "1"),
        ),
    )


def selection(*regions: tuple[str, Sequence[float]], instance: int = 1) -> dict[str, Any]:
    """An ImagingSelection of 2-D regions on one slice."""
    elements = [{"regionType": kind, "coordinate": list(c)} for kind, c in regions]
    return {
        "resourceType": "ImagingSelection",
        "id": "drawn",
        "status": "available",
        "code": {"text": "Test"},
        "seriesUid": SERIES,
        "frameOfReferenceUid": REFERENCE,
        "instance": [{"uid": f"{SERIES}.{instance}", "imageRegion2D": elements}],
    }


def observation(
    numbers: Mapping[str, tuple[str, str]], path: str = PATH.format(0, 0), name: str = "numbers"
) -> dict[str, Any]:
    """An Observation of one region, as a program that names no method writes it."""
    region = {
        "url": "https://imageregion.github.io/fhir/StructureDefinition/region-path",
        "valueString": path,
    }
    return {
        "resourceType": "Observation",
        "id": name,
        "status": "final",
        "code": {"text": "Measurements"},
        "derivedFrom": [{"extension": [region], "reference": "ImagingSelection/drawn"}],
        "component": [
            {
                "code": {"coding": [code_of(code)._asdict()]},
                "valueQuantity": {"value": f"@{text}@", "unit": unit, "code": unit},
            }
            for code, (text, unit) in numbers.items()
        ],
    }


def as_text(*resources: dict[str, Any]) -> str:
    """A Bundle as JSON text in which every number has the digits it was given."""
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": resource} for resource in resources],
    }
    return re.sub(r'"@([^"@]*)@"', r"\1", json.dumps(bundle))


def measured(
    drawn: dict[str, Any], images: Images, index: int = 0, **options: Any
) -> dict[str, tuple[float, str]]:
    """Everything measured of one region: code -> (value, unit)."""
    result = ir.measure(drawn, images, features="first-order", **options).results[index]
    return {m.code: (m.value, m.unit) for m in result.measurements if m.value is not None}


def stated(value: float, digits: int = 6) -> str:
    """A number rounded to significant digits, trailing zeros kept."""
    return f"{value:#.{digits}g}".removesuffix(".")
