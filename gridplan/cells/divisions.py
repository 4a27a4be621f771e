"""Ways to divide the land of a few cells anew, and what each costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from gridplan.cells.halves import Cutter, Ground, divide_all
from gridplan.cells.sums import sums_by

Ints = npt.NDArray[np.intp]

_COST_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Way:
    """
    A way to divide land.

    Attributes
    ----------
    cost : float
        Of the cells and of the borders between them; less is better.
    parts : list of array of int
        Atoms of each cell, sorted.
    """

    cost: float
    parts: list[Ints]


def ways_to_divide(cutter: Cutter, lands: Sequence[Sequence[Ground]]) -> list[list[Way]]:
    """
    Return, for each land, the ways to divide it.

    Parameters
    ----------
    cutter : Cutter
    lands : list of list of Ground
        The same land with the numbers of cells that are tried.
    """
    grounds = [ground for land in lands for ground in land]
    found = divide_all(cutter, grounds)
    ways = ways_of(cutter, grounds, found)
    ends = np.cumsum([0, *(len(land) for land in lands)]).tolist()
    return [ways[a:b] for a, b in pairwise(ends)]


def ways_of(cutter: Cutter, grounds: list[Ground], found: list[list[Ints]]) -> list[Way]:
    """Return grounds as they are divided, each with its cost."""
    return [Way(cost, own) for cost, own in zip(_costs(cutter, grounds, found), found, strict=True)]


def _costs(cutter: Cutter, grounds: list[Ground], found: list[list[Ints]]) -> list[float]:
    """Return the cost of each ground as it is divided: of all its cells and cuts."""
    if not grounds:
        return []
    atoms, score, parts = cutter.atoms, cutter.score, [part for one in found for part in one]
    ground_of = np.repeat(np.arange(len(found)), [len(one) for one in found])
    label = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    own = np.concatenate(parts)
    order = np.argsort(ground_of[label] * len(atoms.area_m2) + own)
    own, label = own[order], label[order]
    left, right, border = cutter.inner_borders(own, ground_of[label])
    same = label[left] == label[right]
    n = len(parts)
    inner = sums_by(label[left[same]], atoms.length_m[border[same]], n)
    rows = zip(
        ground_of.tolist(),
        sums_by(label, atoms.area_m2[own], n).tolist(),
        (sums_by(label, cutter.outline_m[own], n) - 2 * inner).tolist(),
        sums_by(label, atoms.components[own], n).tolist(),
        strict=True,
    )
    cut = cutter.cut[border[~same]].round(_COST_DIGITS)
    costs: list[float] = sums_by(ground_of[label[left[~same]]], cut, len(found)).tolist()
    for at, area, perimeter, components in rows:
        costs[at] += score.cell(area, perimeter, grounds[at].target_m2, components)
    return costs
