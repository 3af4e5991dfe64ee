"""For every rule a selection that breaks it and one, much like it, that does not."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imageregion import Images, Issue, Plane
from imageregion._arrays import IntArray
from imageregion.errors import PlacementError
from imageregion.frame import Frame

STUDY, SERIES, FRAME = "1.2.3", "1.2.3.1", "1.2.3.9"
CT = "1.2.840.10008.5.1.4.1.1.2"
MULTI = "1.2.840.10008.5.1.4.1.1.2.1"
SIZE = (40, 60)
TRIANGLE = [10.2, 10.4, 30.7, 10.1, 20.3, 25.9, 10.2, 10.4]
FLAT_RING = [0, 0, 3, 20, 0, 3, 20, 20, 3, 0, 0, 3]

Resource = dict[str, Any]


def region(kind: str = "polyline", coordinate: Any = None) -> Resource:
    return {"regionType": kind, "coordinate": TRIANGLE if coordinate is None else coordinate}


def line(*coordinate: float) -> Resource:
    return region("polyline", list(coordinate))


def selection(
    *regions: Resource, solid: tuple[Resource, ...] = (), instance: Any = None, **changes: Any
) -> Resource:
    """Make a faultless R5 selection of one triangle, with changes; None takes an element out."""
    element: Resource = {"uid": "1.2.3.1.0", "sopClass": sop_class(CT)}
    if solid:
        element["imageRegion3D"] = list(solid)
    if regions or not solid:
        element["imageRegion2D"] = list(regions) or [region()]
    resource = {
        "resourceType": "ImagingSelection",
        "id": "test",
        "status": "available",
        "code": {"text": "Test"},
        "studyUid": STUDY,
        "seriesUid": SERIES,
        "frameOfReferenceUid": FRAME,
        "instance": [without(element | (instance or {}))],
    }
    return copy.deepcopy(without(resource | changes))


def without(element: Resource) -> Resource:
    return {key: value for key, value in element.items() if value is not None}


def sop_class(uid: str) -> Resource:
    return {"system": "urn:ietf:rfc:3986", "code": f"urn:oid:{uid}"}


def r6(*regions: Resource, instance: Any = None, **changes: Any) -> Resource:
    """Make a faultless R6 selection, which frameNumber and the form of sopClass tell from R5."""
    more = {"sopClass": f"urn:oid:{MULTI}", "frameNumber": [1]} | (instance or {})
    return selection(*regions, instance=more, **changes)


def stack(count: int = 4, pixels: Any = None, **fields: Any) -> Images:
    """Slices 3 mm apart; 0.5 mm between columns, 2 mm between rows."""
    cells = np.zeros(SIZE) if pixels is None else pixels
    frames = []
    for i in range(count):
        settings: dict[str, Any] = {
            "plane": Plane(cells.shape, (-10, -5, 3 * i), [[0.5, 0.0], [0.0, 2.0], [0.0, 0.0]]),
            "study": STUDY,
            "series": SERIES,
            "instance": f"1.2.3.1.{i}",
            "frame_of_reference": FRAME,
            "modality": "CT",
        }
        frames.append(Frame.from_array(cells, **(settings | fields)))
    return Images(frames)


def multiframe(count: int = 3) -> Images:
    frames = stack(count).frames
    moved = [
        Frame.from_array(
            np.zeros(SIZE),
            plane=frame.plane,
            study=STUDY,
            series=SERIES,
            instance="1.2.3.1.0",
            number=i + 1,
            frame_of_reference=FRAME,
            modality="CT",
        )
        for i, frame in enumerate(frames)
    ]
    return Images(moved)


@dataclass(frozen=True, slots=True)
class FourTiles:
    """A slide of 80 x 120 pixels in four tiles of 40 x 60."""

    @property
    def shape(self) -> tuple[int, int]:
        return SIZE

    @property
    def corners(self) -> IntArray:
        return np.array([[0, 0], [0, 60], [40, 0], [40, 60]])

    def load(self, index: int) -> NDArray[Any]:
        return np.zeros(SIZE)

    def frame(self, number: int) -> Frame:
        if not 1 <= number <= 4:
            raise PlacementError(f"there is no frame {number}, the image has 4")
        return Frame.from_array(np.zeros(SIZE), number=number, **_SLIDE)


_SLIDE = {
    "study": STUDY,
    "series": SERIES,
    "instance": "1.2.3.1.0",
    "frame_of_reference": FRAME,
    "modality": "SM",
}


def slide() -> Images:
    whole = Frame.from_array(np.zeros((80, 120)), number=0, tiles=FourTiles(), **_SLIDE)
    return Images([whole])


def on_slide(*coordinate: float, **more: Any) -> Resource:
    instance = {"sopClass": sop_class("1.2.840.10008.5.1.4.1.1.77.1.6")} | more
    return selection(line(*coordinate), instance=instance)


def square(low: float, high: float) -> tuple[float, ...]:
    return low, low, high, low, high, high, low, high, low, low


def box(left: float, top: float, right: float, bottom: float) -> Resource:
    return line(left, top, right, top, right, bottom, left, bottom, left, top)


def picture() -> NDArray[np.float64]:
    """A bright disc in the upper right, the rest flat; square, so that swapping stays inside."""
    row, column = np.mgrid[:64, :64] + 0.5
    cells: NDArray[np.float64] = np.where(np.hypot(column - 44, row - 20) < 10, 100.0, 0.0)
    return cells


def disc(column: float, row: float) -> Resource:
    return region("circle", [column, row, column + 10, row])


Case = tuple[Any, Any] | tuple[Any, Any, Any] | tuple[Any, Any, Any, Any]
"""What breaks the rule, what does not, and the images of both, or of each."""

ENDS = [-3, -3, -3, 3, 3, 3, 1, -1, 0, -1, 1, 0]
ELLIPSE = [5, 20, 25, 20, 15, 15, 15, 25]
GOOD = selection()
_URN = {"system": "urn:dicom:uid", "value": f"urn:oid:{STUDY}"}
_STUDY = {"type": "ImagingStudy", "identifier": _URN}


def _derived(value: str) -> list[Resource]:
    return [{"type": "ImagingStudy", "identifier": {"system": "urn:dicom:uid", "value": value}}]


def _class(uid: str) -> Resource:
    return selection(instance={"sopClass": sop_class(uid)})


def _waveform(*channels: int) -> Resource:
    more = {
        "sopClass": "urn:oid:1.2.840.10008.5.1.4.1.1.9.1.2",
        "waveFormChannel": list(channels),
        "frameNumber": None,
        "imageRegion2D": None,
    }
    return r6(instance=more)


def snapshot(**changes: Any) -> Resource:
    """Make a selection as FHIR 5.0.0-snapshot1 has it, with changes to its region."""
    drawn = {"regionType": "POLYGON", "coordinateType": "2d", "coordinates": TRIANGLE}
    return {
        "resourceType": "ImagingSelection",
        "code": {"text": "Test"},
        "studyUid": f"urn:oid:{STUDY}",
        "seriesUid": f"urn:oid:{SERIES}",
        "instance": [{"uid": f"urn:oid:{SERIES}.0", "frameList": "1"}],
        "imageRegion": without(drawn | changes),
    }


DRAFT: Resource = {
    "resourceType": "ImagingSelection",
    "code": {"text": "Test"},
    "studyUid": f"urn:oid:{STUDY}",
    "seriesUid": f"urn:oid:{SERIES}",
    "instances": [{"uid": f"urn:oid:{SERIES}.0", "frameList": "1"}],
}
PROPOSAL: Resource = {
    "resourceType": "ImagingReference",
    "code": {"text": "Test"},
    "studyUid": f"urn:oid:{STUDY}",
    "seriesUid": f"urn:oid:{SERIES}",
    "instance": [{"uid": f"urn:oid:{SERIES}.0"}],
}


def xml(status: str = '<status value="available"/>', last: str = "") -> str:
    return (
        f'<ImagingSelection xmlns="http://hl7.org/fhir">{status}<code><text value="a"/></code>'
        f'<studyUid value="{STUDY}"/><seriesUid value="{SERIES}"/>{last}</ImagingSelection>'
    )


def _segments(**selector: Any) -> Resource:
    segmentation = {"sopClass": "urn:oid:1.2.840.10008.5.1.4.1.1.66.4", "imageRegion2D": None}
    return r6(instance=segmentation | selector)


INVARIANTS: dict[str, Case] = {
    "isl-1": (selection(seriesUid=None, instance=None) | {"instance": []}, GOOD),
    "isl-2": (selection(studyUid=None), GOOD),
    "isl-3": (selection(seriesUid=None, seriesNumber=2), selection(seriesNumber=2)),
    "isl-4": (selection(seriesUid=None), GOOD),
    "isl-5": (
        selection(solid=(region("polygon", FLAT_RING),), frameOfReferenceUid=None),
        selection(solid=(region("polygon", FLAT_RING),)),
    ),
    "isl-6": (
        selection(region(), solid=(region("polygon", FLAT_RING),)),
        selection(solid=(region("polygon", FLAT_RING),)),
    ),
    "isl-7": (selection(line(*TRIANGLE[:-1])), GOOD),
    "isl-8": (
        selection(solid=(region("polygon", FLAT_RING[:-1]),)),
        selection(solid=(region("polygon", FLAT_RING),)),
    ),
    "isl-9": (
        r6(seriesUid=None, modality={"coding": [{"code": "CT"}]}),
        r6(modality={"coding": [{"code": "CT"}]}),
    ),
    "isl-10": (r6(instance={"segmentNumber": [1]}), r6()),
    "isl-11": (_waveform(1, 2, 3), _waveform(1, 2)),
}

IDENTITY: dict[str, Case] = {
    "uid-form": (selection(studyUid="1.02.3"), GOOD),
    "identifier-form": (
        selection(identifier=[{"system": "urn:dicom:uid", "value": STUDY}]),
        selection(identifier=[_URN]),
    ),
    "study-identifier": (
        selection(derivedFrom=_derived("urn:oid:1.2.4")),
        selection(derivedFrom=[_STUDY]),
    ),
    "sop-class-typo": (_class("1" + CT), GOOD),
    "sop-class-unknown": (_class("1.2.276.0.7230010.3.1"), GOOD),
    "not-a-sop-class": (_class("1.2.840.10008.1.2.1"), GOOD),
    "single-frame": (selection(instance={"subset": ["2"]}), selection(instance={"subset": ["1"]})),
    "region-3d-in-instance": (selection(solid=(region("polygon", FLAT_RING),)), GOOD),
}

FORM: dict[str, Case] = {
    "unreadable": ({"resourceType": "ImagingSelection", "status": "available"}, GOOD),
    "invalid-element": (selection(instance={"number": "one"}), selection(instance={"number": 1})),
    "contradiction": (snapshot(coordinateType=None), snapshot()),
    "misplaced": (selection(subset=["1"]), selection(instance={"subset": ["1"]})),
    "mixed-dialects": (
        r6(instance={"imageRegion3D": [region("polygon", FLAT_RING)], "imageRegion2D": None}),
        r6(),
    ),
    "no-type": (without(DRAFT | {"resourceType": None}), DRAFT),
    "no-status": (snapshot(), selection()),
    "no-code": (without(PROPOSAL | {"code": None}), PROPOSAL),
    "unknown-attribute": (xml('<status value="available" colour="red"/>'), xml()),
    "unknown-text": (xml('<status value="available"/>loose'), xml()),
    "element-order": (xml("", '<status value="available"/>'), xml()),
    "namespace": (xml().replace(' xmlns="http://hl7.org/fhir"', ""), xml()),
    "inactive": (r6(status="inactive"), r6()),
    "several-selectors": (r6(instance={"segmentNumber": [1]}), r6()),
    "no-frames": (
        _segments(segmentNumber=[1], frameNumber=None),
        _segments(frameNumber=[1]),
    ),
    "beside-3d": (
        r6(instance={"imageRegion2D": None}, imageRegion3D=[region("polygon", FLAT_RING)] * 1)
        | {"instance": [{"uid": "1.2.3.1.0"}, {"uid": "1.2.3.1.1"}]},
        selection(instance=None, imageRegion3D=[region("polygon", FLAT_RING)]),
    ),
    "same-region": (
        selection()
        | {
            "instance": [
                {"uid": f"1.2.3.1.{i}", "imageRegion3D": [region("polygon", FLAT_RING)]}
                for i in range(2)
            ]
        },
        selection(solid=(region("polygon", FLAT_RING),)),
    ),
    "implicitly-closed": (snapshot(coordinates=TRIANGLE[:-2]), snapshot()),
    "unknown-element": (selection(colour="red"), GOOD),
    "repeated-key": (
        json.dumps(GOOD).replace('"coordinate"', '"coordinate": [1, 1], "coordinate"', 1),
        json.dumps(GOOD),
    ),
    "invalid-id": (selection(id="a b"), GOOD),
    "invalid-narrative": (
        selection(text={"status": "wrong", "div": 3}),
        selection(
            text={"status": "empty", "div": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'}
        ),
    ),
    "modifier-extension": (
        selection(modifierExtension=[{"url": "http://a.b", "valueBoolean": True}]),
        selection(extension=[{"url": "http://a.b", "valueBoolean": True}]),
    ),
    "entered-in-error": (selection(status="entered-in-error"), GOOD),
    "no-target": (selection(seriesUid=None, instance=None) | {"instance": None}, GOOD),
    "empty-list": (selection() | {"instance": []}, GOOD),
    "no-frame-of-reference": (
        selection(solid=(region("polygon", FLAT_RING),), frameOfReferenceUid=None),
        selection(solid=(region("polygon", FLAT_RING),)),
    ),
    "not-an-image": (_class("1.2.840.10008.5.1.4.1.1.104.1"), GOOD),
    "subset": (selection(instance={"subset": ["first"]}), selection(instance={"subset": ["1"]})),
    "comma-list": (
        selection(instance={"subset": ["1,2"], "sopClass": sop_class(MULTI)}),
        selection(instance={"subset": ["1", "2"], "sopClass": sop_class(MULTI)}),
    ),
    "uid-prefix": (selection(studyUid=f" {STUDY}"), GOOD),
    "code-case": (selection(region("Polyline")), GOOD),
    "region-type": (selection(region("banana")), GOOD),
    "coordinate": (selection(region("polyline", [1, "2", 3, 4])), GOOD),
    "coordinate-count": (
        selection(region("circle", [5, 5])),
        selection(region("circle", [5, 5, 8, 5])),
    ),
    "too-many-coordinates": (selection(region("polyline", [1.5] * 4_194_306)), GOOD),
    "no-extent": (
        selection(region("circle", [5, 5, 5, 5])),
        selection(region("circle", [5, 5, 8, 5])),
    ),
    "axes-midpoint": (
        selection(region("ellipse", [5, 20, 25, 20, 18, 15, 18, 25])),
        selection(region("ellipse", ELLIPSE)),
    ),
    "axes-angle": (
        selection(region("ellipse", [5, 20, 25, 20, 12, 15, 18, 25])),
        selection(region("ellipse", ELLIPSE)),
    ),
    "axes-order": (
        selection(region("ellipse", [*ELLIPSE[4:], *ELLIPSE[:4]])),
        selection(region("ellipse", ELLIPSE)),
    ),
    "unclosed": (selection(line(*TRIANGLE[:-2])), GOOD),
    "no-area": (selection(line(1, 1, 9, 9, 5, 5, 1, 1)), GOOD),
    "not-planar": (
        selection(solid=(region("polygon", [0, 0, 3, 20, 0, 3, 20, 20, 9, 0, 20, 3, 0, 0, 3]),)),
        selection(solid=(region("polygon", FLAT_RING),)),
    ),
    "geometry": (  # a curve that would need more vertices than any memory holds
        selection(region("interpolated", [0, 0, 1e9, 9, 0, 1e9, 1e9, 1e9, 5, 7, 1e9, 3])),
        selection(region("interpolated", TRIANGLE)),
    ),
    "sub-pixel": (selection(box(5.1, 5.1, 5.4, 5.3)), GOOD),
}


def manifest(*series: Any, instance: Any = None, **changes: Any) -> Resource:
    """Make an ImagingManifest of one series, with changes to it or to its instance."""
    one = {"uid": f"urn:oid:{SERIES}.0", "sopClass": f"urn:oid:{CT}"} | (instance or {})
    whole = {"uid": f"urn:oid:{SERIES}", "instance": [without(one)]}
    resource = {
        "resourceType": "ImagingManifest",
        "patient": {"reference": "Patient/1"},
        "study": [{"uid": f"urn:oid:{STUDY}", "series": [whole, *series]}],
    }
    return without(resource | changes)


def endpoints(study: list[str], series: list[str], *contained: str) -> Resource:
    """Make a manifest whose study and series have endpoints; those contained have a type."""
    made = manifest()
    made["study"][0]["endpoint"] = [{"reference": name} for name in study]
    made["study"][0]["series"][0]["endpoint"] = [{"reference": name} for name in series]
    return made | {
        "contained": [
            {
                "resourceType": "Endpoint",
                "id": name,
                "status": "active",
                "connectionType": {"code": "dicom-wado-rs"},
                "payloadType": [{"text": "DICOM"}],
                "address": f"https://example.org/{name}",
            }
            for name in contained
        ]
    }


_MANY = [f"Endpoint/{i}" for i in range(5000)]

MANIFEST: dict[str, Case] = {
    "not-a-list": (manifest() | {"study": manifest()["study"][0]}, manifest()),
    "invalid-uid": (
        manifest({"uid": f"urn:oid:{SERIES}.2", "instance": [{"uid": "x"}]}),
        manifest(),
    ),
    "patient": (manifest(patient=None), manifest()),
    "sop-class": (manifest(instance={"sopClass": None}), manifest()),
    "no-instance": (
        manifest({"uid": f"urn:oid:{SERIES}.2", "instance": [{"uid": "x"}]}),
        manifest(),
    ),
    "partial-time": (
        manifest(authoringTime="2014-11-20"),
        manifest(authoringTime="2014-11-20T11:01:20-08:00"),
    ),
    "not-carried-over": (manifest(colour="red"), manifest(description="a")),
    "endpoint-overridden": (
        endpoints(["#a"], ["#b"], "a", "b"),
        endpoints(["#a"], [], "a", "b"),
    ),
    "endpoint-unresolved": (
        endpoints(["Endpoint/a"], ["Endpoint/b"]),
        endpoints(["Endpoint/a"], []),
    ),
    "too-many-endpoints": (endpoints(_MANY, []), endpoints(_MANY[:3], [])),
    "too-many-issues": (manifest(**{f"colour{i}": "red" for i in range(5000)}), manifest()),
}

DRAWING: dict[str, Case] = {
    "looks-normalized": (selection(box(0.1, 0.2, 0.5, 0.9)), GOOD),
    "likely-outline": (
        selection(line(5.5, 5, 15.5, 5, 15.5, 15, 5.5, 15)),
        selection(line(5.5, 5, 15.5, 5, 15.5, 15, 45.5, 15)),
    ),
    "repeated-vertex": (selection(line(*TRIANGLE[:2], *TRIANGLE)), GOOD),
    "self-crossing": (selection(line(5, 5, 25, 25, 25, 5, 5, 25, 5, 5)), GOOD),
    "duplicate-region": (
        selection(region(), region()),
        selection(region(), line(*(v + 1 for v in TRIANGLE))),
    ),
    "whole-numbers": (
        selection(line(5, 9, 9, 5, 15, 5, 19, 9, 19, 15, 12, 21, 5, 9)),
        selection(line(5, 5, 15, 5, 15, 9, 11, 9, 11, 15, 5, 15, 5, 5)),  # along edges of pixels
    ),
}

IMAGES: dict[str, Case] = {
    "image-issue": (
        GOOD,
        GOOD,
        Images(stack().frames, [Issue("warning", "no-plane", "1.2.3.1.0", "no position")]),
        Images(stack().frames, [Issue("warning", "no-plane", "1.2.3.1.77", "no position")]),
    ),
    "instance-missing": (selection(instance={"uid": "1.2.3.1.77"}), GOOD, stack()),
    "frame-missing": (
        selection(instance={"subset": ["2", "4", "9"], "sopClass": sop_class(MULTI)}),
        selection(instance={"subset": ["2", "3"], "sopClass": sop_class(MULTI)}),
        multiframe(),
    ),
    "wrong-frame-of-reference": (
        selection(solid=(region("polygon", FLAT_RING),), frameOfReferenceUid="1.2.3.8"),
        selection(solid=(region("polygon", FLAT_RING),)),
        stack(),
    ),
    "off-planes": (
        selection(solid=(region("point", [0, 0, 300]),)),
        selection(solid=(region("point", [0, 0, 3]),)),
        stack(),
    ),
    "not-located": (  # tilted against the planes
        selection(solid=(region("polygon", [0, 0, 0, 9, 0, 9, 9, 9, 9, 0, 9, 0, 0, 0, 0]),)),
        selection(solid=(region("polygon", FLAT_RING),)),
        stack(),
    ),
    "outside-image": (selection(box(50, 10, 70, 20)), GOOD, stack()),
    "partly-off-planes": (
        selection(
            solid=(region("ellipsoid", [-4, 0, 0, 4, 0, 0, 0, -4, 0, 0, 4, 0, 0, 0, -4, 0, 0, 4]),)
        ),
        selection(
            solid=(region("ellipsoid", [-4, 0, 4, 4, 0, 4, 0, -4, 4, 0, 4, 4, 0, 0, 0, 0, 0, 8]),)
        ),
        stack(),
    ),
    "other-instance": (
        selection(solid=(region("polygon", FLAT_RING),)),
        selection(solid=(region("polygon", FLAT_RING),), instance={"uid": "1.2.3.1.1"}),
        stack(),
    ),
    "study-mismatch": (selection(studyUid="1.2.4"), GOOD, stack()),
    "series-mismatch": (selection(seriesUid="1.2.4"), GOOD, stack()),
    "frame-of-reference-mismatch": (selection(frameOfReferenceUid="1.2.4"), GOOD, stack()),
    "sop-class-mismatch": (_class("1.2.840.10008.5.1.4.1.1.4"), GOOD, stack()),
    "modality-mismatch": (
        r6(modality={"coding": [{"code": "MR"}]}),
        r6(modality={"coding": [{"code": "CT"}]}),
        stack(),
    ),
    "tile-coordinates": (
        on_slide(5.5, 5, 30, 5, 30, 30, 5.5, 5),
        on_slide(5.5, 5, 90, 5, 90, 30, 5.5, 5),
        slide(),
    ),
    "matrix-coordinates": (
        on_slide(70.5, 5, 90, 5, 90, 30, 70.5, 5, subset=["1"]),
        on_slide(10.5, 5, 30, 5, 30, 30, 10.5, 5, subset=["1"]),
        slide(),
    ),
    "image-bounds": (selection(box(-0.5, -0.5, 59.5, 39.5)), selection(box(0, 0, 60, 40)), stack()),
    "other-convention": (selection(box(0.2, 0.3, 0.6, 0.7)), GOOD, stack()),
    "edges-elsewhere": (
        selection(disc(20, 44)),
        selection(disc(44, 20)),
        stack(pixels=picture()),
    ),
}

CASES: dict[str, Case] = {**INVARIANTS, **IDENTITY, **FORM, **MANIFEST, **DRAWING, **IMAGES}
