"""The ``imageregion`` command: tables for people, JSON and CSV for programs.

Results go to standard output, everything else to standard error. Exit status: 0 done; 1 some
region could not be measured (the rest is, and it is named); 2 unusable input. Every command has a
file of its own, and registers with `app` in the order of the help.
"""

from __future__ import annotations

from importlib import import_module

from imageregion.cli.app import app

__all__ = ["app"]

_COMMANDS = "measure check convert link audit render images study urls demo"
for _name in _COMMANDS.split():
    import_module(f"imageregion.cli.command_{_name}")
