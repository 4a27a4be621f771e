"""Cells that follow the city: streets, water, walls, and no building cut."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import shapely

from gridplan.cells.atoms import Atoms, blocks_of, make_atoms, with_components
from gridplan.cells.balance import Score
from gridplan.cells.banks import part_banks, walks
from gridplan.cells.bridged import Waters, cut_between_bridges, waters_of
from gridplan.cells.centred import centred_search
from gridplan.cells.cuts import drawn_cuts, pixel_borders
from gridplan.cells.faces import FaceSet, make_faces
from gridplan.cells.groups import Group, Sizes, Zoning, adjacency_lists, group_blocks
from gridplan.cells.halves import make_cutter
from gridplan.cells.land import Footprints, Land, Lines, border_lines, footprints
from gridplan.cells.management import Management, management_lines
from gridplan.cells.options import CellOptions
from gridplan.cells.rings import open_rings, part_rings
from gridplan.cells.search import Search, search_cells
from gridplan.cells.shapes import Tile, make_pieces, settled_cells
from gridplan.cells.spikes import without_spikes
from gridplan.cells.straight import Aim, straight_borders
from gridplan.geometry import Geometries, inner_points

Ints = npt.NDArray[np.intp]

_LEAST_ATOM = 0.05
"""Atoms are at least this share of the target area."""
_LEAST_PART = 0.6
"""A cell around another is divided where each part is at least this share of the target area."""

NONE = -1
_NO_POINTS: Geometries = np.empty(0, dtype=object)


@dataclass(frozen=True, slots=True)
class Drawn:
    """
    Cells as drawn.

    Attributes
    ----------
    polygons : array of Polygon
    community : array of int
    management : Management
    footprints : Footprints
    """

    polygons: Geometries
    community: Ints
    management: Management
    footprints: Footprints


@dataclass(frozen=True, slots=True)
class Scene:
    """
    What cells are drawn on, whatever they should be like.

    Attributes
    ----------
    lines : Lines
    whole : Footprints
    management : Management
    faces : FaceSet
    home : array of int
        The face that holds most of each footprint; -1 where none does.
    zoning : Zoning
    points : array of Point
        Municipal components.
    waters : Waters
    """

    lines: Lines
    whole: Footprints
    management: Management
    faces: FaceSet
    home: Ints
    zoning: Zoning
    points: Geometries
    waters: Waters


def scene_of(communities: Geometries, land: Land, options: CellOptions) -> Scene:
    """Return what the cells of communities are drawn on."""
    lines = border_lines(land, borders=options.borders)
    whole = footprints(land.buildings.geometry.to_numpy(), shapely.union_all(communities))
    management = management_lines(communities, whole.shapes)
    faces = make_faces(lines, management.communities, whole.shapes)
    home = _home_faces(faces, whole.shapes, management.owner)
    points = land.component_points if options.even_components else _NO_POINTS
    waters = waters_of(land.streets, land.water)
    return Scene(lines, whole, management, faces, home, _zoning(faces, land), points, waters)


def draw_cells(scene: Scene, options: CellOptions, score: Score) -> Drawn:
    """Return the cells of communities in a fixed order."""
    tiles, count = [], 0
    for one in range(len(scene.management.communities)):
        tile, number = _cells_of(scene, one, options, score)
        tile.cell[tile.cell >= 0] += count
        count += number
        tiles.append(tile)
    polygons, community = _polygons(scene, tiles, options)
    aim = Aim(options.target_m2, options.most_share * options.target_m2)
    shapes = scene.whole.shapes
    straight = straight_borders(polygons, community, scene.lines, shapes, aim=aim)
    polygons = without_spikes(straight, community, shapes)
    least_m2 = options.min_share * options.target_m2
    polygons, community = cut_between_bridges(
        polygons, community, scene.waters, footprints=shapes, least_m2=least_m2
    )
    return Drawn(polygons, community, scene.management, scene.whole)


def _home_faces(faces: FaceSet, shapes: Geometries, owner: Ints) -> Ints:
    """Return the face that holds most of each footprint, inside its own community."""
    tree = shapely.STRtree(faces.polygons)
    home = np.full(len(shapes), NONE, dtype=np.intp)
    held, face = tree.query(shapes, predicate="covered_by")
    home[held] = face
    rest = np.flatnonzero((home == NONE) & (owner != NONE))
    at, face = tree.query(shapes[rest], predicate="intersects")
    mine = faces.community[face] == owner[rest[at]]
    at, face = at[mine], face[mine]
    area = shapely.area(shapely.intersection(shapes[rest[at]], faces.polygons[face])).round(3)
    order = np.lexsort((face, -area, at))
    first = order[np.unique(at[order], return_index=True)[1]]
    home[rest[at[first]]] = face[first]
    return home


def _zoning(faces: FaceSet, land: Land) -> Zoning:
    """Return block, walled estate and wetness of each face."""
    inner = inner_points(faces.polygons)
    walled = land.walled.geometry.to_numpy()
    estate = np.zeros(len(inner), dtype=np.intp)
    face, place = shapely.STRtree(walled).query(inner, predicate="intersects")
    order = np.argsort(-place, kind="stable")
    estate[face[order]] = place[order] + 1
    wet = np.zeros(len(inner), dtype=bool)
    wet[shapely.STRtree(land.water.geometry.to_numpy()).query(inner, predicate="intersects")[0]] = (
        True
    )
    return Zoning(block=blocks_of(faces), estate=estate, wet=wet)


def _cells_of(scene: Scene, community: int, options: CellOptions, score: Score) -> tuple[Tile, int]:
    faces, zoning, shapes, home = scene.faces, scene.zoning, scene.whole.shapes, scene.home
    own = np.flatnonzero(faces.community == community)
    place = np.full(len(faces.polygons), NONE, dtype=np.intp)
    place[own] = np.arange(len(own))
    held = np.flatnonzero((home != NONE) & (place[home] != NONE))
    least = _LEAST_ATOM * options.target_m2
    atoms, face = make_atoms(
        faces,
        own,
        shapes[held],
        place[home[held]],
        zoning.estate[own],
        zoning.wet[own],
        least_m2=least,
    )
    atoms = with_components(atoms, scene.points)
    area = shapely.area(faces.polygons)
    # What a part of the place misses counts as much less in all of it, and evens out.
    score = replace(score, centre=score.centre * (area.sum() / area[own].sum()) ** 0.5)
    of_atom = _grouped(atoms, zoning, options, score)
    # Kept for all communities at once, so in no more bytes than they need.
    cell = np.full(atoms.image.shape, NONE, dtype=np.int32)
    inside = atoms.image >= 0
    cell[inside] = of_atom[atoms.image[inside]]
    at = np.where(face > 0, own[face - 1] + 1, 0)
    return Tile(cell, at.astype(np.int32), atoms.frame), int(of_atom.max()) + 1


def _grouped(atoms: Atoms, zoning: Zoning, options: CellOptions, score: Score) -> Ints:
    own = Zoning(zoning.block[atoms.face], atoms.estate, zoning.wet[atoms.face])
    sizes = Sizes(
        built_m2=options.target_m2,
        open_m2=options.target_m2 * options.open_factor,
        open_share=options.open_share,
        whole_estates=options.estates == "whole",
    )
    cut = score.cut(atoms.length_m, atoms.worth, options.side_m)
    near, ways = adjacency_lists(atoms, cut), walks(atoms, own.wet)

    def drawn(score: Score) -> Search:
        groups = group_blocks(atoms, own, sizes, score)
        cutter = make_cutter(atoms, cut, _even_score(atoms, groups, score, options))
        realms = (one.realm for one in groups if one.realm > 0 and sizes.whole_estates)
        whole = frozenset(realms)
        search = search_cells(cutter, near, groups, sizes, whole=whole)
        open_rings(search, whole=whole)
        part_banks(
            search,
            own.wet,
            ways,
            target_m2=options.target_m2,
            most_share=options.most_share,
            whole=whole,
        )
        part_rings(search, least_m2=_LEAST_PART * options.target_m2, whole=whole)
        return search

    band = (options.min_share, options.most_share)
    search = centred_search(drawn, score, sizes, band=band)
    return np.asarray(np.unique(search.cells.of_atom, return_inverse=True)[1], dtype=np.intp)


def _even_score(atoms: Atoms, groups: list[Group], score: Score, options: CellOptions) -> Score:
    """Return the score that has cells of built-up land hold equally many components."""
    built = [one.atoms for one in groups if one.target_m2 == options.target_m2]
    own = np.array(sorted(atom for members in built for atom in members), dtype=np.intp)
    count = float(atoms.components[own].sum())
    if not count:
        return score
    mean = count * options.target_m2 / float(atoms.area_m2[own].sum())
    return replace(score, even=options.even_components, components=mean, built_m2=options.target_m2)


def _polygons(scene: Scene, tiles: list[Tile], options: CellOptions) -> tuple[Geometries, Ints]:
    faces, whole, home = scene.faces, scene.whole, scene.home
    arcs = [pixel_borders(tile.cell, tile.face, tile.frame) for tile in tiles]
    crossed = _crossed(faces, whole.shapes, home)
    rings = shapely.get_parts(shapely.boundary(whole.shapes[crossed]))
    cuts = drawn_cuts(np.concatenate(arcs), np.concatenate([faces.edges, rings]), whole.shapes)
    if len(cuts):
        cut = shapely.STRtree(whole.shapes).query(cuts, predicate="intersects")[1]
        crossed = np.union1d(crossed, cut)
    crossed = crossed[home[crossed] != NONE]
    pieces = make_pieces(faces, tiles, cuts, whole.shapes[crossed], home[crossed])
    settled = settled_cells(
        pieces,
        scene.lines,
        least_m2=options.min_share * options.target_m2,
        most_m2=options.most_share * options.target_m2,
        # An estate that is kept whole is a cell by itself, whatever lies around it.
        close_rings=options.estates == "cut",
    )
    owner = settled[pieces.unit]
    # The largest piece says the community: what rounding cut off may come from another.
    largest = np.argsort(-shapely.area(pieces.polygons).round(3), kind="stable")
    numbers, first = np.unique(owner[largest], return_index=True)
    community = pieces.community[pieces.unit[largest[first]]]
    order = np.argsort(owner, kind="stable")
    start = np.searchsorted(owner[order], numbers)
    end = np.searchsorted(owner[order], numbers, side="right")
    polygons = np.array(
        [
            shapely.coverage_union_all(pieces.polygons[order[a:b]])
            for a, b in zip(start, end, strict=True)
        ],
        dtype=object,
    )
    return np.asarray(shapely.normalize(polygons), dtype=object), community


def _crossed(faces: FaceSet, shapes: Geometries, home: Ints) -> Ints:
    """Return the footprints that do not lie within one face."""
    known = np.flatnonzero(home != NONE)
    inside = shapely.covered_by(shapes[known], faces.polygons[home[known]])
    return np.asarray(known[~inside], dtype=np.intp)
