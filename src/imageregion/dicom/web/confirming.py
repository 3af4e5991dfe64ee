"""Confirming: numbers of metadata that servers may write wrongly, and what the objects say.

Orthanc 1.10 writes DS and FD that are whole numbers with 32 bits alone, so that 5000000000 becomes
705032704, and what lies within 2E-14 of a whole number as that number. Nothing in the metadata
tells. An instance is taken from its object where a number by which pixels or sizes are multiplied
may be such a one. The injected dose of PET is large by nature: what one object of the series says
is compared with its metadata, for which the start of that object is enough.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, BinaryIO

import orjson
from pydicom import Dataset
from pydicom.datadict import keyword_for_tag

from imageregion.dicom._quiet import quiet
from imageregion.dicom.files.headers import Head, Header, read_header
from imageregion.dicom.web.failures import FetchError
from imageregion.dicom.web.json_model import tagged
from imageregion.dicom.web.keys import Key
from imageregion.dicom.web.metadata import first_value
from imageregion.dicom.web.services import WadoRs
from imageregion.errors import DicomError, ImageRegionError, Issue

__all__ = ["Confirming", "differences", "has_doubtful_numbers"]

_FACTORS = frozenset(
    [
        *(0x00281053, 0x3004000E, 0x00409225),  # RescaleSlope, DoseGridScaling, RealWorldValueSlope
        *(0x00280030, 0x00181164, 0x00182010),  # PixelSpacing, at the detector, as scanned
        *(0x0018602C, 0x0018602E, 0x00189322),  # PhysicalDeltaX and Y, ReconstructionPixelSpacing
    ]
)
_OTHERS = frozenset(
    [
        *(0x00281052, 0x00409224, 0x00409212),  # intercepts, RealWorldValueLUTData
        *(0x00409213, 0x00409214),  # first and last of the real world values in FD
        *(0x00280122, 0x00280124, 0x00280123, 0x00280125),  # padding of pixels that are no integers
        *(0x00200032, 0x00200037, 0x3004000C),  # position, orientation, offsets of planes
    ]
)
_LARGE = 1 << 16  # whole numbers from here on are rare among these, and what is left of larger ones
_PET = "PT"
_PATIENT = ("00101020", "00101030", "00101040")  # size, weight, sex
_DOSE = "00540016"  # RadiopharmaceuticalInformationSequence
_STARTS = (64 * 1024, 16 * 2**20)  # bytes of an object that are read for its header
_MOST_KINDS = 4  # of doses in a series, before all its objects are read
_MAX_DEPTH = 32
_NAMED = 3
_CLOSE = 1e-9  # relative; servers write no fewer than ten digits
_TINY = 1e-12  # of a direction or of mm
_DECIMALS = frozenset(["DS", "FD", "FL"])
_COMPARED = frozenset(["AS", "CS", "DA", "DT", "IS", "SL", "SS", "TM", "UL", "US", *_DECIMALS])
_PLACES = frozenset([0x00200032, 0x00200037, 0x00189089])
_SKIPPED = frozenset([0x00080005])  # the metadata are UTF-8


def has_doubtful_numbers(metadata: Any) -> bool:
    """Tell whether a factor, or what is added to pixels, may have lost digits on a server.

    Examples
    --------
    >>> has_doubtful_numbers({"00281053": {"vr": "DS", "Value": [705032704]}})
    True
    >>> has_doubtful_numbers({"00281053": {"vr": "DS", "Value": [1]}})
    False
    """
    return isinstance(metadata, Mapping) and _has_doubtful(metadata, 0)


def _has_doubtful(metadata: Mapping[str, Any], depth: int) -> bool:
    for tag, element in tagged(metadata):
        values = element.get("Value")
        if not isinstance(values, list):
            continue
        if tag in _FACTORS or tag in _OTHERS:
            if any(_is_doubtful(value, tag in _FACTORS) for value in values):
                return True
        elif element.get("vr") == "SQ" and depth < _MAX_DEPTH:  # deeper ones are refused anyway
            inner = (item for item in values if isinstance(item, Mapping))
            if any(_has_doubtful(item, depth + 1) for item in inner):
                return True
    return False


def _is_doubtful(value: Any, is_factor: bool) -> bool:
    """Whether a number is one that servers make of others; text has all its digits."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    if value == 0:
        return is_factor
    return float(value).is_integer() and _LARGE <= abs(value) < 1 << 32


@dataclass(slots=True)
class Confirming:
    """Decides which instances can be taken from their metadata.

    Parameters
    ----------
    service : WadoRs
    read : callable
        Reads the metadata of an instance.
    issues : list of Issue
        What was found, once for each series.
    """

    service: WadoRs
    read: Callable[[Any, Key], Header]
    issues: list[Issue] = field(default_factory=list)
    _known: dict[str, set[bytes]] = field(default_factory=dict)
    _settled: dict[str, bool] = field(default_factory=dict)

    def trusts(self, metadata: Any, key: Key) -> bool:
        """Whether the metadata of an instance can stand for its object.

        Raises
        ------
        DicomError
            When the metadata make no sense.
        """
        if has_doubtful_numbers(metadata):
            return False
        if first_value(metadata, "00080060") != _PET or _DOSE not in metadata:
            return True
        if key.series in self._settled:
            return self._settled[key.series]
        known = self._known.setdefault(key.series, set())
        try:
            facts = orjson.dumps([metadata.get(tag) for tag in (*_PATIENT, _DOSE)])
        except TypeError as error:
            raise DicomError(key.instance, f"the metadata make no sense: {error}") from None
        if facts not in known and self._confirm(metadata, key, len(known)):
            known.add(facts)
        return self._settled.get(key.series, True)

    def _settle(self, series: str, trusted: bool, code: str, message: str) -> bool:
        """Decide about the rest of a series, and say why."""
        self._settled[series] = trusted
        self.issues.append(Issue("warning", code, series, message))
        return False

    def _confirm(self, metadata: Any, key: Key, before: int) -> bool:
        """Compare the metadata of an instance with its object; settle the series if they differ."""
        if before >= _MOST_KINDS:
            message = "whole objects are fetched, since nearly each has another dose or weight"
            return self._settle(key.series, False, "metadata-differ", message)
        ours = self.read(metadata, key)
        try:
            theirs = self._header(key)
        except ImageRegionError as error:
            message = f"dose and weight are as metadata say, no object confirms them: {error}"
            return self._settle(key.series, True, "metadata-unconfirmed", message)
        with quiet():
            found = list(differences(ours.dataset, theirs.dataset))
        if not found:
            return True
        told = "; ".join(found[:_NAMED]) + ("; ..." if len(found) > _NAMED else "")
        message = f"whole objects are fetched, since what metadata say is wrong: {told}"
        return self._settle(key.series, False, "metadata-differ", message)

    def _header(self, key: Key) -> Header:
        """Read the header of an object, from as few of its bytes as hold it."""
        for most in _STARTS:
            content, is_all = self.service.fetch_start(key, most)
            header = None
            try:
                with quiet():
                    header = read_header(_Start(content), key.instance, Head(content, len(content)))
            except Exception as error:  # of pydicom, on what has no end
                if is_all:
                    raise DicomError(key.instance, f"cannot be read: {error}") from None
            if header is not None and (is_all or header.pixel_keyword):
                if header.uid != key.instance:
                    raise DicomError(key.instance, f"the server gives another, {header.uid}")
                return header
            if is_all:
                raise DicomError(key.instance, "what the server gives for it is no DICOM")
        url = self.service.address.base
        raise FetchError(url, f"the header of {key.instance} has more than {_STARTS[-1]} bytes")


class _Start:
    """The first bytes of an object."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def open(self) -> BinaryIO:
        return BytesIO(self._content)


def differences(ours: Dataset, theirs: Dataset, within: str = "") -> Iterator[str]:
    """Find numbers, times and codes that are not the same in two headers.

    Parameters
    ----------
    ours, theirs : pydicom.Dataset
        By the metadata, and of the object.
    within : str
        Names of the sequences around them.

    Yields
    ------
    str
        What differs, and how.

    Examples
    --------
    >>> one, two = Dataset(), Dataset()
    >>> one.PatientWeight, two.PatientWeight = 70, "70.5"
    >>> list(differences(one, two))
    ['PatientWeight is 70.0 instead of 70.5']
    """
    for tag in sorted({*ours.keys(), *theirs.keys()}):
        if tag.group <= 2 or tag in _SKIPPED:
            continue
        name = f"{within}{keyword_for_tag(tag) or tag}"
        try:
            pair = [one.get(tag) for one in (ours, theirs)]
            vr = next(str(one.VR) for one in pair if one is not None)
            a, b = ("" if one is None else one.value for one in pair)
        except Exception:  # of pydicom, on values that make no sense
            yield f"{name} cannot be read"
            continue
        if vr == "SQ":
            first, second = list(a or ()), list(b or ())
            if len(first) != len(second):
                yield f"{name} has {len(first)} items instead of {len(second)}"
            for mine, other in zip(first, second, strict=False):
                yield from differences(mine, other, f"{name}.")
        elif vr in _COMPARED or (tag.is_private and not within):
            x, y = _parts(a), _parts(b)
            if not _are_same(x, y, _TINY if tag in _PLACES else 0.0):
                yield f"{name} is {_shown(x)} instead of {_shown(y)}"


def _parts(value: Any) -> list[str]:
    """Return values as text, without padding, and without empty ones at the end."""
    if isinstance(value, bytes):
        value = value.decode("latin-1").split("\\")
    several = value if isinstance(value, (list, tuple)) or _is_multiple(value) else [value]
    parts = [("" if one is None else str(one)).strip(" \0") for one in several]
    while parts and not parts[-1]:
        parts.pop()
    return parts


def _is_multiple(value: Any) -> bool:
    return hasattr(value, "__iter__") and not isinstance(value, str)


def _are_same(ours: list[str], theirs: list[str], tiny: float) -> bool:
    if len(ours) != len(theirs):
        return False
    return all(a == b or _are_close(a, b, tiny) for a, b in zip(ours, theirs, strict=True))


def _are_close(a: str, b: str, tiny: float) -> bool:
    try:
        return math.isclose(float(a), float(b), rel_tol=_CLOSE, abs_tol=tiny)
    except ValueError:
        return False


def _shown(parts: list[str]) -> str:
    text = "\\".join(parts)
    text = "".join(letter if letter.isprintable() else "?" for letter in text)
    return (text if len(text) <= 60 else f"{text[:60]}...") or "absent"
