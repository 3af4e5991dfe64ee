"""Arguments and options that several commands share."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, cast

import typer

from imageregion.fhir.normalized import DIALECTS, Dialect

if TYPE_CHECKING:
    from imageregion.dicom.traffic import Traffic
    from imageregion.dicom.web.settings import WebSettings

__all__ = [
    "Close",
    "DialectName",
    "FeaturesName",
    "FillRuleName",
    "ImagesPath",
    "IndexFile",
    "OutputFormat",
    "RuleName",
    "Selections",
    "asks_servers",
    "note_traffic",
    "web_settings",
]

_Command = TypeVar("_Command", bound=Callable[..., Any])
_PANEL = "Images on a server"

OutputFormat = Literal["table", "json", "csv"]
RuleName = Literal["center", "touched", "exact"]
FillRuleName = Literal["evenodd", "nonzero"]
FeaturesName = Literal["basic", "first-order"]

Selections = Annotated[
    list[Path],
    typer.Argument(
        metavar="SELECTION",
        help="FHIR ImagingSelection of any version or ImagingManifest, JSON or XML; also a Bundle, "
        "a JSON array or NDJSON of them; - is standard input.",
    ),
]
DialectName = Annotated[
    Dialect | None,
    typer.Option(
        "--dialect",
        metavar="NAME",
        help="What selections are written in, where it should not be recognised: "
        + ", ".join(DIALECTS),
    ),
]
ImagesPath = Annotated[
    list[str],
    typer.Option(
        "--images",
        "-i",
        metavar="PATH|URL",
        help="Folder (searched in depth), DICOM file, DICOMDIR or zip file; URL of a DICOMweb "
        "service; or FHIR ImagingStudy or Endpoint as JSON; may be repeated.",
    ),
]
IndexFile = Annotated[
    Path | None,
    typer.Option(
        "--index",
        metavar="FILE",
        help="Keep what is known of the images in this file, so that they open faster next time.",
    ),
]
Close = Annotated[
    bool, typer.Option("--close", help="Measure unclosed 2D outlines as areas, not as lines.")
]


# --- of servers ----------------------------------------------------------------------------------


def _server_options(
    token: Annotated[
        str,
        typer.Option(
            "--token",
            envvar="IMAGEREGION_TOKEN",
            metavar="TEXT",
            help="Bearer token for the hosts that are named here.",
            rich_help_panel=_PANEL,
            show_default=False,
        ),
    ] = "",
    header: Annotated[
        list[str] | None,
        typer.Option(
            "--header",
            metavar="'NAME: VALUE'",
            help="Further line for the head of requests to these hosts; may be repeated.",
            rich_help_panel=_PANEL,
        ),
    ] = None,
    timeout: Annotated[
        float,
        typer.Option(
            "--timeout",
            metavar="SECONDS",
            help="Wait so long for a connection, and for the next bytes.",
            rich_help_panel=_PANEL,
        ),
    ] = 30.0,
    cache: Annotated[
        Path | None,
        typer.Option(
            "--cache",
            metavar="DIR",
            help="Keep what was fetched in this folder, up to 4 GiB.",
            rich_help_panel=_PANEL,
        ),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-host",
            metavar="HOST",
            help="Host, or HOST:PORT, that documents and redirects may lead to, also a private "
            "one; may be repeated.",
            rich_help_panel=_PANEL,
        ),
    ] = None,
    whole_objects: Annotated[
        bool,
        typer.Option(
            "--whole-objects",
            help="Fetch whole objects instead of metadata and single frames: for servers whose "
            "metadata lack digits.",
            rich_help_panel=_PANEL,
        ),
    ] = False,
    insist: Annotated[
        bool,
        typer.Option(
            "--insist",
            help="Load studies that are registered, cancelled or entered in error, too.",
            rich_help_panel=_PANEL,
        ),
    ] = False,
) -> None:
    """Stand for the options that `asks_servers` adds."""


_NAMES = tuple(inspect.signature(_server_options).parameters)


@dataclass(slots=True)
class _Run:
    """The options of servers of the command that runs, and what was fetched for it."""

    chosen: dict[str, Any] = field(default_factory=dict)
    traffic: list[Traffic] = field(default_factory=list)


_RUN: ContextVar[_Run | None] = ContextVar("imageregion-command", default=None)


def asks_servers(command: _Command) -> _Command:
    """Give a command the options of servers; `web_settings` returns what was chosen.

    What was fetched is told on stderr when it ends, see `note_traffic`.

    Parameters
    ----------
    command : callable
        Of typer; its own parameters stay as they are.
    """

    @wraps(command)
    def with_options(**values: Any) -> Any:
        run = _Run({name: values.pop(name) for name in _NAMES})
        before = _RUN.set(run)
        try:
            return command(**values)
        finally:
            _RUN.reset(before)
            for traffic in run.traffic:
                typer.echo(str(traffic), err=True)

    own = inspect.signature(command, eval_str=True)
    added = inspect.signature(_server_options, eval_str=True).parameters.values()
    both = [*own.parameters.values(), *added]
    kinds = [one.replace(kind=one.KEYWORD_ONLY) for one in both]
    with_options.__signature__ = own.replace(parameters=kinds)  # type: ignore[attr-defined]
    with_options.__annotations__ = {one.name: one.annotation for one in both}
    return cast(_Command, with_options)


def web_settings(*, whole_study: bool = False) -> WebSettings:
    """Return how servers are to be asked in the command that runs.

    Parameters
    ----------
    whole_study : bool
        Ask for whole studies.

    Raises
    ------
    InputError
        When an option makes no sense.
    """
    from imageregion.dicom.web.settings import WebSettings, header_line

    run = _RUN.get()
    if run is None:
        return WebSettings(whole_study=whole_study)
    chosen = run.chosen
    return WebSettings(
        token=chosen["token"],
        headers=dict(header_line(line) for line in chosen["header"] or ()),
        timeout=chosen["timeout"],
        cache=chosen["cache"],
        allow_hosts=tuple(chosen["allow_host"] or ()),
        whole_objects=chosen["whole_objects"],
        insist=chosen["insist"],
        whole_study=whole_study,
    )


def note_traffic(traffic: Traffic | None) -> None:
    """Have it told what was fetched when the command ends."""
    run = _RUN.get()
    if run is not None and traffic is not None:
        run.traffic.append(traffic)
