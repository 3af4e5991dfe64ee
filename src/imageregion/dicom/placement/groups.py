"""Functional groups: one classic-looking header for each frame of a multi-frame object.

What used to be attributes of single images is nested in macros, given once for all frames (shared)
or for each (per frame); DICOM PS3.3 C.7.6.16. Flattened to the top level they read like classic
images. Macros of equal content are one object, so that whatever is derived from them is derived
once.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace

from pydicom import Dataset
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.tag import BaseTag

from imageregion.dicom.files.bounds import Budget
from imageregion.dicom.files.headers import Header, numbers
from imageregion.dicom.files.sequences import Element, Item, elements_of, fingerprint, split_items
from imageregion.dicom.placement.dimensions import KEYWORDS
from imageregion.errors import DicomError, Issue

__all__ = ["Groups", "has_groups"]

_MAX_ELEMENTS = 4_000_000  # in the functional groups of an object
_MAX_VALUE = 64 * 1024  # bytes of an attribute that is no sequence
_MAX_MACRO = 10_000  # in the sequences within a macro
_MAX_READ, _READ_PER_FRAME, _MOST_READ = 300_000, 100, 2_000_000  # in all that frames read anew
_SHARED, _PER_FRAME = BaseTag(0x52009229), BaseTag(0x52009230)
_PIXELS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
_FRAME_TYPE, _IMAGE_TYPE = BaseTag(0x00089007), BaseTag(0x00080008)
_POSITION = BaseTag(0x00200032)
_MAPPINGS = 0x00409096  # RealWorldValueMappingSequence: its items are mappings, not attributes
_INNER = {BaseTag(0x00189076)}  # DiffusionGradientDirectionSequence: flattened, too
_CONVERTED = (  # of legacy converted objects; lowest rank first
    "UnassignedSharedConvertedAttributesSequence",
    "UnassignedPerFrameConvertedAttributesSequence",
)
_CONVERTED_TAGS = frozenset(  # others would only make frames differ, e.g. by instance number
    BaseTag(tag_for_keyword(word) or 0)
    for word in (*KEYWORDS, "Units", "SUVType", "DecayCorrection", "CorrectedImage", "RescaleType")
)


@dataclass(frozen=True, slots=True, eq=False)
class _Macro:
    """The attributes of a macro; equal macros of one object are the same value."""

    attributes: Mapping[BaseTag, Element]
    problem: str = ""
    weight: int = 0
    converted: bool = False


def has_groups(header: Header) -> bool:
    """Tell whether an object has functional groups."""
    present = header.dataset.keys()
    return _SHARED in present or _PER_FRAME in present


class Groups:
    """The functional groups of one object.

    Parameters
    ----------
    header : Header
    count : int
        Number of frames.

    Attributes
    ----------
    issues : tuple of Issue
        Macros that are shared and per frame, against the standard.

    Raises
    ------
    DicomError
        When there is not one item per frame, or the groups are damaged or too large.
    """

    def __init__(self, header: Header, count: int) -> None:
        self._header, self._count = header, count
        self._budget = Budget(header.uid, _MAX_ELEMENTS)
        most = min(_MAX_READ + _READ_PER_FRAME * count, _MOST_READ)
        self._reading = Budget(header.uid, most)
        shared = self._items(_SHARED, 2)
        if len(shared) > 1:
            raise DicomError(header.uid, "SharedFunctionalGroupsSequence: expected a single item")
        self._shared: Item = shared[0] if shared else {}
        self._frames = self._items(_PER_FRAME, count + 1)
        if self._frames and len(self._frames) != count:
            got = "more" if len(self._frames) > count else str(len(self._frames))
            raise DicomError(
                header.uid,
                f"PerFrameFunctionalGroupsSequence: expected {count} items, one for each frame, "
                f"got {got}",
            )
        self._known: dict[Hashable, _Macro] = {}
        self._columns: dict[str, list[_Macro | None]] = {}
        self._rows: dict[tuple[str, ...], list[tuple[_Macro | None, ...]]] = {}
        self._headers: dict[Hashable, Header] = {}
        self._base = self._top_level()
        self._asked: dict[BaseTag, Element] = {}
        self._question = Dataset(self._asked)  # made once, since that takes long

    @property
    def issues(self) -> tuple[Issue, ...]:
        """Say which macros stand in both places; the one of the frame is taken."""
        both = {tag for frame in self._frames for tag in frame if tag in self._shared}
        return tuple(
            Issue(
                "warning",
                "functional-groups",
                self._header.uid,
                f"{BaseTag(tag)} is a shared and a per-frame functional group; that of the frame "
                "is taken",
            )
            for tag in sorted(both)
            if any(
                tag in frame and fingerprint(frame[tag]) != fingerprint(self._shared[tag])
                for frame in self._frames
            )
        )

    def has(self, index: int, keyword: str) -> bool:
        """Tell whether the frame at `index`, from 0, has a macro, its own or a shared one."""
        return self._column(keyword)[index] is not None

    def numbers(self, index: int, keyword: str, attribute: str) -> list[float]:
        """Return a numeric attribute of a macro; empty when absent.

        Raises
        ------
        DicomError
            When the macro is malformed, or a value is no finite number.
        """
        macro = self._column(keyword)[index]
        if macro is None:
            return []
        if macro.problem:
            raise DicomError(self._header.uid, macro.problem)
        tag = BaseTag(tag_for_keyword(attribute) or 0)
        if tag not in macro.attributes:
            return []
        self._asked[tag] = macro.attributes[tag]
        return numbers(self._question, attribute, self._header.uid)

    def header(self, index: int, *keywords: str) -> Header:
        """Return the header of a frame with macros flattened into its top level.

        Parameters
        ----------
        index : int
            Frame, from 0.
        *keywords : str
            Names of the macros' sequences; per-frame macros go before shared ones, and both
            before what stands at the top level. FrameType becomes ImageType.

        Returns
        -------
        Header
            The same object for frames whose macros are equal.

        Raises
        ------
        DicomError
            When a macro is malformed.
        """
        rows = self._rows.get(keywords)
        if rows is None:
            words = (*_CONVERTED, *keywords)
            columns = [column for word in words if any(column := self._column(word))]
            rows = list(zip(*columns, strict=True)) if columns else [()] * self._count
            self._rows[keywords] = rows
        key = (keywords, rows[index])
        found = self._headers.get(key)
        if found is None:
            found = self._headers[key] = self._flattened(rows[index])
        return found

    def _flattened(self, macros: tuple[_Macro | None, ...]) -> Header:
        elements: dict[BaseTag, Element] = {}
        for converted in (True, False):
            for macro in macros:
                if macro is None or macro.converted is not converted:
                    continue
                if macro.problem:
                    raise DicomError(self._header.uid, macro.problem)
                self._reading.spend(macro.weight)
                elements |= macro.attributes
            elements |= self._base if converted else {}
        if _FRAME_TYPE in elements:
            elements[_IMAGE_TYPE] = _renamed(elements[_FRAME_TYPE], _IMAGE_TYPE)
        return replace(self._header, dataset=_dataset(elements, self._header.dataset))

    def _top_level(self) -> dict[BaseTag, Element]:
        """Return what every frame shares; one position cannot be that of several frames."""
        dataset = self._header.dataset
        left_out = {_SHARED, _PER_FRAME, *_PIXELS, *([_POSITION] if self._count > 1 else [])}
        return {tag: dataset.get_item(tag) for tag in dataset.keys() if tag not in left_out}  # noqa: SIM118

    def _items(self, tag: BaseTag, most: int) -> list[Item]:
        dataset = self._header.dataset
        return self._split(dataset.get_item(tag), most) if tag in dataset else []

    def _column(self, keyword: str) -> list[_Macro | None]:
        """Return one macro of all frames."""
        column = self._columns.get(keyword)
        if column is None:
            tag = BaseTag(tag_for_keyword(keyword) or 0)
            shared = self._macro(self._shared.get(tag), keyword)
            column = [self._macro(frame.get(tag), keyword) or shared for frame in self._frames]
            self._columns[keyword] = column = column or [shared] * self._count
        return column

    def _macro(self, element: Element | None, keyword: str) -> _Macro | None:
        """Return the attributes of a macro; None where it is absent or has no item."""
        if element is None:
            return None
        if element.tag == _MAPPINGS:
            return self._mappings(element)
        key = (keyword, fingerprint(element))
        if key not in self._known:
            self._known[key] = self._parsed(element, keyword)
        macro = self._known[key]
        return macro if macro.attributes or macro.problem else None

    def _parsed(self, element: Element, keyword: str) -> _Macro:
        try:
            items = self._split(element)
            if len(items) > 1:
                raise DicomError("", "expected a single item, got more")
            attributes = dict(items[0]) if items else {}
            for tag in _INNER & attributes.keys():
                inner = self._split(attributes[tag])
                attributes |= inner[0] if len(inner) == 1 else {}
            weight = sum(map(self._weight, attributes.values()))
        except DicomError as error:
            return _Macro({}, f"{keyword}: {error.message}")
        if keyword not in _CONVERTED:
            return _Macro(attributes, weight=weight)
        attributes = {tag: value for tag, value in attributes.items() if tag in _CONVERTED_TAGS}
        key = (keyword, tuple(map(fingerprint, attributes.values())))
        return self._known.setdefault(key, _Macro(attributes, converted=True))

    def _mappings(self, element: Element) -> _Macro:
        key = (_MAPPINGS, fingerprint(element))
        if key not in self._known:
            try:
                found = _Macro({element.tag: element}, weight=self._weight(element))
            except DicomError as error:
                found = _Macro({}, f"RealWorldValueMappingSequence: {error.message}")
            self._known[key] = found
        return self._known[key]

    def _split(self, element: Element, most: int = 2) -> list[Item]:
        """Return the items of a sequence, no more than `most`."""
        if isinstance(element, RawDataElement) and isinstance(element.value, bytes):
            return list(split_items(element, self._budget, most))
        value = element.value if element.VR == "SQ" else None
        return [elements_of(item) for item in list(value or [])[:most]]

    def _weight(self, element: Element) -> int:
        """Return how much work it is to read an attribute."""
        if not isinstance(element, RawDataElement) or not element.value:
            return 0
        if element.VR != "SQ":
            if len(element.value) > _MAX_VALUE:
                raise DicomError("", f"element {element.tag} has {len(element.value)} bytes")
            return Budget.cost(element.value)
        little, implicit = element.is_little_endian, element.is_implicit_VR
        budget = Budget(self._header.uid, _MAX_MACRO)
        return budget.weigh(element.value, little=little, implicit=implicit)


def _renamed(element: Element, tag: BaseTag) -> Element:
    if isinstance(element, RawDataElement):
        return element._replace(tag=tag)
    return DataElement(tag, element.VR, element.value)


def _dataset(elements: dict[BaseTag, Element], like: Dataset) -> Dataset:
    dataset = Dataset(elements)
    implicit, little = like.original_encoding
    dataset.set_original_encoding(implicit, little, like.original_character_set)
    return dataset
