"""Random rings without end, and what must hold for each of them.

Run ``python -m tests.fuzz --rings 100000 --seed 0``. Not collected by pytest; a short run of it is
part of the suite. The first ring that fails stops the run and is printed with its number, so that
``--start NUMBER --rings 1`` with the same seed shows it again.

Every ring: all rules and fill rules without an error, runs sorted, disjoint and of weights in
(0, 1], touched = covered at all, centres as by brute force, coverage mirrored and transposed the
same, coverage and complement 1 in all, nonzero at least evenodd. Every hundredth: coverage by
rational arithmetic.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections import Counter
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from tests.oracles import exact_coverage

from imageregion import Polygon, Spans, rasterize
from imageregion.shapes import FillRule

Floats = NDArray[np.float64]
Size = tuple[int, int]
Maker = Callable[[np.random.Generator, Size], Floats]

FILLS: tuple[FillRule, FillRule] = ("evenodd", "nonzero")


def _vertices(rng: np.random.Generator, most: int = 40) -> int:
    return int(min(3 + rng.geometric(0.12), most))


def uniform(rng: np.random.Generator, size: Size) -> Floats:
    return rng.uniform(-0.3, 1.3, (_vertices(rng), 2)) * (size[1], size[0])


def lattice(rng: np.random.Generator, size: Size) -> Floats:
    step = rng.choice([1, 2, 4])
    return np.asarray(rng.integers(-step, step * (max(size) + 1), (_vertices(rng), 2)) / step)


def star(rng: np.random.Generator, size: Size) -> Floats:
    angle = np.linspace(0, 2 * np.pi, int(rng.integers(3, 200)), endpoint=False)
    radius = rng.uniform(0.01, max(size)) * rng.uniform(1 - rng.uniform(), 1, len(angle))
    middle = rng.uniform(0, 1, 2) * (size[1], size[0])
    return np.asarray(middle + radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1))


def tiny(rng: np.random.Generator, size: Size) -> Floats:
    middle = rng.uniform(0, 1, 2) * (size[1], size[0])
    if rng.uniform() < 0.3:
        middle = np.round(middle)
    return np.asarray(middle + 10.0 ** rng.uniform(-9, 0) * rng.normal(size=(_vertices(rng), 2)))


def far(rng: np.random.Generator, size: Size) -> Floats:
    xy = uniform(rng, size)
    gone = rng.uniform(size=xy.shape) < 0.3
    return np.where(gone, rng.choice([-1, 1], xy.shape) * 10.0 ** rng.uniform(2, 9), xy)


def flat(rng: np.random.Generator, size: Size) -> Floats:
    """Nearly level or upright slivers, on and beside pixel borders."""
    xy = uniform(rng, size)
    axis = int(rng.integers(2))
    base = rng.integers(0, size[1 - axis] + 1) + rng.choice([0.0, 0.5, rng.uniform()])
    xy[:, axis] = base + 10.0 ** rng.uniform(-12, -1) * rng.choice([-1, 0, 1], len(xy))
    return xy


def collinear(rng: np.random.Generator, size: Size) -> Floats:
    a, b = uniform(rng, size)[:2]
    return np.asarray(a + rng.integers(-4, 5, (_vertices(rng), 1)) / 4 * (b - a))


def walk(rng: np.random.Generator, size: Size) -> Floats:
    """Along pixel borders, with many turns and overlaps."""
    steps = rng.integers(-2, 3, (_vertices(rng, 60), 2)) / rng.choice([1, 2])
    return np.asarray(rng.integers(0, min(size) + 1, 2) + np.cumsum(steps, axis=0))


MAKERS: tuple[Maker, ...] = (uniform, lattice, star, tiny, far, flat, collinear, walk)


def _spoiled(rng: np.random.Generator, ring: Floats) -> Floats:
    """Repeat vertices, turn back, or run round twice."""
    match int(rng.integers(6)):
        case 0:
            return np.repeat(ring, rng.integers(1, 3, len(ring)), axis=0)
        case 1:
            return np.concatenate([ring, ring[: len(ring) // 2 + 1][::-1]])
        case 2:
            return np.concatenate([ring, ring])
        case 3:
            return np.concatenate([ring, ring[::-1]])
    return ring


def case_of(seed: int, number: int) -> tuple[str, list[Floats], Size]:
    """One to three rings of one kind, and an image."""
    rng = np.random.default_rng([seed, number])
    size = (int(rng.integers(1, 24)), int(rng.integers(1, 24)))
    maker = MAKERS[number % len(MAKERS)]
    rings = [_spoiled(rng, maker(rng, size)) for _ in range(min(int(rng.geometric(0.6)), 3))]
    return maker.__name__, rings, size


def centres(rings: list[Floats], size: Size, fill: FillRule) -> tuple[Floats, Floats]:
    """Winding at pixel centres by brute force, and how far each is from the nearest edge."""
    a = np.concatenate(rings)[:, None, None]
    b = np.concatenate([np.roll(ring, -1, axis=0) for ring in rings])[:, None, None]
    x, y = np.meshgrid(np.arange(size[1]) + 0.5, np.arange(size[0]) + 0.5)
    down, up = (a[..., 1] <= y) & (y < b[..., 1]), (b[..., 1] <= y) & (y < a[..., 1])
    step = b - a
    side = step[..., 0] * (y - a[..., 1]) - (x - a[..., 0]) * step[..., 1]
    turns = (down & (side > 0)).sum(axis=0) - (up & (side < 0)).sum(axis=0)
    length = np.maximum(np.hypot(step[..., 0], step[..., 1]), 1e-300)
    t = ((x - a[..., 0]) * step[..., 0] + (y - a[..., 1]) * step[..., 1]) / length / length
    t = np.clip(t, 0, 1)
    away = np.hypot(x - a[..., 0] - t * step[..., 0], y - a[..., 1] - t * step[..., 1])
    inside = turns % 2 == 1 if fill == "evenodd" else turns != 0
    return inside, away.min(axis=0)


def check(number: int, rings: list[Floats], size: Size) -> dict[str, float]:
    """Raise AssertionError where something does not hold; return the largest deviations."""
    rows, columns = size
    count = sum(map(len, rings))
    reach = max(24.0, *(float(np.abs(ring).max()) for ring in rings))
    # An edge is placed to some ulps of its farthest coordinate; each may add that to a pixel.
    rounding = 2e-16 * reach * (8 + count)
    quarters = all((ring * 4 == np.round(ring * 4)).all() for ring in rings) and reach < 100
    worst: dict[str, float] = {}

    def near(what: str, found: Floats, expected: Floats) -> None:
        off = float(np.abs(found - expected).max(initial=0.0))
        worst[what] = off / rounding
        assert off <= rounding, f"{what}: off by {off:.3g}, rounding is {rounding:.3g}"
        if quarters and what != "nonzero":  # the least that quarters cover is far above rounding
            assert ((found > rounding) == (expected > rounding)).all(), f"{what}: touched differs"

    covered = {}
    for fill in FILLS:
        polygon = Polygon(rings, fill)
        exact = rasterize(polygon, size, "exact")
        Spans(exact.row, exact.start, exact.stop, exact.weight, size)  # sorted, disjoint, inside
        assert ((exact.weight > 0) & (exact.weight <= 1)).all(), "weights outside (0, 1]"
        covered[fill] = exact.to_coverage()
        touched = rasterize(polygon, size, "touched").to_mask()
        assert (touched == (covered[fill] > 0)).all(), "touched is not what is covered"
        inside, away = centres(rings, size, fill)
        clear = away > 1e-14 * reach * 8
        center = rasterize(polygon, size).to_mask()
        assert (center == inside)[clear].all(), "centres disagree with brute force"
        clear = away > math.sqrt(rounding)  # the corner around the centre has area to speak of
        assert touched[center & clear].all(), "centre inside and nothing covered"
        assert center[(covered[fill] == 1) & clear].all(), "covered wholly and centre outside"
        near(
            "transposed",
            covered_by([ring[:, ::-1] for ring in rings], size[::-1], fill).T,
            covered[fill],
        )
        mirrored = covered_by([(columns, 0) + ring * (-1, 1) for ring in rings], size, fill)
        near("mirrored", mirrored[:, ::-1], covered[fill])
        near(
            "turned",
            covered_by([np.roll(r[::-1], 2, axis=0) for r in rings], size, fill),
            covered[fill],
        )
        if number % 100 < len(MAKERS) and count < 40 and rows * columns < 150:
            near("rational", covered[fill], exact_coverage(rings, rows, columns, fill))
    frame = np.array([(-1.0, -1), (columns + 1, -1), (columns + 1, rows + 1), (-1, rows + 1)])
    near("complement", covered_by([*rings, frame], size, "evenodd"), 1 - covered["evenodd"])
    near("nonzero", np.maximum(covered["evenodd"], covered["nonzero"]), covered["nonzero"])
    doubled = covered_by([np.concatenate([r, r]) for r in rings], size, "nonzero")
    near("doubled", doubled, covered["nonzero"])
    return worst


def covered_by(rings: list[Floats], size: Size, fill: FillRule) -> Floats:
    return rasterize(Polygon(rings, fill), size, "exact").to_coverage()


def run(rings: int, seed: int, start: int = 0, progress: bool = True) -> Counter[str]:
    """Check so many cases; return how many of each kind and check."""
    begun = time.perf_counter()
    counts: Counter[str] = Counter()
    worst: Counter[str] = Counter()
    done = 0
    number = start
    while done < rings:
        kind, outline, size = case_of(seed, number)
        try:
            found = check(number, outline, size)
        except Exception:
            print(
                f"seed {seed}, number {number}, {kind} on {size}: {[r.tolist() for r in outline]}"
            )
            raise
        counts[kind] += len(outline)
        counts["cases"] += 1
        for what, off in found.items():
            counts[f"by {what}"] += 1
            worst[what] = max(worst[what], off)  # type: ignore[assignment]
        number += 1
        done += len(outline)
        if progress and counts["cases"] % 500 == 0:
            spent = time.perf_counter() - begun
            print(f"\r{done:>8} rings, {spent:6.0f} s", end="", file=sys.stderr, flush=True)
    if progress:
        spent = time.perf_counter() - begun
        print(f"\n{done} rings in {counts['cases']} polygons, {spent:.0f} s, no disagreement")
        print("rings:", ", ".join(f"{maker.__name__} {counts[maker.__name__]}" for maker in MAKERS))
        for what, off in sorted(worst.items()):
            print(
                f"{what:>12}: {counts[f'by {what}']:>7} compared, "
                f"worst {off:.2g} of what rounding allows"
            )
    return counts


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rings", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", type=int, default=0, help="number of the first polygon")
    given = parser.parse_args()
    run(given.rings, given.seed, given.start)
