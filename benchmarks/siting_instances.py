"""Instances for the comparisons of siting: published ones, a real town, a generator."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.sparse.csgraph import shortest_path
from scipy.spatial import cKDTree

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared" / "data"
SITING = SHARED / "siting"
NEWPORT_OSM = SHARED / "newport" / "newport.osm.pbf"

HOMES, CANDIDATES = 4000, 500
# Towns of the generator: this share of all points lies scattered between them.
_SCATTERED = 0.15
_TOWN_RADII_M = (200.0, 1200.0)


@dataclass(frozen=True)
class Instance:
    """A p-median to solve; `listed` is its published value, NaN where there is none."""

    name: str
    cost: np.ndarray | pd.DataFrame
    weights: np.ndarray | pd.Series
    p: int
    listed: float = float("nan")


def orlib(numbers: range = range(1, 21)) -> Iterator[Instance]:
    """Yield pmed problems; of edges given twice the last counts."""
    folder = SITING / "orlib"
    lines = (folder / "pmedopt.txt").read_text(encoding="utf-8").splitlines()
    optima = dict(line.split() for line in lines if line.startswith("pmed"))
    for number in numbers:
        name = f"pmed{number}"
        text = (folder / f"{name}.txt").read_text(encoding="utf-8")
        head, *edges = (line.split() for line in text.splitlines() if line.strip())
        n, _, p = map(int, head)
        length = {}
        for one, other, metres in (map(int, edge) for edge in edges):
            length[min(one, other) - 1, max(one, other) - 1] = float(metres)
        rows, columns = zip(*length, strict=True)
        graph = csr_array((list(length.values()), (rows, columns)), shape=(n, n))
        cost = shortest_path(graph, directed=False)
        yield Instance(name, cost, np.ones(n), p, float(optima[name]))


def tsplib(name: str) -> Iterator[Instance]:
    """Yield all listed p of a point set: floor of Euclid, each point demand 1 and site."""
    text = (SITING / "tsplib" / f"{name}.tsp").read_text(encoding="utf-8")
    body = text.split("NODE_COORD_SECTION")[1].split("EOF")[0]
    points = np.array(body.split(), dtype=float).reshape(-1, 3)[:, 1:]
    apart = points[:, None] - points[None]
    cost = np.floor(np.sqrt((apart**2).sum(axis=2)))
    listed = pd.read_csv(SITING / "tsplib" / "best_known.csv")
    listed = listed[listed["instance"] == name].sort_values("p")
    for p, value in zip(listed["p"], listed["opt_or_bkn"], strict=True):
        yield Instance(name, cost, np.ones(len(cost)), int(p), float(value))


def newport_walks(seed: int = 4) -> np.ndarray:
    """Return the walks of 4,000 buildings of Newport to 500 others, drawn by the seed."""
    from gridplan.errors import FaultList
    from gridplan.geometry import choose_crs
    from gridplan.network import (
        build_graph,
        build_network,
        obstacles,
        snap_to_network,
        walking_distances,
    )
    from gridplan.place import empty_layer, normal_layer
    from gridplan.sources.osm import read_osm

    extract = read_osm(NEWPORT_OSM)
    west, south, east, north = extract.streets.total_bounds
    crs = choose_crs((west + east) / 2, (south + north) / 2)
    ways = normal_layer(extract.streets.to_crs(crs), "streets", crs=crs, faults=FaultList())
    nothing = {name: empty_layer(name, crs=crs) for name in ("water", "barriers", "estates")}
    blocks = obstacles(**nothing)
    network = build_network(ways, gates=empty_layer("gates", crs=crs), blocks=blocks)
    buildings = extract.buildings.to_crs(crs).sort_values("building_id")
    rng = np.random.default_rng(seed)
    drawn = rng.choice(len(buildings), HOMES + CANDIDATES, replace=False)
    points = buildings.geometry.iloc[drawn].representative_point().to_numpy()
    homes = snap_to_network(points[:HOMES], network, blocks=blocks)
    sites = snap_to_network(points[HOMES:], network, blocks=blocks)
    metres: np.ndarray = walking_distances(build_graph(network, sites), homes)
    return metres


def newport(seed: int = 4) -> Iterator[Instance]:
    """Yield p = 12 and 30 on the real walks, residents drawn by the seed."""
    metres = newport_walks(seed)
    residents = np.random.default_rng(seed).integers(1, 9, len(metres)).astype(float)
    for p in (12, 30):
        yield Instance("newport", metres, residents, p)


@dataclass(frozen=True)
class TownOptions:
    """Size of a generated region: a square with towns and scattered places between them."""

    demand: int = 20_000
    sites: int = 2_000
    limit_m: float = 3_000.0
    side_m: float = 20_000.0
    towns: int = 40
    seed: int = 0


def generated(p: int = 100, options: TownOptions | None = None) -> Instance:
    """Return straight-line pairs within the limit as a long frame."""
    how = options or TownOptions()
    rng = np.random.default_rng(how.seed)
    centres = rng.uniform(0, how.side_m, (how.towns, 2))
    radii = rng.uniform(*_TOWN_RADII_M, how.towns)
    share = rng.dirichlet(np.ones(how.towns))

    def places(count: int) -> np.ndarray:
        town = rng.choice(how.towns, count, p=share)
        points = centres[town] + rng.normal(size=(count, 2)) * radii[town, None]
        alone = rng.random(count) < _SCATTERED
        points[alone] = rng.uniform(0, how.side_m, (int(alone.sum()), 2))
        return np.clip(points, 0, how.side_m)

    demand, sites = places(how.demand), places(how.sites)
    near = cKDTree(demand).sparse_distance_matrix(
        cKDTree(sites), how.limit_m, output_type="coo_matrix"
    )
    frame = pd.DataFrame(
        {
            "demand_id": near.row.astype(np.int64),
            "site_id": near.col.astype(np.int64),
            "cost_m": near.data,
        }
    )
    residents = pd.Series(rng.integers(1, 60, how.demand).astype(float))
    return Instance(f"generated {how.demand:,} x {how.sites:,}", frame, residents, p)
