"""A given grid mended on request: exact tiling, every change told."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridplan.cells.corners import with_common_corners, without_idle_corners
from gridplan.cells.given_faults import (
    GAP,
    HAIRLINES,
    LISTED_M2,
    OUTSIDE,
    OVERLAP,
    SLIVER,
    SLIVER_M,
    Fault,
    Grid,
)
from gridplan.geometry import GRID_M, Geometries, inner_points, shared_borders

Ints = npt.NDArray[np.intp]

_NOBODY = -1
_NOISE_M2 = 1e-4
"""Less land in all is what noding in floating point moves, no change of a grid."""

_BESIDE_M = 0.01
"""A cell that comes nearer than this to what was changed may get new borders."""

_ROUNDS = 100
"""Slivers beside slivers need several rounds; each round leaves fewer."""


@dataclass(frozen=True, slots=True)
class Mended:
    """
    The mended cells and what was changed.

    Attributes
    ----------
    shapes : array of geometry, shape (n,)
        None for a cell of which nothing is left.
    changes : list of Fault
        All with ``repaired``; ``given_to`` says who got the land.
    """

    shapes: Geometries
    changes: list[Fault]


@dataclass(frozen=True, slots=True)
class _Faces:
    polygons: Geometries
    community: Ints
    owners: list[list[int]]
    borders: pd.DataFrame
    """``left``, ``right``, ``length_m``, each pair in both directions."""


def mend(
    grid: Grid, communities: Geometries, outline: shapely.Geometry, buildings: Geometries
) -> Mended:
    """
    Return cells that tile the outline: each place belongs to one cell.

    All borders are noded once and every face between them gets one owner. A face that
    several cells claim goes to one of the community it lies in, then to one that holds
    the buildings below it whole, then to the largest of them; one that none claims to
    a neighbour in its own community where there is one, to that which has the other
    side of the buildings on it, then to that with the longest border; a sliver, or a
    narrow part of a cell cut off from the rest, to that with the longest border. Codes
    stay with their cells; a cell that is a sliver itself goes, and its code with it. A
    cell that touches no such face keeps its shape to the last digit.

    Parameters
    ----------
    grid : Grid
    communities : array of Polygon, shape (m,)
        Their lines bound what a gap may be given to.
    outline : Polygon or MultiPolygon
    buildings : array of Polygon
        They are not cut where an overlap or a gap can be given to the cell that holds them.
    """
    met = with_common_corners(np.concatenate([grid.shapes, communities, [outline]]))
    cells, outline = met[: len(grid.shapes)], met[-1]
    faces = _faces_of(cells, met[len(grid.shapes) : -1], outline)
    owner = _claimed(faces, grid, buildings)
    claimed = owner.copy()
    owner = _fill(faces, owner, grid, _reaching(faces, owner, buildings))
    filled = owner.copy()
    owner = _without_slivers(faces, owner, grid)
    changes = [
        *_beyond(replace(grid, shapes=cells), outline),
        *_handed(GAP, faces, grid, np.full(len(owner), _NOBODY), filled, claimed == _NOBODY),
        *_overlapping(faces, grid, claimed),
        *_handed(SLIVER, faces, grid, filled, owner, filled != owner),
    ]
    told = _with_hairlines(changes)
    return Mended(_reshaped(grid, faces, owner, told), told)


def _claimed(faces: _Faces, grid: Grid, buildings: Geometries) -> Ints:
    """Return which of the cells that claim it has each face; nobody where none does."""
    cut_m2 = _cut_by_claim(faces, grid, buildings)
    area_m2 = shapely.area(grid.shapes)

    def last(face: int, cell: int) -> tuple[bool, float, float, int]:
        away = bool(grid.community[cell] != faces.community[face])
        return away, cut_m2.get((face, cell), 0.0), -float(area_m2[cell]), cell

    first = [
        min((last(face, cell) for cell in own), default=(_NOBODY,))[-1]
        for face, own in enumerate(faces.owners)
    ]
    return np.array(first, dtype=np.intp)


def _cut_by_claim(faces: _Faces, grid: Grid, buildings: Geometries) -> dict[tuple[int, int], float]:
    """Return what of buildings would be cut off if a claimant had a face, by face and cell."""
    contested = np.array([at for at, own in enumerate(faces.owners) if len(own) > 1], dtype=np.intp)
    if not len(contested) or not len(buildings):
        return {}
    at, building = shapely.STRtree(buildings).query(faces.polygons[contested], "intersects")
    face = contested[at]
    below_m2 = shapely.area(shapely.intersection(faces.polygons[face], buildings[building]))
    claims = pd.DataFrame({"face": face, "building": building, "below_m2": below_m2})
    claims["cell"] = [faces.owners[one] for one in face]
    claims = claims[below_m2 > LISTED_M2].explode("cell").astype({"cell": np.intp})
    whole = buildings[claims["building"]]
    beyond_m2 = shapely.area(shapely.difference(whole, grid.shapes[claims["cell"]]))
    cut = claims[beyond_m2 > LISTED_M2].groupby(["face", "cell"])["below_m2"].sum()
    return {(int(one), int(cell)): float(m2) for (one, cell), m2 in cut.items()}


def _faces_of(cells: Geometries, communities: Geometries, outline: shapely.Geometry) -> _Faces:
    lines = shapely.boundary(np.concatenate([cells, communities, [outline]]))
    noded = shapely.union_all(lines)
    polygons = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    points = inner_points(polygons)
    within = shapely.intersects(outline, points)
    polygons, points = polygons[within], points[within]
    order = np.argsort(shapely.to_wkb(shapely.normalize(polygons)), kind="stable")
    polygons, points = polygons[order], points[order]
    tree = shapely.STRtree(points)
    owners: list[list[int]] = [[] for _ in polygons]
    for cell, face in sorted(zip(*tree.query(cells, "intersects").tolist(), strict=True)):
        owners[face].append(cell)
    community = np.full(len(polygons), _NOBODY, dtype=np.intp)
    place, face = tree.query(communities, "intersects")
    community[face] = place
    borders = shared_borders(polygons)
    turned = borders.rename(columns={"left": "right", "right": "left"})
    both = pd.concat([borders, turned], ignore_index=True)
    return _Faces(polygons, community, owners, both)


def _reaching(faces: _Faces, owner: Ints, buildings: Geometries) -> pd.Series[float]:
    """Return what of the buildings of cells stands on land that nobody has, by face and cell."""
    free, taken = np.flatnonzero(owner == _NOBODY), np.flatnonzero(owner != _NOBODY)
    # Only buildings on free land matter, of a town's a few.
    where = shapely.STRtree(buildings).query(faces.polygons[free], "intersects")[1]
    buildings = buildings[np.unique(where)]
    parts = []
    for at in (free, taken):
        face, building = shapely.STRtree(buildings).query(faces.polygons[at], "intersects")
        m2 = shapely.area(shapely.intersection(faces.polygons[at[face]], buildings[building]))
        parts.append(pd.DataFrame({"face": at[face], "building": building, "m2": m2})[m2 > 0])
    on, beside = parts
    held = beside.assign(cell=owner[beside["face"]]).groupby(["building", "cell"])["m2"].sum()
    # Each building draws the land below it to the cell that has most of it.
    most = held.reset_index().sort_values(["building", "m2", "cell"], ascending=[True, False, True])
    drawn = on.merge(most.drop_duplicates("building")[["building", "cell"]], on="building")
    sums: pd.Series[float] = drawn.groupby(["face", "cell"])["m2"].sum()
    return sums


def _fill(faces: _Faces, owner: Ints, grid: Grid, reaching: pd.Series[float]) -> Ints:
    """Give faces without owner to the neighbour with most of the buildings on it, or border."""
    owner = owner.copy()
    left, right = faces.borders["left"].to_numpy(), faces.borders["right"].to_numpy()
    while (owner == _NOBODY).any():
        beside = (owner[left] == _NOBODY) & (owner[right] != _NOBODY)
        if not beside.any():
            break
        best = _longest(
            left[beside],
            owner[right[beside]],
            faces.borders["length_m"].to_numpy()[beside],
            at_home=faces.community[left[beside]] == grid.community[owner[right[beside]]],
            reaching=reaching,
        )
        owner[best["piece"]] = best["cell"]
    return owner


def _longest(
    piece: Ints,
    cell: Ints,
    length_m: npt.NDArray[np.float64],
    *,
    at_home: npt.NDArray[np.bool_],
    reaching: pd.Series[float] | None = None,
) -> pd.DataFrame:
    """Return for each piece of land the cell beside it that is to have it."""
    sides = pd.DataFrame({"piece": piece, "cell": cell, "home": at_home, "length_m": length_m})
    sums = pd.DataFrame(sides.groupby(["piece", "cell", "home"])["length_m"].sum().reset_index())
    # Lengths that differ by rounding are equal, so that the first cell has it.
    sums["length_m"] = np.round(sums["length_m"] / GRID_M)
    pairs = zip(sums["piece"].tolist(), sums["cell"].tolist(), strict=True)
    known = {} if reaching is None else reaching.to_dict()
    built_m2 = np.array([known.get(pair, 0.0) for pair in pairs], dtype=np.float64)
    sums["built_m2"] = np.where(built_m2 > LISTED_M2, np.round(built_m2 / LISTED_M2), 0.0)
    ordered = sums.sort_values(
        ["piece", "home", "built_m2", "length_m", "cell"],
        ascending=[True, False, False, False, True],
    )
    return ordered.drop_duplicates("piece")


def _without_slivers(faces: _Faces, owner: Ints, grid: Grid) -> Ints:
    """Give connected pieces of cells that are slivers to a neighbour."""
    owner = owner.copy()
    left, right = faces.borders["left"].to_numpy(), faces.borders["right"].to_numpy()
    length_m = faces.borders["length_m"].to_numpy()
    for _ in range(_ROUNDS):
        piece = _pieces(owner, left, right)
        shared = piece[left] == piece[right]
        inner_m = np.bincount(piece[left[shared]], length_m[shared], minlength=piece.max() + 1)
        rim_m = np.bincount(piece, shapely.length(faces.polygons)) - inner_m
        narrow = 2 * np.bincount(piece, shapely.area(faces.polygons)) < SLIVER_M * rim_m
        side = ~shared & narrow[piece[left]] & ~narrow[piece[right]]
        side &= (owner[left] != _NOBODY) & (owner[right] != _NOBODY)
        if not side.any():
            return owner
        host = owner[right[side]]
        best = _longest(
            piece[left[side]],
            host,
            length_m[side],
            at_home=grid.community[owner[left[side]]] == grid.community[host],
        )
        target = np.full(len(narrow), _NOBODY, dtype=np.intp)
        target[best["piece"]] = best["cell"]
        moved = target[piece] != _NOBODY
        owner[moved] = target[piece][moved]
    return owner


def _pieces(owner: Ints, left: Ints, right: Ints) -> Ints:
    same = owner[left] == owner[right]
    n = len(owner)
    graph = coo_array((np.ones(int(same.sum())), (left[same], right[same])), shape=(n, n))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.intp)


def _reshaped(grid: Grid, faces: _Faces, owner: Ints, changes: list[Fault]) -> Geometries:
    """Return the cells: of new shape those beside a change, the others as they were."""
    shapes = grid.shapes.copy()
    if not changes:
        return shapes
    places = np.array([one.where for one in changes], dtype=object)
    beside = np.unique(
        shapely.STRtree(shapes).query(places, predicate="dwithin", distance=_BESIDE_M)[1]
    )
    shapes[beside] = None
    for cell in np.intersect1d(beside, owner):
        shapes[cell] = shapely.coverage_union_all(faces.polygons[owner == cell])
    left = np.intersect1d(beside, owner)
    changed = np.array([own != [one] for own, one in zip(faces.owners, owner, strict=True)])
    corners = shapely.get_coordinates(np.concatenate([grid.shapes, faces.polygons[changed]]))
    # Lines of communities, and of the boundary, leave their corners and crossings behind.
    shapes[left] = shapely.normalize(without_idle_corners(shapes[left], corners))
    return shapes


def _beyond(grid: Grid, outline: shapely.Geometry) -> list[Fault]:
    parts = shapely.difference(grid.shapes, outline)
    return [
        Fault(OUTSIDE, grid.names[cell], float(shapely.area(part)), part, repaired=True)
        for cell, part in enumerate(parts)
        if shapely.area(part) > 0
    ]


def _handed(
    kind: str, faces: _Faces, grid: Grid, old: Ints, new: Ints, which: npt.NDArray[np.bool_]
) -> list[Fault]:
    """Return what went from one cell, or none, to another, one change a pair."""
    pairs = sorted({(int(a), int(b)) for a, b in zip(old[which], new[which], strict=True)})
    return [
        _change(kind, faces.polygons[which & (old == a) & (new == b)], _name(grid, a), grid, b)
        for a, b in pairs
        if b != _NOBODY
    ]


def _overlapping(faces: _Faces, grid: Grid, claimed: Ints) -> list[Fault]:
    several: dict[tuple[int, ...], list[int]] = {}
    for face, own in enumerate(faces.owners):
        if len(own) > 1:
            several.setdefault((int(claimed[face]), *own), []).append(face)
    return [
        _change(
            OVERLAP,
            faces.polygons[at],
            " + ".join(str(grid.names[one]) for one in key[1:]),
            grid,
            key[0],
        )
        for key, at in sorted(several.items())
    ]


def _change(kind: str, land: Geometries, cells: str, grid: Grid, to: int) -> Fault:
    # Hairline faces may overlap by rounding, which a union of a coverage refuses.
    where = shapely.union_all(land)
    return Fault(
        kind, cells, float(shapely.area(land).sum()), where, given_to=_name(grid, to), repaired=True
    )


def _name(grid: Grid, cell: int) -> str:
    return "-" if cell == _NOBODY else str(grid.names[cell])


def _with_hairlines(changes: list[Fault]) -> list[Fault]:
    small = [one for one in changes if one.area_m2 < LISTED_M2]
    total = float(sum(one.area_m2 for one in small))
    kept = [one for one in changes if one.area_m2 >= LISTED_M2]
    if total < _NOISE_M2:
        return kept
    where = shapely.union_all([one.where for one in small])
    return [*kept, Fault(HAIRLINES, str(len(small)), total, where, repaired=True)]
