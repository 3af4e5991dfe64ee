"""Body sizes that uptake is related to: what stands above the dose in an uptake value (SUV)."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["body_sizes"]

Reasons = dict[str, str]
_WEIGHTS = (0.005, 700.0)  # kg: mice are imaged, too
_HEIGHTS = (0.2, 2.8)  # m

# Grams or square centimetres, from weight in kg and height in cm, by sex.
_Formula = Callable[[float, float], float]
_BY_SEX: dict[str, dict[str, _Formula]] = {
    # James method as DICOM's plain SUVlbm has it (PS3.16 126411): its multiplier of 120 for men,
    # once misprinted, is in use; the code for 128 was added beside it
    "suvlbm": {
        "M": lambda w, h: 1000 * (1.10 * w - 120 * (w / h) ** 2),
        "F": lambda w, h: 1000 * (1.07 * w - 148 * (w / h) ** 2),
    },
    # James method with the multiplier 128 for men (PS3.16 126415)
    "suvlbmjames128": {
        "M": lambda w, h: 1000 * (1.10 * w - 128 * (w / h) ** 2),
        "F": lambda w, h: 1000 * (1.07 * w - 148 * (w / h) ** 2),
    },
    # Janmahasatian et al., Clin Pharmacokinet 2005;44:1051 (PS3.16 126414)
    "suvlbmjanma": {
        "M": lambda w, h: 1000 * 9270 * w / (6680 + 216 * w / (h / 100) ** 2),
        "F": lambda w, h: 1000 * 9270 * w / (8780 + 244 * w / (h / 100) ** 2),
    },
    # Sugawara et al., Radiology 1999;213:521 (PS3.16 126413)
    "suvibw": {
        "M": lambda _, h: 1000 * (48.0 + 1.06 * (h - 152)),
        "F": lambda _, h: 1000 * (45.5 + 0.91 * (h - 152)),
    },
}


def body_sizes(
    weight: float | None, height: float | None, sex: str
) -> tuple[dict[str, float], Reasons]:
    """Return the body size that each uptake value is related to.

    ==================  ===========================================================
    suvbw               body weight
    suvlbm              lean body mass by the method of James, 120 for men
    suvlbmjames128      the same with 128 for men, as James published it
    suvlbmjanma         lean body mass by Janmahasatian et al. 2005
    suvbsa              body surface by DuBois and DuBois 1916
    suvibw              ideal body weight by Sugawara et al. 1999
    ==================  ===========================================================

    Parameters
    ----------
    weight : float or None
        kg (DICOM PatientWeight).
    height : float or None
        m (DICOM PatientSize).
    sex : str
        "M" or "F" (DICOM PatientSex); with any other, sizes that depend on it are not known.

    Returns
    -------
    sizes : dict
        By the name of the quantity: grams, of "suvbsa" square centimetres.
    reasons : dict
        Why others are not known.

    Examples
    --------
    >>> sizes, reasons = body_sizes(80.0, 1.8, "M")
    >>> {name: round(size) for name, size in sizes.items()}["suvlbmjanma"], reasons
    (61731, {})
    >>> body_sizes(80.0, None, "M")[1]["suvbsa"]
    "the patient's height is missing"
    """
    names = ("suvbw", "suvbsa", *_BY_SEX)
    if weight is None or not _WEIGHTS[0] <= weight <= _WEIGHTS[1]:
        reason = _reason("weight", weight, "kg")
        return {}, dict.fromkeys(names, reason)
    sizes: dict[str, float] = {"suvbw": 1000 * weight}
    if height is None or not _HEIGHTS[0] <= height <= _HEIGHTS[1]:
        return sizes, dict.fromkeys(names[1:], _reason("height", height, "m"))
    sizes["suvbsa"] = 1e4 * 0.007184 * weight**0.425 * (100 * height) ** 0.725
    if sex not in ("M", "F"):
        reason = f"the patient's sex is {sex!r}, its formula is for M and F" if sex else ""
        return sizes, dict.fromkeys(_BY_SEX, reason or "the patient's sex is missing")
    reasons: Reasons = {}
    for name, formulas in _BY_SEX.items():
        size = formulas[sex](weight, 100 * height)
        if size <= 0 or (name != "suvibw" and size > sizes["suvbw"]):
            reasons[name] = f"its formula does not fit {weight:g} kg and {height:g} m"
        else:
            sizes[name] = size
    return sizes, reasons


def _reason(what: str, value: float | None, unit: str) -> str:
    if value is None:
        return f"the patient's {what} is missing"
    return f"the patient's {what} cannot be {value:g} {unit}"
