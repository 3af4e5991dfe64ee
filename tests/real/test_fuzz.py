"""A small share of the mutants of tests/fuzz_dicom.py, and that its findings would be found."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests import fuzz_dicom

from imageregion.errors import DicomError

if not sys.platform.startswith("linux"):
    pytest.skip("limits of memory are set as on Linux", allow_module_level=True)

MUTANTS = 240  # some ten seconds


def test_spoiled_files_give_images_or_errors_of_our_own(shared_data: Path) -> None:
    outcomes, findings = fuzz_dicom.run(MUTANTS, seed=2024, folder=shared_data)
    assert not findings, "\n".join(findings)
    assert outcomes.total() == MUTANTS
    assert outcomes["decoded"] > MUTANTS / 10  # else mutants are too spoiled to find anything
    assert outcomes["refused"] > MUTANTS / 10


def test_the_same_seed_gives_the_same_mutant(shared_data: Path) -> None:
    for number in range(2 * len(fuzz_dicom.MUTATIONS)):
        one, two = (fuzz_dicom.mutant(shared_data, 5, number) for _ in range(2))
        assert one == two
        name = shared_data / one[0].partition(":")[0]
        assert not name.exists() or one[1] != name.read_bytes() or "removed" in one[0]


def test_what_the_worker_notices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MemoryError):
        fuzz_dicom.checked("the pixel data cannot be decoded: Unable to allocate 9 GiB")
    path = tmp_path / "no.dcm"
    path.write_bytes(b"nothing")
    assert fuzz_dicom.open_and_decode(path) == "refused"

    def fail(*_: object, **__: object) -> None:
        raise ValueError("not one of ours")

    monkeypatch.setattr("imageregion.open_images", fail)
    with pytest.raises(ValueError, match="not one of ours"):
        fuzz_dicom.open_and_decode(path)
    assert issubclass(DicomError, ValueError)


def test_a_process_that_dies_or_hangs_is_a_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = "import os, sys, time\nprint('ready', flush=True)\n"
    monkeypatch.setattr(fuzz_dicom, "PATIENCE", 0.5)
    for ending, expected in (("os.abort()", "died with status -6"), ("time.sleep(60)", "hangs")):
        script = tmp_path / "worker.py"
        script.write_text(f"{program}sys.stdin.readline()\n{ending}\n")
        monkeypatch.setattr(fuzz_dicom, "COMMAND", [sys.executable, str(script)])
        with fuzz_dicom.Worker() as worker:
            assert expected in worker.open(tmp_path)["finding"]
            assert expected in worker.open(tmp_path)["finding"]  # by a new process
