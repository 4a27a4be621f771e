"""Steps: where rooms go, and the responsibility zones."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd

from gridplan import assemble, summary
from gridplan.access import basis_of, nearest_columns
from gridplan.siting import Limits, RoomProblem, propose_rooms
from gridplan.steps.work import Work
from gridplan.zones import ZoneOptions, partition_zones


def add_siting(work: Work) -> None:
    """Choose the rooms, and measure the walks today and with them."""
    place, walks, demand = work.place, work.found["walks"], work.found["demand"]
    ids = np.array(walks.ids[: walks.committees + walks.sites], dtype=object)
    metres = walks.metres[:, : len(ids)]
    candidates = set(place.sites.loc[place.sites["kind"] == "candidate", "site_id"])
    weights = demand["population"].to_numpy(dtype=float)
    settings = work.config.siting
    problem = RoomProblem(
        metres=metres,
        demand_ids=demand["demand_id"].tolist(),
        site_ids=ids.tolist(),
        residents=weights,
        candidates=candidates,
    )
    limits = Limits(work=settings.work, time_s=settings.time_s, seed=work.config.run.seed)
    result = propose_rooms(problem, p_new=settings.p, limits=limits)
    work.found["siting"] = result
    work.found["siting_figures"] = summary.siting_figures(result, place, work.config)
    chosen = set(result.sites)
    opened = [j for j, one in enumerate(ids) if one in chosen]
    required = set(place.sites.loc[place.sites["kind"] == "required", "site_id"])
    existing = [j for j in opened if ids[j] not in candidates | required]
    work.found["opened"] = [ids[j] for j in opened]
    work.found["closing"] = assemble.closing_costs(metres, weights, opened, list(ids))
    before = nearest_columns(demand, walks, metres[:, existing], ids[existing], "room_before")
    room = nearest_columns(demand, walks, metres[:, opened], ids[opened], "room")
    demand = pd.concat([demand, before, room], axis="columns")
    shapes = pd.concat([place.committees.geometry, place.sites.geometry]).to_numpy()
    points = gpd.GeoSeries(shapes[opened], index=ids[opened], crs=place.crs)
    work.found["demand"] = demand
    work.found["bases"]["room"] = basis_of(demand, "room", points)


def add_zones(work: Work) -> None:
    """Group the cells into zones."""
    cells, settings = work.found["cells"], work.config.zones
    options = ZoneOptions(k=settings.k, tolerance=settings.tolerance, seed=work.config.run.seed)
    zones = partition_zones(cells, cells.set_index("cell_uid")["population"], options=options)
    work.found["zone_plan"] = zones
    work.notes.extend(zones.notes)
    work.found["cells"] = cells.assign(zone_id=cells["cell_uid"].map(zones.zone_of))
