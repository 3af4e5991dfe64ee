"""Connections: to network addresses that may be reached, and ended when they take too long.

A name is resolved once for each connection, and every address it leads to is looked at before
anything is sent: a name that the caller did not give may point into private networks, and another
moment to another address (DNS rebinding).
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.utils import select_proxy
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from imageregion.dicom.web.addresses import Hosts, read_address
from imageregion.dicom.web.failures import FetchError

__all__ = ["CheckedAdapter", "TimeLimit", "check_name"]

_POOLS = 8
_CONNECTIONS = 16


class TimeLimit:
    """Ends the connection that this thread uses when a time is over.

    Timeouts of sockets begin anew with every byte; a server that sends one now and then would
    never be left otherwise.

    Parameters
    ----------
    seconds : float
    """

    _current = threading.local()

    def __init__(self, seconds: float) -> None:
        self.expired = False
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True

    def __enter__(self) -> TimeLimit:
        TimeLimit._current.limit = self
        self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        TimeLimit._current.limit = None
        self._timer.cancel()
        with self._lock:
            self._socket = None

    @classmethod
    def watch(cls, connected: socket.socket | None) -> None:
        """Take the socket that this thread waits for."""
        limit: TimeLimit | None = getattr(cls._current, "limit", None)
        if limit is not None:
            with limit._lock:
                limit._socket = connected
            if limit.expired:
                limit._end()

    def _end(self) -> None:
        with self._lock:
            self.expired = True
            if self._socket is not None:
                with suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)


class _Timed:
    """What connections with and without TLS, and those to proxies, do besides."""

    twin: socket.socket | None = None

    def _new_conn(self) -> socket.socket:
        connected: socket.socket = super()._new_conn()  # type: ignore[misc]
        try:
            self._look_at(connected)
            self.twin = connected.dup()  # TLS takes the other one over
        except BaseException:
            connected.close()
            raise
        TimeLimit.watch(self.twin)
        return connected

    def _look_at(self, connected: socket.socket) -> None:
        """Refuse a connection."""

    def request(self, *arguments: Any, **options: Any) -> Any:
        """Send a request; the socket may be one of before."""
        TimeLimit.watch(self.twin)
        return super().request(*arguments, **options)  # type: ignore[misc]

    def close(self) -> None:
        """Close the socket and its twin."""
        super().close()  # type: ignore[misc]
        twin, self.twin = self.twin, None
        if twin is not None:
            twin.close()


class _Checked(_Timed):
    """What connections that no proxy makes do besides."""

    hosts: Hosts
    host: str
    port: int

    def _new_conn(self) -> socket.socket:
        check_name(self.hosts, self.host, self.port)
        return super()._new_conn()

    def _look_at(self, connected: socket.socket) -> None:
        _check(self.hosts, self.host, self.port, connected.getpeername()[0])


class _CheckedHttp(_Checked, HTTPConnection):
    pass


class _CheckedHttps(_Checked, HTTPSConnection):
    pass


class _TimedHttp(_Timed, HTTPConnection):
    pass


class _TimedHttps(_Timed, HTTPSConnection):
    pass


def check_name(hosts: Hosts, host: str, port: int) -> None:
    """Refuse a name that leads to a private address before anything is connected to.

    Raises
    ------
    FetchError
    """
    bare = host.strip("[]")
    if hosts.is_named(bare, port):
        return
    try:
        found = socket.getaddrinfo(bare, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return  # told when it is connected to
    for *_, place in found:
        _check(hosts, bare, port, str(place[0]))


def _check(hosts: Hosts, host: str, port: int, ip: str) -> None:
    reason = hosts.check(host.strip("[]"), port, ip)
    if reason:
        raise FetchError(
            host.strip("[]"),
            f"leads to the {reason} address {ip}, and nobody but a document names this host; "
            f"if it is meant, allow it: --allow-host {host} (WebSettings.allow_hosts)",
        )


class CheckedAdapter(HTTPAdapter):
    """Makes connections that are checked; see `Hosts`.

    Parameters
    ----------
    hosts : Hosts
    """

    def __init__(self, hosts: Hosts) -> None:
        self._hosts = hosts
        super().__init__(pool_connections=_POOLS, pool_maxsize=_CONNECTIONS, max_retries=0)

    def init_poolmanager(
        self, connections: int, maxsize: int, block: bool = False, **options: Any
    ) -> None:
        """Make the pools with connections of our own."""
        manager = urllib3.PoolManager(connections, maxsize=maxsize, block=block, **options)
        manager.pool_classes_by_scheme = {
            "http": _pool(HTTPConnectionPool, _CheckedHttp, self._hosts),
            "https": _pool(HTTPSConnectionPool, _CheckedHttps, self._hosts),
        }
        self.poolmanager = manager

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """Make the pools of a proxy with connections that end in time."""
        manager = super().proxy_manager_for(proxy, **options)
        if type(manager) is urllib3.ProxyManager:  # those of SOCKS connect in their own way
            manager.pool_classes_by_scheme = {"http": _TimedPool, "https": _TimedTlsPool}
        return manager

    def send(self, request: requests.PreparedRequest, *rest: Any, **options: Any) -> Any:
        """Send a request; a proxy connects where we cannot look, so that we look before."""
        proxies = options.get("proxies", rest[4] if len(rest) > 4 else None)
        if select_proxy(str(request.url), proxies):
            address = read_address(str(request.url), is_base=False)
            check_name(self._hosts, address.host, address.port)
        return super().send(request, *rest, **options)


class _TimedPool(HTTPConnectionPool):
    ConnectionCls = _TimedHttp


class _TimedTlsPool(HTTPSConnectionPool):
    ConnectionCls = _TimedHttps


def _pool(kind: type, connection: type, hosts: Hosts) -> type:
    """Make a class of connection pools that knows the hosts."""
    checked = type(connection.__name__, (connection,), {"hosts": hosts})
    return type(kind.__name__, (kind,), {"ConnectionCls": checked})
