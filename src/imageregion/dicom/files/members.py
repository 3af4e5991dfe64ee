"""Members of a zip file as sources of bytes: opened where they are, inflated within bounds."""

from __future__ import annotations

import io
import struct
import threading
import zlib
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast
from zipfile import ZipExtFile, ZipInfo

from imageregion.errors import DicomError

__all__ = ["DEFLATED", "STORED", "ZipMember"]

STORED, DEFLATED = 0, 8
"""Compression methods of zip files (APPNOTE 6.3, 4.4.5)."""

_MAX_INFLATED = 256 * 2**20  # bytes of one compressed member; stored ones are not held
_KEPT_BYTES = 128 * 2**20  # of members inflated lately
_LOCAL = struct.Struct("<4s5H3L2H")


@dataclass(frozen=True, slots=True)
class ZipMember:
    """A file within a zip file; see `ByteSource`.

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
        if self.method == DEFLATED:
            return io.BytesIO(_INFLATED.get(self))
        archive = self._positioned()
        window = _Window(archive, archive.tell(), self.size)
        return io.BufferedReader(window)

    def stream(self) -> BinaryIO:
        """Return a handle that inflates no more than is read; going back starts over."""
        if self.method == STORED:
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
