"""The start of the command line: ``python -m imageregion`` and the installed ``imageregion``.

Whatever happens ends in one line and an exit status, never in a traceback: bad input, closed
streams, Ctrl-C.
"""

from __future__ import annotations

import io
import os
import signal
import sys
from contextlib import suppress
from types import FrameType
from typing import NoReturn

__all__ = ["main"]


def main() -> None:
    """Run the command line; it always ends with `SystemExit`."""
    usual = signal.getsignal(signal.SIGINT)
    if usual is signal.default_int_handler:  # else whoever started this wants it ignored
        signal.signal(signal.SIGINT, _stop)  # loading takes a moment, too
    from imageregion.cli import app
    from imageregion.errors import ImageRegionError

    signal.signal(signal.SIGINT, usual)
    _mend_streams()
    try:
        app()
    except BrokenPipeError:  # whoever read has seen enough
        _leave(141)
    except ImageRegionError as error:
        _fail(str(error))
    except OSError as error:
        _fail(f"{error.filename or ''}: {error.strerror or error}")
    except MemoryError:
        _fail("not enough memory for this input")
    except SystemExit as ending:
        _leave(ending.code if isinstance(ending.code, int) else 0 if ending.code is None else 1)
    except KeyboardInterrupt:
        _leave(130)
    _leave(0)


def _mend_streams() -> None:
    """Give closed streams a place to write to, and terminals letters they can show."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by whoever started this
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):  # a terminal that cannot show mm² gets mm?
            stream.reconfigure(errors="replace")


def _fail(message: str) -> NoReturn:
    with suppress(OSError):
        print(f"error: {message}", file=sys.stderr)
    _leave(2)


def _leave(status: int) -> NoReturn:
    """End with a status after writing out what is left, even where nobody reads it any more."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
            if stream.name == os.devnull:  # ours, see `_mend_streams`
                stream.close()
        except OSError:
            with suppress(OSError, ValueError):  # else Python tries again, and complains
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
            status = status or 141
    sys.exit(status)


def _stop(_: int, __: FrameType | None) -> None:
    os._exit(130)


if __name__ == "__main__":
    main()
