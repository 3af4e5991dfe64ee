"""What `open_images` was given: the files and datasets behind folders, archives and iterables."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from pydicom import Dataset

from imageregion.dicom.files.archives import is_zip, read_directory
from imageregion.dicom.files.filesets import is_dicomdir, read_dicomdir
from imageregion.errors import DicomError, InputError, Issue

if TYPE_CHECKING:
    from imageregion.dicom.files.byte_source import ByteSource
    from imageregion.dicom.files.headers import Header

__all__ = ["Entry", "Source", "Sources", "Stamp", "list_sources"]

Source: TypeAlias = str | PathLike[str] | Dataset | Iterable[str | PathLike[str] | Dataset]
"""A folder, a file, a zip file, a DICOMDIR, a pydicom dataset, or several of them."""

_NAMED = 20  # files that are missing or unreadable are named one by one up to so many


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells whether a file is still the one that was read.

    Parameters
    ----------
    key : str
        Absolute path; of a member of an archive followed by its name and checksum.
    size : int
        Bytes of the file on disk.
    time : int
        When it was modified, nanoseconds.
    """

    key: str
    size: int
    time: int


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One thing to read, under the name that messages give it; only files have a stamp.

    Of an object on a server the header is there already.
    """

    name: str
    item: Path | ByteSource | Dataset | Header
    stamp: Stamp | None = None


@dataclass(slots=True, eq=False)
class Sources:
    """Everything to read, and what is known before reading.

    Parameters
    ----------
    label : str
        What was given, for messages: "folder scans/".
    entries : list of Entry
        In a stable order, every file once.
    issues : list of Issue
        Folders that could not be listed, members that cannot be read, files that are missing.
    ignored : int
        Things that are neither files nor folders: pipes, sockets, broken links.
    """

    label: str
    entries: list[Entry] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    ignored: int = 0
    _seen: set[tuple[int, int]] = field(default_factory=set)

    def is_new(self, status: os.stat_result) -> bool:
        """Tell whether a file or folder has not been met yet; links may lead to it many times."""
        key = (status.st_dev, status.st_ino)
        if key in self._seen:
            return False
        if status.st_ino:
            self._seen.add(key)
        return True

    def add_file(self, path: str, name: str, status: os.stat_result) -> None:
        """Take in a regular file unless it is there already."""
        if self.is_new(status):
            stamp = Stamp(os.path.abspath(path), status.st_size, status.st_mtime_ns)
            self.entries.append(Entry(name, Path(path), stamp))

    def tell(self, severity: str, code: str, found: Iterable[tuple[str, str]]) -> None:
        """Make issues of what is wrong with names; of very many only the first are named."""
        told = list(found)
        told = [(_printable(name), problem) for name, problem in told]
        for name, problem in told[:_NAMED]:
            self.issues.append(Issue(severity, code, name, problem))  # type: ignore[arg-type]
        if len(told) > _NAMED:
            name, problem = told[_NAMED]
            more = f"{problem}; and {len(told) - _NAMED - 1} more of {len(told)}"
            self.issues.append(Issue(severity, code, name, more))  # type: ignore[arg-type]


def list_sources(source: Source, index: Path | None = None) -> Sources:
    """List the files and datasets of a source; folders are searched recursively.

    Links to folders are followed, each folder is visited once. A zip file or DICOMDIR is looked
    into when it is given itself; in a folder that is searched neither is.

    Parameters
    ----------
    source : path, pydicom.Dataset, or an iterable of them
    index : Path, optional
        A file that is passed over.

    Raises
    ------
    InputError
        When a path does not exist, or the source is of an unknown kind.
    """
    single = isinstance(source, (str, PathLike))
    if isinstance(source, (str, PathLike, Dataset)):
        parts: list[object] = [source]
    elif not isinstance(source, Iterable) or isinstance(source, (bytes, bytearray, memoryview)):
        raise InputError(
            "images: expected a folder, files, a zip file or pydicom datasets, "
            f"got {type(source).__name__}"
        )
    else:
        parts = list(source)
    sources = Sources(f"{len(parts)} sources" if len(parts) != 1 else "1 source")
    if isinstance(source, (str, PathLike)) and single:
        sources.label = _label(Path(source))
    if index is not None and index.exists():
        sources.is_new(index.stat())
    for part in parts:
        _add(sources, part)
    return sources


def _label(path: Path) -> str:
    return f"folder {path}" if path.is_dir() else f"file {path}"


def _add(sources: Sources, part: object) -> None:
    if isinstance(part, Dataset):
        sources.entries.append(Entry(f"dataset {len(sources.entries) + 1}", part))
        return
    if not isinstance(part, (str, PathLike)):
        raise InputError(
            f"images: expected a folder, file or pydicom dataset, got {type(part).__name__}"
        )
    path = Path(part)
    try:
        status = path.stat()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(f"images: cannot open {path}: {reason}") from None
    if stat.S_ISDIR(status.st_mode):
        _walk(sources, path, status)
    elif not stat.S_ISREG(status.st_mode):
        raise InputError(f"images: {path} is neither a file nor a folder")
    else:
        _add_file(sources, path, status)


def _add_file(sources: Sources, path: Path, status: os.stat_result) -> None:
    """Take in a file that was given itself."""
    try:
        with open(path, "rb", buffering=0) as file:
            start = file.read(512)
        if is_zip(start):
            if sources.is_new(status):
                _add_members(sources, path, status)
        elif is_dicomdir(start):
            if sources.is_new(status):
                _add_file_set(sources, path)
        else:
            sources.add_file(str(path), path.name, status)
    except DicomError as error:
        sources.issues.append(Issue("error", "unreadable", error.uid, error.message))
    except OSError as error:
        message = error.strerror or str(error)
        sources.issues.append(Issue("error", "unreadable", path.name, message))


def _add_members(sources: Sources, path: Path, status: os.stat_result) -> None:
    directory = read_directory(path)
    place = os.path.abspath(path)
    for member in directory.members:
        key = f"{place}\0{member.offset}\0{member.crc:08x}"
        stamp = Stamp(key, status.st_size, status.st_mtime_ns)
        sources.entries.append(Entry(member.name, member, stamp))
    sources.tell("warning", "unreadable", directory.unreadable)


def _add_file_set(sources: Sources, path: Path) -> None:
    files = read_dicomdir(path)
    for file in files.paths:
        sources.add_file(str(file), _relative(str(file), str(path.parent)), file.stat())
    sources.tell("warning", "missing-file", files.missing)


def _walk(sources: Sources, root: Path, status: os.stat_result) -> None:
    sources.is_new(status)
    top = str(root)
    folders = [top]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(folder) as listing:
                children = sorted(listing, key=lambda child: child.name)
        except OSError as error:
            message = f"the folder cannot be listed: {error.strerror}"
            sources.issues.append(Issue("error", "unreadable", _relative(folder, top), message))
            continue
        inner = [path for child in children if (path := _visit(sources, child, top))]
        folders.extend(reversed(inner))


def _visit(sources: Sources, child: os.DirEntry[str], root: str) -> str | None:
    """Take a file in; return the path of a folder that is still to be searched."""
    try:
        status = os.stat(child.path) if os.name == "nt" else child.stat()
    except OSError:
        sources.ignored += 1
        return None
    if stat.S_ISDIR(status.st_mode):
        return child.path if sources.is_new(status) else None
    if not stat.S_ISREG(status.st_mode):
        sources.ignored += 1
    else:
        sources.add_file(child.path, _relative(child.path, root), status)
    return None


def _printable(name: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in name)


def _relative(path: str, root: str) -> str:
    """Return the part of a path below a folder, with slashes."""
    if path == root:
        return "."
    rest = path.removeprefix(root).lstrip(os.sep)
    return rest.replace(os.sep, "/")
