"""File-sets: the files that a DICOMDIR names."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

from pydicom import Dataset, dcmread
from pydicom.filereader import read_sequence_item
from pydicom.tag import BaseTag, Tag

from imageregion.dicom._quiet import quiet
from imageregion.dicom.files.elements import items, text
from imageregion.dicom.files.scanning import scan_file
from imageregion.errors import DicomError

__all__ = ["FileSet", "is_dicomdir", "read_dicomdir"]

_MAX_BYTES = 64 * 2**20
_MAX_UNUSUAL = 4 * 2**20  # when it must be read by pydicom, which takes much memory
_MAX_RECORDS = 500_000
_DEEPEST, _LONGEST = 64, 255  # components of a File ID, and letters in one
_SOP_CLASS = b"1.2.840.10008.1.3.10"
_RECORDS = Tag("DirectoryRecordSequence")
_WANTED: dict[int, BaseTag] = {int(_RECORDS): _RECORDS}


@dataclass(frozen=True, slots=True)
class FileSet:
    """What a DICOMDIR leads to.

    Parameters
    ----------
    paths : tuple of Path
        Files that are there, in the order of the records, each once.
    missing : tuple of (str, str)
        File IDs of the others, and what is wrong with them.
    """

    paths: tuple[Path, ...]
    missing: tuple[tuple[str, str], ...]


def is_dicomdir(start: bytes) -> bool:
    """Tell from the first bytes whether a file is a DICOMDIR (DICOM PS3.3 F.3, PS3.10 8.6)."""
    if start[128:132] != b"DICM":
        return False
    place = start.find(b"\x02\x00\x02\x00UI", 132, 256)
    if place < 0:
        return False
    length = int.from_bytes(start[place + 6 : place + 8], "little")
    return start[place + 8 : place + 8 + length].rstrip(b"\0 ") == _SOP_CLASS


def read_dicomdir(path: Path) -> FileSet:
    """Find the files that the records of a DICOMDIR name.

    A File ID is a path below the folder of the DICOMDIR (DICOM PS3.10 8.2, PS3.3 F.3.2.2). File
    systems may have changed the case of names. Records that are no longer in use are passed over.

    Raises
    ------
    DicomError
        When the DICOMDIR is damaged or absurdly large.
    OSError
        When it cannot be read.
    """
    folder = _Folder(path.parent)
    found: dict[Path, None] = {}
    missing: dict[str, str] = {}
    with quiet():
        records, is_whole = _records(path)
        if not is_whole:
            missing[path.name] = "the DICOMDIR is damaged: its records may be incomplete"
        for count, record in enumerate(records):
            if count >= _MAX_RECORDS:
                raise DicomError(path.name, f"it has more than {_MAX_RECORDS} records")
            try:
                parts = _file_id(record)
            except Exception:  # of pydicom, on values that make no sense
                missing[f"{path.name}, record {count + 1}"] = "the record is damaged"
                continue
            file, problem = folder.find(parts) if parts else (None, "")
            if file is not None:
                found[file] = None
            elif problem:
                missing["/".join(parts)] = problem
    return FileSet(tuple(found), tuple(missing.items()))


def _file_id(record: Dataset) -> list[str]:
    """Return the components of the file that a record names; none where it names no file."""
    if text(record, "RecordInUseFlag") == "0":
        return []
    return [str(part) for part in items(record, "ReferencedFileID")]


def _records(path: Path) -> tuple[Iterator[Dataset], bool]:
    """Return the records, whose tree is of no use here, and whether they are all there."""
    size = path.stat().st_size
    if size > _MAX_BYTES:
        raise DicomError(path.name, f"{size} bytes are too many for a DICOMDIR")
    content = path.read_bytes()
    scan = scan_file(content, _WANTED)
    if scan is not None:
        element = scan.dataset.get_item(_RECORDS) if _RECORDS in scan.dataset else None
        value = element.value if element is not None else b""
        implicit = bool(scan.dataset.original_encoding[0])
        return _records_in(value if isinstance(value, bytes) else b"", implicit, path.name), True
    if size > _MAX_UNUSUAL:
        raise DicomError(path.name, "the DICOMDIR is damaged")
    try:
        dataset = dcmread(BytesIO(content), specific_tags=[_RECORDS])
        records = items(dataset, "DirectoryRecordSequence")
    except Exception as error:
        raise DicomError(path.name, f"the DICOMDIR is damaged: {error}") from None
    return iter(records), dataset.original_encoding[1] is False  # big endian is whole, and retired


def _records_in(value: bytes, implicit: bool, name: str) -> Iterator[Dataset]:
    """Go through the items of a sequence one by one."""
    file = BytesIO(value)
    while file.tell() < len(value):
        try:
            record = read_sequence_item(file, implicit, True, "iso8859")
        except Exception as error:
            raise DicomError(name, f"the DICOMDIR is damaged: {error}") from None
        if record is None:
            return
        yield record


@dataclass(slots=True)
class _Folder:
    """Finds files below a folder, and none outside of it."""

    root: Path
    _names: dict[Path, dict[str, str]] = field(default_factory=dict)

    def find(self, parts: list[str]) -> tuple[Path | None, str]:
        """Return the path of a file, or None and what is wrong."""
        if any(_leads_elsewhere(part) for part in parts):
            return None, "its File ID leads out of the folder of the DICOMDIR"
        if len(parts) > _DEEPEST or max(map(len, parts)) > _LONGEST:
            return None, "there is no such file"
        path = self.root
        for part in parts:
            name = part if (path / part).exists() else self._listed(path).get(_plain(part))
            if name is None:
                return None, "there is no such file"
            path /= name
        if not path.resolve().is_relative_to(self.root.resolve()):
            return None, "its File ID leads out of the folder of the DICOMDIR"
        return (path, "") if path.is_file() else (None, "it is not a file")

    def _listed(self, folder: Path) -> dict[str, str]:
        """Return the names in a folder by how they compare."""
        if folder not in self._names:
            try:
                self._names[folder] = {_plain(name): name for name in os.listdir(folder)}
            except OSError:
                self._names[folder] = {}
        return self._names[folder]


def _leads_elsewhere(part: str) -> bool:
    return part in ("", ".", "..") or any(letter in part for letter in "/\\:\0")


def _plain(name: str) -> str:
    """Return a name without what file systems change: case, version and final dot."""
    return name.casefold().partition(";")[0].rstrip(".")
