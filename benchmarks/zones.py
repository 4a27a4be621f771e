"""
Districts and zones beside published plans and other tools: ``python benchmarks/zones.py``.

Families: ``counties`` (US counties, population times squared distance), ``territories``
(commercial territory design, three weights), ``lattice`` (2,500 square cells into 30 zones, beside
max-p, SKATER and agglomeration where spopt and scikit-learn are installed), ``scale`` (30,000
cells into 300 zones), ``presets`` (the zone systems of the demo, within the tolerance of a run and
within 10 %; how many zones are beyond, how many must be by the verifier's count, how many lie on
land that water cuts off, and how many hold one cell too large). One alone: its name behind the
command; ``counties AL 3`` is one instance with the seed 3; ``lattice quick`` leaves max-p out.
Seconds are of the processor.
"""

from __future__ import annotations

import importlib
import importlib.util
import math
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

ROOT = Path(__file__).resolve().parent.parent
DISTRICTING = ROOT.parent / "shared" / "data" / "districting"
sys.path.insert(0, str(ROOT))

from gridplan import run  # noqa: E402
from gridplan.project import read_project  # noqa: E402
from gridplan.siting import Limits  # noqa: E402 (the readers stand beside the tests)
from gridplan.steps.zone_borders import bridges, line_shares, parted  # noqa: E402
from gridplan.steps.zoning import (  # noqa: E402
    Known,
    MadeSystem,
    estate_of_cells,
    loads_of,
    make_system,
)
from gridplan.zone_settings import PRESETS, SystemSettings  # noqa: E402
from gridplan.zones import (  # noqa: E402
    DistrictProblem,
    SystemOptions,
    districts,
    zone_system,
)
from tests.districting import COUNTIES, CTDP, county_problem, territory_problem  # noqa: E402

WORK = 1_000_000


def heading(title: str) -> None:
    """Print the head of a table of districts."""
    print(f"\n{title}\n{'instance':<16}{'units':>6}{'k':>4}{'objective':>12}{'listed':>12}"
          f"{'ratio':>10}{'bound':>12}{'gap':>9} {'status':<11}{'cpu s':>7}")  # fmt: skip


def told(name: str, problem: DistrictProblem, listed: float, seed: int) -> None:
    """Solve one instance and print its line."""
    began = time.process_time()
    plan = districts(problem, limits=Limits(work=WORK, seed=seed))
    cpu_s = time.process_time() - began
    print(
        f"{name:<16}{problem.count:>6}{problem.k:>4}{plan.objective:>12,.2f}{listed:>12,.2f}"
        f"{plan.objective / listed:>10.6f}{plan.bound:>12,.2f}{plan.gap:>9.3%} "
        f"{plan.status:<11}{cpu_s:>7.1f}",
        flush=True,
    )


def bench_counties(only: str = "", seed: str = "0") -> None:
    """Group counties; listed is the objective of the published connected plan."""
    heading("US counties, 10^6 persons x km2")
    for state in COUNTIES:
        if only in {"", state}:
            problem, listed = county_problem(DISTRICTING / "us_counties", state)
            told(state, problem, listed, int(seed))


def bench_territories(only: str = "", seed: str = "0") -> None:
    """Group basic units with three balanced weights; listed is the best value known."""
    heading("Commercial territory design, sum of distances")
    for name, listed in CTDP.items():
        if only in {"", name}:
            told(name, territory_problem(DISTRICTING / "ctdp", name), listed, int(seed))


Labels = npt.NDArray[np.intp]
Floats = npt.NDArray[np.float64]


def lattice(side: int) -> tuple[gpd.GeoDataFrame, pd.Series[float]]:
    """Return square cells of 100 m, and residents from 20 to 199 each."""
    west, south = (one.ravel() * 100.0 for one in np.meshgrid(np.arange(side), np.arange(side)))
    ids = [f"c{number:06d}" for number in range(side * side)]
    shapes = shapely.box(west, south, west + 100.0, south + 100.0)
    cells = gpd.GeoDataFrame({"cell_uid": ids}, geometry=shapes, crs=4549)
    residents = np.random.default_rng(0).integers(20, 200, side * side).astype(np.float64)
    return cells, pd.Series(residents, index=ids)


def beside(name: str, made: Callable[[], Labels], cells: gpd.GeoDataFrame, load: Floats) -> None:
    """Print the balance and the shapes of the zones that a method makes."""
    began = time.process_time()
    zone = made()
    cpu_s = time.process_time() - began
    k = len(np.unique(zone))
    sums = pd.Series(load).groupby(zone).sum()
    outlines = cells.geometry.groupby(zone).agg(shapely.union_all)
    quotient = 4 * math.pi * shapely.area(outlines) / shapely.length(outlines) ** 2
    print(
        f"{name:<26}{k:>5}{sums.max() / sums.mean():>9.3f}{sums.std(ddof=0) / sums.mean():>8.3f}"
        f"{np.median(quotient):>9.3f}{np.mean(quotient):>8.3f}{np.min(quotient):>8.3f}{cpu_s:>8.1f}",
        flush=True,
    )


def zones_heading(title: str) -> None:
    """Print the head of a table of zones."""
    print(f"\n{title}\n{'method':<26}{'k':>5}{'max/mean':>9}{'cv':>8}{'median q':>9}{'mean q':>8}"
          f"{'min q':>8}"
          f"{'cpu s':>8}")  # fmt: skip


def ours(cells: gpd.GeoDataFrame, residents: pd.Series[float], k: int) -> None:
    """Print what this package makes of a lattice."""
    table = residents.to_frame("residents")
    load = np.asarray(residents, dtype=np.float64)

    def in_system() -> Labels:
        return pd.factorize(zone_system(cells, table, options=SystemOptions(k=k)).zone_of)[0]

    beside("zone_system", in_system, cells, load)


def bench_lattice(only: str = "") -> None:
    """Compare zones of 2,500 square cells with those of other tools."""
    zones_heading("2,500 square cells into 30 zones")
    side, k = 50, 30
    cells, residents = lattice(side)
    ours(cells, residents, k)
    peers(cells, residents, side, k, with_max_p=only != "quick")


def peers(
    cells: gpd.GeoDataFrame, residents: pd.Series[float], side: int, k: int, *, with_max_p: bool
) -> None:
    """Print what other tools make of the same lattice."""
    warnings.simplefilter("ignore")
    load = np.asarray(residents, dtype=np.float64)
    x, y = cells.geometry.centroid.x.to_numpy(), cells.geometry.centroid.y.to_numpy()
    if importlib.util.find_spec("sklearn") is None:
        print("scikit-learn is not installed")
    else:
        cluster = importlib.import_module("sklearn.cluster")
        image = importlib.import_module("sklearn.feature_extraction.image")
        near = image.grid_to_graph(side, side)
        place = np.stack([x, y], axis=1)

        def agglomerated() -> Labels:
            return cluster.AgglomerativeClustering(k, connectivity=near).fit(place).labels_  # type: ignore[no-any-return]

        beside("sklearn agglomeration", agglomerated, cells, load)
    if importlib.util.find_spec("spopt") is None:
        print("spopt is not installed (pip install spopt, in an environment for trials)")
        return
    region = importlib.import_module("spopt.region")
    weights = importlib.import_module("libpysal.weights")
    frame = cells.assign(residents=load, x=x, y=y, one=1)
    graph = weights.lat2W(side, side)

    def solved(model: Any) -> Labels:  # noqa: ANN401 (spopt has no types)
        model.solve()
        return np.asarray(model.labels_, dtype=np.intp)

    beside("spopt SKATER",
           lambda: solved(region.Skater(frame, graph, ["x", "y"], n_clusters=k, floor=side)),
           cells, load)  # fmt: skip
    if with_max_p:
        beside("spopt max-p (20 starts)",
               lambda: solved(region.MaxPHeuristic(
                   frame, graph, ["x", "y"], "residents", load.sum() / k * 0.9, 2,
                   max_iterations_construction=20, max_iterations_sa=1)),
               cells, load)  # fmt: skip


def bench_presets(only: str = "") -> None:
    """Make the zone systems of the demo: as a run makes them, and within 10 %."""
    place, config = read_project(ROOT / "data" / "xinzhen" / "gridplan.toml")
    layers = run(place, config).layers
    cells, homes, streets = layers["cells"], layers["demand"], layers["streets"]
    ways = streets[streets["walkable"]]
    loads = loads_of(place, config, cells=cells, homes=homes, ways=ways)
    lines = line_shares(place, cells)
    barred = parted(place, cells, reach_m=config.zones.crossing_m)
    known = Known(on_lines=lines, parted=barred, bridges=bridges(place, cells, barred))
    ground = cells.assign(estate_id=estate_of_cells(cells, homes))
    print(f"\n{'preset':<13}{'asked':<12}{'k':>4}{'max/mean':>9}{'cv':>7}{'beyond':>8}{'proven':>7}"
          f"{'cut off':>8}{'alone':>7}{'median q':>9}{'cpu s':>7}")  # fmt: skip
    for preset in PRESETS:
        for tolerance in (None, 0.1):
            if only in {"", preset}:
                settings = SystemSettings(preset=preset, tolerance=tolerance)
                began = time.process_time()
                made = make_system(place, config, preset, settings, ground=ground, loads=loads,
                                   known=known)  # fmt: skip
                told_of_system(made, time.process_time() - began)


def told_of_system(made: MadeSystem, cpu_s: float) -> None:
    """Print how even and how round the zones of a system are."""
    weight, bounds = next(iter(made.bounds.items()))
    load, least, most = made.plan.balance[weight], bounds["least"], bounds["most"]
    beyond = load.index[(load > most * (1 + 1e-9)) | (load < least * (1 - 1e-9))]
    asked = f"{least.min():,.4g}-{most.max():,.4g}"
    print(
        f"{made.name:<13}{asked:<12}{made.plan.k:>4}{load.max() / load.mean():>9.3f}"
        f"{load.std(ddof=0) / load.mean():>7.3f}{len(beyond):>8}"
        f"{made.plan.proven:>7}{beyond.isin(list(made.plan.cut_off)).sum():>8}"
        f"{made.plan.exceptions['zone_id'].nunique():>7}"
        f"{made.plan.balance['compactness'].median():>9.3f}{cpu_s:>7.1f}",
        flush=True,
    )


def bench_scale(only: str = "173", k: str = "300") -> None:
    """Partition a large lattice; the peak memory is that of this process."""
    zones_heading(f"{int(only) ** 2:,} square cells into {k} zones")
    ours(*lattice(int(only)), int(k))
    if importlib.util.find_spec("resource") is not None:
        resource = importlib.import_module("resource")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"peak memory {peak:,.0f} MB")


FAMILIES: dict[str, Callable[..., None]] = {
    "counties": bench_counties,
    "territories": bench_territories,
    "lattice": bench_lattice,
    "scale": bench_scale,
    "presets": bench_presets,
}


def main() -> None:
    """Run every family, or the one that the argument names."""
    name, *options = sys.argv[1:] or [""]
    if name and name not in FAMILIES:
        sys.exit(f"there is no family {name!r}; there are: {', '.join(FAMILIES)}")
    for family, bench in FAMILIES.items():
        if name not in {"", family}:
            continue
        if family in {"counties", "territories"} and not DISTRICTING.is_dir():
            print(f"\n{family}: needs the published instances in {DISTRICTING}")
        else:
            bench(*options)


if __name__ == "__main__":
    main()
