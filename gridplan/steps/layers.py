"""Step: the layers and tables of the contract."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridplan import assemble, summary
from gridplan.access import (
    Ends,
    Surroundings,
    access_by_unit,
    farthest_places,
    walk_routes,
    walks_layer,
)
from gridplan.demand import first_containing
from gridplan.place import Place
from gridplan.steps.work import MAIN_SYSTEM, Work
from gridplan.zones import dissolve_zones


def add_layers(work: Work) -> None:
    """Put the layers and tables of the contract together."""
    place, demand = work.place, work.found["demand"]
    cells = work.found["cells"]
    columns = ["cell_uid", "cell_id", "community_id", "zone_id", "area_m2", "population"]
    cells = cells.assign(valid_from=place.as_of.isoformat())
    cells = cells[[*columns, "valid_from", "exception", "geometry"]]
    work.found["layers"] = {
        "boundary": place.boundary[["name", "geometry"]],
        "communities": assemble.communities_layer(place, demand),
        "community_committees": work.found["community_committees"],
        "cells": cells,
        "cells_retired": cells.iloc[:0].assign(valid_to="", reason=""),
        "cell_lineage": _lineage(cells, place),
        "zones": _zones_layer(work, cells),
        "cell_zones": cells[["cell_uid", "zone_id"]].assign(zone_system=MAIN_SYSTEM)[
            ["cell_uid", "zone_system", "zone_id"]
        ],
        "estates": assemble.estates_layer(place, demand),
        "gates": assemble.gates_layer(place, work.found["proposed_gates"]),
        "demand": _demand_layer(demand, place.groups),
        "committees": assemble.committees_layer(place, demand),
        "rooms": assemble.rooms_layer(place, demand, work.found["opened"], work.found["closing"]),
        "streets": assemble.streets_layer(work.found["network"]),
        "line_moves": work.found["line_moves"],
        "ledger": work.found["ledger"],
        "access_by_unit": _access_table(work),
        "frontier": summary.frontier_table(work.found["siting_figures"], work.found["siting"]),
        "walks": _walks_layer(work),
    }


def _access_table(work: Work) -> pd.DataFrame:
    return access_by_unit(
        work.found["demand"],
        work.found["bases"],
        levels={"community": "community_id", "estate": "estate_id", "cell": "cell_uid"},
        groups=work.place.groups,
        norms_m=work.config.walk_norms_m,
    )


def _walks_layer(work: Work) -> gpd.GeoDataFrame:
    """Return the farthest walks to the own committee, with the routes and their causes."""
    place, demand, walks = work.place, work.found["demand"], work.found["walks"]
    rows = farthest_places(demand, "committee_m", count=work.config.access.worst)
    column = {one: j for j, one in enumerate(walks.ids[: walks.committees])}
    routes = walk_routes(
        work.found["network"],
        walks.graph,
        [(int(row), column[demand["committee_id"].iloc[row]]) for row in rows],
        doors=Ends(demand.geometry.to_numpy(), walks.doors),
        facilities=walks.stops,
        walks_m=demand["committee_m"].to_numpy(dtype=float)[rows].tolist(),
    )
    around = Surroundings(work.found["network"], work.found["blocks"], place.gates)
    return walks_layer(demand, rows.tolist(), routes, facilities=place.committees, around=around)


def _demand_layer(demand: gpd.GeoDataFrame, groups: Sequence[str]) -> gpd.GeoDataFrame:
    own = ["committee_id", "committee_m", "committee_reason"]
    ranged = ["committee_open_m", "committee_walled_m", "committee_walled_reason"]
    nearest = [f"nearest_{name}" for name in own]
    room = ["room_id", "room_m", "room_reason"]
    before = ["room_before_id", "room_before_m", "room_before_reason"]
    where = ["community_id", "estate_id", "cell_uid", "edge_id", "leg_m", "leg_detour", "gate_id"]
    counts = ["population", "population_register", *groups]
    walks = [*own, *(one for one in ranged if one in demand), *nearest, *before, *room]
    layer = demand[["demand_id", *counts, *where, *walks, "reason", "grade", "geometry"]]
    return gpd.GeoDataFrame(layer, crs=demand.crs)


def _lineage(cells: gpd.GeoDataFrame, place: Place) -> pd.DataFrame:
    """Return one line ``new`` per cell: a first plan has no parents."""
    return pd.DataFrame(
        {
            "parent_uid": pd.Series([None] * len(cells), dtype="object"),
            "child_uid": cells["cell_uid"],
            "area_share": np.nan,
            "population_share": np.nan,
            "kind": "new",
            "changed_on": place.as_of.isoformat(),
            "document": pd.Series([None] * len(cells), dtype="object"),
        }
    )


def _zones_layer(work: Work, cells: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    zones = dissolve_zones(cells, work.found["zone_plan"].zone_of)
    zones["zone_system"] = MAIN_SYSTEM
    zones["parent_zone_id"] = pd.Series([None] * len(zones), dtype="object")
    zones["name"] = zones["zone_id"]
    homes = work.place.buildings
    points = shapely.point_on_surface(homes.geometry.to_numpy())
    where = first_containing(points, zones, "zone_id")
    households = homes["households"].groupby(where).sum(min_count=1)
    zones["households"] = zones["zone_id"].map(households).astype("Int64")
    zones["workload"] = zones["population"].astype(float)
    first = ["zone_system", "zone_id", "parent_zone_id", "name", "community_id", "cells"]
    rest = ["area_m2", "population", "households", "workload", "compactness", "geometry"]
    return zones[[*first, *rest]]
