"""The typer application that every command registers with."""

from __future__ import annotations

from typing import Annotated

import typer

from imageregion._version import __version__

__all__ = ["app"]

app = typer.Typer(
    name="imageregion",
    help="Pixels, measurements, pictures and FHIR Observations from FHIR ImagingSelection regions "
    "on DICOM images.",
    epilog="Try it without any file of your own: imageregion demo",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if version:
        typer.echo(f"imageregion {__version__}")
        raise typer.Exit
