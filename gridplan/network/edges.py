"""Edges and nodes of the walking network, walkability, connected pieces."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy import sparse
from scipy.sparse import csgraph

from gridplan.errors import InputError, Message, Note, counted, first_ids, ids_zh
from gridplan.network.borders import cut_at_borders
from gridplan.network.gates import closed_stretches, is_closed, link_gates
from gridplan.network.noding import node_lines
from gridplan.network.obstacles import BORDER, Obstacles

Ints = npt.NDArray[np.intp]

NOT_WALKABLE = (
    "abandoned",
    "bus_guideway",
    "construction",
    "elevator",
    "escape",
    "ferry",
    "motorway",
    "motorway_link",
    "planned",
    "proposed",
    "raceway",
    "razed",
    "rest_area",
    "services",
)
"""Highway classes nobody walks on, in OpenStreetMap's words."""

STEPS_CLASS = "steps"
"""Highway class of stairs, which a wheelchair cannot use."""

_FERRY = "ferry"
_FOOT_ALLOWED = ("yes", "designated", "permissive", "official")


@dataclass(frozen=True, slots=True)
class NetworkOptions:
    """
    What counts as a way to walk, and how far a door may be from it.

    Attributes
    ----------
    not_walkable : tuple of str
        Highway classes left out, unless the way says that walking is allowed.
    buffer_m : float
        Streets and facilities this far beyond the boundary count, so that
        nobody's walk is bent by the edge of the map.
    max_leg_m : float
        Longest straight leg from a door to the network.
    join_m : float
        Ends of lines nearer than this to another line are joined to it, where
        the lines come without nodes of their own.
    gate_wall_m : float
        A gate opens the wall that is nearest, if within this distance.
    gate_link_m : float
        A street this near a gate can be reached from it.
    """

    not_walkable: tuple[str, ...] = NOT_WALKABLE
    buffer_m: float = 2000.0
    max_leg_m: float = 250.0
    join_m: float = 0.05
    gate_wall_m: float = 10.0
    gate_link_m: float = 40.0


def _no_gates() -> gpd.GeoDataFrame:
    columns = {name: pd.Series([], dtype="object") for name in ("gate_id", "guessed_for")}
    return gpd.GeoDataFrame(columns, geometry=[])


@dataclass(frozen=True)
class Network:
    """
    Street edges with their nodes, walkable or not.

    Attributes
    ----------
    edges : GeoDataFrame
        ``edge_id``, ``u``, ``v`` (node ids), ``length_m``, ``walkable``, ``steps``,
        ``component`` (0 is the longest piece; -1 where not walkable) and what
        the streets brought. Sorted by ``edge_id``.
    gates : GeoDataFrame
        The gates that open a wall and meet a street: ``gate_id``, ``guessed_for`` (the
        estate that a guessed gate leads out of, else null), point.
    notes : tuple of Note
    """

    edges: gpd.GeoDataFrame
    gates: gpd.GeoDataFrame = field(default_factory=_no_gates)
    notes: tuple[Note, ...] = ()

    @cached_property
    def walkable(self) -> gpd.GeoDataFrame:
        """The edges one can walk along, with a fresh index."""
        return self.edges[self.edges["walkable"]].reset_index(drop=True)

    @cached_property
    def node_codes(self) -> tuple[Ints, Ints, int]:
        """Positions of ``u`` and ``v`` of the walkable edges, and the number of nodes."""
        ends = pd.concat([self.walkable["u"], self.walkable["v"]], ignore_index=True)
        codes, names = pd.factorize(ends, sort=True)
        half = len(self.walkable)
        return codes[:half], codes[half:], len(names)


def build_network(
    streets: gpd.GeoDataFrame,
    *,
    gates: gpd.GeoDataFrame,
    blocks: Obstacles,
    options: NetworkOptions | None = None,
    guessed: gpd.GeoDataFrame | None = None,
) -> Network:
    """
    Return the network of the street lines.

    Parameters
    ----------
    streets : GeoDataFrame
        As in `Place.streets`. Where all rows have ``u`` and ``v`` those are the
        nodes; else lines are joined where they share a vertex, where the end of
        one touches another, and where two cross at the same level (bridges and
        tunnels do not meet what they cross).
    gates : GeoDataFrame
        As in `Place.gates`.
    blocks : Obstacles
        Its walls are what only a gate opens.
    guessed : GeoDataFrame, optional
        Gates that are a guess, as `propose_gates` gives them: ways out of the doors of
        their estates, that no other walk passes.

    Raises
    ------
    InputError
        If there is no street that can be walked along.
    """
    chosen = options or NetworkOptions()
    noded = bool(len(streets)) and bool(streets["u"].notna().all() and streets["v"].notna().all())
    edges, notes = (streets.copy(), ()) if noded else node_lines(streets, join_m=chosen.join_m)
    edges = edges.rename(columns={"street_id": "edge_id"})
    edges["walkable"] = is_walkable(edges, chosen)
    edges["steps"] = (edges["highway"] == STEPS_CLASS).to_numpy(dtype=bool)
    if not edges["walkable"].any():
        raise InputError(
            Message(
                en=f"None of the {len(edges)} streets near the place can be walked along. "
                f"Check the layer `streets` and [network].not_walkable.",
                zh=f"区域附近的 {len(edges)} 条街道均不可步行。请检查 streets 图层与 "
                f"[network].not_walkable 设置。",
            )
        )
    edges, border_notes = cut_at_borders(edges, blocks.of_kind(BORDER))
    edges, closed_notes = _cut_at_closed_gates(edges, gates, blocks, wall_m=chosen.gate_wall_m)
    joined = link_gates(
        edges.sort_values("edge_id", kind="stable").reset_index(drop=True),
        gates[~is_closed(gates)].reset_index(drop=True),
        blocks,
        wall_m=chosen.gate_wall_m,
        link_m=chosen.gate_link_m,
        guessed=guessed,
    )
    linked = joined.edges
    linked["length_m"] = shapely.length(linked.geometry.to_numpy())
    linked["component"] = _components(linked)
    ordered = linked.sort_values("edge_id", kind="stable").reset_index(drop=True)
    every = (*notes, *border_notes, *closed_notes, *joined.notes)
    return Network(edges=ordered, gates=joined.gates, notes=every)


def _cut_at_closed_gates(
    edges: gpd.GeoDataFrame, gates: gpd.GeoDataFrame, blocks: Obstacles, *, wall_m: float
) -> tuple[gpd.GeoDataFrame, tuple[Note, ...]]:
    """Return the edges cut where they cross a wall at a gate that is known to be closed."""
    names, stretches = closed_stretches(gates, blocks, wall_m=wall_m)
    if not names:
        return edges, ()
    cut, _ = cut_at_borders(edges, stretches)
    message = Message(
        en=f"{counted(len(names), 'gate is', 'gates are')} closed; no street crosses the wall "
        f"there: {first_ids(names)}.",
        zh=f"{len(names)} 处出入口经核实不通，道路在该处围墙截断：{ids_zh(names)}。",
    )
    return cut, (Note("gates_closed", len(names), message, tuple(names)),)


def is_walkable(edges: pd.DataFrame, options: NetworkOptions) -> npt.NDArray[np.bool_]:
    """
    Say which edges one can walk along.

    ``foot`` overrides the class and ``access``; ferries are out whatever they say, and so are
    roads for motor vehicles only (``motorroad = yes``) that do not allow walking. ``access =
    private`` stays: most such ways lead to the homes of those who walk them.
    """
    allowed = edges["foot"].isin(_FOOT_ALLOWED)
    closed = edges["highway"].isin(options.not_walkable) | (edges["access"] == "no")
    closed |= _column(edges, "motorroad") == "yes"
    ferry = (_column(edges, "route") == _FERRY) | (edges["highway"] == _FERRY)
    return np.asarray((allowed | ~closed) & (edges["foot"] != "no") & ~ferry, dtype=bool)


def _column(edges: pd.DataFrame, name: str) -> pd.Series[str]:
    """Return a column that the streets may or may not have brought."""
    empty = pd.Series([None] * len(edges), index=edges.index, dtype="object")
    column: pd.Series[str] = edges.get(name, empty)
    return column


def _components(edges: gpd.GeoDataFrame) -> Ints:
    walkable = edges["walkable"].to_numpy()
    used = edges[walkable]
    codes, names = pd.factorize(pd.concat([used["u"], used["v"]]), sort=True)
    tails, heads = codes[: len(used)], codes[len(used) :]
    links = sparse.coo_matrix((np.ones(len(used)), (tails, heads)), shape=(len(names),) * 2)
    _, label = csgraph.connected_components(links, directed=False)
    length_m = np.bincount(label[tails], weights=used["length_m"])
    first_edge = used["edge_id"].groupby(label[tails]).min().to_numpy()
    order = np.lexsort([first_edge.astype(str), -length_m])
    rank = np.empty(len(order), dtype=np.intp)
    rank[order] = np.arange(len(order))
    component = np.full(len(edges), -1, dtype=np.intp)
    component[walkable] = rank[label[tails]]
    return component
