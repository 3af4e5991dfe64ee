"""Sources: from a path, text, bytes, dict or model to parsed FHIR resources; JSON, XML, NDJSON."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from imageregion.errors import FhirError, ImageRegionError, InputError
from imageregion.fhir.text.plain import MAX_TEXT, parse_json, parse_regular
from imageregion.fhir.text.xml_reading import is_xml, parse_xml

__all__ = ["Record", "read_document", "read_record", "read_records", "read_text"]


class Record(NamedTuple):
    """A parsed JSON value, or the error that stands for it.

    Parameters
    ----------
    value : Any
    name : str
        Where it was found.
    is_regular : bool
        It was just parsed, belongs to nobody else, and is as `parse_regular` says.
    """

    value: Any
    name: str
    is_regular: bool = False


_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_STDIN = "-"
_OTHERS = {
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"GIF8": "a GIF picture",
    b"II*\0": "a TIFF picture",
    b"%PDF-": "a PDF document",
    b"PK\x03\x04": "a zip archive",
    b"\x1f\x8b": "compressed by gzip",
}
_UTF_16 = (b"\xff\xfe", b"\xfe\xff", b"{\0", b"\0{", b"[\0", b"\0[")
_LINES = (".ndjson", ".jsonl")
_FIRST = 2**16  # bytes in which the first line of NDJSON must end to be recognised
_LINE = re.compile(rb"\S[^\n]*")
_EXPECTED = "expected a file name, JSON, XML or a list of these, got {}"


def read_document(source: Any) -> tuple[Any, str]:
    """Read one FHIR resource or Bundle of any type.

    Parameters
    ----------
    source : str, Path, bytes, dict, list or fhir.resources model
        A file name (``"-"`` is standard input, read once), JSON or XML text (text that starts with
        ``{``, ``[`` or ``<``), or parsed JSON.

    Returns
    -------
    value : Any
        Parsed JSON; XML becomes the JSON that means the same.
    name : str
        The file name; empty for other sources.

    Raises
    ------
    InputError
        When there is no such file, it is too large, or it is neither JSON nor XML.
    FhirError
        When it is NDJSON, of many resources.

    Examples
    --------
    >>> read_document('<Patient xmlns="http://hl7.org/fhir"><active value="true"/></Patient>')
    ({'resourceType': 'Patient', 'active': True}, '')
    """
    return read_record(source)[:2]


def read_text(source: str | Path | bytes | bytearray, most: int) -> bytes:
    """Return the text of a document as it is written; empty where it is longer than `most`.

    Raises
    ------
    InputError
        As `read_document`.

    Examples
    --------
    >>> read_text('{"value": 2.50}', 100)
    b'{"value": 2.50}'
    """
    is_file = isinstance(source, str | Path) and not _is_text(source) and str(source) != _STDIN
    if is_file and _size(Path(str(source))) > most:
        return b""
    content: bytes = _content(source)[0]
    return content if len(content) <= most else b""


def read_record(source: Any) -> Record:
    """Do as `read_document`, and tell whether the value is regular.

    Examples
    --------
    >>> read_record('{"resourceType": "Patient"}')
    Record(value={'resourceType': 'Patient'}, name='', is_regular=True)
    """
    content, name = _content(source)
    if not isinstance(content, bytes):
        return Record(content, name)
    if _has_lines(content):
        raise FhirError(name or "text", "expected one resource; use read_selections for NDJSON")
    return _parse(content, name)


def read_records(source: Any) -> Iterator[Record]:
    r"""Return the parsed values of a source; it is opened and parsed before the first.

    Parameters
    ----------
    source : str, Path, bytes, dict, fhir.resources model, or iterable of these
        As for `read_document`, and NDJSON of any length.

    Returns
    -------
    iterator of Record
        One, or one per line or item. A line or item that cannot be parsed is an error, and the
        others follow.

    Raises
    ------
    InputError
        As `read_document`.

    Examples
    --------
    >>> [record.value for record in read_records('{"id": "a"}\n{"id": "b"}')]
    [{'id': 'a'}, {'id': 'b'}]
    """
    if isinstance(source, str | Path | bytes | bytearray | Mapping) or _is_model(source):
        return _records(source)
    if isinstance(source, Iterable):
        return _items(source)
    raise InputError(_EXPECTED.format(type(source).__name__))


def _records(source: Any) -> Iterator[Record]:
    if isinstance(source, str | Path) and not _is_text(source) and str(source) != _STDIN:
        path = Path(source)
        if _size(path) > MAX_TEXT and (path.name.lower().endswith(_LINES) or _is_lines(path)):
            return _values(_lines_of_file(path), str(source))
    content, name = _content(source)
    if not isinstance(content, bytes):
        return iter([Record(content, name)])
    if name.lower().endswith(_LINES) or _has_lines(content):
        return _values(_lines_of(content), name)
    return iter([_parse(content, name)])


def _items(source: Iterable[Any]) -> Iterator[Record]:
    for i, item in enumerate(source):
        try:
            record = read_record(item)
        except ImageRegionError as error:
            record = Record(error, str(item) if isinstance(item, Path) else "")
        yield record._replace(name=record.name or f"[{i}]")


def _values(lines: Iterable[tuple[int, bytes]], name: str) -> Iterator[Record]:
    for number, line in lines:
        place = f"{name}: line {number}" if name else f"line {number}"
        try:
            value, is_regular = parse_regular(line, place)
            yield Record(value, place, is_regular)
        except InputError as error:
            yield Record(error, place)


def _lines_of(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the lines that are not blank, and their numbers."""
    number, counted = 1, 0
    for match in _LINE.finditer(content):
        number += content.count(b"\n", counted, match.start())
        counted = match.start()
        yield number, match.group()


def _lines_of_file(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the same of a file that is too long to be read at once; a line is cut at the bound."""
    with path.open("rb") as file:
        number, is_start = 1, True
        while line := file.readline(MAX_TEXT + 1):
            if is_start and line.strip():
                yield number, line.removeprefix(_BYTE_ORDER_MARK)
            is_start = line.endswith(b"\n")
            number += is_start


def _has_lines(content: bytes) -> bool:
    """Whether the text is one JSON object per line, seen from its first two lines."""
    end = content.find(b"\n")
    if end < 0 or not content[end : end + 4096].lstrip().startswith(b"{"):
        return False
    try:
        return isinstance(parse_json(content[:end], "line"), dict)
    except InputError:
        return False


def _is_lines(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return _has_lines(file.read(_FIRST).removeprefix(_BYTE_ORDER_MARK))
    except OSError as error:
        raise _unreadable(path, error) from None


def _parse(content: bytes, name: str) -> Record:
    if is_xml(content):
        return Record(parse_xml(content, name or "text"), name, is_regular=True)
    value, is_regular = parse_regular(content, name or "text")
    return Record(value, name, is_regular)


def _content(source: Any) -> tuple[Any, str]:
    """Return bytes to parse, or an already parsed value, and its name."""
    if isinstance(source, Mapping | list):
        return source, ""
    if _is_model(source):
        return source.model_dump(mode="json"), ""
    if isinstance(source, bytes | bytearray):
        return _checked(bytes(source), "text"), ""
    if _is_text(source):
        return _checked(source.encode("utf-8", "surrogatepass"), "text"), ""
    if isinstance(source, str | Path) and str(source) == _STDIN:
        return _checked(_standard_input(), "standard input"), "standard input"
    if isinstance(source, str | Path):
        return _checked(_read_file(Path(source)), str(source)), str(source)
    raise InputError(_EXPECTED.format(type(source).__name__))


def _is_text(source: object) -> bool:
    """Whether a string is a document itself, not the name of one."""
    return isinstance(source, str) and source.lstrip("\ufeff \t\r\n")[:1] in ("{", "[", "<")


def _read_file(path: Path) -> bytes:
    if _size(path) > MAX_TEXT:
        raise InputError(
            f"{path}: larger than {MAX_TEXT} bytes, the most that is read of one resource or "
            "Bundle; NDJSON (one resource per line) may be longer"
        )
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from None


@cache
def _standard_input() -> bytes:
    """Read standard input, once, since commands may ask for the same document again."""
    stream = getattr(sys.stdin, "buffer", None)
    content: bytes = stream.read(MAX_TEXT + 1) if stream else b""
    if len(content) > MAX_TEXT:
        raise InputError(f"standard input: larger than {MAX_TEXT} bytes, the most that is read")
    return content


def _size(path: Path) -> int:
    try:
        if path.is_dir():
            raise InputError(f"{path}: expected a JSON or XML file, this is a folder")
        return path.stat().st_size
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: Exception) -> InputError:
    return InputError(f"{str(path)[:200]}: cannot be read: {error}")


def _checked(content: bytes, name: str) -> bytes:
    content = content.removeprefix(_BYTE_ORDER_MARK)
    if not content.strip():
        raise InputError(f"{name}: expected JSON or XML, the input is empty")
    for sign, kind in _OTHERS.items():
        if content.startswith(sign):
            raise InputError(f"{name}: expected JSON or XML, this is {kind}")
    if content[128:132] == b"DICM":
        raise InputError(f"{name}: expected JSON or XML, this is a DICOM file")
    if content.startswith(_UTF_16) and not is_xml(content):
        raise InputError(f"{name}: expected JSON in UTF-8, this is UTF-16")
    return content


def _is_model(source: object) -> bool:
    return hasattr(source, "model_dump") and not isinstance(source, type)
