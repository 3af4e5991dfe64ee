"""What `open_images` was given: the files and datasets behind folders, paths and iterables."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import TypeAlias

from pydicom import Dataset

from imageregion.errors import InputError, Issue

__all__ = ["Entry", "Source", "Sources", "list_sources"]

Source: TypeAlias = str | PathLike[str] | Dataset | Iterable[str | PathLike[str] | Dataset]
"""A folder, a file, a pydicom dataset, or several of them."""


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One thing to read, under the name that messages give it."""

    name: str
    item: Path | Dataset


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
        Folders that could not be listed.
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


def list_sources(source: Source) -> Sources:
    """List the files and datasets of a source; folders are searched recursively.

    Links to folders are followed, each folder is visited once.

    Raises
    ------
    InputError
        When a path does not exist, or the source is of an unknown kind.
    """
    if isinstance(source, (str, PathLike)):
        sources = Sources(_label(Path(source)))
        _add(sources, source)
        return sources
    if isinstance(source, Dataset):
        source = [source]
    if not isinstance(source, Iterable) or isinstance(source, (bytes, bytearray, memoryview)):
        raise InputError(
            f"images: expected a folder, files or pydicom datasets, got {type(source).__name__}"
        )
    parts = list(source)
    sources = Sources(f"{len(parts)} sources" if len(parts) != 1 else "1 source")
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
    elif sources.is_new(status):
        sources.entries.append(Entry(path.name, path))


def _walk(sources: Sources, root: Path, status: os.stat_result) -> None:
    sources.is_new(status)
    folders = [root]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(folder) as listing:
                children = sorted(listing, key=lambda child: child.name)
        except OSError as error:
            message = f"the folder cannot be listed: {error.strerror}"
            sources.issues.append(Issue("error", "unreadable", _relative(folder, root), message))
            continue
        inner = [path for child in children if (path := _visit(sources, child, root))]
        folders.extend(reversed(inner))


def _visit(sources: Sources, child: os.DirEntry[str], root: Path) -> Path | None:
    """Take a file in; return the path of a folder that is still to be searched."""
    path = Path(child.path)
    try:
        status = path.stat() if os.name == "nt" else child.stat()
    except OSError:
        sources.ignored += 1
        return None
    if stat.S_ISDIR(status.st_mode):
        return path if sources.is_new(status) else None
    if not stat.S_ISREG(status.st_mode):
        sources.ignored += 1
    elif sources.is_new(status):
        sources.entries.append(Entry(_relative(path, root), path))
    return None


def _relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()
