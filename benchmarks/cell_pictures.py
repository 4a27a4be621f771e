"""
Pictures of cells over streets and buildings.

``python benchmarks/cell_pictures.py docs`` renews the pictures of `docs/images` (the demo town
and, where its file is, Newport; both presets side by side).
``python benchmarks/cell_pictures.py sides PLACE FOLDER`` draws 30 random built-up cells, each on
a picture of its own with the names on the streets and waters around, and writes `sides.csv`: what
each side of each cell runs on. Somebody who has not seen the table names the four sides from
the pictures; a cell follows the city if at least 80 % of the sides come out right.
"""

from __future__ import annotations

import csv
import io
import sys
import tempfile
from pathlib import Path

import geopandas as gpd
import matplotlib as mpl
import numpy as np
import pandas as pd
import shapely

sys.path.insert(0, str(Path(__file__).resolve().parent))
mpl.use("Agg")

import matplotlib.pyplot as plt
from cells import BUILT, ON_LINE_M, ROOT, covered, land_of, places
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from gridplan.cells import CellOptions, plan_cells
from gridplan.cells.options import Preset
from gridplan.place import Place
from gridplan.present.fonts import matplotlib_families

IMAGES = ROOT / "docs" / "images"
WINDOWS = {"demo": (0.30, 0.42, 800.0), "newport": (0.55, 0.55, 900.0)}
"""Corner of the window of a picture, as shares of the place's box, and its width in metres."""

COMMUNITY_LINE, COLOURS = 3, 64
SAMPLE, SEED, AROUND_M, SHORT_M, LABEL_M = 30, 7, 90.0, 8.0, 25.0
SIDES = ("east", "south", "west", "north")
INK, CELL, HOUSE, ROAD, WAY, WET, WALL = (
    "#1f3b63", "#c0392b", "#c9c2b8", "#8a6d3b", "#d9b36c", "#bcdcf2", "#7d3c98",
)  # fmt: skip
NAMELESS = {"footway": "path", "path": "path", "service": "service way", "cycleway": "path"}


def cells_of(place: Place, preset: Preset) -> gpd.GeoDataFrame:
    """Return the cells of a place."""
    options = CellOptions(preset=preset)
    return plan_cells(place.communities, land_of(place), options=options).cells


def ground(place: Place, axes: Axes, window: shapely.Polygon) -> None:
    """Draw water, buildings, walls and streets of a window."""
    walled = place.estates[place.estates["walled"].fillna(value=False).astype(bool)]
    minor = place.streets["highway"].isin([*NAMELESS, "steps", "track", "pedestrian"])
    layers = (
        (place.water, {"color": WET}),
        (place.buildings, {"color": HOUSE}),
        (walled.set_geometry(walled.boundary), {"color": WALL, "linewidth": 0.8}),
        (place.barriers, {"color": WALL, "linewidth": 0.8}),
        (place.streets[minor], {"color": WAY, "linewidth": 0.8}),
        (place.streets[~minor], {"color": ROAD, "linewidth": 1.8}),
    )
    for layer, style in layers:
        seen = layer[layer.intersects(window)]
        if len(seen):
            seen.plot(ax=axes, **style)
    west, south, east, north = window.bounds
    axes.set(xlim=(west, east), ylim=(south, north), aspect="equal", xticks=[], yticks=[])
    axes.set(xlabel="", ylabel="")


def save(figure: Figure, path: Path) -> None:
    """Write a figure in few colours."""
    out = io.BytesIO()
    figure.savefig(out, dpi=90)
    plt.close(figure)
    pixels = Image.open(out).convert("RGB")
    pixels.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


def side_by_side(place: Place, name: str) -> None:
    """Write the picture of both presets."""
    x, y, width = WINDOWS[name]
    west, south, east, north = place.outline.bounds
    corner = west + x * (east - west), south + y * (north - south)
    window = shapely.box(*corner, corner[0] + width, corner[1] + 0.9 * width)
    figure, both = plt.subplots(1, 2, figsize=(13, 6.2), layout="constrained")
    presets: tuple[Preset, ...] = ("uniform", "recognisable")
    for axes, preset in zip(both, presets, strict=True):
        cells = cells_of(place, preset)
        ground(place, axes, window)
        seen = cells[cells.intersects(window)]
        seen.boundary.plot(ax=axes, color=INK, linewidth=1.3)
        middle = seen["area_m2"].median()
        axes.set_title(f"{preset}: median of this part {middle:,.0f} m²", color=INK)
    save(figure, IMAGES / f"cells_{name}.png")


# ---- the sides of cells ----


def named_lines(place: Place) -> gpd.GeoDataFrame:
    """Return the lines that can bound a cell with their name, or their kind if they have none."""
    streets, water, barriers = place.streets, place.water, place.barriers
    walled = place.estates[place.estates["walled"].fillna(value=False).astype(bool)]
    kind = streets["highway"].replace(NAMELESS).astype(str).str.replace("_", " ")
    parts = [
        (streets.geometry, streets["name"].fillna("unnamed " + kind), 0),
        (water.boundary, water["name"].fillna("water"), 1),
        (barriers.geometry, barriers["kind"].astype(str), 2),
        (walled.boundary, "wall of " + walled["name"].fillna("an estate").astype(str), 2),
        (
            place.communities.boundary,
            pd.Series("line of the community", place.communities.index),
            COMMUNITY_LINE,
        ),
    ]
    return gpd.GeoDataFrame(
        {
            "name": pd.concat([names for _, names, _ in parts], ignore_index=True),
            "rank": np.concatenate([np.full(len(lines), rank) for lines, _, rank in parts]),
        },
        geometry=pd.concat([gpd.GeoSeries(lines) for lines, _, _ in parts], ignore_index=True),
        crs=place.crs,
    )


def sides_of(cell: shapely.Polygon, lines: gpd.GeoDataFrame) -> list[tuple[str, str, float, float]]:
    """Return side, name of what most of it runs on, its metres, and the share of that name."""
    ring = shapely.get_coordinates(shapely.normalize(shapely.orient_polygons(cell).exterior))
    start, end = ring[:-1], ring[1:]
    step = end - start
    # The land is on the right of a clockwise ring, on the left of the other: seen from outside.
    turn = 1.0 if shapely.is_ccw(shapely.LinearRing(ring)) else -1.0
    angle = np.degrees(np.arctan2(-turn * step[:, 0], turn * step[:, 1]))
    side = np.round(-angle / 90).astype(int) % len(SIDES)
    middle = shapely.points((start + end) / 2)
    piece, line = shapely.STRtree(lines.geometry.to_numpy()).query(
        middle, predicate="dwithin", distance=ON_LINE_M
    )
    found = pd.DataFrame({"piece": piece, "name": lines["name"].to_numpy()[line]})
    found["rank"] = lines["rank"].to_numpy()[line]
    found = found.sort_values(["piece", "rank", "name"]).drop_duplicates("piece")
    name = pd.Series("nothing", range(len(step)))
    name[found["piece"].to_numpy()] = found["name"].to_numpy()
    length = np.hypot(step[:, 0], step[:, 1])
    rows = []
    for at, word in enumerate(SIDES):
        metres = pd.Series(length[side == at]).groupby(name.to_numpy()[side == at]).sum()
        if metres.sum() >= SHORT_M:
            best = str(metres.sort_index().idxmax())
            rows.append((word, best, float(metres.sum()), float(metres[best] / metres.sum())))
    return rows


def built_up(place: Place, cells: gpd.GeoDataFrame) -> np.ndarray:
    """Return the positions of the built-up cells without exception."""
    shapes = cells.geometry.to_numpy()
    share, _ = covered(shapes, place.buildings.geometry.to_numpy())
    return np.flatnonzero((share >= BUILT) & cells["exception"].isna().to_numpy())


def one_cell(
    place: Place, cells: gpd.GeoDataFrame, cell: shapely.Polygon, lines: gpd.GeoDataFrame
) -> Figure:
    """Return the picture of a cell with the names of what lies around it."""
    window = shapely.box(*cell.buffer(AROUND_M).bounds)
    figure, axes = plt.subplots(figsize=(8, 8), layout="constrained")
    ground(place, axes, window)
    cells[cells.intersects(window)].boundary.plot(ax=axes, color=INK, linewidth=0.4)
    gpd.GeoSeries([cell]).plot(ax=axes, color=CELL, alpha=0.18)
    gpd.GeoSeries([cell.boundary]).plot(ax=axes, color=CELL, linewidth=2.2)
    near = lines[lines.intersects(window) & (lines["rank"] < COMMUNITY_LINE)]
    for name, shapes in near.groupby("name").geometry:
        seen = shapely.intersection(shapely.union_all(shapes.to_numpy()), window)
        parts = shapely.get_parts(shapely.line_merge(seen))
        parts = parts[shapely.length(parts) >= LABEL_M]
        if len(parts):
            longest = parts[shapely.length(parts).argmax()]
            at = longest.interpolate(0.5, normalized=True)
            a, b = (longest.interpolate(share, normalized=True) for share in (0.45, 0.55))
            turn = np.degrees(np.arctan2(b.y - a.y, b.x - a.x))
            axes.text(
                at.x, at.y, name, fontsize=8, ha="center", va="center",
                rotation=(turn + 90) % 180 - 90, bbox={"fc": "white", "ec": "none", "pad": 0.4},
            )  # fmt: skip
    return figure


def draw_sides(place: Place, folder: Path) -> None:
    """Draw random cells, and write what each side of them runs on."""
    folder.mkdir(parents=True, exist_ok=True)
    cells, lines = cells_of(place, "uniform"), named_lines(place)
    chosen = np.random.default_rng(SEED).permutation(built_up(place, cells))[:SAMPLE]
    with (folder / "sides.csv").open("w", encoding="utf-8-sig", newline="") as out:
        table = csv.writer(out)
        table.writerow(["picture", "side", "runs_on", "length_m", "share"])
        for number, at in enumerate(chosen, start=1):
            cell = cells.geometry.iloc[at]
            figure = one_cell(place, cells, cell, lines)
            save(figure, folder / f"cell_{number:02d}.png")
            for side, name, metres, share in sides_of(cell, lines):
                table.writerow([number, side, name, f"{metres:.0f}", f"{share:.2f}"])


def main() -> None:
    """Draw what the arguments say."""
    mpl.rcParams["font.family"] = matplotlib_families()[0]
    task, *rest = sys.argv[1:] or ["docs"]
    with tempfile.TemporaryDirectory() as scratch:
        if task == "docs":
            for name, place in places(Path(scratch), [*WINDOWS]).items():
                side_by_side(place, name)
        else:
            name, folder = rest
            draw_sides(places(Path(scratch), [name])[name], Path(folder))


if __name__ == "__main__":
    main()
