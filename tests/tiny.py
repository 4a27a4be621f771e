"""A project of two communities on 400 m by 400 m, written as a planner would have it."""

from __future__ import annotations

import geopandas as gpd
import shapely

import gridplan

CRS = "EPSG:4549"
X, Y = 593_000, 3_483_000

TOML = """
[place]
name = "小镇"
crs = "EPSG:4549"
as_of = 2026-06-30
layers = "town.gpkg"
population = "population.csv"

[zones]
k = 2

[siting]
p = 1
"""

POPULATION = """社区编码,社区名称,常住人口,户籍人口,0-14岁,15-59岁,60岁及以上
999901001001,东园社区,600,300,90,430,80
999901001002,西园社区,400,100,60,300,40
合计,,1000,400,150,730,120
"""


def box(x0, y0, x1, y1):
    """Return a box in metres from the town's corner."""
    return shapely.box(X + x0, Y + y0, X + x1, Y + y1)


def point(x, y):
    return shapely.Point(X + x, Y + y)


def line(*places):
    return shapely.LineString([(X + x, Y + y) for x, y in places])


def town():
    """Return the layers of the town, free for a test to spoil."""
    homes = [(40, 40), (140, 40), (340, 40), (40, 340), (140, 340), (340, 340)]
    frames = {
        "boundary": gpd.GeoDataFrame({"name": ["小镇"]}, geometry=[box(0, 0, 400, 400)]),
        "communities": gpd.GeoDataFrame(
            {
                "community_id": ["999901001001", "999901001002"],
                "name": ["东园社区", "西园社区"],
            },
            geometry=[box(200, 0, 400, 400), box(0, 0, 200, 400)],
        ),
        "committees": gpd.GeoDataFrame(
            {
                "committee_id": ["k1", "k2"],
                "name": ["东园居委会", "西园居委会"],
                "staff": [5, 4],
            },
            geometry=[point(300, 210), point(100, 190)],
        ),
        "buildings": gpd.GeoDataFrame(
            {
                "building_id": [f"b{i}" for i in range(len(homes))],
                "kind": ["residential"] * len(homes),
                "floors": [6] * len(homes),
                "households": [30] * len(homes),
            },
            geometry=[box(x, y, x + 30, y + 12) for x, y in homes],
        ),
        "streets": gpd.GeoDataFrame(
            {
                "street_id": ["s1", "s2", "s3"],
                "highway": ["residential", "tertiary", "residential"],
                "name": ["东西街", "南北路", "北街"],
            },
            geometry=[
                line((0, 200), (400, 200)),
                line((200, -100), (200, 500)),
                line((0, 320), (400, 320)),
            ],
        ),
        "sites": gpd.GeoDataFrame(
            {
                "site_id": ["r1", "r2", "r3"],
                "kind": ["existing", "candidate", "candidate"],
                "area_m2": [80.0, 60.0, 120.0],
                "cost": [0, 100_000, 250_000],
            },
            geometry=[point(60, 60), point(350, 330), point(150, 330)],
        ),
    }
    return {name: frame.set_crs(CRS) for name, frame in frames.items()}


def write(folder, frames=None, *, toml=TOML, population=POPULATION):
    """Write the project; return the path of its settings."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in (frames or town()).items():
        kind = {} if len(frame) else {"geometry_type": "Polygon"}
        frame.to_file(folder / "town.gpkg", layer=name, driver="GPKG", engine="pyogrio", **kind)
    (folder / "population.csv").write_text(population, encoding="utf-8-sig")
    path = folder / "gridplan.toml"
    path.write_text(toml, encoding="utf-8")
    return path


def planned(toml):
    """Return the plan of a project's file, without writing a run."""
    return gridplan.run(*gridplan.read_project(toml))
