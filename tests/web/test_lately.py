"""Whole objects that are asked for by several threads at the same time are fetched once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from imageregion.dicom.web import lately
from imageregion.dicom.web.keys import Key
from imageregion.dicom.web.lately import Lately

PATIENCE = 5.0  # seconds until a test fails that waits for another thread
KEY = Key("1.2", "1.2.3", "1.2.3.4")


def test_one_fetches_while_others_wait() -> None:
    kept, fetched, go = Lately(), [], threading.Event()

    def fetch() -> bytes:
        fetched.append(1)
        assert go.wait(PATIENCE)
        return b"object"

    with ThreadPoolExecutor(4) as pool:
        found = [pool.submit(kept.get, KEY, fetch) for _ in range(4)]
        other = Key("1.2", "1.2.3", "1.2.3.5")
        assert kept.get(other, lambda: b"other") == b"other"  # is not kept waiting
        go.set()
        assert {one.result() for one in found} == {b"object"}
    assert len(fetched) == 1


def test_after_a_failure_the_next_one_tries() -> None:
    kept = Lately()
    with pytest.raises(OSError, match="broken"):
        kept.get(KEY, lambda: (_ for _ in ()).throw(OSError("broken")))
    assert kept.get(KEY, lambda: b"object") == b"object"


def test_only_some_bytes_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lately, "_KEPT_BYTES", 10)
    kept, fetched = Lately(), []
    keys = [Key("1.2", "1.2.3", f"1.2.3.{n}") for n in range(4)]
    for key in (*keys, *keys[:2], *keys[2:]):
        kept.get(key, lambda key=key: fetched.append(key) or b"12345")  # type: ignore[misc, func-returns-value]
    assert fetched == [*keys, *keys]  # two of five bytes each are kept, never those asked for next
    kept.get(keys[3], lambda: pytest.fail("it is kept"))
