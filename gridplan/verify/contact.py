"""Which shapes overlap or share a border, measured on the shapes themselves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import shapely

from gridplan.verify.findings import STANDARD, Tolerances
from gridplan.verify.frames import Flags, Floats, Places, Shapes, sound

_DE9IM = 9
_INTERIORS, _BORDERS, _LINE = 0, 4, "1"
"""Places of the DE-9IM matrix: interior meets interior, boundary meets boundary."""


def neighbours(polygons: Shapes, *, tolerances: Tolerances = STANDARD) -> pd.DataFrame:
    """
    Return the pairs of shapes that overlap, share a border or nearly touch.

    Parameters
    ----------
    polygons : array of geometry, shape (n,)
        Shapes that are no valid polygons have no neighbours.

    Returns
    -------
    DataFrame with columns ``left``, ``right`` (places in `polygons`,
    ``left < right``), ``area_m2`` (of the overlap) and ``joined`` (whether they
    overlap or have a line in common, not only a corner), sorted by place.

    Examples
    --------
    >>> row = np.array([shapely.box(x, 0, x + 10, 10) for x in (0, 10, 25)], dtype=object)
    >>> neighbours(row).to_numpy().tolist()
    [[0, 1, 0.0, True]]
    """
    places = np.flatnonzero(sound(polygons))
    kept = polygons[places]
    left, right = shapely.STRtree(kept).query(
        kept, predicate="dwithin", distance=tolerances.contact_m
    )
    once = left < right
    left, right = left[once], right[once]
    order = np.lexsort((right, left))
    left, right = left[order], right[order]
    relation = np.asarray(shapely.relate(kept[left], kept[right]), dtype="U9")
    matrix = relation.view("U1").reshape(-1, _DE9IM)
    crossed = matrix[:, _INTERIORS] != "F"
    area_m2 = np.zeros(len(left))
    area_m2[crossed] = shapely.area(shapely.intersection(kept[left[crossed]], kept[right[crossed]]))
    return pd.DataFrame(
        {
            "left": places[left],
            "right": places[right],
            "area_m2": area_m2,
            "joined": crossed | (matrix[:, _BORDERS] == _LINE),
        }
    )


def union(polygons: Shapes) -> shapely.Geometry:
    """
    Return the union of sound shapes.

    Where they are a valid coverage, leaving out their common edges is exact, and some
    thirty times faster than an overlay.
    """
    if shapely.coverage_is_valid(polygons):
        return shapely.coverage_union_all(polygons)
    return shapely.union_all(polygons)


def rook(polygons: Shapes, pairs: pd.DataFrame, *, tolerances: Tolerances = STANDARD) -> Flags:
    """
    Return which pairs share a border, also where their vertices lie a little beside it.

    Shapes without a common line count when the border of one runs along the other,
    nearer than `Tolerances.contact_m`, for at least `Tolerances.border_m`.
    """
    joined = pairs["joined"].to_numpy(dtype=bool, copy=True)
    open_pairs = np.flatnonzero(~joined)
    left = polygons[pairs["left"].to_numpy()[open_pairs]]
    right = polygons[pairs["right"].to_numpy()[open_pairs]]
    near = shapely.buffer(right, tolerances.contact_m, quad_segs=1, join_style="mitre")
    along_m = shapely.length(shapely.intersection(shapely.boundary(left), near))
    joined[open_pairs] |= along_m >= tolerances.border_m
    return joined


def components(count: int, left: Sequence[int], right: Sequence[int]) -> Places:
    """
    Return for each of `count` nodes the smallest node it is connected to.

    Examples
    --------
    >>> components(4, [2, 3], [3, 1]).tolist()
    [0, 1, 1, 1]
    """
    root = list(range(count))

    def find(node: int) -> int:
        while root[node] != node:
            root[node] = root[root[node]]
            node = root[node]
        return node

    for one, other in zip(left, right, strict=True):
        first, second = sorted((find(one), find(other)))
        root[second] = first
    return np.array([find(node) for node in range(count)], dtype=np.intp)


def second_largest(groups: Places, values: Floats, *, count: int) -> Floats:
    """
    Return the second largest value of each of `count` groups, 0 where there is none.

    Examples
    --------
    >>> second_largest(np.array([0, 0, 1]), np.array([5.0, 3.0, 4.0]), count=2).tolist()
    [3.0, 0.0]
    """
    order = np.lexsort((-values, groups))
    ranked = groups[order]
    second = np.zeros(count)
    follows = np.flatnonzero(ranked[1:] == ranked[:-1]) + 1
    first_follow = follows[ranked[follows] != np.r_[-1, ranked[follows][:-1]]]
    second[ranked[first_follow]] = values[order][first_follow]
    return second
