"""Cells of a place, whichever way they are drawn, with the communities they belong to."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridplan.cells.again import LEAST_CELLS, scores_of, shortfall
from gridplan.cells.communities import checked_communities
from gridplan.cells.fabric import Drawn, Scene, draw_cells, scene_of
from gridplan.cells.land import Footprints, Land, footprints
from gridplan.cells.management import NOBODY, Management, management_lines
from gridplan.cells.options import CellOptions
from gridplan.cells.order import reading_order
from gridplan.cells.reasons import MOST_SHARE, exceptions, ground_of
from gridplan.cells.square import partition
from gridplan.errors import InputError, Message, counted, first_ids, ids_zh
from gridplan.geometry import plain_layer

_ANY_M2 = 1e-6

MOVE_COLUMNS = ("building_id", "from_community_id", "to_community_id", "area_m2")


@dataclass(frozen=True, slots=True)
class CellPlan:
    """
    Cells and the lines of communities that they keep to.

    Attributes
    ----------
    cells : GeoDataFrame
        ``community_id``, ``area_m2``, ``exception``, ``geometry``; sorted by community,
        then from north to south in rows from the west.
    communities : GeoDataFrame
        ``community_id`` and the management line: the given line, moved round buildings.
    line_moves : GeoDataFrame
        ``building_id`` (null for land that a moved building cut off),
        ``from_community_id``, ``to_community_id``, ``area_m2``, ``geometry``.
    median_m2 : float
        Median area of the cells of built-up land without exception, in square metres; nan
        where there are none, or cells are squares.
    open_land : array of bool
        Which cells are of land that is not built up, or of water, whatever their size; of
        squares none, which do not look at the ground.
    """

    cells: gpd.GeoDataFrame
    communities: gpd.GeoDataFrame
    line_moves: gpd.GeoDataFrame
    median_m2: float = math.nan
    open_land: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=bool))


def plan_cells(communities: gpd.GeoDataFrame, land: Land, *, options: CellOptions) -> CellPlan:
    """
    Cut the communities into management cells that tile them exactly.

    Parameters
    ----------
    communities : GeoDataFrame
        ``community_id`` (text, unique) and polygons in projected metres that tile the
        place.
    land : Land
        What cells follow; ``square`` does not look at it.
    options : CellOptions

    Raises
    ------
    CrsError, InputError, SettingsError
        As in `gridplan.cells.communities.checked_communities`. InputError also if a community
        lies as a whole under buildings of others.
    """
    own = checked_communities(communities, options)
    if options.method == "square":
        squares = partition(communities, options=options)
        closed = np.zeros(len(squares), dtype=bool)
        return CellPlan(squares, own, _no_moves(own), open_land=closed)
    land = land.plain()
    scene = scene_of(own.geometry.to_numpy(), land, options)
    _refuse_lost(own, scene.management)
    best = _best_drawn(scene, land, options)
    drawn = best.drawn
    order = _row_by_row(drawn.polygons, drawn.community, options.side_m)
    polygons = drawn.polygons[order]
    cells = gpd.GeoDataFrame(
        {
            "community_id": own["community_id"].to_numpy()[drawn.community[order]],
            "area_m2": shapely.area(polygons),
            "exception": pd.Series([best.reasons[at] for at in order], dtype="object"),
        },
        geometry=polygons,
        crs=communities.crs,
    )
    managed, moves = _managed(drawn.management, own, drawn.footprints, land.buildings)
    plain_m2 = shapely.area(drawn.polygons[best.plain])
    median_m2 = float(np.median(plain_m2)) if len(plain_m2) else math.nan
    return CellPlan(cells, managed, moves, median_m2, best.open_land[order])


@dataclass(frozen=True, slots=True)
class _Judged:
    """Cells as drawn, the exception of each, which are plain and which open, what they miss."""

    drawn: Drawn
    reasons: list[str | None]
    plain: npt.NDArray[np.bool_]
    open_land: npt.NDArray[np.bool_]
    missing: float


def _best_drawn(scene: Scene, land: Land, options: CellOptions) -> _Judged:
    """Return the cells of the first weights with which they do not fall short, else the best."""
    tries: list[_Judged] = []
    for score in scores_of(options):
        drawn = _judged(draw_cells(scene, options, score), land, options)
        if tries and drawn.plain.sum() < LEAST_CELLS:
            # Of so few nothing is said, which is no reason to take them.
            continue
        tries.append(drawn)
        if not drawn.missing:
            break
    return min(tries, key=lambda one: one.missing)


def _judged(drawn: Drawn, land: Land, options: CellOptions) -> _Judged:
    ground = ground_of(drawn.polygons, drawn.footprints.shapes, land)
    reasons = exceptions(drawn.polygons, drawn.community, ground, options)
    plain = pd.isna(np.array(reasons, dtype=object)) & (ground.built >= options.open_share)
    missing = shortfall(drawn.polygons[plain], options.target_m2)
    open_land = (ground.built < options.open_share) | (ground.wet >= MOST_SHARE)
    return _Judged(drawn, reasons, plain, open_land, missing)


def managed_communities(
    communities: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """
    Return the communities with their line moved round buildings, and the moves.

    Parameters
    ----------
    communities : GeoDataFrame
        As in `plan_cells`. Other columns, and the order of the rows, stay.
    buildings : GeoDataFrame
        ``building_id`` and polygons. One across a line belongs whole to the community
        with its larger part.

    Raises
    ------
    CrsError, InputError
        As in `plan_cells`.
    """
    # Only the communities are looked at here: whether cells are of a good size comes later.
    any_size = CellOptions(method="square", target_m2=_ANY_M2, max_cells=sys.maxsize)
    own = checked_communities(communities, any_size)
    buildings = plain_layer(buildings)
    lines = own.geometry.to_numpy()
    whole = footprints(buildings.geometry.to_numpy(), shapely.union_all(lines))
    found = management_lines(lines, whole.shapes)
    _refuse_lost(own, found)
    managed, moves = _managed(found, own, whole, buildings)
    if moves.empty:
        return communities, moves
    shapes = managed.set_index("community_id").geometry
    moved = communities["community_id"].astype("string").astype("object").map(shapes)
    return communities.assign(geometry=gpd.GeoSeries(moved.to_numpy(), crs=own.crs)), moves


def _refuse_lost(own: gpd.GeoDataFrame, management: Management) -> None:
    """Refuse communities of which nothing is left once the line has moved round buildings."""
    lost = own["community_id"].to_numpy()[~(shapely.area(management.communities) > 0)]
    if len(lost):
        raise InputError(
            Message(
                en=f"{counted(len(lost), 'community lies', 'communities lie')} as a whole under "
                f"buildings that stand for the larger part in another: {first_ids(lost)}. Join "
                f"each with that one, or mend its outline.",
                zh=f"{len(lost)} 个社区整体位于主要属于其他社区的建筑之下：{ids_zh(lost)}。"
                f"请并入该社区，或修正其范围。",
            )
        )


def _managed(
    management: Management, own: gpd.GeoDataFrame, whole: Footprints, buildings: gpd.GeoDataFrame
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    managed = gpd.GeoDataFrame(
        {"community_id": own["community_id"]}, geometry=management.communities, crs=own.crs
    )
    ids = buildings["building_id"].to_numpy(dtype=object)
    return managed, _moves(management, own, _first_of(whole.of_building, ids))


def _row_by_row(polygons: np.ndarray, community: np.ndarray, side_m: float) -> np.ndarray:
    centroids = shapely.centroid(polygons)
    order = reading_order(
        shapely.get_x(centroids),
        shapely.get_y(centroids),
        row_height_m=side_m,
        ties=shapely.to_wkb(polygons),
    )
    return order[np.argsort(community[order], kind="stable")]


def _first_of(of_building: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """Return the first id of the buildings of each footprint."""
    order = np.lexsort((np.unique(ids, return_inverse=True)[1], of_building))
    return ids[order[np.unique(of_building[order], return_index=True)[1]]]


def _no_moves(own: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    columns: dict[str, pd.Series] = {name: pd.Series(dtype="object") for name in MOVE_COLUMNS}
    columns["area_m2"] = pd.Series(dtype="float64")
    return gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries([], dtype="geometry"), crs=own.crs)


def _moves(management: Management, own: gpd.GeoDataFrame, ids: np.ndarray) -> gpd.GeoDataFrame:
    moves, names = management.moves, own["community_id"].to_numpy()
    if moves.empty:
        return _no_moves(own)
    building = [None if at == NOBODY else ids[at] for at in moves["footprint"]]
    return gpd.GeoDataFrame(
        {
            "building_id": pd.Series(building, dtype="object"),
            "from_community_id": names[moves["taken_from"].to_numpy()],
            "to_community_id": names[moves["given_to"].to_numpy()],
            "area_m2": moves["area_m2"].to_numpy(),
        },
        geometry=list(moves["geometry"]),
        crs=own.crs,
    )
