"""Bodies: what servers answer, read within bounds and known to be whole."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from imageregion.dicom.web.failures import FetchError

__all__ = ["Part", "check_kind", "parameter", "parts_of", "read_body", "start_of"]

_CHUNK = 256 * 1024
_LONGEST_HEAD = 16 * 1024
_MOST_PARTS = 100_000
_MOST_MEMBERS = 10_000


def read_body(
    raw: Any,
    headers: Mapping[str, str],
    url: str,
    limit: int,
    most: int | None = None,
    reason: str = "WebSettings.max_bytes",
) -> Iterator[bytes]:
    """Read the body of an answer in pieces, unpacked.

    Parameters
    ----------
    raw : urllib3.BaseHTTPResponse
    headers : mapping
    url : str
        For messages.
    limit : int
        Bytes, unpacked.
    most : int, optional
        Stop after so many bytes, or a few more.
    reason : str
        Why there is this limit, for messages.

    Yields
    ------
    bytes
        Pieces as they come.

    Raises
    ------
    FetchError
        When the body is too large, packed in an unknown way, or ends too early.
    """
    stated = headers.get("Content-Length", "")
    expected = int(stated) if stated.isdecimal() and len(stated) < 20 else None
    packing = headers.get("Content-Encoding", "").strip().lower()
    if packing not in ("", "identity", "gzip", "x-gzip", "deflate"):
        raise FetchError(url, f"the answer is packed in an unknown way, {packing[:40]!r}")
    if most is None and expected is not None and expected > limit:
        raise _too_large(url, limit, reason)
    unpack = _Unpacking(packing, url) if packing not in ("", "identity") else None
    received = size = 0
    piece_size = _CHUNK if most is None else min(_CHUNK, most)
    while chunk := raw.read(piece_size, decode_content=False):
        received += len(chunk)
        for piece in unpack.feed(chunk) if unpack else (chunk,):
            size += len(piece)
            if size > limit:
                raise _too_large(url, limit, reason)
            yield piece
            if most is not None and size >= most:
                return
    if expected is not None and received < expected:
        message = f"the answer is truncated: {received} of {expected} bytes came"
        raise FetchError(url, message, passing=True)
    if unpack:
        unpack.check_end()


def _too_large(url: str, limit: int, reason: str) -> FetchError:
    return FetchError(url, f"the answer has more than {limit} bytes ({reason})")


class _Unpacking:
    """Unpacks gzip or deflate a little at a time, so that a bomb does no harm."""

    def __init__(self, packing: str, url: str) -> None:
        self._bits = zlib.MAX_WBITS if packing == "deflate" else 16 + zlib.MAX_WBITS
        self._inflate = zlib.decompressobj(self._bits)
        self._url, self._empty, self._members = url, True, 1

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        self._empty = False
        while chunk:
            if self._inflate.eof:  # gzip may have several members (RFC 1952 2.2)
                if self._bits == zlib.MAX_WBITS or not chunk.startswith(b"\x1f\x8b"):
                    return
                self._members += 1
                if self._members > _MOST_MEMBERS:
                    raise FetchError(self._url, "the answer is packed in too many pieces")
                self._inflate = zlib.decompressobj(self._bits)
            try:
                piece = self._inflate.decompress(chunk, _CHUNK)
            except zlib.error as error:
                message = f"the answer cannot be unpacked: {error}"
                raise FetchError(self._url, message, passing=True) from None
            yield piece
            chunk = self._inflate.unused_data or self._inflate.unconsumed_tail
        if not self._inflate.eof:  # what is left inside is less than a piece
            while piece := self._inflate.decompress(b"", _CHUNK):
                yield piece

    def check_end(self) -> None:
        if not (self._empty or self._inflate.eof):
            raise FetchError(self._url, "the answer is truncated: it is not unpacked", passing=True)


def parameter(content_type: str, name: str) -> str:
    """Return a parameter of a media type without quotes; empty where absent.

    Examples
    --------
    >>> parameter('multipart/related; type="image/jls"; boundary=abc', "boundary")
    'abc'
    """
    for quoted, plain in re.findall(rf';\s*{name}=(?:"([^"]*)"|([^\s;]*))', content_type, re.I):
        return str(quoted or plain)
    return ""


def check_kind(
    content_type: str, body: bytes, accepted: str, url: str, *, is_start: bool = False
) -> None:
    """Refuse an answer that is not what was asked for, or a multipart message without its end.

    Parameters
    ----------
    content_type : str
        Of the answer.
    body : bytes
    accepted : str
        The Accept header of the request.
    url : str
        For messages.
    is_start : bool
        The body is only the first part of what there is.

    Raises
    ------
    FetchError
    """
    kind = content_type.partition(";")[0].strip().lower()
    if "json" in accepted:
        if "json" not in kind and not (not kind and body[:1] in (b"[", b"{")):
            raise FetchError(url, f"expected DICOM JSON, got {_named(kind, body)}")
        return
    binary = kind.startswith(("image/", "application/dicom", "application/octet-stream"))
    if kind == "multipart/related":
        boundary = parameter(content_type, "boundary")
        end = f"--{boundary}--".encode("latin-1", "replace")
        if boundary and not is_start and end not in body[-4096:]:
            message = "the multipart answer is truncated: its end is missing"
            raise FetchError(url, message, passing=True)
    elif not binary:
        raise FetchError(url, f"expected DICOM, got {_named(kind, body)}")


def _named(kind: str, body: bytes) -> str:
    if "html" in kind or body.lstrip()[:9].lower() in (b"<!doctype", b"<html>"):
        return "a web page (HTML): is this the address of a DICOMweb service?"
    return f"content of type {kind[:80] or 'unknown'!r}"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a multipart message: its own content type, and its bytes."""

    content_type: str
    content: bytes


def parts_of(content_type: str, body: bytes, url: str) -> list[Part]:
    r"""Take a multipart message apart (RFC 2046 5.1); any other body is its only part.

    Raises
    ------
    FetchError
        When there is no part, or one has no end of its head.

    Examples
    --------
    >>> body = b"--x\r\nContent-Type: image/jls\r\n\r\nABC\r\n--x--"
    >>> parts_of("multipart/related; boundary=x", body, "")
    [Part(content_type='image/jls', content=b'ABC')]
    """
    boundary = parameter(content_type, "boundary")
    if not content_type.lower().startswith("multipart/") or not boundary:
        return [Part(content_type, body)]
    marker = b"--" + boundary.encode("latin-1", "replace")
    delimiter = b"\r\n" + marker
    first = 0 if body.startswith(marker) else body.find(delimiter) + 2
    if first == 1:
        raise FetchError(url, "the multipart answer has no part")
    found: list[Part] = []
    start = first + len(marker)
    while body[start : start + 2] != b"--":
        end = body.find(delimiter, start)
        head = body.find(b"\r\n\r\n", start, start + _LONGEST_HEAD)
        if not start <= head <= end or len(found) >= _MOST_PARTS:
            raise FetchError(url, "the multipart answer is damaged", passing=True)
        found.append(Part(_content_type(body[start:head]), body[head + 4 : end]))
        start = end + len(delimiter)
    if not found:
        raise FetchError(url, "the multipart answer has no part")
    return found


def start_of(content_type: str, body: bytes, url: str) -> bytes:
    r"""Return the first part of a multipart message of which perhaps only the start was read.

    Raises
    ------
    FetchError
        When there is no part.

    Examples
    --------
    >>> start_of("multipart/related; boundary=x", b"--x\r\nContent-Type: a/b\r\n\r\nABC", "")
    b'ABC'
    """
    boundary = parameter(content_type, "boundary").encode("latin-1", "replace")
    return parts_of(content_type, body + b"\r\n--" + boundary + b"--", url)[0].content


def _content_type(head: bytes) -> str:
    for line in head.decode("latin-1").split("\r\n"):
        name, _, value = line.partition(":")
        if name.strip().lower() == "content-type":
            return value.strip()
    return ""
