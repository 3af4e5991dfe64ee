"""Settings: how servers are asked, and what they may cost."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from os import PathLike
from pathlib import Path
from types import MappingProxyType

from imageregion.errors import InputError

__all__ = ["WebSettings", "header_line"]

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")  # RFC 9110 5.6.2
_VALUE = re.compile(r"[\x21-\x7e]([\x20-\x7e\t]{0,8000}[\x21-\x7e])?")  # RFC 9110 5.5
_OURS = {"host", "content-length", "transfer-encoding", "connection", "accept-encoding", "accept"}
_HOST = re.compile(r"[^\s/@\\?#]{1,255}")


@dataclass(frozen=True, slots=True)
class WebSettings:
    """How servers are asked, and what they may cost.

    Parameters
    ----------
    token : str
        Bearer token. It goes, like `headers`, only to hosts that the caller named: in a URL that
        was given as the source, or in `allow_hosts`.
    headers : mapping of str to str
        Further lines for the head of every request.
    timeout : float
        Seconds to wait for a connection, and for the next bytes of an answer.
    total_timeout : float
        Seconds that one answer may take from the first byte to the last.
    retries : int
        How often a request is sent again after status 429, 502, 503 or 504, a broken connection
        or a truncated answer.
    backoff : float
        Seconds before the first retry; twice as many before each further one, up to a minute.
    max_bytes : int
        Of one answer, uncompressed.
    max_total_bytes : int
        Of all answers together, as they come over the network.
    cache : path, optional
        A folder that keeps answers, made when absent; it holds data of patients. None for none.
    cache_bytes : int
        The cache is kept below this by dropping what was used longest ago.
    metadata_seconds : float
        How long cached metadata are good for, since series may grow; pixels are for ever.
    allow_hosts : tuple of str
        Hosts, as "name" or "name:port", that documents and redirects may lead to although they
        are others than the caller named, also where their addresses are private.
    insist : bool
        Load studies although they are registered, cancelled or entered in error.
    whole_objects : bool
        Fetch whole objects, and take nothing but their UIDs from metadata: for servers that do not
        keep all digits of numbers when they write DICOM JSON. Where these matter (doses of PET,
        slopes) that is found out anyway, see `imageregion.dicom.web.confirming`.
    whole_study : bool
        Ask for whole studies, where a selection names series: to measure on others of them.

    Raises
    ------
    InputError
        On values that make no sense, or would add lines to the head of a request.

    Examples
    --------
    >>> WebSettings(token="secret", timeout=5)
    WebSettings(timeout=5)
    """

    token: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout: float = 30.0
    total_timeout: float = 600.0
    retries: int = 3
    backoff: float = 0.5
    max_bytes: int = 2**30
    max_total_bytes: int = 64 * 2**30
    cache: str | PathLike[str] | None = None
    cache_bytes: int = 4 * 2**30
    metadata_seconds: float = 3600.0
    allow_hosts: tuple[str, ...] = ()
    insist: bool = False
    whole_objects: bool = False
    whole_study: bool = False

    def __post_init__(self) -> None:
        headers = dict(header_line(f"{name}: {value}") for name, value in self.headers.items())
        if self.token and not _VALUE.fullmatch(self.token):
            raise InputError("token: expected one line of visible ASCII characters")
        given: object = self.allow_hosts
        if not isinstance(given, (tuple, list)):
            raise InputError(f"allow_hosts: expected several names, got {type(given).__name__}")
        hosts = tuple(str(host).strip().lower().rstrip(".") for host in given)
        for host in hosts:
            if not _HOST.fullmatch(host):
                raise InputError(f"allow_hosts: expected a host name or name:port, got {host!r}")
        for name in ("timeout", "total_timeout", "max_bytes", "max_total_bytes", "cache_bytes"):
            _check_number(name, getattr(self, name), least=1e-3)
        for name in ("retries", "backoff", "metadata_seconds"):
            _check_number(name, getattr(self, name), least=0)
        object.__setattr__(self, "headers", MappingProxyType(headers))
        object.__setattr__(self, "allow_hosts", hosts)
        object.__setattr__(self, "cache", None if self.cache is None else Path(self.cache))

    def __repr__(self) -> str:
        """Name what is not as usual, without secrets."""
        usual = {one.name: one.default for one in fields(self) if one.repr}
        changed = [
            f"{name}={getattr(self, name)!r}"
            for name, value in usual.items()
            if getattr(self, name) != value
        ]
        return f"WebSettings({', '.join(changed)})"

    def __reduce__(self) -> tuple[type[WebSettings], tuple[object, ...]]:
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return WebSettings, tuple((values | {"headers": dict(self.headers)}).values())


def header_line(line: str) -> tuple[str, str]:
    """Read ``Name: value`` as it stands in the head of a request.

    Raises
    ------
    InputError
        When it is none, spans lines, or is one that HTTP itself needs.

    Examples
    --------
    >>> header_line("X-Api-Key: 1234")
    ('X-Api-Key', '1234')
    """
    name, colon, value = line.partition(":")
    name, value = name.strip(" \t"), value.strip(" \t")
    if not colon or not _NAME.fullmatch(name) or (value and not _VALUE.fullmatch(value)):
        shown = name if _NAME.fullmatch(name) else "it"  # the value may be a secret
        raise InputError(f"header: expected one line 'Name: value' of ASCII, {shown} is none")
    if name.lower() in _OURS:
        raise InputError(f"header: {name} is set for each request and cannot be given")
    return name, value


def _check_number(name: str, value: object, least: float) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InputError(f"{name}: expected a number, got {value!r}")
    if not math.isfinite(value) or value < least:
        raise InputError(f"{name}: expected a number of at least {least:g}, got {value!r}")
