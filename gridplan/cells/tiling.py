"""From linework to faces that tile the communities, and slivers merged into neighbours."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridplan.geometry import GRID_M, Geometries, inner_points, shared_borders

Ints = npt.NDArray[np.intp]

NOWHERE = -1
"""Owner of a face that lies in no community."""

_GAP_WIDTH_M = 2 * GRID_M
_DECIMALS = 3
"""Lengths, areas and places are compared to the millimetre: what lies below is rounding."""


@dataclass(frozen=True, slots=True)
class Faces:
    """
    Polygons that tile the communities, with the same vertices on both sides of a border.

    Attributes
    ----------
    polygons : array of Polygon, shape (n,)
    owner : array of int, shape (n,)
        Position of the community each face belongs to.
    """

    polygons: Geometries
    owner: Ints


def tile(lines: Geometries, communities: Geometries) -> Faces:
    """
    Return the faces that `lines` cut out of the communities.

    Parameters
    ----------
    lines : array of LineString
        Where to cut; they may run beyond the communities.
    communities : array of Polygon or MultiPolygon, shape (m,)
        In a fixed order. Where two overlap by rounding, the first owns the place.

    Returns
    -------
    Faces
        Sorted by owner, from the north and from the west.

    Notes
    -----
    All linework is noded once, in floating point: each input line stays where it is
    to about 1e-9 m. Rounding the crossings to the 1 mm grid instead would bend every
    long community line at each crossing and cost 0.01 to 1 m² of tiling error over a
    town, which could not be told from a real gap.
    """
    rings = shapely.boundary(communities)
    noded = shapely.union_all(np.concatenate([lines, rings]))
    polygons = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    owner = _owners(polygons, communities)
    owner = _fill_gaps(polygons, owner)
    inside = owner != NOWHERE
    polygons, owner = shapely.normalize(polygons[inside]), owner[inside]
    order = _from_north_west(polygons, owner)
    return Faces(polygons[order], owner[order])


def _owners(polygons: Geometries, communities: Geometries) -> Ints:
    inner = inner_points(polygons)
    face, community = shapely.STRtree(communities).query(inner, predicate="intersects")
    owner = np.full(len(polygons), len(communities), dtype=np.intp)
    np.minimum.at(owner, face, community)
    owner[owner == len(communities)] = NOWHERE
    return owner


def _fill_gaps(polygons: Geometries, owner: Ints) -> Ints:
    """
    Give gaps of rounding width between communities to a community beside them.

    Lines of neighbours that lack a common vertex part by up to half a millimetre.
    Such a gap is closed on all sides by communities; a face outside the boundary is
    not, however thin.
    """
    nowhere = owner == NOWHERE
    if not nowhere.any():
        return owner
    borders = shared_borders(polygons)
    left, right = borders["left"].to_numpy(), borders["right"].to_numpy()
    length = borders["length_m"].to_numpy()
    group = _groups(len(polygons), left, right, nowhere[left] & nowhere[right])
    met = np.bincount(np.r_[left, right], np.r_[length, length], minlength=len(polygons))
    closed = np.isclose(met, shapely.length(polygons), rtol=0, atol=GRID_M)
    open_groups = np.unique(group[nowhere & ~closed])
    area, width_of = shapely.area(polygons), shapely.length(polygons)
    thin = 2 * area <= _GAP_WIDTH_M * width_of
    gaps = nowhere & thin & ~np.isin(group, open_groups)
    filled = owner.copy()
    for gap in np.flatnonzero(gaps):
        beside = np.r_[right[left == gap], left[right == gap]]
        lengths = np.r_[length[left == gap], length[right == gap]]
        owned = owner[beside] != NOWHERE
        if owned.any():
            per_owner = np.bincount(owner[beside[owned]], lengths[owned])
            filled[gap] = int(per_owner.round(_DECIMALS).argmax())
    return filled


def _groups(n: int, left: Ints, right: Ints, joined: npt.NDArray[np.bool_]) -> Ints:
    left, right = left[joined], right[joined]
    graph = coo_array((np.ones(len(left)), (left, right)), shape=(n, n))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.intp)


def _from_north_west(polygons: Geometries, owner: Ints) -> Ints:
    centroids = shapely.centroid(polygons)
    x = shapely.get_x(centroids).round(_DECIMALS)
    y = shapely.get_y(centroids).round(_DECIMALS)
    return np.lexsort((x, -y, owner))


def merge_slivers(faces: Faces, *, min_area_m2: float) -> tuple[Faces, npt.NDArray[np.bool_]]:
    """
    Merge small faces into a neighbour of the same community until none is left.

    The smallest face goes first, into the neighbour with which it shares the longest
    border; of equal borders into the smaller neighbour, then into the first.

    Parameters
    ----------
    faces : Faces
    min_area_m2 : float
        Faces below this area are slivers.

    Returns
    -------
    faces : Faces
        In the order of their first member; borders keep every vertex, so that
        neighbours still match exactly.
    stuck : array of bool
        Slivers that have no neighbour in their community.
    """
    members = _merge_plan(faces, min_area_m2)
    first = np.array([own[0] for own in members], dtype=np.intp)
    polygons = faces.polygons[first].copy()
    for place, own in enumerate(members):
        if len(own) > 1:
            polygons[place] = shapely.coverage_union_all(faces.polygons[own])
    merged = Faces(shapely.normalize(polygons), faces.owner[first])
    return merged, shapely.area(polygons) < min_area_m2


def _merge_plan(faces: Faces, min_area_m2: float) -> list[list[int]]:
    """Return the positions of the faces that make up each merged face, sorted."""
    neighbours = _neighbours(faces)
    area: list[float] = shapely.area(faces.polygons).tolist()
    members: list[list[int]] = [[place] for place in range(len(area))]
    small = [(round(m2, _DECIMALS), place) for place, m2 in enumerate(area) if m2 < min_area_m2]
    heapq.heapify(small)
    while small:
        m2, sliver = heapq.heappop(small)
        if not members[sliver] or m2 != round(area[sliver], _DECIMALS):
            continue
        if not neighbours[sliver]:
            continue
        host = min(
            neighbours[sliver],
            key=lambda near: (
                -round(neighbours[sliver][near], _DECIMALS),
                round(area[near], _DECIMALS),
                near,
            ),
        )
        members[host] += members[sliver]
        members[sliver] = []
        area[host] += area[sliver]
        _join(neighbours, sliver, host)
        if area[host] < min_area_m2:
            heapq.heappush(small, (round(area[host], _DECIMALS), host))
    return sorted(sorted(own) for own in members if own)


def _neighbours(faces: Faces) -> list[dict[int, float]]:
    borders = shared_borders(faces.polygons)
    left, right = borders["left"].to_numpy(), borders["right"].to_numpy()
    same = faces.owner[left] == faces.owner[right]
    neighbours: list[dict[int, float]] = [{} for _ in faces.polygons]
    shared: Any = borders["length_m"].to_numpy()[same].tolist()
    for a, b, length in zip(left[same].tolist(), right[same].tolist(), shared, strict=True):
        neighbours[a][b] = length
        neighbours[b][a] = length
    return neighbours


def _join(neighbours: list[dict[int, float]], sliver: int, host: int) -> None:
    """Let `host` take over the borders of `sliver`."""
    for near, length in neighbours[sliver].items():
        del neighbours[near][sliver]
        if near != host:
            joint = neighbours[host].get(near, 0.0) + length
            neighbours[host][near] = joint
            neighbours[near][host] = joint
    neighbours[sliver] = {}
