"""
Walking distances beside other tools, on Heidelberg: ``make bench ARGS=access``.

Outputs are compared before anything is timed. Both sides are warm, on the same edges and in
the same process; the median of three runs counts. Tools that are not installed are named.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import osmium

from gridplan.errors import FaultList
from gridplan.geometry import choose_crs
from gridplan.network import (
    Network,
    Snapped,
    build_graph,
    build_network,
    obstacles,
    walking_distances,
)
from gridplan.place import empty_layer, normal_layer
from gridplan.sources.osm import read_osm

ROOT = Path(__file__).resolve().parent.parent
HEIDELBERG = ROOT.parent / "shared" / "data" / "heidelberg" / "heidelberg.osm.pbf"

RUNS = 3
FACILITIES = 11
DEMAND, SITES, LIMIT_M = 4000, 500, 2000.0
TOLERANCE_M = 1e-6
PACKAGES = ("gridplan", "numpy", "scipy", "shapely", "networkx", "osmnx", "pandana")


def median_s(function: Callable[[], Any]) -> float:
    """Return the median seconds of three runs."""
    taken = []
    for _ in range(RUNS):
        began = time.perf_counter()
        function()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def our_network(path: Path) -> Network:
    """Return the walking network of an OSM file."""
    extract = read_osm(path)
    west, south, east, north = extract.streets.total_bounds
    crs = choose_crs((west + east) / 2, (south + north) / 2)
    ways = normal_layer(extract.streets.to_crs(crs), "streets", crs=crs, faults=FaultList())
    nothing = {name: empty_layer(name, crs=crs) for name in ("water", "barriers", "estates")}
    return build_network(ways, gates=empty_layer("gates", crs=crs), blocks=obstacles(**nothing))


def at_nodes(network: Network, nodes: np.ndarray) -> Snapped:
    """Return nodes of the network as places on it, without a leg."""
    tails, heads, n_nodes = network.node_codes
    edge, is_head = np.full(n_nodes, -1), np.zeros(n_nodes, dtype=bool)
    edge[heads], is_head[heads] = np.arange(len(heads)), True
    edge[tails], is_head[tails] = np.arange(len(tails)), False
    length_m = network.walkable["length_m"].to_numpy()[edge[nodes]]
    offset_m = np.where(is_head[nodes], length_m, 0.0)
    nothing = np.full(len(nodes), "", dtype=object)
    return Snapped(edge[nodes], offset_m, np.zeros(len(nodes)), nothing)


def as_networkx(network: Network) -> nx.Graph:
    """Return the same edges as a networkx graph, of parallel ones the shortest."""
    tails, heads, n_nodes = network.node_codes
    graph = nx.Graph()
    graph.add_nodes_from(range(n_nodes))
    lengths_m = network.walkable["length_m"].tolist()
    for tail, head, metres in zip(tails.tolist(), heads.tolist(), lengths_m, strict=True):
        known = graph.get_edge_data(tail, head)
        if known is None or metres < known["metres"]:
            graph.add_edge(tail, head, metres=metres)
    return graph


def with_networkx(
    graph: nx.Graph, starts: np.ndarray, goals: np.ndarray, limit_m: float | None
) -> np.ndarray:
    """Return the distances from each start to each goal by networkx's Dijkstra."""
    columns = []
    for goal in goals.tolist():
        reach = nx.single_source_dijkstra_path_length(graph, goal, cutoff=limit_m, weight="metres")
        columns.append([reach.get(start, np.inf) for start in starts.tolist()])
    return np.array(columns).T


def compare(what: str, ours: np.ndarray, theirs: np.ndarray) -> None:
    """Stop unless both found the same distances, and the same pairs without one."""
    same = np.allclose(ours, theirs, atol=TOLERANCE_M, rtol=0, equal_nan=True)
    if not same:
        sys.exit(f"{what}: the results differ in {int((~np.isclose(ours, theirs)).sum())} pairs")
    found = int(np.isfinite(ours).sum())
    print(f"\n{what}: {ours.size:,} pairs equal to {TOLERANCE_M:g} m, {found:,} with a path")


def show(ours_s: float, theirs_s: float, name: str) -> None:
    """Print both times and their ratio."""
    print(f"  gridplan {ours_s:8.3f} s   {name} {theirs_s:8.3f} s   ratio {theirs_s / ours_s:.1f}")


def bench_distances(network: Network) -> None:
    """Time 11 facilities to all nodes, and the cost matrix within 2 km."""
    rng = np.random.default_rng(1)
    n_nodes = network.node_codes[2]
    graph = as_networkx(network)
    print(f"{n_nodes:,} nodes, {len(network.walkable):,} edges")
    everybody = np.arange(n_nodes)
    goals = rng.choice(n_nodes, FACILITIES, replace=False)
    doors, facilities = at_nodes(network, everybody), at_nodes(network, goals)

    def ours() -> np.ndarray:
        return walking_distances(build_graph(network, facilities), doors)

    theirs_s = median_s(lambda: with_networkx(graph, everybody, goals, None))
    compare("11 facilities to all nodes", ours(), with_networkx(graph, everybody, goals, None))
    show(median_s(ours), theirs_s, "networkx")
    starts = rng.choice(n_nodes, DEMAND, replace=False)
    sites = rng.choice(n_nodes, SITES, replace=False)
    doors, facilities = at_nodes(network, starts), at_nodes(network, sites)

    def matrix() -> np.ndarray:
        return walking_distances(build_graph(network, facilities), doors, limit_m=LIMIT_M)

    compare("4,000 x 500 within 2 km", matrix(), with_networkx(graph, starts, sites, LIMIT_M))
    show(
        median_s(matrix), median_s(lambda: with_networkx(graph, starts, sites, LIMIT_M)), "networkx"
    )


def bench_graph(folder: Path) -> None:
    """Time the graph from the file, against OSMnx from the same ways as XML."""
    if importlib.util.find_spec("osmnx") is None:
        print("\ngraph from the file: skipped, osmnx is not installed")
        return
    import osmnx

    xml = folder / "heidelberg.osm"
    highways_as_xml(HEIDELBERG, xml)

    def theirs() -> nx.MultiDiGraph:
        graph = osmnx.graph_from_xml(xml, bidirectional=True, simplify=False, retain_all=True)
        return osmnx.project_graph(graph)

    graph, network = theirs(), our_network(HEIDELBERG)
    pairs = {tuple(sorted(pair)) for pair in graph.edges(keys=False) if pair[0] != pair[1]}
    every = network.edges
    segments = int((every.geometry.count_coordinates() - 1).sum())
    print(f"\ngraph from the file: {segments:,} segments; OSMnx has {len(pairs):,} pairs of nodes")
    show(median_s(lambda: our_network(HEIDELBERG)), median_s(theirs), "osmnx")


def highways_as_xml(source: Path, target: Path) -> None:
    """Write the highways whose nodes are all there, and those nodes, as OSM XML."""
    known = {thing.id for thing in osmium.FileProcessor(str(source), osmium.osm.NODE)}
    only_ways = osmium.FileProcessor(str(source), osmium.osm.WAY)
    used: set[int] = set()
    kept: set[int] = set()
    for way in only_ways.with_filter(osmium.filter.KeyFilter("highway")):
        refs = [node.ref for node in way.nodes] if isinstance(way, osmium.osm.Way) else []
        if refs and all(ref in known for ref in refs):
            used.update(refs)
            kept.add(way.id)
    with osmium.SimpleWriter(str(target)) as writer:
        for thing in osmium.FileProcessor(str(source)):
            node = isinstance(thing, osmium.osm.Node) and thing.id in used
            if node or (isinstance(thing, osmium.osm.Way) and thing.id in kept):
                writer.add(thing)


def versions() -> str:
    """Return the versions of what is compared."""
    found = []
    for name in PACKAGES:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            found.append(f"{name} not installed (not compared)")
    return ", ".join([f"Python {platform.python_version()}", *found])


def main() -> None:
    """Compare and time, where the data are there."""
    print(versions())
    if not HEIDELBERG.is_file():
        print(f"skipped: {HEIDELBERG.name} is not in ../shared/data")
        return
    bench_distances(our_network(HEIDELBERG))
    with tempfile.TemporaryDirectory() as folder:
        bench_graph(Path(folder))
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\npeak memory {peak_mb:.0f} MB")


if __name__ == "__main__":
    main()
