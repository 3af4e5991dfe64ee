"""Reading from files, text, dicts and models; one and many; and what cannot be read at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from fhir.resources.bundle import Bundle
from fhir.resources.imagingselection import ImagingSelection
from hypothesis import given, settings
from hypothesis import strategies as st

from imageregion.errors import FhirError, InputError
from imageregion.fhir.coordinates import MAX_COORDINATES
from imageregion.fhir.document import read_selection, read_selections
from imageregion.fhir.selection import Selection, write_selection
from imageregion.fhir.text import plain, sources
from imageregion.fhir.text.plain import parse_json

Make = Callable[..., dict[str, Any]]
POINT = ("point", [3.25, 4])
PATIENT = {"resourceType": "Patient", "id": "p"}


@pytest.fixture
def resource(make: Make) -> dict[str, Any]:
    return make(POINT)


def bundle(*resources: Any) -> dict[str, Any]:
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": resource} for resource in resources],
    }


def coords(selection: Selection) -> Any:
    return selection.regions[0].shape.coords.tolist()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "convert",
    [
        dict,
        json.dumps,
        lambda r: " \n" + json.dumps(r, indent=2),
        orjson.dumps,
        lambda r: bytearray(orjson.dumps(r)),
        lambda r: b"\xef\xbb\xbf" + orjson.dumps(r),
        lambda r: "\ufeff" + json.dumps(r),
        ImagingSelection.model_validate,
    ],
)
def test_every_kind_of_source(convert: Any, resource: dict[str, Any]) -> None:
    selection = read_selection(convert(resource))
    assert coords(selection) == [[3.25, 4]]
    assert (selection.id, selection.source) == ("test", "")
    assert [s.id for s in read_selections(convert(resource))] == ["test"]


@pytest.mark.parametrize("convert", [str, Path])
def test_files(convert: Any, resource: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "größe.json"
    path.write_bytes(orjson.dumps(resource))
    selection = read_selection(convert(path))
    assert coords(selection) == [[3.25, 4]]
    assert selection.source == str(path)
    assert [s.source for s in read_selections(convert(path))] == [str(path)]


def test_numbers_of_a_model_stay_floats(resource: dict[str, Any]) -> None:
    model = ImagingSelection.model_validate(resource)
    region = read_selection(model).to_dict()["instance"][0]["imageRegion2D"][0]
    assert [type(n) for n in region["coordinate"]] == [float, int]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the input is empty"),
        (b" \n\t", "the input is empty"),
        (b"\xef\xbb\xbf", "the input is empty"),
        (b'{"resourceType": \n nope}', "not JSON: .*line 2, column 2"),
        (b'{"a": NaN}', "not JSON"),
        (b'{"a": 1e400}', "not JSON: number is infinity"),
        (b'{"a": 1', "not JSON"),
        (b"\xff\xfe{\x00", "in UTF-8, this is UTF-16"),
        (b"[" * 100_000, "nested deeper than 128 levels"),
        (b'{"a":' * 500 + b"1" + b"}" * 500, "expected ImagingSelection"),
    ],
)
def test_what_is_not_json(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    path.write_bytes(content)
    error = FhirError if "expected" in message else InputError
    with pytest.raises(error, match=message):
        read_selection(content)
    with pytest.raises(error, match=message):
        read_selection(path)
    if error is InputError:
        with pytest.raises(error, match=r"bad\.json: "):
            read_selection(path)
        with pytest.raises(error, match=message):
            list(read_selections(path))


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_selection(tmp_path / "absent.json")
    with pytest.raises(InputError, match="this is a folder"):
        read_selection(str(tmp_path))
    with pytest.raises(InputError, match="cannot be read"):
        read_selection("x" * 100_000)
    with pytest.raises(InputError, match="cannot be read"):
        read_selection("a\0b")


def test_missing_files_are_reported_at_the_call(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_selections(tmp_path / "absent.json")


def test_size_limit(
    resource: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "large.json"
    path.write_bytes(orjson.dumps(resource))
    for module in (plain, sources):
        monkeypatch.setattr(module, "MAX_TEXT", path.stat().st_size)
    read_selection(path)
    for module in (plain, sources):
        monkeypatch.setattr(module, "MAX_TEXT", path.stat().st_size - 1)
    for source in (path, path.read_bytes(), path.read_text()):
        with pytest.raises(InputError, match="larger than"):
            read_selection(source)


@pytest.mark.parametrize("source", [None, 5, object(), ImagingSelection])
def test_sources_of_another_kind(source: Any) -> None:
    with pytest.raises(InputError, match="expected a file name"):
        read_selection(source)
    with pytest.raises(InputError, match="expected a file name"):
        read_selections(source)


def test_another_resource_is_named() -> None:
    with pytest.raises(FhirError, match="Patient: expected ImagingSelection, got Patient"):
        read_selection(PATIENT)


def test_one_is_not_many(resource: dict[str, Any]) -> None:
    many = (bundle(resource), json.dumps([resource]), json.dumps(resource) + "\n" + json.dumps({}))
    for source in (*many, [resource]):
        with pytest.raises(FhirError, match="use read_selections"):
            read_selection(source)


def test_bundle_skips_others_and_survives_faults(resource: dict[str, Any], make: Make) -> None:
    broken = make(POINT, id="broken", status="maybe")
    source = bundle(
        PATIENT, resource, broken, "x", {"id": "untyped"}, make(("circle", [1]), id="c")
    )
    first, second, third, fourth, fifth = read_selections(source)
    assert (first.id, first.source) == ("test", "Bundle.entry[1].resource")
    assert (second.id, second.regions, second.source) == ("broken", (), "Bundle.entry[2].resource")
    assert [(i.severity, i.code, i.path) for i in second.issues] == [
        ("error", "unreadable", "ImagingSelection.status")
    ]
    assert second.to_dict() == broken
    assert third.errors[0].message == "expected a JSON object, got 'x'"
    assert fourth.errors[0].path == "resourceType"
    assert fifth.errors[0].path == "ImagingSelection.instance[0].imageRegion2D[0].coordinate"
    assert repr(second) == "Selection('broken', unreadable, 0 regions; 1 error)"


def test_bundle_in_a_file_of_bundles(resource: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "all.json"
    path.write_bytes(orjson.dumps([bundle(PATIENT, bundle(resource)), resource]))
    assert [s.source for s in read_selections(path)] == [
        f"{path}[0]: Bundle.entry[1].resource: Bundle.entry[0].resource",
        f"{path}[1]",
    ]


def test_bundle_entries_without_resource(resource: dict[str, Any]) -> None:
    source = bundle(resource)
    source["entry"].insert(0, {"fullUrl": "urn:uuid:0"})
    assert [s.source for s in read_selections(source)] == ["Bundle.entry[1].resource"]


@pytest.mark.parametrize(
    "source",
    [bundle(PATIENT), bundle(), {"resourceType": "Bundle"}, PATIENT, "[]", b'{"resourceType":"X"}'],
)
def test_nothing_to_read(source: Any) -> None:
    with pytest.raises(FhirError, match="no ImagingSelection in it"):
        list(read_selections(source))


def test_bundle_entry_of_another_kind() -> None:
    with pytest.raises(FhirError, match=r"Bundle\.entry: expected a list, got an object"):
        list(read_selections({"resourceType": "Bundle", "entry": {}}))


def test_model_of_a_bundle(resource: dict[str, Any]) -> None:
    assert [s.id for s in read_selections(Bundle.model_validate(bundle(resource)))] == ["test"]


@pytest.mark.parametrize("suffix", [".ndjson", ".jsonl", ".json"])
def test_lines(suffix: str, resource: dict[str, Any], make: Make, tmp_path: Path) -> None:
    path = tmp_path / f"many{suffix}"
    lines = [
        json.dumps(resource),
        "",
        "{nope",
        json.dumps(PATIENT),
        json.dumps(make(POINT, id="z")),
    ]
    path.write_text("\r\n".join(lines))
    first, second, third = read_selections(path)
    assert (first.id, second.id, third.id) == ("test", "", "z")
    assert second.name == f"{path}: line 3"
    assert "not JSON" in second.errors[0].message
    assert third.source == f"{path}: line 5"
    assert [s.source for s in read_selections(path.read_bytes())] == ["line 1", "line 3", "line 5"]


def test_iterables(resource: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    path.write_bytes(orjson.dumps(resource))
    items = [resource, path, orjson.dumps(resource), tmp_path / "absent.json", 5]
    selections = list(read_selections(iter(items)))
    assert [s.source for s in selections] == ["[0]", str(path), "[2]", str(items[3]), "[4]"]
    assert [len(s.errors) for s in selections] == [0, 0, 0, 1, 1]
    assert "no such file" in selections[3].errors[0].message


def test_hostile_items_do_not_stop_the_others(resource: dict[str, Any], make: Make) -> None:
    deep: Any = {}
    for _ in range(3000):
        deep = [deep]
    hostile = [make(POINT, code=deep), make(POINT, code={"a": object()}), resource]
    selections = list(read_selections(bundle(*hostile)))
    assert [len(s.regions) for s in selections] == [0, 0, 1]
    assert [s.id for s in selections] == ["test"] * 3


def test_more_coordinates_than_a_region_may_have(make: Make) -> None:
    text = orjson.dumps(make(("polyline", [0.5] * (MAX_COORDINATES + 1)), POINT))
    selection = read_selection(text)
    assert len(selection.regions) == 1
    (issue,) = selection.issues
    assert issue.code == "too-many-coordinates"
    assert issue.path == "ImagingSelection.instance[0].imageRegion2D[0].coordinate"


def test_write_and_read_again(resource: dict[str, Any], tmp_path: Path) -> None:
    selection = read_selection(resource)
    path = tmp_path / "copy.json"
    write_selection(selection, path)
    assert orjson.loads(path.read_bytes()) == resource
    assert read_selection(path).to_dict() == resource
    with pytest.raises(InputError, match="cannot be written"):
        write_selection(selection, tmp_path / "no" / "such" / "folder.json")


def test_official_examples_survive(
    official: Callable[[str], dict[str, Any]], tmp_path: Path
) -> None:
    for name in ("2d-image-region", "3d-image-region", "basic-image", "dicom-sr"):
        write_selection(read_selection(official(name)), tmp_path / "copy.json")
        assert read_selection(tmp_path / "copy.json").to_dict() == official(name)


number = st.floats(-1e6, 1e6) | st.integers(-(10**6), 10**6)
extra = st.dictionaries(
    st.text(min_size=1, max_size=5).map(lambda key: f"x-{key}"),
    st.recursive(number | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3)),
    max_size=2,
)
region = st.builds(
    lambda points, more: {
        **more,
        "regionType": "polyline",
        "coordinate": [value for point in points for value in point],
    },
    st.lists(st.tuples(number, number), min_size=1, max_size=8),
    extra,
)


@given(st.lists(region, max_size=3), extra, extra)
@settings(deadline=None)
def test_what_is_written_is_what_was_read(
    regions: list[dict[str, Any]], more: dict[str, Any], inner: dict[str, Any]
) -> None:
    resource = {
        **more,
        "resourceType": "ImagingSelection",
        "status": "available",
        "code": {"text": "Ünïcode"},
        "instance": [{**inner, "uid": "1.2.3", **({"imageRegion2D": regions} if regions else {})}],
    }
    first = read_selection(resource)
    again = read_selection(first.to_json())
    assert first.to_dict() == again.to_dict() == resource
    assert first.issues == again.issues
    assert [type(r.shape) for r in first.regions] == [type(r.shape) for r in again.regions]
    for one, other in zip(first.regions, again.regions, strict=True):
        if one.shape is not None and other.shape is not None:
            for low, same in zip(one.shape.bounds, other.shape.bounds, strict=True):
                assert low.tolist() == same.tolist()


def test_a_bundle_that_contains_itself_is_refused(resource: dict[str, Any]) -> None:
    loop = bundle(resource)
    loop["entry"].append({"resource": loop})
    ring: list[Any] = [resource]
    ring.append(ring)
    for source in (loop, ring):
        with pytest.raises(FhirError, match="a Bundle or list that contains itself"):
            list(read_selections(source if isinstance(source, dict) else bundle(source)))
    same = bundle(resource, resource)  # twice is not within itself
    assert len(list(read_selections(bundle(same, same)))) == 4


def test_bundles_without_bottom_are_refused(resource: dict[str, Any]) -> None:
    deep = bundle(resource)
    for _ in range(1000):
        deep = bundle(deep)
    with pytest.raises(FhirError, match="Bundles nested deeper than 128 levels"):
        list(read_selections(deep))


def test_keys_given_twice_cost_what_they_stand_in(resource: dict[str, Any], tmp_path: Path) -> None:
    instance = resource["instance"][0]
    text = json.dumps({**resource, "instance": [instance, {**instance, "uid": "1.2.9"}]})
    twice = text.replace('"coordinate":', '"coordinate": [1, 1], "coordinate":', 1)
    path = tmp_path / "many.ndjson"
    path.write_text(f"{text}\n{twice}\n")
    whole = f'{{"resourceType": "Bundle", "entry": [{{"resource": {twice}}}]}}'
    sources = [read_selection(twice), list(read_selections(path))[1], *read_selections(whole)]
    place = "ImagingSelection.instance[0].imageRegion2D[0]"
    for selection in sources:
        found = [(i.severity, i.code, i.path) for i in selection.issues]
        assert found == [("error", "repeated-key", place)]
        assert selection.issues[0].message.startswith("coordinate given more than once")
        assert place not in {region.path for region in selection.regions}
        assert "1.2.9" in {region.target.instance for region in selection.regions}
        assert selection.to_dict() == json.loads(text)
    assert read_selection(text).issues == ()

    of_instance = text.replace('"uid": "1.2.9"', '"uid": "1.2.8", "uid": "1.2.9"', 1)
    selection = read_selection(of_instance)
    assert [i.path for i in selection.errors] == ["ImagingSelection.instance[1]"]
    assert {region.path[:28] for region in selection.regions} == {"ImagingSelection.instance[0]"}


def test_keys_given_twice_elsewhere_cost_the_resource(resource: dict[str, Any]) -> None:
    text = json.dumps(resource)
    twice = text.replace('"status":', '"status": "unknown", "status":', 1)
    with pytest.raises(FhirError, match=r"ImagingSelection\.status: given more than once"):
        read_selection(twice)
    bundles = (
        f'[{{"resourceType": "Bundle", "entry": [], "entry": [{{"resource": {text}}}]}}, {text}]'
    )
    first, second = read_selections(bundles)
    assert (first.issues[0].path, first.issues[0].code) == ("Bundle.entry", "unreadable")
    assert second.regions
    entry = f'{{"resource": {{"resourceType": "Patient"}}, "resource": {text}}}'
    entries = f'{{"resourceType": "Bundle", "entry": [{entry}, {{"resource": {text}}}]}}'
    first, second = read_selections(entries)
    assert (first.issues[0].path, first.regions) == ("Bundle.entry[0].resource", ())
    assert second.regions


def test_large_numbers_beside_a_repeated_key() -> None:
    value = parse_json('{"a": 1, "a": 123456789012345678901234567890, "b": 12, "c": 1.5}', "x")
    assert value == {"a": 1.2345678901234568e29, "b": 12, "c": 1.5}
    assert [type(v) for v in value.values()] == [float, int, float]
