"""Objects on a server: one instance whose frames, or whose bytes, are fetched when needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO

from imageregion.dicom.web.failures import FetchError
from imageregion.dicom.web.keys import Key
from imageregion.dicom.web.services import Service
from imageregion.errors import DicomError

__all__ = ["WebInstance", "WebObject"]


@dataclass(frozen=True, slots=True, eq=False)
class WebInstance:
    """An instance whose metadata are known; see `FrameSource`.

    Parameters
    ----------
    service : Service
    key : Key
    """

    service: Service
    key: Key

    def fetch_frame(self, index: int, as_stored: bool, size: int) -> tuple[bytes, str] | None:
        """Return an encoded frame and its transfer syntax; None where there are none alone.

        Parameters
        ----------
        index : int
            From 0.
        as_stored : bool
            Only if the server need not decode it.
        size : int
            Bytes of a frame that is not compressed.

        Raises
        ------
        DicomError
            When it cannot be fetched.
        """
        with _told(self.key):
            return self.service.fetch_frame(self.key, index + 1, as_stored, size)

    def fetch_object(self) -> WebObject:
        """Return the whole object, fetched when it is opened."""
        return WebObject(self.service, self.key)


@dataclass(frozen=True, slots=True, eq=False)
class WebObject:
    """A whole DICOM file; see `ByteSource`.

    Parameters
    ----------
    service : Service
    key : Key
    """

    service: Service
    key: Key

    def open(self) -> BinaryIO:
        """Return its bytes.

        Raises
        ------
        DicomError
            When it cannot be fetched.
        """
        with _told(self.key):
            return BytesIO(self.service.fetch_object(self.key))


@contextmanager
def _told(key: Key) -> Iterator[None]:
    """Say which image it is that cannot be fetched."""
    try:
        yield
    except FetchError as error:
        raise DicomError(key.instance, str(error)) from error
