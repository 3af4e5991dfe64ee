"""Decay: the time that the activities of a PET series are corrected to, and the dose at that time.

DICOM says that activities are corrected to the start of the acquisition (DecayCorrection START) or
to the injection (ADMIN), not when that was. Series Date and Time are the reference (PS3.3
C.8.9.1.1.2), but software that writes derived series often puts its own time there. The rules, in
this order (those of the QIBA FDG-PET/CT profile, with the decay factor as a check):

1. Decay Correction DateTime of an enhanced image.
2. Series Date and Time, when no image of the series was acquired earlier.
3. The scan start of the vendor, (0009,xx0D) of GEMS_PETD_01.
4. Acquisition time of each image, less what its decay factor, or else frame reference time, says
   has passed since. An activity is that at the time of average count rate within its frame, which
   for a frame of length T and a decay constant k is ln(kT / (1 - exp(-kT))) / k after its start.
   The times so found must agree over the series.
5. The earliest acquisition time, when every frame reference time is written as 0.

Anything else is refused, as are times that contradict each other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

__all__ = ["Clock", "NoUptakeError", "reference_time", "remaining_dose", "scanned_after"]

_MAX_HALF_LIVES = 10
_MAX_OVER_MIDNIGHT = 5  # half-lives
_LONG_LIVED = 6 * 3600.0  # seconds; such nuclides are imaged days after their injection


class NoUptakeError(Exception):
    """There is no uptake value that is right for certain; the message says why."""


@dataclass(frozen=True, slots=True)
class Clock:
    """The times one PET image states; None for those it does not.

    Parameters
    ----------
    series, acquired : datetime
        Series and acquisition date and time.
    scan_start : datetime
        Of the vendor.
    corrected_to : datetime
        Decay Correction DateTime.
    frame_reference, duration : float
        Seconds.
    decay_factor : float
    injected : datetime
        Radiopharmaceutical Start DateTime.
    injected_at : time
        Radiopharmaceutical Start Time.
    """

    series: datetime | None = None
    acquired: datetime | None = None
    scan_start: datetime | None = None
    corrected_to: datetime | None = None
    frame_reference: float | None = None
    duration: float | None = None
    decay_factor: float | None = None
    injected: datetime | None = None
    injected_at: time | None = None


def reference_time(clocks: Sequence[Clock], half_life: float) -> tuple[datetime, str]:
    """Return the time that the activities of a series are corrected to, and how it was found.

    Parameters
    ----------
    clocks : sequence of Clock
        Of all images of the series, at least one.
    half_life : float
        Seconds.

    Returns
    -------
    time : datetime
    note : str
        Empty when it is Series Date and Time, or Decay Correction DateTime.

    Raises
    ------
    NoUptakeError
        When it cannot be told for certain.

    Examples
    --------
    >>> start = datetime(2020, 1, 2, 10, 0)
    >>> reference_time([Clock(series=start, acquired=start + timedelta(minutes=3))], 6586.2)
    (datetime.datetime(2020, 1, 2, 10, 0), '')
    """
    stated = clocks[0].corrected_to
    if stated is not None and all(clock.corrected_to == stated for clock in clocks):
        return stated, ""
    acquired = [clock.acquired for clock in clocks if clock.acquired is not None]
    if len(acquired) < len(clocks):
        raise NoUptakeError("an image has no acquisition date and time")
    earliest = min(acquired)
    slack = timedelta(seconds=min(1.0, 1e-4 * half_life))  # times are written to the second
    series = {clock.series for clock in clocks}
    start = series.pop() if len(series) == 1 else None
    if start is not None and start <= earliest + slack:
        _check_start(start, clocks, half_life)
        return min(start, earliest), ""
    scans = {clock.scan_start for clock in clocks}
    scan = scans.pop() if len(scans) == 1 else None
    if scan is not None and scan <= earliest + slack:
        return scan, "the scan start that the scanner wrote"
    return _from_frames(clocks, earliest, half_life)


def _from_frames(
    clocks: Sequence[Clock], earliest: datetime, half_life: float
) -> tuple[datetime, str]:
    found = [_start_of(clock, half_life) for clock in clocks]
    times = sorted(start for start in found if start is not None)
    if len(times) == len(clocks):
        _check_spread(times, half_life)
        return times[len(times) // 2], "the times and decay factors of the images"
    if not times and all(clock.frame_reference == 0 for clock in clocks):
        return earliest, "the earliest acquisition time"
    raise NoUptakeError(
        "the series time is later than the acquisition, and the images do not say what time "
        "their decay is counted from"
    )


def _check_spread(times: Sequence[datetime], half_life: float) -> None:
    spread = (times[-1] - times[0]).total_seconds()
    if spread > max(2.0, 0.002 * half_life / math.log(2)):  # 0.2 %
        raise NoUptakeError(
            f"the decay of its images is counted from different times, {spread:.0f} s apart"
        )


def _start_of(clock: Clock, half_life: float) -> datetime | None:
    """Return the reference time that one image implies; None when it does not say enough."""
    if clock.acquired is None or clock.duration is None or clock.duration <= 0:
        return None
    decay = math.log(2) / half_life
    mean = average_time(clock.duration, decay)
    by_factor = by_reference = None
    if clock.decay_factor is not None and clock.decay_factor > 1:
        by_factor = math.log(clock.decay_factor) / decay - mean
    if clock.frame_reference is not None and clock.frame_reference > 0:
        by_reference = clock.frame_reference - mean
    if by_factor is not None and by_reference is not None:
        # some scanners count the frame reference time to the start of the frame
        readings = (by_reference, by_reference + mean)
        tolerance = max(2.0, 0.001 / decay)
        if all(abs(by_factor - reading) > tolerance for reading in readings):
            raise NoUptakeError("its decay factors contradict its frame reference times")
    passed = by_reference if by_factor is None else by_factor
    return None if passed is None else clock.acquired - timedelta(seconds=passed)


def average_time(duration: float, decay: float) -> float:
    """Return when within a frame the count rate is that of its average, from its start.

    Examples
    --------
    >>> round(average_time(120.0, 0.6931471805599453 / 6586.2), 3)
    59.937
    """
    x = decay * duration
    return duration / 2 if x < 1e-6 else math.log(x / -math.expm1(-x)) / decay


def _check_start(start: datetime, clocks: Sequence[Clock], half_life: float) -> None:
    """Refuse a series time that the decay factors of the images rule out.

    Only when factors and frame reference times agree with each other and over the series: then
    activities are counted from a later time, and the series time is that of something else.
    """
    tolerance = max(30.0, 0.01 * half_life / math.log(2))  # 1 %
    if any(not clock.decay_factor or clock.frame_reference is None for clock in clocks):
        scans = {clock.scan_start for clock in clocks}
        scan = scans.pop() if len(scans) == 1 else None
        if scan is not None and (scan - start).total_seconds() > tolerance:
            raise NoUptakeError(
                "its series time is earlier than the scan start that the scanner wrote, and no "
                "decay factor says which of them counts"
            )
        return
    try:
        found = [_start_of(clock, half_life) for clock in clocks]
        times = sorted(time for time in found if time is not None)
        if len(times) < len(clocks):
            return
        _check_spread(times, half_life)
    except NoUptakeError:
        return
    late = (times[0] - start).total_seconds()
    if late > tolerance:
        raise NoUptakeError(
            f"its series time is {late:.0f} s before the time that decay is counted from"
        )


def remaining_dose(dose: float, elapsed: float, half_life: float) -> float:
    """Return the dose that is left after some seconds.

    Examples
    --------
    >>> remaining_dose(400e6, 2 * 6586.2, 6586.2)
    100000000.0
    """
    return float(dose * 2.0 ** (-elapsed / half_life))


def scanned_after(clocks: Sequence[Clock], reference: datetime, half_life: float) -> float:
    """Return the seconds from the injection to the reference time.

    The injection is Radiopharmaceutical Start DateTime; of the time alone, the last one before the
    reference time, which may be on the day before.

    Raises
    ------
    NoUptakeError
        When the injection is missing, after the reference time, or more than ten half-lives
        before it: dates that were shifted apart look like that.
    """
    moments = {(clock.injected, clock.injected_at) for clock in clocks}
    if len(moments) > 1:
        raise NoUptakeError("its images state different injection times")
    injected, at = moments.pop()
    if injected is None and at is None:
        raise NoUptakeError("the time of the injection is missing")
    over_midnight = False
    if injected is None and at is not None:
        if half_life > _LONG_LIVED:
            raise NoUptakeError("the day of the injection is missing")
        injected = datetime.combine(reference.date(), at)
        over_midnight = injected > reference
        injected -= timedelta(days=over_midnight)
    elif injected is not None and at is not None and _apart(injected, at) > 60:
        raise NoUptakeError("the date and time of the injection contradicts its time")
    elapsed = (reference - (injected or reference)).total_seconds()
    if elapsed < 0:
        raise NoUptakeError("the injection is after the scan")
    limit = _MAX_OVER_MIDNIGHT if over_midnight else _MAX_HALF_LIVES
    if elapsed > limit * half_life:
        raise NoUptakeError(
            f"the injection is {elapsed / half_life:.0f} half-lives before the scan"
        )
    return elapsed


def _apart(moment: datetime, at: time) -> float:
    """Seconds between two times of day, the short way around midnight."""
    other = datetime.combine(moment.date(), at)
    seconds = abs((moment - other).total_seconds())
    return min(seconds, 86400 - seconds)
