"""The house itself: cheap import, honest exports, kernels in every mode, README and version."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

import imageregion

ROOT = Path(__file__).parents[1]


def python(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | environment,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_the_package_loads_nothing_heavy() -> None:
    heavy = "{'numba', 'numpy', 'pydicom', 'fhir', 'pydantic', 'shapely', 'scipy', 'PIL', 'rich'}"
    assert python(f"import imageregion, sys; print({heavy} & set(sys.modules))") == "set()"


def test_the_command_line_starts_without_numba_and_pydicom() -> None:
    heavy = "{'numba', 'numpy', 'pydicom', 'fhir', 'pydantic', 'shapely', 'scipy'}"
    assert python(f"import imageregion.cli, sys; print({heavy} & set(sys.modules))") == "set()"


def test_reading_a_selection_loads_neither_numba_nor_pydicom() -> None:
    heavy = "{'numba', 'pydicom'}"
    code = f"import imageregion as ir, sys; ir.read_selection; print({heavy} & set(sys.modules))"
    assert python(code) == "set()"


def test_every_public_name_is_there_and_documented() -> None:
    assert sorted(set(imageregion.__all__)) == sorted(imageregion.__all__)
    for name in imageregion.__all__:
        assert getattr(imageregion, name) is not None
        if name != "__version__":
            assert getattr(imageregion, name).__doc__, name
    assert set(imageregion.__all__) <= set(dir(imageregion))


def test_lazy_names_and_type_checkers_agree() -> None:
    source = (ROOT / "src" / "imageregion" / "__init__.py").read_text()
    block = source[source.index("if TYPE_CHECKING:") : source.index("_HOMES")]
    typed = set(
        re.findall(r"\b(?:[A-Z]\w+|[a-z]\w+)\b(?=,|\n|$)", re.sub(r"from \S+ import", "", block))
    )
    lazy = set(imageregion._HOMES)
    assert lazy <= typed
    assert lazy | {"__version__"} == set(imageregion.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'banana'"):
        imageregion.banana  # noqa: B018


def test_version_is_written_once() -> None:
    assert metadata.version("imageregion") == imageregion.__version__


FEW = "--hypothesis-profile=few"
KERNEL_TESTS = [
    *["raster", "coverage", "many", "many_points", "stats", "spans", "moments", "summarize_many"],
    *["outlines", "runlengths", "similarity", "boolean"],
]
"""Together they run every kernel."""
OVERFLOW = ["-W", "ignore:overflow encountered:RuntimeWarning"]
"""Python warns where compiled kernels go on with infinity: lines of 5e-324 pixels."""


@pytest.mark.parametrize("mode", ["NUMBA_DISABLE_JIT", "NUMBA_BOUNDSCHECK"])
def test_kernels_agree_uncompiled_and_with_bounds_checks(mode: str, tmp_path: Path) -> None:
    """The tests of all that calls a kernel again, each in a process with its own numba mode."""
    files = [f"tests/test_{name}.py" for name in KERNEL_TESTS]
    cache = {"NUMBA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", FEW, *OVERFLOW, *files],
        cwd=ROOT,
        env=os.environ | {mode: "1"} | cache,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert " passed" in done.stdout


def test_no_public_name_is_shadowed_by_a_module() -> None:
    """Importing a module sets an attribute of the package, which would hide a lazy name."""
    modules = {path.stem for path in (ROOT / "src" / "imageregion").iterdir()}
    assert modules.isdisjoint(imageregion.__all__)


def test_kernels_compile_where_no_cache_can_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    from imageregion._kernels import compiled

    def njit(cache: bool = False, **_: object) -> object:
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return lambda function: function

    monkeypatch.setattr(compiled, "njit", njit)
    assert compiled.kernel(abs) is abs
