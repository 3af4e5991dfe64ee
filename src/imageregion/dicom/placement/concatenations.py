"""Concatenations: objects cut into parts, whose frames can also be named by the uncut object.

Each part is an object of its own, with frames numbered from 1. Together the parts number their
frames as the object did that they were cut from (DICOM PS3.3 C.7.6.16.2.2.4).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from imageregion.dicom.files.headers import Header, integer, text
from imageregion.errors import DicomError, Issue
from imageregion.frame import Frame

__all__ = ["Part", "joined", "part_of"]


@dataclass(frozen=True, slots=True)
class Part:
    """What an object says about the concatenation that it is a part of.

    Parameters
    ----------
    concatenation : str
        UID that all parts share.
    source : str
        SOP Instance UID of the uncut object.
    offset : int
        Frames of the uncut object before the first of this part; below 0 where it is not said.
    total : int
        Number of parts; 0 where it is not said.
    """

    concatenation: str
    source: str
    offset: int
    total: int = 0


def part_of(header: Header) -> Part | None:
    """Return what an object says about its concatenation; None where it is no part of one."""
    concatenation = text(header.dataset, "ConcatenationUID")
    source = text(header.dataset, "SOPInstanceUIDOfConcatenationSource")
    if not concatenation or not source:
        return None
    try:
        offset = integer(header.dataset, "ConcatenationFrameOffsetNumber", header.uid, default=-1)
        total = integer(header.dataset, "InConcatenationTotalNumber", header.uid, default=0)
    except DicomError:
        offset, total = -1, 0
    return Part(concatenation, source, offset, total)


def joined(
    parts: Iterable[tuple[Part, Sequence[Frame]]],
) -> tuple[dict[str, tuple[Frame, ...]], tuple[Issue, ...]]:
    """Put the frames of concatenations together under the UID of the uncut object.

    Parameters
    ----------
    parts : iterable of (Part, sequence of Frame)
        Each object that is a part, and its frames.

    Returns
    -------
    frames : dict of str to tuple of Frame
        SOP Instance UID of the uncut object to its frames in order, with its UID and numbers.
        They stand for frames of the parts and are no further images.
    issues : tuple of Issue
        Concatenations that are left out because frames are missing or there twice. Their parts
        can be named by their own UIDs all the same.

    Examples
    --------
    >>> whole = [Frame.from_array([[n]], instance="1.2", number=n) for n in (1, 2)]
    >>> frames, _ = joined([(Part("9", "5", 2), whole), (Part("9", "5", 0), whole)])
    >>> [(frame.instance, frame.number, frame.stored.item()) for frame in frames["5"]]
    [('5', 1, 1), ('5', 2, 2), ('5', 3, 1), ('5', 4, 2)]
    """
    groups: dict[tuple[str, str], list[tuple[Part, Sequence[Frame]]]] = defaultdict(list)
    for part, frames in parts:
        if frames and all(frame.tiles is None for frame in frames):
            groups[part.source, part.concatenation].append((part, frames))
    found: dict[str, tuple[Frame, ...]] = {}
    issues = []
    for (source, concatenation), members in groups.items():
        members.sort(key=lambda member: member[0].offset)
        fault = _fault(members)
        if fault:
            message = f"concatenation {concatenation} of {source}: {fault}; name frames by part"
            issues.append(Issue("warning", "concatenation", source, message))
        elif source not in found:
            found[source] = tuple(
                replace(frame, instance=source, number=frame.number + part.offset)
                for part, frames in members
                for frame in sorted(frames, key=lambda frame: frame.number)
            )
    return found, tuple(issues)


def _fault(members: Sequence[tuple[Part, Sequence[Frame]]]) -> str:
    """Say what is missing or there twice; `members` are sorted by offset."""
    expected = 0
    for part, frames in members:
        if part.offset < 0:
            return "a part does not say at which frame it begins"
        if part.offset > expected:
            return f"frames {expected + 1} to {part.offset} are missing"
        if part.offset < expected:
            return f"frames {part.offset + 1} to {expected} are there twice"
        expected += len(frames)
    total = max(part.total for part, _ in members)
    if total > len(members):
        return f"there are {len(members)} of {total} parts"
    return ""
