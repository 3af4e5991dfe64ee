"""Images: all frames at hand, and the questions regions ask of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from imageregion.dicom.ordering import in_order
from imageregion.errors import DicomError, Issue, PlacementError
from imageregion.frame import Frame
from imageregion.region import Target

__all__ = ["Images"]


@dataclass(frozen=True, slots=True, eq=False)
class Images:
    """The frames at hand, and what else there is.

    Parameters
    ----------
    frames : iterable of Frame
        Kept in order: by study and series, then by orientation and position along the normal.
    issues : iterable of Issue
        What was found while reading.
    others : mapping of str to str
        SOP Instance UIDs of objects that give no frames, and why.

    Examples
    --------
    >>> images = Images([Frame.from_array([[1, 2]], instance="1.2.3", series="1.2")])
    >>> images
    Images(1 frame of 1 instance in 1 series)
    >>> images.frame(Target(instance="1.2.3")).pixels.tolist()
    [[1.0, 2.0]]
    """

    frames: tuple[Frame, ...]
    issues: tuple[Issue, ...] = ()
    others: Mapping[str, str] = field(default_factory=dict)
    _instances: dict[str, tuple[Frame, ...]] = field(init=False, repr=False)
    _series: dict[str, tuple[Frame, ...]] = field(init=False, repr=False)

    def __init__(
        self,
        frames: Iterable[Frame],
        issues: Iterable[Issue] = (),
        others: Mapping[str, str] | None = None,
    ) -> None:
        ordered = in_order(frames)
        object.__setattr__(self, "frames", ordered)
        object.__setattr__(self, "issues", tuple(issues))
        object.__setattr__(self, "others", dict(others or {}))
        instances: dict[str, list[Frame]] = defaultdict(list)
        series: dict[str, list[Frame]] = defaultdict(list)
        for frame in ordered:
            instances[frame.instance].append(frame)
            series[frame.series].append(frame)
        object.__setattr__(self, "_instances", {k: tuple(v) for k, v in instances.items()})
        object.__setattr__(self, "_series", {k: tuple(v) for k, v in series.items()})

    def __len__(self) -> int:
        return len(self.frames)

    def __repr__(self) -> str:
        issues = f"; {_count(len(self.issues), 'issue')}" if self.issues else ""
        return f"Images({_count(len(self.frames), 'frame')} of {self._extent}{issues})"

    def __str__(self) -> str:
        """Return one line for each series."""
        lines = [repr(self)]
        for uid, frames in self._series.items():
            sizes = Counter(f"{frame.shape[0]} x {frame.shape[1]}" for frame in frames)
            placed = sum(frame.plane is not None for frame in frames)
            lines.append(
                f"  {frames[0].modality or '?'} {uid or '(no series)'}: "
                f"{_count(len(frames), 'frame')} of {', '.join(sizes)} pixels, "
                f"{placed or 'none'} with a plane in the patient"
            )
        return "\n".join(lines)

    @property
    def _extent(self) -> str:
        return f"{_count(len(self._instances), 'instance')} in {len(self._series)} series"

    def frame(self, target: Target) -> Frame:
        """Return the one frame that a target names.

        Raises
        ------
        PlacementError, DicomError
            As `find`, and when the target names several frames.
        """
        frames = self.find(target)
        if len(frames) > 1:
            where = f"image {target.instance}" if target.instance else f"series {target.series}"
            raise PlacementError(
                f"{where}: expected a target that names one frame, it names {len(frames)}"
            )
        return frames[0]

    def find(self, target: Target) -> tuple[Frame, ...]:
        """Return the frames that a target of a 2-D region names, at least one.

        The SOP Instance UID decides; without one the target means the whole series. Other UIDs
        of the target are compared by `mismatches`.

        Raises
        ------
        PlacementError
            When the images do not hold what the target names.
        DicomError
            When the named object is no image, or cannot be told from another one.
        """
        if not target.instance:
            return self._find_series(target)
        found = self._instances.get(target.instance, ())
        if target.instance in self.others:
            raise DicomError(target.instance, self.others[target.instance])
        if not found:
            raise PlacementError(
                f"no image with SOP Instance UID {target.instance} among {self._extent}"
            )
        by_number = {frame.number: frame for frame in found}
        for number in target.frames:
            if number not in by_number:
                raise PlacementError(
                    f"image {target.instance}: there is no frame {number}, "
                    f"the image has {_count(len(found), 'frame')}"
                )
        numbers = dict.fromkeys(target.frames or by_number)
        return tuple(by_number[number] for number in numbers)

    def _find_series(self, target: Target) -> tuple[Frame, ...]:
        if not target.series:
            raise PlacementError("the target names neither an instance nor a series")
        if target.frames:
            raise PlacementError(
                f"series {target.series}: frame numbers need a SOP Instance UID, none is given"
            )
        if target.series not in self._series:
            raise PlacementError(
                f"no image of series {target.series} among {self._extent}: "
                f"{_some(self._series, 'series')}"
            )
        return self._series[target.series]

    def stacks(self, frame_of_reference: str, series: str = "") -> dict[str, tuple[Frame, ...]]:
        """Return the frames that a 3-D region can meet, by series.

        Parameters
        ----------
        frame_of_reference : str
            UID; only frames with a plane in it count.
        series : str
            UID; when given, only this series.

        Returns
        -------
        dict of str to tuple of Frame
            Each sorted by orientation and position; a series may hold several orientations.

        Raises
        ------
        PlacementError
            When there is no such frame.
        """
        if not frame_of_reference:
            raise PlacementError("a 3-D region needs a Frame of Reference UID, none is given")
        shared = {
            uid: members
            for uid, frames in self._series.items()
            if (members := tuple(f for f in frames if f.frame_of_reference == frame_of_reference))
        }
        placed = {
            uid: members
            for uid, frames in shared.items()
            if (members := tuple(frame for frame in frames if frame.plane is not None))
        }
        if series:
            if series not in placed:
                raise PlacementError(self._why_absent(series, frame_of_reference, shared, placed))
            return {series: placed[series]}
        if shared and not placed:
            raise PlacementError(
                f"frame of reference {frame_of_reference}: none of its "
                f"{_count(sum(map(len, shared.values())), 'frame')} has a plane in the patient"
            )
        if not placed:
            present = {f.frame_of_reference: None for f in self.frames if f.frame_of_reference}
            raise PlacementError(
                f"no image in frame of reference {frame_of_reference} among {self._extent}: "
                f"{_some(present, 'frame of reference')}"
            )
        return placed

    def _why_absent(
        self,
        series: str,
        frame_of_reference: str,
        shared: Mapping[str, object],
        placed: Mapping[str, object],
    ) -> str:
        if series in shared:
            return f"series {series}: none of its images has a plane in the patient"
        if series in self._series:
            present = {f.frame_of_reference: None for f in self._series[series]}
            names = ", ".join(uid or "(none)" for uid in present)
            return (
                f"series {series} has frame of reference {names}, "
                f"the region has {frame_of_reference}"
            )
        return (
            f"no image of series {series} among {self._extent}; in frame of reference "
            f"{frame_of_reference}: {_some(placed, 'series')}"
        )

    def mismatches(self, target: Target) -> tuple[Issue, ...]:
        """Compare what a target states about its images with what they say themselves.

        Returns
        -------
        tuple of Issue
            Warnings; empty when the images are not at hand or everything agrees.
        """
        if target.instance:
            found, where = self._instances.get(target.instance, ()), target.instance
        else:
            found, where = self._series.get(target.series, ()), target.series
        checks = (
            ("study", target.study, {frame.study for frame in found}),
            ("series", target.series, {frame.series for frame in found}),
            (
                "frame-of-reference",
                target.frame_of_reference,
                {frame.frame_of_reference for frame in found},
            ),
        )
        return tuple(
            Issue(
                "warning",
                f"{name}-mismatch",
                where,
                f"the image has {name.replace('-', ' ')} "
                f"{', '.join(sorted(uid or '(none)' for uid in present))}, "
                f"the selection says {stated}",
            )
            for name, stated, present in checks
            if found and stated and present != {stated}
        )


def _some(uids: Iterable[str], what: str, limit: int = 5) -> str:
    """List a few UIDs for a message."""
    names = list(uids)
    if not names:
        return f"there is no {what}"
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return f"there is {what} {', '.join(names[:limit])}{more}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
