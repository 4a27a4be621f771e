"""Bad input of walls, homes, tables and rasters, as the user of `check` and `run` meets it."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from typer.testing import CliRunner

from gridplan import pipeline
from gridplan.cli import app
from gridplan.project.read import read_project
from gridplan.store import read_run
from tests import tiny

ESTATE = tiny.box(20, 20, 190, 190)


def walled(*gates, shape=ESTATE, **layers):
    """Return the town with a walled estate in the south-west, and its gates."""
    frames = tiny.town()
    frames["estates"] = gpd.GeoDataFrame(
        {"estate_id": ["e1"], "name": ["西苑"], "walled": [1]}, geometry=[shape], crs=tiny.CRS
    )
    if gates:
        frames["gates"] = gpd.GeoDataFrame(
            {"gate_id": [f"g{i}" for i in range(len(gates))], "estate_id": "e1"},
            geometry=[tiny.point(*one) for one in gates],
            crs=tiny.CRS,
        )
    return frames | layers


def canal(*shapes):
    ids = [f"w{i}" for i in range(len(shapes))]
    return gpd.GeoDataFrame({"water_id": ids}, geometry=list(shapes), crs=tiny.CRS)


def summary_of(toml):
    """Return the summary of a run, whose caveats the command prints and the report shows."""
    return pipeline.run(*read_project(toml)).summary


def told_by_run(tmp_path, frames):
    """Return the caveats of a run in both languages; check tells the same, and refuses nothing."""
    toml = tiny.write(tmp_path / "town", frames)
    caveats = summary_of(toml)["caveats"]
    checked = []
    for lang in ("en", "zh"):
        done = CliRunner().invoke(app, ["check", str(toml), "--lang", lang])
        assert done.exit_code == 0, done.output
        checked.append(done.output)
    return ["\n".join(one[lang] for one in caveats) for lang in ("en", "zh")], checked


def refused_by_check(tmp_path, **project):
    toml = tiny.write(tmp_path, **project)
    both = []
    for lang in ("en", "zh"):
        done = CliRunner().invoke(app, ["check", str(toml), "--lang", lang])
        assert done.exit_code == 2, done.output
        assert "Traceback" not in done.output
        ran = CliRunner().invoke(app, ["run", str(toml), "--lang", lang])
        assert ran.exit_code == 2, ran.output
        both.append(" ".join(done.output.split()))
    return both


def with_floors(floors):
    frames = tiny.town()
    homes = frames["buildings"].drop(columns="households")
    homes.loc[0, "floors"] = floors
    return frames | {"buildings": homes}


@pytest.mark.parametrize(
    ("frames", "en", "zh"),
    [
        (
            walled((100, 190), (100, 100)),
            "1 gate lies farther than 10 m from every wall and opens nothing: g1",
            "未起作用：g1",
        ),
        (
            walled((390, 240), shape=tiny.box(300, 220, 390, 300)),
            "1 wall encloses no building: e1",
            "e1",
        ),
        (
            walled((100, 190), water=canal(tiny.box(-50, 90, 198, 110))),
            "1 walled estate is cut apart by water: e1",
            "e1",
        ),
        (
            walled(),
            "1 walled ground has neither a gate that leads to a street nor a street",
            "e1",
        ),
    ],
    ids=["a gate off every wall", "walls round nothing", "an estate split by a canal", "no gate"],
)
def test_walls_that_cannot_be_meant_are_told(tmp_path, frames, en, zh):
    for told_en, told_zh in told_by_run(tmp_path, frames):
        assert en in told_en
        assert zh in told_zh


@pytest.mark.parametrize(
    ("floors", "en", "zh"),
    [
        (0, "0 storeys. Leave the cell empty where the number is not known", "为 0"),
        (200, "more than 100 storeys", "超过 100"),
    ],
)
def test_homes_without_storeys_or_with_too_many_are_refused(tmp_path, floors, en, zh):
    told_en, told_zh = refused_by_check(tmp_path, frames=with_floors(floors))
    assert en in told_en
    assert "b0" in told_en
    assert zh in told_zh


def test_a_table_that_names_an_estate_twice_is_refused(tmp_path):
    table = "小区编号,小区,常住人口\ne1,西苑,300\ne1,西苑,200\n"
    told_en, told_zh = refused_by_check(tmp_path, frames=walled((100, 190)), population=table)
    assert "e1" in told_en
    assert "more than once" in told_en or "twice" in told_en
    assert "e1" in told_zh


def raster_project(folder, values, *, crs="EPSG:4549", west=tiny.X, north=tiny.Y + 400):
    rasterio = pytest.importorskip("rasterio", reason="needs the extra `raster`")
    pytest.importorskip("exactextract", reason="needs the extra `raster`")
    toml = tiny.TOML.replace('population = "population.csv"', 'population = { raster = "p.tif" }')
    path = tiny.write(folder, toml=toml)
    with rasterio.open(
        folder / "p.tif", "w", driver="GTiff", height=values.shape[0], width=values.shape[1],
        count=1, dtype="float64", crs=crs, nodata=-99999.0,
        transform=rasterio.transform.from_origin(west, north, 100, 100),
    ) as raster:  # fmt: skip
        raster.write(values, 1)
    return path


def test_a_raster_in_another_system_keeps_its_sum(tmp_path):
    moved = gpd.GeoSeries([tiny.box(0, 0, 400, 400)], crs=tiny.CRS).to_crs("EPSG:32651")
    west, south, east, north = moved.total_bounds
    sums = []
    for name, crs, corner, size in (
        ("own", "EPSG:4549", (tiny.X - 1000, tiny.Y + 1400), 24),
        ("other", "EPSG:32651", (west - 1000, north + 1000), 24),
    ):
        path = raster_project(
            tmp_path / name, np.full((size, size), 7.0), crs=crs, west=corner[0], north=corner[1]
        )
        sums.append(summary_of(path)["residents"])
    # 16 cells of 7 residents; another system's metres differ by less than one in a thousand.
    assert sums == [112, 112]
    assert east > west
    assert north > south


def test_a_raster_without_data_is_refused_not_counted_as_nobody(tmp_path):
    path = raster_project(tmp_path, np.full((4, 4), -99999.0))
    for lang, said in (("en", "holds no data in the place"), ("zh", "p.tif")):
        done = CliRunner().invoke(app, ["check", str(path), "--lang", lang])
        assert done.exit_code == 2, done.output
        assert said in " ".join(done.output.split())


def test_homes_shut_in_are_unreachable_not_far_and_told_with_what_bars_them(tmp_path):
    # Homes without their committee; streets run a few metres past the wall.
    shape = tiny.box(20, 20, 190, 100)
    plan = pipeline.run(*read_project(tiny.write(tmp_path / "town", walled(shape=shape))))
    demand = plan.layers["demand"]
    inside = demand[shapely.intersects(shape, demand.geometry.to_numpy())]
    assert set(inside["committee_reason"]) == {"unreachable"}
    assert set(inside["leg_detour"]) == {"wall"}
    (told,) = (one for one in plan.summary["caveats"] if "bars every way" in one["en"])
    number = len(inside)
    assert f"{number} home{'s' if number > 1 else ''}, but" in told["en"]
    assert f"围墙（{number}）" in told["zh"]


def test_a_committee_on_an_island_is_told_and_its_residents_are_unreachable(tmp_path):
    frames = tiny.town()
    frames["committees"] = frames["committees"].copy()
    frames["committees"].loc[0, "geometry"] = tiny.point(270, 262)
    frames["water"] = canal(tiny.box(230, 230, 310, 310).difference(tiny.box(245, 245, 295, 295)))
    path = {"street_id": "s9", "highway": "path", "name": None}
    street = gpd.GeoDataFrame([path], geometry=[tiny.line((250, 260), (290, 260))], crs=tiny.CRS)
    rows = [*frames["streets"].itertuples(index=False), *street.itertuples(index=False)]
    frames["streets"] = gpd.GeoDataFrame(
        [{name: getattr(row, name) for name in frames["streets"].columns} for row in rows],
        geometry="geometry",
        crs=tiny.CRS,
    )
    assert isinstance(frames["streets"].geometry.iloc[-1], shapely.LineString)
    done = CliRunner().invoke(
        app, ["run", str(tiny.write(tmp_path, frames)), "--out", str(tmp_path / "run")]
    )
    assert done.exit_code == 0, done.output
    caveats = read_run(tmp_path / "run").summary["caveats"]
    [told] = [one for one in caveats if "1 committee or facility stands on streets" in one["en"]]
    assert "k1" in told["en"]
    assert "岛" in told["zh"]
    assert told["en"] in done.output or told["zh"] in done.output
    summary = read_run(tmp_path / "run").summary
    assert summary["access"]["missing"]["unreachable"] == 600
