"""Times: dates and times as DICOM writes them."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

__all__ = ["date_time", "moment_of", "time_of_day"]


def date_time(day: str, at: str) -> datetime | None:
    """Read a DICOM date and time (PS3.5 6.2, DA and TM); None when they are not both there.

    Examples
    --------
    >>> date_time("20201217", "100058.5")
    datetime.datetime(2020, 12, 17, 10, 0, 58, 500000)
    """
    moment, parsed = _date(day), time_of_day(at)
    return None if moment is None or parsed is None else datetime.combine(moment, parsed)


def time_of_day(at: str) -> time | None:
    """Read a DICOM time (PS3.5 6.2, TM), at least hours and minutes."""
    digits, _, fraction = at.strip().replace(":", "").partition(".")
    if len(digits) not in (4, 6) or not digits.isascii() or not (digits + fraction).isdigit():
        return None
    seconds = min(int(digits[4:] or 0), 59)  # 60 is a leap second
    try:
        return time(int(digits[:2]), int(digits[2:4]), seconds, int((fraction + "000000")[:6]))
    except ValueError:
        return None


def moment_of(stamp: str, offset: str) -> datetime | None:
    """Read a DICOM date and time in one (PS3.5 6.2, DT) as local time.

    Parameters
    ----------
    stamp : str
        Perhaps with an offset from UTC.
    offset : str
        Timezone Offset From UTC that the other times of the object have; may be empty.

    Examples
    --------
    >>> moment_of("20201217090058.00+0000", "+0100")
    datetime.datetime(2020, 12, 17, 10, 0, 58)
    """
    stamp = stamp.strip()
    own = stamp[-5:] if stamp[-5:-4] in ("+", "-") else ""
    stamp = stamp.removesuffix(own)
    moment = date_time(stamp[:8], stamp[8:])
    shift, local = _offset(own), _offset(offset.strip())
    if moment is None or shift is None or local is None:
        return moment
    try:
        return moment - shift + local
    except OverflowError:
        return None


def _date(day: str) -> date | None:
    digits = day.strip().replace(".", "")
    if len(digits) != 8 or not digits.isascii() or not digits.isdigit():
        return None
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None


def _offset(offset: str) -> timedelta | None:
    if len(offset) != 5 or offset[0] not in "+-" or not offset[1:].isdigit():
        return None
    minutes = 60 * int(offset[1:3]) + int(offset[3:])
    return timedelta(minutes=-minutes if offset[0] == "-" else minutes)
