"""A small phantom writer: slices whose values and place are known."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.data import get_testdata_file
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

MakeSlice = Callable[..., Dataset]
SaveSlice = Callable[..., Path]

CT = "1.2.840.10008.5.1.4.1.1.2"
DEFAULTS = {
    "SOPClassUID": CT,
    "StudyInstanceUID": "1.2.3",
    "SeriesInstanceUID": "1.2.3.1",
    "FrameOfReferenceUID": "1.2.3.9",
    "SOPInstanceUID": "1.2.3.1.1",
    "Modality": "CT",
    "ImagePositionPatient": [-10.0, 20.0, 30.0],
    "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
    "PixelSpacing": [2.0, 0.5],
    "SliceThickness": 3.0,
    "PhotometricInterpretation": "MONOCHROME2",
    "SamplesPerPixel": 1,
    "BitsAllocated": 16,
    "BitsStored": 16,
    "PixelRepresentation": 1,
    "RescaleSlope": 2,
    "RescaleIntercept": -1000,
}


def _make_slice(cells: NDArray[Any] | None = None, **changes: Any) -> Dataset:
    """Make a CT slice of 4 x 6 pixels; a change to None removes an attribute.

    `cells` are written as they are, whatever the header says about bits and sign.
    """
    array = np.arange(24, dtype=np.int16).reshape(4, 6) if cells is None else cells
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    fields = {**DEFAULTS, "Rows": array.shape[-2], "Columns": array.shape[-1], **changes}
    if fields["BitsStored"] is not None:
        fields.setdefault("HighBit", fields["BitsStored"] - 1)
    # Attributes whose VR depends on PixelRepresentation come after it.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some values are wrong on purpose
        for name, value in fields.items():
            if value is not None:
                setattr(dataset, name, value)
    dataset.PixelData = array.tobytes() + b"\0" * (array.nbytes % 2)
    dataset["PixelData"].VR = "OW"
    return dataset


@pytest.fixture
def make_slice() -> MakeSlice:
    return _make_slice


@pytest.fixture
def save_slice(tmp_path: Path) -> SaveSlice:
    """Write a slice into the folder `tmp_path / "study"`, return its path."""

    def save(name: str, cells: NDArray[Any] | None = None, **changes: Any) -> Path:
        path = tmp_path / "study" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        dataset = _make_slice(cells, **changes)
        dataset.save_as(path, enforce_file_format=True)
        return path

    return save


@pytest.fixture
def wheel() -> Callable[[str], Path]:
    """Path of a real file that ships with pydicom."""

    def find(name: str) -> Path:
        path = get_testdata_file(name, download=False)
        assert isinstance(path, str), name
        return Path(path)

    return find
