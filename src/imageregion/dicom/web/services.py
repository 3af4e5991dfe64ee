"""Services: what servers are asked for, through dicomweb-client or by plain URLs.

`WadoRs` speaks the RESTful services (DICOM PS3.18 10.4): metadata, single frames, whole objects and
bulk data. `WadoUri` speaks the older URI service (PS3.18 9), which has whole objects alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit

from dicomweb_client.api import DICOMwebClient

from imageregion.dicom.web.addresses import Address, rebased, shown
from imageregion.dicom.web.answers import Answer
from imageregion.dicom.web.bodies import parts_of, start_of
from imageregion.dicom.web.failures import FetchError
from imageregion.dicom.web.keys import Key
from imageregion.dicom.web.lately import Lately
from imageregion.dicom.web.metadata import first_value
from imageregion.dicom.web.received import (
    check_object,
    is_asked_for,
    is_whole_frame,
    is_whole_object,
)
from imageregion.dicom.web.session import WebSession
from imageregion.dicom.web.syntaxes import syntax_of
from imageregion.errors import ImageRegionError

__all__ = ["Service", "WadoRs", "WadoUri"]

_REFUSED = frozenset({400, 404, 405, 406, 415, 500, 501})  # what servers say to an unknown form
_FRAME_TYPES: tuple[Any, ...] = (
    (("application/octet-stream", "*"),),  # as stored, by most servers
    (("*/*", "*"),),
    ("application/octet-stream",),  # decoded by the server
)
_STORED = 2  # of these, those that leave a frame as it is
_OBJECT_TYPES = (
    'multipart/related; type="application/dicom"; transfer-syntax=*',
    'multipart/related; type="application/dicom"',
    "application/dicom",
)
_BULK_TYPES = (
    'multipart/related; type="application/octet-stream"',
    "application/octet-stream",
)
_FRAME_ROOM = 2**20  # bytes that a frame may have beyond twice its size uncompressed
_HOPELESS = 2  # instances whose frames were not to be had before others are not asked for


class Service(Protocol):
    """A place where instances are."""

    session: WebSession

    def fetch_frame(
        self, key: Key, number: int, as_stored: bool, size: int
    ) -> tuple[bytes, str] | None:
        """Return an encoded frame, by its number from 1, and its transfer syntax; None if none."""

    def fetch_object(self, key: Key) -> bytes:
        """Return a DICOM file."""


class WadoRs:
    """A DICOMweb service.

    Parameters
    ----------
    session : WebSession
    address : Address
        Of the base, below which there is ``/studies``.
    """

    def __init__(self, session: WebSession, address: Address) -> None:
        self.session, self.address = session, address
        self._client = DICOMwebClient(address.base, session=session, permissive_uid=True)
        self._client.set_http_retry_params(retry=False)  # the session does that
        self._lately = Lately()
        self._form = 0  # of `_FRAME_TYPES`, the one that the server took last
        self._given = False
        self._refused: set[Key] = set()

    def __reduce__(self) -> tuple[type[WadoRs], tuple[WebSession, Address]]:
        return WadoRs, (self.session, self.address)

    def fetch_metadata(self, study: str, series: str = "", instance: str = "") -> list[Any]:
        """Return DICOM JSON of all instances of a study, of a series, or of one instance.

        Raises
        ------
        FetchError
        """
        uids = (study, series, instance)
        keeps = self.session.expecting(lambda answer: is_asked_for(answer.parse(), *uids))
        with self._understood(), keeps:
            if instance:
                return [self._client.retrieve_instance_metadata(study, series, instance)]
            if series:
                return list(self._client.retrieve_series_metadata(study, series))
            return list(self._client.retrieve_study_metadata(study))

    def find_instance(self, study: str, instance: str) -> tuple[str, str]:
        """Ask which study and series an instance is in (QIDO-RS); empty where nobody knows.

        Raises
        ------
        FetchError
            For other reasons than that the server has no search.
        """
        filters = {"SOPInstanceUID": instance}
        try:
            with self._understood():
                search = self._client.search_for_instances
                found = search(study or None, limit=2, search_filters=filters)
                known = {
                    (first_value(one, "0020000D") or study, first_value(one, "0020000E"))
                    for one in found
                    if first_value(one, "00080018") == instance
                }
        except FetchError as error:
            if error.status in (*_REFUSED, 204):
                return "", ""
            raise
        return known.pop() if len(known) == 1 else ("", "")

    def fetch_frame(
        self, key: Key, number: int, as_stored: bool, size: int
    ) -> tuple[bytes, str] | None:
        """Return a frame in the encoding it is stored in, or else decoded by the server.

        Parameters
        ----------
        key : Key
        number : int
            From 1.
        as_stored : bool
            Do not ask the server to decode it.
        size : int
            Bytes of a frame that is not compressed; no encoding has twice as many.

        Raises
        ------
        FetchError
            For other reasons than that there are no single frames.
        """
        hopeless = not self._given and len(self._refused) >= _HOPELESS
        if hopeless or key in self._refused:
            return None
        forms = range(_STORED if as_stored else len(_FRAME_TYPES))
        for form in sorted(forms, key=lambda form: form != self._form):
            try:
                found = self._frame(key, number, form, size)
            except FetchError as error:
                if error.status not in _REFUSED:
                    raise
                continue
            self._form, self._given = form, True
            return found
        self._refused.add(key)
        return None

    def _frame(self, key: Key, number: int, form: int, size: int) -> tuple[bytes, str]:
        expecting = self.session.expecting(
            lambda answer: is_whole_frame(*_only_frame(answer), size), 2 * size + _FRAME_ROOM
        )
        with self._understood(), expecting:
            uids = (key.study, key.series, key.instance)
            frames = self._client.retrieve_instance_frames(*uids, [number], _FRAME_TYPES[form])
        answer = self.session.answer
        if len(frames) != 1:
            where = shown(str(answer.url))
            raise FetchError(where, f"expected one frame, got {len(frames)}")
        return _only_frame(answer)

    def fetch_object(self, key: Key) -> bytes:
        """Return a DICOM file in the encoding it is stored in, if the server gives it.

        Raises
        ------
        FetchError
        """
        return self._lately.get(key, lambda: self._object(key))

    def _object(self, key: Key) -> bytes:
        url = self._url(key)
        with self.session.expecting(lambda answer: _is_whole(answer, key)):
            content = self._part(url, _OBJECT_TYPES)
        check_object(content, key, shown(url))
        return content

    def fetch_start(self, key: Key, most: int) -> tuple[bytes, bool]:
        """Return the first bytes of a DICOM file, and whether these are all.

        Parameters
        ----------
        key : Key
        most : int
            Bytes, or a few more.

        Raises
        ------
        FetchError
        """
        content = self._part(self._url(key), _OBJECT_TYPES, most)
        return content, len(self.session.answer.content) < most

    def _url(self, key: Key) -> str:
        url = f"{self.address.base}/studies/{key.study}/series/{key.series}"
        return f"{url}/instances/{key.instance}"

    def fetch_bulk(self, uri: str, at: Key) -> bytes:
        """Return bulk data by the URI that the metadata of an instance give.

        Raises
        ------
        FetchError
        """
        return self._part(rebased(uri, self.address.base, f"{self._url(at)}/"), _BULK_TYPES)

    def _part(self, url: str, types: tuple[str, ...], most: int | None = None) -> bytes:
        """Return the only part of an answer, in the first of some forms that the server has."""
        for accepted in types:
            try:
                answer = self.session.fetch(url, {"Accept": accepted}, most)
            except FetchError as error:
                if accepted == types[-1] or error.status not in (400, 406, 415, 501):
                    raise
                continue
            if most is not None:
                return start_of(answer.content_type, answer.content, shown(url))
            parts = parts_of(answer.content_type, answer.content, shown(url))
            if len(parts) != 1:
                raise FetchError(shown(url), f"expected one part, got {len(parts)}")
            return parts[0].content
        raise FetchError(shown(url), "nothing was asked for")

    @contextmanager
    def _understood(self) -> Iterator[None]:
        """Turn what dicomweb-client raises on odd answers into an error of ours."""
        try:
            yield
        except ImageRegionError:
            raise
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            message = f"the answer makes no sense: {reason}"
            raise FetchError(shown(self.address.base), message) from None


class WadoUri:
    """A service of the URI kind.

    Parameters
    ----------
    session : WebSession
    address : Address
    """

    def __init__(self, session: WebSession, address: Address) -> None:
        self.session, self.address = session, address
        self._lately = Lately()

    def __reduce__(self) -> tuple[type[WadoUri], tuple[WebSession, Address]]:
        return WadoUri, (self.session, self.address)

    def fetch_frame(self, key: Key, number: int, as_stored: bool, size: int) -> None:
        """Return None: the service gives single frames as pictures alone, not as values."""

    def fetch_object(self, key: Key) -> bytes:
        """Return a DICOM file; which encoding it has is up to the server.

        Raises
        ------
        FetchError
        """
        return self._lately.get(key, lambda: self._object(key))

    def _object(self, key: Key) -> bytes:
        asked = {
            "requestType": "WADO",
            "studyUID": key.study,
            "seriesUID": key.series,
            "objectUID": key.instance,
            "contentType": "application/dicom",
        }
        mark = "&" if urlsplit(self.address.base).query else "?"
        url = f"{self.address.base}{mark}{urlencode(asked, safe='/')}"
        with self.session.expecting(lambda answer: _is_whole(answer, key)):
            answer = self.session.fetch(url, {"Accept": "application/dicom"})
        content = parts_of(answer.content_type, answer.content, shown(url))[0].content
        check_object(content, key, shown(url))
        return content


def _only_frame(answer: Answer) -> tuple[bytes, str]:
    """Return the only frame of an answer, and its transfer syntax."""
    where = shown(str(answer.url))
    parts = parts_of(answer.content_type, answer.content, where)
    if len(parts) != 1:
        raise FetchError(where, f"expected one frame, got {len(parts)}")
    content = parts[0].content
    return content, syntax_of(parts[0].content_type, answer.content_type, content)


def _is_whole(answer: Answer, key: Key) -> bool:
    """Tell whether an answer is nothing but the whole object of an instance."""
    parts = parts_of(answer.content_type, answer.content, shown(str(answer.url)))
    return len(parts) == 1 and is_whole_object(parts[0].content, key)
