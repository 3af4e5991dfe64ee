"""Answers: what came of a request, for people and for whoever decides to ask again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import orjson
import requests
import urllib3
from requests.structures import CaseInsensitiveDict

from imageregion.dicom.web.addresses import Hosts, read_address, shown
from imageregion.dicom.web.failures import FetchError
from imageregion.errors import ImageRegionError

__all__ = ["AGAIN", "Answer", "LaterError", "failed", "retry_after", "status_text", "untold"]

_MARK = b"\xef\xbb\xbf"  # which some servers put before UTF-8
AGAIN = frozenset({429, 502, 503, 504})
"""Statuses after which the same request may do better a moment later."""

_STATUS = {
    204: "the server has nothing there",
    400: "the server does not understand the request",
    401: "the server wants to know who asks: give --token or --header (WebSettings)",
    403: "the server does not let this user read it",
    404: "the server does not have it",
    406: "the server cannot give it in any form that was asked for",
    410: "the server no longer has it",
    415: "the server cannot give it in any form that was asked for",
    429: "the server wants fewer requests",
}


def status_text(status: int) -> str:
    """Say what a status other than 200 means.

    Examples
    --------
    >>> status_text(404), status_text(500)
    ('the server does not have it (HTTP 404)', 'the server failed (HTTP 500)')
    """
    other = "the server failed" if status >= 500 else "the server does not give it"
    return f"{_STATUS.get(status, other)} (HTTP {status})"


def untold(url: str, hosts: Hosts) -> str:
    """Say that secrets were not sent to a host that only a document names; empty if they were."""
    address = read_address(url, is_base=False)
    if hosts.is_trusted(address):
        return ""
    host = address.host
    if hosts.is_named(host, address.port):
        return "; token and headers are not sent over http to what was named with https"
    return f"; token and headers are not sent to it unless you name it: --allow-host {host}"


class Answer(requests.Response):
    """An answer that was read to its end, or what came instead of one."""

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        error: ImageRegionError | None = None,
    ) -> None:
        super().__init__()
        self.url, self.status_code, self.error = url, 200, error
        self.headers = CaseInsensitiveDict(headers)
        self._content = body
        self._content_consumed = True
        self._parsed: Any = None

    @property
    def content_type(self) -> str:
        """The media type with its parameters."""
        return str(self.headers.get("Content-Type", ""))

    def raise_for_status(self) -> None:
        """Raise what came instead of an answer."""
        if self.error is not None:
            raise self.error

    def parse(self) -> Any:
        """Read the body as JSON, and keep the result for `json`; see there."""
        self._parsed = self.json()
        return self._parsed

    def json(self, **_: Any) -> Any:
        """Return the body as JSON, read within bounds.

        Raises
        ------
        FetchError
            When it is none, or nested too deep.
        """
        parsed, self._parsed = self._parsed, None
        if parsed is not None:
            return parsed
        try:
            return orjson.loads(self.content.removeprefix(_MARK))
        except ValueError as error:
            raise FetchError(shown(self.url), f"this is no JSON: {error}", passing=True) from None


class LaterError(Exception):
    """A failure that may pass, and how long the server asks us to wait."""

    def __init__(self, error: FetchError, wait: float = 0.0, *, is_down: bool = False) -> None:
        super().__init__(str(error))
        self.error, self.wait, self.is_down = error, wait, is_down


def retry_after(value: str) -> float:
    """Return the seconds that a server asks us to wait (RFC 9110 10.2.3)."""
    if value.strip().isdecimal() and len(value) < 12:
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError):
        return 0.0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max((moment - datetime.now(UTC)).total_seconds(), 0.0)


def failed(where: str, error: Exception, timeout: float) -> Exception:
    """Say in plain words why there is no answer."""
    is_down = True
    if isinstance(error, requests.exceptions.SSLError):
        return FetchError(where, f"the connection is not safe: {_reason(error)}")
    if isinstance(error, (requests.Timeout, urllib3.exceptions.TimeoutError, TimeoutError)):
        message = f"no answer within {timeout:g} s"
    elif isinstance(error, requests.ConnectionError) and not _is_broken(error):
        message = f"cannot connect: {_reason(error)}"
    else:
        message, is_down = f"the answer is truncated: {_reason(error)}", False
    return LaterError(FetchError(where, message, passing=True), is_down=is_down)


def _is_broken(error: Exception) -> bool:
    """Whether a connection ended after it had been made."""
    text = repr(error)
    return any(word in text for word in ("RemoteDisconnected", "IncompleteRead", "ProtocolError"))


def _reason(error: BaseException) -> str:
    """Return the innermost cause, which is the only part that people understand."""
    seen = 0
    while seen < 10:
        inner = getattr(error, "reason", None) or error.__cause__ or error.__context__
        if not isinstance(inner, BaseException):
            inner = next((one for one in error.args if isinstance(one, BaseException)), None)
        if inner is None:
            break
        error, seen = inner, seen + 1
    text = str(getattr(error, "strerror", "") or error)
    return " ".join(text.split())[:200] or type(error).__name__
