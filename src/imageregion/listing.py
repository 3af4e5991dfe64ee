"""Listing: what each DICOM object is, where its pixels lie and what they mean, a line for each."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any

from imageregion.frame import Frame
from imageregion.spacing import Spacing

if TYPE_CHECKING:
    from imageregion.dicom.opening import Survey
    from imageregion.dicom.reading import Outcome
    from imageregion.dicom.traffic import Traffic
    from imageregion.dicom.web.settings import WebSettings

__all__ = ["Listing", "ObjectLine", "list_objects", "print_objects"]

_FEW = 3  # different things that are listed one by one


@dataclass(frozen=True, slots=True)
class ObjectLine:
    """What one DICOM object is, in words.

    Parameters
    ----------
    file : str
    sop_class : str
    frames : str
        How many; of a tiled image how many matrices of how many tiles.
    size : str
        Rows x columns of a frame, or of the total pixel matrix.
    geometry : str
        "patient" where frames have a plane in the patient, "slide" where they have one on a
        slide, "none" where they have none; empty for what is no image.
    spacing : str
        Distance between rows x between columns, and where it is known from.
    values : str
        Quantity and UCUM unit that are measured by default.
    problem : str
        Why there are no frames, no pixels or no plane, or that the object is left out.
    """

    file: str
    sop_class: str
    frames: str = ""
    size: str = ""
    geometry: str = ""
    spacing: str = ""
    values: str = ""
    problem: str = ""

    @property
    def is_usable(self) -> bool:
        """Whether it is an image with frames, or no image at all."""
        return bool(self.frames) or self.problem.endswith("not an image")


@dataclass(frozen=True, slots=True)
class Listing:
    """The DICOM objects of a source.

    Parameters
    ----------
    lines : tuple of ObjectLine
        In the order of the source.
    others : int
        Files that are not DICOM.
    traffic : Traffic, optional
        What was fetched from servers.
    """

    lines: tuple[ObjectLine, ...]
    others: int
    traffic: Traffic | None = None

    def records(self) -> list[dict[str, str]]:
        """Return the lines as dictionaries of text, for JSON and CSV."""
        return [asdict(line) for line in self.lines]


def list_objects(
    source: Any,
    *,
    threads: int | None = None,
    index: str | PathLike[str] | None = None,
    web: WebSettings | None = None,
) -> Listing:
    """Say of every DICOM object what `open_images` makes of it; no pixel is decoded.

    Parameters
    ----------
    source, threads, index, web
        As for `open_images`.

    Raises
    ------
    InputError
        When a path does not exist, or a server does not give what was asked for.

    Examples
    --------
    >>> from pydicom.data import get_testdata_file
    >>> listing = list_objects(get_testdata_file("CT_small.dcm", download=False))
    >>> line = listing.lines[0]
    >>> line.sop_class, line.size, line.geometry, line.spacing
    ('CT Image Storage', '128 x 128', 'patient', '0.661468 x 0.661468 mm (patient)')
    """
    from imageregion.access import survey_images

    found, traffic = survey_images(source, threads=threads, index=index, web=web)
    kept = {id(outcome) for outcome in found.kept}
    lines = [
        _line(outcome, found, is_kept=id(outcome) in kept)
        for outcome in found.outcomes
        if outcome.uid or outcome.sop_class or _reason(outcome)
    ]
    named = [
        ObjectLine(issue.path, "", problem=issue.message)
        for issue in found.sources.issues
        if issue.code in ("unreadable", "missing-file", "not-fetched")
    ]
    others = len(found.outcomes) - len(lines) + found.sources.ignored
    return Listing((*lines, *named), others, traffic)


def _line(outcome: Outcome, found: Survey, *, is_kept: bool) -> ObjectLine:
    frames, name = outcome.frames, outcome.entry.name
    if not frames:
        return ObjectLine(name, outcome.sop_class, problem=_reason(outcome))
    part = found.left_out.get(outcome.uid, "")
    problem = (part or _problem(outcome)) if is_kept else _left_out(outcome, found)
    return ObjectLine(
        name,
        outcome.sop_class,
        frames=_count(frames),
        size=_listed(f"{frame.shape[0]} x {frame.shape[1]}" for frame in frames),
        geometry=_geometry(frames),
        spacing=_listed(_spacing(frame) for frame in frames),
        values=_listed(_value(frame) for frame in frames if not _refusal(frame)),
        problem=problem,
    )


def _reason(outcome: Outcome) -> str:
    return outcome.reason or next((issue.message for issue in outcome.issues), "")


def _problem(outcome: Outcome) -> str:
    """Say why there are no pixels, or else why there is no plane."""
    refusals = _listed(_refusal(frame) for frame in outcome.frames)
    if refusals:
        return refusals
    told = [issue for issue in outcome.issues if issue.severity != "information"]
    if told:
        return told[0].message
    known = any(frame.plane or frame.spacing or frame.ultrasound for frame in outcome.frames)
    return "" if known else "neither a plane nor a size of pixels is stated"


def _left_out(outcome: Outcome, found: Survey) -> str:
    if outcome.uid in found.left_out:
        return f"left out: {found.left_out[outcome.uid]}"
    start = f"{outcome.entry.name} is a copy of "
    copies = (i.message for i in found.issues if i.path == outcome.uid and start in i.message)
    return next(copies, "left out").removeprefix(f"{outcome.entry.name} ")


def _count(frames: Sequence[Frame]) -> str:
    tiles = [len(frame.tiles.corners) for frame in frames if frame.tiles is not None]
    if not tiles:
        return str(len(frames))
    return f"{len(frames)} of {_listed(f'{count} tiles' for count in tiles)}"


def _geometry(frames: Sequence[Frame]) -> str:
    placed = [frame for frame in frames if frame.plane is not None]
    if not placed:
        return "none"
    name = "slide" if any(frame.tiles is not None for frame in placed) else "patient"
    return name if len(placed) == len(frames) else f"{name}, {len(placed)} of {len(frames)} frames"


def _spacing(frame: Frame) -> str:
    parts = [_distances(frame.spacing)] if frame.spacing is not None else []
    parts += [_distances(part.spacing) for part in frame.ultrasound if part.spacing is not None]
    return ", ".join(dict.fromkeys(parts))


def _distances(spacing: Spacing) -> str:
    unit = "" if spacing.source == "aspect" else " mm"
    return f"{spacing.rows:.6g} x {spacing.columns:.6g}{unit} ({spacing.source})"


def _value(frame: Frame) -> str:
    channels = f", {'/'.join(frame.channels)}" if frame.channels else ""
    return f"{frame.value} {frame.unit}{channels}"


def _refusal(frame: Frame) -> str:
    """Return why the pixels of a frame must not be used; empty when they may."""
    return str(getattr(frame.load, "reason", ""))


def _listed(parts: Iterable[str]) -> str:
    """Join the different ones of many; of very many the first are named."""
    different = [part for part in dict.fromkeys(parts) if part]
    if len(different) <= _FEW:
        return "; ".join(different)
    return f"{'; '.join(different[:_FEW])}; {len(different) - _FEW} more"


def print_objects(listing: Listing) -> None:
    """Print a table for people, and how many other files there are."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    width = None if sys.stdout.isatty() else 160
    console = Console(width=width, markup=False, highlight=False)
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    options: dict[str, Any] = {"overflow": "fold"}
    for name in ("file", "SOP class", "frames", "size", "geometry", "values", "problem"):
        table.add_column(name, **options)
    for line in listing.lines:
        geometry = ", ".join(part for part in (line.geometry, line.spacing) if part)
        cells = (line.file, line.sop_class.removesuffix(" Storage"), line.frames, line.size)
        table.add_row(*map(Text, (*cells, geometry, line.values, line.problem)))
    console.print(table)
    usable = sum(bool(line.frames) for line in listing.lines)
    others = f"; files that are not DICOM: {listing.others}" if listing.others else ""
    console.print(f"DICOM objects: {len(listing.lines)}, with frames: {usable}{others}")
