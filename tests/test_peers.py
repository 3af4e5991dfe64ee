"""Other libraries give what imageregion gives: the same table that the benchmarks time."""

from __future__ import annotations

import pytest
from benchmarks.inputs import organ, star
from benchmarks.peers import REFERENCE, TASKS

PAIRS = [
    (task, name)
    for task in TASKS
    for name, library in TASKS[task].libraries.items()
    if name != library.against
]


@pytest.mark.parametrize(("task", "library"), PAIRS)
def test_agrees(task: str, library: str) -> None:
    if missing := TASKS[task].libraries[library].missing:
        pytest.skip(missing)
    TASKS[task].check(library)


def test_every_task_starts_with_imageregion() -> None:
    assert all(next(iter(task.libraries)) == REFERENCE for task in TASKS.values())


def test_every_library_is_compared_to_imageregion() -> None:
    for task in TASKS.values():
        against = {library.against for library in task.libraries.values()}
        assert {task.libraries[name].module for name in against} == {"imageregion"}


def test_tasks_of_a_series_differ_in_their_input_alone() -> None:
    series = [(name, task) for name, task in TASKS.items() if task.series]
    assert all(name.startswith(f"{task.series}, ") for name, task in series)
    for title in {task.series for _, task in series}:
        members = [list(task.libraries) for _, task in series if task.series == title]
        assert len(members) > 1
        assert all(libraries == members[0] for libraries in members)


def test_a_single_wrong_pixel_is_noticed() -> None:
    task = TASKS["polygon to mask"]
    mask = task.result(REFERENCE)
    wrong = mask.copy()
    wrong[0, 0] = True
    for library in task.libraries.values():
        with pytest.raises(AssertionError, match="1 pixels differ"):
            library.agree(task.given(), mask, wrong)


def test_a_shift_of_half_a_pixel_is_noticed_by_the_centre_rule() -> None:
    task, outline = TASKS["polygon to mask"], star(1_000, 512)
    library = task.libraries["imageregion, spans only"]
    shifted = type(outline)(outline.xy + 0.5, outline.shape)
    with pytest.raises(AssertionError, match="pixels differ"):
        library.agree(outline, task.result(REFERENCE), library.run(shifted).to_mask())


def test_the_documented_numbers_are_true() -> None:
    """The texts of the tasks quote these."""
    assert organ().mask.sum() == 77_466
    task = TASKS["polygon to mask"]
    if missing := task.libraries["OpenCV fillPoly"].missing:
        pytest.skip(missing)
    more = task.result("OpenCV fillPoly").sum() / task.result(REFERENCE).sum() - 1
    assert more == pytest.approx(0.009, abs=0.0015)  # versions of OpenCV draw a little differently


def test_a_wrong_statistic_is_noticed() -> None:
    task = TASKS["region statistics"]
    numbers = task.result(REFERENCE)
    for name in numbers:
        wrong = numbers | {name: numbers[name] * (1 + 1e-9)}
        with pytest.raises(AssertionError):
            task.libraries["numpy on a mask"].agree(task.given(), numbers, wrong)


def test_wrong_coverage_of_one_pixel_is_noticed() -> None:
    task = TASKS[next(name for name in TASKS if name.startswith("exact coverage"))]
    coverage = task.result("imageregion, coverage only")
    wrong = coverage.copy()
    wrong[0, 0] = 1e-6
    with pytest.raises(AssertionError):
        task.libraries["exactextract coverage"].agree(task.given(), coverage, wrong)
