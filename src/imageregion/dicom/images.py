"""Images: all frames at hand, and the questions regions ask of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from imageregion.dicom.ordering import in_order
from imageregion.dicom.traffic import Traffic
from imageregion.errors import DicomError, Issue, PlacementError
from imageregion.frame import Frame
from imageregion.region import Target
from imageregion.volume import Volume, volumes_by_orientation

__all__ = ["Images"]

_Volumes = dict[str, tuple[tuple[Volume, ...], ...]]
_Stated = tuple[tuple[str, frozenset[str]], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Images:
    """The frames at hand, and what else there is.

    Parameters
    ----------
    frames : iterable of Frame
        Kept in order: by study and series, then by orientation and position along the normal. Of
        tiled images these are the total pixel matrices; `find` gives the encoded frames.
    issues : iterable of Issue
        What was found while reading.
    others : mapping of str to str
        SOP Instance UIDs of objects that give no frames, and why.
    aliases : mapping of str to sequence of Frame
        Frames under a UID that names no object at hand: that of the object a concatenation was cut
        from (DICOM PS3.3 C.7.6.16.2.2.4). They are found by `find`, and no further images.
    traffic : Traffic, optional
        How much was fetched from servers for these images so far; None when all are files.

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
    aliases: Mapping[str, Sequence[Frame]] = field(default_factory=dict)
    traffic: Traffic | None = None
    _instances: dict[str, tuple[Frame, ...]] = field(init=False, repr=False)
    _series: dict[str, tuple[Frame, ...]] = field(init=False, repr=False)
    _numbers: dict[str, dict[int, list[Frame]]] = field(init=False, repr=False)
    _volumes: dict[tuple[str, str], _Volumes] = field(init=False, repr=False)
    _stated: dict[str, _Stated] = field(init=False, repr=False)

    def __init__(
        self,
        frames: Iterable[Frame],
        issues: Iterable[Issue] = (),
        others: Mapping[str, str] | None = None,
        aliases: Mapping[str, Sequence[Frame]] | None = None,
        traffic: Traffic | None = None,
    ) -> None:
        ordered = in_order(frames)
        object.__setattr__(self, "frames", ordered)
        object.__setattr__(self, "issues", tuple(issues))
        object.__setattr__(self, "others", dict(others or {}))
        object.__setattr__(self, "aliases", {k: tuple(v) for k, v in (aliases or {}).items()})
        object.__setattr__(self, "traffic", traffic)
        instances: dict[str, list[Frame]] = defaultdict(list)
        series: dict[str, list[Frame]] = defaultdict(list)
        for frame in ordered:
            instances[frame.instance].append(frame)
            series[frame.series].append(frame)
        known = {**self.aliases, **instances}
        object.__setattr__(self, "_instances", {k: tuple(v) for k, v in known.items()})
        object.__setattr__(self, "_series", {k: tuple(v) for k, v in series.items()})
        # Worked out when first asked for, because many regions ask the same of large series.
        for name in ("_numbers", "_volumes", "_stated"):
            object.__setattr__(self, name, {})

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
            tiled = any(frame.tiles is not None for frame in frames)
            lines.append(
                f"  {frames[0].modality or '?'} {uid or '(no series)'}: "
                f"{_count(len(frames), 'frame')}{' (total pixel matrix)' if tiled else ''} "
                f"of {', '.join(sizes)} pixels, {placed or 'none'} with a plane "
                f"{'on the slide' if tiled else 'in the patient'}"
            )
        return "\n".join(lines)

    @property
    def _extent(self) -> str:
        count = len(self._instances) - len(self.aliases)
        return f"{_count(count, 'instance')} in {len(self._series)} series"

    def of_instance(self, instance: str) -> tuple[Frame, ...]:
        """Return the frames of one instance, empty when it is not at hand."""
        return self._instances.get(instance, ())

    def of_series(self, series: str) -> tuple[Frame, ...]:
        """Return the frames of one series, empty when it is not at hand."""
        return self._series.get(series, ())

    @property
    def series(self) -> tuple[str, ...]:
        """Series Instance UIDs in order."""
        return tuple(self._series)

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
                f"{_differing(frames)}"
            )
        return frames[0]

    def find(self, target: Target) -> tuple[Frame, ...]:
        """Return the frames that a target of a 2-D region names, at least one.

        The SOP Instance UID decides; without one the target means the whole series. Other UIDs
        of the target are compared by `mismatches`.

        Of a tiled image (whole slide) a target without frame numbers names the total pixel matrix,
        one frame for each optical path and focal plane, and coordinates count from its corner. A
        target with frame numbers names encoded frames (tiles), and coordinates count from the
        corner of each: the default of DICOM where Pixel Origin Interpretation (0048,0301) is
        absent (PS3.3 C.18.6), as it always is in FHIR.

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
        if not target.frames:
            return found
        numbers = dict.fromkeys(target.frames)
        if found[0].tiles is not None:
            return tuple(found[0].tiles.frame(number) for number in numbers)
        return tuple(frame for number in numbers for frame in self._numbered(found, number))

    def _numbered(self, found: tuple[Frame, ...], number: int) -> list[Frame]:
        instance = found[0].instance
        if instance not in self._numbers:
            numbers: dict[int, list[Frame]] = defaultdict(list)
            for frame in found:
                numbers[frame.number].append(frame)
            self._numbers[instance] = dict(numbers)
        if number not in self._numbers[instance]:
            raise PlacementError(
                f"image {instance}: there is no frame {number}, "
                f"the image has {_count(len(found), 'frame')}"
            )
        return self._numbers[instance][number]

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

    def volume(self, series: str = "", instance: str = "") -> Volume:
        """Return the volume that the frames of a series or of an instance make.

        Parameters
        ----------
        series : str
            Series Instance UID.
        instance : str
            SOP Instance UID of an image with several frames; one of the two suffices, none when
            there is but one volume at hand. Frames without a plane in the patient are left out.

        Raises
        ------
        PlacementError
            When there is none, or several: the message says what tells them apart, `volumes`
            returns all.

        Examples
        --------
        >>> from imageregion.plane import Plane
        >>> planes = [Plane((1, 2), [0, 0, z], [[1, 0], [0, 1], [0, 0]]) for z in (4, 0)]
        >>> images = Images(
        ...     Frame.from_array([[1, 2]], plane=plane, series="1.2", instance=f"1.2.{i}")
        ...     for i, plane in enumerate(planes)
        ... )
        >>> images.volume("1.2").positions.tolist()
        [0.0, 4.0]
        """
        if instance:
            found = self.find(Target(instance=instance))
            found = tuple(f for f in found if series in ("", f.series))
        elif series:
            found = self.find(Target(series=series))
        elif len(self._series) == 1:
            found = self.frames
        else:
            raise PlacementError(f"expected the UID of one series; {_some(self._series, 'series')}")
        placed = [frame for frame in found if frame.plane is not None]
        if not placed:
            where = f"image {instance}" if instance else f"series {series or found[0].series}"
            raise PlacementError(
                f"{where} is not a volume: none of its {_count(len(found), 'frame')} has a plane "
                "in the patient"
            )
        return Volume.from_frames(placed)

    def volumes(self, series: str = "") -> tuple[Volume, ...]:
        """Return all volumes of the images, or of one series; see `Volume.split`."""
        chosen = [series] if series else list(self._series)
        return tuple(part for uid in chosen for part in Volume.split(self.of_series(uid)))

    def volumes_in(self, frame_of_reference: str, series: str = "") -> _Volumes:
        """Return the volumes that a 3-D region can meet, by series.

        Parameters
        ----------
        frame_of_reference, series : str
            As for `stacks`.

        Returns
        -------
        dict of str to tuple of tuple of Volume
            One inner tuple for each orientation; its volumes lie beside each other: time points,
            echoes, b-values, levels of a pyramid, ...

        Raises
        ------
        PlacementError
            As `stacks`.
        """
        key = frame_of_reference, series
        if key not in self._volumes:
            stacks = self.stacks(frame_of_reference, series)
            made = {uid: volumes_by_orientation(frames) for uid, frames in stacks.items()}
            self._volumes[key] = made
        return self._volumes[key]

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
        where = target.instance or target.series
        known = self._instances if target.instance else self._series
        if where not in known:
            return ()
        if where not in self._stated:
            self._stated[where] = _stated(known[where])
        wanted = (target.study, target.series, target.frame_of_reference)
        return tuple(
            Issue(
                "warning",
                f"{name.replace(' ', '-')}-mismatch",
                where,
                f"the image has {name} {', '.join(sorted(uid or '(none)' for uid in present))}, "
                f"the selection says {stated}",
            )
            for (name, present), stated in zip(self._stated[where], wanted, strict=True)
            if stated and present != {stated}
        )


def _stated(frames: Iterable[Frame]) -> _Stated:
    """What frames say about themselves."""
    every = [(frame.study, frame.series, frame.frame_of_reference) for frame in frames]
    study, series, reference = (frozenset(uids) for uids in zip(*every, strict=True))
    return ("study", study), ("series", series), ("frame of reference", reference)


def _differing(frames: Iterable[Frame]) -> str:
    """Say by which dimensions frames differ, for a message."""
    values: dict[str, dict[str, None]] = defaultdict(dict)
    for frame in frames:
        for keyword, value in frame.dimensions:
            values[keyword][value] = None
    each = [
        f"{name} {', '.join(list(found)[:8])}" for name, found in values.items() if len(found) > 1
    ]
    return f" ({'; '.join(each)})" if each else ""


def _some(uids: Iterable[str], what: str, limit: int = 5) -> str:
    """List a few UIDs for a message."""
    names = list(uids)
    if not names:
        return f"there is no {what}"
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return f"there is {what} {', '.join(names[:limit])}{more}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
