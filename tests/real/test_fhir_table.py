"""Every published FHIR resource at hand: read, or refused with the reason; what `check` finds.

The table beside this file is made by ``python -m tests.real.test_fhir_table``.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from imageregion.checking import RULES, check
from imageregion.errors import ImageRegionError
from imageregion.fhir.document import read_document, read_selections
from imageregion.fhir.linking import link
from imageregion.fhir.studies import read_endpoint, read_study

TABLE = Path(__file__).with_name("fhir.csv")
COLUMNS = ("file", "type", "read as", "dialect", "regions", "findings", "not read because")
SUFFIXES = (".json", ".xml")
COMMAND = "python -m tests.real.test_fhir_table"


def as_study(path: Path) -> str:
    study = read_study(path)
    instances = sum(len(series.instances) for series in study.series)
    return f"study of {study.release}: series {len(study.series)}, instances {instances}"


def as_endpoint(path: Path) -> str:
    return f"endpoint: {', '.join(read_endpoint(path).connection_types)}"


def as_links(path: Path) -> str:
    links = link(path).links
    numbers = sum(len(one.numbers) for one in links)
    return f"observations {len(links)}, numbers {numbers}"


OTHERS: dict[str, Callable[[Path], str]] = {
    "ImagingStudy": as_study,
    "Endpoint": as_endpoint,
    "Observation": as_links,
    "Bundle": as_links,  # none of them holds a selection
}


def resource_files(folder: Path) -> list[Path]:
    found = (path for path in folder.rglob("*") if path.suffix in SUFFIXES)
    return sorted(found, key=lambda path: path.relative_to(folder).as_posix())


def lines_of(path: Path, folder: Path) -> Iterator[dict[str, Any]]:
    """One line for a file, or for each selection in it."""
    line: dict[str, Any] = dict.fromkeys(COLUMNS, "")
    line["file"] = path.relative_to(folder).as_posix()
    try:
        resource, _ = read_document(path)
        line["type"] = resource.get("resourceType", "") if isinstance(resource, dict) else ""
        if line["type"] in OTHERS:
            yield line | {"read as": OTHERS[line["type"]](path)}
            return
        selections = list(read_selections(path))
    except ImageRegionError as error:
        yield line | {"not read because": str(error).replace(str(path), path.name)}
        return
    for selection in selections:
        counts = Counter(issue.code for issue in check(selection))
        order = [rule for rule in RULES if rule in counts]
        refusals = [issue for issue in selection.issues if issue.code == "unreadable"]
        reasons = [f"{issue.path}: {issue.message}" for issue in refusals]
        yield line | {
            "not read because": "; ".join(reasons),
            "read as": "selection" if selection.dialect else "",
            "dialect": selection.dialect,
            "regions": len(selection.regions),
            "findings": "; ".join(f"{rule} {counts[rule]}" for rule in order),
        }


def table_of(folder: Path) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for path in resource_files(folder):
        writer.writerows(lines_of(path, folder))
    return text.getvalue()


def findings_of(path: Path) -> dict[str, list[str]]:
    """Severities of the findings in the one selection of a file, by rule."""
    (selection,) = read_selections(path)
    found: dict[str, list[str]] = {}
    for issue in check(selection):
        found.setdefault(issue.code, []).append(issue.severity)
    return found


@pytest.fixture
def published(shared_data: Path) -> Path:
    return shared_data / "fhir"


def test_the_table_is_current(published: Path) -> None:
    assert TABLE.read_text("utf-8") == table_of(published), f"make it anew: {COMMAND}"


def test_every_file_is_read_or_refused_with_a_reason(published: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(table_of(published))))
    assert {row["file"] for row in rows} == {
        path.relative_to(published).as_posix() for path in resource_files(published)
    }
    for row in rows:
        assert bool(row["read as"]) != bool(row["not read because"]), row
        if row["type"] not in ("ImagingSelection", "ImagingManifest"):
            assert not row["dialect"], row
        elif not row["dialect"]:
            assert row["file"].removeprefix("r5-ballot-2022/") in WITHOUT_STATUS, row
            assert "status" in row["not read because"]


def test_every_finding_in_published_resources_is_a_rule(published: Path) -> None:
    for path in resource_files(published):
        try:
            selections = list(read_selections(path))
        except ImageRegionError:
            continue
        for selection in selections:
            assert {issue.code for issue in check(selection)} <= set(RULES), path


def invariant_tests() -> list[str]:
    folder = _folder() / "r6-invariant-tests"
    return sorted(path.name for path in folder.glob("isl-*")) or ["isl-0.none.fail.json"]


def _folder() -> Path:
    root = Path(__file__).parents[2]
    return Path(os.environ.get("IMAGEREGION_DATA", root.parent / "shared" / "data")) / "fhir"


WITHOUT_STATUS = {
    "imagingselection-example-dicom-sr-selection.xml",
    "imagingselection-example-multiframe-image-selection.xml",
    "imagingselection-example-segmentation-image-selection.xml",
}
"""Drafts between snapshot 1 and the ballot, which say nothing that tells them from R5."""

ALSO = {
    "isl-10.p1.pass.json": {"isl-1", "isl-4"},  # has instances and no series, says its manifest
}


@pytest.mark.parametrize("name", invariant_tests())
def test_invariants_of_r6_are_found_where_their_tests_break_them(
    name: str, published: Path
) -> None:
    parts = re.fullmatch(r"(isl-\d+)\.[pf]\d+\.(pass|fail)\.(json|xml)", name)
    assert parts, name
    rule, verdict = parts[1], parts[2]
    found = findings_of(published / "r6-invariant-tests" / name)
    broken = {code for code in found if code.startswith("isl-")}
    if verdict == "fail":
        assert rule in broken
        assert "error" in found[rule]
    else:
        assert rule not in broken
        assert broken == ALSO.get(name, set())


def test_examples_break_the_invariants_they_are_known_to_break(published: Path) -> None:
    """The dicom-sr guide gives a series and no study; the R5 example of 3-D is as R5 wants it."""
    folder = published / "dicom-sr"
    paths = list(folder.glob("ImagingSelection-*.json"))
    broken = {
        path.stem.removeprefix("ImagingSelection-measurement-report-")
        for path in paths
        if findings_of(path).get("isl-2") == ["warning"]
    }
    assert len(paths) - len(broken) == 2
    for name in ("3d-image-region", "volume-surface"):  # these have no series either, nor regions
        found = findings_of(folder / f"ImagingSelection-measurement-report-{name}.json")
        assert found["isl-1"] == ["error"]
        assert name not in broken
    typo = findings_of(folder / "ImagingSelection-measurement-report-region-in-space.json")
    assert "sop-class-typo" in typo
    solid = findings_of(
        published / "r5-5.0.0" / "ImagingSelection-example-3d-image-region-selection.json"
    )
    assert not [code for code in solid if code.startswith("isl-")]
    assert "region-3d-in-instance" in solid


if __name__ == "__main__":
    TABLE.write_text(table_of(_folder()), "utf-8")
