"""What the command line prints for people, on terminals of any width."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

import imageregion as ir
from imageregion import tables
from imageregion.demo import demo_image, demo_selection


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "bounds"])
def report(request: pytest.FixtureRequest) -> ir.Report:
    return ir.measure(demo_selection(), demo_image(), bounds=request.param)


def printed(report: ir.Report, width: int, monkeypatch: pytest.MonkeyPatch) -> str:
    console = Console(width=width, file=io.StringIO(), markup=False, highlight=False)
    monkeypatch.setattr(tables, "_console", lambda: console)
    tables.print_report(report)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [20, 40, 60, 70, 80, 100, 120, 200])
def test_no_number_is_ever_cut(
    report: ir.Report, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = printed(report, width, monkeypatch)
    assert "…" not in out
    words = set(re.split(r"[\s\[\],]+", out))
    for result in report.results:
        for measurement in result.measurements:
            if measurement.code in ("mean", "std"):
                assert f"{measurement.value:.5g}" in words
                if measurement.low is not None:
                    assert {f"{measurement.low:.4g}", f"{measurement.high:.4g}"} <= words
    for name in ("region", "pixels", "mean", "SD", "size", "1583.6", "mm³"):
        assert name in words


@pytest.mark.parametrize("width", [60, 70, 80, 100, 120, 200])
def test_the_table_fits_and_names_what_it_leaves_out(
    report: ir.Report, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = printed(report, width, monkeypatch)
    head = out.splitlines()[1].split()
    assert max(map(len, out.splitlines())) <= width
    left_out = out.rpartition("left out for lack of room: ")[2] if "left out" in out else ""
    hidden = left_out.strip().split(", ") if left_out else []
    assert {*head, *hidden} == {
        *("region", "type", "pixels", "mean", "SD", "min", "max", "size"),
    }
    assert hidden == [] or width < 100
    for result in report.results:
        assert result.region.label in out  # no name is folded while there is room for it


def test_long_names_fold_and_keep_the_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    selection = ir.measure(
        demo_selection().replace(b"vertebral-body", b"vertebral-body-of-" + b"x" * 40),
        demo_image(),
    )
    out = printed(selection, 80, monkeypatch)
    assert "…" not in out
    assert "x" * 40 in re.sub(r"[^x]", "", out)
