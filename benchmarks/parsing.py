"""From the text of an ImagingSelection to the coordinates of its region."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import orjson

import imageregion as ir
from benchmarks.agreement import same_coordinates
from benchmarks.inputs import FloatArray, selection_json, star
from benchmarks.task import REFERENCE, Library, Task

__all__ = ["PARSERS", "PARSING"]

SERIES = "selection parsing"


@cache
def large_selection() -> bytes:
    """An R5 ImagingSelection with one closed outline of 50,000 vertices, three decimals each."""
    resource = orjson.loads(selection_json())
    xy = star(50_000, 4_096).xy.round(3)
    closed = np.concatenate([xy, xy[:1]])
    resource["instance"][0]["imageRegion2D"][0]["coordinate"] = closed.reshape(-1).tolist()
    return orjson.dumps(resource)


def ring_imageregion(content: bytes) -> FloatArray:
    shape = ir.read_selection(content).regions[0].shape
    assert isinstance(shape, ir.Polygon), shape
    return shape.rings[0]


def model_fhir_resources(content: bytes) -> Any:
    from fhir.resources.imagingselection import ImagingSelection

    return ImagingSelection.model_validate_json(content)


def ring_of_model(model: Any) -> FloatArray:
    numbers = np.array(model.instance[0].imageRegion2D[0].coordinate, dtype=np.float64)
    return numbers.reshape(-1, 2)


def ring_fhir_resources(content: bytes) -> FloatArray:
    return ring_of_model(model_fhir_resources(content))


def ring_orjson(content: bytes) -> FloatArray:
    region = orjson.loads(content)["instance"][0]["imageRegion2D"][0]
    return np.array(region["coordinate"], dtype=np.float64).reshape(-1, 2)


def without_last(ring: FloatArray) -> FloatArray:
    """Drop the repeated first vertex, which imageregion does not store."""
    return ring[:-1]


def vertices_of_model(model: Any) -> FloatArray:
    return without_last(ring_of_model(model))


PARSERS = {
    REFERENCE: Library(ring_imageregion, "imageregion", same_coordinates),
    "fhir.resources": Library(
        model_fhir_resources,
        "fhir.resources",
        same_coordinates,
        finish=vertices_of_model,
        note="validates the resource, not the geometry; every coordinate becomes a Decimal",
    ),
    "fhir.resources + numpy": Library(
        ring_fhir_resources,
        "fhir.resources",
        same_coordinates,
        finish=without_last,
        note="the same, and the coordinates as an array",
    ),
    "orjson + numpy": Library(
        ring_orjson,
        "orjson",
        same_coordinates,
        finish=without_last,
        note="checks nothing: the least that reading this text can cost",
    ),
}

PARSING: dict[str, Task] = {
    f"{SERIES}, {vertices} vertices": Task(
        given,
        PARSERS,
        "From the JSON text of an ImagingSelection with one outline to its shape. imageregion "
        "recognises the version of FHIR, validates the resource with fhir.resources too, but keeps "
        "the coordinates away from it, and checks the geometry itself.",
        series=SERIES,
    )
    for vertices, given in (("5,000", selection_json), ("50,000", large_selection))
}
