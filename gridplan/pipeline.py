"""One table of steps, walked by `run`: a place and its settings in, a plan out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridplan import assemble, evaluation, summary
from gridplan.access import (
    AccessOptions,
    Ends,
    Surroundings,
    WalkingSpeeds,
    access_by_unit,
    basis_of,
    committee_walks,
    community_committees,
    farthest_places,
    least_of,
    measure_walks,
    nearest_columns,
    own_committees,
    step_free_committee_walks,
    walk_routes,
    walks_layer,
    wall_range_columns,
)
from gridplan.cells import GB_T_30428, CellOptions, assign_codes, cell_uids, partition
from gridplan.config import Config
from gridplan.demand import first_containing, spread_residents
from gridplan.errors import InfeasibleError, Note
from gridplan.fingerprint import fingerprint
from gridplan.network import (
    NetworkOptions,
    proposal_note,
    propose_gates,
    reachability_ledger,
    wall_notes,
    wall_variants,
)
from gridplan.place import Place
from gridplan.plan import CONTRACT, Plan, StepRecord
from gridplan.siting import Limits, RoomProblem, propose_rooms
from gridplan.verify import verify_plan
from gridplan.zones import (
    ZoneOptions,
    dissolve_zones,
    number_of_zones,
    partition_zones,
    rook_graph,
)

Progress = Callable[[str], None]

MAIN_SYSTEM = "main"


@dataclass
class Work:
    """What the steps have found so far; each step adds its own entries."""

    place: Place
    config: Config
    found: dict[str, Any] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what it is called, which layers and settings it reads, what it calls."""

    name: str
    layers: tuple[str, ...]
    settings: tuple[str, ...]
    after: tuple[str, ...]
    function: Callable[[Work], None]


def run(place: Place, config: Config, *, progress: Progress | None = None) -> Plan:
    """
    Return the whole plan of a place: the contract's layers, figures and proofs.

    Raises
    ------
    InputError
        If the input cannot be used as it is.
    InfeasibleError
        If the hard rules cannot be met.
    """
    work = Work(place=place, config=config, notes=list(config.notes))
    records: list[StepRecord] = []
    seconds: dict[str, float] = {}
    digests: dict[str, str] = {}
    for step in STEPS:
        if progress:
            progress(step.name)
        began = time.perf_counter()
        digests[step.name] = fingerprint(
            step.name,
            layers=[getattr(place, layer) for layer in step.layers],
            settings=[getattr(config, section) for section in step.settings],
            after=[digests[earlier] for earlier in step.after],
        )
        step.function(work)
        records.append(StepRecord(step.name, digests[step.name]))
        seconds[step.name] = time.perf_counter() - began
    return Plan(
        place=place,
        layers=work.found["layers"],
        summary=work.found["summary"],
        settings=config.model_dump(mode="json"),
        steps=tuple(records),
        seconds=seconds,
    )


def _network(work: Work) -> None:
    place, options = work.place, network_options(work.config)
    near = place.outline.buffer(options.buffer_m)
    shapely.prepare(near)
    within = shapely.intersects(near, place.streets.geometry.to_numpy())
    opened, walled = wall_variants(
        place.streets[within].reset_index(drop=True),
        gates=place.gates,
        water=place.water,
        barriers=place.barriers,
        estates=place.estates,
        options=options,
    )
    network, blocks = opened.network, opened.blocks
    proposed = propose_gates(network, place.gates, blocks=blocks, options=options)
    work.found["network"] = network
    work.found["blocks"] = blocks
    work.found["walled"] = walled
    work.found["proposed_gates"] = proposed
    work.notes.extend(network.notes)
    work.notes.extend(proposal_note(proposed))
    work.notes.extend(
        wall_notes(
            network,
            gates=place.gates,
            buildings=place.buildings,
            barriers=place.barriers,
            water=place.water,
            blocks=blocks,
            options=options,
        )
    )


def _demand(work: Work) -> None:
    work.found["demand"] = spread_residents(work.place, options=work.config.demand.options)


def rehearse(place: Place, config: Config) -> None:
    """
    Refuse what a run would refuse for its cells and zones, without the rest of the work.

    Raises
    ------
    InputError, InfeasibleError
        As `run` does for a target area, codes that do not suffice, or too many zones.
    """
    cells = _coded_cells(place, config)
    if config.zones.k:
        number_of_zones(config.zones.k, 0.0, rook_graph(cells).components())


def _coded_cells(place: Place, config: Config) -> gpd.GeoDataFrame:
    options = CellOptions(method=config.cells.method, target_m2=config.cells.target_m2)
    cells = partition(place.communities, options=options)
    return cells.assign(cell_id=assign_codes(cells, target_m2=options.target_m2))


def _cells(work: Work) -> None:
    cells = _coded_cells(work.place, work.config)
    cells["cell_uid"] = cell_uids(cells)
    demand = work.found["demand"]
    demand["cell_uid"] = first_containing(demand.geometry.to_numpy(), cells, "cell_uid")
    work.found["cells"] = assemble.cells_with_residents(cells, demand)


def _access(work: Work) -> None:
    walks = measure_walks(
        work.place,
        work.found["demand"],
        work.found["network"],
        work.found["blocks"],
        options=network_options(work.config),
    )
    table = community_committees(work.place)
    work.found["walks"] = walks
    work.found["community_committees"] = table
    demand = committee_walks(work.place, work.found["demand"], walks, work.found["network"], table)
    committees = work.place.committees.set_index("committee_id")
    own = own_committees(demand, work.place.committees, table)
    work.found["demand"] = demand
    work.found["bases"] = {
        "committee": basis_of(demand, "committee", committees.geometry, allowed=own)
    }
    level = step_free_committee_walks(
        work.place,
        demand,
        walks,
        work.found["network"],
        work.found["blocks"],
        options=network_options(work.config),
    )
    work.found["step_free_m"] = least_of(level, own)
    _wall_range(work, table)
    residents = work.found["demand"]["population"].fillna(0).to_numpy(dtype=float)
    work.found["ledger"] = reachability_ledger(
        work.found["network"],
        doors=walks.doors,
        residents=residents,
        facilities=walks.facilities,
        names=walks.ids[: walks.committees + walks.sites],
        blocks=work.found["blocks"],
    )


def _wall_range(work: Work, table: pd.DataFrame) -> None:
    """Measure the walks once more with unknown walls closed, where there are any."""
    walled, demand = work.found["walled"], work.found["demand"]
    if walled is None:
        return
    walks = measure_walks(
        work.place,
        demand,
        walled.network,
        walled.blocks,
        options=network_options(work.config),
        committees_only=True,
    )
    columns = wall_range_columns(work.place, demand, walks, table)
    work.found["demand"] = pd.concat([demand, columns], axis="columns")


def _siting(work: Work) -> None:
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


def _zones(work: Work) -> None:
    cells, settings = work.found["cells"], work.config.zones
    options = ZoneOptions(k=settings.k, tolerance=settings.tolerance, seed=work.config.run.seed)
    zones = partition_zones(cells, cells.set_index("cell_uid")["population"], options=options)
    work.found["zone_plan"] = zones
    work.notes.extend(zones.notes)
    work.found["cells"] = cells.assign(zone_id=cells["cell_uid"].map(zones.zone_of))


def _layers(work: Work) -> None:
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


def _summary(work: Work) -> None:
    layers, place, config = work.found["layers"], work.place, work.config
    zones = summary.zone_figures(
        layers["zones"],
        tolerance=config.zones.tolerance,
        start=work.found["zone_plan"].start,
    )
    walks = evaluation.walk_figures(
        work.found["demand"],
        norms_m=config.walk_norms_m,
        bases=work.found["bases"],
        step_free_m=work.found["step_free_m"],
        options=access_options(config),
    )
    figures: dict[str, Any] = {
        "contract": CONTRACT,
        "place": summary.place_figures(place, layers),
        **evaluation.resident_figures(work.found["demand"], place.groups),
        "cells": {
            "method": config.cells.method,
            "code_profile": GB_T_30428.name,
            **evaluation.cell_figures(layers["cells"]),
        },
        **walks,
        "siting": work.found["siting_figures"],
        "zones": {"systems": {MAIN_SYSTEM: zones}},
        "network": summary.network_figures(work.found["network"], place),
        "norms": [
            {"key": key, **norm.model_dump()} for key, norm in sorted(config.all_norms.items())
        ],
    }
    work.found["summary"] = figures


def _verify(work: Work) -> None:
    """Check the finished layers independently, and add the proofs to the summary."""
    figures = work.found["summary"]
    report = verify_plan(
        {**work.found["layers"], **_inputs(work.place)},
        figures,
        cells_method=work.config.cells.method,
    )
    notes = [note.message for note in (*work.place.notes, *work.notes)]
    figures["proofs"] = {
        name: value if value is None or name.endswith("_m2") else int(value)
        for name, value in report.proofs.items()
    }
    figures["targets_missed"] = evaluation.targets_missed(
        figures, zones=work.found["zone_plan"].targets_missed
    )
    figures["caveats"] = evaluation.caveats(figures, notes)
    hard = [finding.message for finding in report.findings if finding.severity == "hard"]
    if hard:
        raise InfeasibleError(*hard)


def _inputs(place: Place) -> dict[str, pd.DataFrame]:
    """Return the inputs that the proofs compare with, under their names in ``plan.gpkg``."""
    names = ("boundary", "communities", "buildings", "sites", "population")
    return {f"in_{name}": getattr(place, name) for name in names}


STEPS: tuple[Step, ...] = (
    Step(
        "network",
        ("boundary", "streets", "gates", "water", "barriers", "estates", "buildings"),
        ("network",),
        (),
        _network,
    ),
    Step(
        "demand",
        ("buildings", "communities", "estates", "weights", "population"),
        ("demand",),
        (),
        _demand,
    ),
    Step("cells", ("communities",), ("cells",), ("demand",), _cells),
    Step(
        "access",
        ("committees", "community_committees", "sites", "gates"),
        (),
        ("network", "demand"),
        _access,
    ),
    Step("siting", ("committees", "sites"), ("siting", "run"), ("access",), _siting),
    Step("zones", (), ("zones", "run"), ("cells", "demand"), _zones),
    Step("layers", (), ("access", "norms"), ("cells", "access", "siting", "zones"), _layers),
    Step("summary", (), ("norms", "access"), ("layers",), _summary),
    Step("verify", ("buildings",), (), ("summary",), _verify),
)
"""What a run does, in order; rerun, report, compare and batch walk the same table."""


def network_options(config: Config) -> NetworkOptions:
    """Return the network's options as the settings give them."""
    return NetworkOptions(**config.network.model_dump())


def access_options(config: Config) -> AccessOptions:
    """Return the options of the walks' figures as the settings give them."""
    settings = config.access
    speeds = WalkingSpeeds(metres_per_s=MappingProxyType(dict(settings.speeds)))
    return AccessOptions(worst=settings.worst, aversion=settings.aversion, speeds=speeds)


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
