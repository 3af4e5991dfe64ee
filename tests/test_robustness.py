"""Hostile selections: every mutation gives numbers or an error of our own, never anything else."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from fhir.resources.bundle import Bundle

import imageregion as ir
from imageregion.demo import demo_image, demo_selection
from imageregion.shapes import Shape

JUNK: list[Any] = [
    *(None, True, 0, -1, 1e308, -1e308, 1e15, 1e-300, float("nan"), float("inf"), 10**30),
    *("", "x", "\N{BONE}" * 3, "urn:oid:1.2", "1.2.3", b"x", (1, 2), {1}),
    *([], {}, [[]], [{}], {"a": 1}, [1, 2, 3], ["0"], ["1,2"], {"coding": [None]}),
]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, dict | list):
        keys = value if isinstance(value, dict) else range(len(value))
        for key in keys:
            yield from places(value[key], (*path, key))


def mutate(document: dict[str, Any], rng: random.Random) -> None:
    """Replace, remove or scale one element, or put an unknown one beside it."""
    *above, last = rng.choice([path for path in places(document) if path])
    owner: Any = document
    for key in above:
        owner = owner[key]
    kind = rng.random()
    if kind < 0.6:
        owner[last] = rng.choice(JUNK)
    elif kind < 0.8:
        del owner[last]
    elif isinstance(owner, dict):
        owner[rng.choice(["extension", "foo", f"_{last}", "modifierExtension"])] = rng.choice(JUNK)
    elif type(owner[last]) in (int, float):
        owner[last] *= rng.choice([1e4, -1, 1e-9, 0])


@pytest.mark.parametrize("seed", range(8))
def test_mutated_selections(seed: int) -> None:
    rng = random.Random(seed)
    images = ir.open_images(demo_image())
    measured = 0
    for _ in range(20):
        document = copy.deepcopy(json.loads(demo_selection()))
        for _ in range(rng.randint(1, 3)):
            mutate(document, rng)
        try:
            report = ir.measure(document, images, close=rng.random() < 0.5, combine=True)
        except ir.ImageRegionError:
            continue
        measured += any(result.slices for result in report.results)
        json.dumps(report.to_dict(), allow_nan=False)
        Bundle.model_validate(json.loads(json.dumps(report.to_observations(), allow_nan=False)))
        report.to_csv()
    assert measured  # the mutations do not only break things


def test_a_picture_of_wild_shapes() -> None:
    rng = np.random.default_rng(0)
    frame = ir.Frame.from_array(rng.integers(0, 99, (9, 40)))
    shapes: list[Shape] = [
        ir.Polygon(rng.uniform(-1e4, 1e4, (50, 2))),
        ir.Ellipse((5, 5), [[1e6, 0], [0, 1e-3]]),
        ir.Polyline([[-1e9, 3], [1e9, 3.5]]),
        ir.Points(rng.uniform(-10, 50, (300, 2))),
    ]
    assert ir.render(frame, shapes).ndim == 3


def test_a_scribble_of_many_crossings_is_measured_without_an_area() -> None:
    scribble = ir.Polygon(np.random.default_rng(1).uniform(0, 40, (5000, 2)))
    metrics = ir.shape_metrics(scribble)
    assert metrics.area is None
    assert metrics.self_crossing
    assert ir.rasterize(scribble, (40, 40)).count > 0


def test_an_outline_of_a_million_vertices() -> None:
    angle = np.linspace(0, 2 * np.pi, 1_000_000, endpoint=False)
    circle = ir.Polygon(np.stack([256 + 200 * np.cos(angle), 256 + 200 * np.sin(angle)], axis=1))
    metrics = ir.shape_metrics(circle)
    assert metrics.area == pytest.approx(np.pi * 200**2, rel=1e-9)
    assert ir.rasterize(circle, (512, 512)).count == pytest.approx(np.pi * 200**2, rel=1e-3)
