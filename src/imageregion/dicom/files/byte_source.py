"""Where the bytes of a DICOM object come from: a file on disk, a member of an archive, ..."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

__all__ = ["ByteSource", "open_source"]


class ByteSource(Protocol):
    """A DICOM file that can be opened: a file on disk, a member of an archive, ..."""

    def open(self) -> BinaryIO:
        """Return a new seekable handle at the first byte; the caller closes it."""


@contextmanager
def open_source(source: Path | ByteSource) -> Iterator[BinaryIO]:
    """Open a file or another source for reading."""
    with source.open("rb") if isinstance(source, Path) else source.open() as file:
        yield file
