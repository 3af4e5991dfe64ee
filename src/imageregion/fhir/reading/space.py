"""3-D regions: which images they are for beside instances, and which of them are one region.

FHIR R5 has no place for a 3-D region but an instance, so one that belongs to several stands in each
of them. Such copies are one region: each for itself would be measured again, and all together would
cancel each other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np

from imageregion.fhir.targets import Selectors, clean_uid, is_image, sop_class
from imageregion.region import Target

__all__ = ["Beside", "Copies", "Copy", "Named", "beside"]

Named: TypeAlias = tuple[dict[str, Any], Selectors | None]
"""An instance, and what is selected of it; None where it cannot be read."""


@dataclass(frozen=True, slots=True)
class Beside:
    """The images that 3-D regions beside instances are for.

    Parameters
    ----------
    target : Target
    notes : tuple of str
        What else is selected of the only instance.
    images : str
        The images in words, where it is not just the only instance.
    is_anywhere : bool
        Whether the frame of reference alone decides.
    """

    target: Target
    notes: tuple[str, ...] = ()
    images: str = ""
    is_anywhere: bool = False


def beside(named: Sequence[Named], target: Target) -> Beside:
    """Return the images that 3-D regions beside instances are for.

    Parameters
    ----------
    named : sequence of Named
        At least one, which can be read.
    target : Target
        Of the resource.

    Examples
    --------
    >>> beside([({"uid": "1.2.3"}, Selectors((2,)))], Target(series="1.2")).target.frames
    (2,)
    >>> beside([({"uid": "1.2.3"}, Selectors()), ({"uid": "1.2.4"}, Selectors())], Target()).images
    'all images of the series'
    """
    usable = [(instance, found) for instance, found in named if found is not None]
    if not any(is_image(sop_class(instance)) for instance, _ in usable):
        images = "any image of their frame of reference"
        return Beside(replace(target, series=""), (), images, is_anywhere=True)
    if len(named) > 1:
        return Beside(target, (), "all images of the series")
    instance, selectors = usable[0]
    uid = instance.get("uid")
    name = clean_uid(uid) if isinstance(uid, str) else ""
    notes = (selectors.note,) if selectors.note else ()
    return Beside(replace(target, instance=name, frames=selectors.frames), notes)


@dataclass(slots=True)
class Copy:
    """A region that stands in instances.

    Parameters
    ----------
    index : int
        Of the region among those read.
    path : str
        FHIRPath of the first.
    notes : tuple of str
        On its shape.
    owners : list of int
        The instances it stands in.
    """

    index: int
    path: str
    notes: tuple[str, ...]
    owners: list[int]


@dataclass(slots=True)
class Copies:
    """3-D regions of instances by what they say.

    Parameters
    ----------
    merged : dict of str to str
        From the FHIRPaths of copies to that of the first.
    """

    merged: dict[str, str] = field(default_factory=dict)
    _known: dict[tuple[str, bytes, int], Copy] = field(default_factory=dict)
    _counts: dict[tuple[int, str, bytes], int] = field(default_factory=dict)

    def is_known(self, kind: str, coordinate: Any, copy: Copy) -> bool:
        """Note a region of an instance; tell whether an earlier instance has the same.

        Regions that one instance has twice are two, in each of several instances too.
        """
        (instance,) = copy.owners
        numbers = np.asarray(coordinate, dtype=np.float64) + 0.0  # -0.0 is 0.0
        content = hashlib.sha256(numbers.tobytes()).digest()
        count = self._counts.get((instance, kind, content), 0)
        self._counts[instance, kind, content] = count + 1
        first = self._known.setdefault((kind, content, count), copy)
        if first is copy:
            return False
        first.owners.append(instance)
        self.merged[copy.path] = first.path
        return True

    def several(self) -> Iterator[Copy]:
        """Yield the regions that stand in several instances."""
        return (copy for copy in self._known.values() if len(copy.owners) > 1)
