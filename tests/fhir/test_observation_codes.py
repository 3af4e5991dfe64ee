"""One code per number, written and read; codes as others write them."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imageregion.codes import (
    DCM,
    DERIVATIONS,
    FIRST_ORDER,
    GEOMETRY,
    MEASUREMENTS,
    PIXEL_COUNTS,
    QUANTITIES,
    SCT,
    code_of,
    measured_code,
    measured_text,
    quantity_of,
)
from imageregion.fhir.measured_codes import (
    DERIVATION,
    coding_in,
    name_of,
    names_of,
    quantity_in,
)

NAMES = (*DERIVATIONS, *FIRST_ORDER, *GEOMETRY)
QUANTITY_CHOICES = (None, *dict.fromkeys(QUANTITIES.values()))
CHANNELS = ("", "red", "green", "blue", "channel 1", "core")


def concept(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def measurable(name: str, channel: str) -> bool:
    """Sizes and counts are the same in every channel, and are reported once."""
    return not channel or (name not in GEOMETRY and name not in PIXEL_COUNTS)


@pytest.mark.parametrize("quantity", QUANTITY_CHOICES)
def test_no_two_numbers_of_a_region_share_a_code(quantity: Any) -> None:
    made = [
        measured_code(name, quantity, channel)
        for name, channel in itertools.product(NAMES, CHANNELS)
        if measurable(name, channel)
    ]
    # "mean" of a channel called "core" is "mean-core", an estimator: no image names one so
    codes = [(c.system, c.code) for c in made if not c.code.startswith("mean-core")]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("quantity", QUANTITY_CHOICES)
def test_codes_are_read_back(quantity: Any) -> None:
    for name, channel in itertools.product(NAMES, CHANNELS[:-1]):
        if measurable(name, channel):
            coded = measured_code(name, quantity, channel)
            assert name_of({"coding": [coded._asdict()]}) == (name, channel)
            assert name_of({"coding": [code_of(name, channel)._asdict()]}) == (name, channel)


def test_quantities_by_modality_and_unit() -> None:
    assert [quantity_of("PT", f"g/ml{{{s}}}").code for s in ("SUVbw", "SUVlbm", "SUVibw")] == [  # type: ignore[union-attr]
        "126401",
        "126402",
        "126404",
    ]
    assert quantity_of("PT", "cm2/ml{SUVbsa}") == (DCM, "126403", "SUVbsa")
    assert quantity_of("MR", "mm2/s") == (DCM, "113041", "Apparent Diffusion Coefficient")
    assert quantity_of("MR", "1") == (DCM, "110852", "MR signal intensity")
    assert quantity_of("CT", "1") is None
    assert measured_text("std", quantity_of("CT", "[hnsf'U]")) == (
        "Standard Deviation X-Ray Attenuation"
    )


def test_the_quantities_are_those_of_dicom() -> None:
    """PS3.16 as pydicom has it."""
    concepts = pytest.importorskip("pydicom.sr._concepts_dict").concepts["DCM"]
    known = {code: meaning for one in concepts.values() for code, (meaning, _) in one.items()}
    for coded in QUANTITIES.values():
        assert known[coded.code] == coded.display


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("R-00317", "mean"),
        ("R-404FB", "min"),
        ("G-A437", "max"),
        ("R-10047", "std"),
        ("R-00319", "median"),
        ("R-0032E", "mode"),
        ("R-40507", "sum"),
        ("G-D705", "volume"),
        ("G-A166", "area"),
        ("G-D7FE", "length"),
        ("M-02550", "max_diameter"),
        ("G-A185", "max_diameter"),
        ("G-A197", "perimeter"),
    ],
)
def test_retired_snomed_codes_mean_what_replaced_them(code: str, name: str) -> None:
    mapping = pytest.importorskip("pydicom.sr._snomed_dict").mapping["SRT"]
    for scheme in ("SRT", "SNM3", "99SDM", "urn:oid:2.16.840.1.113883.6.96"):
        coding = {"system": scheme, "code": code}
        assert coding_in(coding) == ("SCT", mapping[code])
        assert name_of({"coding": [coding]}) == (name, "")
    assert name_of(concept(SCT, mapping[code])) == (name, "")
    assert name_of(concept("http://loinc.org", code)) is None


def test_other_systems() -> None:
    assert name_of(concept("IBSI", "QG58")) == ("p10", "")
    assert name_of(concept("urn:oid:1.2.840.10008.2.16.13", "KE2A")) == ("skewness", "")
    assert name_of(concept("UMLS", "C1711260")) == ("variance", "")
    assert name_of(concept("DCM", "126052")) == ("kurtosis", "")
    assert name_of(concept(DCM, "121206")) == ("length", "")
    assert names_of(concept("IBSI", "YEKZ"))[0] == ("counted_volume", "")
    assert name_of({"text": " Mean "}) == ("mean", "")
    assert name_of({"text": "mean arterial pressure"}) is None
    assert name_of({"coding": [{"system": "x", "code": "y"}], "text": "Mean"}) is None
    assert name_of(concept(MEASUREMENTS, "region")) is None


def test_several_codings() -> None:
    """Those that are unknown say nothing; those that contradict each other nothing, either."""
    mean = {"system": SCT, "code": "373098007"}
    largest = {"system": SCT, "code": "56851009"}
    attenuation = {"system": DCM, "code": "110850"}
    area = {"system": SCT, "code": "42798000"}
    counted = {"system": MEASUREMENTS, "code": "counted-area"}
    assert name_of({"coding": [attenuation, mean]}) == ("mean", "")
    assert name_of({"coding": [mean, largest]}) is None
    assert name_of({"coding": [area, counted]}) == ("counted_area", "")
    assert name_of({"coding": [attenuation]}) is None
    assert quantity_in({"coding": [mean, attenuation]}) == QUANTITIES["CT", "[hnsf'U]"]
    assert quantity_in({"coding": [{"system": "DCM", "code": "112031"}]}) is not None
    assert quantity_in({"coding": [mean]}) is None


def test_the_extension_decides() -> None:
    extension = {
        "url": DERIVATION,
        "extension": [
            {"url": "quantity", "valueCoding": {"system": DCM, "code": "126401"}},
            {"url": "derivation", "valueCoding": {"system": SCT, "code": "56851009"}},
            {"url": "channel", "valueString": "red"},
        ],
    }
    code = concept(DCM, "110850")
    assert name_of(code, [{"url": "other"}, extension]) == ("max", "red")
    assert name_of(code, extension) == ("max", "red")
    found = quantity_in(code, extension)
    assert found is not None
    assert found.display == "SUVbw"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["coding", "system", "code", "url", "extension", "valueCoding", "text"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)


@given(json_values, json_values)
def test_anything_may_stand_where_codes_are_expected(code: Any, extensions: Any) -> None:
    assert name_of(code, extensions) is None or isinstance(name_of(code, extensions), tuple)
    assert quantity_in(code, [extensions]) is None or quantity_in(code, [extensions])


def test_measurements_of_published_examples(shared_data: Path) -> None:
    """IHE IRA has length and width of a node, dicom-sr a volume and a diameter."""
    folder = shared_data / "fhir"
    files = {
        "ihe-ira/Observation-example-ObservationContent.json": [("length", ""), None],
        "dicom-sr/Observation-imaging-measurement-001.json": [("volume", "")],
        "dicom-sr/Observation-imaging-measurement-002.json": [("max_diameter", "")],
        "dicom-sr/Observation-imaging-measurement-003.json": [None],
    }
    for file, names in files.items():
        if not (folder / file).is_file():
            pytest.skip(f"{file} is absent from the real data")
        observation = json.loads((folder / file).read_text("utf-8"))
        codes = [part["code"] for part in observation.get("component", [observation])]
        assert [name_of(code) for code in codes] == names
