"""
Walking distances beside other tools, on Heidelberg: ``make bench ARGS=access``.

All tools get the same segments: every vertex of every street is a node. Results are
compared before anything is timed. All tools are warm, in one process, on the same cores; the
median of three runs counts, and building what a tool searches on is told apart from the
search. Memory is that of a process of its own for each tool. Tools that are not installed
are named.
"""

from __future__ import annotations

import dataclasses
import importlib.metadata
import importlib.util
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import osmium
import pandas as pd
import shapely

from gridplan.errors import FaultList
from gridplan.geometry import choose_crs
from gridplan.network import (
    Network,
    Snapped,
    WalkGraph,
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
EVERYWHERE_M = 100_000.0
PAIRS_BY_OSMNX = 50
TOLERANCE_M = 1e-6
PANDANA_TOLERANCE_M = 2.0
"""pandana cuts each segment to whole millimetres; a long way has some 2,000 segments."""
PACKAGES = ("gridplan", "numpy", "scipy", "shapely", "networkx", "osmnx", "pandana")


@dataclass(frozen=True)
class Streets:
    """
    The streets vertex by vertex.

    Attributes
    ----------
    network : Network
    tails, heads : int arrays, shape (n_segments,)
    metres : float array, shape (n_segments,)
    x, y : float arrays, shape (n_nodes,)
    edge, offset_m : arrays, shape (n_nodes,)
        Where each node lies on gridplan's own edges.
    """

    network: Network
    tails: np.ndarray
    heads: np.ndarray
    metres: np.ndarray
    x: np.ndarray
    y: np.ndarray
    edge: np.ndarray
    offset_m: np.ndarray

    @classmethod
    def of(cls, network: Network) -> Streets:
        """Return the segments of the walkable edges; ends that meet are one node."""
        lines = network.walkable.geometry.to_numpy()
        xy, line = shapely.get_coordinates(lines, return_index=True)
        first = np.concatenate([[True], line[1:] != line[:-1]])
        last = np.concatenate([first[1:], [True]])
        tails, heads, n_nodes = network.node_codes
        node = np.empty(len(xy), dtype=np.intp)
        node[first], node[last] = tails, heads
        inner = ~(first | last)
        node[inner] = n_nodes + np.arange(inner.sum())
        step_m = np.where(first[1:], 0.0, np.hypot(*np.diff(xy, axis=0).T))
        run_m = np.concatenate([[0.0], np.cumsum(step_m)])
        offset_m = run_m - run_m[np.flatnonzero(first)][line]
        within = ~first[1:]
        count = n_nodes + int(inner.sum())
        place = np.zeros(count, dtype=np.intp)
        place[node] = np.arange(len(node))
        return cls(
            network=network,
            tails=node[:-1][within],
            heads=node[1:][within],
            metres=step_m[within],
            x=xy[place, 0],
            y=xy[place, 1],
            edge=line[place],
            offset_m=offset_m[place],
        )

    def snapped(self, nodes: np.ndarray) -> Snapped:
        """Return nodes as places on gridplan's edges, without a leg."""
        nothing = np.full(len(nodes), "", dtype=object)
        legs_m = np.zeros(len(nodes))
        return Snapped(self.edge[nodes], self.offset_m[nodes], legs_m, nothing)


@dataclass(frozen=True)
class Job:
    """Distances from each start to each goal, up to a limit."""

    title: str
    starts: np.ndarray
    goals: np.ndarray
    limit_m: float


@dataclass(frozen=True)
class Tool:
    """
    A tool: what it builds of the streets and a job, and how it searches on that.

    Attributes
    ----------
    tolerance_m : float
        How far its distances may be from gridplan's.
    """

    name: str
    build: Callable[[Streets, Job], Any]
    search: Callable[[Any, Streets, Job], np.ndarray]
    tolerance_m: float = TOLERANCE_M


def build_gridplan(streets: Streets, job: Job) -> WalkGraph:
    """Return gridplan's graph with the goals in it; nodes inside an edge need no node there."""
    return build_graph(streets.network, streets.snapped(job.goals))


def search_gridplan(graph: WalkGraph, streets: Streets, job: Job) -> np.ndarray:
    """Return the distances by gridplan."""
    return walking_distances(graph, streets.snapped(job.starts), limit_m=job.limit_m)


def build_networkx(streets: Streets, _: Job) -> nx.Graph:
    """Return the segments as a networkx graph, of parallel ones the shortest."""
    graph = nx.Graph()
    graph.add_nodes_from(range(len(streets.x)))
    order = np.argsort(-streets.metres, kind="stable")  # of parallel ones the last counts
    ends = zip(streets.tails[order].tolist(), streets.heads[order].tolist(), strict=True)
    for (tail, head), metres in zip(ends, streets.metres[order].tolist(), strict=True):
        graph.add_edge(tail, head, length=metres)
    return graph


def search_networkx(graph: nx.Graph, _: Streets, job: Job) -> np.ndarray:
    """Return the distances by one Dijkstra search from each goal, which stops at the limit."""
    starts = job.starts.tolist()
    found = np.empty((len(starts), len(job.goals)))
    for column, goal in enumerate(job.goals.tolist()):
        reach = nx.single_source_dijkstra_path_length(
            graph, goal, cutoff=job.limit_m, weight="length"
        )
        found[:, column] = [reach.get(start, np.inf) for start in starts]
    return found


def build_pandana(streets: Streets, _: Job) -> Any:  # noqa: ANN401 - an optional package
    """Return pandana's contraction hierarchies."""
    import pandana

    return pandana.Network(
        pd.Series(streets.x), pd.Series(streets.y),
        pd.Series(streets.tails), pd.Series(streets.heads),
        pd.DataFrame({"metres": streets.metres}), twoway=True,
    )  # fmt: skip


def search_pandana(graph: Any, streets: Streets, job: Job) -> np.ndarray:  # noqa: ANN401
    """Return the distances by its search for points of interest, faster than pair by pair."""
    count, reach_m = len(job.goals), min(job.limit_m, EVERYWHERE_M)
    x, y = (pd.Series(axis[job.goals]) for axis in (streets.x, streets.y))
    graph.set_pois("goals", reach_m, count, x, y)
    table = graph.nearest_pois(
        reach_m, "goals", num_pois=count, include_poi_ids=True, max_distance=np.inf
    )
    metres = table.iloc[job.starts, :count].to_numpy()
    which = table.iloc[job.starts, count:].to_numpy(dtype=float)
    found = np.full((len(job.starts), count), np.inf)
    row, rank = np.nonzero(~np.isnan(which))
    found[row, which[row, rank].astype(int)] = metres[row, rank]
    return found


def build_osmnx(streets: Streets, _: Job) -> nx.MultiDiGraph:
    """Return the segments as OSMnx has them: both directions, parallel ones too."""
    graph = nx.MultiDiGraph(crs=streets.network.edges.crs)
    for node, (x, y) in enumerate(zip(streets.x.tolist(), streets.y.tolist(), strict=True)):
        graph.add_node(node, x=x, y=y)
    columns = (streets.tails.tolist(), streets.heads.tolist(), streets.metres.tolist())
    for tail, head, metres in zip(*columns, strict=True):
        graph.add_edge(tail, head, length=metres)
        graph.add_edge(head, tail, length=metres)
    return graph


def search_osmnx(graph: nx.MultiDiGraph, _: Streets, job: Job) -> np.ndarray:
    """Return the distance of each start to the goal beside it: OSMnx takes pairs."""
    import osmnx

    found = np.full(len(job.starts), np.inf)
    routes = osmnx.routing.shortest_path(
        graph, job.starts.tolist(), job.goals.tolist(), weight="length", cpus=1
    )
    for row, route in enumerate(routes):
        if route is not None:
            found[row] = nx.path_weight(graph, route, "length")
    return found


GRIDPLAN = Tool("gridplan", build_gridplan, search_gridplan)
NETWORKX = Tool("networkx", build_networkx, search_networkx)
PANDANA = Tool("pandana", build_pandana, search_pandana, PANDANA_TOLERANCE_M)
OSMNX = Tool("osmnx", build_osmnx, search_osmnx)
MATRIX_TOOLS = (GRIDPLAN, NETWORKX, PANDANA)


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


def installed(tools: Sequence[Tool]) -> list[Tool]:
    """Return the tools whose package is there, and name the others."""
    found = [tool for tool in tools if importlib.util.find_spec(tool.name) is not None]
    for tool in tools:
        if tool not in found:
            print(f"  {tool.name}: not installed, not compared")
    return found


def compare(tool: Tool, ours: np.ndarray, theirs: np.ndarray) -> str:
    """Stop unless both found the same distances, and the same pairs without one."""
    both = np.isfinite(ours) & np.isfinite(theirs)
    # A distance within the tolerance of the limit may fall on either side of it.
    alone = int((np.isfinite(ours) != np.isfinite(theirs)).sum())
    most_m = float(np.abs(ours[both] - theirs[both]).max(initial=0.0))
    if most_m > tool.tolerance_m or (alone and tool.tolerance_m <= TOLERANCE_M):
        sys.exit(f"{tool.name}: differs by up to {most_m:g} m, {alone} pairs found by one only")
    at_limit = f", {alone} pairs at the limit found by one only" if alone else ""
    return f"largest difference {most_m:.2g} m{at_limit}"


def seconds_of(tool: Tool, streets: Streets, job: Job) -> tuple[float, float]:
    """Return the median seconds to build and to search."""
    graph = tool.build(streets, job)
    return (
        median_s(lambda: tool.build(streets, job)),
        median_s(lambda: tool.search(graph, streets, job)),
    )


def bench(job: Job, streets: Streets) -> None:
    """Compare and time one job with every tool."""
    print(f"\n{job.title}: {len(job.starts):,} x {len(job.goals):,}")
    ours = GRIDPLAN.search(GRIDPLAN.build(streets, job), streets, job)
    our_build_s, our_search_s = seconds_of(GRIDPLAN, streets, job)
    rows = [("gridplan", our_build_s, our_search_s, f"{int(np.isfinite(ours).sum()):,} paths")]
    for tool in installed(MATRIX_TOOLS[1:]):
        found = tool.search(tool.build(streets, job), streets, job)
        rows.append((tool.name, *seconds_of(tool, streets, job), compare(tool, ours, found)))
    print("            build s  search s    both s   times gridplan: search    both")
    for name, build_s, search_s, same in rows:
        both = (build_s + search_s) / (our_build_s + our_search_s)
        print(
            f"  {name:9s}{build_s:8.3f}{search_s:10.3f}{build_s + search_s:10.3f}"
            f"{search_s / our_search_s:26.1f}{both:8.1f}   {same}"
        )


def bench_osmnx_pairs(job: Job, streets: Streets) -> None:
    """Time OSMnx on some pairs of a matrix: it answers one pair at a time."""
    if not installed((OSMNX,)):
        return
    metres = GRIDPLAN.search(GRIDPLAN.build(streets, job), streets, job)
    row, column = np.nonzero(np.isfinite(metres))
    pick = np.random.default_rng(2).choice(len(row), PAIRS_BY_OSMNX, replace=False)
    row, column = row[pick], column[pick]
    pairs = Job("pairs", job.starts[row], job.goals[column], np.inf)
    graph = OSMNX.build(streets, pairs)
    same = compare(OSMNX, metres[row, column], OSMNX.search(graph, streets, pairs))
    each_s = median_s(lambda: OSMNX.search(graph, streets, pairs)) / len(pick)
    our_s = sum(seconds_of(GRIDPLAN, streets, job))
    all_s = each_s * metres.size
    print(
        f"  osmnx    {each_s * 1000:.1f} ms a pair on {len(pick)} pairs within the limit ({same});"
        f" at that rate {all_s:,.0f} s for all pairs, {all_s / our_s:,.0f} times gridplan"
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
    segments = int((network.edges.geometry.count_coordinates() - 1).sum())
    our_s, their_s = median_s(lambda: our_network(HEIDELBERG)), median_s(theirs)
    print(f"\ngraph from the file: {segments:,} segments; OSMnx has {len(pairs):,} pairs of nodes")
    print(f"  gridplan {our_s:.2f} s   osmnx {their_s:.2f} s   ratio {their_s / our_s:.1f}")


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


def jobs(streets: Streets) -> tuple[Job, Job]:
    """Return the two questions: few places for everybody, and a cost matrix."""
    rng = np.random.default_rng(1)
    n = len(streets.x)
    goals = rng.choice(n, FACILITIES, replace=False)
    few = Job("11 facilities to all nodes", np.arange(n), goals, np.inf)
    starts, sites = rng.choice(n, DEMAND, replace=False), rng.choice(n, SITES, replace=False)
    return few, Job("cost matrix within 2 km", starts, sites, LIMIT_M)


def all_streets() -> Streets:
    """Return every way of the file, walkable or not: the network that is compared on."""
    network = our_network(HEIDELBERG)
    return Streets.of(dataclasses.replace(network, edges=network.edges.assign(walkable=True)))


def peak_mb() -> float:
    """Return the most memory this process has had since the peak was last forgotten."""
    # The peak that `resource` knows is inherited from the process that starts this one.
    lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    (peak,) = (line.split()[1] for line in lines if line.startswith("VmHWM:"))
    return int(peak) / 1024


def forget_peak() -> None:
    """Let the peak begin anew at what is in use now."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def memory_of(name: str) -> None:
    """Do both jobs with one tool, and print the memory they added, as JSON."""
    streets = all_streets()
    (tool,) = (tool for tool in MATRIX_TOOLS if tool.name == name)
    forget_peak()
    before_mb = peak_mb()
    for job in jobs(streets):
        tool.search(tool.build(streets, job), streets, job)
    print(json.dumps({"before_mb": before_mb, "peak_mb": peak_mb()}))


def bench_memory() -> None:
    """Print the memory of each tool, measured in a process of its own."""
    if not Path("/proc/self/clear_refs").exists():
        print("\nmemory: measured on Linux only")
        return
    print("\nmemory for both jobs, above what the network takes:")
    for tool in installed(MATRIX_TOOLS):
        command = [sys.executable, __file__, tool.name]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found = json.loads(done.stdout.splitlines()[-1])
        more_mb = found["peak_mb"] - found["before_mb"]
        print(f"  {tool.name:9s}+{more_mb:.0f} MB (peak {found['peak_mb']:.0f} MB)")


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
    # pandana warns of every pair without a path, by the million.
    warnings.filterwarnings("ignore", module="pandana")
    if len(sys.argv) > 1 and sys.argv[1] != "access":
        memory_of(sys.argv[1])
        return
    print(versions())
    if not HEIDELBERG.is_file():
        print(f"skipped: {HEIDELBERG.name} is not in ../shared/data")
        return
    streets = all_streets()
    print(f"{len(streets.x):,} nodes, {len(streets.metres):,} segments")
    few, matrix = jobs(streets)
    bench(few, streets)
    bench(matrix, streets)
    bench_osmnx_pairs(matrix, streets)
    with tempfile.TemporaryDirectory() as folder:
        bench_graph(Path(folder))
    bench_memory()


if __name__ == "__main__":
    main()
