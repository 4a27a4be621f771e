"""Which groups of residents together are everybody."""

from __future__ import annotations

import re
from collections.abc import Iterable

_BAND = re.compile(r"age_(\d+)_(\d+|plus)")
_BEYOND_AGES = 10**3


def partitions(groups: Iterable[str]) -> list[tuple[str, ...]]:
    """
    Return the sets of groups that together are everybody: ages from 0 up, women and men.

    Of several chains of ages that fit, the finest.

    Examples
    --------
    >>> partitions(["age_0_14", "age_15_59", "age_60_plus", "age_80_plus", "women"])
    [('age_0_14', 'age_15_59', 'age_60_plus')]
    """
    known = set(groups)
    bands = {}
    for name in sorted(known):
        found = _BAND.fullmatch(name)
        if found:
            bands[name] = (int(found[1]), _end(found[2]))
    ages = _finest_chain(bands, 0)
    found_sets = [ages] if ages else []
    if {"women", "men"} <= known:
        found_sets.append(("women", "men"))
    return found_sets


def _end(text: str) -> int:
    return _BEYOND_AGES if text == "plus" else int(text)


def _finest_chain(bands: dict[str, tuple[int, int]], start: int) -> tuple[str, ...]:
    if start > _BEYOND_AGES:
        return ()
    chains = []
    for name, (low, high) in bands.items():
        if low == start:
            rest = _finest_chain(bands, high + 1)
            if rest or high == _BEYOND_AGES:
                chains.append((name, *rest))
    return max(chains, key=len, default=())
