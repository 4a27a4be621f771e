"""The polygons of cells: noded once, each building whole, each cell in one piece."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridplan.cells.atoms import WORTH, bond_m
from gridplan.cells.faces import OUTSIDE, FaceSet, line_kinds, segments
from gridplan.cells.land import Lines
from gridplan.cells.raster import Frame
from gridplan.cells.sums import sums_by
from gridplan.geometry import GRID_M, Floats, Geometries, inner_points

Ints = npt.NDArray[np.intp]

NONE = -1
_ROUNDS = 50

_ROUNDING_M2 = 1e-3
"""A smaller piece is what noding leaves between lines that should be one."""


@dataclass(frozen=True, slots=True)
class Tile:
    """
    Cells of one community on the raster.

    Attributes
    ----------
    cell : array of int, shape (rows, columns)
        Number of the cell that holds each pixel, over all communities; below 0 outside.
    face : array of int, shape (rows, columns)
        Position of the pixel's face over all communities, counted from 1; 0 outside. A
        building's pixels all have the face the building belongs to.
    frame : Frame
    """

    cell: npt.NDArray[np.int32]
    face: npt.NDArray[np.int32]
    frame: Frame


@dataclass(frozen=True, slots=True)
class Pieces:
    """
    Pieces that cells are put together from.

    Attributes
    ----------
    polygons : array of Polygon, shape (n,)
    unit : array of int, shape (n,)
        Pieces of one building have the same unit.
    community, cell : array of int, shape (units,)
        Cell `NONE` where the raster does not say.
    """

    polygons: Geometries
    unit: Ints
    community: Ints
    cell: Ints


def make_pieces(
    faces: FaceSet,
    tiles: list[Tile],
    cuts: Geometries,
    ringed: Geometries,
    home: Ints,
) -> Pieces:
    """
    Node faces, cuts and building outlines once and say which cell each piece belongs to.

    Parameters
    ----------
    cuts : array of LineString
        Where cells part inside faces.
    ringed : array of Polygon or MultiPolygon
        Buildings that a line or a cut crosses.
    home : array of int
        Face each of these buildings belongs to.
    """
    rings = shapely.get_parts(shapely.boundary(ringed))
    noded = shapely.union_all(np.concatenate([faces.edges, cuts, rings]))
    polygons = shapely.normalize(shapely.get_parts(shapely.polygonize(shapely.get_parts(noded))))
    inner = inner_points(polygons)
    face = _holding(faces.polygons, inner)
    inside = face != NONE
    polygons, inner, face = polygons[inside], inner[inside], face[inside]
    order = np.lexsort((_rank(polygons), face))
    polygons, inner, face = polygons[order], inner[order], face[order]
    building = _holding(ringed, inner)
    held = building != NONE
    cell = cells_at(tiles, faces, face, inner)
    # The cell of a building is that of a pixel within it, of its own face.
    ringed_cell = cells_at(tiles, faces, home, shapely.point_on_surface(ringed))
    cell[held] = ringed_cell[building[held]]
    n = len(ringed)
    key = np.where(held, building, n + np.arange(len(polygons)))
    keys, first, unit = np.unique(key, return_index=True, return_inverse=True)
    community = faces.community[face[first]]
    # A building's pieces lie in faces of two communities only by rounding.
    community[keys < n] = faces.community[home[keys[keys < n]]]
    return Pieces(polygons, np.asarray(unit, dtype=np.intp), community, cell[first])


def _rank(polygons: Geometries) -> Ints:
    return np.asarray(np.unique(shapely.to_wkb(polygons), return_inverse=True)[1], dtype=np.intp)


def _holding(areas: Geometries, points: Geometries) -> Ints:
    found = np.full(len(points), len(areas), dtype=np.intp)
    if len(areas):
        point, area = shapely.STRtree(areas).query(points, predicate="intersects")
        np.minimum.at(found, point, area)
    found[found == len(areas)] = NONE
    return found


def cells_at(tiles: list[Tile], faces: FaceSet, face: Ints, inner: Geometries) -> Ints:
    """Return the cell of each piece: that of its face, or of the pixel where it lies."""
    cell = np.full(len(face), NONE, dtype=np.intp)
    x, y = shapely.get_x(inner), shapely.get_y(inner)
    community = faces.community[face]
    for number, tile in enumerate(tiles):
        mine = np.flatnonzero(community == number)
        if len(mine):
            cell[mine] = _cells_on_tile(tile, face[mine], x[mine], y[mine])
    return cell


_LOOK = tuple(
    sorted(
        ((r, c) for r in range(-3, 4) for c in range(-3, 4)),
        key=lambda step: (step[0] ** 2 + step[1] ** 2, step),
    )
)
"""Pixels around one, the nearest first."""


def _cells_on_tile(tile: Tile, face: Ints, x: Floats, y: Floats) -> Ints:
    row, column = tile.frame.places(x, y)
    found = np.full(len(face), NONE, dtype=np.intp)
    for down, right in _LOOK:
        r = np.clip(row + down, 0, tile.frame.rows - 1)
        c = np.clip(column + right, 0, tile.frame.columns - 1)
        good = (found == NONE) & (tile.face[r, c] == face + 1)
        found[good] = tile.cell[r, c][good]
    return found


@dataclass(frozen=True, slots=True)
class _Bonds:
    community: Ints
    tiny: npt.NDArray[np.bool_]
    rim: npt.NDArray[np.bool_]
    left: Ints
    right: Ints
    length_m: Floats
    bond: Floats


def settled_cells(
    pieces: Pieces, lines: Lines, *, least_m2: float, most_m2: float, close_rings: bool = True
) -> Ints:
    """
    Return the cell of each unit so that every cell is connected.

    What no pixel decided, and what lies apart from the rest of its cell, goes to the
    neighbour with which it shares the most border that runs on no line. Cells below
    `least_m2` are joined to a neighbour where both are no larger than `most_m2`, else to
    the one that they hold together with most if that is larger by itself. With `close_rings`
    a cell within another is joined to it where both are no larger than `most_m2`, or where
    the other is so already by itself: open land, a lake.
    """
    area = sums_by(pieces.unit, shapely.area(pieces.polygons), len(pieces.cell))
    bonds = _bonds(pieces, lines, area)
    cell = np.where(area < _ROUNDING_M2, NONE, pieces.cell)
    for loose in (_unknown, _apart):
        for _ in range(_ROUNDS):
            before = cell
            cell = _given_away(cell, loose(cell, area, bonds), bonds)
            if (cell == before).all():
                break
    lost = cell == NONE
    # Land that no pixel hit and that touches nothing else is a cell by itself.
    cell[lost] = cell.max(initial=NONE) + 1 + np.arange(int(lost.sum()))
    cell = _small_joined(cell, area, bonds, least_m2=least_m2, most_m2=most_m2)
    return _rings_closed(cell, area, bonds, most_m2=most_m2) if close_rings else cell


def _rings_closed(cell: Ints, area: Floats, bonds: _Bonds, *, most_m2: float) -> Ints:
    """
    Return the cells with each that lies within another joined to it, where that may be.

    On the raster it met a third one, but no line closes the land between.
    """
    n = int(cell.max()) + 1
    size = np.bincount(cell, weights=area, minlength=n).round(3)
    ends = np.stack([cell[bonds.left], cell[bonds.right]], axis=1)
    ends = ends[ends[:, 0] != ends[:, 1]]
    pairs = np.unique(np.concatenate([ends, ends[:, ::-1]]), axis=0)
    inside = np.bincount(pairs[:, 0], minlength=n) == 1
    inside[cell[bonds.rim]] = False
    host_of = np.arange(n)
    for one, host in pairs[inside[pairs[:, 0]]].tolist():
        large = size[host] > max(most_m2, size[one])
        if (large or size[one] + size[host] <= most_m2) and not inside[host]:
            host_of[one] = host
            size[host] += size[one]
    return np.asarray(host_of[cell], dtype=np.intp)


def _small_joined(
    cell: Ints, area: Floats, bonds: _Bonds, *, least_m2: float, most_m2: float
) -> Ints:
    n = int(cell.max()) + 1
    size = np.bincount(cell, weights=area, minlength=n).round(3).tolist()
    near: list[dict[int, float]] = [{} for _ in range(n)]
    a, b, home = cell[bonds.left], cell[bonds.right], _homes(cell, bonds)
    for one, other, bond in zip(a.tolist(), b.tolist(), bonds.bond.tolist(), strict=True):
        # A scrap of rounding may lie in a cell of the next community, and joins no two cells.
        if one != other and home[one] == home[other]:
            near[one][other] = near[other][one] = round(near[one].get(other, 0.0) + bond, 6)
    host_of = list(range(n))
    small = [one for one in range(n) if 0 < size[one] < least_m2]
    for one in sorted(small, key=lambda one: (size[one], one)):
        # Only what has not been joined to yet: of a chain of small cells the rest comes later.
        beside = sorted(near[one], key=lambda other: (-near[one][other], size[other], other))
        hosts = [other for other in beside if size[one] + size[other] <= most_m2]
        # What is too large already, a large building with its yard say, takes its corners too.
        hosts += [other for other in beside[:1] if size[other] > most_m2]
        if size[one] >= least_m2 or not hosts:
            continue
        host = hosts[0]
        host_of[one] = host
        size[host] += size[one]
        for other, bond in near[one].items():
            del near[other][one]
            if other != host:
                near[host][other] = near[other][host] = near[host].get(other, 0.0) + bond
        near[one], size[one] = {}, 0.0
    for one in range(n):
        while host_of[host_of[one]] != host_of[one]:
            host_of[one] = host_of[host_of[one]]
    return np.asarray(host_of, dtype=np.intp)[cell]


def _bonds(pieces: Pieces, lines: Lines, area: Floats) -> _Bonds:
    found = segments(pieces.polygons)
    beyond = found["left"] == OUTSIDE
    outer, found = pieces.unit[found["right"].to_numpy()[beyond]], found[~beyond]
    left = pieces.unit[found["left"].to_numpy()]
    right = pieces.unit[found["right"].to_numpy()]
    # What only rounding has cut off from its community may join any cell.
    tiny = area < _ROUNDING_M2
    same = pieces.community[left] == pieces.community[right]
    real = (left != right) & (same | tiny[left] | tiny[right])
    apart = ~(same | tiny[left] | tiny[right])
    rim = np.zeros(len(pieces.cell), dtype=bool)
    rim[np.concatenate([outer, left[apart], right[apart]])] = True
    rim &= ~tiny
    found, left, right = found[real].reset_index(drop=True), left[real], right[real]
    worth = WORTH[line_kinds(found, lines)]
    n = len(pieces.cell)
    low, high = np.minimum(left, right), np.maximum(left, right)
    key, pair = np.unique(low * n + high, return_inverse=True)
    length = found["length_m"].to_numpy()
    total = sums_by(pair, length, len(key))
    bond = sums_by(pair, bond_m(length, worth), len(key))
    low, high = key // n, key % n
    meet = (total >= GRID_M) | tiny[low] | tiny[high]
    return _Bonds(
        pieces.community, tiny, rim, low[meet], high[meet], total[meet], bond[meet].round(6)
    )


def _homes(cell: Ints, bonds: _Bonds) -> Ints:
    """Return the community of each cell, which scraps of rounding do not decide."""
    home = np.full(int(cell.max(initial=NONE)) + 1, NONE, dtype=np.intp)
    for which in (bonds.tiny, ~bonds.tiny):
        known = which & (cell != NONE)
        home[cell[known]] = bonds.community[known]
    return home


def _unknown(cell: Ints, area: Floats, bonds: _Bonds) -> npt.NDArray[np.bool_]:  # noqa: ARG001
    """Return the units without a cell."""
    return np.asarray(cell == NONE)


def _apart(cell: Ints, area: Floats, bonds: _Bonds) -> npt.NDArray[np.bool_]:
    """Return the units apart from the largest part of their cell."""
    n = len(cell)
    same = cell[bonds.left] == cell[bonds.right]
    ends = (bonds.left[same], bonds.right[same])
    graph = coo_array((np.ones(len(ends[0])), ends), shape=(n, n))
    part = connected_components(graph, directed=False)[1]
    size = np.bincount(part, weights=area).round(3)
    # Of equal parts the first stays.
    order = np.lexsort((part, -size[part], cell))
    first = order[np.unique(cell[order], return_index=True)[1]]
    main = np.full(int(cell.max(initial=0)) + 2, NONE, dtype=np.intp)
    main[cell[first]] = part[first]
    return np.asarray(part != main[cell])


def _given_away(cell: Ints, loose: npt.NDArray[np.bool_], bonds: _Bonds) -> Ints:
    """Return the cells with each loose unit given to its best neighbour that is not loose."""
    a = np.concatenate([bonds.left, bonds.right])
    b = np.concatenate([bonds.right, bonds.left])
    bond = np.concatenate([bonds.bond, bonds.bond])
    offered = loose[a] & ~loose[b]
    a, b, bond = a[offered], b[offered], bond[offered]
    own = bonds.tiny[a] | (_homes(cell, bonds)[cell[b]] == bonds.community[a])
    a, b, bond = a[own], b[own], bond[own]
    n = int(cell.max()) + 1
    key, pair = np.unique(a * n + cell[b], return_inverse=True)
    total = np.bincount(pair, weights=bond).round(6)
    unit, host = key // n, key % n
    order = np.lexsort((host, -total, unit))
    first = order[np.unique(unit[order], return_index=True)[1]]
    settled = cell.copy()
    settled[unit[first]] = host[first]
    return settled
