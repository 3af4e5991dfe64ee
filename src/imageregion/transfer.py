"""Transfer: a region taken from one image to the patient, and from there onto another image.

Both steps are affine maps, so that every shape stays what it is: a circle on anisotropic pixels is
the right ellipse in the patient and on the next image. Positions agree between images of one frame
of reference only (DICOM PS3.3 C.7.4.1); across two of them nothing is moved.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from imageregion._arrays import FloatArray
from imageregion.errors import GeometryError, PlacementError
from imageregion.frame import Frame
from imageregion.plane import Plane
from imageregion.project import cut, settled
from imageregion.region import Region, Target
from imageregion.shapes import Ellipse, Ellipsoid, Points, Polygon, Polyline, Shape
from imageregion.stack import ROUNDING

__all__ = ["image_outline", "onto", "to_patient"]

_PARALLEL = (
    1e-3  # sine of the angle; cosines of ImageOrientationPatient are written with few digits
)
_STRAIGHT = 1e-9  # share of its length by which a line may leave a straight one


def to_patient(region: Region, frame: Frame) -> Region:
    """Take a region from the image it was drawn on to the patient.

    Parameters
    ----------
    region : Region
        2-D, in pixels of the frame; one that stands for the whole image becomes its outline.
    frame : Frame
        The image it was drawn on, with a plane and a Frame of Reference UID.

    Returns
    -------
    Region
        In mm (LPS), the target being the frame of reference. Label, path and notes are kept; a
        note says which image it comes from. The map is that of DICOM PS3.3 C.7.6.2.1.1.

    Raises
    ------
    GeometryError
        For regions that are in the patient already.
    PlacementError
        When the region names another image, or the frame has no place in the patient.

    Examples
    --------
    >>> plane = Plane((20, 30), [10, 20, 30], [[0.5, 0], [0, 2.0], [0, 0]])
    >>> frame = Frame.from_array(np.zeros((20, 30)), plane=plane, frame_of_reference="1.2")
    >>> drawn = Region(Ellipse.circle((4.5, 4.5), 2.0), Target())
    >>> moved = to_patient(drawn, frame)
    >>> moved.shape.center.tolist(), moved.shape.axes.tolist()
    ([12.0, 28.0, 30.0], [[1.0, 0.0], [0.0, 4.0], [0.0, 0.0]])
    """
    if region.shape is not None and region.shape.dimension == 3:
        raise GeometryError("to_patient: expected a region in pixels, got one in the patient")
    _check_drawn_on(region, frame)
    plane = _placed(frame)
    shape: Shape = image_outline(frame) if region.shape is None else region.shape
    target = Target(study=frame.study, frame_of_reference=frame.frame_of_reference)
    note = f"drawn on {frame.modality} image {_name(frame)}".replace("  ", " ")
    moved: Shape = plane.to_patient(shape)
    return replace(region, shape=moved, target=target, notes=(*region.notes, note))


def onto(region: Region, frame: Frame, drawn_on: Frame | None = None) -> Region:
    """Take a region onto an image: into its pixels, along its normal.

    Parameters
    ----------
    region : Region
        In the patient, or in pixels of `drawn_on`.
    frame : Frame
        The image to take it onto, with a plane in the same frame of reference.
    drawn_on : Frame, optional
        The image that a region in pixels was drawn on.

    Returns
    -------
    Region
        2-D, in pixels of the frame. Label, path and notes are kept; notes say which image it comes
        from, and how far from the plane of the frame it lay.

    Raises
    ------
    PlacementError
        When the frames of reference differ (with both UIDs), when the region is flat or a line and
        not parallel to the image, because its projection is another shape, when an ellipsoid does
        not reach the plane, and as `to_patient`.
    GeometryError
        For a region in pixels without `drawn_on`.

    Examples
    --------
    Drawn on a CT, taken onto a PET whose pixels are four times as large:

    >>> fields = {"frame_of_reference": "1.2"}
    >>> ct = Plane((40, 40), [0, 0, 5], [[1, 0], [0, 1], [0, 0]])
    >>> pet = Plane((10, 10), [1.5, 1.5, 6], [[4, 0], [0, 4], [0, 0]])
    >>> ct_frame = Frame.from_array(np.zeros((40, 40)), plane=ct, instance="1.3", **fields)
    >>> pet_frame = Frame.from_array(np.zeros((10, 10)), plane=pet, instance="1.4", **fields)
    >>> drawn = Region(Points([[20, 8]]), Target(instance="1.3"))
    >>> moved = onto(drawn, pet_frame, ct_frame)
    >>> moved.shape.coords.tolist(), moved.notes[-1]
    ([[5.0, 2.0]], 'taken onto image 1.4 frame 1, 1 mm from its plane')
    """
    if region.shape is None or region.shape.dimension == 2:
        if drawn_on is None:
            raise GeometryError("onto: a region in pixels needs the frame it was drawn on")
        region = to_patient(region, drawn_on)
    plane = _placed(frame)
    stated = region.target.frame_of_reference
    if stated != frame.frame_of_reference:
        raise PlacementError(
            f"the region has frame of reference {stated or '(none)'}, image {_name(frame)} has "
            f"{frame.frame_of_reference}; expected one and the same"
        )
    moved, distance = _projected(_shape(region), plane)
    numbers = (frame.number,) if frame.number else ()
    target = Target(frame.study, frame.series, frame.instance, numbers, frame.frame_of_reference)
    note = f"taken onto image {_name(frame)}, {distance:.4g} mm from its plane"
    return replace(region, shape=moved, target=target, notes=(*region.notes, note))


def _shape(region: Region) -> Shape:
    if region.shape is None:
        raise GeometryError("onto: expected a region with a shape in the patient")
    return region.shape


def _projected(shape: Shape, plane: Plane) -> tuple[Shape, float]:
    """Return a shape in pixels of a plane, and how far from the plane it lies at most, mm."""
    match shape:
        case Ellipsoid():
            ellipse = cut(shape, plane)
            if ellipse is None:
                raise PlacementError("the ellipsoid does not reach the plane of the image")
            return ellipse, 0.0
        case Ellipse():
            _check_level(np.concatenate([[shape.center], shape.center + shape.axes.T]), plane)
            reach = float(np.linalg.norm(shape.axes.T @ plane.normal))
            distance = abs(float(plane.distance(shape.center[None])[0])) + reach
            return settled(plane.to_pixel(shape)), distance
        case Polygon():
            points = np.concatenate(shape.rings)
            _check_level(points, plane)
        case Polyline():
            points = shape.coords
            _check_level(points, plane)
        case Points():
            points = shape.coords
    return settled(plane.to_pixel(shape)), float(np.abs(plane.distance(points)).max())


def _check_level(points: FloatArray, plane: Plane) -> None:
    """Refuse what is not parallel to the plane: its projection along the normal is smaller."""
    rise = float(np.ptp(plane.distance(points)))
    size = float(np.linalg.norm(np.ptp(points, axis=0)))
    if rise <= max(ROUNDING, _PARALLEL * size):
        return
    _, length, direction = np.linalg.svd(points - points.mean(axis=0), full_matrices=False)
    if len(points) > 2 and length[1] > _STRAIGHT * length[0]:
        normal = np.cross(direction[0], direction[1])
        angle = np.degrees(np.arccos(min(1.0, abs(float(normal @ plane.normal)))))
    else:
        angle = np.degrees(np.arcsin(min(1.0, abs(float(direction[0] @ plane.normal)))))
    raise PlacementError(
        f"the shape is not parallel to the image: tilted by {angle:.1f} degrees, {rise:.4g} mm "
        "from end to end along the normal; what is not parallel cannot be moved exactly"
    )


def _check_drawn_on(region: Region, frame: Frame) -> None:
    named = region.target
    if named.instance and frame.instance and named.instance != frame.instance:
        raise PlacementError(
            f"the region is drawn on image {named.instance}, not on {_name(frame)}"
        )
    if named.frames and frame.number not in named.frames:
        listed = ", ".join(map(str, named.frames))
        raise PlacementError(f"the region is drawn on frame {listed}, not on {_name(frame)}")


def _placed(frame: Frame) -> Plane:
    """Return the plane of a frame whose place in the patient is known."""
    if frame.plane is None:
        raise PlacementError(f"image {_name(frame)} has no plane in the patient")
    if not frame.frame_of_reference:
        raise PlacementError(
            f"image {_name(frame)} states no Frame of Reference UID; whether another image shares "
            "its positions is not known"
        )
    return frame.plane


def image_outline(frame: Frame) -> Polygon:
    """Return all of an image as an area, in its pixels."""
    rows, columns = frame.shape
    return Polygon([[0, 0], [columns, 0], [columns, rows], [0, rows]])


def _name(frame: Frame) -> str:
    uid = frame.instance or "(no UID)"
    return f"{uid} frame {frame.number}" if frame.number else uid
