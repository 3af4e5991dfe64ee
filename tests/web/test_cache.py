"""The cache: bounded, whole or absent, shared, and never of one user for another."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from tests.pacs import Pacs

from imageregion import Images, InputError
from imageregion.access import open_images
from imageregion.dicom.web.cache import Cached, ResponseCache
from imageregion.dicom.web.settings import WebSettings


def opened(pacs: Pacs, folder: Path, **changes: Any) -> Images:
    web = WebSettings(cache=folder, **changes)
    images = open_images(f"{pacs.url}/studies/1.2", web=web)
    images.frames[0].load()
    return images


def test_the_second_time_nothing_is_asked(pacs: Pacs, tmp_path: Path) -> None:
    first = opened(pacs, tmp_path / "cache")
    assert len(pacs.requests) == 2
    second = opened(pacs, tmp_path / "cache")
    assert len(pacs.requests) == 2
    assert second.traffic is not None
    assert (second.traffic.requests, second.traffic.cached) == (0, 2)
    assert str(second.traffic).startswith("fetched 0 requests, 0 bytes, 2 more from the cache")
    assert first.frames[0].stored.tobytes() == second.frames[0].stored.tobytes()


def test_nobody_sees_what_somebody_else_may(pacs: Pacs, tmp_path: Path) -> None:
    opened(pacs, tmp_path, token="mine")
    opened(pacs, tmp_path, token="yours")
    assert len(pacs.requests) == 4
    opened(pacs, tmp_path, headers={"X-Key": "1"})
    assert len(pacs.requests) == 6
    opened(pacs, tmp_path, token="mine")
    assert len(pacs.requests) == 6
    text = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"mine" not in text


def test_metadata_grow_old_and_pixels_do_not(pacs: Pacs, tmp_path: Path) -> None:
    opened(pacs, tmp_path, metadata_seconds=0)
    opened(pacs, tmp_path, metadata_seconds=0)
    assert [path.rpartition("/")[2] for path in pacs.paths()] == ["metadata", "1", "metadata"]


def test_a_damaged_entry_is_fetched_again(pacs: Pacs, tmp_path: Path) -> None:
    whole = opened(pacs, tmp_path).frames[0].stored.tobytes()
    for path in tmp_path.iterdir():
        content = path.read_bytes()
        path.write_bytes(content[:-3] + b"xyz")
    assert opened(pacs, tmp_path).frames[0].stored.tobytes() == whole
    assert len(pacs.requests) == 4
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes()[:50])
    assert opened(pacs, tmp_path).frames[0].stored.tobytes() == whole
    assert len(pacs.requests) == 6


def test_failures_and_private_answers_are_not_kept(pacs: Pacs, tmp_path: Path) -> None:
    pacs.rule("metadata", lambda handler: handler.give(404))
    with pytest.raises(InputError):
        opened(pacs, tmp_path)
    assert not list(tmp_path.iterdir())
    body = b"[]"
    head = {"Cache_Control": "no-store"}
    pacs.rule("metadata", lambda h: h.give(200, body, "application/dicom+json", **head))
    with pytest.raises(InputError):
        opened(pacs, tmp_path)
    assert not list(tmp_path.iterdir())


def test_truncated_answers_are_not_kept(pacs: Pacs, tmp_path: Path) -> None:
    def cut(handler: Any) -> bool:
        handler.give(200, b"[{", "application/dicom+json", length="500")
        handler.close_connection = True
        return True

    pacs.rule("metadata", cut)
    with pytest.raises(InputError, match="truncated"):
        opened(pacs, tmp_path, retries=0)
    assert not list(tmp_path.iterdir())


def test_what_was_used_longest_ago_goes_first(tmp_path: Path) -> None:
    cache = ResponseCache(tmp_path, 100_000)
    body = Cached("x/y", b"." * 9_000)
    for number in range(10):
        cache.put(str(number), body)
        used = time.time() - 1000 + number
        os.utime(cache._path(str(number)), (used, used))
    assert cache.get("0") == body  # used now
    cache.put("new", body)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 100_000
    assert cache.get("0") == body
    assert cache.get("new") == body
    assert cache.get("1") is None


def test_too_large_for_the_cache(tmp_path: Path) -> None:
    cache = ResponseCache(tmp_path, 1000)
    cache.put("a", Cached("x", b"." * 999))
    assert cache.get("a") is None
    assert not list(tmp_path.iterdir())


def test_what_a_process_left_behind_is_removed(tmp_path: Path) -> None:
    left, fresh = tmp_path / ".imageregion-old.part", tmp_path / ".imageregion-new.part"
    left.write_bytes(b"half")
    fresh.write_bytes(b"half")
    os.utime(left, (1, 1))
    ResponseCache(tmp_path, 1000).put("a", Cached("x", b"."))
    assert not left.exists()
    assert fresh.exists()


@pytest.mark.parametrize("name", [".bashrc", ".tmp1", "survey.answer", ".imageregion-notes"])
def test_files_of_others_stay(name: str, tmp_path: Path) -> None:
    cache = ResponseCache(tmp_path, 2_000)
    theirs = tmp_path / name
    theirs.write_bytes(b"." * 1_000)
    os.utime(theirs, (1, 1))
    for number in range(10):
        cache.put(str(number), Cached("x", b"." * 200))
    assert theirs.exists()
    with pytest.raises(InputError, match="expected a new folder"):
        ResponseCache(tmp_path, 2_000)
    assert theirs.exists()


def test_several_that_fill_one_folder(tmp_path: Path) -> None:
    caches = [ResponseCache(tmp_path, 100_000) for _ in range(4)]
    for number in range(80):
        caches[number % 4].put(str(number), Cached("x", b"." * 2_000))
    # each may add a twentieth of the bound, and one entry, before it looks again
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 100_000 + 4 * 7_500


def test_an_entry_that_is_no_file(tmp_path: Path) -> None:
    cache = ResponseCache(tmp_path, 1_000)
    os.mkfifo(cache._path("a"))
    cache._path("b").mkdir()
    found: list[Any] = []
    thread = Thread(target=lambda: found.extend(map(cache.get, "ab")), daemon=True)
    thread.start()
    thread.join(5)
    assert found == [None, None]


def test_a_folder_of_other_things_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.doc").write_text("x")
    with pytest.raises(InputError, match=r"thesis\.doc"):
        ResponseCache(tmp_path, 1000)
    with pytest.raises(InputError, match="cache"):
        ResponseCache(tmp_path / "thesis.doc", 1000)


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    cache = ResponseCache(tmp_path / "gone", 1000)
    (tmp_path / "gone").rmdir()
    cache.put("a", Cached("x", b"."))
    assert cache.get("a") is None


def test_only_its_owner_may_look(tmp_path: Path) -> None:
    ResponseCache(tmp_path / "new", 1000)
    assert (tmp_path / "new").stat().st_mode & 0o077 == 0


def test_many_threads(tmp_path: Path) -> None:
    cache = ResponseCache(tmp_path, 50_000)
    wrong: list[str] = []

    def work(seed: int) -> None:
        for number in range(60):
            key = str((number * seed) % 17)
            cache.put(key, Cached("x/y", key.encode() * 2000))
            found = cache.get(key)
            if found is not None and found.body != key.encode() * 2000:
                wrong.append(key)

    threads = [Thread(target=work, args=(seed,)) for seed in (1, 2, 3, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 50_000 + 20_000


CODE = """
import sys
from pathlib import Path
from imageregion.dicom.web.cache import Cached, ResponseCache
cache = ResponseCache(Path(sys.argv[1]), 40_000)
for number in range(150):
    key = str(number % 13)
    cache.put(key, Cached("x/y", key.encode() * 1500))
    found = cache.get(str((number * 7) % 13))
    assert found is None or found.body == str((number * 7) % 13).encode() * 1500
"""


def test_several_processes(tmp_path: Path) -> None:
    running = [
        subprocess.Popen([sys.executable, "-c", CODE, str(tmp_path)], stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    for process in running:
        assert process.communicate(timeout=60)[1] == b""
        assert process.returncode == 0
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
