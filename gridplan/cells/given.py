"""A grid that exists, taken over with its codes: what is wrong with it is listed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridplan.cells.given_faults import (
    LISTED_M2,
    Fault,
    Grid,
    Ints,
    code_rows,
    fault_table,
    ground_faults,
    shape_faults,
)
from gridplan.cells.land import Land, footprints
from gridplan.cells.management import management_lines
from gridplan.cells.mend import mend
from gridplan.cells.options import CellOptions
from gridplan.cells.profiles import GB_T_30428, CodeProfile
from gridplan.cells.reasons import REMAINDER, UNDIVIDED, exceptions, ground_of
from gridplan.errors import InputError, Message
from gridplan.geometry import GRID_M, Floats, Geometries

AS_GIVEN = {REMAINDER: "given_small", UNDIVIDED: "given_large"}
"""Exceptions of cells outside the band of areas that their office has drawn so, by what they
would be called if they had been drawn here."""


@dataclass(frozen=True, slots=True)
class GivenPlan:
    """
    A grid that was taken over.

    Attributes
    ----------
    cells : GeoDataFrame
        ``cell_id`` (the code as it was, null where there was none), ``cell_uid`` (likewise),
        ``community_id``, ``area_m2``, ``exception``, ``geometry``; in the order of ``cell_key``.
    faults : GeoDataFrame
        One row per fault, columns as `gridplan.cells.given_faults.FAULT_COLUMNS`.
    """

    cells: gpd.GeoDataFrame
    faults: gpd.GeoDataFrame


def take_over(
    given: gpd.GeoDataFrame,
    communities: gpd.GeoDataFrame,
    land: Land,
    outline: shapely.Geometry,
    *,
    options: CellOptions,
    profile: CodeProfile = GB_T_30428,
) -> GivenPlan:
    """
    Take over a grid as it is, and list its faults; mend it if `options` say so.

    A cell belongs to the community that the grid names; where it names none, or one
    that does not exist, to the one that holds most of the cell.

    Parameters
    ----------
    given : GeoDataFrame
        ``cell_key`` (text, unique), ``cell_id`` (text or null), ``community_id`` (text
        or null) and valid polygons in projected metres; ``cell_uid`` (unique or null) is
        kept where it is given.
    communities : GeoDataFrame
        ``community_id`` and polygons that tile the outline.
    land : Land
        Buildings that no cell may cut; water and walls for the reasons of exceptions.
    outline : Polygon or MultiPolygon
        The boundary.
    options : CellOptions
        ``target_m2`` and the shares decide which cells are exceptions; ``repair``.
    profile : CodeProfile
        What codes are held to.

    Raises
    ------
    InputError
        If there is no cell.

    Examples
    --------
    >>> square = shapely.box(0, 0, 200, 100)
    >>> town = gpd.GeoDataFrame({"community_id": ["320583999001"]}, geometry=[square], crs=4549)
    >>> grid = gpd.GeoDataFrame(
    ...     {"cell_key": ["007"], "cell_id": ["320583999001007"], "community_id": [None]},
    ...     geometry=[shapely.box(0, 0, 100, 100)],
    ...     crs=4549,
    ... )
    >>> columns = {"building_id": [], "walled": []}
    >>> none = gpd.GeoDataFrame(columns, geometry=[], crs=4549)
    >>> land = Land(streets=none, water=none, barriers=none, buildings=none, estates=none)
    >>> plan = take_over(grid, town, land, square, options=CellOptions(method="given"))
    >>> plan.faults[["fault", "cell_id", "area_m2"]].values.tolist()
    [['gap', '007', 10000.0]]
    """
    if not len(given):
        raise InputError(
            Message(
                en="The given grid has no cell in the place. Check [place].cells and its "
                "coordinate system.",
                zh="现有网格在本区域内没有任何单元网格。请检查 [place].cells 及其坐标系。",
            )
        )
    own = given.sort_values("cell_key", kind="stable").reset_index(drop=True)
    grid = _grid_of(own, communities)
    changes: list[Fault] = []
    if options.repair:
        mended = mend(
            grid, communities.geometry.to_numpy(), outline, land.buildings.geometry.to_numpy()
        )
        grid, changes = _kept(grid, mended.shapes), mended.changes
    faults = [
        *changes,
        *shape_faults(grid, outline),
        *ground_faults(grid, communities, land.buildings),
        *code_rows(grid, communities, profile=profile),
    ]
    cells = _cells_of(grid, communities, land, options)
    uids = own.get("cell_uid", pd.Series(None, index=own.index, dtype="object"))
    uids = pd.Series(_texts(uids), index=own["cell_key"], dtype="object")
    cells.insert(1, "cell_uid", uids.reindex(grid.names).to_numpy())
    return GivenPlan(cells, fault_table(faults, communities))


def kept_whole(
    given: gpd.GeoDataFrame, communities: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame
) -> gpd.GeoDataFrame:
    """
    Return the buildings across a community's line that a grid keeps whole in one cell.

    Such a cell, of the community with the larger part, goes round the building on
    purpose, as `gridplan.cells.plan_cells` draws it: the community's line is then moved
    with it, and no cell crosses a line there.

    Parameters
    ----------
    given, communities : GeoDataFrame
        As in `take_over`.
    buildings : GeoDataFrame
        Polygons.
    """
    shapes, lines = buildings.geometry.to_numpy(), communities.geometry.to_numpy()
    met = shapely.STRtree(lines).query(shapes, predicate="intersects")[0]
    across = np.flatnonzero(np.bincount(met, minlength=len(shapes)) > 1)
    cells = given.geometry.to_numpy()
    at, cell = shapely.STRtree(cells).query(shapes[across], predicate="intersects")
    rest = shapely.area(shapely.difference(shapes[across[at]], cells[cell]))
    at, cell = at[rest <= LISTED_M2], cell[rest <= LISTED_M2]
    home = _communities(cells, _texts(given["community_id"]), communities)
    larger = management_lines(lines, shapes[across]).owner
    return buildings.iloc[np.unique(across[at[home[cell] == larger[at]]])]


def _grid_of(own: gpd.GeoDataFrame, communities: gpd.GeoDataFrame) -> Grid:
    shapes = _at_corners(own.geometry.to_numpy(), communities.geometry.to_numpy())
    named = _texts(own["community_id"])
    return Grid(
        shapes=shapes,
        names=own["cell_key"].to_numpy(dtype=object),
        codes=_texts(own["cell_id"]),
        community=_communities(shapes, named, communities),
        named=named,
    )


def _at_corners(shapes: Geometries, communities: Geometries) -> Geometries:
    """Return the cells with each corner that only rounding parts from a community's put there."""
    corners = shapely.get_coordinates(communities)
    met = np.isin(corners @ [1, 1j], shapely.get_coordinates(shapes) @ [1, 1j])
    corners = corners[~met]
    if not len(corners):
        return shapes
    keys, first = np.unique(_millimetres(corners), return_index=True)

    def moved(xy: Floats) -> Floats:
        own = _millimetres(xy)
        at = np.minimum(np.searchsorted(keys, own), len(keys) - 1)
        return np.where((keys[at] == own)[:, None], corners[first[at]], xy)

    return np.asarray(shapely.transform(shapes, moved), dtype=object)


def _millimetres(xy: Floats) -> npt.NDArray[np.complex128]:
    return np.asarray((xy / GRID_M).round() @ [1, 1j])


def _texts(column: pd.Series[str]) -> npt.NDArray[np.object_]:
    values = [None if pd.isna(one) else str(one) for one in column]
    return np.array([*values, None], dtype=object)[:-1]


def _communities(shapes: Geometries, named: np.ndarray, communities: gpd.GeoDataFrame) -> Ints:
    ids = communities["community_id"].astype(str).tolist()
    lines = communities.geometry.to_numpy()
    # A cell in none of them, which only touches the place, goes to the first nearest.
    community = shapely.STRtree(lines).nearest(shapely.point_on_surface(shapes)).astype(np.intp)
    cell, place = shapely.STRtree(lines).query(shapes, "intersects")
    shared = pd.DataFrame(
        {
            "cell": cell,
            "place": place,
            "area_m2": shapely.area(shapely.intersection(shapes[cell], lines[place])),
        }
    )
    first = shared[shared["area_m2"] > 0].sort_values(
        ["cell", "area_m2", "place"], ascending=[True, False, True]
    )
    first = first.drop_duplicates("cell")
    community[first["cell"]] = first["place"]
    position = {one: at for at, one in enumerate(ids)}
    known = np.array([position.get(str(one), -1) for one in named], dtype=np.intp)
    return np.where(known >= 0, known, community).astype(np.intp)


def _kept(grid: Grid, shapes: Geometries) -> Grid:
    left = ~shapely.is_missing(shapes)
    return replace(
        grid,
        shapes=shapes[left],
        names=grid.names[left],
        codes=grid.codes[left],
        community=grid.community[left],
        named=grid.named[left],
    )


def _cells_of(
    grid: Grid, communities: gpd.GeoDataFrame, land: Land, options: CellOptions
) -> gpd.GeoDataFrame:
    whole = footprints(land.buildings.geometry.to_numpy())
    ground = ground_of(grid.shapes, whole.shapes, land)
    found = exceptions(grid.shapes, grid.community, ground, options)
    # Why the office did not divide or merge a cell is not known.
    told = [None if one is None else AS_GIVEN.get(one, one) for one in found]
    return gpd.GeoDataFrame(
        {
            "cell_id": pd.Series(grid.codes, dtype="object"),
            "community_id": communities["community_id"].to_numpy(dtype=object)[grid.community],
            "area_m2": shapely.area(grid.shapes),
            "exception": pd.Series(told, dtype="object"),
        },
        geometry=grid.shapes,
        crs=communities.crs,
    )
