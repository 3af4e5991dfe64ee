"""What a report draws and writes."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import imageregion as ir
from imageregion.cli.console import print_reports
from imageregion.demo import demo_image, demo_selection
from imageregion.dicom.images import Images
from imageregion.overlay import PALETTE, text
from imageregion.report import reports_to_csv

SIZE = 48


def frames(count: int) -> list[ir.Frame]:
    axes = [[1, 0], [0, 1], [0, 0]]
    return [
        ir.Frame.from_array(
            np.zeros((SIZE, SIZE)),
            plane=ir.Plane((SIZE, SIZE), [0, 0, float(k)], axes),
            instance=f"1.2.{k + 1}",
            series="1.2",
            frame_of_reference="1.9",
        )
        for k in range(count)
    ]


def report_of(count: int, instances: list[dict[str, Any]]) -> ir.Report:
    selection = {
        "resourceType": "ImagingSelection",
        "status": "available",
        "code": {"text": "x"},
        "seriesUid": "1.2",
        "frameOfReferenceUid": "1.9",
        "instance": instances,
    }
    return ir.measure(selection, Images(frames(count)))


def circle(column: float) -> dict[str, Any]:
    return {"regionType": "circle", "coordinate": [column, 24, column + 6, 24]}


@pytest.mark.parametrize(("count", "title"), [(24, None), (30, "24 of 30 images")])
def test_a_sheet_says_how_many_images_it_leaves_out(
    count: int, title: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []

    def patch(line: str, size: int) -> text.TextPatch:
        written.append(line)
        return text.text_patch(line, size)

    monkeypatch.setattr("imageregion.overlay.sheet.text_patch", patch)
    report = report_of(
        count, [{"uid": f"1.2.{k + 1}", "imageRegion2D": [circle(24)]} for k in range(count)]
    )
    assert report.picture().shape[1] <= 2400
    assert written == ([f"{title}: those with the most pixels of the regions"] if title else [])


def colors_in(picture: np.ndarray[Any, Any]) -> set[int]:
    """Numbers of the palette colours that a picture shows pure."""
    return {i for i, c in enumerate(PALETTE) if (picture == c).all(axis=2).any()}


def test_a_region_has_one_colour_on_every_image() -> None:
    """On the second image the second region stands alone, and keeps its colour."""
    both = {"uid": "1.2.1", "imageRegion2D": [circle(12), circle(36)]}
    ball = {
        "regionType": "ellipsoid",
        "coordinate": [4, 24, 1, 44, 24, 1, 24, 4, 1, 24, 44, 1, 24, 24, -2, 24, 24, 4],
    }
    solo = report_of(1, [both])
    assert colors_in(solo.picture()) == {0, 1}
    report = report_of(5, [both, {"uid": "1.2.3", "imageRegion3D": [ball]}])
    for result in report.results:
        index = [r.path for r in report.selection.regions].index(result.region.path)
        assert report._colors()[result.region.path] == PALETTE[index]
    sheet = report.picture()
    width = sheet.shape[1] // 3
    assert colors_in(sheet[:, -width:]) == {2}  # only the ellipsoid lies there


def test_what_cannot_be_written_is_named(tmp_path: Path) -> None:
    report = ir.measure(demo_selection(), demo_image())
    (tmp_path / "file").touch()
    with pytest.raises(ir.InputError, match=r"file.x: cannot be made: Not a directory"):
        report.save(tmp_path / "file" / "x")
    with pytest.raises(ir.InputError, match=r"file: cannot be made: File exists"):
        report.save(tmp_path / "file")
    with pytest.raises(ir.InputError, match=r"m\.csv: cannot be written: No such file"):
        report.to_csv(tmp_path / "absent" / "m.csv")
    (tmp_path / "measurements.csv").mkdir()
    with pytest.raises(ir.InputError, match=r"measurements\.csv: cannot be written: Is a dir"):
        report.save(tmp_path)


def test_a_line_through_many_slices_is_drawn_once_per_image() -> None:
    """A zigzag meets every image in many pieces; on each they have one colour and one label."""
    rng = np.random.default_rng(0)
    coords = np.column_stack([rng.uniform(4, 44, (60, 2)), np.tile([0.0, 2.0], 30)])
    line = {"regionType": "polyline", "coordinate": coords.ravel().tolist()}
    report = report_of(3, [{"uid": "1.2.1", "imageRegion3D": [line]}])
    (result,) = report.results
    assert len(result.slices) > 50
    assert colors_in(report.picture()) == {0}


def test_reports_of_different_columns_make_one_table(capsys: pytest.CaptureFixture[str]) -> None:
    """A point has no estimators of its mean, a circle has; neither shifts the other's columns."""
    point = {"regionType": "point", "coordinate": [5, 5]}
    reports = []
    for shape, estimators in ((point, False), (circle(24), True), (point, False)):
        selection = {
            "resourceType": "ImagingSelection",
            "status": "available",
            "code": {"text": "x"},
            "seriesUid": "1.2",
            "instance": [{"uid": "1.2.1", "imageRegion2D": [shape]}],
        }
        reports.append(ir.measure(selection, Images(frames(1)), estimators=estimators))
    print_reports(reports, "csv")
    out = capsys.readouterr().out
    assert out == reports_to_csv(reports)
    rows = list(csv.DictReader(out.splitlines(), strict=True))
    assert len(rows) == len(reports)
    assert {tuple(row) for row in rows} == {tuple(rows[0])}
    for row, report in zip(rows, reports, strict=True):
        assert None not in row
        (alone,) = csv.DictReader(report.to_csv().splitlines(), strict=True)
        assert row == dict.fromkeys(row, "") | alone
    assert rows[1]["mean_core"] == "0.0"
    assert rows[0]["mean_core"] == ""
    assert reports_to_csv([]) == ""
