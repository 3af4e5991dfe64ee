"""Malformed documents, by name; run as a program it reads each in a process of its own.

Run: python -m tests.fhir.malformed FOLDER  (prints one JSON object for each case)
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

HANG = 60  # seconds of wall clock after which a case counts as hanging
HEAD = '{"resourceType":"ImagingSelection","status":"available","code":{},"seriesUid":"1.2"'
GOOD = HEAD + ',"instance":[{"uid":"1"}]}'
XML = '<ImagingSelection xmlns="http://hl7.org/fhir">'
SOUND = '<status value="available"/><code><text value="x"/></code><seriesUid value="1.2"/>'
END = "</ImagingSelection>"
MB = 1_000_000


def _region(coordinate: str, kind: str = '"polyline"') -> str:
    inner = f'{{"uid":"1","imageRegion2D":[{{"regionType":{kind},"coordinate":{coordinate}}}]}}'
    return f'{HEAD},"instance":[{inner}]}}'


def _with(**elements: Any) -> str:
    return json.dumps({**json.loads(GOOD), **elements})


def _repeated(before: str, item: str, count: int, after: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        block = item * max(1, 2**16 // len(item))
        whole, rest = divmod(count, len(block) // len(item))
        with path.open("w", encoding="utf-8") as file:
            file.write(before)
            for _ in range(whole):
                file.write(block)
            file.write(item * rest + after)

    return write


def _nested(opening: str, closing: str, depth: int, inner: str = "1") -> str:
    return HEAD + ',"x":' + opening * depth + inner + closing * depth + "}"


_LAUGHS = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 10))
_DEEP_BUNDLE = '{"resourceType":"Bundle","entry":[{"resource":' * 300 + GOOD + "}]}" * 300
_CONTAINED = (HEAD + ',"contained":[') * 100 + GOOD + "]}" * 100

CASES: dict[str, str | bytes | Callable[[Path], None]] = {
    "empty": b"",
    "blanks": _repeated("", " ", 20 * MB, ""),
    "a number": "17",
    "text": '"ImagingSelection"',
    "null": "null",
    "an empty list": "[]",
    "an empty object": "{}",
    "truncated JSON": GOOD[:-7],
    "truncated in a string": GOOD[:20],
    "two documents": GOOD + GOOD,
    "a trailing comma": GOOD[:-1] + ",}",
    "single quotes": GOOD.replace('"', "'"),
    "NaN": _region("[NaN, 1]"),
    "Infinity": _region("[Infinity, 1]"),
    "a huge exponent": _region("[1e999999999, 1, 2, 2]"),
    "a large exponent": _region("[1e300, 1, 2, 2]"),
    "a tiny exponent": _region("[1e-999999999, 1, 1e-300, 1]", '"circle"'),
    "100 MB of digits": _repeated(HEAD + ',"seriesNumber":', "7", 100 * MB, "}"),
    "50 MB of digits": _repeated(HEAD + ',"seriesNumber":', "7", 50 * MB, "}"),
    "20 MB of digits as a coordinate": _repeated(_region("[1,2,3,")[:-4], "7", 20 * MB, "]}]}]}"),
    "20 MB of digits as text": _repeated(HEAD + ',"studyUid":"', "7", 20 * MB, '"}'),
    "100 MB list": _repeated(HEAD + ',"identifier":[0', ",0", 50 * MB, "]}"),
    "20 MB list": _repeated(HEAD + ',"identifier":[0', ",0", 10 * MB, "]}"),
    "a list of 4 million": _repeated(HEAD + ',"identifier":[0', ",0", 4 * MB, "]}"),
    "4 million coordinates of another type": _repeated(
        HEAD + ',"instance":[{"uid":"1","imageRegion2D":[{"regionType":"polyline","coordinate":[1',
        ",true",
        4 * MB,
        "]}]}]}",
    ),
    "200,000 empty objects": _repeated(HEAD + ',"instance":[{}', ",{}", 200_000, "]}"),
    "200,000 wrong regions": _repeated(
        HEAD + ',"instance":[{"uid":"1","imageRegion2D":[{}', ",{}", 200_000, "]}]}"
    ),
    "500,000 empty lists": _repeated(HEAD + ',"instance":[[]', ",[]", 500_000, "]}"),
    "a million keys": _repeated(HEAD + ',"a":1', ',"b":1', 1_000_000, "}"),
    "400,000 unknown elements": lambda path: _write(
        path, HEAD + "".join(f',"x{i}":1' for i in range(400_000)) + "}"
    ),
    "a key given twice": GOOD[:-1] + ',"status":"maybe"}',
    "a key given 100,000 times": _repeated(HEAD, ',"status":"available"', 100_000, "}"),
    "lists 100,000 deep": "[" * 100_000,
    "objects 500 deep": _nested('{"a":', "}", 500),
    "extensions 500 deep": _nested('{"extension":[', "]}", 500, "{}"),
    "a Bundle 300 deep": _DEEP_BUNDLE,
    "contained 100 deep": _CONTAINED,
    "a lone surrogate": _with(id="x").replace('"x"', '"\\ud800"'),
    "a lone surrogate as code": _region("[1,2]", '"\\udfff"'),
    "text that is no UTF-8": GOOD.encode().replace(b"1.2", b"\xff\xfe"),
    "UTF-16": GOOD.encode("utf-16"),
    "UTF-7": "<ImagingSelection/>".encode("utf-7"),
    "wrong types everywhere": _with(
        status=7, code=[], studyUid={}, instance="x", subject=[1], text=3, contained=5, id=[]
    ),
    "an instance that is a number": _with(instance=[7, None, "x", [], True]),
    "regions that are no list": _with(instance=[{"uid": "1", "imageRegion2D": 7}]),
    "regions of nothing": _with(instance=[{"uid": "1", "imageRegion2D": [None, 7, {}, [], "x"]}]),
    "coordinates that are objects": _region('[{"x":1},{"y":2}]'),
    "coordinates that are text": _region('"1,2,3,4"'),
    "a code that is a list": _region("[1,2]", '["point"]'),
    "frames without number": _with(instance=[{"uid": "1", "subset": ["0", "", None, [], "1e9"]}]),
    "a subset of 8 MB": _repeated(
        HEAD + ',"instance":[{"uid":"1","subset":["1', ",1", 4 * MB, '"]}]}'
    ),
    "a frameList of 4 million": _repeated(
        HEAD + ',"instance":[{"uid":"1","frameList":"1', ",x", 4 * MB, '"}]}'
    ),
    "two selectors": _with(instance=[{"uid": "1", "subset": ["1"], "segmentNumber": [2]}]),
    "one region in two dimensions": _with(
        imageRegion={
            "regionType": "POLYGON",
            "coordinateType": "3D",
            "2dCoordinateList": [1, 2, 3, 4, 5, 6],
        }
    ),
    "a Basic that is none": '{"resourceType":"Basic","code":{},"extension":[{"url":7},[]]}',
    "a manifest of nothing": '{"resourceType":"ImagingManifest","study":[{"series":[{}]},7]}',
    "another resource": '{"resourceType":"Patient"}',
    "a resource without type": '{"instance":[{"uid":"1"}]}',
    "billion laughs": (
        f'<!DOCTYPE x [<!ENTITY l0 "ha">{_LAUGHS}]>{XML}<status value="&l9;"/>{END}'
    ),
    "quadratic blow-up": (
        f'<!DOCTYPE x [<!ENTITY a "{"a" * 100_000}">]>{XML}<id value="{"&a;" * 10_000}"/>{END}'
    ),
    "an external entity": (
        f'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>{XML}<id value="&a;"/>{END}'
    ),
    "an external document type": f'<!DOCTYPE x SYSTEM "http://localhost/x.dtd">{XML}{END}',
    "an entity that nobody defined": f'{XML}<id value="&nothing;"/>{END}',
    "truncated XML": XML + SOUND,
    "XML of 100,000 levels": "<a>" * 100_000,
    "a million attributes": lambda path: _write(
        path,
        f"{XML}<id {' '.join(f'a{i}=_{i}_' for i in range(1_000_000))}/>{END}".replace("_", '"'),
    ),
    "100,000 attributes": lambda path: _write(
        path, f"{XML}<id {' '.join(f'a{i}=_{i}_' for i in range(100_000))}/>{END}".replace("_", '"')
    ),
    "250,000 elements of XML": _repeated(
        XML + SOUND + '<instance><uid value="1"/><imageRegion2D><regionType value="point"/>',
        '<coordinate value="1"/>',
        250_000,
        "</imageRegion2D></instance>" + END,
    ),
    "2 million elements of XML": _repeated(XML + SOUND, "<instance/>", 2_000_000, END),
    "250,000 empty elements of XML": _repeated(XML + SOUND, "<instance/>", 250_000, END),
    "30 MB of text in XML": _repeated(XML + SOUND, "x", 30 * MB, END),
    "30 MB of narrative": _repeated(
        XML + '<text><div xmlns="http://www.w3.org/1999/xhtml">',
        "&lt;",
        7 * MB,
        f"</div></text>{END}",
    ),
    "30 MB of a comment": _repeated(XML + "<!--", "x", 30 * MB, f"-->{SOUND}{END}"),
    "an encoding of XML that nobody reads": f'<?xml version="1.0" encoding="UTF-7"?>{XML}{END}',
    "XML that is no UTF-8": (XML + '<id value="').encode() + b"\xff\xfe" + f'"/>{END}'.encode(),
    "XML in UTF-16 that is none": "\ufeff<a".encode("utf-16-le") + b"\x00\xd8<",
    "XML of another kind": '<html xmlns="http://www.w3.org/1999/xhtml"><body/></html>',
    "XML of lower case": '<imagingSelection xmlns="http://hl7.org/fhir"/>',
    "XML with the wrong values": f'{XML}<status value="x"/><instance value="7"/>{END}',
    "20 million lines": _repeated("{}\n{}\n", "\n", 20 * MB, ""),
    "NDJSON of garbage": _repeated(GOOD + "\n{}\n", "x\n", 1000, ""),
}


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def outcomes(folder: Path) -> Iterator[dict[str, Any]]:
    """Read every case in a process of its own; yield what came of it."""
    import imageregion.fhir.document  # noqa: F401  # so that the processes share it

    _read(folder, "another resource", '{"resourceType":"ImagingSelection"}')  # and its models
    for number, (name, content) in enumerate(CASES.items()):
        path = folder / f"{number}"
        if callable(content):
            content(path)
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        report = folder / f"{number}.json"
        child = os.fork()
        if not child:
            signal.alarm(HANG)
            report.write_text(json.dumps(_judged(path)))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        found = json.loads(report.read_text()) if report.exists() else {"outcome": "died"}
        path.unlink()
        yield {"case": name, "status": status, **found}


def _read(folder: Path, name: str, content: str) -> None:
    path = folder / name
    path.write_text(content)
    _judged(path)


def _judged(path: Path) -> dict[str, Any]:
    from imageregion.errors import ImageRegionError
    from imageregion.fhir.document import read_selections

    start = time.process_time()
    try:
        selections = list(read_selections(path))
        outcome = "error issue" if all(s.errors for s in selections) else "read"
        detail = "; ".join(str(s.errors[0]) for s in selections[:1] if s.errors)
    except ImageRegionError as error:
        outcome, detail = "error", str(error)
    except BaseException as error:
        outcome, detail = "crash", f"{type(error).__name__}: {error}"
    seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"outcome": outcome, "seconds": seconds, "bytes": peak, "detail": detail[:300]}


if __name__ == "__main__":
    for outcome in outcomes(Path(sys.argv[1])):
        print(json.dumps(outcome), flush=True)
