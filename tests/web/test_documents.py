"""FHIR documents that say where images are, and the command line on servers."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.pacs import Handler, Pacs, slices
from tests.sameness import selection_of
from typer.testing import CliRunner

from imageregion import FhirError, InputError, measure
from imageregion.access import open_images
from imageregion.cli import app
from imageregion.dicom.web.settings import WebSettings
from imageregion.fhir.studies import read_endpoint, read_study

HERE = WebSettings(allow_hosts=("127.0.0.1",), retries=0, timeout=1)
NOWHERE = "http://127.0.0.1:9/rs"  # nobody listens on the port of "discard"


def endpoint(address: str, kind: str = "dicom-wado-rs", name: str = "e") -> dict[str, Any]:
    return {
        "resourceType": "Endpoint",
        "id": name,
        "status": "active",
        "connectionType": [{"coding": [{"code": kind}]}],
        "address": address,
    }


def study(*endpoints: dict[str, Any], status: str = "available", **changes: Any) -> dict[str, Any]:
    return {
        "resourceType": "ImagingStudy",
        "id": "s",
        "status": status,
        "identifier": [{"system": "urn:dicom:uid", "value": "urn:oid:1.2"}],
        "contained": list(endpoints),
        "endpoint": [{"reference": f"#{one['id']}"} for one in endpoints],
        "series": [
            {
                "uid": "1.2.3",
                "modality": {"coding": [{"code": "CT"}]},
                "instance": [
                    {
                        "uid": f"1.2.3.{number}",
                        "sopClass": {"code": "urn:oid:1.2.840.10008.5.1.4.1.1.2"},
                    }
                    for number in (1, 2, 3)
                ],
            }
        ],
        **changes,
    }


def test_a_study_in_every_form(pacs: Pacs, tmp_path: Path) -> None:
    document = study(endpoint(pacs.url))
    path = tmp_path / "study.json"
    path.write_text(json.dumps(document))
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": document}]}
    for source in (document, path, str(path), read_study(document), bundle, [document]):
        assert len(open_images(source, web=HERE)) == 3


def test_an_endpoint_in_every_form(pacs: Pacs, tmp_path: Path) -> None:
    document = endpoint(pacs.url + "/")
    path = tmp_path / "endpoint.json"
    path.write_text(json.dumps(document))
    selection = selection_of(slices(1)[0])
    for source in (document, path, read_endpoint(document), [path]):
        assert len(open_images(source, selection=selection, web=HERE)) == 3
    with pytest.raises(InputError, match="which study"):
        open_images(document, web=HERE)


def test_a_study_and_its_endpoint_apart(pacs: Pacs) -> None:
    document = study() | {"endpoint": [{"reference": "Endpoint/e"}]}
    assert len(open_images([document, endpoint(pacs.url)], web=HERE)) == 3
    entries = [
        {"fullUrl": "http://a.org/Endpoint/e", "resource": endpoint(pacs.url)},
        {"fullUrl": "http://a.org/ImagingStudy/s", "resource": document},
    ]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    assert len(open_images(bundle, web=HERE)) == 3


@pytest.mark.parametrize("status", ["registered", "cancelled", "entered-in-error", "inactive"])
def test_studies_that_are_not_to_be_loaded(status: str, pacs: Pacs) -> None:
    document = study(endpoint(pacs.url), status=status)
    with pytest.raises(InputError, match=rf"not loaded, the study is {status}.*--insist"):
        open_images(document, web=HERE)
    assert not pacs.requests
    insisting = WebSettings(allow_hosts=("127.0.0.1",), insist=True)
    assert len(open_images(document, web=insisting)) == 3


def test_the_endpoint_of_the_series_goes_first(pacs: Pacs) -> None:
    document = study(endpoint(NOWHERE), endpoint(pacs.url, name="own"))
    document["endpoint"] = [{"reference": "#e"}]
    document["series"][0]["endpoint"] = [{"reference": "#own"}]
    images = open_images(document, web=HERE)
    assert len(images) == 3
    assert not [issue for issue in images.issues if issue.code == "not-fetched"]


def test_the_endpoint_of_the_selection_goes_before_all(pacs: Pacs) -> None:
    own = {"contained": [endpoint(pacs.url)], "endpoint": [{"reference": "#e"}]}
    selection = selection_of(slices(1)[0], 0, **own)
    images = open_images(study(endpoint(NOWHERE)), selection=selection, web=HERE)
    assert len(images) == 3
    assert not [issue for issue in images.issues if issue.code == "not-fetched"]


@pytest.mark.parametrize("in_bundle", [True, False])
def test_the_endpoint_of_the_selection_may_be_referred_to(in_bundle: bool, pacs: Pacs) -> None:
    own = endpoint(pacs.url, name="own")
    documents: Any = [study(endpoint(NOWHERE)), own]
    if in_bundle:
        entries = [
            {"fullUrl": f"http://a.org/{one['resourceType']}/{one['id']}", "resource": one}
            for one in documents
        ]
        documents = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    selection = selection_of(slices(1)[0], 0, endpoint=[{"reference": "Endpoint/own"}])
    images = open_images(documents, selection=selection, web=HERE)
    assert len(images) == 3
    assert not [issue for issue in images.issues if issue.code == "not-fetched"]


def test_an_endpoint_of_the_selection_that_is_not_at_hand(pacs: Pacs) -> None:
    selection = selection_of(slices(1)[0], 0, endpoint=[{"reference": "Endpoint/own"}])
    images = open_images(study(endpoint(pacs.url)), selection=selection, web=HERE)
    assert len(images) == 3
    (issue,) = [issue for issue in images.issues if issue.code == "endpoint-unresolved"]
    assert "Endpoint/own" in issue.message


@pytest.mark.parametrize("kind", ["ihe-iid", "dicom-wado-rs"])
def test_a_series_without_endpoint_costs_itself_alone(kind: str, pacs: Pacs) -> None:
    address = "ftp://a.org/rs" if kind == "dicom-wado-rs" else pacs.url
    document = study(endpoint(pacs.url), endpoint(address, kind, name="odd"))
    document["endpoint"] = []
    document["series"][0]["endpoint"] = [{"reference": "#e"}]
    document["series"].append({"uid": "1.2.4", "endpoint": [{"reference": "#odd"}]})
    images = open_images(document, web=HERE)
    assert len(images) == 3
    (issue,) = [issue for issue in images.issues if issue.code == "not-fetched"]
    assert (issue.severity, issue.path) == ("error", "1.2.4")
    document["series"] = document["series"][1:]
    with pytest.raises(InputError, match=r"series 1\.2\.4: no endpoint"):
        open_images(document, web=HERE)


def test_a_selection_of_another_study(pacs: Pacs) -> None:
    selection = selection_of(slices(1)[0], 0, studyUid="1.7")
    with pytest.raises(InputError, match=r"is of study 1\.7, which is not .* given: 1\.2"):
        open_images(study(endpoint(pacs.url)), selection=selection, web=HERE)
    assert not pacs.requests


def test_the_next_endpoint_when_one_is_down(pacs: Pacs) -> None:
    own = {"contained": [endpoint(NOWHERE)], "endpoint": [{"reference": "#e"}]}
    selection = selection_of(slices(1)[0], 0, **own)
    images = open_images(study(endpoint(pacs.url)), selection=selection, web=HERE)
    assert len(images) == 3
    (issue,) = [issue for issue in images.issues if issue.code == "not-fetched"]
    assert issue.severity == "warning"
    assert "cannot connect" in issue.message


def test_by_the_older_uri_service_only_what_is_measured(pacs: Pacs) -> None:
    uri = pacs.url.replace("/rs", "/wado")
    selection = selection_of(slices(3)[1])
    document = study(endpoint(uri, "dicom-wado-uri"))
    images = open_images(document, selection=selection, web=HERE)
    assert [frame.instance for frame in images.frames] == ["1.2.3.2"]
    assert measure(selection, images).complete
    assert len(pacs.requests) == 1
    assert len(open_images(document, web=HERE)) == 3


def test_an_instance_that_the_study_lists_needs_no_series(pacs: Pacs) -> None:
    selection = selection_of(slices(1)[0], 0, seriesUid=None)
    images = open_images(study(endpoint(pacs.url)), selection=selection, web=HERE)
    assert len(images) == 3
    assert pacs.paths() == ["/rs/studies/1.2/series/1.2.3/metadata"]


def test_no_endpoint_that_could_be_asked(pacs: Pacs) -> None:
    with pytest.raises(InputError, match="no endpoint says where its images are"):
        open_images(study(), web=HERE)
    with pytest.raises(InputError, match=r"is ihe-iid\); expected dicom-wado-rs"):
        open_images(study(endpoint(pacs.url, "ihe-iid")), web=HERE)
    off = endpoint(pacs.url) | {"status": "off"}
    with pytest.raises(InputError, match="is off"):
        open_images(study(off), web=HERE)


def test_documents_that_are_something_else(tmp_path: Path) -> None:
    with pytest.raises(FhirError, match="expected an ImagingStudy, an Endpoint"):
        open_images({"resourceType": "Patient"})
    with pytest.raises(FhirError, match="Bundle"):
        open_images({"resourceType": "Bundle", "type": "collection"})
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    with pytest.raises(InputError):
        open_images(broken)


def test_metadata_of_instances_where_the_server_has_none(pacs: Pacs) -> None:
    """A server without metadata: the objects that the study lists are fetched."""
    pacs.rule("metadata", lambda handler: handler.give(501))
    images = open_images(study(endpoint(pacs.url)), web=HERE)
    assert len(images) == 3
    assert images.frames[0].stored.any()


def test_files_alone_and_iterables(pacs: Pacs, tmp_path: Path) -> None:
    """What is given once is read once: also where nothing is asked of a server."""
    paths = []
    for dataset in slices(3):
        paths.append(tmp_path / f"{dataset.SOPInstanceUID}")
        dataset.save_as(paths[-1], enforce_file_format=True)
    assert len(open_images(path for path in paths)) == 3
    assert open_images(tmp_path).traffic is None
    assert len(open_images(slices(2))) == 2
    for wrong in (5, b"abc", [5], None):
        with pytest.raises(InputError):
            open_images(wrong)


def pause(_: Handler) -> bool:
    """Take a while, and leave the answer to others."""
    time.sleep(0.3)
    return False


def test_progress_is_shown_when_it_is_wanted(
    pacs: Pacs, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    url = f"{pacs.url}/studies/1.2"
    pacs.rule("metadata", pause)
    open_images(url, progress=False)
    assert "fetched" not in capfd.readouterr().err
    open_images(url, progress=True)
    assert "fetched 1 request" in capfd.readouterr().err


# --- command line --------------------------------------------------------------------------------


def selection_file(tmp_path: Path) -> str:
    path = tmp_path / "selection.json"
    path.write_bytes(selection_of(slices(3)[1]).to_json())
    return str(path)


def test_images_of_a_server(pacs: Pacs) -> None:
    done = CliRunner().invoke(app, ["images", pacs.url + "/studies/1.2", "--format", "json"])
    assert done.exit_code == 0, done.output
    assert [line["size"] for line in json.loads(done.stdout)] == ["8 x 10"] * 3
    assert "fetched 1 request" in done.stderr


def test_a_picture_of_images_on_a_server(
    pacs: Pacs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMAGEREGION_TOKEN", "s3cret")
    cache, out = str(tmp_path / "cache"), str(tmp_path / "out.png")
    asked = ["render", selection_file(tmp_path), "--images", pacs.url, "--out", out]
    done = CliRunner().invoke(app, [*asked, "--cache", cache, "--header", "X-Key: 1"])
    assert done.exit_code == 0, done.output
    assert Path(out).stat().st_size
    assert pacs.requests[0][1]["Authorization"] == "Bearer s3cret"
    assert pacs.requests[0][1]["X-Key"] == "1"
    assert pacs.paths() == [
        "/rs/studies/1.2/series/1.2.3/metadata",
        "/rs/studies/1.2/series/1.2.3/instances/1.2.3.2/frames/1",
    ]
    assert "fetched 2 requests" in done.stderr
    assert "the pixels of all these images are 480 bytes" in done.stderr
    assert list(Path(cache).iterdir())


def test_a_study_on_the_command_line(pacs: Pacs, tmp_path: Path) -> None:
    where = tmp_path / "study.json"
    where.write_text(json.dumps(study(endpoint(pacs.url), status="cancelled")))
    asked = ["render", selection_file(tmp_path), "-i", str(where), "-o", str(tmp_path / "o.png")]
    for more, message in (
        ([], "--insist"),
        (["--insist"], "--allow-host"),
        (["--insist", "--allow-host", "127.0.0.1"], ""),
    ):
        done = CliRunner().invoke(app, [*asked, *more])
        assert (done.exit_code == 0) is not bool(message)
        assert message in str(done.exception or "")


@pytest.mark.parametrize(
    "option", [["--header", "nonsense"], ["--timeout", "0"], ["--allow-host", "a b"]]
)
def test_options_that_make_no_sense(option: list[str], pacs: Pacs, tmp_path: Path) -> None:
    done = CliRunner().invoke(
        app, ["render", selection_file(tmp_path), "--images", pacs.url, *option]
    )
    assert isinstance(done.exception, InputError)
    assert not pacs.requests


def test_without_the_extra_it_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['dicomweb_client'] = None\n"
        "from imageregion.access import open_images\n"
        "open_images('http://127.0.0.1:9/studies/1.2')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert "InputError: images on a server need dicomweb_client" in done.stderr
    assert 'pip install "imageregion[dicomweb]"' in done.stderr
