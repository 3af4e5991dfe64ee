"""Schema: which elements FHIR has, which of them repeat, and what their values are in JSON.

XML says neither: ``<coordinate value="1"/>`` may be text or a number, alone or the only item of a
list. The models of fhir.resources for R5, R4B and STU3 know; a short table adds the elements of an
ImagingSelection that none of these versions has.
"""

from __future__ import annotations

import importlib
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType, NoneType, UnionType
from typing import Annotated, Any, Literal

__all__ = ["Element", "Schema", "schema_of"]

Kind = Literal["text", "number", "boolean", "complex", "resource"]
"""What an element becomes in JSON."""

_VERSIONS = ("fhir.resources", "fhir.resources.R4B", "fhir.resources.STU3")
_LATER_ORDER = """
    id meta implicitRules language text contained extension modifierExtension identifier status
    category code subject issued performer basedOn derivedFrom studyUid seriesUid seriesNumber
    frameOfReferenceUid bodySite focus endpoint instance imageRegion3D
"""
"""Elements of an ImagingSelection as FHIR 6.0.0 orders them (``modality`` left out)."""


@dataclass(frozen=True, slots=True)
class Element:
    """What is known of an element.

    Parameters
    ----------
    kind : Kind
    is_list : bool
        Whether JSON always has a list, however often it occurs in XML.
    schema : str
        Name of the schema of what is in it, for `schema_of`; empty where nothing is known.
    """

    kind: Kind = "text"
    is_list: bool = False
    schema: str = ""


@dataclass(frozen=True, slots=True)
class Schema:
    """The elements of one data type, resource or part of a resource.

    Parameters
    ----------
    elements : mapping of str to Element
    orders : tuple of mapping of str to int
        Places of the elements in the order of each version, where one is prescribed.
    """

    elements: Mapping[str, Element] = field(default_factory=dict)
    orders: tuple[Mapping[str, int], ...] = ()


_NUMBERS = Element("number", is_list=True)
_REGION = Element("complex", schema="ImagingSelectionInstanceImageRegion2D")
_REGIONS = Element("complex", is_list=True, schema="ImagingSelectionInstanceImageRegion3D")
_INSTANCES = Element("complex", is_list=True, schema="ImagingSelectionInstance")
_SELECTORS = (
    "frameNumber",
    "referencedContentItemIdentifier",
    "segmentNumber",
    "regionOfInterest",
    "waveFormChannel",
)
_OTHERS: dict[str, dict[str, Element]] = {
    "ImagingSelection": {
        "instances": _INSTANCES,
        "imageRegion": _REGION,
        "imageRegion3D": _REGIONS,
        "modality": Element("complex", schema="CodeableConcept"),
    },
    "ImagingSelectionInstance": {
        "imageRegion": _REGION,
        **dict.fromkeys(_SELECTORS, _NUMBERS),
    },
    "ImagingSelectionInstanceImageRegion2D": {
        "coordinates": _NUMBERS,
        "2dCoordinateList": _NUMBERS,
        "3dCoordinateList": _NUMBERS,
    },
}
_SAME = {"ImagingReference": "ImagingSelection"}


@lru_cache(maxsize=4096)
def schema_of(name: str) -> Schema:
    """Return what is known of a data type, resource or part of a resource, by its name.

    Parameters
    ----------
    name : str
        As fhir.resources names its models, e.g. "Bundle" or "ImagingSelectionInstance".

    Examples
    --------
    >>> schema_of("ImagingSelection").elements["instance"]
    Element(kind='complex', is_list=True, schema='ImagingSelectionInstance')
    >>> schema_of("Nonsense").elements
    mappingproxy({})
    """
    name = _SAME.get(name, name)
    elements: dict[str, Element] = {}
    orders: list[Mapping[str, int]] = []
    for version in _VERSIONS:
        model = _model(version, name)
        if model is None:
            continue
        for field_name, info in model.model_fields.items():
            label = info.alias or field_name
            if label != "fhir_comments" and not label.startswith("_"):
                elements.setdefault(label, _element(info.annotation))
        orders.append(_places(model.elements_sequence()))
    elements |= _OTHERS.get(name, {})
    if name == "ImagingSelection":
        orders.append(_places(_LATER_ORDER.split()))
    return Schema(MappingProxyType(elements), tuple(orders))


def _places(names: list[str]) -> Mapping[str, int]:
    return MappingProxyType({name: place for place, name in enumerate(names)})


def _model(version: str, name: str) -> Any:
    """Return the model class of a name; None where the version has none."""
    types = importlib.import_module(f"{version}.fhirtypes")
    found = getattr(types, f"{name}Type", None) if name.isidentifier() else None
    if not hasattr(found, "get_model_klass"):
        return None
    return found.get_model_klass()  # type: ignore[union-attr]


def _element(annotation: Any) -> Element:
    """Read ``Optional[List[Annotated[Decimal, ...]]]`` and the like."""
    is_list = False
    while True:
        origin = typing.get_origin(annotation)
        arguments = typing.get_args(annotation)
        if origin in (typing.Union, UnionType):
            annotation = next(a for a in arguments if a is not NoneType)
        elif origin is list:
            is_list, annotation = True, arguments[0]
        elif origin is Annotated:
            return Element(_primitive(arguments), is_list)
        else:
            break
    if annotation is bool:
        return Element("boolean", is_list)
    name = getattr(annotation, "__name__", "").removesuffix("Type")
    if name == "Resource":
        return Element("resource", is_list)
    return Element("complex", is_list, name) if name[:1].isupper() else Element("text", is_list)


def _primitive(arguments: tuple[Any, ...]) -> Kind:
    python = arguments[0]
    if python is bool:
        return "boolean"
    wide = type(arguments[1]).__name__ == "Integer64"  # text in JSON
    return (
        "number" if getattr(python, "__name__", "") in ("int", "Decimal") and not wide else "text"
    )
