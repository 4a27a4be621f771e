"""Step: the layers and tables of the contract."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd

from gridplan import assemble
from gridplan.access import (
    Ends,
    Surroundings,
    access_by_unit,
    facility_walks,
    farthest_places,
    kind_bases,
    minutes_by_unit,
    nearest_facilities,
    walk_routes,
    walks_layer,
)
from gridplan.demand import first_containing
from gridplan.rooms import community_change, room_space
from gridplan.steps.ancestry import lineage, retired_cells
from gridplan.steps.rooming import add_staffing
from gridplan.steps.services import COMMITTEE, ROOM
from gridplan.steps.work import Work, access_options
from gridplan.steps.zone_layers import system_layers

_OWN_STEPS = (
    "service_areas", "catchments", "catchment_scores", "placement", "sensitivity"
)  # fmt: skip
"""Layers and tables that a step of their own has made."""

_LEVELS = {"community": "community_id", "estate": "estate_id", "cell": "cell_uid"}
"""Units of the tables of walks, by the column of `demand` that holds them."""


def add_layers(work: Work) -> None:
    """Put the layers and tables of the contract together."""
    place, demand = work.place, work.found["demand"]
    cells = work.found["cells"]
    columns = ["cell_uid", "cell_id", "community_id", "zone_id", "area_m2", "population"]
    columns += [name for name in ("components",) if name in cells]
    cells = cells.assign(valid_from=place.as_of.isoformat())
    cells = cells[[*columns, "valid_from", "exception", "standard", "grid_system", "geometry"]]
    retired = retired_cells(cells, place)
    work.found["layers"] = {
        "boundary": place.boundary[["name", "geometry"]],
        "communities": assemble.communities_layer(place, demand),
        "community_committees": work.found["community_committees"],
        "cells": cells,
        "cells_retired": retired,
        "cell_lineage": lineage(cells, retired, demand, place),
        **system_layers(work),
        "estates": assemble.estates_layer(place, demand),
        "gates": assemble.gates_layer(place, work.found["proposed_gates"]),
        "demand": _demand_layer(demand, place.groups),
        "committees": assemble.committees_layer(place, demand),
        "rooms": _rooms_layer(work),
        "streets": assemble.streets_layer(work.found["network"]),
        "line_moves": work.found["line_moves"],
        "ledger": work.found["ledger"],
        "links": work.found["links"],
        "field_checks": place.field_checks,
        "access_by_unit": _access_table(work),
        "minutes_by_unit": minutes_by_unit(
            demand,
            work.found["bases"]["committee"].metres,
            work.found["step_free_m"],
            levels=_LEVELS,
            speeds=access_options(work.config).speeds,
        ),
        **{name: work.found[name] for name in _OWN_STEPS},
        "facility_walks": facility_walks(demand, work.found["nearest_by_kind"]),
        "nearest_facilities": _nearest_table(work),
        "walks": _walks_layer(work),
        **work.found["room_tables"],
        **work.found["measures"],
    }
    if "cell_faults" in work.found:
        work.found["layers"]["cell_faults"] = work.found["cell_faults"]
    work.found["layers"]["staffing"] = add_staffing(work)
    work.found["layers"]["community_change"] = community_change(
        work.found["layers"]["demand"],
        work.found["layers"]["rooms"],
        place.communities["community_id"],
        norm_m=work.found["question"].norm_m,
    )


def _rooms_layer(work: Work) -> gpd.GeoDataFrame:
    """Return the open rooms with what each holds, needs and lacks by the graded norm."""
    place, settings = work.place, work.config
    rooms = assemble.rooms_layer(
        place,
        work.found["demand"],
        work.found["opened"],
        work.found["closing"],
        required=work.found["question"].required,
        phase_of=work.found["answer"].phase_of,
    )
    space = room_space(
        rooms,
        None if settings.siting.capacity == "off" else settings.room_grades,
        offices=place.committees["committee_id"],
        residents_per_household=settings.demand.persons_per_household,
    )
    communities = first_containing(rooms.geometry.to_numpy(), place.communities, "community_id")
    where = pd.Series(
        [None if pd.isna(one) else str(one) for one in communities],
        index=rooms.index,
        name="community_id",
        dtype="object",
    )
    joined = pd.concat(
        [rooms.drop(columns="geometry"), where, space, rooms[["geometry"]]], axis="columns"
    )
    return gpd.GeoDataFrame(joined, crs=place.crs)


def _access_table(work: Work) -> pd.DataFrame:
    demand = work.found["demand"]
    others = kind_bases(work.place, demand, work.found["nearest_by_kind"])
    return access_by_unit(
        demand,
        {**work.found["bases"], **others},
        levels=_LEVELS,
        groups=work.place.groups,
        norms_m=work.config.walk_norms_m,
        kappa_per_m=work.found["question"].kappa_per_m,
    )


def _nearest_table(work: Work) -> pd.DataFrame:
    """Return the nearest committees and open rooms of each home, by rank."""
    walks, opened = work.found["walks"], set(work.found["opened"])
    sites = range(walks.committees, walks.first_point)
    columns = [*range(walks.committees), *(j for j in sites if walks.ids[j] in opened)]
    metres = pd.DataFrame(
        walks.metres[:, columns],
        index=work.found["demand"]["demand_id"],
        columns=[walks.ids[j] for j in columns],
    )
    committees = walks.ids[: walks.committees]
    table = nearest_facilities(metres, k=work.config.access.nearest_k)
    kind = np.where(table["facility_id"].isin(committees), COMMITTEE, ROOM)
    table.insert(2, "kind", kind.astype(object))
    return table


def _walks_layer(work: Work) -> gpd.GeoDataFrame:
    """Return the farthest walks to the own committee, with the routes and their causes."""
    place, demand, walks = work.place, work.found["demand"], work.found["walks"]
    rows = farthest_places(demand, "committee_m", count=work.config.access.worst)
    column = {one: j for j, one in enumerate(walks.ids[: walks.committees])}
    own = np.array([column[one] for one in demand["committee_id"].iloc[rows]], dtype=np.intp)
    stops = walks.stop_of(rows, own)
    routes = walk_routes(
        work.found["network"],
        walks.graph,
        list(zip(rows.tolist(), stops.tolist(), strict=True)),
        doors=Ends(demand.geometry.to_numpy(), walks.doors),
        facilities=walks.stops,
        blocks=work.found["blocks"],
        walks_m=demand["committee_m"].to_numpy(dtype=float)[rows].tolist(),
    )
    around = Surroundings(work.found["network"], work.found["blocks"], place.gates)
    goals = walks.stops.points[stops]
    return walks_layer(demand, rows.tolist(), routes, goals=goals, around=around)


def _demand_layer(demand: gpd.GeoDataFrame, groups: Sequence[str]) -> gpd.GeoDataFrame:
    own = ["committee_id", "committee_m", "committee_reason"]
    ranged = ["committee_open_m", "committee_walled_m", "committee_walled_reason"]
    nearest = [f"nearest_{name}" for name in own]
    room = ["room_id", "room_m", "room_reason"]
    before = ["room_before_id", "room_before_m", "room_before_reason"]
    where = ["community_id", "estate_id", "cell_uid", "edge_id", "leg_m", "leg_detour", "gate_id"]
    given = [one for one in ("assigned_id", "assigned_m", "assigned_reason") if one in demand]
    counts = ["population", "population_register", *groups]
    walks = [*own, *(one for one in ranged if one in demand), *nearest, *before, *room, *given]
    layer = demand[["demand_id", *counts, *where, *walks, "reason", "grade", "geometry"]]
    return gpd.GeoDataFrame(layer, crs=demand.crs)
