"""Real files, spoiled at random: opening and decoding them gives images or errors of our own.

Run: python -m tests.fuzz_dicom [--mutants 5000] [--seed 0] [--keep FOLDER]

Each mutant is opened and decoded by a process that may grow by 1 GB and think for some seconds;
what dies, hangs, asks for more, or raises anything that is no `ImageRegionError` is a finding.
Seed and number make the same mutant again.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import resource
import select
import struct
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import pydicom
from pydicom.data import get_testdata_file
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import RawDataElement

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("IMAGEREGION_DATA", ROOT.parent / "shared" / "data"))
COMMAND = [sys.executable, "-X", "faulthandler", "-m", "tests.fuzz_dicom", "--serve"]
GROWTH = 2**30  # bytes of address space beyond what the program itself takes
PATIENCE = 30.0  # seconds for one mutant; decoding a real one takes well below one
LARGEST = 8 * 2**20  # bytes of a file that is mutated
ABSURD = (
    *("Rows", "Columns", "NumberOfFrames", "SamplesPerPixel", "BitsAllocated", "BitsStored"),
    *("HighBit", "PixelRepresentation", "PlanarConfiguration", "PixelPaddingValue"),
    *("TotalPixelMatrixColumns", "TotalPixelMatrixRows", "TotalPixelMatrixFocalPlanes"),
    *("NumberOfOpticalPaths", "NumberOfSlices", "NumberOfTimeSlices", "PixelSpacing"),
    *("ImagePositionPatient", "ImageOrientationPatient", "RescaleSlope", "RescaleIntercept"),
    *("GridFrameOffsetVector", "LUTDescriptor", "DoseGridScaling", "RadionuclideTotalDose"),
    *("RadiopharmaceuticalStartTime", "PatientWeight", "SeriesTime", "WindowWidth"),
    *("RegionLocationMaxX1", "PhysicalDeltaX", "ImagerPixelSpacing", "PixelAspectRatio"),
    *("ColumnPositionInTotalImagePixelMatrix", "RowPositionInTotalImagePixelMatrix"),
    *("ImageType", "PhotometricInterpretation", "Modality", "SpecificCharacterSet"),
    *("TransferSyntaxUID", "SOPClassUID"),
)

Mutate = Callable[[random.Random, bytearray], None]


@dataclass(frozen=True)
class Element:
    """Where the value of an element is in a file."""

    tag: int
    start: int
    length: int
    width: int  # bytes of its length, just before


@lru_cache(4)
def elements(content: bytes) -> tuple[Element, ...]:
    """Find elements, outside of sequences and within them."""
    found: list[Element] = []

    def walk(dataset: pydicom.Dataset) -> None:
        for tag in sorted(dataset.keys()):
            raw: object = dataset.get_item(tag)
            if isinstance(raw, RawDataElement):
                vr = (raw.VR or "").encode()
                width = 2 if vr and vr not in LONG else 4
                found.append(Element(int(tag), raw.value_tell, raw.length, width))
            if dataset[tag].VR == "SQ":
                for item in dataset[tag].value or ():
                    walk(item)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            dataset = pydicom.dcmread(pydicom.filebase.DicomBytesIO(content), force=True)
            walk(dataset.file_meta)
            walk(dataset)
        except Exception:
            return tuple(found)
    return tuple(each for each in found if is_at_its_place(each, content))


def is_at_its_place(each: Element, content: bytes) -> bool:
    """Tell whether the length stands where it should; pydicom loses track in some sequences."""
    if not each.width < each.start < len(content):
        return False
    stated = int.from_bytes(content[each.start - each.width : each.start], "little")
    return stated in (each.length, 0xFFFFFFFF)


LONG = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())


def header_end(content: bytes) -> int:
    pixels = [e.start for e in elements(bytes(content)) if e.tag >> 16 == 0x7FE0]
    return max(200, min([*pixels, len(content)]))


def flip_header(rng: random.Random, content: bytearray) -> None:
    end = header_end(bytes(content))
    for _ in range(rng.randint(1, 12)):
        content[rng.randrange(min(128, end - 1), end)] ^= 1 << rng.randrange(8)


def flip_anywhere(rng: random.Random, content: bytearray) -> None:
    for _ in range(rng.randint(1, 40)):
        content[rng.randrange(len(content))] = rng.randrange(256)


def flip_first_pixels(rng: random.Random, content: bytearray) -> None:
    start = header_end(bytes(content))
    for _ in range(rng.randint(1, 12)):
        place = min(start + int(rng.expovariate(1 / 60)), len(content) - 1)
        content[place] = rng.choice((0, 255, rng.randrange(256)))


def truncate(rng: random.Random, content: bytearray) -> None:
    end = header_end(bytes(content)) if rng.random() < 0.6 else len(content)
    del content[rng.randrange(132, max(end, 133)) :]


def break_lengths(rng: random.Random, content: bytearray) -> None:
    found = elements(bytes(content))
    for each in rng.sample(found, min(len(found), rng.randint(1, 3))):
        value = rng.choice((0, 1, each.length + 2, each.length - 2, 0xFFFE, 0xFFFFFFFF, 0x7FFFFFFF))
        value = max(value, 0) & (0xFFFF if each.width == 2 else 0xFFFFFFFF)
        struct.pack_into("<H" if each.width == 2 else "<L", content, each.start - each.width, value)


def remove_elements(rng: random.Random, content: bytearray) -> None:
    found = elements(bytes(content))
    chosen = rng.sample(found, min(len(found), rng.randint(1, 4)))
    for each in sorted(chosen, key=lambda e: -e.start):
        if each.length < len(content) - each.start:
            head = (
                8 if each.width == 2 or content[each.start - 8 : each.start - 6] != b"\0\0" else 12
            )
            del content[each.start - head : each.start + each.length]


def absurd_values(rng: random.Random, content: bytearray) -> None:
    tags = {tag_for_keyword(word) for word in ABSURD}
    found = [e for e in elements(bytes(content)) if e.tag in tags and 0 < e.length < 500]
    for each in rng.sample(found, min(len(found), rng.randint(1, 3))):
        values = (
            b"\xff" * each.length,
            b"\0" * each.length,
            b"\xff\x7f" * each.length,
            bytes(rng.randrange(256) for _ in range(each.length)),
            b"9" * each.length,
            b"-1" + b" " * each.length,
            b"1e308\\" * each.length,
            b"nan" + b" " * each.length,
            struct.pack("<H", rng.choice((1, 2, 3, 7, 8, 12, 16, 32, 40_000))) * each.length,
        )
        content[each.start : each.start + each.length] = rng.choice(values)[: each.length]


def scramble_groups(rng: random.Random, content: bytearray) -> None:
    """Exchange pieces of long sequences, or tags of elements."""
    found = elements(bytes(content))
    long = [e for e in found if e.tag >> 16 in (0x5200, 0x0048, 0x0040, 0x0028) and e.length > 40]
    if long and rng.random() < 0.7:
        each = rng.choice(long)
        size = rng.choice((2, 4, 8, 20))
        for _ in range(rng.randint(1, 6)):
            a, b = (each.start + rng.randrange(max(each.length - size, 1)) for _ in range(2))
            here, there = content[a : a + size], content[b : b + size]
            if len(here) == len(there) == size:
                content[a : a + size], content[b : b + size] = there, here
        return
    for one, two in zip(rng.sample(found, len(found) // 2), found, strict=False):
        if one.tag != two.tag and rng.random() < 0.1:
            struct.pack_into("<H", content, two.start - 6, one.tag & 0xFFFF)


MUTATIONS: dict[str, Mutate] = {
    "bits of the header": flip_header,
    "bytes anywhere": flip_anywhere,
    "first bytes of the pixels": flip_first_pixels,
    "truncated": truncate,
    "lengths": break_lengths,
    "elements removed": remove_elements,
    "absurd values": absurd_values,
    "groups scrambled": scramble_groups,
}


@cache
def sources(folder: Path) -> tuple[tuple[Path, ...], ...]:
    """Group images by folder, so that long series do not outweigh the rest; other objects last."""
    groups: dict[Path, list[Path]] = {}
    others: list[Path] = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.stat().st_size <= LARGEST:
            content = path.read_bytes()
            if content[128:132] == b"DICM":
                is_image = any(b"\xe0\x7f%c\0" % element in content for element in (8, 9, 16))
                (groups.setdefault(path.parent, []) if is_image else others).append(path)
    return (*(tuple(paths) for paths in groups.values()), tuple(others))


def zipped(rng: random.Random, paths: list[Path]) -> bytearray:
    """Put files into a zip file, so that members and their list are spoiled."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number, path in enumerate(paths):
            method = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
            archive.writestr(zipfile.ZipInfo(f"{number}"), path.read_bytes(), method)
    return bytearray(file.getvalue())


def spoil_container(rng: random.Random, content: bytearray) -> None:
    """Change bytes of lists of members, of records, or anywhere."""
    start = content.find(b"PK\1\2") if rng.random() < 0.7 else 0
    for _ in range(rng.randint(1, 8)):
        content[rng.randrange(max(start, 0), len(content))] = rng.choice(
            (0, 255, rng.randrange(256))
        )
    if rng.random() < 0.2:
        del content[rng.randrange(len(content)) :]


def mutant(folder: Path, seed: int, number: int) -> tuple[str, bytes]:
    """Make a mutant; the same seed and number give the same one."""
    rng = random.Random(f"{seed} {number}")
    path = rng.choice(rng.choice(sources(folder)))
    if number % 20 == 0:
        several = [rng.choice(rng.choice(sources(folder))) for _ in range(3)]
        directory = Path(str(get_testdata_file("DICOMDIR", download=False)))
        content = zipped(rng, several) if number % 40 else bytearray(directory.read_bytes())
        spoil_container(rng, content)
        return "a zip file" if number % 40 else "a DICOMDIR", bytes(content)
    content = bytearray(path.read_bytes())
    names = [list(MUTATIONS)[number % len(MUTATIONS)]]
    if rng.random() < 0.2:
        names.append(rng.choice(list(MUTATIONS)))
    for name in names:
        try:
            MUTATIONS[name](rng, content)
        except (struct.error, ValueError, IndexError):  # little is left of it
            continue
    return f"{path.relative_to(folder)}: {' and '.join(names)}", bytes(content)


# --- the process that opens mutants --------------------------------------------------------------


def open_and_decode(path: Path) -> str:
    """Open a file and decode its first, middle and last frame; say what came of it."""
    from imageregion import open_images
    from imageregion.errors import ImageRegionError

    said: list[str] = []
    try:
        images = open_images(path, progress=False)
    except ImageRegionError as error:
        return checked(f"refused: {error}").partition(":")[0]
    said += [issue.message for issue in images.issues]
    str(images)
    frames = images.frames
    decoded = 0
    for frame in {f.key: f for f in (frames[0], frames[len(frames) // 2], frames[-1])}.values():
        try:
            if frame.tiles is not None:
                rows, columns = (min(600, size) for size in frame.shape)
                top, left = (frame.shape[0] - rows) // 2, (frame.shape[1] - columns) // 2
                found = frame.read((top, top + rows), (left, left + columns))
                assert found.shape[:2] == (rows, columns)
                _ = frame.tiles.frame(1).pixels
            else:
                assert frame.pixels.shape[:2] == frame.shape
            decoded += 1
        except ImageRegionError as error:
            said.append(str(error))
    checked(" ".join(said))
    return "decoded" if decoded else "opened, not decoded"


def checked(said: str) -> str:
    """Refuse messages that only say that memory ran out."""
    if "Unable to allocate" in said or "MemoryError" in said:
        raise MemoryError(said)
    return said


def serve() -> None:
    """Open the files whose names come in on stdin; answer with one line of JSON for each."""
    good = [path for group in sources(DATA)[:3] for path in group[:1]]
    for path in good:  # whatever is loaded once is loaded now
        open_and_decode(path)
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + GROWTH, size + GROWTH))
    print("ready", flush=True)
    for line in sys.stdin:
        try:
            answer = {"outcome": open_and_decode(Path(line.rstrip("\n")))}
        except BaseException as error:
            text = traceback.format_exc(limit=-6)
            answer = {"finding": f"{type(error).__name__}: {error}", "traceback": text}
        print(json.dumps(answer), flush=True)


# --- the process that makes them -----------------------------------------------------------------


class Worker:
    """A process that opens mutants, started again when one was too much for it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def open(self, path: Path) -> dict[str, str]:
        """Have a file opened; a dead or silent process is a finding."""
        if self._process is None:
            self._start()
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(f"{path}\n".encode())
        self._process.stdin.flush()
        line = self._answer(PATIENCE)
        if line is None:
            self._stop()
            return {"finding": f"hangs: no answer within {PATIENCE:.0f} s"}
        if not line:
            status = self._process.wait()
            self._stop()
            return {"finding": f"the process died with status {status}"}
        answer: dict[str, str] = json.loads(line)
        return answer

    def _start(self) -> None:
        self._process = subprocess.Popen(
            COMMAND,
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "IMAGEREGION_DATA": str(DATA)},
        )  # fmt: skip
        while True:
            line = self._answer(120)
            if line is None or not line:
                raise RuntimeError("the process that opens files does not start")
            if line.startswith(b"ready"):
                return

    def _answer(self, patience: float) -> bytes | None:
        assert self._process is not None
        assert self._process.stdout is not None
        until = time.monotonic() + patience
        line = b""
        while not line.endswith(b"\n"):
            waited = select.select([self._process.stdout], [], [], max(until - time.monotonic(), 0))
            if not waited[0]:
                return None
            part = os.read(self._process.stdout.fileno(), 1 << 16)
            if not part:
                return b""
            line += part
        return line

    def _stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    pipe.close()
            self._process = None


def run(
    mutants: int, seed: int = 0, start: int = 0, keep: Path | None = None, folder: Path = DATA
) -> tuple[Counter[str], list[str]]:
    """Open so many mutants; return what came of them, and the findings."""
    outcomes: Counter[str] = Counter()
    findings: list[str] = []
    with tempfile.TemporaryDirectory() as place, Worker() as worker:
        path = Path(place) / "mutant.dcm"
        for number in range(start, start + mutants):
            name, content = mutant(folder, seed, number)
            path.write_bytes(content)
            answer = worker.open(path)
            if "finding" not in answer:
                outcomes[answer["outcome"].partition(":")[0]] += 1
                continue
            outcomes["finding"] += 1
            findings.append(
                f"seed {seed}, number {number}, {name}: {answer['finding']}\n"
                f"{answer.get('traceback', '')}"
            )
            if keep is not None:
                keep.mkdir(parents=True, exist_ok=True)
                (keep / f"{seed}-{number}.dcm").write_bytes(content)
                print(findings[-1], flush=True)
    return outcomes, findings


def parts(total: int) -> Iterator[tuple[int, int]]:
    """Cut a long run into parts, to say now and then how far it is."""
    for start in range(0, total, 250):
        yield start, min(250, total - start)


def main() -> None:
    """Open many mutants and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mutants", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", type=int, default=0, help="number of the first mutant")
    parser.add_argument("--keep", type=Path, help="where mutants that are findings are kept")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve()
        return
    if not sources(DATA):
        raise SystemExit("no files: set IMAGEREGION_DATA or put real data at ../shared/data")
    outcomes: Counter[str] = Counter()
    findings: list[str] = []
    begun = time.perf_counter()
    for start, count in parts(given.mutants):
        some, found = run(count, given.seed, given.start + start, given.keep)
        outcomes += some
        findings += found
        spent = time.perf_counter() - begun
        print(f"{start + count:>7} mutants, {spent:5.0f} s: {dict(outcomes)}", flush=True)
    for finding in findings if given.keep is None else ():
        print(finding)
    raise SystemExit(1 if findings else 0)


if __name__ == "__main__":
    main()
