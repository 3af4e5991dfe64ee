"""Every real object opens: a table of what each gives, kept current, and its pixels.

After a change on purpose: python -m tests.real.test_instances
"""

from __future__ import annotations

import csv
import io
import os
from difflib import unified_diff
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from imageregion import DicomError, Frame, Images, InputError, open_images
from imageregion.cli import app
from imageregion.dicom.files import headers
from imageregion.listing import Listing, list_objects

TABLE = Path(__file__).with_name("instances.csv")
RELATIVE = "../shared/data"
REFRESH = "refresh it on purpose: python -m tests.real.test_instances"


def printed(folder: Path) -> str:
    """What the command prints for everything that is there."""
    result = CliRunner().invoke(app, ["images", str(folder), "--format", "csv"])
    assert result.exit_code in (0, 1), result.output
    return result.stdout


@pytest.fixture(scope="module")
def listing(shared_data: Path) -> Listing:
    return list_objects(shared_data)


def test_the_table_is_what_the_command_prints(shared_data: Path) -> None:
    expected = TABLE.read_text(encoding="utf-8").splitlines()
    found = printed(shared_data).splitlines()
    changes = list(unified_diff(expected, found, "instances.csv", "now", lineterm="", n=0))
    shown = "\n".join(changes[:60])
    assert not changes, f"{TABLE.name} is out of date; {REFRESH}\n{shown}"


def test_the_table_says_nothing_of_where_it_was_made() -> None:
    for row in csv.DictReader(io.StringIO(TABLE.read_text(encoding="utf-8"))):
        assert not Path(row["file"]).is_absolute()
        assert str(Path.home()) not in str(row)


def test_each_object_gives_geometry_and_values_or_one_reason(listing: Listing) -> None:
    assert len(listing.lines) > 800
    for line in listing.lines:
        known = line.geometry not in ("", "none") or line.spacing
        assert (known and line.values) or line.problem, line
        assert "\n" not in line.problem
        assert line.is_usable, line


def test_an_index_changes_nothing(
    shared_data: Path, listing: Listing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Headers of every kind and encoding come out of the index as they went in."""
    assert list_objects(shared_data, index=tmp_path / "index") == listing
    read: list[str] = []

    def noted(place: Path) -> headers.Head:
        read.append(place.name)
        return headers.read_head(place)

    monkeypatch.setattr("imageregion.dicom.reading.read_head", noted)
    assert list_objects(shared_data, index=tmp_path / "index") == listing
    assert read == ["explicit_VR-UN.dcm"]  # it says of no element what it is


def folders(root: Path) -> list[Path]:
    found = {Path(folder) for folder, _, names in os.walk(root) if names}
    return sorted(found | {path for path in root.iterdir() if path.is_dir()})


def ends(images: Images) -> list[Frame]:
    """First and last frame of every instance."""
    frames: dict[str, list[Frame]] = {}
    for frame in images.frames:
        frames.setdefault(frame.instance, []).append(frame)
    both = [pair for some in frames.values() for pair in (some[0], some[-1])]
    return list({frame.key: frame for frame in both}.values())


def decode(frame: Frame) -> str:
    """Decode a frame, or the middle of a total pixel matrix; return why it cannot be."""
    pixels = np.array(np.inf)  # of a refusal that does not name the image
    try:
        if frame.tiles is None:
            pixels = frame.pixels
            assert pixels.shape[:2] == frame.shape
        else:
            rows, columns = (size // 2 for size in frame.shape)
            pixels = frame.read((rows, rows + 1), (columns, columns + 1))
            assert pixels.shape[:2] == (1, 1)
    except DicomError as error:
        if error.uid == frame.instance:
            return error.message
    assert pixels.dtype == np.float64
    assert not np.isinf(pixels).any()
    assert pixels.ndim == (3 if frame.channels else 2)
    return ""


def test_every_folder_opens_and_its_pixels_are_there_or_refused(shared_data: Path) -> None:
    refused: dict[str, str] = {}
    for folder in folders(shared_data):
        try:
            images = open_images(folder)
        except InputError:
            with pytest.raises(InputError, match="no DICOM images"):
                open_images(folder)
            continue
        new = [frame for frame in ends(images) if frame.instance not in refused]
        refused |= {frame.instance: decode(frame) for frame in new}
    assert sum(not reason for reason in refused.values()) > 700


if __name__ == "__main__":
    TABLE.write_text(printed(Path(RELATIVE)), encoding="utf-8")
