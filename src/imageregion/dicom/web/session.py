"""Session: requests within bounds, to hosts that may be asked, tried again where it may help."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from random import uniform
from typing import Any, TypeAlias
from urllib.parse import urljoin

import requests
import urllib3
from requests.utils import get_environ_proxies

from imageregion.dicom.traffic import Traffic
from imageregion.dicom.web.addresses import Address, Hosts, read_address, shown
from imageregion.dicom.web.answers import (
    AGAIN,
    Answer,
    LaterError,
    failed,
    retry_after,
    status_text,
    untold,
)
from imageregion.dicom.web.bodies import check_kind, parts_of, read_body
from imageregion.dicom.web.cache import Cached, ResponseCache, answer_key
from imageregion.dicom.web.connections import CheckedAdapter, TimeLimit
from imageregion.dicom.web.credentials import Credentials
from imageregion.dicom.web.failures import FetchError
from imageregion.dicom.web.settings import WebSettings
from imageregion.errors import ImageRegionError

__all__ = ["WebSession"]

_Origin: TypeAlias = tuple[str, str, int]

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MAX_REDIRECTS = 5
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})  # no proxy leads there
_LONGEST_WAIT = 60.0  # seconds between two tries
_SILENCE = 20.0  # seconds that a server which cannot be reached is not asked again
_MAX_JSON = 256 * 2**20
_AT_ONCE = 8  # requests on their way


class WebSession(requests.Session):
    """A session that keeps to `WebSettings`; safe for threads.

    At most eight requests are on their way at a time, on connections that are used again.
    It neither reads passwords from files nor follows redirects to other hosts, unless these are
    allowed. Proxies and certificates are taken from the environment (HTTPS_PROXY, NO_PROXY,
    REQUESTS_CA_BUNDLE, SSL_CERT_FILE); a proxy connects where we cannot look.

    Parameters
    ----------
    settings : WebSettings
    hosts : Hosts
        Which hosts the caller named; those of the settings by default.
    traffic : Traffic, optional
    """

    def __init__(
        self, settings: WebSettings, hosts: Hosts | None = None, traffic: Traffic | None = None
    ) -> None:
        super().__init__()
        self.settings = settings
        self.hosts = hosts or Hosts(settings.allow_hosts)
        self.traffic = traffic or Traffic()
        self.trust_env = False
        bundles = (os.environ.get(name) for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"))
        self.verify = next(filter(None, bundles), True)
        self.mount("http://", CheckedAdapter(self.hosts))
        self.mount("https://", CheckedAdapter(self.hosts))
        self.credentials = Credentials(settings, self.hosts)
        self._down: dict[_Origin, tuple[float, FetchError]] = {}
        self._cache: ResponseCache | None = None
        if settings.cache is not None:
            self._cache = ResponseCache(settings.cache, settings.cache_bytes)  # type: ignore[arg-type]
        self._lately = threading.local()
        self._gate = threading.BoundedSemaphore(_AT_ONCE)

    def __reduce__(self) -> tuple[Any, ...]:
        return _session, (self.settings, self.hosts, self.traffic, self.credentials)

    def name(self, address: Address) -> None:
        """Note a host that the caller named, and the user that stood in the URL."""
        self.hosts.name(address)
        self.credentials.add_user(address)

    @contextmanager
    def expecting(
        self, keeps: Callable[[Answer], bool] | None = None, limit: int | None = None
    ) -> Iterator[None]:
        """Say what this thread asks for meanwhile, also through dicomweb-client.

        Parameters
        ----------
        keeps : callable, optional
            Tells whether an answer is what was asked for, and whole, so that the cache may have it.
        limit : int, optional
            Most bytes of an answer, uncompressed.
        """
        self._lately.expected = keeps, limit
        try:
            yield
        finally:
            self._lately.expected = None, None

    @property
    def answer(self) -> Answer:
        """The last answer that this thread got."""
        found: Answer = self._lately.answer
        return found

    def get(self, url: str | bytes, *_: Any, **options: Any) -> Answer:
        """Ask for something on behalf of dicomweb-client, see `fetch`.

        What fails is raised by ``raise_for_status()`` of the answer, which the client calls next:
        an error from here would be written to its log with all calls that led to it.
        """
        headers = dict(options.get("headers") or {})
        headers.pop("Host", None)
        try:
            answer = self.fetch(str(url), headers)
            kind = answer.content_type
            if "multipart" in headers.get("Accept", ""):
                parts = parts_of(kind, answer.content, shown(str(url)))
                if len(parts) == 1:  # which the client takes as it is, without a boundary
                    whole = {"Content-Type": "multipart/related"}
                    return Answer(str(url), whole, parts[0].content)
            return answer
        except ImageRegionError as error:
            return Answer(str(url), {}, b"", error)

    def fetch(self, url: str, headers: Mapping[str, str], most: int | None = None) -> Answer:
        """Ask for something, and read the answer to its end.

        Parameters
        ----------
        url : str
        headers : mapping
            For this request; the settings have those for all.
        most : int, optional
            Read only so many bytes, and end the connection if there are more.

        Raises
        ------
        FetchError
            With the URL and the reason, when there is no good answer.
        InputError
            When the URL is none.
        """
        answer = self._get(url, headers, most)
        self._lately.answer = answer
        return answer

    def _get(self, url: str, headers: Mapping[str, str], most: int | None) -> Answer:
        address = read_address(url, is_base=False)
        sent = self.credentials.headers(address, headers)
        accepted = sent.get("Accept", "")
        key = ""
        if self._cache is not None:
            key = answer_key(address.base, sent, most)
            seconds = self.settings.metadata_seconds if "json" in accepted else None
            known = self._cache.get(key, seconds)
            if known is not None:
                self.traffic.add(cached=1)
                return Answer(url, {"Content-Type": known.content_type}, known.body)
        answer = self._patiently(address, headers, most)
        private = "no-store" in answer.headers.get("Cache-Control", "").lower()
        if self._cache is not None and not private and self._is_kept(answer, accepted):
            self._cache.put(key, Cached(answer.content_type, answer.content))
        return answer

    def _is_kept(self, answer: Answer, accepted: str) -> bool:
        """Whether an answer was understood, so that it can be believed another time."""
        keeps, _ = self._expected
        if "json" in accepted and not (answer.content and answer.parse()):
            return False  # a server may have nothing yet
        return keeps is None or keeps(answer)

    @property
    def _expected(self) -> tuple[Callable[[Answer], bool] | None, int | None]:
        return getattr(self._lately, "expected", (None, None))

    def _patiently(self, address: Address, headers: Mapping[str, str], most: int | None) -> Answer:
        """Try again what may do better a moment later."""
        tries = 0
        since, failure = self._down.get(address.origin, (-_SILENCE, None))
        if failure is not None and time.monotonic() - since < _SILENCE:
            raise failure
        while True:
            try:
                return self._follow(address, headers, most)
            except LaterError as later:
                tries += 1
                if tries > self.settings.retries or later.wait > _LONGEST_WAIT:
                    if later.is_down:
                        self._down[address.origin] = (time.monotonic(), later.error)
                    raise later.error from None
                pause = min(self.settings.backoff * 2 ** (tries - 1), _LONGEST_WAIT)
                time.sleep(max(later.wait, pause * uniform(0.75, 1.25)))  # noqa: S311

    def _follow(self, address: Address, headers: Mapping[str, str], most: int | None) -> Answer:
        """Ask, and ask where the answer says, as long as that is on the same host or allowed."""
        first = address.origin
        for _ in range(_MAX_REDIRECTS + 1):
            secrets = address.origin == first
            sent = self.credentials.headers(address, headers, secrets=secrets)
            answer, elsewhere = self._ask(address, sent, most)
            if answer is not None:
                return answer
            target = read_address(urljoin(address.base, elsewhere), is_base=False)
            allowed = self.hosts.is_named(target.host, target.port)
            if target.user is not None or (target.origin != address.origin and not allowed):
                raise FetchError(
                    shown(address.base),
                    f"the server sends us to another host, {shown(target.base)}; if it is meant, "
                    f"allow it: --allow-host {target.host} (WebSettings.allow_hosts)",
                )
            if address.scheme == "https" and target.scheme == "http":
                raise FetchError(shown(address.base), "the server sends us from https to http")
            address = target
        raise FetchError(shown(address.base), f"more than {_MAX_REDIRECTS} redirects")

    def _ask(
        self, address: Address, sent: Mapping[str, str], most: int | None
    ) -> tuple[Answer | None, str]:
        """Send one request; return its answer, or where it sends us."""
        where = shown(address.base)
        if self.traffic.received >= self.settings.max_total_bytes:
            limit = self.settings.max_total_bytes
            raise FetchError(where, f"more than {limit} bytes fetched (WebSettings)")
        request = requests.Request("GET", address.base, sent).prepare()
        proxies = {} if address.host in _HERE else get_environ_proxies(address.base)
        with self._gate, TimeLimit(self.settings.total_timeout) as watch:
            self.traffic.add(requests=1)
            try:
                found = self._sent(request, proxies, where, most)
            except FetchError as error:
                if error.passing and not watch.expired:
                    raise LaterError(error) from None
                if not watch.expired:
                    raise
            except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
                if not watch.expired:
                    raise failed(where, error, self.settings.timeout) from None
            if watch.expired:  # a connection that was ended may look like a whole answer
                seconds = self.settings.total_timeout
                raise FetchError(where, f"no whole answer within {seconds:g} s")
            return found

    def _sent(
        self, request: requests.PreparedRequest, proxies: Any, where: str, most: int | None
    ) -> tuple[Answer | None, str]:
        timeout = self.settings.timeout
        adapter = self.get_adapter(str(request.url))
        with adapter.send(
            request, True, (timeout, timeout), self.verify, None, proxies
        ) as response:
            return self._read(response, where, str(request.headers.get("Accept", "")), most)

    def _read(
        self, response: requests.Response, where: str, accepted: str, most: int | None
    ) -> tuple[Answer | None, str]:
        status, headers = response.status_code, response.headers
        if status in _REDIRECTS and headers.get("Location"):
            return None, headers["Location"]
        if status != 200:
            message = status_text(status)
            if status in (401, 403) and (self.settings.token or self.settings.headers):
                message += untold(str(response.url), self.hosts)
            error = FetchError(where, message, status)
            if status in AGAIN:
                raise LaterError(error, retry_after(headers.get("Retry-After", "")))
            raise error
        limit = min(self.settings.max_bytes, _MAX_JSON if "json" in accepted else 2**62)
        body = self._body(response, where, limit, most)
        is_start = most is not None and len(body) >= most
        check_kind(headers.get("Content-Type", ""), body, accepted, where, is_start=is_start)
        answer = Answer(where, headers, body)
        if "json" in accepted and body:
            answer.parse()  # so that what is cut short is asked for again, and not kept
        return answer, ""

    def _body(self, response: requests.Response, where: str, limit: int, most: int | None) -> bytes:
        before = response.raw.tell()
        _, own = self._expected
        reason = "WebSettings.max_bytes"
        if own is not None and own < limit:
            limit, reason = own, "too many for one frame"
        collected = BytesIO()  # holds everything once
        try:
            for piece in read_body(response.raw, response.headers, where, limit, most, reason):
                collected.write(piece)
            return collected.getvalue()
        finally:
            self.traffic.add(received=response.raw.tell() - before)


def _session(
    settings: WebSettings, hosts: Hosts, traffic: Traffic, credentials: Credentials
) -> WebSession:
    session = WebSession(settings, hosts, traffic)
    session.credentials = credentials
    return session
