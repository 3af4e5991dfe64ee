"""Where the bytes of a DICOM object come from: a file on disk, a member of an archive, ..."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol, runtime_checkable

__all__ = ["ByteSource", "FrameSource", "open_source"]


class ByteSource(Protocol):
    """A DICOM file that can be opened: a file on disk, a member of an archive, ..."""

    def open(self) -> BinaryIO:
        """Return a new seekable handle at the first byte; the caller closes it."""


@runtime_checkable
class FrameSource(Protocol):
    """A DICOM object that stays where it is, and gives its frames one by one."""

    def fetch_frame(self, index: int, as_stored: bool, size: int) -> tuple[bytes, str] | None:
        """Return the encoded frame at `index`, from 0, and the UID of its transfer syntax.

        It has `size` bytes when it is not compressed.

        None where single frames are not to be had, or, `as_stored`, not in the encoding they are
        stored in; then there is the whole object.

        Raises
        ------
        DicomError
            When it cannot be fetched.
        """

    def fetch_object(self) -> ByteSource:
        """Return the whole object, fetched when it is opened."""


@contextmanager
def open_source(source: Path | ByteSource) -> Iterator[BinaryIO]:
    """Open a file or another source for reading."""
    with source.open("rb") if isinstance(source, Path) else source.open() as file:
        yield file
