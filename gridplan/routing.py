"""The route of single homes of a plan, for a notebook or a map of one's own."""

from __future__ import annotations

from collections.abc import Iterable

import geopandas as gpd
import numpy as np
import pandas as pd

from gridplan.access import Ends, Walks, measure_walks, walk_routes
from gridplan.config import Config
from gridplan.errors import InputError, Message, first_ids, ids_zh
from gridplan.geometry import GRID_M, Floats
from gridplan.plan import Plan
from gridplan.steps import places
from gridplan.steps.work import Work, network_options

_HOMES, _GOALS = "`demand`", "`committees`, `in_sites`, `in_facilities`"


def routes(plan: Plan, homes: str | Iterable[str], *, to: str | None = None) -> gpd.GeoDataFrame:
    """
    Return the walk of each home as a line, door to door.

    The network is built anew from the place of the plan, so that plans read from a file can
    be asked too; ask for many homes at once.

    Parameters
    ----------
    plan : Plan
    homes : str or iterable of str
        ``demand_id`` of each.
    to : str, optional
        A committee, a site or a facility, by its id; of several service points the nearest.
        By default the committee of each home (``committee_id``).

    Returns
    -------
    GeoDataFrame, in the order of `homes`
        ``demand_id``, ``facility_id``, ``metres`` and the line; metres and line are null where
        there is no way, and the columns of `demand` say why.

    Raises
    ------
    InputError
        If the plan has no such homes or facility.
    """
    asked = [homes] if isinstance(homes, str) else list(homes)
    demand = plan.layer("demand")
    at = pd.Index(demand["demand_id"]).get_indexer(pd.Index(asked, dtype="object"))
    strange = [one for one, row in zip(asked, at, strict=True) if row < 0]
    _refuse_unknown(strange, _HOMES)
    own = gpd.GeoDataFrame(demand.iloc[at].reset_index(drop=True), crs=plan.place.crs)
    work = Work(place=plan.place, config=Config.model_validate(dict(plan.settings)))
    places.add_network(work)
    network, blocks = work.found["network"], work.found["blocks"]
    walks = measure_walks(plan.place, own, network, blocks, options=network_options(work.config))
    if to is not None:
        _refuse_unknown([one for one in [to] if one not in walks.ids[: walks.first_gate]], _GOALS)
    goals = own["committee_id"].tolist() if to is None else [to] * len(own)
    metres = _to_each_stop(walks)
    pairs = [(row, _nearest_stop(walks, metres[row], goal)) for row, goal in enumerate(goals)]
    known = [(row, stop) for row, stop in pairs if stop >= 0]
    walk_m = [float(metres[pair]) for pair in known]
    found = walk_routes(
        network,
        walks.graph,
        known,
        doors=Ends(own.geometry.to_numpy(), walks.doors),
        facilities=walks.stops,
        blocks=blocks,
        walks_m=walk_m,
    )
    lines = {row: route.line for (row, _), route in zip(known, found, strict=True)}
    lengths = {row: length for (row, _), length in zip(known, walk_m, strict=True)}
    return gpd.GeoDataFrame(
        {
            "demand_id": own["demand_id"],
            "facility_id": pd.Series(goals, dtype="object"),
            "metres": [lengths.get(row, np.nan) for row in range(len(own))],
        },
        geometry=[lines.get(row) for row in range(len(own))],
        crs=plan.place.crs,
    )


def _to_each_stop(walks: Walks) -> Floats:
    """Return the walks to each stop by itself: a committee's place is not its further points."""
    metres: Floats = walks.metres[:, : walks.first_gate].copy()
    metres[:, : walks.committees] = walks.own_m
    return metres


def _nearest_stop(walks: Walks, metres: Floats, goal: object) -> int:
    """Return the nearest stop of a facility, -1 where none can be reached."""
    stops = [j for j, one in enumerate(walks.ids[: walks.first_gate]) if one == goal]
    reached = [j for j in stops if np.isfinite(metres[j])]
    return min(reached, key=lambda j: (round(float(metres[j]) / GRID_M), j), default=-1)


def _refuse_unknown(ids: list[str], layers: str) -> None:
    if ids:
        raise InputError(
            Message(
                en=f"{layers} of the plan: there is no {first_ids(ids)}. Take ids from its layers.",
                zh=f"方案的 {layers} 中没有 {ids_zh(ids)}，请使用图层中的编号。",
            )
        )
