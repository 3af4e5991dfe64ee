"""Timing: libraries take turns, so that all meet the same noise."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

from benchmarks.task import Seconds, Task

__all__ = ["HOW", "interleaved", "timed"]

MOST, LEAST = 35, 3  # turns of each library
ROUNDS = 7  # turns whose median counts
BUDGET = 1.5  # seconds that the turns of a library may take together, beyond the least
LEAST_BATCH = 0.003  # seconds; short calls are timed many at a time, so that the clock is exact

HOW = (
    f"Each time is the best of up to {MOST // ROUNDS} medians over {ROUNDS} rounds in which the "
    f"libraries take turns (what takes long has fewer rounds, but {LEAST}), after a first call "
    "that compiles and caches. Results were compared first."
)

Call = Callable[[], object]


def seconds_per_call(call: Call, batch: int) -> float:
    """Time a batch of calls."""
    begin = time.perf_counter()
    for _ in range(batch):
        call()
    return (time.perf_counter() - begin) / batch


def interleaved(calls: dict[str, Call]) -> Seconds:
    """Return the best of several medians of the time of each call."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    batches, turns = {}, {}
    for name, call in calls.items():
        once = seconds_per_call(call, 1)
        batches[name] = max(1, round(LEAST_BATCH / once))
        turns[name] = min(max(int(BUDGET / (once * batches[name])), LEAST), MOST)
    most = max(turns.values())
    for turn in range(1, most + 1):
        for name, call in calls.items():
            if turn * turns[name] // most > len(taken[name]):
                taken[name].append(seconds_per_call(call, batches[name]))
    return {name: best_median(times) for name, times in taken.items()}


def best_median(times: list[float]) -> float:
    """Return the lowest median of so many times in a row.

    >>> best_median([3, 1, 2])
    2
    """
    begins = range(0, max(len(times) - ROUNDS, 0) + 1, ROUNDS)
    return min(median(times[begin : begin + ROUNDS]) for begin in begins)


def timed(task: Task) -> Seconds:
    """Check that all libraries agree, then time them on the whole task."""
    for name in task.installed:
        task.check(name)
    seconds = interleaved({name: task.call(name) for name in task.installed})
    return {name: s / task.libraries[name].share for name, s in seconds.items()}
