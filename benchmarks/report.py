"""Time every library on every task, interleaved and on one thread, and print Markdown.

Run: python -m benchmarks.report [--write-readme]
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

from benchmarks.peers import REFERENCE, TASKS, Library, Task, one_thread

README = Path(__file__).parents[1] / "README.md"
START, END = "<!-- benchmarks:start -->", "<!-- benchmarks:end -->"
REPEATS, ROUNDS = 5, 7
LEAST_BATCH = 0.003  # seconds; short calls are timed many at a time, so that the clock is exact

Call = Callable[[], object]
Seconds = dict[str, float]


def seconds_per_call(call: Call, batch: int) -> float:
    """Time a batch of calls."""
    begin = time.perf_counter()
    for _ in range(batch):
        call()
    return (time.perf_counter() - begin) / batch


def batch_size(call: Call) -> int:
    """Return how many calls last long enough to be timed together."""
    return max(1, round(LEAST_BATCH / seconds_per_call(call, 1)))


def interleaved(calls: dict[str, Call]) -> Seconds:
    """Return the best of several medians; libraries take turns, so that all meet the same noise."""
    batches = {name: batch_size(call) for name, call in calls.items()}
    best = dict.fromkeys(calls, float("inf"))
    for _ in range(REPEATS):
        taken: dict[str, list[float]] = {name: [] for name in calls}
        for _ in range(ROUNDS):
            for name, call in calls.items():
                taken[name].append(seconds_per_call(call, batches[name]))
        best = {name: min(best[name], median(taken[name])) for name in calls}
    return best


def installed(task: Task) -> dict[str, Library]:
    """Return the libraries that can run here."""
    return {name: each for name, each in task.libraries.items() if not each.missing}


def timed(task: Task) -> Seconds:
    """Check that all libraries agree, then time them."""
    names = list(installed(task))
    for name in names:
        task.check(name)
    return interleaved({name: task.call(name) for name in names})


def duration(seconds: float) -> str:
    """Write a time with three digits.

    >>> duration(0.000012345), duration(0.5)
    ('0.0123 ms', '500 ms')
    """
    digits = 3 - len(str(int(seconds * 1e3))) if seconds >= 1e-3 else 3 if seconds >= 1e-4 else 4
    return f"{seconds * 1e3:.{max(digits, 0)}f} ms"


def comparison(mine: float, other: float) -> str:
    """Say how imageregion compares.

    >>> comparison(1, 3.14), comparison(1, 0.5), comparison(1, 250), comparison(1, 1.01)
    ('3.1x faster', '2.0x slower', '250x faster', 'as fast')
    """
    ratio = max(mine, other) / min(mine, other)
    if ratio < 1.05:
        return "as fast"
    return f"{ratio:.{1 if ratio < 10 else 0}f}x {'faster' if mine < other else 'slower'}"


def rows(task: Task, seconds: Seconds) -> Iterator[str]:
    """Write the table of one task."""
    yield "| library | time | imageregion is | remarks |"
    yield "|---|---:|---:|---|"
    for name, library in task.libraries.items():
        if library.missing:
            yield f"| {name} | | | skipped: {library.missing} |"
            continue
        is_mine = library.module == "imageregion"
        ratio = "" if is_mine else comparison(seconds[REFERENCE], seconds[name])
        yield f"| {name} | {duration(seconds[name])} | {ratio} | {library.note} |"


def conditions() -> str:
    """Say what the times depend on."""
    versions = {lib.version for task in TASKS.values() for lib in installed(task).values()}
    return (
        f"Measured on {os.cpu_count()} CPUs ({processor()}), one thread, "
        f"Python {platform.python_version()}: {', '.join(sorted(versions, key=str.lower))}. "
        f"Each time is the best of {REPEATS} medians over {ROUNDS} rounds in which the libraries "
        "take turns, after a first call that compiles and caches. Results were compared first."
    )


def processor() -> str:
    """Name the processor."""
    info = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*: (.+)", info.read_text()) if info.exists() else None
    return found[1].strip() if found else platform.processor() or platform.machine()


def report() -> str:
    """Time everything; return Markdown."""
    parts = []
    for name, task in TASKS.items():
        print(f"timing: {name}", file=sys.stderr)
        parts.append(
            f"**{name.capitalize()}.** {task.about}\n\n" + "\n".join(rows(task, timed(task)))
        )
    return "\n\n".join([*parts, conditions()])


def replaced(text: str, table: str) -> str:
    """Put a table between the markers of a README.

    >>> replaced(f"a {START} old {END} b", "new").splitlines()
    ['a <!-- benchmarks:start -->', 'new', '<!-- benchmarks:end --> b']
    """
    if START not in text or END not in text:
        raise SystemExit(f"README.md: expected the markers {START} and {END}")
    before, rest = text.split(START, 1)
    return f"{before}{START}\n{table}\n{END}{rest.split(END, 1)[1]}"


def main() -> None:
    """Print the report, or write it into the README."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--write-readme", action="store_true", help="replace the table in README.md"
    )
    wanted = parser.parse_args()
    os.environ |= {"NUMBA_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "GDAL_NUM_THREADS": "1"}
    one_thread()
    if wanted.write_readme:
        replaced(README.read_text(encoding="utf-8"), "")  # fail before the minute of timing
    table = report()
    print(table)
    if wanted.write_readme:
        README.write_text(replaced(README.read_text(encoding="utf-8"), table), encoding="utf-8")


if __name__ == "__main__":
    main()
