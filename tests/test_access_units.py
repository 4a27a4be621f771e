"""Figures by unit add up; the worst walks say why; service areas do not leak."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridplan.access.areas import AreaOptions, reached_streets, service_area
from gridplan.access.equity import gini, kolm_pollak_ede
from gridplan.access.facilities import WalkingSpeeds
from gridplan.access.figures import weighted_quantile
from gridplan.access.measures import minutes_figures
from gridplan.access.routes import Route, walk_routes
from gridplan.access.units import ALL, REASONS, Basis, access_by_unit, minutes_by_unit
from gridplan.access.worst import Surroundings, farthest_places, reason_of_walk
from gridplan.errors import SettingsError
from gridplan.network import obstacles
from gridplan.place import empty_layer
from tests import test_access_routes as routes
from tests import worlds

LEVELS = {"community": "community_id", "estate": "estate_id"}


def random_demand(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 20))
    demand = pd.DataFrame(
        {
            "population": rng.integers(0, 30, n),
            "old": pd.array(rng.integers(0, 5, n), dtype="Int64"),
            "community_id": rng.choice(["c1", "c2"], n),
            "estate_id": rng.choice(np.array(["e1", "e2", None], dtype=object), n),
        }
    )
    metres = rng.integers(0, 15, n) * 100.0
    gone = rng.random(n) < 0.3
    metres[gone] = np.nan
    reasons = np.where(gone, rng.choice(REASONS, n), None)
    basis = Basis(metres, reasons, metres * 0.7, np.where(gone | (metres == 0), np.nan, 1.4))
    return demand, basis


@given(st.integers(0, 10_000))
@settings(max_examples=60)
def test_rows_are_what_one_unit_at_a_time_gives(seed):
    demand, basis = random_demand(seed)
    table = access_by_unit(
        demand, {"committee": basis}, levels=LEVELS, groups=["old"], norms_m=[300, 500]
    )
    for row in table.itertuples(index=False):
        weight = demand["population" if row.group == ALL else "old"].to_numpy(dtype=float)
        own = np.ones(len(demand), dtype=bool)
        if row.level != ALL:
            column = demand[LEVELS[row.level]]
            own = (column.isna() if row.unit_id is None else column == row.unit_id).to_numpy()
        d, w = basis.metres[own], weight[own]
        known = np.isfinite(d) & (w > 0)
        assert row.residents == w.sum()
        assert row.beyond_300 == w[known & (d > 300)].sum()
        missing = [getattr(row, f"missing_{reason}") for reason in REASONS]
        assert sum(missing) == w[~np.isfinite(d)].sum()
        if known.any():
            assert row.mean_m == pytest.approx(np.average(d[known], weights=w[known]))
            assert row.median_m == weighted_quantile(d[known], w[known], 0.5)
            assert row.p90_m == weighted_quantile(d[known], w[known], 0.9)
            assert row.max_m == d[known].max()
            assert row.gini == pytest.approx(gini(d[known], w[known]), abs=1e-12)
            assert row.ede_m == pytest.approx(kolm_pollak_ede(d[known], w[known]))
        else:
            assert np.isnan(row.gini)
            assert np.isnan(row.ede_m)
            assert np.isnan(row.mean_m)
            assert np.isnan(row.max_m)
        if w.sum():
            assert row.within_500_share == pytest.approx(w[known & (d <= 500)].sum() / w.sum())
            circle = basis.straight_m[own] <= 500
            assert row.straight_500_share == pytest.approx(w[circle].sum() / w.sum())


@given(st.integers(0, 10_000), st.floats(1e-5, 1e-1))
@settings(max_examples=40)
def test_with_one_aversion_per_metre_the_equivalent_walk_of_a_place_lies_between(seed, kappa):
    demand, basis = random_demand(seed)
    table = access_by_unit(
        demand, {"a": basis}, levels=LEVELS, groups=["old"], norms_m=[], kappa_per_m=kappa
    )
    for group, rows in table.groupby("group"):
        counts = demand["population" if group == ALL else "old"].to_numpy(dtype=float)
        known = np.isfinite(basis.metres) & (counts > 0)
        if not known.any():
            continue
        real = kolm_pollak_ede(basis.metres[known], counts[known], kappa_per_m=kappa)
        assert rows.loc[rows["level"] == ALL, "ede_m"].item() == pytest.approx(real)
        units = rows.loc[rows["level"] == "community", "ede_m"].dropna()
        assert units.min() - 1e-6 <= real <= units.max() + 1e-6


@given(st.integers(0, 10_000))
@settings(max_examples=40)
def test_the_rows_of_a_level_add_up_to_all_residents(seed):
    demand, basis = random_demand(seed)
    table = access_by_unit(demand, {"a": basis}, levels=LEVELS, groups=["old"], norms_m=[300])
    for (_, group), rows in table.groupby(["level", "group"]):
        expected = demand["population" if group == ALL else "old"].sum()
        assert rows["residents"].sum() == expected
    shuffled = demand.sample(frac=1, random_state=1)
    moved = Basis(
        *(
            np.asarray(one)[shuffled.index]
            for one in (basis.metres, basis.reasons, basis.straight_m, basis.detour)
        )
    )
    again = access_by_unit(shuffled, {"a": moved}, levels=LEVELS, groups=["old"], norms_m=[300])
    pd.testing.assert_frame_equal(table, again)


@given(st.integers(0, 10_000))
@settings(max_examples=30)
def test_minutes_are_what_one_unit_at_a_time_gives(seed):
    demand, basis = random_demand(seed)
    level_m = np.where(np.arange(len(demand)) % 3 == 0, np.nan, basis.metres * 1.5)
    speeds = WalkingSpeeds({"elderly": 0.8, "wheelchair": 0.5})
    table = minutes_by_unit(demand, basis.metres, level_m, levels=LEVELS, speeds=speeds)
    for row in table.itertuples(index=False):
        own = np.ones(len(demand), dtype=bool)
        if row.level != ALL:
            column = demand[LEVELS[row.level]]
            own = (column.isna() if row.unit_id is None else column == row.unit_id).to_numpy()
        people = demand["population"][own]
        expected = minutes_figures(basis.metres[own], level_m[own], people, speeds=speeds)
        assert row.residents == people.sum()
        for name, value in expected[row.group].items():
            found = getattr(row, name)
            assert np.isnan(found) if value is None else found == pytest.approx(value), name
    for _, rows in table.groupby(["level", "group"]):
        assert rows["residents"].sum() == demand["population"].sum()


def test_a_walk_that_nobody_of_a_group_has_steers_nothing():
    demand = pd.DataFrame({"population": [5, 5], "old": [3, 0]})
    metres = np.array([100.0, 90_000.0])
    basis = Basis(metres, np.array([None, None]), metres, np.array([1.0, 9.0]))
    table = access_by_unit(
        demand, {"a": basis}, levels={}, groups=["old"], norms_m=[], aversion=500.0
    ).set_index("group")
    old = table.loc["old"]
    assert old[["mean_m", "median_m", "p90_m", "max_m", "ede_m"]].tolist() == [100.0] * 5
    assert old["detour"] == 1.0
    assert old["gini"] == 0.0
    assert table.loc[ALL, "ede_m"] > table.loc[ALL, "mean_m"]


# Worst places


def test_the_farthest_home_of_each_place():
    demand = pd.DataFrame(
        {
            "demand_id": ["a", "b", "c", "d", "e", "f"],
            "population": [1, 2, 0, 3, 4, 5],
            "estate_id": ["e1", "e1", "e1", None, None, None],
            "community_id": ["k1", "k1", "k1", "k1", "k2", "k2"],
            "committee_m": [800.0, 900.0, 9999.0, 900.0, np.nan, 100.0],
        }
    )
    assert farthest_places(demand, "committee_m", count=9).tolist() == [1, 3, 5]
    assert farthest_places(demand, "committee_m", count=2).tolist() == [1, 3]


def town_with_canal():
    layer = worlds.streets(
        [(0, 0), (300, 0)],
        [(300, 0), (300, 100)],
        [(300, 100), (0, 100)],
        bridge=[False, True, False],
        name=[None, "长安桥", None],
    )
    water = worlds.layer("water", {"water_id": ["w"]}, [shapely.box(-500, 40, 500, 60)])
    blocks = obstacles(
        water=water, barriers=routes.FREE["barriers"], estates=routes.FREE["estates"]
    )
    network, _ = routes.net(layer)
    return network, blocks, water


def test_a_detour_names_the_canal_and_the_bridge():
    network, blocks, _ = town_with_canal()
    doors = routes.ends(network, [(10, 0)], blocks)
    facilities = routes.ends(network, [(10, 100)], blocks)
    graph = routes.build_graph(network, facilities.snapped)
    [route] = walk_routes(network, graph, [(0, 0)], doors=doors, facilities=facilities)
    gates = worlds.layer("gates", {"gate_id": ["g1", "g2"]}, shapely.points([(50, 0.2), (50, 9)]))
    around = Surroundings(network, blocks, gates)
    why = reason_of_walk(route, shapely.LineString([(10, 0), (10, 100)]), around)
    assert why.en == (
        "680 m on foot for 100 m in a straight line (6.8 times): water across the way; "
        "the walk goes over the bridge 长安桥 and through the gate g1"
    )
    assert why.zh == (
        "直线 100 米，步行 680 米（6.8 倍）：直线方向被水面隔断，"
        "须经桥梁（长安桥）、经出入口（g1）绕行"
    )


def test_a_straight_walk_is_only_far():
    network, blocks, _ = town_with_canal()
    around = Surroundings(network, blocks, empty_layer("gates", crs=worlds.CRS))
    line = shapely.LineString([(0, 0), (300, 0)])
    why = reason_of_walk(Route(line, 300.0, (0,)), line, around)
    assert why.en == "300 m by a nearly straight way: no facility is nearer"
    round_about = reason_of_walk(
        Route(line, 300.0, (0,)), shapely.LineString([(0, 0), (0, 20)]), around
    )
    assert "no street leads straight there" in round_about.en
    assert "没有直通的道路" in round_about.zh


# Service areas


def test_a_service_area_stays_on_its_bank():
    network, blocks, water = town_with_canal()
    facilities = routes.ends(network, [(10, 0)], blocks)
    graph = routes.build_graph(network, facilities.snapped)
    streets = reached_streets(network, graph, facilities, 0, reach_m=200)
    assert shapely.length(streets).sum() == pytest.approx(10 + 200)
    wide = AreaOptions(buffer_m=80)
    area = service_area(streets, blocks, water, options=wide)
    assert area.contains(shapely.Point(100, 30))
    assert not area.contains(shapely.Point(100, 50))
    # 80 m reach over the canal from the street; its far bank is 300 m away by the bridge.
    assert not area.intersects(shapely.box(-500, 60, 500, 200))
    farther = reached_streets(network, graph, facilities, 0, reach_m=500)
    beyond = service_area(farther, blocks, water, options=wide)
    assert beyond.contains(shapely.Point(295, 95))
    assert not beyond.contains(shapely.Point(100, 50))


def test_a_service_area_stays_behind_its_wall():
    network, _, water = town_with_canal()
    walls = worlds.layer(
        "barriers",
        {"barrier_id": ["b"], "kind": ["wall"]},
        [shapely.LineString([(-99, -9), (400, -9)])],
    )
    blocks = obstacles(water=water, barriers=walls, estates=routes.FREE["estates"])
    facilities = routes.ends(network, [(10, 0)], blocks)
    graph = routes.build_graph(network, facilities.snapped)
    streets = reached_streets(network, graph, facilities, 0, reach_m=200)
    area = service_area(streets, blocks, water)
    assert area.contains(shapely.Point(100, -8))
    assert not area.contains(shapely.Point(100, -10))


@settings(max_examples=40)
@given(routes.towns(), st.integers(0, 900))
def test_who_is_in_the_area_walks_no_farther_than_it_says(town, reach_m):
    lines, points = town
    network, graph, doors, facilities, metres = routes.walks(
        worlds.streets(*lines), points[:5], points[5:]
    )
    _, blocks = routes.net(worlds.streets(*lines))
    streets = reached_streets(network, graph, facilities, 0, reach_m=float(reach_m))
    options = AreaOptions(buffer_m=60)
    area = service_area(streets, blocks, routes.FREE["water"], options=options)
    street = network.walkable.geometry.to_numpy()[doors.snapped.edge]
    feet = shapely.line_interpolate_point(street, doors.snapped.offset_m)
    reached = shapely.union_all(streets) if len(streets) else shapely.Point()
    # The facility's own leg belongs to the area too, but a door beside it walks by its street.
    ways = shapely.union_all(network.walkable.geometry.to_numpy()).buffer(1e-6)
    walked = shapely.union_all([one for one in streets if ways.covers(one)])
    for door in range(5):
        at_m = metres[door, 0] - doors.snapped.leg_m[door]
        if at_m <= reach_m - 0.001:
            assert shapely.distance(feet[door], reached) <= 0.001
        inside = area.contains(doors.points[door])
        beside = inside and shapely.distance(doors.points[door], walked) <= options.buffer_m
        if beside and shapely.distance(feet[door], reached) == 0 and at_m <= reach_m:
            assert metres[door, 0] <= reach_m + options.buffer_m + 0.001
        if inside:
            assert shapely.distance(doors.points[door], reached) <= options.buffer_m + 0.001


def test_a_facility_without_a_street_has_no_area():
    network, blocks, water = town_with_canal()
    near = routes.ends(network, [(10, 0)], blocks)
    far = type(near.snapped)(*(np.array([one]) for one in (-1, np.nan, np.nan, "")))
    graph = routes.build_graph(network, far)
    streets = reached_streets(network, graph, type(near)(near.points, far), 0, reach_m=500)
    assert service_area(streets, blocks, water).is_empty
    with pytest.raises(SettingsError, match="buffer of service areas is 0"):
        AreaOptions(buffer_m=0)
