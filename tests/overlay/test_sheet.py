"""Contact sheets and PNG."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from imageregion.errors import GeometryError, InputError
from imageregion.overlay import contact_sheet, to_png, write_png


def plain(height: int, width: int, value: int) -> NDArray[np.uint8]:
    return np.full((height, width, 3), value, dtype=np.uint8)


def test_png_round_trip(tmp_path: Path) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (20, 30, 3)).astype(np.uint8)
    data = to_png(picture)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(data))), picture)
    assert to_png(picture.copy()) == data
    assert to_png(np.asfortranarray(picture)) == data
    write_png(picture, tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes() == data


@pytest.mark.parametrize("columns", [None, 1, 2, 9])
def test_sheet_holds_every_picture(columns: int | None) -> None:
    pictures = [plain(40, 50 + i, 50 * (i + 1)) for i in range(4)]
    sheet = contact_sheet(pictures, columns)
    for picture in pictures:
        assert (sheet == picture[0, 0]).all(axis=2).sum() == picture.shape[0] * picture.shape[1]


def test_sheet_is_reduced() -> None:
    sheet = contact_sheet([plain(900, 1600, 90), plain(900, 1600, 200)] * 3)
    assert sheet.shape[1] <= 2400
    assert {int(v) for v in np.unique(sheet)} == {10, 90, 200}


def test_misuse_is_named() -> None:
    with pytest.raises(GeometryError, match="at least one"):
        contact_sheet([])
    with pytest.raises(GeometryError, match="columns"):
        contact_sheet([plain(2, 2, 0)], 0)
    arrays: list[Any] = [
        np.zeros((2, 2), np.uint8),
        np.zeros((2, 2, 3)),
        np.zeros((0, 2, 3), np.uint8),
    ]
    for wrong in arrays:
        with pytest.raises(GeometryError, match="picture"):
            to_png(wrong)


def test_a_title_stands_above_the_sheet() -> None:
    pictures = [plain(40, 300, 90)] * 2
    bare, titled = contact_sheet(pictures), contact_sheet(pictures, title="24 of 30 images")
    above = titled.shape[0] - bare.shape[0]
    np.testing.assert_array_equal(titled[above:], bare)
    assert titled[:above].max() > 150
    assert contact_sheet([plain(2, 2, 0)], title="far too long").shape[1] == 18


@pytest.mark.parametrize("name", ["a.jpg", "a", "a.png.gif"])
def test_only_png_files_are_written(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"{name}: expected a name that ends in \.png"):
        write_png(plain(2, 2, 0), tmp_path / name)
    assert not (tmp_path / name).exists()
    write_png(plain(2, 2, 0), tmp_path / "A.PNG")


def test_a_picture_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.png: cannot be written: No such file"):
        write_png(plain(2, 2, 0), tmp_path / "absent" / "a.png")
