"""Archives: the members of a zip file, read where they are, within bounds.

Nothing is unpacked to disk, so names of members lead nowhere: they only appear in messages.
"""

from __future__ import annotations

import io
import struct
import threading
import zlib
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast
from zipfile import ZipExtFile, ZipInfo

from imageregion.errors import DicomError

__all__ = ["Directory", "ZipMember", "is_zip", "read_directory"]

_MAX_MEMBERS = 200_000
_MAX_DIRECTORY = 64 * 2**20  # bytes of the list of members
_MAX_INFLATED = 512 * 2**20  # bytes of one compressed member; stored ones are not held
_KEPT_BYTES = 128 * 2**20  # of members inflated lately
_STORED, _DEFLATED = 0, 8
_ENCRYPTED = 0x0001
_UTF8 = 0x0800

_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_LONGEST_COMMENT = 65_535


@dataclass(frozen=True, slots=True)
class ZipMember:
    """A file within a zip file; see `fragments.ByteSource`.

    Parameters
    ----------
    archive : Path
    name : str
        For messages.
    offset : int
        Byte of its local header.
    method : int
        0 stored, 8 deflated.
    packed, size : int
        Bytes in the archive, and of the file.
    crc : int
    """

    archive: Path
    name: str
    offset: int
    method: int
    packed: int
    size: int
    crc: int

    def open(self) -> BinaryIO:
        """Return a new seekable handle at the first byte.

        Raises
        ------
        DicomError
            When the member is damaged or becomes too large.
        OSError
            When the archive cannot be read.
        """
        if self.method == _DEFLATED:
            return io.BytesIO(_INFLATED.get(self))
        archive = self._positioned()
        window = _Window(archive, archive.tell(), self.size)
        return io.BufferedReader(window)

    def stream(self) -> BinaryIO:
        """Return a handle that inflates no more than is read; going back starts over."""
        if self.method == _STORED:
            return self.open()
        info = ZipInfo(self.name)
        info.compress_type, info.CRC = self.method, self.crc
        info.compress_size, info.file_size = self.packed, self.size
        archive = self._positioned()
        return cast(BinaryIO, ZipExtFile(archive, "r", info, close_fileobj=True))

    def _positioned(self) -> BinaryIO:
        """Open the archive at the first byte of the member."""
        archive = self.archive.open("rb")
        try:
            archive.seek(self.offset)
            head = archive.read(_LOCAL.size)
            if len(head) < _LOCAL.size or head[:4] != b"PK\3\4":
                raise DicomError(self.name, "the zip file is damaged: there is no such member")
            *_, name, extra = _LOCAL.unpack(head)
            archive.seek(name + extra, io.SEEK_CUR)
        except BaseException:
            archive.close()
            raise
        return archive

    def inflate(self) -> bytes:
        """Return all bytes of a deflated member.

        Raises
        ------
        DicomError
            When it is damaged or too large to be held.
        """
        if max(self.size, self.packed) > _MAX_INFLATED:
            raise DicomError(
                self.name,
                f"{self.size} bytes are too many to be unpacked in memory; unpack the zip file",
            )
        with self._positioned() as archive:
            packed = archive.read(self.packed)
        try:
            unpack = zlib.decompressobj(-zlib.MAX_WBITS)
            content = unpack.decompress(packed, self.size) if self.size else b""
        except zlib.error as error:
            raise DicomError(self.name, f"the zip file is damaged: {error}") from None
        if len(content) != self.size or zlib.crc32(content) != self.crc:
            raise DicomError(self.name, "the zip file is damaged: the member is not what it says")
        return content


class _Inflated:
    """Keeps members inflated lately: frames of one image are asked for one by one."""

    def __init__(self) -> None:
        self._kept: OrderedDict[ZipMember, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, member: ZipMember) -> bytes:
        """Return the bytes of a member; one is inflated at a time, which bounds the memory."""
        with self._lock:
            content = self._kept.pop(member, None)
            if content is None:
                while self._kept and self._used + member.size > _KEPT_BYTES:
                    self._kept.popitem(last=False)
                content = member.inflate()
            self._kept[member] = content
            return content

    @property
    def _used(self) -> int:
        return sum(map(len, self._kept.values()))


_INFLATED = _Inflated()


class _Window(io.RawIOBase):
    """A part of a file that looks like a file."""

    def __init__(self, file: BinaryIO, start: int, size: int) -> None:
        self._file, self._start, self._size, self._at = file, start, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(base + offset, 0)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        count = max(min(len(buffer), self._size - self._at), 0)
        self._file.seek(self._start + self._at)
        content = self._file.read(count)
        buffer[: len(content)] = content
        self._at += len(content)
        return len(content)

    def close(self) -> None:
        self._file.close()
        super().close()


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
    if member.method not in (_STORED, _DEFLATED):
        return f"its compression (zip method {member.method}) is not supported"
    if member.method == _STORED and member.packed != member.size:
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
