"""``imageregion link``: which region, image and frame every Observation measures."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from imageregion.cli.app import app

if TYPE_CHECKING:
    from imageregion.fhir.links.values import Link, Links

__all__ = ["link"]

_PIPE_WIDTH = 120


@app.command(epilog="Example: imageregion link bundle.json --format json")
def link(
    bundle: Annotated[
        Path,
        typer.Argument(
            metavar="BUNDLE",
            help="Observations with their ImagingSelections and DiagnosticReports: a Bundle, "
            "NDJSON or a JSON array, JSON or XML.",
        ),
    ],
    output: Annotated[
        Literal["table", "json"], typer.Option("--format", "-f", help="What to print.")
    ] = "table",
) -> None:
    """Say which region, image and frame every Observation measures.

    Exit 1 if something dangles or cannot be read.
    """
    from imageregion.fhir.linking import link as find_links

    found = find_links(bundle)
    if output == "json":
        typer.echo(found.to_json())
    else:
        _print_links(found)
    if not found.complete:
        raise typer.Exit(1)


def _print_links(links: Links) -> None:
    """Print one line for each Observation, then what is wrong."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    width = None if sys.stdout.isatty() else _PIPE_WIDTH
    console = Console(width=width, markup=False, highlight=False)
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for name in ("observation", "numbers", "region", "image", "reports"):
        table.add_column(name, overflow="fold")
    for one in links.links:
        table.add_row(*map(Text, _cells(one)))
    console.print(table)
    for one in links.links:
        for issue in one.issues:
            console.print(f"{one.observation}: {issue.severity}: {issue.message}")
    for issue in links.issues:
        console.print(str(issue))
    console.print(str(links).partition("\n")[0])


def _cells(one: Link) -> tuple[str, ...]:
    numbers = [f"{number}" for number in one.numbers[:3]]
    if len(one.numbers) > 3:
        numbers.append(f"{len(one.numbers) - 3} more")
    regions = [str(region) for region in one.regions[:3]]
    if len(one.regions) > 3:
        regions.append(f"{len(one.regions) - 3} more")
    doubt = "one of " if one.basis == "ambiguous" else ""
    frame = f" frame {one.frame}" if one.frame else ""
    images = [f"{uid}{frame}" for uid in one.instances[:2]]
    if len(one.instances) > 2:
        images.append(f"{len(one.instances) - 2} more")
    return (
        f"{one.observation}\n{one.title}".strip(),
        "\n".join(numbers),
        doubt + "\n".join(regions),
        "\n".join(images),
        "\n".join((*one.reports, *one.groups)),
    )
