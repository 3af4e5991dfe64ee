"""Hard cases as the default: planes that are non-square, anisotropic, oblique, far off-centre."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from imageregion import Plane

settings.register_profile(
    "default", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60
)
settings.register_profile("few", settings.get_profile("default"), max_examples=10)
settings.load_profile("default")

_TILT = np.radians(25)
_COSINES = {
    "axial": ((1, 0, 0), (0, 1, 0)),
    "sagittal": ((0, 1, 0), (0, 0, -1)),
    "coronal": ((1, 0, 0), (0, 0, -1)),
    "oblique": ((np.cos(_TILT), np.sin(_TILT), 0), (0, 0, -1)),
    "double oblique": (
        (0.8, 0.36, -0.48),
        (0.0, 0.8, 0.6),
    ),
}


def _plane(name: str, row_spacing: float, column_spacing: float) -> Plane:
    x, y = (np.array(v, dtype=float) for v in _COSINES[name])
    axes = np.stack([x * column_spacing, y * row_spacing], axis=1)
    return Plane((40, 70), (-158.1, 34.2, 1001.7), axes)


@pytest.fixture(params=sorted(_COSINES))
def plane(request: pytest.FixtureRequest) -> Plane:
    """40 rows of 70 columns, 2.0 mm between rows and 0.5 mm between columns."""
    return _plane(request.param, 2.0, 0.5)


@pytest.fixture
def axial_plane() -> Plane:
    return _plane("axial", 2.0, 0.5)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real data by others; tests that need it skip where it is absent."""
    place = os.environ.get("IMAGEREGION_DATA")
    folder = Path(place) if place else Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("real data absent: set IMAGEREGION_DATA or put it at ../shared/data")
    return folder
