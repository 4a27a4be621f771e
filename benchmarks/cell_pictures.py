"""
Pictures of cells over streets and buildings.

``python benchmarks/cell_pictures.py docs`` renews the pictures of `docs/images` (the demo town
and, where its file is, Newport; both presets side by side).
``python benchmarks/cell_pictures.py sides PLACE FOLDER [PRESET]`` draws 30 random built-up cells,
each on a picture of its own with the names of the streets, waters and walls around, and writes
`sides.csv`: what each side of each cell runs on. Somebody who has not seen the table writes what he
reads in the pictures to a file with the columns ``picture``, ``side``, ``answer``: a name, or of
what has none the word of the legend (street, path, water, wall, railway, community line), or
``nothing``. ``python benchmarks/cell_pictures.py score FOLDER/sides.csv ANSWERS`` prints how many
sides run on a line, and how many were read right.
"""

from __future__ import annotations

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
from cells import BUILT, CANALS, ON_LINE_M, ROOT, covered, land_of, percent, places
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

COLOURS = 96
SAMPLE, SEED, AROUND_M, SHORT_M, LABEL_M, NEAR_M = 30, 7, 60.0, 8.0, 20.0, 25.0
SIDES = ("east", "south", "west", "north")
NOTHING, MAIN_SHARE = "nothing", 0.4
"""A side runs on a line if it does so for this share of its length."""

INK, CELL, HOUSE, ROAD, WAY, WET, WALL, LINE = (
    "#1f3b63", "#c0392b", "#c9c2b8", "#8a6d3b", "#d99a2b", "#bcdcf2", "#7d3c98", "#2e8b57",
)  # fmt: skip
STREET, PATH, WATER, FENCE, RAIL, COMMUNITY = (
    "street", "path", "water", "wall", "railway", "community line",
)  # fmt: skip
DRAWN = {STREET: ROAD, PATH: WAY, WATER: "#3b7fc4", FENCE: WALL, RAIL: "#444444", COMMUNITY: LINE}
"""Kinds of lines with their colours, in the order in which one of several explains a side."""

LABEL_AT = {COMMUNITY: 0.25, WATER: 0.7, FENCE: 0.35}
"""Where along a line its name stands, as a share; 0.5 for the others."""

PATHS = ("footway", "path", "service", "cycleway", "steps", "track", "pedestrian", "bridleway")


def cells_of(place: Place, preset: Preset) -> gpd.GeoDataFrame:
    """Return the cells of a place."""
    options = CellOptions(preset=preset)
    return plan_cells(place.communities, land_of(place), options=options).cells


def ground(place: Place, axes: Axes, window: shapely.Polygon) -> None:
    """Draw water, buildings, walls and streets of a window."""
    walled = place.estates[place.estates["walled"].fillna(value=False).astype(bool)]
    minor = place.streets["highway"].isin(PATHS)
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
    """Return the lines that can bound a cell, with their kind, and their name if they have one."""
    streets, water, barriers = place.streets, place.water, place.barriers
    walled = place.estates[place.estates["walled"].fillna(value=False).astype(bool)]
    street = np.where(streets["highway"].isin(PATHS), PATH, STREET)
    barrier = barriers["kind"].replace({"rail": RAIL, **dict.fromkeys(CANALS, WATER)})
    barrier = barrier.where(barrier.isin([RAIL, WATER]), FENCE)
    parts = [
        (streets, street),
        (water.set_geometry(water.boundary), WATER),
        (barriers, barrier),
        (walled.set_geometry(walled.boundary), FENCE),
        # A community's name says nothing about its line.
        (place.communities[["geometry"]].set_geometry(place.communities.boundary), COMMUNITY),
    ]
    frames = [
        lines[["geometry"]].assign(
            name=lines.get("name", pd.Series(None, lines.index, dtype="object")), kind=kind
        )
        for lines, kind in parts
    ]
    every = gpd.GeoDataFrame(pd.concat(frames, ignore_index=True), crs=place.crs)
    every["name"] = every["name"].where(every["name"].notna(), every["kind"])
    every["rank"] = every["kind"].map({kind: rank for rank, kind in enumerate(DRAWN)})
    return every


def sides_of(cell: shapely.Polygon, lines: gpd.GeoDataFrame) -> pd.DataFrame:
    """
    Return what each side of a cell runs on, a row for each line along most of it.

    A side is where the border looks east, south, west or north. Several lines may run along
    the same stretch: a street that is a community's line too, say.
    """
    # Of a ring that runs clockwise the land is on the right.
    ring = shapely.get_coordinates(shapely.orient_polygons(cell, exterior_cw=True).exterior)
    start, end = ring[:-1], ring[1:]
    step = end - start
    angle = np.degrees(np.arctan2(step[:, 0], -step[:, 1]))
    side = np.round(-angle / 90).astype(int) % len(SIDES)
    length = np.hypot(step[:, 0], step[:, 1])
    middle = shapely.points((start + end) / 2)
    piece, line = shapely.STRtree(lines.geometry.to_numpy()).query(
        middle, predicate="dwithin", distance=ON_LINE_M
    )
    met = lines.iloc[line].assign(piece=piece)[["piece", "name", "kind", "rank"]]
    bare = pd.DataFrame({"piece": np.setdiff1d(np.arange(len(step)), piece)})
    bare = bare.assign(name=NOTHING, kind=NOTHING, rank=len(DRAWN))
    found = pd.concat([met.drop_duplicates(["piece", "name"]), bare], ignore_index=True)
    found["side"], found["metres"] = side[found["piece"]], length[found["piece"]]
    sums = found.groupby(["side", "rank", "name", "kind"])["metres"].sum().reset_index()
    whole = pd.Series(length).groupby(side).sum()
    sums["length_m"] = sums["side"].map(whole)
    sums["share"] = sums["metres"] / sums["length_m"]
    most = sums.groupby("side")["share"].transform("max")
    told = (sums["share"] >= np.minimum(MAIN_SHARE, most)) & (sums["length_m"] >= SHORT_M)
    rows = pd.DataFrame(sums[told].sort_values(["side", "rank", "name"]))
    return rows.assign(side=np.array(SIDES)[rows["side"]])


def built_up(place: Place, cells: gpd.GeoDataFrame) -> np.ndarray:
    """Return the positions of the built-up cells without exception."""
    shapes = cells.geometry.to_numpy()
    share, _ = covered(shapes, place.buildings.geometry.to_numpy())
    return np.flatnonzero((share >= BUILT) & cells["exception"].isna().to_numpy())


def one_cell(
    place: Place, cells: gpd.GeoDataFrame, cell: shapely.Polygon, lines: gpd.GeoDataFrame
) -> Figure:
    """Return the picture of a cell with the names of what lies along its border."""
    window = shapely.box(*cell.buffer(AROUND_M).bounds)
    figure, axes = plt.subplots(figsize=(9, 9), layout="constrained")
    ground(place, axes, window)
    cells[cells.intersects(window)].boundary.plot(ax=axes, color=INK, linewidth=0.4, alpha=0.6)
    gpd.GeoSeries([cell]).plot(ax=axes, color=CELL, alpha=0.15)
    gpd.GeoSeries([cell.boundary]).plot(ax=axes, color=CELL, linewidth=6.0, alpha=0.35)
    seen = lines[lines.intersects(window)]
    for kind, colour in reversed(DRAWN.items()):
        own = seen[seen["kind"] == kind]
        style = "--" if kind == COMMUNITY else "-"
        wide = 2.2 if kind == STREET else 1.4
        axes.plot([], [], color=colour, linestyle=style, linewidth=wide, label=kind)
        if len(own):
            own.clip(window).plot(ax=axes, color=colour, linestyle=style, linewidth=wide)
    beside = shapely.intersection(cell.boundary.buffer(NEAR_M), window)
    for (kind, name), shapes in seen.groupby(["kind", "name"]).geometry:
        near = shapely.intersection(shapely.union_all(shapes.to_numpy()), beside)
        parts = shapely.get_parts(shapely.line_merge(near) if near.length else near)
        parts = parts[shapely.length(parts) >= LABEL_M]
        for part in parts[np.argsort(-shapely.length(parts))][:2]:
            write_along(axes, part, str(name), str(kind))
    west, south, east, north = cell.bounds
    for word, x, y in (("E", 1, 0), ("S", 0, -1), ("W", -1, 0), ("N", 0, 1)):
        axes.text(
            (west + east) / 2 + x * ((east - west) / 2 + 0.8 * AROUND_M),
            (south + north) / 2 + y * ((north - south) / 2 + 0.8 * AROUND_M),
            word, fontsize=15, weight="bold", color=CELL, ha="center", va="center",
        )  # fmt: skip
    axes.legend(loc="lower left", fontsize=8, framealpha=0.9)
    return figure


def write_along(axes: Axes, line: shapely.LineString, name: str, kind: str) -> None:
    """Write a name along a line, each kind at a place of its own: lines may run together."""
    middle = LABEL_AT.get(kind, 0.5)
    a, at, b = (line.interpolate(middle + step, normalized=True) for step in (-0.1, 0.0, 0.1))
    turn = np.degrees(np.arctan2(b.y - a.y, b.x - a.x))
    axes.text(
        at.x, at.y, name, fontsize=11, color=DRAWN[kind], ha="center", va="center",
        rotation=(turn + 90) % 180 - 90, rotation_mode="anchor",
        bbox={"fc": "white", "ec": "none", "pad": 0.3, "alpha": 0.85},
    )  # fmt: skip


def draw_sides(place: Place, folder: Path, preset: Preset) -> None:
    """Draw random cells, and write what each side of them runs on."""
    folder.mkdir(parents=True, exist_ok=True)
    cells, lines = cells_of(place, preset), named_lines(place)
    chosen = np.random.default_rng(SEED).permutation(built_up(place, cells))
    tables = []
    for number, at in enumerate(chosen[:SAMPLE], start=1):
        cell = cells.geometry.iloc[at]
        save(one_cell(place, cells, cell, lines), folder / f"cell_{number:02d}.png")
        tables.append(sides_of(cell, lines).assign(picture=number))
    columns = ["picture", "side", "name", "kind", "length_m", "share"]
    table = pd.concat(tables, ignore_index=True)[columns].round(2)
    table.to_csv(folder / "sides.csv", index=False, encoding="utf-8-sig")
    every = pd.concat([sides_of(cells.geometry.iloc[at], lines).assign(picture=at)
                       for at in chosen], ignore_index=True)  # fmt: skip
    for what, sides in (("these cells", table), (f"all {len(chosen)} built-up cells", every)):
        first = sides.drop_duplicates(["picture", "side"])
        print(f"sides of {what}: {len(first)}")
        print(f"  along a line: {percent((first['kind'] != NOTHING).sum(), len(first))}")


def score(key: Path, answers: Path) -> None:
    """Print how many sides a reader named right."""
    true = pd.read_csv(key, encoding="utf-8-sig", dtype=str)
    read = pd.read_csv(answers, encoding="utf-8-sig", dtype=str).set_index(["picture", "side"])
    rows = []
    for (picture, side), own in true.groupby(["picture", "side"], sort=False):
        # A wall is called by the estate's name, or what it is.
        words = {plain(word) for word in [*own["name"], *own["kind"][own["kind"] == FENCE]]}
        told = read["answer"].get((picture, side), "")
        rows.append((picture, side, own["kind"].iloc[0], " / ".join(sorted(words)), told,
                     plain(told) in words))  # fmt: skip
    table = pd.DataFrame(rows, columns=["picture", "side", "kind", "is", "read", "right"])
    on_line = table["kind"] != NOTHING
    print(table[~table["right"]].to_string(index=False))
    for what, which in (("all", table["right"] == table["right"]), ("along a line", on_line),
                        ("along nothing", ~on_line)):  # fmt: skip
        print(f"{what}: {percent(table['right'][which].sum(), which.sum())} of {which.sum()} right")


def plain(word: str) -> str:
    """Return a name as it is compared."""
    return " ".join(str(word).lower().replace("'", "").split())


def main() -> None:
    """Draw what the arguments say."""
    mpl.rcParams["font.family"] = matplotlib_families()[0]
    task, *rest = sys.argv[1:] or ["docs"]
    with tempfile.TemporaryDirectory() as scratch:
        if task == "score":
            score(*(Path(one) for one in rest))
        elif task == "docs":
            for name, place in places(Path(scratch), [*WINDOWS]).items():
                side_by_side(place, name)
        else:
            name, folder, *preset = rest
            chosen: Preset = "recognisable" if preset == ["recognisable"] else "uniform"
            draw_sides(places(Path(scratch), [name])[name], Path(folder), chosen)


if __name__ == "__main__":
    main()
