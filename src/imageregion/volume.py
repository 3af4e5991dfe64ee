"""Volume: the frames of one stack in order along its normal, as they are.

Spacing is never averaged: uneven gaps, missing slices, gantry tilt and several images at one
position stay in the volume and are named. Only `Volume.affine` needs a regular grid, and says what
stands against it where there is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from imageregion._arrays import FloatArray, IntArray, as_floats, read_only
from imageregion.errors import PlacementError
from imageregion.frame import Frame
from imageregion.grid import crowded, image_sizes, obstacles, shear, tilt
from imageregion.plane import Plane
from imageregion.stack import Stack, alternatives, parallel_groups, pixel_size

__all__ = ["Volume", "volumes_by_orientation"]

_LARGEST = 1 << 28  # samples that are put together at once


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """Frames of one orientation, sorted along their normal, with uneven spacing kept as it is.

    Made by `from_frames`, `split`, or `Images.volume`.

    Attributes
    ----------
    frames : tuple of Frame
        Sorted by position. Order within a position is that of the frames given.
    stack : Stack
        Their planes.

    Examples
    --------
    >>> across = [[0.5, 0], [0, 2.0], [0, 0]]
    >>> frames = [
    ...     Frame.from_array(np.full((4, 6), z), plane=Plane((4, 6), [0, 0, z], across))
    ...     for z in (6, 0, 3)
    ... ]
    >>> volume = Volume.from_frames(frames)
    >>> volume.gaps.tolist(), volume.is_regular
    ([3.0, 3.0], True)
    >>> volume.sample([[0.1, 0.1, 3.2], [0.1, 0.1, 99]]).tolist()
    [3.0, nan]
    """

    frames: tuple[Frame, ...]
    stack: Stack
    _places: dict[str, tuple[int, ...]]
    _indices: dict[tuple[str, int, tuple[tuple[str, str], ...]], int]

    def __init__(self, frames: Sequence[Frame], stack: Stack) -> None:
        places: dict[str, list[int]] = {}
        for index, frame in enumerate(frames):
            places.setdefault(frame.instance, []).append(index)
        object.__setattr__(self, "frames", tuple(frames))
        object.__setattr__(self, "stack", stack)
        object.__setattr__(self, "_places", {uid: tuple(here) for uid, here in places.items()})
        object.__setattr__(self, "_indices", {frame.key: i for i, frame in enumerate(frames)})

    @classmethod
    def from_frames(cls, frames: Iterable[Frame]) -> Self:
        """Put frames in order.

        Parameters
        ----------
        frames : iterable of Frame
            In any order, each with a plane, of one frame of reference and orientation, and of one
            time point, echo, b-value, ... where these share positions.

        Raises
        ------
        PlacementError
            When they are not; the message lists what there is to choose from. `split` makes all.

        Examples
        --------
        >>> Volume.from_frames([Frame.from_array([[1]], instance="1.2.3")])
        Traceback (most recent call last):
        imageregion.errors.PlacementError: not a volume: image 1.2.3 has no plane in the patient
        """
        given = tuple(frames)
        if not given:
            raise PlacementError("not a volume: there are no images")
        for frame in given:
            if frame.plane is None:
                raise PlacementError(
                    f"not a volume: image {frame.instance} has no plane in the patient"
                )
        references = dict.fromkeys(frame.frame_of_reference for frame in given)
        if len(references) > 1:
            names = ", ".join(uid or "(none)" for uid in references)
            raise PlacementError(f"images of several frames of reference: {names}; choose one")
        groups = volumes_by_orientation(given)
        if len(groups) > 1:
            raise PlacementError(_several_orientations([parts[0] for parts in groups]))
        if len(groups[0]) > 1:
            raise PlacementError(_several_dimensions(groups[0]))
        return cls(groups[0][0].frames, groups[0][0].stack)

    @classmethod
    def split(cls, frames: Iterable[Frame]) -> tuple[Volume, ...]:
        """Make one volume for each orientation, time point, echo, b-value, ... of the frames.

        Frames without a plane are left out. Frames that share a position are told apart by the
        entries of `Frame.dimensions` that differ there and by pixel size; where that is not
        enough, they stay together as `duplicates` of one volume.

        Examples
        --------
        >>> plane = Plane((1, 2), [0, 0, 0], [[1, 0], [0, 1], [0, 0]])
        >>> frames = [
        ...     Frame.from_array([[1, 2]], plane=plane, dimensions=(("EchoTime", time),))
        ...     for time in ("20", "80")
        ... ]
        >>> [volume.dimensions for volume in Volume.split(frames)]
        [(('EchoTime', '20'),), (('EchoTime', '80'),)]
        """
        return tuple(part for parts in volumes_by_orientation(frames) for part in parts)

    def __len__(self) -> int:
        return len(self.frames)

    def __repr__(self) -> str:
        first = self.frames[0]
        rows, columns = first.shape
        what = "".join(f", {keyword} {value}" for keyword, value in self.dimensions)
        return (
            f"Volume({len(self)} frames of {rows} x {columns} pixels of {pixel_size(self._plane)}, "
            f"{self.positions[0]:.6g} to {self.positions[-1]:.6g} mm{what})"
        )

    @property
    def _plane(self) -> Plane:
        return self.stack.planes[0]

    @property
    def dimensions(self) -> tuple[tuple[str, str], ...]:
        """What all frames have in common besides space: (DICOM keyword, value) each."""
        shared = set(self.frames[0].dimensions).intersection(*(f.dimensions for f in self.frames))
        return tuple(entry for entry in self.frames[0].dimensions if entry in shared)

    @property
    def normal(self) -> FloatArray:
        """Unit vector along which positions ascend, shape (3,)."""
        return self.stack.normal

    @property
    def positions(self) -> FloatArray:
        """Position of each frame along `normal`, mm, shape (N,)."""
        return self.stack.positions

    @property
    def gaps(self) -> FloatArray:
        """Millimetres between neighbouring positions; images at one position count once."""
        return self.stack.gaps

    @property
    def slabs(self) -> FloatArray:
        """Millimetres that each frame owns below and above its plane, shape (N, 2)."""
        return self.stack.owned

    @property
    def duplicates(self) -> tuple[tuple[Frame, ...], ...]:
        """Frames that share a position and that nothing tells apart, a tuple for each position."""
        shared = zip(self.stack.number.tolist(), self.frames, strict=True)
        groups = (tuple(f for _, f in group) for _, group in groupby(shared, lambda pair: pair[0]))
        return tuple(group for group in groups if len(group) > 1)

    @property
    def missing(self) -> tuple[tuple[float, float], ...]:
        """Neighbouring positions, mm, between which slices are missing."""
        position = self.positions[self.stack.first]
        return tuple(
            (float(position[i]), float(position[i + 1])) for i in np.flatnonzero(self.stack.missing)
        )

    @property
    def shear(self) -> tuple[float, float]:
        """Shift of the origins for each mm along `normal`: mm along rows, mm along columns.

        (0, 0) when every image lies straight above the one before.
        """
        return shear(self.stack)

    @property
    def tilt(self) -> float:
        """Angle between `normal` and the line through the origins, degrees; signed by direction.

        A tilted gantry shifts the origins along the columns of the images, positive towards higher
        rows, while the table moves on (DICOM PS3.3 C.8.2.1, Gantry/Detector Tilt); see `shear`.
        """
        return tilt(self.stack)

    @property
    def is_regular(self) -> bool:
        """Whether the frames form a grid with perpendicular axes and one spacing for each."""
        return self.why_not is None

    @property
    def why_not(self) -> str | None:
        """What stands against a regular grid, as a sentence; None when nothing does."""
        return next(obstacles(self.stack, self._names), None)

    @property
    def affine(self) -> FloatArray:
        """Map from (column, row, slice) index, from 0, to patient mm (LPS), shape (4, 4).

        Indices are those of voxel centres: ``affine @ (0, 0, 0, 1)`` is the ImagePositionPatient
        of the first slice (DICOM PS3.3 C.7.6.2.1.1). Slices are those of `frames`.

        Raises
        ------
        PlacementError
            When the volume is no regular grid, with `why_not`.
        """
        if self.why_not is not None:
            raise PlacementError(self.why_not)
        first, last = self._plane, self.stack.planes[-1]
        matrix = np.eye(4)
        matrix[:3, :2], matrix[:3, 3] = first.axes, first.origin
        matrix[:3, 2] = (last.origin - first.origin) / (len(self) - 1)
        return read_only(matrix)

    def to_array(self) -> FloatArray:
        """Return the real values, float64, shape (slices, rows, columns), or with channels.

        One slice for each of `frames`, NaN for padding.

        Raises
        ------
        PlacementError
            When frames differ in size, or are too many to be held at once.
        DicomError
            When pixels cannot be decoded.
        """
        first = self.frames[0]
        if len({(frame.shape, frame.channels) for frame in self.frames}) > 1:
            sizes = ", ".join(image_sizes(self.stack.planes))
            raise PlacementError(f"expected images of one size, got {sizes}")
        size = (len(self), *first.shape, *([len(first.channels)] if first.channels else []))
        if np.prod(size, dtype=float) > _LARGEST:
            raise PlacementError(
                f"{' x '.join(map(str, size))} values are too many to be held at once, at most "
                f"{_LARGEST}; take frames one by one, or sample"
            )
        values = np.empty(size)
        for index, frame in enumerate(self.frames):
            values[index] = frame.pixels
        return values

    def locate_points(self, points: ArrayLike) -> IntArray:
        """Find the voxel that holds each patient point: (column, row, slice), from 0.

        Parameters
        ----------
        points : array_like, shape (N, 3)
            (x, y, z) mm, LPS.

        Returns
        -------
        ndarray of int64, shape (N, 3)
            The nearest plane as the planes are, and the pixel on it that the point projects into
            along the normal; (-1, -1, -1) beside the images, and where slices are missing.

        Raises
        ------
        PlacementError
            When a point lies on several images at one position.

        Examples
        --------
        >>> planes = [Plane((4, 6), [0, 0, z], [[0.5, 0], [0, 2.0], [0, 0]]) for z in (0, 3)]
        >>> frames = [Frame.from_array(np.zeros((4, 6)), plane=plane) for plane in planes]
        >>> Volume.from_frames(frames).locate_points([[0.6, 1.1, 2.0], [0.6, 1.1, 9.0]]).tolist()
        [[1, 1, 1], [-1, -1, -1]]
        """
        given = as_floats(points, (None, 3), "points")
        first = self.stack.first
        height, position = given @ self.normal, self.positions[first]
        nearest = np.searchsorted((position[1:] + position[:-1]) / 2, height)
        away, owned = height - position[nearest], self.slabs[first][nearest]
        inside = (away >= -owned[:, 0] - self.stack.rounding) & (
            away <= owned[:, 1] + self.stack.rounding
        )
        found = np.full((len(given), 3), -1, dtype=np.int64)
        for number in np.unique(nearest[inside]).tolist():
            if np.count_nonzero(self.stack.number == number) > 1:
                raise PlacementError(crowded(self.stack, self._names, number))
            mine, index = inside & (nearest == number), int(first[number])
            plane = self.stack.planes[index]
            pixel = np.floor(plane.to_pixel(given[mine]))
            on_image = ((pixel >= 0) & (pixel < plane.shape[::-1])).all(axis=1)
            voxel = np.column_stack([pixel, np.full(len(pixel), index)])
            found[mine] = np.where(on_image[:, None], voxel, -1)
        return found

    def sample(self, points: ArrayLike) -> FloatArray:
        """Return the real value of the voxel that holds each patient point; nothing in between.

        Parameters
        ----------
        points : array_like, shape (N, 3)
            (x, y, z) mm, LPS.

        Returns
        -------
        ndarray of float64
            Shape (N,), or (N, channels); NaN beside the images, where slices are missing, and for
            padding. Only the frames (of tiled images only the tiles) that are met are decoded.

        Raises
        ------
        PlacementError, DicomError
            As `locate_points`, and when pixels cannot be decoded.
        """
        voxels = self.locate_points(points)
        samples = len(self.frames[0].channels)
        values = np.full((len(voxels), samples) if samples else len(voxels), np.nan)
        for index in np.unique(voxels[voxels[:, 2] >= 0, 2]).tolist():
            mine = np.flatnonzero(voxels[:, 2] == index)
            values[mine] = _pixels_at(self.frames[index], voxels[mine, 1], voxels[mine, 0])
        return values

    def indices(self, instance: str, numbers: Sequence[int] = ()) -> tuple[int, ...]:
        """Return the indices of the frames of an instance, all or those of the numbers given."""
        here = self._places.get(instance, ())
        if not numbers:
            return here
        return tuple(
            i for i in here if self.frames[i].number in numbers or self.frames[i].tiles is not None
        )

    def index(self, frame: Frame) -> int | None:
        """Return the index of a frame, also when read as another quantity; None if absent."""
        return self._indices.get(frame.key)

    @property
    def _names(self) -> tuple[str, ...]:
        return tuple(f"{f.instance or '(no UID)'} frame {f.number}" for f in self.frames)


def volumes_by_orientation(frames: Iterable[Frame]) -> tuple[tuple[Volume, ...], ...]:
    """Group frames by frame of reference and orientation, and split each as `Volume.split`."""
    placed: dict[str, list[tuple[Frame, Plane]]] = {}
    for frame in frames:
        if frame.plane is not None:
            placed.setdefault(frame.frame_of_reference, []).append((frame, frame.plane))
    groups = []
    for members in placed.values():
        for group in parallel_groups([plane for _, plane in members]):
            ordered = [members[i][0] for i in group]
            stack = Stack([members[i][1] for i in group], ordered[0].thickness)
            parts = alternatives(stack, [frame.dimensions for frame in ordered])
            groups.append(_parts([[ordered[i] for i in part] for part in parts], stack))
    return tuple(groups)


def _parts(parts: Sequence[Sequence[Frame]], whole: Stack) -> tuple[Volume, ...]:
    """Make volumes; those on the same planes, like most time points, share one stack."""
    if len(parts) == 1:
        return (Volume(parts[0], whole),)
    stacks: dict[tuple[object, ...], Stack] = {}
    volumes = []
    for frames in parts:
        planes = [frame.plane for frame in frames if frame.plane is not None]
        key = (
            frames[0].thickness,
            *(plane.shape for plane in planes),
            np.array([[*plane.origin, *plane.axes.ravel()] for plane in planes]).tobytes(),
        )
        if key not in stacks:
            stacks[key] = Stack(planes, frames[0].thickness, whole.usual)
        volumes.append(Volume(frames, stacks[key]))
    return tuple(volumes)


def _pixels_at(frame: Frame, rows: IntArray, columns: IntArray) -> FloatArray:
    """Real values of single pixels of a frame; of a tiled image block by block."""
    if frame.tiles is None:
        return frame.pixels[rows, columns]
    height, width = frame.tiles.shape
    _, block = np.unique(np.stack([rows // height, columns // width]), axis=1, return_inverse=True)
    block = block.reshape(-1)
    found = []
    for number in range(int(block.max()) + 1):
        mine = np.flatnonzero(block == number)
        top, left = int(rows[mine].min()), int(columns[mine].min())
        part = frame.read((top, int(rows[mine].max()) + 1), (left, int(columns[mine].max()) + 1))
        found.append(part[rows[mine] - top, columns[mine] - left])
    order = np.argsort(block, kind="stable")
    values = np.concatenate(found)
    values[order] = values.copy()
    return values


def _several_orientations(volumes: Sequence[Volume]) -> str:
    each = "; ".join(
        f"{len(v)} with normal ({', '.join(f'{n:.4g}' for n in v.normal)})" for v in volumes[:5]
    )
    return f"images of several orientations: {each}; choose one, or split them"


def _several_dimensions(volumes: Sequence[Volume]) -> str:
    values: dict[str, dict[str, None]] = {}
    for volume in volumes:
        for keyword, value in (*volume.dimensions, ("pixel size", pixel_size(volume._plane))):
            values.setdefault(keyword, {})[value] = None
    each = "; ".join(
        f"{keyword} {', '.join(sorted(found, key=_natural)[:8])}{', ...' if len(found) > 8 else ''}"
        for keyword, found in values.items()
        if len(found) > 1
    )
    flat = all(len(volume.stack.first) == 1 for volume in volumes)
    return (
        f"{'not a volume: ' if flat else ''}several images at one position, {len(volumes)} stacks "
        f"told apart by {each}; choose one, or split them"
    )


def _natural(value: str) -> tuple[float, str]:
    """Sort numbers by size, text behind them."""
    try:
        return float(value), value
    except ValueError:
        return float("inf"), value
