"""A small DICOMweb server in this process, which can be told to misbehave in any way."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

Rule = Callable[["Handler"], bool]
"""Answers a request and returns True, or leaves it to others."""

_PATH = re.compile(
    r"/rs/studies/(?P<study>[0-9.]+)(/series/(?P<series>[0-9.]+))?"
    r"(/instances/(?P<instance>[0-9.]+))?(?P<rest>/.*)?"
)


class Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    protocol_version = "HTTP/1.1"
    pacs: Pacs

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Answer, by the first rule that does."""
        self.pacs.requests.append((self.path, dict(self.headers.items())))
        for pattern, rule in self.pacs.rules:
            if re.search(pattern, self.path) and rule(self):
                return
        self.pacs.answer(self)

    def give(
        self, status: int, body: bytes = b"", kind: str = "text/plain", **headers: str
    ) -> bool:
        """Send a whole answer."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", headers.pop("length", str(len(body))))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)
        return True


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Clients go away in the middle on purpose."""


class Pacs:
    """A server with some images; `rules` come before what it would answer by itself."""

    def __init__(self) -> None:
        self.datasets: dict[str, Dataset] = {}
        self.rules: list[tuple[str, Rule]] = []
        self.requests: list[tuple[str, dict[str, str]]] = []
        handler = type("Handler", (Handler,), {"pacs": self})
        self._server = _Quiet(("127.0.0.1", 0), handler)
        self.port: int = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/rs"

    def __enter__(self) -> Pacs:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def rule(self, pattern: str, rule: Rule) -> None:
        """Let some requests be answered in another way."""
        self.rules.insert(0, (pattern, rule))

    def add(self, *datasets: Dataset) -> None:
        """Take images in."""
        for dataset in datasets:
            self.datasets[str(dataset.SOPInstanceUID)] = dataset

    def paths(self, part: str = "") -> list[str]:
        """Return what was asked for, if it contains something."""
        return [path for path, _ in self.requests if part in path]

    def answer(self, handler: Handler) -> None:
        """Answer as it should be."""
        url = urlsplit(handler.path)
        if url.path == "/wado":
            uid = parse_qs(url.query)["objectUID"][0]
            known = self.datasets.get(uid)
            content = b"" if known is None else _file(known)
            handler.give(200 if content else 404, content, "application/dicom")
            return
        found = _PATH.fullmatch(url.path)
        if url.path.endswith("/instances") and "SOPInstanceUID" in url.query:
            asked = parse_qs(url.query)["SOPInstanceUID"]
            chosen = [d for uid, d in self.datasets.items() if uid in asked]
            handler.give(200, _json(chosen), "application/dicom+json")
            return
        here = self._chosen(found) if found else []
        rest = (found["rest"] or "") if found else ""
        if not here:
            handler.give(404, b"not here")
        elif rest == "/metadata":
            handler.give(200, _json(here), "application/dicom+json")
        elif rest.startswith("/frames/"):
            number = int(rest.removeprefix("/frames/"))
            handler.give(*_multipart(_frame(here[0], number), "application/octet-stream"))
        else:
            handler.give(*_multipart(_file(here[0]), "application/dicom"))

    def _chosen(self, found: re.Match[str]) -> list[Dataset]:
        asked = (found["study"], found["series"], found["instance"])
        words = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
        return [
            dataset
            for dataset in self.datasets.values()
            if all(
                uid in (None, str(dataset[word].value))
                for uid, word in zip(asked, words, strict=True)
            )
        ]


def metadata(dataset: Dataset) -> dict[str, Any]:
    """Return the metadata of an image as DICOM JSON."""
    found: dict[str, Any] = dataset.to_json_dict(1 << 30)
    for tag in ("7FE00010", "7FE00008", "7FE00009"):
        if tag in found:
            found[tag] = {"vr": "OW", "BulkDataURI": f"bulk/{tag}"}
    return found


def multipart(*contents: bytes, kind: str, boundary: str = "x1y2") -> bytes:
    """Return a multipart message."""
    parts = [
        f"--{boundary}\r\nContent-Type: {kind}\r\n\r\n".encode() + one + b"\r\n" for one in contents
    ]
    return b"".join(parts) + f"--{boundary}--".encode()


def _multipart(content: bytes, kind: str) -> tuple[int, bytes, str]:
    head = f'multipart/related; type="{kind}"; boundary=x1y2'
    return 200, multipart(content, kind=kind), head


def _json(datasets: list[Dataset]) -> bytes:
    return json.dumps([metadata(dataset) for dataset in datasets]).encode()


def _file(dataset: Dataset) -> bytes:
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def _frame(dataset: Dataset, number: int) -> bytes:
    count = int(dataset.get("NumberOfFrames", 1) or 1)
    pixels: bytes = dataset.PixelData
    size = len(pixels) // count
    return pixels[(number - 1) * size : number * size]


def slices(count: int) -> list[Dataset]:
    """Return a series of CT slices, each of other pixels."""
    return [_slice(number) for number in range(count)]


def _slice(number: int) -> Dataset:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2", "1.2.3"
    dataset.SOPInstanceUID, dataset.FrameOfReferenceUID = f"1.2.3.{number + 1}", "1.2.9"
    dataset.Modality, dataset.PhotometricInterpretation = "CT", "MONOCHROME2"
    dataset.ImagePositionPatient = [-10.5, 20, 3.0 * number]
    dataset.ImageOrientationPatient, dataset.PixelSpacing = [1, 0, 0, 0, 1, 0], [2.0, 0.5]
    dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = 8, 10, 1
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 16, 15
    dataset.PixelRepresentation = 1
    dataset.RescaleSlope, dataset.RescaleIntercept = "0.1", "-1000.25"
    dataset.PixelData = (np.arange(80, dtype="<i2") * 7 + 1000 * number - 300).tobytes()
    dataset["PixelData"].VR = "OW"
    return dataset
