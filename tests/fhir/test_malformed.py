"""Documents that are malformed or hostile cost an error of our own, little time and memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.fhir.malformed import CASES, HANG

from imageregion.errors import ImageRegionError
from imageregion.fhir.document import read_document

MOST_BYTES = 500_000_000
MOST_SECONDS = 10.0
"""Of the processor, not of the clock: two are the aim, which a busy machine may miss."""

HARMLESS = {
    "30 MB of text in XML",
    "30 MB of a comment",
    "NDJSON of garbage",  # whose first line is not
}
"""What is read, with issues or without."""

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that share memory")


def test_every_malformed_document_costs_an_error_of_ours(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.fhir.malformed", str(tmp_path)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=HANG * 5,
        check=False,
    )
    outcomes = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stderr[-2000:]
    assert [outcome["case"] for outcome in outcomes] == list(CASES)
    assert len(outcomes) >= 50
    for outcome in outcomes:
        wanted = {"read"} if outcome["case"] in HARMLESS else {"error", "error issue"}
        assert outcome["outcome"] in wanted, outcome
        assert outcome["bytes"] < MOST_BYTES, outcome
        assert outcome["seconds"] < MOST_SECONDS, outcome


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if not callable(case)])
def test_read_document_refuses_or_returns_a_value(name: str) -> None:
    content = CASES[name]
    assert not callable(content)
    try:
        value, _ = read_document(content if isinstance(content, bytes) else content.encode())
    except ImageRegionError:
        return
    assert value is None or isinstance(value, dict | list | str | int)
