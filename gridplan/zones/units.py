"""Cells that must stay together, as units with borders of their own."""

from __future__ import annotations

import numpy as np

from gridplan.geometry import Floats
from gridplan.zones.contiguity import Contiguity, Ints, labelled_components
from gridplan.zones.districts_problem import Flags
from gridplan.zones.land import Land


def connected_groups(group: Ints, graph: Contiguity, glued: Ints | None = None) -> Ints:
    """
    Return the unit of each cell: connected cells of one group; -1 is no group.

    Units are numbered by their first cell. Pairs of cells that are `glued`, shape (2, j),
    are in one unit.

    Examples
    --------
    >>> line = Contiguity(np.array([0, 1, 2]), np.array([1, 2, 3]), np.ones(3), 4)
    >>> connected_groups(np.array([7, 7, -1, 7]), line).tolist()
    [0, 0, 1, 2]
    """
    left, right = graph.left, graph.right
    same = (group[left] == group[right]) & (group[left] >= 0)
    more = np.zeros((2, 0), dtype=np.intp) if glued is None else glued
    left, right = np.concatenate([left[same], more[0]]), np.concatenate([right[same], more[1]])
    return labelled_components(left, right, graph.count)


def grouped_land(land: Land, unit: Ints, ways: Flags) -> tuple[Land, Contiguity]:
    """
    Return the land of units: sums of areas and loads, outlines, common borders.

    Parameters
    ----------
    land : Land
        Of the cells.
    unit : array of int, shape (n,)
        Unit of each cell, from 0 without gaps.
    ways : array of bool, shape (m,)
        Which borders of the cells a zone may cross.

    Returns
    -------
    Land
        Its graph joins units with a way between them; the border is all that they share.
    Contiguity
        Units that share a border without a way across.
    """
    graph, count = land.graph, int(unit.max()) + 1
    a, b = unit[graph.left], unit[graph.right]
    inner = a == b
    perimeter = _sums(land.perimeter_m, unit, count)
    perimeter -= 2 * _sums(graph.border_m[inner], a[inner], count)
    area = _sums(land.area_m2, unit, count)
    ends = np.sort(np.stack([a[~inner], b[~inner]]), axis=0)
    pairs, place = np.unique(ends, axis=1, return_inverse=True)
    border = _sums(graph.border_m[~inner], place.ravel(), pairs.shape[1])
    open_m = _sums(ways[~inner].astype(np.float64), place.ravel(), pairs.shape[1])
    joined, parted = open_m > 0, open_m == 0
    return Land(
        load=_sums(land.load, unit, count),
        area_m2=area,
        perimeter_m=perimeter,
        x=_sums(land.x * land.area_m2, unit, count) / area,
        y=_sums(land.y * land.area_m2, unit, count) / area,
        graph=Contiguity(pairs[0][joined], pairs[1][joined], border[joined], count),
    ), Contiguity(pairs[0][parted], pairs[1][parted], border[parted], count)


def _sums(values: Floats, place: Ints, count: int) -> Floats:
    # the order of the cells is fixed, so the order of these sums is too
    return np.bincount(place, weights=values, minlength=count).astype(np.float64)


def attached(
    land: Land, piece: Ints, *, small: Flags, host: Flags, body: Ints
) -> tuple[Contiguity, list[tuple[int, int]]]:
    """
    Return a graph in which small pieces of land are joined to what is nearest elsewhere.

    Parameters
    ----------
    land : Land
    piece : array of int, shape (n,)
        Connected piece of each unit.
    small, host : array of bool
        Pieces to be joined, and those to join them to; at least one each.
    body : array of int, shape (n,)
        Units of different numbers are not joined: of communities that zones lie inside.

    Returns
    -------
    graph : Contiguity
        With one border of 0 m more for each small piece that has something to go with.
    ways : list of (int, int)
        Unit of the small piece and the one it was joined to.
    """
    graph = land.graph
    mainland = np.flatnonzero(host[piece])
    ways = []
    for own in np.flatnonzero(small).tolist():
        members = np.flatnonzero(piece == own)
        near = mainland[body[mainland] == body[members[0]]]
        if not len(near):
            continue
        away = (land.x[members][:, None] - land.x[near]) ** 2
        away += (land.y[members][:, None] - land.y[near]) ** 2
        at = int(away.argmin())
        ways.append((int(members[at // len(near)]), int(near[at % len(near)])))
    more = np.sort(np.array(ways, dtype=np.intp).reshape(-1, 2), axis=1)
    left = np.concatenate([graph.left, more[:, 0]])
    right = np.concatenate([graph.right, more[:, 1]])
    border = np.concatenate([graph.border_m, np.zeros(len(more))])
    order = np.lexsort((right, left))
    return Contiguity(left[order], right[order], border[order], graph.count), ways
