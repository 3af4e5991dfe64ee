"""What a task is and how a library does it.

Every library gets its input in the form it likes best, made beforehand by `prepare` and not timed;
imageregion starts from what a user has. Coordinates count from the outer corner of the first
pixel; whoever counts from its centre gets them shifted by -0.5.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any

__all__ = ["REFERENCE", "Library", "Seconds", "Task", "one_thread"]

REFERENCE = "imageregion"

Seconds = dict[str, float]
"""Library -> time for the whole task."""


@dataclass(frozen=True)
class Library:
    """How one library does a task.

    Parameters
    ----------
    run : callable
        From what `prepare` returns to the result. This is what gets timed.
    module : str
        What must be installed.
    agree : callable
        Takes (given, result to agree with, result); raises AssertionError when they disagree.
    prepare : callable
        From the input of the task to the form this library likes best.
    finish : callable
        From the result to the form that `agree` compares; not timed.
    against : str
        The row whose result it must agree with, and whose time it is compared to.
    share : float
        Part of the task that is done, where all of it would take too long; times are scaled up.
    note : str
        What differs from the other libraries, for the reader of the numbers.
    """

    run: Callable[[Any], Any]
    module: str
    agree: Callable[[Any, Any, Any], None]
    prepare: Callable[[Any], Any] = lambda given: given
    finish: Callable[[Any], Any] = lambda result: result
    against: str = REFERENCE
    share: float = 1.0
    note: str = ""

    @property
    def missing(self) -> str:
        """Why this library cannot run here; empty when it can."""
        try:
            found = find_spec(self.module)
        except ModuleNotFoundError:
            found = None
        return "" if found else f"{self.module} is not installed"

    @property
    def version(self) -> str:
        """Its name and version."""
        return f"{self.module} {import_module(self.module).__version__}"


@dataclass(frozen=True)
class Task:
    """Something that several libraries can do.

    Parameters
    ----------
    given : callable
        Returns the input that all libraries share.
    libraries : dict of str to Library
        The first is imageregion, whose result is what the others must agree with.
    about : str
        What is done, and what is and is not comparable, in plain words.
    series : str
        Tasks of one series differ in their input alone. Their names start with it, they share one
        table with a row for each input, and the first one says for all what they are about.
    remark : callable
        What else follows from the times, in one sentence.
    """

    given: Callable[[], Any]
    libraries: dict[str, Library]
    about: str
    series: str = ""
    remark: Callable[[Seconds], str] = lambda seconds: ""

    @property
    def installed(self) -> dict[str, Library]:
        """The libraries that can run here."""
        return {name: each for name, each in self.libraries.items() if not each.missing}

    def call(self, library: str) -> Callable[[], Any]:
        """Return the call to time: input prepared, nothing left but the work."""
        chosen = self.libraries[library]
        return partial(chosen.run, chosen.prepare(self.given()))

    def result(self, library: str) -> Any:
        """Run a library once and return its result in comparable form."""
        return self.libraries[library].finish(self.call(library)())

    def check(self, library: str) -> None:
        """Raise AssertionError when a library does not agree with imageregion."""
        chosen = self.libraries[library]
        mine = self.result(chosen.against)
        chosen.agree(self.given(), mine, self.result(library))


def one_thread() -> None:
    """Keep the libraries that would use several threads to one."""
    if find_spec("cv2"):
        import cv2

        cv2.setNumThreads(1)
    if find_spec("SimpleITK"):
        import_module("SimpleITK").ProcessObject.SetGlobalDefaultNumberOfThreads(1)
