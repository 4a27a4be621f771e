"""
Cells beside other ways to draw them: ``make bench ARGS=cells``.

Draws the cells of the demo town and, where their files are, of Newport and of Beijing
Haidian, and prints what a planner would hold against them, for both presets, for the square
lattice, for a plain Voronoi diagram and, where it is installed, for momepy's enclosed
tessellation on the same streets and buildings. The figures are worked out here from the
polygons alone; nothing of them comes from the way the cells were drawn. ``growth`` prints how the
time grows with the area, ``places`` a line for each of many places (`cell_places.py`).
"""

from __future__ import annotations

import heapq
import importlib
import importlib.util
import math
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridplan.cells import CellOptions, Land, partition, plan_cells
from gridplan.cells.options import Preset
from gridplan.place import Place
from gridplan.project import read_project
from gridplan.sources.demo import DemoOptions, make_town, write_project

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
SHARED = ROOT.parent / "shared" / "data"
TARGET = 10_000.0
LOW, HIGH, NEAR = 0.5, 1.5, 0.2
BUILT, STRIP_M, ON_LINE_M, CUT_M2 = 0.05, 30.0, 0.5, 0.01
BANK_M2, LINE_M, CANALS = 500.0, 0.05, ("river", "canal", "stream", "drain", "ditch")
ROADS = [
    *(f"{road}{link}" for road in ("motorway", "trunk", "primary", "secondary", "tertiary")
      for link in ("", "_link")),
    "unclassified", "residential", "living_street", "road", "busway",
]  # fmt: skip
NO_LINE = ("platform", "corridor", "elevator", "ferry", "proposed", "construction")


def land_of(place: Place) -> Land:
    """Return the layers that cells follow."""
    return Land(
        place.streets, place.water, place.barriers, place.buildings, place.estates, place.components
    )


def voronoi(place: Place) -> np.ndarray:
    """Return cells of a Voronoi diagram of a shaken lattice, one point per target area."""
    west, south, east, north = place.outline.bounds
    side, rng = math.sqrt(TARGET), np.random.default_rng(1)
    x, y = np.meshgrid(np.arange(west, east + side, side), np.arange(south, north + side, side))
    x, y = (v.ravel() + rng.uniform(-side / 3, side / 3, v.size) for v in (x, y))
    diagram = shapely.get_parts(
        shapely.voronoi_polygons(shapely.multipoints(np.stack([x, y], axis=1)))
    )
    cells = [
        part
        for community in place.communities.geometry
        for part in shapely.get_parts(shapely.intersection(diagram, community))
    ]
    polygons = np.array(cells, dtype=object)
    return np.asarray(polygons[shapely.area(polygons) > 1.0], dtype=object)


def momepy_cells(place: Place) -> np.ndarray:
    """Return momepy's enclosed tessellation (one cell per building, not grouped)."""
    momepy = importlib.import_module("momepy")
    limit = gpd.GeoSeries([place.outline], crs=place.crs)
    roads = place.streets[place.streets["highway"].isin(ROADS)]
    enclosures = momepy.enclosures(roads.geometry, limit=limit, clip=True)
    found = momepy.enclosed_tessellation(place.buildings.geometry, enclosures.geometry, n_jobs=1)
    return np.asarray(found.geometry, dtype=object)


# ---- figures ----


def segments(polygons: np.ndarray) -> pd.DataFrame:
    """Return the segments of all rings once each, with the polygons on both sides (-1: none)."""
    rings, owner = shapely.get_rings(shapely.get_parts(polygons), return_index=True)
    part_owner = shapely.get_parts(polygons, return_index=True)[1]
    coords, ring = shapely.get_coordinates(rings, return_index=True)
    same = ring[1:] == ring[:-1]
    ends = np.sort(
        np.stack([coords[:-1][same] @ [1, 1j], coords[1:][same] @ [1, 1j]], axis=1), axis=1
    )
    frame = pd.DataFrame(
        {"a": ends[:, 0], "b": ends[:, 1], "cell": part_owner[owner[ring[:-1][same]]]}
    )
    pairs = frame.groupby(["a", "b"], sort=False)["cell"].agg(["min", "max", "size"]).reset_index()
    pairs["left"] = np.where(pairs["size"] > 1, pairs["min"], -1)
    pairs["length"] = np.abs(pairs["b"] - pairs["a"])
    return pairs.rename(columns={"max": "right"})[["a", "b", "left", "right", "length"]]


def middles(pairs: pd.DataFrame) -> np.ndarray:
    """Return the middle of each segment."""
    middle = (pairs["a"] + pairs["b"]).to_numpy() / 2
    return np.asarray(shapely.points(middle.real, middle.imag), dtype=object)


def near(points: np.ndarray, lines: np.ndarray) -> np.ndarray:
    """Return which points lie on a line."""
    found = np.zeros(len(points), dtype=bool)
    hits = shapely.STRtree(lines).query(points, predicate="dwithin", distance=ON_LINE_M)
    found[np.unique(hits[0])] = True
    return found


def lines_of(place: Place) -> dict[str, np.ndarray]:
    """Return the lines that can bound a cell: ``major``, of them ``wall``, and ``all``."""
    streets = place.streets[~place.streets["tunnel"].fillna(value=False).astype(bool)]
    highway, kind = streets["highway"], place.barriers["kind"]
    walled = place.estates[place.estates["walled"].fillna(value=False).astype(bool)]
    wall = np.concatenate(
        [
            place.barriers.geometry[kind.isin(["wall", "fence", "city_wall"])].to_numpy(),
            shapely.boundary(walled.geometry.to_numpy()),
        ]
    )
    major = np.concatenate(
        [
            streets.geometry[highway.isin(ROADS)].to_numpy(),
            place.barriers.geometry.to_numpy(),
            shapely.boundary(place.water.geometry.to_numpy()),
            shapely.boundary(place.communities.geometry.to_numpy()),
            wall,
        ]
    )
    every = np.concatenate([major, streets.geometry[~highway.isin([*ROADS, *NO_LINE])].to_numpy()])
    return {"major": major, "wall": wall, "all": every}


def possible_borders(place: Place, lines: dict[str, np.ndarray]) -> pd.DataFrame:
    """
    Return the stretches of major lines that could bound a cell.

    They part land that holds at least half a cell on both sides. What is smaller or a strip
    goes first, smallest first, with the land it shares most of its border with; across a
    wall before all, since a strip between a wall and its street belongs to what is walled.
    """
    noded = shapely.get_parts(shapely.union_all(lines["major"]))
    faces = shapely.get_parts(shapely.polygonize(noded))
    outline = place.outline
    shapely.prepare(outline)
    faces = faces[shapely.intersects(outline, shapely.point_on_surface(faces))]
    pairs = segments(faces)
    pairs = pairs[pairs["left"] >= 0].reset_index(drop=True)
    is_wall = near(middles(pairs), lines["wall"]) if len(lines["wall"]) else False
    pairs["bond"] = pairs["length"] * np.where(is_wall, 100.0, 1.0)
    home = merged(shapely.area(faces), shapely.length(faces), pairs)
    pairs["left"], pairs["right"] = home[pairs["left"]], home[pairs["right"]]
    area = np.bincount(home, weights=shapely.area(faces))
    held = pairs["left"] != pairs["right"]
    both = np.minimum(area[pairs["left"]], area[pairs["right"]]) >= LOW * TARGET
    return pairs[held & both]


def merged(area: np.ndarray, length: np.ndarray, pairs: pd.DataFrame) -> np.ndarray:
    """Return the face that each face goes with once none is small or a strip."""
    size, rim, home = area.tolist(), length.tolist(), list(range(len(area)))
    bonds: list[dict[int, list[float]]] = [{} for _ in size]
    for a, b, bond, metres in pairs[["left", "right", "bond", "length"]].itertuples(index=False):
        entry = bonds[a].setdefault(b, [0.0, 0.0])
        entry[0] += bond
        entry[1] += metres
        bonds[b][a] = entry

    def poor(one: int) -> bool:
        return bool(size[one] < LOW * TARGET or 2 * size[one] < STRIP_M * rim[one])

    heap = [(size[one], one) for one in range(len(size)) if poor(one)]
    heapq.heapify(heap)
    while heap:
        m2, one = heapq.heappop(heap)
        if home[one] != one or m2 != size[one] or not bonds[one]:
            continue
        host = max(bonds[one], key=lambda other: (bonds[one][other][0], other))
        home[one] = host
        size[host] += size[one]
        rim[host] += rim[one] - 2 * bonds[one][host][1]
        for other, (bond, metres) in bonds[one].items():
            del bonds[other][one]
            if other != host:
                entry = bonds[host].setdefault(other, [0.0, 0.0])
                entry[0] += bond
                entry[1] += metres
                bonds[other][host] = entry
        bonds[one] = {}
        if poor(host):
            heapq.heappush(heap, (size[host], host))
    for one in range(len(home)):
        while home[home[one]] != home[one]:
            home[one] = home[home[one]]
    return np.array(home)


def covered(cells: np.ndarray, buildings: np.ndarray) -> tuple[np.ndarray, int]:
    """Return the share of each cell under buildings, and how many buildings are cut."""
    building, cell = shapely.STRtree(cells).query(buildings, predicate="intersects")
    area = shapely.area(shapely.intersection(buildings[building], cells[cell]))
    order = np.lexsort((-area, building))
    rank = pd.Series(building[order]).groupby(building[order]).cumcount().to_numpy()
    cut = int((area[order][rank == 1] > CUT_M2).sum())
    under = np.bincount(cell, weights=area, minlength=len(cells))
    return under / shapely.area(cells), cut


def measures(
    place: Place, cells: np.ndarray, frame: gpd.GeoDataFrame | None, lines: dict[str, np.ndarray]
) -> dict[str, float]:
    """Return what can be measured on one way to draw the cells: shares of 1, areas in m²."""
    area, rim = shapely.area(cells), shapely.length(cells)
    share, cut = covered(cells, place.buildings.geometry.to_numpy())
    built = share >= BUILT
    plain = built & (frame["exception"].isna().to_numpy() if frame is not None else True)
    ratio, round_ = area[plain] / TARGET, (4 * math.pi * area / rim**2)[plain]
    pairs = segments(cells)
    inner = pairs[pairs["left"] >= 0]
    inner = inner[built[inner["left"]] & built[inner["right"]]]
    points, total = middles(inner), inner["length"].sum()
    could = possible_borders(place, lines)
    used = near(middles(could), shapely.boundary(cells))
    gap = shapely.area(shapely.symmetric_difference(shapely.union_all(cells), place.outline))
    quantiles = np.quantile(round_, [0.5, 0.05]) if plain.any() else (math.nan, math.nan)
    return {
        "cells": len(cells),
        "plain": int(plain.sum()),
        "valid": bool(shapely.coverage_is_valid(cells)) if is_polygonal(cells) else False,
        "gap": round(float(gap), 5),
        "cut": cut,
        "parts": int((shapely.get_num_geometries(cells) > 1).sum()),
        "holes": sum(shapely.get_num_interior_rings(c) > 0 for c in cells),
        "parted": parted_by_water(place, cells),
        "uneven": unevenness(place, cells, built),
        "exceptions": ratio_of(area[built & ~plain].sum(), area[built].sum()),
        "band": ratio_of(((ratio >= LOW) & (ratio <= HIGH)).sum(), plain.sum()),
        "near": ratio_of((np.abs(ratio - 1) <= NEAR).sum(), plain.sum()),
        "median": float(np.median(ratio) * TARGET) if plain.any() else math.nan,
        "round": float(quantiles[0]),
        "p5": float(quantiles[1]),
        "on major": ratio_of(inner["length"][near(points, lines["major"])].sum(), total),
        "all": ratio_of(inner["length"][near(points, lines["all"])].sum(), total),
        "major": ratio_of(could["length"][used].sum(), could["length"].sum()),
    }


def figures(
    place: Place, cells: np.ndarray, frame: gpd.GeoDataFrame | None, lines: dict[str, np.ndarray]
) -> dict[str, object]:
    """Return all figures of one way to draw the cells, in words."""
    found = measures(place, cells, frame, lines)

    def percent_of(name: str) -> str:
        return percent(found[name], 1.0)

    return {
        "cells": found["cells"],
        "coverage is valid": found["valid"],
        "boundary XOR cells, m²": found["gap"],
        "buildings cut": found["cut"],
        "cells in parts / with holes": f"{found['parts']} / {found['holes']}",
        "cells parted by water without a bridge": found["parted"],
        "components per built-up cell, variation": f"{found['uneven']:.3f}",
        "built-up area in exceptions": percent_of("exceptions"),
        "5,000 to 15,000 m²": percent_of("band"),
        "within 20 %": percent_of("near"),
        "median area, m²": f"{found['median']:.0f}",
        "roundness, median / 5th percentile": f"{found['round']:.3f} / {found['p5']:.3f}",
        "inner borders on major lines": percent_of("on major"),
        "inner borders on all lines": percent_of("all"),
        "major lines used, of what could bound": percent_of("major"),
    }


def unevenness(place: Place, cells: np.ndarray, built: np.ndarray) -> float:
    """Return the coefficient of variation of the components of built-up cells; nan for none."""
    points = place.components.geometry.to_numpy()
    cell, point = shapely.STRtree(points).query(cells, predicate="intersects")
    first = np.unique(point, return_index=True)[1]
    counts = np.bincount(cell[first], minlength=len(cells))[built]
    return float(counts.std() / counts.mean()) if counts.sum() else math.nan


def parted_by_water(place: Place, cells: np.ndarray) -> int:
    """Return how many cells have two banks (of 500 m²) that no street of the cell joins."""
    canal = place.barriers.geometry[place.barriers["kind"].isin(CANALS)].to_numpy()
    water = np.concatenate([place.water.geometry.to_numpy(), shapely.buffer(canal, LINE_M)])
    streets = place.streets[~place.streets["tunnel"].fillna(value=False).astype(bool)]
    ways, found = streets.geometry.to_numpy(), 0
    wet, cell = shapely.STRtree(cells).query(water, predicate="intersects")
    tree = shapely.STRtree(ways)
    for one in np.unique(cell):
        wide = shapely.union_all(water[wet[cell == one]])
        banks = shapely.get_parts(shapely.difference(cells[one], wide))
        banks = banks[shapely.area(banks) >= BANK_M2]
        if len(banks) > 1:
            own = tree.query(cells[one], predicate="intersects")
            lines = shapely.intersection(ways[own], shapely.buffer(cells[one], ON_LINE_M))
            joined = shapely.union_all(shapely.buffer([*lines, *banks], LINE_M))
            found += int(shapely.get_num_geometries(joined) > 1)
    return found


def is_polygonal(cells: np.ndarray) -> bool:
    """Return whether all cells are polygons."""
    return bool(np.isin(shapely.get_type_id(cells), [3, 6]).all())


def ratio_of(part: float, whole: float) -> float:
    """Return a share; nan of nothing."""
    return float(part / whole) if whole else math.nan


def percent(part: float, whole: float) -> str:
    """Return a share in words."""
    return f"{100 * part / whole:.1f} %" if whole else "-"


# ---- places ----


def demo(folder: Path, area_km2: float | None = None, seed: int | None = None) -> Place:
    """Return the demo town, of its own area and seed or others."""
    options = DemoOptions() if seed is None else DemoOptions(seed=seed)
    if area_km2 is not None:
        options = replace(options, area_km2=area_km2, population=round(80_000 * area_km2 / 15))
    return read_project(write_project(make_town(options), folder))[0]


def haidian(folder: Path) -> Place:
    """Return Beijing Haidian as the tests read it."""
    project = importlib.import_module("tests.real_places").haidian_project
    tables = importlib.import_module("tests.test_real_places")
    osm = SHARED / "cn_osm" / "beijing_haidian_tsinghua.osm"
    return read_project(project(folder, osm, tables.FACILITIES, tables.SITES))[0]


def places(scratch: Path, only: list[str]) -> dict[str, Place]:
    """Return the places that are there."""
    known: dict[str, tuple[Path, Callable[[], Place]]] = {
        "demo": (ROOT, lambda: demo(scratch / "demo")),
        "haidian": (SHARED / "cn_osm" / "beijing_haidian_tsinghua.osm", lambda: haidian(scratch)),
        "newport": (
            SHARED / "newport" / "newport.osm.pbf",
            lambda: read_project(ROOT / "tests" / "newport.toml")[0],
        ),
    }
    (scratch / "demo").mkdir()
    chosen = [name for name in known if not only or name in only]
    return {name: known[name][1]() for name in chosen if known[name][0].exists()}


def ways(place: Place) -> dict[str, Callable[[], gpd.GeoDataFrame | np.ndarray]]:
    """Return the ways to draw cells, by name."""
    land = land_of(place)

    def fabric(preset: Preset, land: Land = land) -> gpd.GeoDataFrame:
        options = CellOptions(method="fabric", preset=preset, target_m2=TARGET)
        return plan_cells(place.communities, land, options=options).cells

    found: dict[str, Callable[[], gpd.GeoDataFrame | np.ndarray]] = {
        "fabric, uniform": lambda: fabric("uniform"),
        "fabric, recognisable": lambda: fabric("recognisable"),
        "square": lambda: partition(place.communities, options=CellOptions(method="square")),
        "Voronoi": lambda: voronoi(place),
    }
    if len(place.components):
        found["uniform, components only counted"] = lambda: fabric(
            "uniform", replace(land, components=None)
        )
    if importlib.util.find_spec("momepy"):
        found["momepy"] = lambda: momepy_cells(place)
    return found


def growth(scratch: Path) -> None:
    """Print how the time grows with the area, on demo towns of 15, 60 and 240 km²."""
    seconds = []
    for km2 in (15.0, 60.0, 240.0):
        folder = scratch / f"demo{km2:g}"
        folder.mkdir()
        place = demo(folder, km2)
        began = time.process_time()
        plan_cells(place.communities, land_of(place), options=CellOptions(method="fabric"))
        seconds.append((km2, time.process_time() - began))
        print(f"  {km2:6.0f} km²  {seconds[-1][1]:8.1f} s of processor time")
    x, y = np.log(np.array(seconds)).T
    print(f"  exponent {np.polyfit(x, y, 1)[0]:.2f}")


def main() -> None:
    """Print a table for each place, or what ``growth`` and ``places`` say."""
    only = sys.argv[1:]
    if only[:1] == ["places"]:
        importlib.import_module("cell_places").main(only[1:])
        return
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        if only == ["growth"]:
            growth(scratch)
            return
        for name, place in places(scratch, only).items():
            print(f"\n{name}: {place.outline.area / 1e6:.1f} km², {len(place.buildings)} buildings")
            lines, table = lines_of(place), {}
            for way, draw in ways(place).items():
                began, wall = time.process_time(), time.perf_counter()
                drawn = draw()
                spent = time.process_time() - began, time.perf_counter() - wall
                frame = drawn if isinstance(drawn, gpd.GeoDataFrame) else None
                cells = np.asarray(drawn if frame is None else frame.geometry, dtype=object)
                table[way] = {
                    "seconds, processor / wall": f"{spent[0]:.1f} / {spent[1]:.1f}",
                    **figures(place, cells, frame, lines),
                }
            print(pd.DataFrame(table).to_string())


if __name__ == "__main__":
    main()
