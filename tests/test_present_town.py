"""A synthetic town for the tests of `gridplan.present`, and the checks that it is one."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import jsonschema
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely

from gridplan.errors import Message, Note
from gridplan.place import make_place
from gridplan.plan import Plan

CRS = pyproj.CRS.from_epsg(4549)
X0, Y0, STEP = 591_000.0, 3_482_000.0, 100.0
NAMES = ("新桥社区", '河西"</script><b>&社区', "东方{{花园}}社区", "垚鑫社区")
NORMS_M = (300, 500, 1000)
UNPLACED = 25


def frame(columns: dict[str, Any], shapes: list[Any]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries(shapes, crs=CRS), crs=CRS)


def squares(side: int) -> gpd.GeoDataFrame:
    half = side // 2
    rows, cols = np.divmod(np.arange(side * side), side)
    shapes = shapely.box(
        X0 + STEP * cols, Y0 + STEP * rows, X0 + STEP * (cols + 1), Y0 + STEP * (rows + 1)
    )
    quarter = 2 * (rows >= half) + (cols >= half)
    block = (rows // 5) * (side // 5) + cols // 5
    cells = frame(
        {
            "cell_uid": [f"u{i:05d}" for i in range(side * side)],
            "cell_id": [f"990101001{q + 1:03d}{i:03d}" for i, q in enumerate(quarter)],
            "community_id": [f"99010100100{q + 1}" for q in quarter],
            "zone_id": [f"Z{b + 1:02d}" for b in block],
            "area_m2": shapely.area(shapes),
            "valid_from": "2026-07-01",
            "exception": None,
        },
        list(shapes),
    )
    cells.loc[[0, side - 1, side * side - 1], "exception"] = "sliver"
    cells.loc[[side + 3], "exception"] = "water"
    return cells


def make_demand(cells: gpd.GeoDataFrame, rng: np.random.Generator) -> gpd.GeoDataFrame:
    bounds = cells.bounds
    picked = np.sort(rng.choice(len(cells), size=3 * len(cells), replace=True))
    picked = picked[(picked % 7 != 0) & ~cells["exception"].notna().to_numpy()[picked]]
    x = bounds["minx"].to_numpy()[picked] + rng.uniform(15, 85, len(picked))
    y = bounds["miny"].to_numpy()[picked] + rng.uniform(15, 85, len(picked))
    people = rng.integers(4, 120, len(picked))
    demand = frame(
        {
            "demand_id": [f"b{i:05d}" for i in range(len(picked))],
            "population": people,
            "population_register": (people * 0.6).astype(int),
            "age_60_plus": (people * 0.123).astype(int),
            "community_id": cells["community_id"].to_numpy()[picked],
            "estate_id": None,
            "cell_uid": cells["cell_uid"].to_numpy()[picked],
            "leg_m": rng.uniform(5, 60, len(picked)),
        },
        list(shapely.points(x, y)),
    )
    ghost = demand.iloc[[0]].assign(
        demand_id="unplaced-1", population=UNPLACED, population_register=10, age_60_plus=3,
        cell_uid=None, leg_m=np.nan,
    )  # fmt: skip
    ghost["geometry"] = gpd.GeoSeries([None], index=ghost.index, crs=CRS)
    return pd.concat([demand, ghost], ignore_index=True)


def walks(demand: gpd.GeoDataFrame, sites: dict[str, shapely.Point]) -> pd.DataFrame:
    ids = list(sites)
    x, y = demand.geometry.x.to_numpy(), demand.geometry.y.to_numpy()
    away = np.stack([np.abs(x - p.x) + np.abs(y - p.y) for p in sites.values()], axis=1)
    away += demand["leg_m"].to_numpy()[:, None]
    nearest = np.where(np.isnan(away), np.inf, away).argmin(axis=1)
    return pd.DataFrame(
        {"id": [ids[i] for i in nearest], "m": np.take_along_axis(away, nearest[:, None], 1)[:, 0]}
    )


def add_walks(demand: gpd.GeoDataFrame, committees: gpd.GeoDataFrame, rooms: gpd.GeoDataFrame):
    spots = dict(zip(committees["committee_id"], committees.geometry, strict=True))
    own = dict(zip(committees["community_id"], committees["committee_id"], strict=True))
    before = dict(zip(rooms["site_id"], rooms.geometry, strict=True))
    before = {key: at for key, at in before.items() if not key.startswith("S")}
    after = dict(zip(rooms["site_id"], rooms.geometry, strict=True))
    demand["committee_id"] = demand["community_id"].map(own)
    x, y = demand.geometry.x, demand.geometry.y
    own_x = demand["committee_id"].map({key: at.x for key, at in spots.items()})
    own_y = demand["committee_id"].map({key: at.y for key, at in spots.items()})
    demand["committee_m"] = (x - own_x).abs() + (y - own_y).abs() + demand["leg_m"]
    for name, places in (("nearest_committee", spots), ("room", after), ("room_before", before)):
        found = walks(demand, places)
        demand[f"{name}_id"], demand[f"{name}_m"] = found["id"], found["m"]
    unplaced = demand.geometry.isna()
    island = demand["cell_uid"].isin([f"u{i:05d}" for i in (1, 2, 22, 23)])
    far = demand["demand_id"].isin(["b00200", "b00201"])
    for name in ("committee", "nearest_committee", "room", "room_before"):
        reason = pd.Series(None, index=demand.index, dtype=object)
        reason[island], reason[far] = "unreachable", "too_far_from_street"
        reason[unplaced] = "unplaced"
        demand[f"{name}_reason"] = reason
        demand.loc[reason.notna(), [f"{name}_m", f"{name}_id"]] = [np.nan, None]


def spread(metres: pd.Series, people: pd.Series) -> dict[str, Any]:
    reached = metres.notna()
    order = metres[reached].sort_values().index
    share = people[order].cumsum() / people[order].sum()
    return {
        "mean_m": float((metres[reached] * people[reached]).sum() / people[reached].sum()),
        "median_m": float(metres[order[share.ge(0.5).to_numpy().argmax()]]),
        "p90_m": float(metres[order[share.ge(0.9).to_numpy().argmax()]]),
        "max_m": float(metres.max()),
        "within": {str(n): float(people[metres <= n].sum() / people.sum()) for n in NORMS_M},
        "unreachable_residents": int(people[~reached].sum()),
    }


def make_rooms(demand: gpd.GeoDataFrame, committees: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    at = [*committees.geometry, shapely.Point(X0 + 320, Y0 + 1510)]
    at += list(
        demand.geometry.iloc[
            [60, 190, 120, 240, 200] if len(demand) < 801 else [60, 190, 420, 640, 800]
        ]
    )
    fixed = len(committees) + 1
    return frame(
        {
            "site_id": [*committees["committee_id"], "R1", *(f"S{i}" for i in range(5))],
            "kind": ["existing"] * fixed + ["proposed"] * 5,
            "name": [*committees["name"], "老年活动室", *(f"候选 {i}&" for i in range(5))],
            "estate_id": [None] * (fixed + 5),
            "area_m2": [120.0] * fixed + [80.0, 60.0, np.nan, 150.0, 90.0],
            "ownership": ["committee"] * len(committees) + ["office"] * 6,
            "cost": [np.nan] * fixed + [12.5] * 5,
            "staff": 1,
            "phase": [np.nan] * fixed + [1, 1, 1, 2, 2],
            "assumed": [False] * fixed + [False, False, True, False, True],
            "why": [None] * fixed + ["为 1,240 人缩短步行 <310 m>"] * 5,
            "why_en": [None] * fixed + ["saves 1,240 residents <310 m>"] * 5,
        },
        at,
    )


def make_plan(side: int = 20) -> Plan:
    rng = np.random.default_rng(7)
    cells = squares(side)
    demand = make_demand(cells, rng)
    communities = cells.dissolve("community_id").reset_index()[["community_id", "geometry"]]
    communities["name"] = list(NAMES)
    middle = communities.geometry.centroid
    committees = frame(
        {
            "committee_id": [f"C{i}" for i in range(4)],
            "name": [f"{name}居委会" for name in NAMES],
            "kind": "committee",
            "community_id": communities["community_id"].tolist(),
            "staff": 9,
        },
        [shapely.Point(p.x + 180, p.y - 120) for p in middle],
    )
    rooms = make_rooms(demand, committees)
    add_walks(demand, committees, rooms)
    people = demand["population"]
    cells["population"] = (
        cells["cell_uid"].map(people.groupby(demand["cell_uid"]).sum()).fillna(0).astype(int)
    )
    place = _place(cells, communities, committees, side)
    communities["population"] = (
        communities["community_id"].map(people.groupby(demand["community_id"]).sum()).astype(int)
    )
    communities["households"] = (communities["population"] / 2.6).astype(int)
    for column, key in (
        ("residents_own", "committee_id"),
        ("residents_nearest", "nearest_committee_id"),
    ):
        committees[column] = (
            committees["committee_id"].map(people.groupby(demand[key]).sum()).fillna(0).astype(int)
        )
    _serve(rooms, demand)
    zones = _zones(cells)
    layers = {
        "boundary": place.boundary,
        "communities": communities,
        "cells": cells,
        "zones": zones,
        "demand": demand,
        "committees": committees,
        "rooms": rooms,
        "streets": place.streets.rename(columns={"street_id": "edge_id"}).assign(
            length_m=place.streets.length, walkable=True
        ),
        "estates": place.estates.assign(community_id=communities["community_id"].iloc[0]),
        "gates": place.gates,
        "cell_zones": pd.DataFrame(
            {"cell_uid": cells["cell_uid"], "zone_system": "main", "zone_id": cells["zone_id"]}
        ),
    }
    layers |= _room_tables(demand)
    settings = {
        "cells": {"method": "square", "size_m": 100.0},
        "siting": {"p": 5, "model": "p-median", "gap": 0.0},
        "zones": {"tolerance": 0.2, "count": int(zones.shape[0])},
    }
    return Plan(place, layers, _summary(place, layers), settings)


def _room_tables(demand: gpd.GeoDataFrame) -> dict[str, pd.DataFrame]:
    """A curve of three rooms, one of its steps unproven, and what two of the tables say."""
    steps = [(p, s, 900.0 - 100 * p + 5 * (s == "nested")) for s in ("free", "nested")
             for p in (1, 2, 5)]  # fmt: skip
    curve = pd.DataFrame(steps, columns=["p", "sequence", "mean_m"]).assign(model="p-median")
    curve["objective"] = curve["mean_m"] * 1000
    curve["lower_bound"] = curve["objective"] - 10 * (curve["p"] == 5)
    curve["gap"] = (curve["objective"] - curve["lower_bound"]) / curve["objective"]
    curve["status"] = np.where(curve["p"] == 5, "gap", "proven")
    curve["within_share"] = 0.5 + curve["p"] / 20
    curve = curve.assign(p90_m=900.0, max_m=1500.0, ede_m=800.0, sites="R1", unreachable=0)
    curve["knee"] = (curve["p"] == 2) & (curve["sequence"] == "free")
    left = pd.DataFrame(
        {
            "answer": ["A", "C"],
            "community_id": demand["community_id"].iloc[[0, 0]].to_numpy(),
            "estate_id": [None, "E1"],
            "street": ["滨河路<b>", None],
            "cause": ["no_site", "unreachable"],
            "residents": [12, 30],
            "mean_m": [700.0, np.nan],
            "max_m": [800.0, np.nan],
            "least_m": [650.0, np.nan],
        }
    )
    decisions = pd.DataFrame(
        {
            "site_id": ["S1"],
            "decision": ["required"],
            "asked_by": ["民政科<i>"],
            "reason": ["现有用房"],
            "date": ["2026-05-04"],
            "answer": ["C"],
            "open_without": pd.array([False], dtype="boolean"),
            "price_walk": [1500.0],
            "price_residents": pd.array([7], dtype="Int64"),
            "price_rooms": pd.array([0], dtype="Int64"),
            "price_cost": [np.nan],
            "price_status": ["gap"],
        }
    )
    staff = pd.DataFrame(
        {
            "place_id": ["C0", "S1"],
            "name": [NAMES[0], "候选 1&"],
            "kind": ["committee", "proposed"],
            "residents": [5000, 800],
            "existing": [8.0, 0.0],
            "needed": [9.0, 1.0],
            "gap": [1.0, 1.0],
            "yearly_cost": [900_000.0, 100_000.0],
        }
    )
    return {"staffing": staff, "frontier": curve, "left_behind": left, "decisions": decisions}


def _serve(rooms: gpd.GeoDataFrame, demand: gpd.GeoDataFrame) -> None:
    by_room = demand.dropna(subset="room_m").groupby("room_id")
    total = by_room["population"].sum()
    walked = (demand["room_m"] * demand["population"]).groupby(demand["room_id"]).sum()
    rooms["residents"] = rooms["site_id"].map(total).fillna(0).astype(int)
    rooms["mean_m"] = rooms["site_id"].map(walked / total)
    rooms["max_m"] = rooms["site_id"].map(by_room["room_m"].max())


def _zones(cells: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    zones = cells.dissolve(
        "zone_id", aggfunc={"area_m2": "sum", "population": "sum", "cell_uid": "count",
                            "community_id": "first"},
    ).reset_index()  # fmt: skip
    zones = zones.rename(columns={"cell_uid": "cells"})
    return zones.assign(
        zone_system="main",
        parent_zone_id=None,
        name=[f"责任区 {i + 1}" for i in range(len(zones))],
        households=(zones["population"] / 2.6).astype(int),
        workload=zones["population"].astype(float),
        compactness=4 * np.pi * zones.area / zones.length**2,
    )


def _place(cells, communities, committees, side):
    end = STEP * side
    ways, water = [], []
    for k in range(0, side + 1, 2):
        bend = 18 * np.sin(k)
        ways.append(
            shapely.LineString([(X0, Y0 + 100 * k), (X0 + end / 2, Y0 + 100 * k + bend),
                                (X0 + end, Y0 + 100 * k)])
        )  # fmt: skip
        ways.append(shapely.LineString([(X0 + 100 * k, Y0), (X0 + 100 * k + bend, Y0 + end)]))
    canal = [
        (X0 - 50, Y0 + 0.52 * end),
        (X0 + 0.5 * end, Y0 + 0.47 * end),
        (X0 + end + 50, Y0 + 0.55 * end),
    ]
    water.append(shapely.LineString(canal).buffer(22))
    estate = shapely.box(X0 + 220, Y0 + 1220, X0 + 580, Y0 + 1590)
    total = {"level": "total", "unit_id": "all", "population": 1, "age_60_plus": 1}
    layers = {
        "boundary": frame({"name": ["新镇街道（测试）"]}, [cells.union_all()]),
        "communities": communities.assign(official=True),
        "committees": committees,
        "buildings": frame(
            {"building_id": ["b00000", "x1"], "kind": ["residential", "school"]},
            [shapely.box(X0 + 20, Y0 + 20, X0 + 60, Y0 + 35),
             shapely.box(X0 + 820, Y0 + 20, X0 + 890, Y0 + 75)],
        ),
        "streets": frame(
            {"street_id": [f"s{i:03d}" for i in range(len(ways))], "highway": "residential"}, ways
        ),
        "water": frame({"water_id": ["w1"], "name": ["青阳河"], "kind": ["canal"]}, water),
        "estates": frame(
            {"estate_id": ["E1"], "name": ["桃源居\"'<i>"], "kind": ["estate"],
             "households": [800], "walled": [True]},
            [estate],
        ),
        "gates": frame(
            {"gate_id": ["G1", "G2"], "estate_id": ["E1", "E1"], "status": ["mapped", "proposed"]},
            [shapely.Point(X0 + 220, Y0 + 1400), shapely.Point(X0 + 400, Y0 + 1220)],
        ),
    }  # fmt: skip
    notes = (
        Note(
            "ways_cut", 3,
            Message(en="3 ways were cut at the edge of the file: <w1>.",
                    zh="3 条道路在文件边缘被截断：<w1>。"),
            ("w1", "w2", "w3"),
        ),
    )  # fmt: skip
    return make_place(
        name="新镇街道（测试）", crs=CRS, as_of=dt.date(2026, 7, 1), layers=layers,
        population=pd.DataFrame([total]), notes=notes,
    )  # fmt: skip


def _summary(place, layers) -> dict[str, Any]:
    demand, cells, zones = layers["demand"], layers["cells"], layers["zones"]
    people = demand["population"]
    area = cells["area_m2"]
    return {
        "contract": "1.0",
        "place": {
            "name": place.name, "crs": "EPSG:4549", "as_of": "2026-07-01",
            "area_m2": float(area.sum()), "area_scale": 1.000213,
            "communities": 4, "committees": 4, "codes_official": False,
        },
        "residents": int(people.sum()),
        "residents_placed": int(people.sum()) - UNPLACED,
        "residents_unplaced": UNPLACED,
        "residents_register": int(demand["population_register"].sum()),
        "groups": {"age_60_plus": int(demand["age_60_plus"].sum())},
        "cells": {
            "method": "square", "count": len(cells), "area_p5_m2": float(area.quantile(0.05)),
            "area_median_m2": float(area.median()), "area_p95_m2": float(area.quantile(0.95)),
            "exceptions": {"sliver": 3, "water": 1}, "code_profile": "GB/T 30428",
        },
        "proofs": {
            "tiling_error_m2": 0.0, "buildings_cut": 2, "communities_crossed": 0,
            "zones_disconnected": 0,
        },
        "access": {
            "basis": "committee_m", **spread(demand["committee_m"], people),
            "nearest": spread(demand["nearest_committee_m"], people),
            "before": spread(demand["room_before_m"], people),
        },
        "access_after": spread(demand["room_m"], people),
        "siting": {
            "model": "p-median", "p": 5, "fixed": 5, "objective": 41_234_567.0,
            "bound": 40_998_001.5, "lower_bound": 40_998_001.5, "gap": 0.005737,
            "status": "gap", "stopped_by": "work", "candidates": 40, "assumed_candidates": 9,
            "norm_m": 500,
        },
        "zones": {"systems": {"main": {
            "count": len(zones), "tolerance": 0.2, "max_deviation_share": 0.31, "cv": 0.12,
            "compactness_median": 0.785,
        }}},
        "network": {
            "edges": 420, "nodes": 300, "length_m": 44_000.0, "components": 2,
            "main_component_share": 0.985, "cuts": 3, "gates": 2,
        },
        "targets_missed": [{
            "key": "zone_balance", "zh": "责任区最大偏差 31%，超过允许的 20%。",
            "en": "The largest zone deviates by 31 %, more than the 20 % allowed.",
        }],
        "caveats": [{
            "key": "assumed_sites", "zh": "9 处候选场地为推定，使用前须现场核实 </script>。",
            "en": "9 candidate sites are assumed; check them on the ground </script>.",
        }],
        "norms": [{
            "key": "walk_5min_m", "value": 300, "unit": "m", "source": "GB 50180-2018",
            "verified": False,
        }],
    }  # fmt: skip


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan()


def test_the_town_has_the_faults_the_page_must_show(plan: Plan) -> None:
    demand = plan.layers["demand"]
    assert set(demand["room_reason"].dropna()) == {"unreachable", "too_far_from_street", "unplaced"}
    assert plan.layers["cells"]["population"].sum() == plan.summary["residents_placed"]


def test_its_summary_fits_the_schema(plan: Plan) -> None:
    schema = Path(__file__).parents[1] / "schemas" / "summary.schema.json"
    rules = json.loads(schema.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(rules)
    jsonschema.validate(plan.summary, rules)


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (("residents",), -1, "minimum"),
        (("siting", "status"), "optimal", "enum"),
        (("access", "within", "500"), 1.2, "maximum"),
        (("proofs",), {}, "required"),
        (("contract",), "2.0", "const"),
    ],
)
def test_a_wrong_summary_is_refused(plan: Plan, path, value, told) -> None:
    schema = Path(__file__).parents[1] / "schemas" / "summary.schema.json"
    rules = json.loads(schema.read_text(encoding="utf-8"))
    wrong = json.loads(json.dumps(plan.summary))
    inner = wrong
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    with pytest.raises(jsonschema.ValidationError) as caught:
        jsonschema.validate(wrong, rules)
    assert caught.value.validator == told
