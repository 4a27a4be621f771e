"""The cells of a community, drawn again where their median misses the target."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from gridplan.cells.balance import Score
from gridplan.cells.groups import Sizes
from gridplan.cells.search import Search
from gridplan.cells.sums import sums_by

_TRIES = 5
"""So often a community is searched at most."""

_LEAST_CELLS = 8
"""Of fewer cells the median says little."""

_MOST_SHIFT = 0.08
"""The area aimed at is shifted by at most this share of the target."""

_STEP = 0.004
"""So much more, as a share of the target, each further try is beside the best one."""

_NEAR, _NEAR_WORTH = 0.2, 0.1
"""Cells farther off than the first count against a try: if all were, as much as a median that
is off by the second."""

_FORM_WORTH = 0.02
"""What 1 of the mean cost of a cell's form counts, in the same measure."""


def centred_search(
    draw: Callable[[Score], Search],
    score: Score,
    sizes: Sizes,
    *,
    band: tuple[float, float],
) -> Search:
    """
    Return the cells of a community, drawn again where their median misses the target.

    Land divides into a whole number of cells, and large buildings and lines round that up
    or down. Where most of it went one way, all cells are a few per cent too large or too
    small; single cells cannot mend that, other numbers of cells can. The next try aims as
    much lower as the median was too high, those after it a little beside the best; of all
    tries the best is taken.

    Parameters
    ----------
    draw : callable
        Returns the cells that a score asks for.
    score : Score
        `centre` says by which share of the target the median may be off.
    sizes : Sizes
    band : (float, float)
        Shares of the target area beyond which a cell is an exception, and not counted.
    """
    tries: list[tuple[float, float]] = []
    best: tuple[float, Search] | None = None
    while best is None or (len(tries) < _TRIES and abs(tries[-1][1]) > score.centre):
        shift = _next_shift(tries)
        search = draw(replace(score, aim=score.aim + shift))
        miss, value = _missed(search, sizes, band)
        tries.append((shift, miss))
        if best is None or value < best[0]:
            best = value, search
    return best[1]


def _next_shift(tries: list[tuple[float, float]]) -> float:
    """Return by how much to shift the aim, from the shifts tried and what the median missed."""
    if not tries:
        return 0.0
    shift, miss = min(tries, key=lambda one: (round(abs(one[1]), 6), one[0]))
    if len(tries) > 1:
        # Numbers of cells jump: what a little more or less of a shift does cannot be told.
        shift += math.copysign(_STEP, miss) * len(tries) * (-1) ** len(tries)
    else:
        shift -= miss
    return min(max(shift, -_MOST_SHIFT), _MOST_SHIFT)


def _missed(search: Search, sizes: Sizes, band: tuple[float, float]) -> tuple[float, float]:
    """Return by which share of the target the median is off, and how bad the cells are."""
    cells, atoms, of_atom = search.cells, search.cutter.atoms, np.array(search.cells.of_atom)
    n = len(cells.members)
    area, built = (sums_by(of_atom, of, n) for of in (atoms.area_m2, atoms.built_m2))
    share = area / sizes.built_m2
    lived = (built >= sizes.open_share * area) & (area > 0)
    own = np.flatnonzero(lived & (share >= band[0]) & (share <= band[1]))
    if len(own) < _LEAST_CELLS:
        # Nothing to go on with, and no better than a try that counts.
        return 0.0, math.inf
    miss = float(np.median(share[own])) - 1.0
    # An exception has no say in the median, but is far off all the same.
    far = float(np.mean(np.abs(share[lived] - 1.0) > _NEAR))
    form = float(np.mean([search.score.shape(cells.area[at], cells.perimeter[at]) for at in own]))
    return miss, round(abs(miss) + _NEAR_WORTH * far + _FORM_WORTH * form, 6)
