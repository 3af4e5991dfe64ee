"""Index: headers kept in a file, so that images that did not change open without being read.

The index holds the wanted elements of each file as they stand there. They are read again by the
same scan as the files themselves; a record that does not come out as it should is not used.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from base64 import b64decode, b64encode
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.uid import UID

from imageregion.dicom.files.headers import Header
from imageregion.dicom.files.members import ZipMember
from imageregion.dicom.files.scanning import scan_elements
from imageregion.dicom.files.sources import Entry
from imageregion.dicom.files.wanted import WANTED
from imageregion.errors import InputError, Issue

__all__ = ["HeaderIndex", "NotDicom", "encoded"]

_KIND = b"imageregion index "
_FORMAT = _KIND + b"1"
_MAX_BYTES = 2**30
_MAX_ELEMENTS = 64 * 2**20  # bytes of the elements of one file
_YOUNG = 2_000_000_000  # ns; the clock of a file system may be as coarse
_PIXEL_KEYWORDS = ("", "PixelData", "FloatPixelData", "DoubleFloatPixelData")


class NotDicom:
    """Stands for a file that is known not to be DICOM."""


class HeaderIndex:
    """Headers of files by place, size and time of modification.

    Parameters
    ----------
    path : Path
        Of the index file; it need not exist.

    Attributes
    ----------
    issues : list of Issue
        "index-ignored" and "index-not-written"; neither stops anything.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        _check_place(path)
        self.issues: list[Issue] = []
        self._old: dict[str, Any] = self._load()
        self._new: dict[str, Any] = {}
        self._changed = False

    def knows(self, entry: Entry) -> bool:
        """Tell whether there is a record of a file as it is now."""
        stamp = entry.stamp
        record = self._old.get(stamp.key) if stamp is not None else None
        return (
            isinstance(record, list) and len(record) == 3 and record[:2] == [stamp.size, stamp.time]  # type: ignore[union-attr]
        )

    def find(self, entry: Entry) -> Header | NotDicom | None:
        """Return the header of a file that has not changed; None when it must be read."""
        stamp = entry.stamp
        if stamp is None or not self.knows(entry):
            return None
        record = self._old[stamp.key]
        try:
            header = _header_of(record[2], entry) if record[2] is not None else NotDicom()
        except Exception:
            return None
        self._new[stamp.key] = record
        return header

    def keep(self, entry: Entry, header: Header | None) -> None:
        """Note what was read, None for a file that is not DICOM.

        A file modified a moment ago is left out: it may change once more without a new time.
        """
        stamp = entry.stamp
        if stamp is None or stamp.time > time.time_ns() - _YOUNG:
            return
        with suppress(Exception):  # what cannot be written is read again
            record = None if header is None else _record_of(header)
            self._new[stamp.key] = [stamp.size, stamp.time, record]
            self._changed = True

    def save(self) -> None:
        """Write the index in one step, if anything changed; files that vanished are left out."""
        if not self._changed and len(self._new) == len(self._old):
            return
        content = encoded(self._new)
        temporary = ""
        try:
            with tempfile.NamedTemporaryFile(
                dir=self.path.parent, prefix=f".{self.path.name}.", delete=False
            ) as file:
                temporary = file.name
                file.write(content)
            os.replace(temporary, self.path)
        except OSError as error:
            if temporary:
                with suppress(OSError):
                    os.unlink(temporary)
            message = f"the index cannot be written: {error.strerror or error}"
            self.issues.append(Issue("warning", "index-not-written", str(self.path), message))

    def _load(self) -> dict[str, Any]:
        try:
            if not self.path.exists():
                return {}
            if self.path.stat().st_size > _MAX_BYTES:
                raise ValueError("it is too large")
            return _decoded(self.path.read_bytes())
        except (OSError, ValueError, RecursionError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            message = f"the index is not used: {reason}"
            self.issues.append(Issue("warning", "index-ignored", str(self.path), message))
            return {}


def _check_place(path: Path) -> None:
    """Refuse to write an index over anything else."""
    if not path.exists():
        return
    if not path.is_file():
        raise InputError(f"{path}: expected the file of an index, it is something else")
    try:
        with path.open("rb") as file:
            start = file.read(len(_KIND))
    except OSError:  # told when it is read
        return
    if start and start != _KIND:
        raise InputError(f"{path}: expected an index or a new name, this file is no index")


def encoded(files: Any) -> bytes:
    """Write an index: a line that says what follows, with a checksum, and the records."""
    content = orjson.dumps(files)
    return b" ".join([_FORMAT, _wanted(), _checksum(content)]) + b"\n" + content


def _decoded(content: bytes) -> dict[str, Any]:
    """Read an index; one of other elements than are wanted now is empty."""
    line, _, rest = content.partition(b"\n")
    if not line.startswith(_FORMAT + b" ") or line.count(b" ") != _FORMAT.count(b" ") + 2:
        raise ValueError("it is not an index of this version")
    *_, wanted, checksum = line.split(b" ")
    if checksum != _checksum(rest):
        raise ValueError("it is damaged")
    files = orjson.loads(rest)
    if not isinstance(files, dict):
        raise ValueError("it lists no files")
    return files if wanted == _wanted() else {}


def _checksum(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=16).hexdigest().encode("ascii")


def _wanted() -> bytes:
    """Return what changes when other elements are read than before."""
    return _checksum(repr(sorted(WANTED)).encode("ascii"))


def _record_of(header: Header) -> list[Any]:
    elements = header.elements
    implicit, little = header.dataset.original_encoding
    if elements is None:
        if not little:
            raise ValueError("big endian")
        elements = _written(header.dataset, bool(implicit))
    if len(elements) > _MAX_ELEMENTS or not _scanned(elements, bool(implicit)):
        raise ValueError("not to be read again")
    return [
        *(header.uid, header.sop_class, str(header.syntax), int(bool(implicit))),
        *(header.pixel_keyword, header.pixel_bytes, header.pixel_start),
        b64encode(elements).decode("ascii"),
    ]


def _written(dataset: Dataset, implicit: bool) -> bytes:
    """Write elements that did not stand in the first bytes of a file in order."""
    file = DicomBytesIO()
    file.is_little_endian, file.is_implicit_VR = True, implicit
    write_dataset(file, dataset)
    return file.getvalue()


def _scanned(elements: bytes, implicit: bool) -> Dataset | None:
    """Read elements that were written by an index; None when there is anything else."""
    found = scan_elements(elements, 0, WANTED, implicit=implicit)
    if found is None or found.at_pixels or found.stop != len(elements):
        return None
    return found.dataset if len(found.elements) == len(elements) else None


def _header_of(record: Any, entry: Entry) -> Header:
    """Make a header of a record; anything that is not as it was written raises."""
    uid, sop_class, syntax, implicit, keyword, count, start, elements = record
    texts = (uid, sop_class, syntax, keyword, elements)
    place, stamp = entry.item, entry.stamp
    if (
        isinstance(place, (Dataset, Header))
        or stamp is None
        or not all(isinstance(t, str) for t in texts)
    ):
        raise TypeError(record)
    size = place.size if isinstance(place, ZipMember) else stamp.size
    for number in (count, start):
        if number is not None and not (type(number) is int and 0 <= number <= size):
            raise ValueError(record)
    content = b64decode(elements, validate=True)
    dataset = _scanned(content, bool(implicit))
    if dataset is None or keyword not in _PIXEL_KEYWORDS:
        raise ValueError(record)
    dataset.file_meta = _file_meta(syntax)
    identity = (uid, sop_class, dataset.file_meta.TransferSyntaxUID)
    return Header(dataset, place, entry.name, *identity, keyword, count, start, content)


@lru_cache(100)
def _file_meta(syntax: str) -> FileMetaDataset:
    """Return file meta information that is shared; nobody changes it."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = UID(syntax)
    return meta
