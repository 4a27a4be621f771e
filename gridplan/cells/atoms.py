"""Atoms: the indivisible pieces that cells are put together from, and the borders between them."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridplan.cells.faces import FaceSet
from gridplan.cells.land import KINDS, MAJOR, RAIL, STREET, WALL, WATER, WAY
from gridplan.cells.pixels import BESIDE, Borders, Extents, FaceBorders, Meetings, extents, meetings
from gridplan.cells.raster import (
    NONE,
    Frame,
    Labels,
    connected_labels,
    fill,
    frame_around,
    nearest,
    nearest_places,
    runs_of,
)
from gridplan.cells.sums import sums_by
from gridplan.geometry import Floats, Geometries

Ints = npt.NDArray[np.intp]

PIXEL_M = 2.0
"""Pixel of the raster on which land is shared out among buildings."""

_OPEN_M = 6.0
"""Land farther than this from a building is open."""

_PATCH_ATOMS = 3.2
"""Open land is divided into square patches of this many times the area of the least atom."""

_SPECK_M2 = 40.0
"""A smaller piece of water or land is what pixels leave of the edge of the other."""

_STRIP_M = 30.0
"""Land between a wall and the next line that is narrower than this goes with the estate."""

_WORTH = {STREET: 1.0, RAIL: 1.0, WATER: 1.0, WALL: 0.7, WAY: 0.37}
"""How good a border a line of each kind makes; nothing on the ground is 0."""

WORTH = np.array([*(_WORTH[kind] for kind in KINDS), 0.0])

_BOND = 1.05
"""A little holds also along the best line: what else would strips be joined to."""

_YARD_WALL, _YARD_BUILT = 0.5, 0.05
"""Land with so much of its border along walls, and so much under buildings, is a walled yard."""


@dataclass(frozen=True, slots=True)
class Atoms:
    """
    Atoms of one community.

    Attributes
    ----------
    area_m2, x, y, rim_m : array of float, shape (n,)
        Area, centre, and length of the border with what lies outside the community.
    built_m2 : array of float
        Of it, under buildings.
    components : array of float
        How many municipal components stand in it.
    face : array of int
        Position of the face each lies in, or goes with as a strip along a wall.
    left, right : array of int, shape (m,)
    length_m, worth : array of float, shape (m,)
        Border of each pair: its length, and how much of that runs on lines (0 to 1).
    land_m : array of float, shape (m,)
        Length of each pair's border with land on both sides.
    bridge : array of bool, shape (m,)
        Pairs of water that a street or a path runs between.
    estate : array of int
        Walled estate that most of it lies in, or beside as a strip of land; 0 for none.
    image : array of int, shape (rows, columns)
        Position of the atom that holds each pixel, -1 outside.
    frame : Frame
    """

    area_m2: Floats
    x: Floats
    y: Floats
    rim_m: Floats
    built_m2: Floats
    components: Floats
    face: Ints
    left: Ints
    right: Ints
    length_m: Floats
    worth: Floats
    land_m: Floats
    bridge: npt.NDArray[np.bool_]
    estate: Ints
    image: Labels
    frame: Frame


def make_atoms(
    faces: FaceSet,
    own: Ints,
    shapes: Geometries,
    home: Ints,
    estate: Ints,
    wet: npt.NDArray[np.bool_],
    *,
    least_m2: float,
) -> tuple[Atoms, Labels]:
    """
    Share the land of one community out among its buildings, face by face.

    Parameters
    ----------
    faces : FaceSet
        Of the whole place.
    own : array of int
        Positions of the community's faces.
    shapes : array of Polygon or MultiPolygon
        The community's footprints.
    home : array of int
        Face each footprint belongs to, as a position in `own`.
    estate : array of int
        Walled estate that each face of `own` lies in, from 1; 0 outside.
    wet : array of bool
        Faces of `own` that are water.
    least_m2 : float
        Smaller atoms are joined to a neighbour; faces of up to twice this are not divided.

    Returns
    -------
    Atoms
    array of int, shape (rows, columns)
        Position in `own` of the face of each pixel, counted from 1; a building's pixels
        have the face it belongs to.
    """
    frame = frame_around(faces.polygons[own], PIXEL_M)
    face = fill(faces.polygons[own], frame)
    built = fill(shapes, frame) if len(shapes) else np.zeros_like(face)
    under = built != NONE
    face = np.where(under, np.r_[0, home + 1].astype(np.int32)[built], face)
    area = shapely.area(faces.polygons[own])
    key = _keys(face, built, frame, small=area < 2 * least_m2, least_m2=least_m2)
    covered = PIXEL_M**2 * sums_by(face[under], np.ones(int(under.sum())), len(own) + 1)[1:]
    yards = (estate > 0) | _in_yards(faces, own, area, covered, least_m2=2 * least_m2)
    # The face that a pixel goes with: where a strip goes with a walled place, that place's.
    goes = face
    if yards.any():
        street_block = np.r_[-1, blocks_of(faces, parting=MAJOR - {WALL})[own]][face]
        close, strip = _strips(np.r_[False, yards][face], street_block, under, frame)
        key, goes = np.where(strip, key[close], key), np.where(strip, face[close], face)
    raw = _numbered(key, face != NONE)
    n = int(raw.max()) + 1
    sizes, borders = extents(raw, under, n), meetings(raw, face, _face_borders(faces, own, wet))
    is_wet = np.asarray(wet[_any_face(raw, face, n) - 1])
    plan = _joined(sizes.count * PIXEL_M**2, borders.borders(n, PIXEL_M), is_wet, least_m2)
    image = np.r_[plan, -1].astype(np.int32)[raw]
    atoms = _measured(image, sizes.joined(plan), borders.joined(plan), frame)
    n = len(atoms.area_m2)
    behind = _main_face(image, np.r_[0, estate].astype(np.int32)[goes], n)
    main = _main_face(image, goes - 1, n)
    return replace(atoms, face=own[main], estate=behind), face


def _numbered(key: npt.NDArray[np.int64], inside: npt.NDArray[np.bool_]) -> Labels:
    """Return the connected areas of one key, numbered from 0 by rows; -1 outside."""
    key[~inside] = NONE - 1
    label = connected_labels(key)
    occurs = np.ones(int(label.max()) + 1, dtype=bool)
    occurs[label[~inside]] = False
    numbers = np.where(occurs, np.cumsum(occurs) - 1, -1).astype(np.int32)
    return np.asarray(numbers[label])


def with_components(atoms: Atoms, points: Geometries) -> Atoms:
    """Return the atoms with how many of the points stand in each; others count nowhere."""
    x, y = shapely.get_x(points), shapely.get_y(points)
    at = atoms.image[atoms.frame.places(x, y)]
    counts = np.bincount(at[at >= 0], minlength=len(atoms.area_m2))
    return replace(atoms, components=counts.astype(np.float64))


def _in_yards(
    faces: FaceSet, own: Ints, area: Floats, covered: Floats, *, least_m2: float
) -> npt.NDArray[np.bool_]:
    """
    Return which faces lie in a walled yard: a block bounded by walls, with buildings in it.

    The land around yards is bounded by their walls too, but has no buildings.
    """
    block = blocks_of(faces)
    n = int(block.max(initial=-1)) + 1
    left, right = block[faces.left], block[faces.right]
    parted = left != right
    ends = np.concatenate([left[parted], right[parted]])
    wall = sums_by(ends, np.tile(faces.length_m[parted, KINDS.index(WALL)], 2), n)
    rim = sums_by(ends, np.tile(faces.length_m[parted].sum(axis=1), 2), n)
    size, built = sums_by(block[own], area, n), sums_by(block[own], covered, n)
    yard = (wall >= _YARD_WALL * rim) & (built >= _YARD_BUILT * size) & (size >= least_m2)
    return np.asarray(yard[block[own]])


def _strips(
    walled: npt.NDArray[np.bool_],
    block: Labels,
    under: npt.NDArray[np.bool_],
    frame: Frame,
) -> tuple[tuple[Labels, ...], npt.NDArray[np.bool_]]:
    """
    Return the walled pixel nearest to each pixel, and the strips of land along walls.

    What lies between a wall and the street is no place by itself: it is land that a
    disc of `_STRIP_M` does not fit into, nearer than that to the wall.

    Parameters
    ----------
    walled : array of bool
        Pixels in walled estates and yards.
    block : array of int
        What streets and water, but not walls, part; below 0 outside.
    under : array of bool
        Pixels under buildings.
    """
    free = (block >= 0) & ~walled
    open_land = free.copy()
    for one, other in BESIDE:
        open_land[one] &= block[one] == block[other]
    half = (_STRIP_M / 2 / frame.pixel_m) ** 2
    # The rim of the frame is outside, so that there always is some land that is not open.
    core = nearest_places(~open_land)[1] > half
    narrow = free & (nearest_places(core)[1] > half) if core.any() else free
    close, squares = nearest_places(walled)
    near = squares < (_STRIP_M / frame.pixel_m) ** 2
    return close, narrow & ~under & near & (block == block[close])


def _keys(
    face: Labels, built: Labels, frame: Frame, *, small: npt.NDArray[np.bool_], least_m2: float
) -> npt.NDArray[np.int64]:
    """Return a label per pixel: of its face, and in it of a building or a patch of open land."""
    close, by_building = nearest(built, frame.pixel_m, most_m=_OPEN_M)
    per_patch = max(round((_PATCH_ATOMS * least_m2) ** 0.5 / frame.pixel_m), 1)
    first_row, first_column = round(frame.north / frame.pixel_m), round(frame.west / frame.pixel_m)
    rows = (np.arange(frame.rows) - first_row) // per_patch
    columns = (np.arange(frame.columns) + first_column) // per_patch
    rows, columns = rows - rows[0], columns - columns[0]
    patch = rows[:, None] * (columns[-1] + 1) + columns[None, :]
    most = int(built.max()) + 1
    label = np.where(by_building, close, most + patch)
    whole = np.r_[False, small][face]
    label[whole] = 0
    return np.asarray(face.astype(np.int64) * (most + int(patch.max()) + 2) + label)


def _measured(image: Labels, sizes: Extents, borders: Meetings, frame: Frame) -> Atoms:
    """Return what the pixels say of each atom."""
    n, pixel = len(sizes.count), frame.pixel_m
    met = borders.borders(n, pixel)
    return Atoms(
        area_m2=sizes.count * pixel**2,
        x=frame.west + (sizes.column / sizes.count + 0.5) * pixel,
        y=frame.north - (sizes.row / sizes.count + 0.5) * pixel,
        rim_m=met.rim_m,
        built_m2=sizes.covered * pixel**2,
        components=np.zeros(n),
        face=np.zeros(n, dtype=np.intp),
        left=met.left,
        right=met.right,
        length_m=met.length_m,
        worth=met.worth,
        land_m=met.land_m,
        bridge=met.bridge,
        estate=np.zeros(n, dtype=np.intp),
        image=image,
        frame=frame,
    )


def _main_face(image: Labels, face: Labels, n: int) -> Ints:
    """Return the face that most pixels of each atom lie in."""
    width = int(face.max()) + 1
    pixel = image.astype(np.int64) * width + face
    # Pixels in a row are mostly alike: runs of them are far fewer to sort.
    first, length = runs_of(pixel)
    inside = image.ravel()[first] >= 0
    key, run = np.unique(pixel.ravel()[first[inside]], return_inverse=True)
    count = sums_by(run, length[inside], len(key))
    order = np.lexsort((key, -count, key // width))
    most = key[order[np.unique(key[order] // width, return_index=True)[1]]]
    its_face = np.zeros(n, dtype=np.intp)
    its_face[most // width] = most % width
    return its_face


def _face_borders(faces: FaceSet, own: Ints, wet: npt.NDArray[np.bool_]) -> FaceBorders:
    place = np.full(len(faces.polygons), -1, dtype=np.intp)
    place[own] = np.arange(len(own))
    mine = (place[faces.left] >= 0) & (place[faces.right] >= 0)
    left, right = place[faces.left[mine]], place[faces.right[mine]]
    length = faces.length_m[mine]
    worth = (length * WORTH).sum(axis=1) / np.maximum(length.sum(axis=1), 1e-9)
    way = length[:, [KINDS.index(STREET), KINDS.index(WAY)]].sum(axis=1) > 0
    key = np.minimum(left, right) * len(own) + np.maximum(left, right)
    order = np.argsort(key, kind="stable")
    return FaceBorders(key[order], worth[order], way[order], wet)


def blocks_of(faces: FaceSet, *, parting: frozenset[str] = MAJOR) -> Ints:
    """Return the block of each face: faces that no line of some kinds parts are one."""
    hard_kinds = np.array([*(kind in parting for kind in KINDS), False])
    hard = faces.length_m[:, hard_kinds].sum(axis=1)
    soft = faces.length_m[:, ~hard_kinds].sum(axis=1)
    same = (soft > hard) & (faces.community[faces.left] == faces.community[faces.right])
    n = len(faces.polygons)
    graph = coo_array(
        (np.ones(int(same.sum())), (faces.left[same], faces.right[same])), shape=(n, n)
    )
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.intp)


def bond_m(length_m: Floats, worth: Floats) -> Floats:
    """Return how much a border holds together what it parts: all of it where there is no line."""
    return np.asarray(length_m * (_BOND - worth) ** 2)


def _any_face(image: Labels, face: Labels, n: int) -> Ints:
    """Return the face of one pixel of each label."""
    first = runs_of(image)[0]
    label = image.ravel()[first]
    found = np.zeros(n, dtype=np.intp)
    found[label[label >= 0]] = face.ravel()[first[label >= 0]]
    return found


def _joined(area: Floats, borders: Borders, wet: npt.NDArray[np.bool_], least_m2: float) -> Ints:
    """
    Return the atom each raw piece belongs to, once all below `least_m2` are joined.

    The smallest goes first, into the neighbour with which it shares the most border
    that runs on no line. Land and water are not joined, or a canal would be a way over;
    but for specks.
    """
    near: list[dict[int, float]] = [{} for _ in area]
    bond = bond_m(borders.length_m, borders.worth).round(3)
    left, right = borders.left, borders.right
    may = (wet[left] == wet[right]) | (np.minimum(area[left], area[right]) < _SPECK_M2)
    rows = zip(left[may].tolist(), right[may].tolist(), bond[may].tolist(), strict=True)
    for a, b, m in rows:
        near[a][b] = m
        near[b][a] = m
    size = area.tolist()
    parent = list(range(len(size)))
    heap = [(m2, one) for one, m2 in enumerate(size) if m2 < least_m2]
    heapq.heapify(heap)
    while heap:
        m2, one = heapq.heappop(heap)
        if parent[one] != one or size[one] != m2 or not near[one]:
            continue
        host = min(near[one], key=lambda other: (-near[one][other], size[other], other))
        parent[one] = host
        size[host] += m2
        for other, m in near[one].items():
            del near[other][one]
            if other != host:
                near[host][other] = near[other][host] = near[host].get(other, 0.0) + m
        near[one] = {}
        if size[host] < least_m2:
            heapq.heappush(heap, (size[host], host))
    root = [_root(parent, one) for one in range(len(parent))]
    return np.asarray(np.unique(root, return_inverse=True)[1], dtype=np.intp)


def _root(parent: list[int], one: int) -> int:
    while parent[one] != one:
        one = parent[one]
    return one
