"""The real server as a fixture, for tests with and without shared data."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from tests.orthanc import VARIABLE, AbsentError, Orthanc, running


@pytest.fixture(scope="session")
def orthanc() -> Iterator[Orthanc]:
    """Orthanc with its DICOMweb plugin; tests that need it skip where it is absent."""
    url = os.environ.get(VARIABLE)
    if url:
        yield Orthanc(url)
        return
    try:
        started = running()
        server = started.__enter__()
    except AbsentError as error:
        pytest.skip(f"no DICOMweb server: {error}; or name one in {VARIABLE}")
    try:
        yield server
    finally:
        started.__exit__(None, None, None)
