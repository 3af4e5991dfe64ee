"""Time every library on every task with pytest-benchmark, one group per task.

Run: python -m pytest benchmarks --benchmark-only --benchmark-enable
"""

from __future__ import annotations

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.peers import TASKS, one_thread

PAIRS = [(task, library) for task in TASKS for library in TASKS[task].libraries]


@pytest.mark.parametrize(("task", "library"), PAIRS)
def test_speed(task: str, library: str, benchmark: BenchmarkFixture) -> None:
    if missing := TASKS[task].libraries[library].missing:
        pytest.skip(missing)
    one_thread()
    TASKS[task].check(library)  # this also compiles what is compiled on first use
    benchmark.group = task
    benchmark(TASKS[task].call(library))
