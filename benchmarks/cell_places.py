"""
The cells of many places on one page: ``python benchmarks/cells.py places [recognisable] [NAME …]``.

Towns of the demo generator with eight seeds, every extract that is there, and quarters and
the middle of Beijing Haidian and of Newport, as other places of their kind. A name may end
in ``*``. One line a place; a figure that misses its limit has a star. The column ``lines %``
tells what borders on lines could be at most if nothing else were wanted: the length of lines
that part built-up land of half a cell on both sides, as a share of the inner borders.
"""

from __future__ import annotations

import datetime as dt
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatch
from functools import cache, partial
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

sys.path.insert(0, str(Path(__file__).resolve().parent))

from cells import (
    BUILT,
    ON_LINE_M,
    ROOT,
    SHARED,
    covered,
    demo,
    haidian,
    land_of,
    lines_of,
    measures,
    middles,
    possible_borders,
    ratio_of,
    segments,
)

from gridplan.cells import CellOptions, plan_cells
from gridplan.cells.options import Preset
from gridplan.place import Place, make_place
from gridplan.project import read_project

SEEDS = range(1, 9)
PARTS = {
    "sw": (0.0, 0.0, 0.5, 0.5),
    "se": (0.5, 0.0, 1.0, 0.5),
    "nw": (0.0, 0.5, 0.5, 1.0),
    "ne": (0.5, 0.5, 1.0, 1.0),
    "mid": (1 / 3, 1 / 3, 2 / 3, 2 / 3),
    "core": (0.38, 0.38, 0.62, 0.62),
}
"""Windows of a place, as shares of its box."""

OSM = SHARED / "cn_osm"
BUND = SHARED / "cn_shanghai_tiles" / "shanghai_bund_lujiazui_tiles.gpkg"
LEAST_M2 = 1.0

LIMITS: dict[Preset, dict[str, tuple[float, float]]] = {
    "uniform": {
        "band": (0.99, 1.0),
        "near": (0.80, 1.0),
        "median": (9_700.0, 10_300.0),
        "round": (0.55, 1.0),
        "p5": (0.25, 1.0),
        "major": (0.80, 1.0),
        "all": (0.55, 1.0),
    },
    "recognisable": {"median": (10_000.0, 14_000.0)},
}
"""What each figure of built-up cells must be at least and at most."""

HARD = {"valid": 1, "gap": 0.01, "cut": 0, "parts": 0, "parted": 0}
"""What must hold on every place: a valid coverage, and no more than this of the others."""

PROJECT = """
[place]
name = "{name}"
as_of = 2026-06-30
osm = '{osm}'
boundary = "box"
communities = "none"
committees = "committees.csv"
sites = "sites.csv"
population = 20000

[siting]
p = 1
"""


def extract(folder: Path, osm: Path) -> Place:
    """Return an extract as one community inside its own box."""
    bounds = re.search(r"<bounds [^>]*>", osm.read_text(encoding="utf-8")[:2000])
    text = bounds.group() if bounds else ""
    at = {key: float(value) for key, value in re.findall(r'(\w+)="([\d.]+)"', text)}
    lon, lat = (at["minlon"] + at["maxlon"]) / 2, (at["minlat"] + at["maxlat"]) / 2
    files = {
        "committees.csv": f"committee_id,name,lon,lat\nk1,k1,{lon},{lat}\n",
        "sites.csv": f"site_id,name,kind,lon,lat,area_m2\nr1,r1,candidate,{lon},{lat},80\n",
        "gridplan.toml": PROJECT.format(name=osm.stem, osm=osm.as_posix()),
    }
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")
    return read_project(folder / "gridplan.toml")[0]


def tiles() -> Place:
    """Return the vector tiles of Shanghai's Bund: what was cut at their edges is one again."""
    crs = pyproj.CRS(gpd.read_file(BUND, layer="earth").estimate_utm_crs())
    layers = {name: gpd.read_file(BUND, layer=name) for name in ("roads", "buildings", "water")}
    roads, houses, water = (layer.to_crs(crs) for layer in layers.values())
    earth = gpd.read_file(BUND, layer="earth").to_crs(crs)
    box = shapely.box(*earth.total_bounds).buffer(-5.0)
    ways = roads[roads["kind"] != "rail"].explode(ignore_index=True)
    named = {"boundary": "name", "communities": "community_id", "committees": "committee_id"}
    place = {
        layer: gpd.GeoDataFrame(
            {key: ["310101001001"], "name": ["外滩"]},
            geometry=[box.centroid if layer == "committees" else box],
            crs=crs,
        )
        for layer, key in named.items()
    }
    streets = gpd.GeoDataFrame(
        {
            "street_id": [f"s{at:05d}" for at in range(len(ways))],
            "highway": ways["kind_detail"].fillna("path").to_numpy(),
            "tunnel": ways["is_tunnel"].notna().to_numpy(),
        },
        geometry=ways.geometry.to_numpy(),
        crs=crs,
    )
    return make_place(
        name="Bund",
        crs=crs,
        as_of=dt.date(2026, 6, 30),
        layers={
            **place,
            "streets": streets,
            "buildings": whole(houses[houses["kind"] == "building"], "building_id", kind="unknown"),
            "water": whole(water, "water_id"),
        },
        population=pd.DataFrame({"level": ["total"], "unit_id": ["all"], "population": [20_000]}),
    )


def whole(areas: gpd.GeoDataFrame, key: str, **columns: str) -> gpd.GeoDataFrame:
    """Return the polygons of one id as one."""
    polygons = areas[areas.geom_type.isin(["Polygon", "MultiPolygon"])]
    # The edges of a tile are noise of a few millimetres apart.
    joined = polygons.assign(geometry=polygons.make_valid().buffer(0.01)).dissolve("osm_id")
    shapes = joined.geometry.to_numpy()
    ids = [f"{key[0]}{at:05d}" for at in range(len(shapes))]
    return gpd.GeoDataFrame({key: ids, **columns}, geometry=shapes, crs=areas.crs)


def part(of: Callable[[], Place], window: tuple[float, float, float, float]) -> Place:
    """Return what a window shows of a place, as a place by itself."""
    place = of()
    west, south, east, north = place.outline.bounds
    x, y = np.array([west, east - west]), np.array([south, north - south])
    a, b, c, d = window
    box = shapely.box(x @ [1, a], y @ [1, b], x @ [1, c], y @ [1, d])

    def within(layer: gpd.GeoDataFrame, *, cut: bool = False) -> gpd.GeoDataFrame:
        seen = layer[layer.intersects(box)].reset_index(drop=True)
        if not cut:
            return seen
        inside = seen.assign(geometry=shapely.intersection(seen.geometry.to_numpy(), box))
        return inside[inside.area > LEAST_M2].reset_index(drop=True)

    near = ("buildings", "streets", "water", "barriers", "estates", "components")
    return replace(
        place,
        **{name: within(getattr(place, name), cut=True) for name in ("boundary", "communities")},
        **{name: within(getattr(place, name)) for name in near},
    )


def known(scratch: Path) -> dict[str, Callable[[], Place]]:
    """Return how to read each place whose files are there."""

    def folder(name: str) -> Path:
        (scratch / name).mkdir()
        return scratch / name

    found: dict[str, Callable[[], Place]] = {"demo": lambda: demo(folder("demo"))}
    for seed in SEEDS:
        name = f"demo-{seed}"
        found[name] = partial(lambda name, seed: demo(folder(name), seed=seed), name, seed)
    towns = {
        "haidian": (OSM / "beijing_haidian_tsinghua.osm", cache(lambda: haidian(folder("hd")))),
        "newport": (
            SHARED / "newport" / "newport.osm.pbf",
            cache(lambda: read_project(ROOT / "tests" / "newport.toml")[0]),
        ),
    }
    for name, (file, read) in towns.items():
        if file.exists():
            found[name] = read
            for word, window in PARTS.items():
                found[f"{name}-{word}"] = partial(part, read, window)
    for name in ("beijing_bupt", "jiangxi_guixi"):
        if (OSM / f"{name}.osm").exists():
            short = name.split("_")[1]
            found[short] = partial(
                lambda short, name: extract(folder(short), OSM / f"{name}.osm"), short, name
            )
    if BUND.exists():
        found["bund"] = tiles
    return found


def lines_there_are(place: Place, cells: np.ndarray, lines: dict[str, np.ndarray]) -> float:
    """Return the length of lines that could part built-up cells, as a share of their borders."""
    built = covered(cells, place.buildings.geometry.to_numpy())[0] >= BUILT
    pairs = segments(cells)
    inner = pairs[pairs["left"] >= 0]
    inner = inner[built[inner["left"]] & built[inner["right"]]]
    could = possible_borders(place, {**lines, "major": lines["all"]})
    land = shapely.buffer(shapely.union_all(cells[built]), -ON_LINE_M)
    shapely.prepare(land)
    within = shapely.intersects(land, middles(could))
    return ratio_of(could["length"][within].sum(), inner["length"].sum())


def row(place: Place, preset: Preset) -> dict[str, str]:
    """Return the figures of a place in words, those that miss a limit with a star."""
    began = time.process_time()
    options = CellOptions(preset=preset)
    frame = plan_cells(place.communities, land_of(place), options=options).cells
    spent = time.process_time() - began
    lines, cells = lines_of(place), frame.geometry.to_numpy()
    found = measures(place, cells, frame, lines)
    found["lines"] = lines_there_are(place, cells, lines)
    limits = LIMITS[preset]

    def told(name: str, form: str, times: float = 1.0) -> str:
        low, high = limits.get(name, (-np.inf, np.inf))
        if np.isnan(found[name]):
            return "-"
        star = "" if low <= found[name] <= high else "*"
        return f"{found[name] * times:{form}}{star}"

    faults = [
        f"{name} {found[name]:g}"
        for name, most in HARD.items()
        if (not found[name] if name == "valid" else found[name] > most)
    ]
    return {
        "km²": f"{place.outline.area / 1e6:.1f}",
        "cells": f"{found['plain']:.0f}/{found['cells']:.0f}",
        "exc %": told("exceptions", ".1f", 100),
        "band %": told("band", ".1f", 100),
        "±20 %": told("near", ".1f", 100),
        "median": told("median", ".0f"),
        "round": told("round", ".3f"),
        "p5": told("p5", ".3f"),
        "major %": told("major", ".1f", 100),
        "all %": told("all", ".1f", 100),
        "lines %": told("lines", ".0f", 100),
        "holes": f"{found['holes']:.0f}",
        "hard rules": ", ".join(faults) or "hold",
        "s": f"{spent:.1f}",
    }


def chosen(names: Sequence[str], wanted: Sequence[str]) -> Iterator[str]:
    """Return the places that the arguments name; all if they name none."""
    return (name for name in names if any(fnmatch(name, one) for one in wanted or ["*"]))


def main(words: Sequence[str]) -> None:
    """Print the line of each place."""
    preset: Preset = "recognisable" if "recognisable" in words else "uniform"
    wanted = [one for one in words if one not in LIMITS]
    with tempfile.TemporaryDirectory() as folder:
        read = known(Path(folder))
        table = {name: row(read[name](), preset) for name in chosen([*read], wanted)}
    print(f"{preset}; built-up cells without exception / all cells; * misses its limit")
    print(pd.DataFrame.from_dict(table, orient="index").to_string())


if __name__ == "__main__":
    main(sys.argv[1:])
