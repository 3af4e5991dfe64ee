"""Archives: what a zip file holds, within bounds.

Nothing is unpacked to disk, so names of members lead nowhere: they only appear in messages.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from imageregion.dicom.files.members import DEFLATED, STORED, ZipMember
from imageregion.errors import DicomError

__all__ = ["Directory", "is_zip", "read_directory"]

_MAX_MEMBERS = 200_000
_MAX_DIRECTORY = 64 * 2**20  # bytes of the list of members
_ENCRYPTED = 0x0001
_UTF8 = 0x0800

_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_LONGEST_COMMENT = 65_535


@dataclass(frozen=True, slots=True)
class Directory:
    """What a zip file holds.

    Parameters
    ----------
    members : tuple of ZipMember
        In the order of the archive; folders are left out.
    unreadable : tuple of (str, str)
        Names of members that cannot be read, and why.
    """

    members: tuple[ZipMember, ...]
    unreadable: tuple[tuple[str, str], ...]


def is_zip(start: bytes) -> bool:
    """Tell from the first bytes whether a file is a zip file."""
    return start[:4] in (b"PK\3\4", b"PK\5\6") and start[128:132] != b"DICM"


def read_directory(path: Path) -> Directory:
    """List the members of a zip file (APPNOTE 6.3, 4.3.12 to 4.3.16) without reading them.

    Raises
    ------
    DicomError
        When the file is damaged, its members overlap, or there are absurdly many.
    OSError
        When it cannot be read.
    """
    with path.open("rb") as file:
        size = file.seek(0, io.SEEK_END)
        count, length, start = _find_directory(file, size, path.name)
        if count > _MAX_MEMBERS or length > _MAX_DIRECTORY:
            raise DicomError(path.name, f"the zip file has more than {_MAX_MEMBERS} members")
        shift = start[1] - length - start[0]  # bytes in front of the archive
        if shift < 0:
            raise _damaged(path, "its list of members is not where it should be")
        file.seek(start[1] - length)
        content = file.read(length)
    members: list[ZipMember] = []
    unreadable: list[tuple[str, str]] = []
    for member, problem in _entries(path, content, shift):
        if len(members) + len(unreadable) >= _MAX_MEMBERS:
            raise DicomError(path.name, f"the zip file has more than {_MAX_MEMBERS} members")
        if problem:
            unreadable.append((member.name, problem))
        elif not member.name.endswith("/"):
            members.append(member)
    if sum(member.packed for member in members) > size:
        raise _damaged(path, "its members overlap")
    return Directory(tuple(members), tuple(unreadable))


def _damaged(path: Path, what: str) -> DicomError:
    return DicomError(path.name, f"the zip file is damaged: {what}")


def _find_directory(file: BinaryIO, size: int, name: str) -> tuple[int, int, tuple[int, int]]:
    """Return number of members, bytes of their list, where it is said to be and where it ends."""
    file.seek(max(size - _LONGEST_COMMENT - _END.size, 0))
    base = file.tell()
    tail = file.read(_LONGEST_COMMENT + _END.size)
    at = tail.rfind(b"PK\5\6")
    if at < 0 or len(tail) - at < _END.size:
        raise DicomError(name, "the zip file is damaged: its list of members is missing")
    *_, count, length, start, _ = _END.unpack_from(tail, at)
    end = base + at
    if at >= _LOCATOR.size and tail[at - _LOCATOR.size :][:4] == b"PK\6\7":
        _, _, offset, _ = _LOCATOR.unpack_from(tail, at - _LOCATOR.size)
        for place in (offset, end - _LOCATOR.size - _END64.size):  # the latter when bytes precede
            file.seek(min(place, size))
            head = file.read(_END64.size)
            if len(head) == _END64.size and head[:4] == b"PK\6\6":
                *_, count, length, start = _END64.unpack(head)
                return count, length, (start, place)
    return count, length, (start, end)


def _entries(path: Path, content: bytes, shift: int) -> Iterator[tuple[ZipMember, str]]:
    """Read the list of members; each comes with why it cannot be read, or with nothing."""
    at = 0
    while at + _ENTRY.size <= len(content):
        fields = _ENTRY.unpack_from(content, at)
        if fields[0] != b"PK\1\2":
            raise _damaged(path, "its list of members makes no sense")
        flags, method, crc, packed, size = fields[3], fields[4], *fields[7:10]
        name_size, extra_size, comment_size = fields[10:13]
        offset = fields[16]
        at += _ENTRY.size
        raw = content[at : at + name_size]
        extra = content[at + name_size : at + name_size + extra_size]
        at += name_size + extra_size + comment_size
        size, packed, offset = _with_zip64(extra, size, packed, offset)
        name = _printable(raw.decode("utf-8" if flags & _UTF8 else "cp437", "replace"))
        member = ZipMember(path, f"{path.name}/{name}", offset + shift, method, packed, size, crc)
        yield member, _problem(member, flags)


def _problem(member: ZipMember, flags: int) -> str:
    if flags & _ENCRYPTED:
        return "it is encrypted"
    if member.method not in (STORED, DEFLATED):
        return f"its compression (zip method {member.method}) is not supported"
    if member.method == STORED and member.packed != member.size:
        return "its sizes contradict each other"
    return ""


def _with_zip64(extra: bytes, *values: int) -> list[int]:
    """Replace sizes and offset that do not fit in 32 bits (APPNOTE 6.3, 4.5.3)."""
    result = list(values)
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == 1:
            field = extra[at + 4 : at + 4 + length]
            for index, value in enumerate(result):
                if value == 0xFFFFFFFF and len(field) >= 8:
                    result[index] = int.from_bytes(field[:8], "little")
                    field = field[8:]
            break
        at += 4 + length
    return result


def _printable(name: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in name)
