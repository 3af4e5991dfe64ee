"""Keys: the UIDs that say which instance is meant."""

from __future__ import annotations

import re
from dataclasses import dataclass

from imageregion.errors import InputError

__all__ = ["Key", "checked_uid"]

_UID = re.compile(r"[0-9]+(\.[0-9]+)*")


@dataclass(frozen=True, slots=True)
class Key:
    """The UIDs of one instance, and of what it is in."""

    study: str
    series: str
    instance: str


def checked_uid(uid: str, what: str) -> str:
    """Return a UID that can stand in a URL.

    Raises
    ------
    InputError
        When it is none.

    Examples
    --------
    >>> checked_uid("1.2.3", "study")
    '1.2.3'
    """
    if len(uid) > 64 or not _UID.fullmatch(uid):
        raise InputError(f"{what}: expected a DICOM UID, got {uid[:80]!r}")
    return uid
