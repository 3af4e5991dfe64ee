"""Addresses: URLs that may be asked, what they name, and which network addresses they may reach.

A host is named by the caller when its URL was given as the source, or among the hosts allowed.
Hosts that merely stand in a document, in metadata or in a redirect are not: they must not lead
into private networks, and never get credentials.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field, replace
from urllib.parse import SplitResult, unquote, urljoin, urlsplit, urlunsplit

from imageregion.errors import InputError

__all__ = ["Address", "Hosts", "is_url", "private_reason", "read_address", "rebased", "shown"]

_PORTS = {"http": 80, "https": 443}
_LONGEST = 4096
_UID = r"[0-9]+(?:\.[0-9]+)*"
_RESOURCE = re.compile(
    rf"/(?:studies|study)(?:/(?P<study>{_UID})"
    rf"(?:/series(?:/(?P<series>{_UID})(?:/instances?(?:/(?P<instance>{_UID})"
    r"(?:/frames(?:/[0-9,]+)?)?)?)?)?)?(?:/(?:metadata|rendered|thumbnail|bulkdata))?)?/*$",
    re.IGNORECASE,
)
_LEVELS = ("study", "series", "instance")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_HOST = re.compile(r"[A-Za-z0-9_.-]{1,253}|[0-9A-Fa-f:.]{2,45}")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Address:
    """A URL taken apart.

    Parameters
    ----------
    base : str
        Of the service, without trailing slash, ``/studies/...``, user and fragment.
    scheme, host : str
        In lower case; the host of an IPv6 address without brackets.
    port : int
    study, series, instance : str
        UIDs that the URL named behind the base; empty where it did not.
    user : tuple of str, optional
        User name and password that stood in it.
    named : bool
        Whether the caller named it.
    """

    base: str
    scheme: str
    host: str
    port: int
    study: str = ""
    series: str = ""
    instance: str = ""
    user: tuple[str, str] | None = field(default=None, repr=False)
    named: bool = False

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port: what redirects stay on."""
        return self.scheme, self.host, self.port


def is_url(source: object) -> bool:
    """Whether something is text that begins like a URL of any kind.

    Examples
    --------
    >>> is_url("https://pacs.example.org/rs"), is_url("scans/1.dcm"), is_url("ftp://a.org")
    (True, False, True)
    """
    return isinstance(source, str) and _SCHEME.match(source.strip()) is not None


def read_address(url: str, *, named: bool = False, is_base: bool = True) -> Address:
    """Take a URL apart.

    Parameters
    ----------
    url : str
    named : bool
        Whether the caller named it.
    is_base : bool
        Take off ``/studies/...`` and trailing slashes.

    Raises
    ------
    InputError
        When it is no URL of http or https that a request can be sent to.

    Examples
    --------
    >>> address = read_address("https://pacs.example.org/rs/studies/1.2.3/series/1.2.3.4/")
    >>> address.base, address.study, address.series
    ('https://pacs.example.org/rs', '1.2.3', '1.2.3.4')
    """
    text = url.strip()
    parts = _split(text)
    host, port = _host_and_port(parts, text)
    address = Address("", parts.scheme.lower(), host, port, named=named)
    if parts.username is not None or parts.password is not None:
        user = unquote(parts.username or ""), unquote(parts.password or "")
        if any(ord(letter) < 32 or letter == ":" for letter in user[0]) or "\n" in user[1]:
            raise InputError(f"{shown(text)}: user name or password cannot be sent")
        address = replace(address, user=user)
    path, query = parts.path, parts.query
    if is_base:
        if query:
            raise InputError(f"{shown(text)}: expected the base of a service, without parameters")
        found = _RESOURCE.search(path)
        if found:
            path = path[: found.start()]
            study, series, instance = (found[name] or "" for name in _LEVELS)
            if max(map(len, (study, series, instance))) > 64:
                raise InputError(f"{shown(text)}: a UID has more than 64 characters")
            address = replace(address, study=study, series=series, instance=instance)
        path = path.rstrip("/")
    netloc = f"[{host}]" if ":" in host else host
    netloc += "" if port == _PORTS[address.scheme] else f":{port}"
    return replace(address, base=urlunsplit((address.scheme, netloc, path, query, "")))


def _split(text: str) -> SplitResult:
    if len(text) > _LONGEST:
        raise InputError(f"a URL of {len(text)} characters is too long")
    if not text.isascii() or any(ord(letter) <= 32 or letter in '\\"<>^`{|}' for letter in text):
        raise InputError(f"{shown(text)}: blanks and special characters must be %-encoded in a URL")
    try:
        parts = urlsplit(text)
    except ValueError as error:
        raise InputError(f"{shown(text)}: this is no URL: {error}") from None
    if parts.scheme.lower() not in _PORTS:
        raise InputError(f"{shown(text)}: expected http:// or https://")
    return parts


def _host_and_port(parts: SplitResult, text: str) -> tuple[str, int]:
    try:
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError as error:
        raise InputError(f"{shown(text)}: this is no URL: {error}") from None
    if not _HOST.fullmatch(host) or port == 0:
        raise InputError(f"{shown(text)}: expected a host name in the URL")
    return host.lower(), port or _PORTS[parts.scheme.lower()]


def shown(url: str) -> str:
    """Return a URL for messages: without user, password and parameters, and not too long.

    Examples
    --------
    >>> shown("https://me:secret@pacs.example.org/rs?token=1")
    'https://pacs.example.org/rs'
    """
    text = "".join(letter if letter.isprintable() else "?" for letter in url)
    scheme, mark, rest = text.partition("://")
    place = re.split(r"[?#]", rest if mark else scheme, maxsplit=1)[0]
    netloc, slash, path = place.partition("/")
    netloc = netloc.rpartition("@")[2]
    text = (f"{scheme}://" if mark else "") + netloc + slash + path
    return text if len(text) <= 300 else f"{text[:300]}..."


class Hosts:
    """Which hosts the caller named.

    Parameters
    ----------
    allowed : iterable of str
        "name" or "name:port".
    """

    def __init__(self, allowed: tuple[str, ...] = ()) -> None:
        self._allowed = {_bare(name) for name in allowed}
        self._origins: set[tuple[str, int]] = set()
        self._schemes: dict[tuple[str, int], set[str]] = {}

    def name(self, address: Address) -> None:
        """Note a host that was named in a URL."""
        place = (address.host, address.port)
        self._origins.add(place)
        self._schemes.setdefault(place, set()).add(address.scheme)

    def is_trusted(self, address: Address) -> bool:
        """Whether secrets may be sent: to named hosts, in clear text only if named so.

        Examples
        --------
        >>> hosts = Hosts()
        >>> hosts.name(read_address("https://pacs.example.org:8443/rs"))
        >>> hosts.is_trusted(read_address("http://pacs.example.org:8443/rs"))
        False
        """
        named = self._schemes.get((address.host, address.port), set())
        if address.scheme == "http" and named == {"https"}:
            return False
        return self.is_named(address.host, address.port)

    def is_named(self, host: str, port: int) -> bool:
        """Whether the caller named a host, with this port or with none.

        Examples
        --------
        >>> hosts = Hosts(("pacs", "[::1]:8042"))
        >>> hosts.is_named("pacs", 80), hosts.is_named("::1", 8042), hosts.is_named("::1", 80)
        (True, True, False)
        """
        known = (host, port) in self._origins
        return known or host in self._allowed or f"{host}:{port}" in self._allowed

    def check(self, host: str, port: int, ip: str) -> str:
        """Return why an address may not be reached under the name of a host; empty if it may."""
        return "" if self.is_named(host, port) else private_reason(ip)


def _bare(name: str) -> str:
    """Take the brackets off an IPv6 address."""
    if name.startswith("["):
        host, _, rest = name[1:].partition("]")
        return host + rest
    return name


def private_reason(ip: str) -> str:
    """Say why a network address is none of the public internet; empty where it is.

    Examples
    --------
    >>> private_reason("169.254.169.254"), private_reason("::ffff:10.0.0.1")
    ('link-local', 'private')
    >>> private_reason("93.184.215.14")
    ''
    """
    try:
        address = ipaddress.ip_address(ip.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return private_reason(str(inner))
    kinds = (
        ("unspecified", address.is_unspecified),
        ("loopback", address.is_loopback),
        ("link-local", address.is_link_local),
        ("multicast", address.is_multicast),
        ("private", address.is_private),
        ("reserved", address.is_reserved or not address.is_global),
    )
    return next((name for name, found in kinds if found), "")


def rebased(uri: str, base: str, at: str) -> str:
    """Return where a bulk data URI is asked for: below the service that gave it.

    Servers behind proxies write the name they know themselves by; what follows ``/studies/`` is
    the same. Others are taken as they stand, relative ones from `at`.

    Examples
    --------
    >>> rebased("http://localhost:8042/rs/studies/1.2/bulk/1", "https://a.org/rs", "")
    'https://a.org/rs/studies/1.2/bulk/1'
    """
    whole = urljoin(at, uri.strip())
    parts, own = urlsplit(whole), urlsplit(base)
    if (parts.scheme, parts.netloc) == (own.scheme, own.netloc):
        return whole
    mark = parts.path.find("/studies/")
    query = f"?{parts.query}" if parts.query else ""
    return f"{base}{parts.path[mark:]}{query}" if mark >= 0 else whole
