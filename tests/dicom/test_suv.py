"""Uptake values: rules one by one, hand-computed numbers, and figures published by others."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imageregion.dicom.suv.body import body_sizes
from imageregion.dicom.suv.decay import Clock, average_time, reference_time
from imageregion.dicom.suv.suv import PetFacts, uptake_of
from imageregion.dicom.suv.times import date_time, moment_of, time_of_day

F18 = 6586.2
NAMES = ["suvbsa", "suvbw", "suvibw", "suvlbm", "suvlbmjames128", "suvlbmjanma"]
START = datetime(2020, 3, 4, 10, 0, 0)


def suvbw_factor(weight: float, dose: float, seconds: float, half_life: float) -> float:
    """The oracle: grams of the patient over the becquerels that are left."""
    return weight * 1000.0 / (dose * math.exp(-math.log(2.0) * seconds / half_life))


def facts(**changes: Any) -> PetFacts:
    """Facts of a whole-body scan: injected at 9:00, started at 10:00."""
    clock = Clock(
        series=START,
        acquired=START + timedelta(minutes=6),
        injected=START - timedelta(hours=1),
    )
    times = {name: changes.pop(name) for name in list(changes) if hasattr(clock, name)}
    fields: dict[str, Any] = {
        "unit": "Bq/ml",
        "decay_correction": "START",
        "corrections": ("NORM", "DECY", "ATTN"),
        "weight": 80.0,
        "height": 1.8,
        "sex": "M",
        "radiopharmaceuticals": 1,
        "dose": 350e6,
        "half_life": F18,
        "clocks": (replace(clock, **times),),
    }
    return PetFacts(**(fields | changes))


def factor(*series: PetFacts, name: str = "suvbw") -> float:
    return uptake_of(series).factor(name, series[0])


def refusal(*series: PetFacts, name: str = "suvbw") -> str:
    uptake = uptake_of(series)
    assert name not in uptake.sizes
    return uptake.reasons[name]


def test_the_dose_decays_from_injection_to_series_time() -> None:
    assert factor(facts()) == pytest.approx(suvbw_factor(80, 350e6, 3600, F18), rel=1e-12)
    assert uptake_of([facts()]).note == ""


def test_by_hand_after_one_half_life() -> None:
    """100 MBq left of 200, 50 kg: 50,000 g / 100e6 Bq."""
    injected = START - timedelta(seconds=F18)
    found = factor(facts(dose=200e6, weight=50.0, injected=injected))
    assert found == pytest.approx(5e-4, rel=1e-12)


def test_injection_corrected_activity_takes_the_whole_dose() -> None:
    found = facts(decay_correction="ADMIN", series=None, acquired=None, injected=None)
    assert factor(found) == pytest.approx(80_000 / 350e6, rel=1e-15)
    assert factor(replace(found, half_life=None)) == pytest.approx(80_000 / 350e6, rel=1e-15)


PUBLISHED = {  # github.com/cornerstonejs/calculate-suv, test/calculateSUV_SampleData.test.ts
    # kg, Bq, half-life, injection, series, acquisition; frame reference and duration in ms; SUV
    "SIEMENS": (
        *(67, 374e6, 6586.2, "083045.000000", "104829.000000", "104830.351370"),
        *(38513.36, 74324, 0.00042748316187197236),
    ),
    "GE_MEDICAL_AND_BQML": (
        *(52, 152022720, 6586.2001953125, "084500.00", "095621", "095621"),
        *(0, 120000, 0.0005367387681819742),
    ),
    "PHILIPS_BQML": (
        *(64, 126e6, 6586.199707, "100058", "110155", "110156"),
        *(1328700, 120700, 0.0007463747013889488),
    ),
    "BQML_AC_DT_BEFORE_S_DT_SIEMENS": (
        *(65, 225e6, 6586.2, "114100.000000", "123515.000000", "123514.999995"),
        *(59936.854672596, 120000, 0.0004069156854009332),
    ),
    "CPS_AND_BQML_AC_DT_-_S_DT": (
        *(69, 388e6, 6586.2, "120037.000000", "134918.000000", "130348.234000"),
        *(0, 180000, 0.00026503312764157046),
    ),
    "RADIOPHARM_DATETIME_UNDEFINED": (
        *(102, 412e6, 6586.2, "125000.000000", "135431.843000", "141555.687000"),
        *(1372857.9232493, 180000, 0.0003721089202818729),
    ),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_factors(name: str) -> None:
    """Times are written to the second at worst, which is 1e-4 of the factor."""
    weight, dose, half_life, injected, series, acquired, reference, duration, suv = PUBLISHED[name]
    day = "20201217"
    found = facts(
        weight=weight,
        dose=dose,
        half_life=half_life,
        series=date_time(day, str(series)),
        acquired=date_time(day, str(acquired)),
        injected=None,
        injected_at=time_of_day(str(injected)),
        frame_reference=float(reference) / 1000,
        duration=float(duration) / 1000,
    )
    assert factor(found) == pytest.approx(suv, rel=1e-4)


@pytest.mark.parametrize("scale", [0.000551, 0.000728])
def test_published_factors_of_philips_counts(scale: float) -> None:
    found = facts(unit="{counts}", suv_factor=scale, activity_factor=1.602563)
    assert factor(found) == scale
    lean = body_sizes(80.0, 1.8, "M")[0]["suvlbm"] / 80_000
    assert factor(found, name="suvlbm") == pytest.approx(scale * lean, rel=1e-14)


def test_counts_with_a_factor_to_activity_alone() -> None:
    found = facts(unit="{counts}", activity_factor=1.5)
    expected = 1.5 * suvbw_factor(80, 350e6, 3600, F18)
    assert factor(found) == pytest.approx(expected, rel=1e-12)
    other = replace(found, activity_factor=3.0)
    uptake = uptake_of([found, other])
    assert uptake.factor("suvbw", other) == pytest.approx(2 * uptake.factor("suvbw", found))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"weight": None}, "weight is missing"),
        ({"weight": 0.0}, "weight cannot be 0 kg"),
        ({"weight": 70_000.0}, "weight cannot be 70000 kg"),
        ({"weight": math.nan}, "weight cannot be nan kg"),
        ({"dose": None}, "dose is missing"),
        ({"dose": 0.0}, "dose of 0 Bq cannot be"),
        ({"dose": -350e6}, "cannot be"),
        ({"dose": 350.0}, "dose of 350 Bq cannot be: another unit"),
        ({"half_life": None}, "half-life is missing"),
        ({"half_life": 0.0}, "half-life of 0 s"),
        ({"half_life": 1.83}, "half-life of 1.83 s"),
        ({"half_life": 109.8}, "33 half-lives before the scan"),
        ({"injected": None}, "time of the injection is missing"),
        ({"injected": START + timedelta(minutes=1)}, "injection is after the scan"),
        ({"injected": START - timedelta(days=1)}, "13 half-lives before the scan"),
        ({"injected_at": time(11, 0)}, "contradicts its time"),
        ({"acquired": None}, "no acquisition date and time"),
        ({"corrections": ("DECY",)}, "not corrected for attenuation"),
        ({"corrections": ("ATTN",)}, "not corrected for decay"),
        ({"decay_correction": "NONE"}, "decay correction is NONE"),
        ({"decay_correction": ""}, "decay correction is missing"),
        ({"unit": "{propcounts}/s"}, "values in {propcounts}/s are no activity concentration"),
        ({"unit": "{counts}"}, "no factor of the scanner"),
        ({"radiopharmaceuticals": 2}, "it states 2 injections"),
        ({"radiopharmaceuticals": 0}, "it states no injections"),
    ],
)
def test_without_certainty_there_is_no_value(changes: dict[str, Any], reason: str) -> None:
    assert reason in refusal(facts(**changes))
    assert sorted(uptake_of([facts(**changes)]).reasons) == NAMES


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"weight": 81.0}, "different patient's weights"),
        ({"dose": 351e6}, "different doses"),
        ({"decay_correction": "ADMIN"}, "different decay corrections"),
        ({"injected": START - timedelta(minutes=50)}, "different injection times"),
        ({"corrections": ("ATTN",)}, "not corrected for decay"),
    ],
)
def test_images_of_a_series_must_agree(changes: dict[str, Any], reason: str) -> None:
    assert reason in refusal(facts(), facts(**changes))


def test_midnight() -> None:
    """Injected at 23:30 by its time alone, scanned at 0:20 of the next day: 50 minutes."""
    start = datetime(2020, 3, 4, 0, 20)
    found = facts(series=start, acquired=start, injected=None, injected_at=time(23, 30))
    assert factor(found) == pytest.approx(suvbw_factor(80, 350e6, 3000, F18), rel=1e-12)
    # with its date, nothing is guessed
    dated = facts(series=start, acquired=start, injected=datetime(2020, 3, 3, 23, 30))
    assert factor(dated) == pytest.approx(factor(found), rel=1e-12)
    wrong = facts(series=start, acquired=start, injected=datetime(2020, 3, 4, 23, 30))
    assert "after the scan" in refusal(wrong)
    # an injection "after" the scan is not taken for one of the day before at any price
    late = facts(injected=None, injected_at=time(10, 5))
    assert "half-lives before the scan" in refusal(late)


def test_long_lived_nuclides_need_the_day_of_the_injection() -> None:
    zr89 = facts(half_life=282_240.0, dose=37e6, injected=None, injected_at=time(9, 0))
    assert "day of the injection" in refusal(zr89)
    dated = facts(half_life=282_240.0, dose=37e6, injected=START - timedelta(days=4))
    expected = suvbw_factor(80, 37e6, 4 * 86400, 282_240)
    assert factor(dated) == pytest.approx(expected, rel=1e-12)


def bed(minutes: float, **changes: Any) -> PetFacts:
    """One bed position of a series whose series time was written anew, hours later."""
    acquired = START + timedelta(minutes=minutes)
    return facts(series=START + timedelta(hours=5), acquired=acquired, duration=180.0, **changes)


def mean_time(duration: float) -> float:
    """Time of average count rate, from numeric integration of the decay over the frame."""
    t = np.linspace(0, duration, 200_001)
    average = np.trapezoid(np.exp(-math.log(2) / F18 * t), t) / duration
    return float(-np.log(average) * F18 / math.log(2))


def test_average_time() -> None:
    assert average_time(180.0, math.log(2) / F18) == pytest.approx(mean_time(180.0), abs=1e-4)
    assert average_time(180.0, 1e-12) == 90.0


def test_rewritten_series_time_from_frame_reference_times() -> None:
    series = [bed(m, frame_reference=60 * m + mean_time(180.0)) for m in (0, 3, 6, 9)]
    expected = suvbw_factor(80, 350e6, 3600, F18)
    assert factor(*series) == pytest.approx(expected, rel=1e-6)  # of the integration
    assert uptake_of(series).note


@pytest.mark.parametrize("to_start", [False, True])
def test_rewritten_series_time_from_decay_factors(to_start: bool) -> None:
    """Decay factors settle whether frame reference times count to the start or the mean."""
    mean = mean_time(180.0)
    series = [
        bed(
            m,
            decay_factor=round(2 ** ((60 * m + mean) / F18), 5),
            frame_reference=60 * m + (0 if to_start else mean),
        )
        for m in (0, 3, 6, 9)
    ]
    expected = suvbw_factor(80, 350e6, 3600, F18)
    assert factor(*series) == pytest.approx(expected, rel=2e-5)  # factors have five decimals


def test_the_scan_start_of_the_scanner_goes_before_frame_times() -> None:
    series = [bed(m, frame_reference=1e4, scan_start=START) for m in (0, 3)]
    assert factor(*series) == pytest.approx(suvbw_factor(80, 350e6, 3600, F18), rel=1e-12)
    late = [
        replace(f, clocks=(replace(f.clocks[0], scan_start=f.clocks[0].series),)) for f in series
    ]
    assert "different times" in refusal(*late)


@pytest.mark.parametrize(
    ("series", "reason"),
    [
        ([bed(0), bed(3)], "do not say what time"),
        ([bed(0, frame_reference=90.0), bed(9, frame_reference=90.0)], "540 s apart"),
        ([bed(0, frame_reference=90.0, decay_factor=1.5)], "contradict"),
    ],
)
def test_rewritten_series_time_that_cannot_be_replaced(series: list[PetFacts], reason: str) -> None:
    assert reason in refusal(*series)


def test_zero_frame_reference_times_leave_the_earliest_acquisition() -> None:
    series = [bed(m, frame_reference=0.0) for m in (3, 0, 6)]
    assert factor(*series) == pytest.approx(suvbw_factor(80, 350e6, 3600, F18), rel=1e-12)
    assert uptake_of(series).note == "the earliest acquisition time"


def test_series_time_that_is_that_of_something_else() -> None:
    """Decay factors and frame times say the scan began at 10:00; the series time is 9:20."""
    mean = mean_time(180.0)
    series = [
        facts(
            series=START - timedelta(minutes=40),
            acquired=START + timedelta(minutes=m),
            duration=180.0,
            frame_reference=60 * m + mean,
            decay_factor=2 ** ((60 * m + mean) / F18),
        )
        for m in (0, 3)
    ]
    assert "2400 s before the time that decay is counted from" in refusal(*series)


def test_enhanced_images_state_the_time_themselves() -> None:
    found = facts(corrected_to=START + timedelta(hours=1), series=None, acquired=None)
    assert factor(found) == pytest.approx(suvbw_factor(80, 350e6, 7200, F18), rel=1e-12)


@given(
    st.floats(0.02, 400),
    st.floats(1e6, 1e10),
    st.floats(60, 3e5),
    st.floats(0, 9.9),
    st.floats(-3e8, 3e8),
)
def test_only_the_time_between_counts(
    weight: float, dose: float, half_life: float, lives: float, shift: float
) -> None:
    """Moving all dates together, as de-identification does, changes nothing."""
    moved = START + timedelta(seconds=round(shift))
    injected = moved - timedelta(seconds=round(lives * half_life))
    elapsed = (moved - injected).total_seconds()
    found = facts(
        weight=weight,
        dose=dose,
        half_life=half_life,
        series=moved,
        acquired=moved,
        injected=injected,
    )
    expected = suvbw_factor(weight, dose, elapsed, half_life)
    assert factor(found) == pytest.approx(expected, rel=1e-12)


@given(
    st.lists(
        st.tuples(
            st.one_of(st.none(), st.datetimes()),
            st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False)),
            st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False)),
            st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False)),
        ),
        min_size=1,
        max_size=3,
    ),
    st.one_of(st.none(), st.datetimes()),
    st.one_of(st.none(), st.floats(allow_nan=False)),
)
def test_whatever_headers_say_there_is_a_decision(
    images: list[tuple[Any, ...]], injected: datetime | None, half_life: float | None
) -> None:
    series = [
        facts(
            series=START,
            acquired=acquired,
            frame_reference=reference,
            duration=duration,
            decay_factor=decay,
            injected=injected,
            half_life=half_life,
        )
        for acquired, reference, duration, decay in images
    ]
    uptake = uptake_of(series)
    assert sorted([*uptake.sizes, *uptake.reasons]) == NAMES
    for name in uptake.sizes:
        assert 0 < uptake.factor(name, series[0]) < math.inf


def test_body_sizes_by_hand() -> None:
    """80 kg, 180 cm: (80/180)^2 = 0.19753; BMI 24.691; 60 kg, 165 cm: 0.13223; BMI 22.039."""
    man, reasons = body_sizes(80.0, 1.8, "M")
    assert reasons == {}
    expected = {
        "suvbw": 80_000,
        "suvlbm": 1000 * (88 - 120 * 0.1975309),
        "suvlbmjames128": 1000 * (88 - 128 * 0.1975309),
        "suvlbmjanma": 1000 * 741_600 / (6680 + 216 * 24.691358),
        "suvbsa": 19_964.2,  # the nomogram of DuBois gives 2.00 m2
        "suvibw": 1000 * (48 + 1.06 * 28),
    }
    assert man == pytest.approx(expected, rel=1e-5)
    woman, _ = body_sizes(60.0, 1.65, "F")
    expected = {
        "suvbw": 60_000,
        "suvlbm": 1000 * (64.2 - 148 * 0.1322314),
        "suvlbmjames128": 1000 * (64.2 - 148 * 0.1322314),
        "suvlbmjanma": 1000 * 556_200 / (8780 + 244 * 22.038567),
        "suvbsa": 10_000
        * math.exp(math.log(0.007184) + 0.425 * math.log(60) + 0.725 * math.log(165)),
        "suvibw": 1000 * (45.5 + 0.91 * 13),
    }
    assert woman == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("body", "known", "reason"),
    [
        ((80.0, None, "M"), ["suvbw"], "height is missing"),
        ((80.0, 180.0, "M"), ["suvbw"], "height cannot be 180 m"),
        ((80.0, 0.0, "M"), ["suvbw"], "height cannot be 0 m"),
        ((80.0, 1.8, ""), ["suvbw", "suvbsa"], "sex is missing"),
        ((80.0, 1.8, "O"), ["suvbw", "suvbsa"], "sex is 'O'"),
    ],
)
def test_missing_body_sizes(body: tuple[Any, ...], known: list[str], reason: str) -> None:
    sizes, reasons = body_sizes(*body)
    assert sorted(sizes) == sorted(known)
    assert all(reason in text for text in reasons.values())
    assert sorted([*sizes, *reasons]) == NAMES


def test_formulas_outside_of_their_range() -> None:
    """200 kg at 1.4 m: James gives 214 - 148 * 2.04 < 0; a child of 1 m has no ideal weight."""
    sizes, reasons = body_sizes(200.0, 1.4, "F")
    assert "suvlbm" in reasons and "suvlbmjanma" in sizes
    assert "does not fit" in body_sizes(16.0, 1.0, "M")[1]["suvibw"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("110036.00", time(11, 0, 36)),
        ("1100", time(11, 0)),
        ("11:00:36", time(11, 0, 36)),
        ("235960", time(23, 59, 59)),
        ("110036.1234567", time(11, 0, 36, 123456)),
        ("11", None),
        ("", None),
        ("996000", None),
        ("11003x", None),
        ("1100366", None),
        ("²²²²", None),
    ],
)
def test_times(text: str, expected: time | None) -> None:
    assert time_of_day(text) == expected


@pytest.mark.parametrize(
    ("stamp", "offset", "expected"),
    [
        ("20201217100058.5", "", datetime(2020, 12, 17, 10, 0, 58, 500000)),
        ("202012171000", "", datetime(2020, 12, 17, 10, 0)),
        ("20201217100058+0100", "", datetime(2020, 12, 17, 10, 0, 58)),
        ("20201217100058+0100", "-0530", datetime(2020, 12, 17, 3, 30, 58)),
        ("20201217", "", None),
        ("20201317100058", "", None),
        ("00010101000000+1400", "-1200", None),
    ],
)
def test_moments(stamp: str, offset: str, expected: datetime | None) -> None:
    assert moment_of(stamp, offset) == expected


def test_reference_time_needs_every_image() -> None:
    clock = Clock(series=START, acquired=START)
    assert reference_time([clock, clock], F18) == (START, "")


def test_a_series_time_that_contradicts_frames_without_reference_time_is_refused() -> None:
    """Decay factors alone say that decay starts at the acquisition, 40 minutes later."""
    duration = 240.0
    factor_stated = math.exp(math.log(2.0) / F18 * average_time(duration, math.log(2.0) / F18))
    wrong = {
        "acquired": START + timedelta(minutes=40),
        "frame_reference": 0.0,
        "duration": duration,
        "decay_factor": factor_stated,
    }
    assert "before the time that decay is counted from" in refusal(facts(**wrong))
    right = wrong | {"acquired": START}
    assert factor(facts(**right)) == pytest.approx(suvbw_factor(80, 350e6, 3600, F18), rel=1e-12)


def test_a_scan_start_later_than_the_series_time_is_refused_unless_factors_settle_it() -> None:
    late = facts(scan_start=START + timedelta(minutes=30))
    assert "earlier than the scan start" in refusal(late)
    near = facts(scan_start=START + timedelta(seconds=20))
    assert factor(near) == pytest.approx(suvbw_factor(80, 350e6, 3600, F18), rel=1e-12)
