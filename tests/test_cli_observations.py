"""``imageregion measure`` writes Observations in every form, and says what is missing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.bundle import Bundle
from fhir.resources.R4B.bundle import Bundle as BundleR4B
from typer.testing import CliRunner

from imageregion.cli import app
from imageregion.demo import demo_image, demo_selection
from imageregion.errors import InputError

NOW = "2026-01-31T12:00:00Z"


def run(*arguments: object, status: int = 0) -> tuple[str, str]:
    done = CliRunner().invoke(app, ["measure", *map(str, arguments)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert done.exit_code == status, (done.exit_code, done.stdout, done.stderr)
    return done.stdout, done.stderr


@pytest.fixture
def selection(tmp_path: Path) -> Path:
    path = tmp_path / "selection.json"
    path.write_bytes(demo_selection())
    return path


def kinds(bundle: dict[str, Any]) -> list[str]:
    return list(dict.fromkeys(e["resource"]["resourceType"] for e in bundle["entry"]))


def test_the_bundle_of_a_guide_is_printed_and_written(tmp_path: Path, selection: Path) -> None:
    options = ("--observations", "dicom-sr", "--issued", NOW, "--format", "fhir")
    out, _ = run(selection, "-i", demo_image(), *options, "--out", tmp_path / "out")
    bundle = json.loads(out)
    Bundle.model_validate(bundle)
    assert bundle == json.loads((tmp_path / "out/observations.json").read_bytes())
    assert kinds(bundle) == [
        "ImagingStudy",
        "ImagingSelection",
        "Device",
        "Observation",
        "DiagnosticReport",
    ]


def test_r4b_and_r5(selection: Path) -> None:
    out, _ = run(selection, "-i", demo_image(), "--format", "fhir", "--observations", "r4b")
    BundleR4B.model_validate(json.loads(out))
    assert kinds(json.loads(out)) == ["Basic", "Observation"]
    out, _ = run(selection, "-i", demo_image(), "--format", "fhir")
    assert kinds(json.loads(out)) == ["ImagingSelection", "Observation"]


def test_several_selections_print_a_list(tmp_path: Path, selection: Path) -> None:
    other = tmp_path / "other.json"
    resource = json.loads(selection.read_bytes()) | {"id": "other"}
    del resource["subject"]
    other.write_text(json.dumps(resource))
    both = (selection, other, "-i", demo_image(), "--format", "fhir")
    out, _ = run(*both)
    assert [kinds(bundle) for bundle in json.loads(out)] == [
        ["ImagingSelection", "Observation"]
    ] * 2
    out, err = run(*both, "--subject", "Patient/another", status=1)
    (bundle,) = json.loads(out)
    assert bundle["entry"][1]["resource"]["subject"] == {"reference": "Patient/another"}
    assert "error: every-region-type: subject: the selection is about" in err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--issued", "yesterday"), "issued: expected an instant with time zone"),
        (("--subject", "Ann"), "subject: expected a reference such as Patient/12"),
    ],
)
def test_what_cannot_be_said_is_refused_before_measuring(
    selection: Path, options: tuple[str, str], message: str
) -> None:
    done = CliRunner().invoke(app, ["measure", str(selection), "-i", "/absent", *options])
    assert isinstance(done.exception, InputError)  # which the command says, with status 2
    assert message in str(done.exception)
