"""Cache: answers of servers kept in a folder, within a bound, shared by processes.

An entry is one file: a line that says what follows, with a checksum, and the body. It is written
under another name and then renamed, so that nobody ever sees a part of one; whatever is damaged
counts as absent. What was used longest ago is dropped first.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import orjson

from imageregion.errors import InputError

__all__ = ["Cached", "ResponseCache", "answer_key"]

_FORMAT = "imageregion answer 1"
_LONGEST_LINE = 16 * 1024
_ROOM = 0.9  # of the bound: how much is left when entries are dropped
_OLD = 3600.0  # seconds after which a file half-written by a process that died is removed
_SUFFIX, _PREFIX, _UNDONE = ".answer", ".imageregion-", ".part"
_ENTRY = re.compile(r"[0-9a-f]{40}\.answer")
_LOOKS = 20  # how often the folder is looked through while others may fill it as well


@dataclass(frozen=True, slots=True)
class Cached:
    """An answer: content type and body."""

    content_type: str
    body: bytes


def answer_key(url: str, sent: Mapping[str, str], most: int | None = None) -> str:
    """Return what an answer depends on; secrets only as a hash.

    Parameters
    ----------
    url : str
    sent : mapping
        Head of the request.
    most : int, optional
        How many bytes of the answer are read, if not all.
    """
    secret = {k: v for k, v in sorted(sent.items()) if k not in ("User-Agent", "Accept")}
    who = hashlib.sha256(orjson.dumps(secret)).hexdigest()
    parts = [url, sent.get("Accept", ""), who]
    return "\n".join(parts if most is None else [*parts, f"first {most}"])


class ResponseCache:
    """Keeps answers in a folder; safe for threads and processes.

    Parameters
    ----------
    folder : Path
        Made when absent, readable for its owner alone.
    limit : int
        Bytes of all entries together.

    Raises
    ------
    InputError
        When the folder cannot be made, or holds files that are no entries.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     cache = ResponseCache(Path(folder, "web"), 10_000)
    ...     cache.put("key", Cached("text/plain", b"abc"))
    ...     cache.get("key"), cache.get("other")
    (Cached(content_type='text/plain', body=b'abc'), None)
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder, self.limit = folder, limit
        self._lock = threading.Lock()
        self._used: int | None = None
        self._added = 0  # bytes since the folder was looked through
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.scandir(folder) as listing:
                foreign = next((one for one in listing if not _is_ours(one.name)), None)
        except OSError as error:
            raise InputError(f"cache {folder}: {error.strerror or error}") from None
        if foreign is not None:
            raise InputError(f"cache {folder}: it holds {foreign.name!r}, expected a new folder")

    def get(self, key: str, seconds: float | None = None) -> Cached | None:
        """Return an answer, None where there is none, or it is damaged or older than so long."""
        path = self._path(key)
        try:
            with _opened(path) as file:
                about = orjson.loads(file.readline(_LONGEST_LINE))
                body = file.read(self.limit)
            if about["format"] != _FORMAT or about["key"] != key:
                return None
            if about["sum"] != _sum(body):
                return None
            age = time.time() - about["time"]
            if seconds is not None and not 0 <= age < seconds:
                return None
            content_type = about["type"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        with suppress(OSError):  # what was used is not dropped soon
            os.utime(path)
        return Cached(content_type, body) if isinstance(content_type, str) else None

    def put(self, key: str, answer: Cached) -> None:
        """Keep an answer in one step; what cannot be written is not kept."""
        line = {"format": _FORMAT, "key": key, "type": answer.content_type}
        about = orjson.dumps(line | {"time": time.time(), "sum": _sum(answer.body)})
        size = len(about) + 1 + len(answer.body)
        if size > self.limit // 4 or len(about) >= _LONGEST_LINE:
            return
        temporary = ""
        try:
            with tempfile.NamedTemporaryFile(
                dir=self.folder, prefix=_PREFIX, suffix=_UNDONE, delete=False
            ) as file:
                temporary = file.name
                file.write(about + b"\n")
                file.write(answer.body)
            os.replace(temporary, self._path(key))
        except OSError:
            if temporary:
                with suppress(OSError):
                    os.unlink(temporary)
            return
        self._make_room(size)

    def _path(self, key: str) -> Path:
        return self.folder / f"{hashlib.blake2b(key.encode(), digest_size=20).hexdigest()}{_SUFFIX}"

    def _make_room(self, added: int) -> None:
        """Drop what was used longest ago; the folder is looked through only when it may be full.

        Other processes may write to it, too, so that after a while nobody knows how full it is.
        """
        with self._lock:
            self._added += added
            may_be_full = self._used is None or self._used + self._added > self.limit
            if not may_be_full and self._added <= self.limit // _LOOKS:
                return
            self._added = 0
            entries = self._entries()
            used = sum(size for _, size, _ in entries)
            for _, size, path in sorted(entries) if used > self.limit else ():
                if used <= _ROOM * self.limit:
                    break
                with suppress(OSError):
                    os.unlink(path)
                used -= size
            self._used = used

    def _entries(self) -> list[tuple[float, int, str]]:
        """Return time of use, size and path of every entry; remove what was left half-written."""
        found = []
        now = time.time()
        with suppress(OSError), os.scandir(self.folder) as listing:
            for one in listing:
                with suppress(OSError):
                    status = one.stat()
                    if _ENTRY.fullmatch(one.name):
                        found.append((status.st_mtime, status.st_size, one.path))
                    elif _is_undone(one.name) and now - status.st_mtime > _OLD:
                        os.unlink(one.path)
        return found


def _is_ours(name: str) -> bool:
    return _ENTRY.fullmatch(name) is not None or _is_undone(name)


def _is_undone(name: str) -> bool:
    return name.startswith(_PREFIX) and name.endswith(_UNDONE)


def _opened(path: Path) -> BinaryIO:
    """Open a file to read it; whatever else has its name is an error, and waits for nobody."""
    number = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    if stat.S_ISREG(os.fstat(number).st_mode):
        return os.fdopen(number, "rb")
    os.close(number)
    raise OSError(f"{path} is no file")


def _sum(body: bytes) -> str:
    return hashlib.blake2b(body, digest_size=16).hexdigest()
