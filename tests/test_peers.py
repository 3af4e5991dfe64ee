"""Other libraries give what imageregion gives: the same table that the benchmarks time."""

from __future__ import annotations

import pytest
from benchmarks.inputs import organ, star
from benchmarks.peers import REFERENCE, TASKS

PAIRS = [(task, name) for task in TASKS for name in TASKS[task].libraries if name != REFERENCE]


@pytest.mark.parametrize(("task", "library"), PAIRS)
def test_agrees(task: str, library: str) -> None:
    if missing := TASKS[task].libraries[library].missing:
        pytest.skip(missing)
    TASKS[task].check(library)


def test_every_task_starts_with_imageregion() -> None:
    assert all(next(iter(task.libraries)) == REFERENCE for task in TASKS.values())


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
