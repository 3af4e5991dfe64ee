"""``imageregion audit``: measure again what Observations state, and explain what differs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from imageregion.cli.app import app
from imageregion.cli.console import open_sources, say
from imageregion.cli.options import ImagesPath, IndexFile, OutputFormat, asks_servers

if TYPE_CHECKING:
    from imageregion.auditing.findings import Audit, AuditedNumber

__all__ = ["audit"]

_PIPE_WIDTH = 120


@app.command(epilog="Example: imageregion audit bundle.json --images study/")
@asks_servers
def audit(
    bundle: Annotated[
        Path,
        typer.Argument(
            metavar="BUNDLE",
            help="Observations with their ImagingSelections: a Bundle, NDJSON or a JSON array, "
            "JSON or XML.",
        ),
    ],
    images: ImagesPath,
    index: IndexFile = None,
    output: Annotated[
        OutputFormat, typer.Option("--format", "-f", help="What to print.")
    ] = "table",
    every: Annotated[
        bool, typer.Option("--all", help="In the table, list the numbers that match, too.")
    ] = False,
) -> None:
    """Measure again what Observations state; exit 1 unless every number was audited and matches.

    Exit 1 also where something of the document cannot be read or found, and where it states no
    number at all: then nothing was audited. What is wrong with the document goes to stderr.
    """
    from imageregion.auditing.auditor import audit as find_mistakes
    from imageregion.auditing.auditor import open_linked
    from imageregion.fhir.linking import link

    links = link(bundle)
    opened = open_linked(
        links, lambda read, whole: open_sources(images, index, read, whole_study=whole)
    )
    found = find_mistakes(links, opened)
    if output == "json":
        typer.echo(found.to_json())
    elif output == "csv":
        typer.echo(found.to_csv(), nl=False)
    else:
        _print_audit(found, every=every)
    if output != "json":
        _say_issues(found)
    if not any(one.status != "not-audited" for one in found.numbers):
        say("nothing was audited: no number was measured again")
    if not found.is_clean:
        raise typer.Exit(1)


def _print_audit(found: Audit, *, every: bool) -> None:
    """Print one line for each number that does not match, then how many there are."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    width = None if sys.stdout.isatty() else _PIPE_WIDTH
    console = Console(width=width, markup=False, highlight=False)
    shown = [one for one in found.numbers if every or one.status != "matches"]
    if shown:
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
        for name in ("observation", "number", "ours", "status", "explanation"):
            table.add_column(name, overflow="fold")
        for one in shown:
            table.add_row(*map(Text, _cells(one)))
        console.print(table)
    counts = ", ".join(f"{count} {status}" for status, count in found.counts.items())
    console.print(f"numbers: {len(found.numbers)}{f' ({counts})' if counts else ''}")


def _say_issues(found: Audit) -> None:
    """Print errors and warnings about the document; JSON holds all of them."""
    for issue in found.issues:
        if issue.severity != "information":
            say(str(issue))


def _cells(one: AuditedNumber) -> tuple[str, ...]:
    ours = "-" if one.recomputed is None else f"{one.recomputed:.6g}"
    others = "".join(f"\nor {other.sentence}" for other in one.explanations[1:3])
    where = f"{one.link.observation}\n{one.region}".strip()
    return where, str(one.number), ours, one.status, one.summary + others
