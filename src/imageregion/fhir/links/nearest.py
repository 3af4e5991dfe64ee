"""Nearest: for all resources at once, the nearest ones that hold what is looked for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

from imageregion.fhir.links.entries import Entry

__all__ = ["Route", "nearest_of"]

_MOST = 64
"""Most of several equally near that are told: enough to see that nothing says which is meant."""

Route = tuple[Entry, ...]
"""The resources on the way, the one that holds something last."""


def nearest_of(
    entries: Sequence[Entry],
    holds: Callable[[Entry], bool],
    leads_to: Callable[[Entry], Sequence[Entry]],
    deepest: int,
) -> dict[int, tuple[Route, ...]]:
    """Return for each resource the ways to the nearest that hold something.

    These are over the fewest references. All are looked at once, from those that hold something
    backwards; the time is linear. Of several that are equally near each is told, 64 at most, by the
    way over the earlier references.

    Parameters
    ----------
    entries : sequence of Entry
    holds : callable
        Whether a resource holds what is looked for.
    leads_to : callable
        The resources that one refers to, in order.
    deepest : int
        Most references to follow.

    Returns
    -------
    dict
        Tuples of `Route` by ``id()`` of the resource; those from which nothing can be reached are
        not in it.

    Examples
    --------
    >>> first, second = (Entry({"resourceType": "Observation", "id": name}, {}) for name in "ab")
    >>> found = nearest_of([first, second], lambda one: one is second, lambda one: [second], 32)
    >>> [[one.id for one in route] for route in found[id(first)]]
    [['b']]
    """
    level = [entry for entry in entries if holds(entry)]
    found: dict[int, tuple[Route, ...]] = {id(entry): ((),) for entry in level}
    leads = {id(entry): leads_to(entry) for entry in entries if id(entry) not in found}
    back: dict[int, list[Entry]] = defaultdict(list)
    for entry in entries:
        for other in leads.get(id(entry), ()):
            back[id(other)].append(entry)
    for _ in range(deepest):
        known = {id(entry) for entry in level}
        nearer = {id(one): one for entry in level for one in back[id(entry)]}
        level = [one for key, one in nearer.items() if key not in found]
        if not level:
            break
        found |= {
            id(one): _routes([to for to in leads[id(one)] if id(to) in known], found)
            for one in level
        }
    return found


def _routes(nearer: list[Entry], found: dict[int, tuple[Route, ...]]) -> tuple[Route, ...]:
    """Lengthen the routes of those that are one step nearer; each holder once."""
    routes: dict[int, Route] = {}
    for one in {id(one): one for one in nearer}.values():
        for rest in found[id(one)]:
            route = (one, *rest)
            routes.setdefault(id(route[-1]), route)
            if len(routes) == _MOST:
                return tuple(routes.values())
    return tuple(routes.values())
