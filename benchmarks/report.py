"""Time every library on every task, interleaved and on one thread, and print Markdown.

Run: python -m benchmarks.report [--write-readme] [--plot] [--only WORD]
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.peers import REFERENCE, TASKS, Seconds, Task, one_thread
from benchmarks.processes import memory, starts
from benchmarks.scaling import PICTURE, plot
from benchmarks.timing import HOW, timed

README = Path(__file__).parents[1] / "README.md"
START, END = "<!-- benchmarks:start -->", "<!-- benchmarks:end -->"
GROWTH = (
    "**Growth.** From a polygon to its pixels imageregion takes time for the outline: for its "
    "vertices, and for the rows it passes. Libraries that paint a mask take time for every pixel "
    "of the image. Only reading the pixels of a region grows with its area.\n\n"
    f"![Time to rasterize and time to read pixels, by size](benchmarks/{PICTURE.name})"
)


def duration(seconds: float) -> str:
    """Write a time with three digits.

    >>> duration(0.000012345), duration(0.5), duration(12.3)
    ('0.0123 ms', '500 ms', '12.3 s')
    """
    if seconds >= 9.995:
        return f"{seconds:.{1 if seconds < 99.95 else 0}f} s"
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


def is_ours(name: str) -> bool:
    """Whether a row is of imageregion itself."""
    return name.partition(",")[0] == REFERENCE


def rows(task: Task, seconds: Seconds) -> Iterator[str]:
    """Write the table of one task, a row for each library."""
    yield "| library | time | imageregion is | remarks |"
    yield "|---|---:|---:|---|"
    for name, library in task.libraries.items():
        if library.missing:
            yield f"| {name} | | | skipped: {library.missing} |"
            continue
        ratio = "" if is_ours(name) else comparison(seconds[library.against], seconds[name])
        yield f"| {name} | {duration(seconds[name])} | {ratio} | {library.note} |"


def series_rows(tasks: dict[str, Task], seconds: dict[str, Seconds]) -> Iterator[str]:
    """Write the table of a series of tasks, a row for each input."""
    libraries = next(iter(tasks.values())).libraries
    heads = [name.removeprefix(f"{REFERENCE}, ") for name in libraries]
    yield f"| input | {' | '.join([f'**{heads[0]}**', *heads[1:]])} |"
    yield "|---|" + "---:|" * len(libraries)
    for name, task in tasks.items():
        cells = []
        for its, library in task.libraries.items():
            if library.missing:
                cells.append("not installed")
                continue
            found = seconds[name]
            ratio = comparison(found[library.against], found[its]).removesuffix(" faster")
            cells.append(duration(found[its]) + ("" if is_ours(its) else f" ({ratio})"))
        yield f"| {name.removeprefix(task.series).lstrip(', ')} | {' | '.join(cells)} |"


def sections(tasks: dict[str, Task]) -> Iterator[str]:
    """Time every task; yield Markdown, a section for each task or series."""
    done: set[str] = set()
    for name, task in tasks.items():
        title = task.series or name
        if title in done:
            continue
        done.add(title)
        same = {n: t for n, t in tasks.items() if (t.series or n) == title}
        seconds = {}
        for one, its in same.items():
            print(f"timing: {one}", file=sys.stderr, flush=True)
            seconds[one] = timed(its)
        table = series_rows(same, seconds) if task.series else rows(task, seconds[name])
        parts = [f"**{title[0].upper()}{title[1:]}.** {task.about}", "\n".join(table)]
        yield "\n\n".join([*parts, *filter(None, [task.remark(seconds[name])])])


def conditions() -> str:
    """Say what the times depend on."""
    versions = {lib.version for task in TASKS.values() for lib in task.installed.values()}
    return (
        f"Measured on {os.cpu_count()} CPUs ({processor()}), one thread unless said otherwise, "
        f"Python {platform.python_version()}: {', '.join(sorted(versions, key=str.lower))}. {HOW}"
    )


def processor() -> str:
    """Name the processor."""
    info = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*: (.+)", info.read_text()) if info.exists() else None
    return found[1].strip() if found else platform.processor() or platform.machine()


def report(only: str = "") -> str:
    """Time everything whose name holds a word; return Markdown."""
    parts = list(sections({name: task for name, task in TASKS.items() if only in name}))
    for name, section in {"memory": memory, "first answer": starts}.items():
        if only in name:
            print(f"measuring: {name}", file=sys.stderr, flush=True)
            parts.append(section())
    if PICTURE.exists() and not only:
        parts.append(GROWTH)
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
    parser.add_argument("--plot", action="store_true", help="draw benchmarks/scaling.png")
    parser.add_argument("--only", default="", help="tasks whose name holds this word")
    wanted = parser.parse_args()
    if wanted.write_readme and wanted.only:
        raise SystemExit("the README holds the whole report: leave out --only")
    one_thread()
    if wanted.plot:
        plot()
    if wanted.plot and not wanted.write_readme:
        return
    if wanted.write_readme:
        replaced(README.read_text(encoding="utf-8"), "")  # fail before the minutes of timing
    table = report(wanted.only)
    print(table)
    if wanted.write_readme:
        README.write_text(replaced(README.read_text(encoding="utf-8"), table), encoding="utf-8")


if __name__ == "__main__":
    main()
