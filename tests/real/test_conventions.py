"""Conventions on contours that people drew: no false alarm, and planted mistakes are named.

The contours are those of radiotherapy structure sets, turned into pixels of the slices they lie on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest

from imageregion import Images, open_images
from imageregion._arrays import FloatArray
from imageregion.checking import Findings, check
from imageregion.frame import Frame

SETS = {
    "ibsi_phantoms/ibsi_1_ct_radiomics_phantom/dicom": "mask/DCM_RS_00060.dcm",
    "rtstruct_small/cerr_pat_2": "DCM_RS_00041.dcm",
    "rtstruct_small/orthanc_lctsc_partial": "RT.dcm",
    "rtstruct_small/rtutils_phantom": "rt.dcm",
}
Drawn = list[tuple[Frame, FloatArray]]


def contours(images: Images, path: Path) -> Iterator[tuple[Frame, FloatArray]]:
    by_height = {round(float(f.plane.origin[2]), 2): f for f in images.frames if f.plane}
    for roi in pydicom.dcmread(path).ROIContourSequence:
        for contour in roi.get("ContourSequence", []):
            points = np.array(contour.ContourData, dtype=np.float64).reshape(-1, 3)
            frame = by_height.get(round(float(points[0, 2]), 2))
            if frame is not None and frame.plane is not None and len(points) > 3:
                yield frame, frame.plane.to_pixel(points)


@pytest.fixture(scope="module", params=SETS)
def drawn(request: pytest.FixtureRequest, shared_data: Path) -> tuple[Images, Drawn]:
    folder = shared_data / request.param
    if not folder.is_dir():
        pytest.skip(f"{request.param} absent")
    images = open_images(folder)
    found = list(contours(images, folder / SETS[request.param]))
    assert found
    return images, found


def checked(
    images: Images, drawn: Drawn, mistake: Callable[[Frame, FloatArray], FloatArray]
) -> Findings:
    instances: list[dict[str, Any]] = []
    for frame, ring in drawn:
        written = mistake(frame, np.concatenate([ring, ring[:1]]))
        region = {"regionType": "polyline", "coordinate": written.ravel().tolist()}
        instances.append({"uid": frame.instance, "imageRegion2D": [region]})
    first = drawn[0][0]
    resource = {
        "resourceType": "ImagingSelection",
        "status": "available",
        "code": {"text": "contours"},
        "studyUid": first.study,
        "seriesUid": first.series,
        "instance": instances,
    }
    return check(resource, images)


def as_it_is(_: Frame, ring: FloatArray) -> FloatArray:
    return ring


def in_patient(frame: Frame, ring: FloatArray) -> FloatArray:
    assert frame.plane is not None
    return np.asarray(frame.plane.to_patient(ring)[:, :2])


def as_fractions(frame: Frame, ring: FloatArray) -> FloatArray:
    return np.asarray(ring / frame.shape[::-1])


def far_off(by: float, _: Frame, ring: FloatArray) -> FloatArray:
    return ring + by


def test_contours_drawn_by_others_raise_no_alarm(drawn: tuple[Images, Drawn]) -> None:
    findings = checked(*drawn, as_it_is)
    codes = {issue.code for issue in findings}
    assert not codes & {"other-convention", "edges-elsewhere", "outside-image", "looks-normalized"}
    assert not findings.errors
    assert len(findings.conventions) == len(drawn[1])
    assert {ranking.readings[0].name for ranking in findings.conventions} == {"as-written"}


def test_fractions_of_the_image_are_recognised(drawn: tuple[Images, Drawn]) -> None:
    findings = checked(*drawn, as_fractions)
    proposed = [issue for issue in findings if issue.code == "other-convention"]
    assert len(proposed) == len(drawn[1])
    assert {ranking.readings[0].name for ranking in findings.conventions} == {"normalized"}
    assert all(ranking.is_decided for ranking in findings.conventions)


def test_millimetres_are_recognised_wherever_they_leave_the_image(
    drawn: tuple[Images, Drawn],
) -> None:
    findings = checked(*drawn, in_patient)
    off = [r for r in findings.conventions if r.as_written.score < 0.5]
    for ranking in off:
        assert "patient-mm" in {one.name for one in ranking.likeliest}, ranking.path
    assert len([i for i in findings if i.code == "other-convention"]) >= len(off)


def test_what_no_convention_explains_is_not_explained(drawn: tuple[Images, Drawn]) -> None:
    findings = checked(*drawn, partial(far_off, 1e6))
    assert "other-convention" not in {issue.code for issue in findings}
    assert {issue.code for issue in findings} >= {"outside-image"}
