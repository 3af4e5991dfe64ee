"""Report: everything that came out of measuring one selection, ready to be read or written."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from imageregion.counting import merged_spans
from imageregion.errors import InputError, Issue, PlacementError
from imageregion.frame import Frame
from imageregion.measurement import RegionResult, Slice
from imageregion.overlay import (
    PALETTE,
    Color,
    OverlayItem,
    contact_sheet,
    draw_overlay,
    to_png,
)

if TYPE_CHECKING:
    from datetime import datetime

    from imageregion.fhir.observations import Form
    from imageregion.fhir.selection import Selection

__all__ = ["Report", "reports_to_csv"]

_MOST_PICTURES = 24
_SHEET_WIDTH = 2400


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """What was measured of one selection.

    Parameters
    ----------
    selection : Selection
    results : tuple of RegionResult
        In the order of the regions in the selection.
    combined : RegionResult, optional
        All regions as one.
    issues : tuple of Issue
        Everything found wrong or noteworthy on the way.
    """

    selection: Selection
    results: tuple[RegionResult, ...]
    combined: RegionResult | None = None
    issues: tuple[Issue, ...] = ()

    @property
    def errors(self) -> tuple[Issue, ...]:
        """The issues that cost a region its numbers."""
        return tuple(issue for issue in self.issues if issue.severity == "error")

    @property
    def complete(self) -> bool:
        """Whether every region of the selection was measured, and combined when asked for."""
        unread = any(issue.severity == "error" for issue in self.selection.issues)
        uncombined = any(issue.code == "not-combined" for issue in self.issues)
        return not unread and not uncombined and all(result.slices for result in self.results)

    def to_dict(self) -> dict[str, Any]:
        """Return the record that ``--format json`` prints; it holds no NaN or Infinity."""
        return {
            "selection": self.selection.name,
            "combined": self.combined.to_dict() if self.combined else None,
            "measurements": [result.to_dict() for result in self.results],
            "issues": [issue.to_dict() for issue in self.issues],
        }

    def to_json(self) -> str:
        """Return `to_dict` as indented JSON text."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False, ensure_ascii=False)

    def to_csv(self, path: str | Path | None = None) -> str:
        """Write one line per result, and one for the combined region; return the text.

        Parameters
        ----------
        path : str or Path, optional
            File to write as UTF-8.

        Raises
        ------
        InputError
            When the file cannot be written.
        """
        text = reports_to_csv([self])
        if path is not None:
            _write(Path(path), text.encode(errors="backslashreplace"))
        return text

    def to_observations(
        self,
        form: Form = "r5",
        *,
        subject: str | Mapping[str, Any] | None = None,
        issued: str | datetime | None = None,
    ) -> dict[str, Any]:
        """Return a FHIR Bundle with the selection and Observations of every region.

        One that could not be measured has the sizes that are known, and why there is no more; all
        `errors` are in the OperationOutcome of the Bundle.

        Parameters
        ----------
        form : {"r5", "dicom-sr", "r4b"}
            FHIR R5 with one Observation per region; R5 by the HL7 guide DICOM SR with a group per
            region and an Observation per number; or R4B. See `fhir.observations`.
        subject : str or mapping, optional
            Reference to the patient, where the selection names none: "Patient/12", "system|value"
            of an identifier, or the JSON of a Reference.
        issued : str or datetime, optional
            With time zone; the form dicom-sr takes the present where it is not given.

        Raises
        ------
        InputError
            On an unknown form, a subject that is no reference or another one than the selection's,
            and an instant that is none.
        """
        from imageregion.fhir.observations import observations

        return observations(
            self.selection, self._all(), form, subject=subject, issued=issued, issues=self.issues
        )

    def picture(self) -> NDArray[np.uint8]:
        """Draw the regions on their images; several images become a contact sheet.

        Returns
        -------
        ndarray of uint8, shape (height, width, 3)
            At most 24 images, those with the most pixels of the regions; the sheet says of how
            many. Every region has one colour on all of them.

        Raises
        ------
        PlacementError
            When no region lies on an image.
        """
        frames = self._by_frame()
        if not frames:
            raise PlacementError("expected at least one region on an image to draw, got none")
        ranked = sorted(frames, key=lambda f: -sum(part.spans.count for _, part in f[1]))
        chosen = {id(f[0]) for f in ranked[:_MOST_PICTURES]}
        shown = [f for f in frames if id(f[0]) in chosen]
        colors = self._colors()
        if len(shown) == 1:
            return _draw(*shown[0], colors)
        columns = math.ceil(math.sqrt(len(shown)))
        tile = _SHEET_WIDTH // columns
        title = f"{len(shown)} of {len(frames)} images: those with the most pixels of the regions"
        return contact_sheet(
            [_draw(*one, colors, tile) for one in shown],
            columns,
            title=title if len(shown) < len(frames) else "",
        )

    def save(
        self,
        folder: str | Path,
        form: Form = "r5",
        *,
        subject: str | Mapping[str, Any] | None = None,
        issued: str | datetime | None = None,
    ) -> tuple[Path, ...]:
        """Write measurements.json, measurements.csv, observations.json and overlay.png.

        Parameters
        ----------
        folder : str or Path
            Made if absent.
        form, subject, issued
            Of the Observations, see `to_observations`.

        Returns
        -------
        tuple of Path
            The files written; there is no overlay when no region lies on an image.

        Raises
        ------
        InputError
            When the folder cannot be made or a file cannot be written, and those of
            `to_observations`; then nothing is written.
        """
        bundle = self.to_observations(form, subject=subject, issued=issued)
        place = Path(folder)
        try:
            place.mkdir(parents=True, exist_ok=True)
        except (OSError, ValueError) as error:
            raise InputError(f"{place}: cannot be made: {_reason(error)}") from None
        text = json.dumps(bundle, indent=2, allow_nan=False, ensure_ascii=False)
        contents = {
            "measurements.json": self.to_json().encode(errors="backslashreplace"),
            "measurements.csv": self.to_csv().encode(errors="backslashreplace"),
            "observations.json": text.encode(errors="backslashreplace"),
        }
        if any(result.slices for result in self.results):
            contents["overlay.png"] = to_png(self.picture())
        for name, content in contents.items():
            _write(place / name, content)
        return tuple(place / name for name in contents)

    def _all(self) -> tuple[RegionResult, ...]:
        return (*self.results, *([self.combined] if self.combined else []))

    def _colors(self) -> dict[str, Color]:
        """Colour of every region by its path: its place in the selection decides, not the image."""
        paths = [region.path for region in self.selection.regions]
        paths += [result.region.path for result in self.results]
        return {path: PALETTE[i % len(PALETTE)] for i, path in enumerate(dict.fromkeys(paths))}

    def _by_frame(self) -> list[tuple[Frame, list[tuple[RegionResult, Slice]]]]:
        found: dict[object, tuple[Frame, list[tuple[RegionResult, Slice]]]] = {}
        for result in self.results:
            for part in result.slices:
                found.setdefault(part.frame.key, (part.frame, []))[1].append((result, part))
        return list(found.values())

    def __repr__(self) -> str:
        measured = sum(bool(result.slices) for result in self.results)
        return (
            f"Report({self.selection.name!r}, {measured} of {len(self.results)} results measured, "
            f"{len(self.errors)} errors)"
        )

    def _repr_html_(self) -> str:
        return "".join(_html(self))


def reports_to_csv(reports: Sequence[Report]) -> str:
    """Return one table of several reports; a line leaves empty what only others have."""
    records = [
        {"selection": report.selection.name} | result.to_dict()
        for report in reports
        for result in report._all()
    ]
    if not records:
        return ""
    names = list(dict.fromkeys(name for record in records for name in record))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_cell(record.get(name)) for name in names] for record in records)
    return text.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        return " ".join(str(v) for v in value)
    if isinstance(value, dict):
        return " ".join(f"{name}={v}" for name, v in value.items())
    return "" if value is None else value


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be written: {_reason(error)}") from None


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _draw(
    frame: Frame,
    parts: list[tuple[RegionResult, Slice]],
    colors: Mapping[str, Color],
    tile: int | None = None,
) -> NDArray[np.uint8]:
    """Draw one frame, alone or as a tile of a sheet, at the size it will have there."""
    found: dict[int, tuple[RegionResult, list[Slice]]] = {}
    for result, part in parts:
        if part.shape is not None:
            found.setdefault(id(result), (result, []))[1].append(part)
    items = [_item(result, pieces, colors) for result, pieces in found.values()]
    if tile is None:
        return draw_overlay(frame, items)
    title = f"...{frame.instance[-12:]}  frame {frame.number}"
    return draw_overlay(frame, items, scale=max(1, tile // max(frame.shape)), title=title)


def _item(
    result: RegionResult, pieces: Sequence[Slice], colors: Mapping[str, Color]
) -> OverlayItem:
    """Draw all pieces of a region on one frame as one."""
    shapes = [piece.shape for piece in pieces if piece.shape is not None]
    spans = merged_spans([piece.spans for piece in pieces])
    return OverlayItem(shapes, spans, result.region.label, colors.get(result.region.path))


_COLUMNS = ("label", "type", "count", "mean", "std", "min", "max", "unit", "area_mm2", "flags")


def _html(report: Report) -> Iterator[str]:
    import base64

    yield f"<p><b>{escape(report.selection.name)}</b></p>"
    if any(result.slices for result in report.results):
        picture = base64.b64encode(to_png(report.picture())).decode()
        yield f'<img style="max-width:100%" src="data:image/png;base64,{picture}">'
    yield "<table><tr>" + "".join(f"<th>{name}</th>" for name in _COLUMNS) + "</tr>"
    for result in report._all():
        record = result.to_dict()
        cells = (_cell(record[name]) for name in _COLUMNS)
        texts = (f"{c:.4g}" if isinstance(c, float) else str(c) for c in cells)
        yield "<tr>" + "".join(f"<td>{escape(text)}</td>" for text in texts) + "</tr>"
    yield "</table>"
    for issue in report.issues:
        yield f"<p>{escape(str(issue))}</p>"
