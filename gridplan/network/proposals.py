"""Gates that nobody mapped, and walls that cannot be as they are drawn."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridplan.errors import Message, Note, counted, first_ids
from gridplan.geometry import GRID_M, Geometries
from gridplan.network.edges import Network, NetworkOptions
from gridplan.network.gates import AT_GATE_M, COURTYARD_CLASS, LINK_CLASS, LINK_CLASSES
from gridplan.network.obstacles import CLEARANCE_M, Obstacles

PROPOSED = "proposed"
"""Status of a gate that the network suggests and nobody has seen."""

_REACH_M = 3.0
_LEAST_PART_M2 = 100.0
_POINT, _LINE = 0, 1


def propose_gates(
    network: Network,
    gates: gpd.GeoDataFrame,
    *,
    blocks: Obstacles,
    options: NetworkOptions | None = None,
) -> gpd.GeoDataFrame:
    """
    Return the gates that walls seem to have, where streets cross or reach them.

    A street of the network that crosses a wall must do so through an opening; one
    that ends within 3 m of a wall probably leads to one. Places within
    ``options.gate_wall_m`` of a mapped gate, or of another proposal for the
    same wall, count as the same.

    Parameters
    ----------
    gates : GeoDataFrame
        As in `Place.gates`.

    Returns
    -------
    GeoDataFrame, sorted by ``gate_id``
        ``gate_id`` (made of the ground's id and the whole metres of the place),
        ``estate_id`` (null where wall lines close the ground), ``status``
        (``proposed``), point in the wall. A closed gate counts as mapped: what was
        looked at is not proposed again.
    """
    near_m = (options or NetworkOptions()).gate_wall_m
    places = pd.concat([_crossings(network, blocks), _ends(network, blocks)], ignore_index=True)
    xy = shapely.get_coordinates(places["point"].to_numpy(dtype=object))
    places["x"], places["y"] = xy[:, 0], xy[:, 1]
    places = places.sort_values(["ground", "ends", "x", "y"], kind="stable")
    known = shapely.STRtree(gates.geometry.to_numpy())
    kept: list[int] = []
    for _, group in places.groupby("ground", sort=True):
        kept.extend(_apart(group, known, near_m))
    chosen = places.loc[kept]
    return _as_gates(chosen, blocks, network)


def _apart(group: pd.DataFrame, known: shapely.STRtree, near_m: float) -> list[int]:
    """Return the rows that lie apart from mapped gates and from each other, the first of each."""
    points = group["point"].to_numpy(dtype=object)
    taken = np.zeros(len(points), dtype=bool)
    taken[np.unique(known.query(points, "dwithin", distance=near_m)[0])] = True
    kept = []
    for i, row in enumerate(group.index):
        if not taken[i]:
            kept.append(row)
            taken |= shapely.dwithin(points[i], points, near_m)
    return kept


def _as_gates(places: pd.DataFrame, blocks: Obstacles, network: Network) -> gpd.GeoDataFrame:
    ground = places["ground"].to_numpy(dtype=np.intp)
    names = np.array(blocks.grounds.names, dtype=object)[ground]
    ids = [
        f"{PROPOSED}-{name}-{x:.0f}-{y:.0f}"
        for name, x, y in zip(names, places["x"], places["y"], strict=True)
    ]
    frame = gpd.GeoDataFrame(
        {
            "gate_id": pd.Series(ids, dtype="object"),
            "estate_id": np.where(blocks.grounds.is_estate[ground], names, None),
            "status": pd.Series([PROPOSED] * len(ids), dtype="object"),
        },
        geometry=places["point"].to_numpy(dtype=object),
        crs=network.edges.crs,
    )
    return frame.sort_values("gate_id", kind="stable").drop_duplicates("gate_id", ignore_index=True)


def _streets(network: Network) -> gpd.GeoDataFrame:
    streets: gpd.GeoDataFrame = network.walkable[~network.walkable["highway"].isin(LINK_CLASSES)]
    return streets


def _crossings(network: Network, blocks: Obstacles) -> pd.DataFrame:
    """Return where streets cross the walls of a ground: ``ground``, ``point``, ``ends`` false."""
    areas = blocks.grounds.areas
    lines = _streets(network).geometry.to_numpy()
    within = shapely.buffer(areas, -CLEARANCE_M)
    ground, line = shapely.STRtree(lines).query(within, predicate="intersects")
    meeting = shapely.intersection(lines[line], shapely.boundary(areas[ground]))
    points, pair = shapely.get_parts(meeting, return_index=True)
    single = shapely.get_type_id(points) == _POINT
    return pd.DataFrame({"ground": ground[pair[single]], "point": points[single], "ends": False})


def _ends(network: Network, blocks: Obstacles) -> pd.DataFrame:
    """Return where streets end within 3 m of a wall."""
    streets = _streets(network)
    lines = streets.geometry.to_numpy()
    ends = pd.concat([streets["u"], streets["v"]], ignore_index=True)
    points = np.concatenate([shapely.get_point(lines, 0), shapely.get_point(lines, -1)])
    # A gate's link begins where a street ends at the gate: that end is no longer dead.
    links = network.walkable[network.walkable["highway"].isin([LINK_CLASS, COURTYARD_CLASS])]
    alone = ~ends.duplicated(keep=False) & ~ends.isin([*links["u"], *links["v"]])
    dead = points[alone.to_numpy()]
    rings = shapely.boundary(blocks.grounds.areas)
    ground, end = shapely.STRtree(dead).query(rings, "dwithin", distance=_REACH_M)
    at = (
        shapely.line_interpolate_point(
            rings[ground], shapely.line_locate_point(rings[ground], dead[end])
        )
        if len(ground)
        else np.empty(0, dtype=object)
    )
    return pd.DataFrame({"ground": ground, "point": at, "ends": True})


def wall_notes(
    network: Network,
    *,
    buildings: gpd.GeoDataFrame,
    barriers: gpd.GeoDataFrame,
    water: gpd.GeoDataFrame,
    blocks: Obstacles,
) -> tuple[Note, ...]:
    """
    Return what is doubtful about the walls of a place, in words.

    Walled estates with neither a gate that leads out to a street nor a street through
    the wall; walls around nothing; estates that a canal cuts apart.
    """
    grounds = blocks.grounds
    names = np.array(grounds.names, dtype=object)
    entered = np.union1d(_gated(network, blocks), _crossings(network, blocks)["ground"].to_numpy())
    shut = np.setdiff1d(np.arange(len(names)), entered)
    held = shapely.STRtree(buildings.geometry.to_numpy()).query(grounds.areas, "intersects")[0]
    empty = np.setdiff1d(np.arange(len(names)), held)
    split = _split_by_water(grounds.areas, barriers, water)
    found = (
        _note("walls_without_gate", sorted(set(names[shut])), _SHUT, _GROUNDS),
        _note("walls_around_nothing", sorted(set(names[empty])), _EMPTY, _WALLS),
        _note(
            "estates_split_by_water",
            sorted(set(names[split & grounds.is_estate])),
            _SPLIT,
            _ESTATES,
        ),
    )
    return tuple(note for note in found if note is not None)


def _gated(network: Network, blocks: Obstacles) -> npt.NDArray[np.intp]:
    """Return the grounds with a gate in their walls from which a way leads outside."""
    areas = blocks.grounds.areas
    points, lines = network.gates.geometry.to_numpy(), network.walkable.geometry.to_numpy()
    rings = shapely.boundary(areas)
    ground, gate = shapely.STRtree(points).query(rings, "dwithin", distance=CLEARANCE_M)
    pair, line = shapely.STRtree(lines).query(points[gate], "dwithin", distance=AT_GATE_M)
    outside = shapely.difference(lines[line], areas[ground[pair]])
    return np.unique(ground[pair[shapely.length(outside) > GRID_M]])


def proposal_note(proposed: gpd.GeoDataFrame) -> tuple[Note, ...]:
    """Return how many gates are proposed."""
    note = _note("gates_proposed", proposed["gate_id"].tolist(), _PROPOSED, _GATES)
    return () if note is None else (note,)


def assumed_note(network: Network, estates: Collection[str]) -> tuple[Note, ...]:
    """Return which guessed gates lead out of estates that are known to be walled."""
    own = network.gates["guessed_for"].isin(list(estates))
    note = _note("gates_assumed", sorted(network.gates["gate_id"][own]), _ASSUMED)
    return () if note is None else (note,)


_SHUT = Message(
    en="{n} neither a gate that leads to a street nor a street through the "
    "wall, so nobody walks out: {ids}. Map the gates, or say that there is no wall.",
    zh="{n} 处有围墙的用地既无通往道路的出入口，也无道路穿过围墙，居民无法步行离开：{ids}。"
    "请补充出入口，或注明没有围墙。",
)
_EMPTY = Message(
    en="{n} no building: {ids}. Check that the outline is where it should be.",
    zh="{n} 处围墙内没有建筑：{ids}。请检查范围是否正确。",
)
_SPLIT = Message(
    en="{n} cut apart by water: {ids}. Each part needs its own gate, or a bridge.",
    zh="{n} 个有围墙的小区被水面分隔：{ids}。各部分需有各自的出入口或桥梁。",
)
_PROPOSED = Message(
    en="{n} proposed where streets cross or reach a wall and none is mapped: {ids}. "
    "Check them on the ground.",
    zh="在道路穿过或到达围墙而未标注出入口处，建议 {n} 个出入口：{ids}。请实地核实。",
)
_ASSUMED = Message(
    en="Gates taken as open until somebody has looked, where streets cross or reach the wall of an "
    "estate that was found to be walled: {n} ({ids}). Check them on the ground; a gate that is "
    "closed shuts its stretch of wall.",
    zh="经核实有围墙的小区，在道路穿过或到达围墙处暂按有出入口计算：{n} 处（{ids}）。"
    "请实地核实；核实为不通的出入口将不再计入。",
)


_GROUNDS = ("walled ground has", "walled grounds have")
_WALLS = ("wall encloses", "walls enclose")
_ESTATES = ("walled estate is", "walled estates are")
_GATES = ("gate is", "gates are")


def _note(
    code: str, ids: Sequence[str], words: Message, what: tuple[str, str] | None = None
) -> Note | None:
    if not len(ids):
        return None
    named, n = first_ids(ids), str(len(ids)) if what is None else counted(len(ids), *what)
    en, zh = words.en.format(n=n, ids=named), words.zh.format(n=len(ids), ids=named)
    return Note(code, len(ids), Message(en=en, zh=zh), tuple(ids))


def _split_by_water(
    areas: Geometries, barriers: gpd.GeoDataFrame, water: gpd.GeoDataFrame
) -> npt.NDArray[np.bool_]:
    """Say which areas water parts into at least two pieces of 100 m² or more."""
    canals = barriers.geometry.to_numpy()[barriers["kind"].isin(["river", "canal"]).to_numpy()]
    wet = np.concatenate([water.geometry.to_numpy(), shapely.buffer(canals, GRID_M)])
    area, pool = shapely.STRtree(wet).query(areas, predicate="intersects")
    split = np.zeros(len(areas), dtype=bool)
    for row in np.unique(area):
        dry = shapely.difference(areas[row], shapely.union_all(wet[pool[area == row]]))
        parts = shapely.area(shapely.get_parts(dry))
        split[row] = int((parts >= _LEAST_PART_M2).sum()) > 1
    return split
