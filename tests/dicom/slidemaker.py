"""Makes slides: tiled images whose pixels, tiles and places are known."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, JPEGBaseline8Bit

WSI = "1.2.840.10008.5.1.4.1.1.77.1.6"
_FIELDS = {
    "SOPClassUID": WSI,
    "SOPInstanceUID": "1.2.5.1",
    "StudyInstanceUID": "1.2.5",
    "SeriesInstanceUID": "1.2.5.0",
    "FrameOfReferenceUID": "1.2.5.9",
    "Modality": "SM",
    "ImageType": ["DERIVED", "PRIMARY", "VOLUME", "NONE"],
    "BitsAllocated": 8,
    "BitsStored": 8,
    "HighBit": 7,
    "PixelRepresentation": 0,
    "ImageOrientationSlide": [0, -1, 0, -1, 0, 0],
}


def item(**fields: Any) -> Dataset:
    """Make a dataset of keywords."""
    dataset = Dataset()
    for name, value in fields.items():
        setattr(dataset, name, value)
    return dataset


def header(
    matrix: tuple[int, int],
    tile: tuple[int, int],
    count: int,
    *,
    paths: Sequence[str] = ("1",),
    planes: int = 1,
    channels: int = 1,
    spacing: tuple[float, float] = (0.002, 0.0005),
    origin: tuple[float, float] = (23.4, 25.7),
    organization: str | None = "TILED_FULL",
    between: float | None = None,
    **changes: Any,
) -> Dataset:
    """Make the header of a slide; a change to None removes an attribute."""
    measures = item(PixelSpacing=list(spacing), SliceThickness=0.001)
    if between is not None:
        measures.SpacingBetweenSlices = between
    fields = _FIELDS | {
        "DimensionOrganizationType": organization,
        "Rows": tile[0],
        "Columns": tile[1],
        "NumberOfFrames": count,
        "TotalPixelMatrixRows": matrix[0],
        "TotalPixelMatrixColumns": matrix[1],
        "TotalPixelMatrixFocalPlanes": planes,
        "NumberOfOpticalPaths": len(paths),
        "OpticalPathSequence": [item(OpticalPathIdentifier=path) for path in paths],
        "SamplesPerPixel": channels,
        "PhotometricInterpretation": "MONOCHROME2" if channels == 1 else "RGB",
        "PlanarConfiguration": None if channels == 1 else 0,
        "TotalPixelMatrixOriginSequence": [
            item(XOffsetInSlideCoordinateSystem=origin[0], YOffsetInSlideCoordinateSystem=origin[1])
        ],
        "SharedFunctionalGroupsSequence": [item(PixelMeasuresSequence=[measures])],
    }
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    for name, value in (fields | changes).items():
        if value is not None:
            setattr(dataset, name, value)
    return dataset


def cut(matrix: NDArray[Any], tile: tuple[int, int], fill: int = 255) -> list[NDArray[Any]]:
    """Cut a matrix into tiles in raster order; what sticks out is filled."""
    tiles = []
    for top in range(0, matrix.shape[0], tile[0]):
        for left in range(0, matrix.shape[1], tile[1]):
            part = matrix[top : top + tile[0], left : left + tile[1]]
            whole = np.full((*tile, *matrix.shape[2:]), fill, dtype=matrix.dtype)
            whole[: part.shape[0], : part.shape[1]] = part
            tiles.append(whole)
    return tiles


def full(matrices: Sequence[NDArray[Any]], tile: tuple[int, int], **changes: Any) -> Dataset:
    """Make a TILED_FULL slide: one matrix for each path and plane, planes first."""
    tiles = [part for matrix in matrices for part in cut(matrix, tile)]
    shape = matrices[0].shape
    channels = shape[2] if len(shape) == 3 else 1
    dataset = header((shape[0], shape[1]), tile, len(tiles), channels=channels, **changes)
    return with_pixels(dataset, tiles)


def with_pixels(dataset: Dataset, tiles: Sequence[NDArray[Any]]) -> Dataset:
    """Add uncompressed tiles."""
    data = b"".join(tile.tobytes() for tile in tiles)
    bits = 8 * tiles[0].itemsize
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = bits, bits, bits - 1
    dataset.PixelData = data + b"\0" * (len(data) % 2)
    dataset["PixelData"].VR = "OW" if bits > 8 else "OB"
    return dataset


def place(row: int, column: int, *, height: float | None = None, path: str = "") -> Dataset:
    """Make the functional groups of a frame whose first pixel is (row, column), from 0."""
    position = item(
        RowPositionInTotalImagePixelMatrix=row + 1,
        ColumnPositionInTotalImagePixelMatrix=column + 1,
        XOffsetInSlideCoordinateSystem=0.0,
        YOffsetInSlideCoordinateSystem=0.0,
    )
    if height is not None:
        position.ZOffsetInSlideCoordinateSystem = height
    groups = item(PlanePositionSlideSequence=[position])
    if path:
        groups.OpticalPathIdentificationSequence = [item(OpticalPathIdentifier=path)]
    return groups


def save(dataset: Dataset, path: Path) -> Path:
    """Write a slide."""
    dataset.save_as(path, enforce_file_format=True)
    return path


def jpeg(pixels: NDArray[np.uint8], **options: Any) -> bytes:
    """Compress a tile to JPEG, colours as YCbCr."""
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", **({"quality": 90, "optimize": True} | options))
    return buffer.getvalue()


def write_encapsulated(
    path: Path, dataset: Dataset, frames: Iterable[bytes], *, table: str = "none"
) -> Path:
    """Write compressed frames one by one, with a table: "none", "basic" or "extended"."""
    frames = list(frames)
    padded = [len(frame) + len(frame) % 2 for frame in frames]
    offsets = np.cumsum([0, *(length + 8 for length in padded)])[:-1]
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    if table == "extended":
        dataset.ExtendedOffsetTable = offsets.astype("<u8").tobytes()
        lengths = np.array([len(frame) for frame in frames])
        dataset.ExtendedOffsetTableLengths = lengths.astype("<u8").tobytes()
    dataset.save_as(path, enforce_file_format=True)
    basic = (offsets % 2**32).astype("<u4").tobytes() if table == "basic" else b""
    with path.open("ab") as file:
        file.write(struct.pack("<HH2sHL", 0x7FE0, 0x0010, b"OB", 0, 0xFFFFFFFF))
        file.write(struct.pack("<HHL", 0xFFFE, 0xE000, len(basic)) + basic)
        for frame, length in zip(frames, padded, strict=True):
            file.write(struct.pack("<HHL", 0xFFFE, 0xE000, length))
            file.write(frame + b"\0" * (length - len(frame)))
        file.write(struct.pack("<HHL", 0xFFFE, 0xE0DD, 0))
    return path


def tile_colours(number: int = 16) -> NDArray[np.uint8]:
    """Colours that differ from tile to tile, shape (number, 3)."""
    rng = np.random.default_rng(4)
    return rng.integers(20, 236, (number, 3)).astype(np.uint8)


def write_huge(
    path: Path, side: int = 100_000, tile: tuple[int, int] = (256, 320), table: str = "extended"
) -> Path:
    """Write a slide of `side` x `side` pixels; tile t has the colour t % 16 of `tile_colours`."""
    flat = [np.broadcast_to(colour, (*tile, 3)) for colour in tile_colours()]
    encoded = [jpeg(np.ascontiguousarray(pixels), subsampling=0) for pixels in flat]
    count = -(-side // tile[0]) * -(-side // tile[1])
    dataset = header((side, side), tile, count, channels=3)
    dataset.PhotometricInterpretation = "YBR_FULL_422"
    frames = (encoded[number % len(encoded)] for number in range(count))
    return write_encapsulated(path, dataset, frames, table=table)
