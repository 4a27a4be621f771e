"""The management line of communities: the given line, moved round buildings that straddle it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridplan.geometry import GRID_M, Geometries, inner_points, shared_borders

Ints = npt.NDArray[np.intp]

NOBODY = -1
_PART_M2 = 1e-6


@dataclass(frozen=True, slots=True)
class Management:
    """
    Communities whose line cuts no building.

    Attributes
    ----------
    communities : array of Polygon or MultiPolygon, shape (m,)
    owner : array of int, shape (n,)
        Community of each footprint, `NOBODY` for one that lies outside all.
    moves : DataFrame
        ``footprint`` (position, or `NOBODY` for land that a building cut off),
        ``taken_from``, ``given_to`` (positions of communities), ``area_m2``, ``geometry``.
    """

    communities: Geometries
    owner: Ints
    moves: pd.DataFrame


def management_lines(communities: Geometries, footprints: Geometries) -> Management:
    """
    Give each footprint whole to the community with its larger part.

    Parameters
    ----------
    communities : array of Polygon or MultiPolygon
        In a fixed order; they tile the place. Of equal parts the first gets the building.
    footprints : array of Polygon or MultiPolygon
        Without overlaps. One across the outer boundary counts by its inner part.
    """
    owner, straddling = _larger_part(communities, footprints)
    if not len(straddling):
        return Management(communities, owner, _moves([], [], [], np.empty(0), []))
    rings = shapely.get_parts(
        shapely.boundary(np.concatenate([communities, footprints[straddling]]))
    )
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(shapely.union_all(rings))))
    inner = inner_points(faces)
    given = _first_holding(communities, inner)
    inside = given != NOBODY
    faces, inner, given = shapely.normalize(faces[inside]), inner[inside], given[inside]
    building = _first_holding(footprints[straddling], inner)
    taken = given.copy()
    held = building != NOBODY
    taken[held] = owner[straddling[building[held]]]
    taken = _without_scraps(faces, given, taken, locked=held)
    cut_off = np.flatnonzero((taken != given) & ~held)
    owner = _moved_along(footprints, owner, straddling, faces[cut_off], taken[cut_off])
    changed = np.flatnonzero(taken != given)
    source = np.where(held, straddling[np.maximum(building, 0)], NOBODY)
    order = changed[np.lexsort((shapely.to_wkb(faces[changed]), source[changed]))]
    moves = _moves(
        source[order],
        given[order],
        taken[order],
        shapely.area(faces[order].tolist()),
        faces[order].tolist(),
    )
    moved = np.array(
        [shapely.coverage_union_all(faces[taken == one]) for one in range(len(communities))],
        dtype=object,
    )
    return Management(shapely.normalize(moved), owner, moves)


def _larger_part(communities: Geometries, shapes: Geometries) -> tuple[Ints, Ints]:
    """Return the community of each shape, and the shapes that lie in more than one."""
    place, community = shapely.STRtree(communities).query(shapes, predicate="intersects")
    owner = np.full(len(shapes), NOBODY, dtype=np.intp)
    several = np.bincount(place, minlength=len(shapes))[place] > 1
    owner[place[~several]] = community[~several]
    place, community = place[several], community[several]
    area = shapely.area(shapely.intersection(shapes[place], communities[community]))
    real = area > _PART_M2
    place, community, area = place[real], community[real], area[real]
    order = np.lexsort((community, -area.round(3), place))
    first = order[np.unique(place[order], return_index=True)[1]]
    owner[place[first]] = community[first]
    straddling = np.flatnonzero(np.bincount(place, minlength=len(shapes)) > 1)
    return owner, straddling


def _moved_along(
    footprints: Geometries, owner: Ints, straddling: Ints, faces: Geometries, taken: Ints
) -> Ints:
    """Return the owners, with the footprints on land that was cut off going with it."""
    rest = np.setdiff1d(np.arange(len(footprints)), straddling)
    place, face = shapely.STRtree(faces).query(footprints[rest], predicate="intersects")
    area = shapely.area(shapely.intersection(footprints[rest[place]], faces[face]))
    real = area > _PART_M2
    moved = owner.copy()
    moved[rest[place[real]]] = taken[face[real]]
    return moved


def _first_holding(areas: Geometries, points: Geometries) -> Ints:
    point, area = shapely.STRtree(areas).query(points, predicate="intersects")
    found = np.full(len(points), len(areas), dtype=np.intp)
    np.minimum.at(found, point, area)
    found[found == len(areas)] = NOBODY
    return found


def _without_scraps(
    faces: Geometries, given: Ints, taken: Ints, *, locked: npt.NDArray[np.bool_]
) -> Ints:
    """
    Give land that a moved building cuts off to the community around it.

    Between a building and the line lies land that only its old community's building
    joined to the rest; what was a piece by itself before stays one.
    """
    borders = shared_borders(faces)
    borders = borders[borders["length_m"] >= GRID_M]
    left, right = borders["left"].to_numpy(), borders["right"].to_numpy()
    length = borders["length_m"].to_numpy()
    area = shapely.area(faces)
    before = _pieces(len(faces), left, right, given)
    settled = taken.copy()
    for _ in range(len(faces)):
        after = _pieces(len(faces), left, right, settled)
        size = np.bincount(after, weights=area)
        # Of what was one piece and one community before, the largest part stays.
        main = pd.Series(size[after]).groupby([before, settled]).transform("max").to_numpy()
        scrap = (size[after] < main) & ~locked & (settled == given)
        if not scrap.any():
            break
        piece = after[np.flatnonzero(scrap)[0]]
        own = after == piece
        beside = np.concatenate([right[own[left] & ~own[right]], left[own[right] & ~own[left]]])
        met = np.concatenate([length[own[left] & ~own[right]], length[own[right] & ~own[left]]])
        if not len(beside):
            break
        settled[own] = int(np.bincount(settled[beside], weights=met).argmax())
    return settled


def _pieces(n: int, left: Ints, right: Ints, label: Ints) -> Ints:
    same = label[left] == label[right]
    graph = coo_array((np.ones(int(same.sum())), (left[same], right[same])), shape=(n, n))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.intp)


def _moves(
    footprint: npt.ArrayLike,
    source: npt.ArrayLike,
    target: npt.ArrayLike,
    area_m2: npt.ArrayLike,
    shapes: Sequence[shapely.Geometry],
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "footprint": np.asarray(footprint, dtype=np.intp),
            "taken_from": np.asarray(source, dtype=np.intp),
            "given_to": np.asarray(target, dtype=np.intp),
            "area_m2": np.asarray(area_m2, dtype=np.float64),
            "geometry": pd.Series(list(shapes), dtype="object"),
        }
    )
