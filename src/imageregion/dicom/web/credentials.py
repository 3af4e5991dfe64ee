"""Credentials: which lines go into the head of a request, and to whom secrets are sent."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping

from imageregion._version import __version__
from imageregion.dicom.web.addresses import Address, Hosts
from imageregion.dicom.web.settings import WebSettings, header_line

__all__ = ["Credentials"]


class Credentials:
    """What the caller, URLs and FHIR Endpoints want in the head of requests.

    Parameters
    ----------
    settings : WebSettings
        Their token and headers go to hosts that the caller named.
    hosts : Hosts
        Which these are.

    Examples
    --------
    >>> from imageregion.dicom.web.addresses import read_address
    >>> credentials = Credentials(WebSettings(token="secret"), Hosts(("a.org",)))
    >>> "Authorization" in credentials.headers(read_address("https://a.org/rs"), {})
    True
    >>> "Authorization" in credentials.headers(read_address("https://b.org/rs"), {})
    False
    """

    def __init__(self, settings: WebSettings, hosts: Hosts) -> None:
        self._settings, self._hosts = settings, hosts
        self._users: dict[tuple[str, str, int], str] = {}
        self._own: dict[str, dict[str, str]] = {}

    def add_user(self, address: Address) -> None:
        """Take the user that stood in a URL of the caller."""
        if address.user is not None:
            pair = ":".join(address.user).encode()
            self._users[address.origin] = f"Basic {b64encode(pair).decode()}"

    def add_headers(self, address: Address, lines: tuple[str, ...]) -> None:
        """Take the lines that a FHIR Endpoint wants in the head of requests below it alone.

        Raises
        ------
        InputError
            When one cannot stand there.
        """
        own = dict(header_line(line) for line in lines)
        self._own[address.base] = self._own.get(address.base) or own

    def headers(
        self, address: Address, headers: Mapping[str, str], *, secrets: bool = True
    ) -> dict[str, str]:
        """Return the head of a request.

        Parameters
        ----------
        address : Address
        headers : mapping
            For this request.
        secrets : bool
            Whether anything else may go along.
        """
        sent = {"User-Agent": f"imageregion/{__version__}", "Accept-Encoding": "gzip"}
        sent |= self._below(address) if secrets else {}
        if secrets and self._hosts.is_trusted(address):
            if self._settings.token:
                sent["Authorization"] = f"Bearer {self._settings.token}"
            sent |= self._settings.headers
            user = self._users.get(address.origin)
            if user is not None:
                sent["Authorization"] = user
        return sent | dict(headers)

    def _below(self, address: Address) -> dict[str, str]:
        """Return what the endpoint wants that a URL is below; of several the longest."""
        url = address.base
        above = [
            base
            for base in self._own
            if url.startswith(base) and url[len(base) : len(base) + 1] in ("", "/", "?", "&")
        ]
        return self._own[max(above, key=len)] if above else {}
