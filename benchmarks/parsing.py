"""From the text of an ImagingSelection to the coordinates of its region."""

from __future__ import annotations

from typing import Any

import numpy as np

import imageregion as ir
from benchmarks.agreement import same_coordinates
from benchmarks.inputs import FloatArray
from benchmarks.task import REFERENCE, Library

__all__ = ["PARSERS"]


def ring_imageregion(content: bytes) -> FloatArray:
    shape = ir.read_selection(content).regions[0].shape
    assert isinstance(shape, ir.Polygon), shape
    return shape.rings[0]


def ring_fhir_resources(content: bytes) -> FloatArray:
    from fhir.resources.imagingselection import ImagingSelection

    model: Any = ImagingSelection.model_validate_json(content)
    numbers = np.array(model.instance[0].imageRegion2D[0].coordinate, dtype=np.float64)
    return numbers.reshape(-1, 2)


def ring_orjson(content: bytes) -> FloatArray:
    import orjson

    region = orjson.loads(content)["instance"][0]["imageRegion2D"][0]
    return np.array(region["coordinate"], dtype=np.float64).reshape(-1, 2)


def without_last(ring: FloatArray) -> FloatArray:
    """Drop the repeated first vertex, which imageregion does not store."""
    return ring[:-1]


PARSERS = {
    REFERENCE: Library(ring_imageregion, "imageregion", same_coordinates),
    "fhir.resources + numpy": Library(
        ring_fhir_resources,
        "fhir.resources",
        same_coordinates,
        finish=without_last,
        note="validates the resource, not the geometry; every coordinate becomes a Decimal",
    ),
    "orjson + numpy": Library(
        ring_orjson,
        "orjson",
        same_coordinates,
        finish=without_last,
        note="checks nothing: the least that reading this text can cost",
    ),
}
