"""Servers for tests: a small one that can be told to misbehave, and a real one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.pacs import Pacs, slices
from tests.servers import orthanc

__all__ = ["orthanc"]


@pytest.fixture
def pacs() -> Iterator[Pacs]:
    """A server with a series of three slices."""
    with Pacs() as server:
        server.add(*slices(3))
        yield server
