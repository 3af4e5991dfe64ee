"""A real DICOMweb server for tests: Orthanc with its DICOMweb plugin, on loopback, in a folder.

``python tests/orthanc.py`` starts one, prints the URL of its DICOMweb service, and ends it when it
is told to end itself. Tests use the one that IMAGEREGION_ORTHANC names, or start one each process.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

PROGRAMS = ("Orthanc", "/usr/sbin/Orthanc", "/usr/bin/Orthanc")
PLUGINS = (
    "/usr/share/orthanc/plugins/libOrthancDicomWeb.so",
    "/usr/lib/orthanc/plugins/libOrthancDicomWeb.so",
    "/usr/local/share/orthanc/plugins/libOrthancDicomWeb.so",
)
PATIENCE = 20.0  # seconds to start
VARIABLE = "IMAGEREGION_ORTHANC"


class AbsentError(Exception):
    """There is no Orthanc, or it does not start; says why."""


class Orthanc:
    """A server that runs.

    Parameters
    ----------
    url : str
        Base of its DICOMweb service.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    @property
    def wado_uri(self) -> str:
        """The service of the URI kind."""
        return self.url.rpartition("/")[0] + "/wado"

    def store(self, files: Iterable[Path]) -> None:
        """Send files by STOW-RS; those that are there already stay."""
        paths = list(files)
        boundary = uuid.uuid4().hex
        parts = b"".join(
            b"--%b\r\nContent-Type: application/dicom\r\n\r\n%b\r\n"
            % (boundary.encode(), path.read_bytes())
            for path in paths
        )
        request = urllib.request.Request(
            f"{self.url}/studies",
            parts + b"--%b--" % boundary.encode(),
            {
                "Content-Type": f'multipart/related; type="application/dicom"; boundary={boundary}',
                "Accept": "application/dicom+json",
            },
            method="POST",
        )
        with urllib.request.urlopen(request, timeout=120) as response:
            answer = json.load(response)
        stored = answer.get("00081199", {}).get("Value", [])
        assert len(stored) == len(paths), answer


@contextlib.contextmanager
def running() -> Iterator[Orthanc]:
    """Start a server, and end it.

    Raises
    ------
    AbsentError
    """
    program = next((found for name in PROGRAMS if (found := shutil.which(name))), None)
    plugin = next((path for path in PLUGINS if Path(path).exists()), None)
    if program is None or plugin is None:
        what = "Orthanc" if program is None else "its DICOMweb plugin"
        raise AbsentError(f"{what} is not installed (Debian: orthanc orthanc-dicomweb)")
    with tempfile.TemporaryDirectory(prefix="imageregion-orthanc-") as folder:
        port = _free_port()
        configuration = Path(folder, "orthanc.json")
        configuration.write_text(json.dumps(_configuration(folder, plugin, port)))
        with Path(folder, "log").open("wb") as log:
            process = subprocess.Popen(
                [program, str(configuration)],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                preexec_fn=_die_with(os.getpid()),  # noqa: PLW1509  it calls the system alone
            )
        try:
            _wait(process, port, Path(folder, "log"))
            yield Orthanc(f"http://127.0.0.1:{port}/dicom-web")
        finally:
            process.kill()  # nothing of it is kept, and it takes seconds to end by itself
            process.wait()


def _die_with(parent: int) -> Callable[[], None] | None:
    """Return what a child does so that it ends whenever its parent does, by Linux alone."""
    if not sys.platform.startswith("linux"):
        return None
    control = ctypes.CDLL(None).prctl

    def tied() -> None:
        control(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        if os.getppid() != parent:
            os._exit(1)

    return tied


def _configuration(folder: str, plugin: str, port: int) -> dict[str, object]:
    """Return as little as possible; nobody but this machine may ask."""
    return {
        "Name": "imageregion tests",
        "StorageDirectory": f"{folder}/storage",
        "IndexDirectory": f"{folder}/storage",
        "Plugins": [plugin],
        "HttpPort": port,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "DicomServerEnabled": False,
        "OverwriteInstances": False,
        "ConcurrentJobs": 1,
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/", "EnableWado": True},
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError):
            url = f"http://127.0.0.1:{port}/dicom-web/studies?limit=1"
            with urllib.request.urlopen(url, timeout=1):
                return
        time.sleep(0.05)
    lines = log.read_text(errors="replace").splitlines()
    raise AbsentError(f"Orthanc does not start: {lines[-1] if lines else 'it says nothing'}")


def main() -> int:
    """Run a server until told to end."""
    ended, parent = threading.Event(), os.getppid()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: ended.set())
    try:
        with running() as server:
            print(server.url, flush=True)
            while not ended.wait(1) and os.getppid() == parent:  # nor outlive whoever started it
                pass
    except AbsentError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
