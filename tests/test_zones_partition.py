"""Zones: connected, complete, balanced, compact, the same for any row order."""

import itertools
import math
import time

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridplan.errors import (
    CrsError,
    InfeasibleError,
    InputError,
    MissingPackageError,
    SettingsError,
)
from gridplan.zones import ZoneOptions, partition_zones
from gridplan.zones import checks as zone_checks
from gridplan.zones.limits import balance_limit

CRS = 4549
BORDER_M = 0.001
QUICK = {"starts": 2, "moves_per_cell": 10, "least_moves": 1000}


def cells_of(polygons):
    ids = [f"c{number:05d}" for number in range(len(polygons))]
    return gpd.GeoDataFrame({"cell_uid": ids}, geometry=list(polygons), crs=CRS)


def squares(columns, rows, *, west=0.0, south=0.0, side=100.0):
    return [
        shapely.box(x, y, x + side, y + side)
        for y in south + side * np.arange(rows)
        for x in west + side * np.arange(columns)
    ]


def voronoi(count, seed):
    """Return a coverage of `count` irregular polygons, all connected."""
    points = np.random.default_rng(seed).uniform(0, 1000, (count, 2)).round(3)
    faces = shapely.voronoi_polygons(shapely.MultiPoint(points))
    return cells_of(shapely.get_parts(faces))


def even(cells, load=10):
    return pd.Series(load, index=cells["cell_uid"])


def rook(cells):
    """Return the rook graph, measured by intersections: no code in common with the package."""
    shapes = cells.geometry.to_numpy()
    left, right = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    shared = shapely.length(shapely.intersection(shapes[left], shapes[right]))
    joined = (left < right) & (shared > BORDER_M)
    ids = cells["cell_uid"].to_numpy()
    graph = nx.Graph(zip(ids[left[joined]], ids[right[joined]], strict=True))
    graph.add_nodes_from(ids)
    return graph


def assert_zones(plan, cells, k):
    """Assert that the zones are complete, k in number and each connected."""
    assert plan.zone_of.index.tolist() == cells["cell_uid"].tolist()
    assert plan.zone_of.nunique() == k == plan.k == len(plan.balance)
    assert plan.zone_of.notna().all()
    graph = rook(cells)
    for _, own in plan.zone_of.groupby(plan.zone_of):
        assert nx.is_connected(graph.subgraph(own.index))


def assert_balance(plan, weights):
    """Assert that the table of the plan is what its cells add up to."""
    loads = weights.groupby(plan.zone_of).sum()
    off = loads / (weights.sum() / plan.k) - 1
    assert plan.balance["load"].to_dict() == pytest.approx(loads.to_dict())
    assert plan.balance["deviation_share"].to_dict() == pytest.approx(off.to_dict(), abs=1e-12)
    assert plan.max_deviation_share == pytest.approx(off.abs().max(), abs=1e-12)
    beyond = off[off.abs() > plan.tolerance + 1e-12].abs()
    noted = plan.targets_missed[0].ids if plan.targets_missed else ()
    assert set(noted) == set(beyond.index)


@settings(max_examples=15)
@given(st.data())
def test_any_planar_land_is_partitioned(data):
    cells = voronoi(data.draw(st.integers(2, 60)), data.draw(st.integers(0, 10**6)))
    k = data.draw(st.integers(1, len(cells)))
    counts = st.lists(st.integers(0, 900), min_size=len(cells), max_size=len(cells))
    weights = pd.Series(data.draw(counts), index=cells["cell_uid"])
    tolerance = data.draw(st.sampled_from([0.02, 0.2]))
    plan = partition_zones(cells, weights, options=ZoneOptions(k=k, tolerance=tolerance, **QUICK))
    assert_zones(plan, cells, k)
    if weights.any():
        assert_balance(plan, weights)
        assert plan.balanced_on == "weights"


@settings(max_examples=15)
@given(st.integers(0, 10**6))
def test_row_order_does_not_matter(seed):
    cells = voronoi(40, seed)
    weights = pd.Series(np.arange(40) % 7, index=cells["cell_uid"])
    options = ZoneOptions(k=5, **QUICK)
    first = partition_zones(cells, weights, options=options)
    shuffled = cells.sample(frac=1, random_state=seed)
    second = partition_zones(shuffled, weights.sample(frac=1, random_state=1), options=options)
    assert second.zone_of.index.tolist() == shuffled["cell_uid"].tolist()
    pd.testing.assert_series_equal(second.zone_of.sort_index(), first.zone_of.sort_index())
    pd.testing.assert_frame_equal(second.balance, first.balance)


def test_a_seed_gives_one_plan_and_another_seed_another():
    cells = cells_of(squares(20, 20))
    weights = pd.Series(np.random.default_rng(3).integers(0, 90, 400), index=cells["cell_uid"])
    plans = [
        partition_zones(cells, weights, options=ZoneOptions(k=7, seed=seed, **QUICK))
        for seed in (1, 1, 2)
    ]
    assert plans[0].zone_of.equals(plans[1].zone_of)
    assert not plans[0].zone_of.equals(plans[2].zone_of)


def test_the_input_is_not_changed():
    cells, weights = voronoi(20, 5), None
    weights = even(cells)
    before, loads = cells.copy(), weights.copy()
    partition_zones(cells, weights, options=ZoneOptions(k=3, **QUICK))
    pd.testing.assert_frame_equal(cells, before)
    pd.testing.assert_series_equal(weights, loads)


# Quality


def connected_sets(graph, cells):
    """Return, for each bit set of cells, whether it is connected."""
    near = [sum(1 << cells.index(other) for other in graph[cell]) for cell in cells]
    known = []
    for members in range(1 << len(cells)):
        reached, before = members & -members, 0
        while reached != before:
            before = reached
            for place, beside in enumerate(near):
                if before >> place & 1:
                    reached |= beside & members
        known.append(members > 0 and reached == members)
    return known


def least_deviation(cells, weights, k):
    """Return the least largest deviation of all partitions into k connected zones."""
    ids = cells["cell_uid"].tolist()
    connected = connected_sets(rook(cells), ids)
    load = [0] * len(connected)
    for members in range(1, len(connected)):
        lowest = members & -members
        load[members] = load[members ^ lowest] + int(weights.iloc[lowest.bit_length() - 1])
    mean = weights.sum() / k

    def best(rest, zones):
        if zones == 1:
            return abs(load[rest] / mean - 1) if connected[rest] else math.inf
        lowest, others = rest & -rest, rest & (rest - 1)
        found, more = math.inf, others
        while True:
            own = others ^ more | lowest
            if more and connected[own]:
                found = min(found, max(abs(load[own] / mean - 1), best(more, zones - 1)))
            if not more:
                return found
            more = (more - 1) & others

    return best(len(connected) - 1, k)


@pytest.mark.parametrize("seed", range(12))
def test_a_feasible_tolerance_is_met_on_land_small_enough_to_enumerate(seed):
    rng = np.random.default_rng(seed)
    cells, k = voronoi(int(rng.integers(6, 11)), seed), int(rng.integers(2, 5))
    weights = pd.Series(rng.integers(0, 500, len(cells)), index=cells["cell_uid"])
    least = least_deviation(cells, weights, k)
    options = ZoneOptions(k=k, tolerance=min(max(least, 1e-3) * 1.001, 1.0))
    plan = partition_zones(cells, weights, options=options)
    assert plan.max_deviation_share >= least - 1e-12
    assert plan.targets_missed == ()


def test_the_enumeration_knows_a_case_worked_out_by_hand():
    row = cells_of(squares(4, 1))
    weights = pd.Series([3, 1, 1, 3], index=row["cell_uid"])
    assert least_deviation(row, weights, 2) == 0.0
    weights = pd.Series([6, 1, 1, 0], index=row["cell_uid"])
    assert least_deviation(row, weights, 2) == 0.5


def test_even_squares_fall_into_even_compact_zones():
    cells = cells_of(squares(50, 50))
    started = time.process_time()
    plan = partition_zones(cells, even(cells), options=ZoneOptions(k=30, tolerance=0.05))
    assert time.process_time() - started < 10
    assert plan.targets_missed == ()
    assert plan.max_deviation_share <= 0.05
    assert plan.balance["compactness"].median() > 0.6
    assert plan.balance["compactness"].min() > 0.4


def test_four_quarters_of_a_square():
    cells = cells_of(squares(12, 12))
    plan = partition_zones(cells, even(cells), options=ZoneOptions(k=4, tolerance=0.02))
    assert plan.balance["load"].tolist() == [360.0] * 4
    assert plan.balance["compactness"].min() > 0.7


def test_lumps_of_residents_are_balanced():
    cells = cells_of(squares(40, 38))
    rng = np.random.default_rng(11)
    residents = rng.gamma(0.3, 100, len(cells)).astype(int) * rng.integers(0, 2, len(cells))
    residents[rng.integers(0, len(cells), 6)] += residents.sum() // 30
    weights = pd.Series(residents, index=cells["cell_uid"])
    plan = partition_zones(cells, weights, options=ZoneOptions(k=8, tolerance=0.1))
    assert plan.max_deviation_share <= 0.1
    assert plan.balance["compactness"].median() >= 0.45


def test_the_work_is_counted_and_limited():
    cells = cells_of(squares(10, 10))
    options = ZoneOptions(k=4, starts=3, moves_per_cell=50, least_moves=100, work=11_000)
    plan = partition_zones(cells, even(cells), options=options)
    assert plan.work == 2 * 5000


# Numbers and names


def test_zones_are_numbered_west_to_east_and_north_to_south():
    cells = cells_of(squares(12, 12))
    plan = partition_zones(cells, even(cells), options=ZoneOptions(k=4, tolerance=0.02))
    corners = {(50, 1150): "Z01", (1150, 1150): "Z02", (50, 50): "Z03", (1150, 50): "Z04"}
    for (x, y), zone in corners.items():
        [cell] = cells.loc[cells.contains(shapely.Point(x, y)), "cell_uid"]
        assert plan.zone_of[cell] == zone


def test_names_have_the_same_width():
    cells = cells_of(squares(120, 1))
    options = ZoneOptions(k=120, moves_per_cell=1, least_moves=1)
    plan = partition_zones(cells, even(cells), options=options)
    assert plan.zone_of.tolist() == [f"Z{number:03d}" for number in range(1, 121)]


@pytest.mark.parametrize(
    ("residents", "k"), [(0, 4), (30_000, 4), (80_000, 8), (110_000, 11), (300_000, 30)]
)
def test_the_number_of_zones_is_proposed_from_the_residents(residents, k):
    cells = cells_of(squares(10, 10))
    plan = partition_zones(cells, even(cells, residents // 100), options=ZoneOptions(**QUICK))
    assert plan.k == k


def test_a_proposal_fits_the_land():
    few = cells_of(squares(3, 1))
    plan = partition_zones(few, even(few), options=ZoneOptions(**QUICK))
    assert plan.k == 3
    assert [note.code for note in plan.notes] == ["zones_proposed"]
    islands = cells_of([shapely.box(x, 0, x + 1, 1) for x in range(0, 12, 2)])
    plan = partition_zones(islands, even(islands), options=ZoneOptions(**QUICK))
    assert plan.k == 6
    assert "4 zones would suit" in plan.notes[0].message.en


# Land in pieces, and targets that cannot be met


def test_each_island_has_a_zone_of_its_own():
    polygons = squares(10, 10) + squares(2, 1, west=2000) + squares(5, 4, south=-3000)
    cells = cells_of(polygons)
    weights = even(cells)
    plan = partition_zones(cells, weights, options=ZoneOptions(k=6, tolerance=0.3))
    assert_zones(plan, cells, 6)
    assert_balance(plan, weights)
    zones = plan.zone_of.to_numpy()
    assert len(set(zones[:100])) == 4
    assert len(set(zones[100:102])) == 1
    assert [note.code for note in plan.notes] == ["zones_in_pieces"]
    assert plan.notes[0].count == 3
    [missed] = plan.targets_missed
    assert set(zones[100:102]) <= set(missed.ids)


def test_a_common_corner_does_not_join_land():
    cells = cells_of([shapely.box(0, 0, 1, 1), shapely.box(1, 1, 2, 2)])
    with pytest.raises(InfeasibleError, match="2 pieces"):
        partition_zones(cells, even(cells), options=ZoneOptions(k=1))


def test_one_cell_heavier_than_a_zone_is_named():
    cells = cells_of(squares(6, 6))
    weights = even(cells)
    weights["c00014"] = 400
    plan = partition_zones(cells, weights, options=ZoneOptions(k=4, tolerance=0.1))
    assert_zones(plan, cells, 4)
    [missed] = plan.targets_missed
    assert missed.ids[0] == plan.zone_of["c00014"]
    assert "binds: 400 (+113.3%), of which 400 in cell c00014 alone" in missed.message.en
    assert "c00014 独占 400" in missed.message.zh


def test_without_residents_area_is_balanced():
    cells = cells_of(squares(10, 10))
    plan = partition_zones(cells, even(cells, 0), options=ZoneOptions(k=5))
    assert plan.balanced_on == "area"
    assert [note.code for note in plan.notes] == ["zones_by_area"]
    assert math.fsum(plan.balance["load"]) == pytest.approx(1e6)
    assert plan.max_deviation_share <= 0.2


@pytest.mark.parametrize("k", [1, 6])
def test_as_many_zones_as_cells_and_only_one(k):
    cells = cells_of(squares(3, 2))
    plan = partition_zones(cells, even(cells), options=ZoneOptions(k=k))
    assert_zones(plan, cells, k)
    assert plan.max_deviation_share == 0


# METIS


@settings(max_examples=10)
@given(st.data())
def test_metis_as_a_start_gives_valid_zones(data):
    pytest.importorskip("pymetis")
    cells = voronoi(data.draw(st.integers(2, 60)), data.draw(st.integers(0, 10**6)))
    k = data.draw(st.integers(1, len(cells)))
    weights = pd.Series(np.arange(len(cells)) ** 2 % 13, index=cells["cell_uid"])
    options = ZoneOptions(k=k, start="metis", **QUICK)
    plan = partition_zones(cells, weights, options=options)
    assert_zones(plan, cells, k)
    if weights.any():
        assert_balance(plan, weights)
    assert plan.start in ("own", "metis")


def test_the_start_that_won_is_told():
    pytest.importorskip("pymetis")
    cells = cells_of(squares(12, 12))
    found = set()
    for seed in range(8):
        options = ZoneOptions(k=9, seed=seed, start="metis", starts=1, moves_per_cell=5)
        found.add(partition_zones(cells, even(cells), options=options).start)
    assert found == {"own", "metis"}


def test_without_metis_the_own_start_is_used():
    cells = cells_of(squares(6, 6))
    assert partition_zones(cells, even(cells), options=ZoneOptions(k=4)).start == "own"


def test_metis_asked_for_and_not_installed(monkeypatch):
    monkeypatch.setattr(zone_checks, "metis_is_installed", lambda: False)
    cells = cells_of(squares(2, 2))
    with pytest.raises(MissingPackageError, match="needs the package pymetis"):
        partition_zones(cells, even(cells), options=ZoneOptions(k=2, start="metis"))


# Faults


ROW = cells_of(squares(5, 1))
WEIGHTS = even(ROW)


@pytest.mark.parametrize(
    ("cells", "weights", "message"),
    [
        (ROW.drop(columns="cell_uid"), WEIGHTS, "need cells with a column `cell_uid`"),
        (ROW.iloc[:0], WEIGHTS, "there are 0 cells"),
        (ROW.assign(cell_uid="a"), WEIGHTS, "5 of 5 cells have no `cell_uid` or one that.*: a"),
        (ROW, WEIGHTS.iloc[:3], "2 of 5 cells have no weight: c00003, c00004"),
        (ROW.iloc[:3], WEIGHTS, "2 weights belong to no cell: c00003, c00004"),
        (ROW, pd.concat([WEIGHTS, WEIGHTS[:1]]), "1 cells have more than one weight: c00000"),
        (ROW, WEIGHTS - 11, r"5 of 5 weights are missing, negative.*: c00000 = -1"),
        (ROW, WEIGHTS.astype(float).replace(10, np.inf), "5 of 5 weights are missing"),
        (ROW, WEIGHTS.astype(object).replace(10, "ten"), "5 of 5 weights are missing.*= ten"),
        (ROW, WEIGHTS.astype(float) * np.nan, "5 of 5 weights are missing.*= nan"),
    ],
)
def test_cells_and_weights_at_fault(cells, weights, message):
    with pytest.raises(InputError, match=message):
        partition_zones(cells, weights, options=ZoneOptions(k=2))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"k": -1}, "number of zones is -1"),
        ({"tolerance": 0}, "tolerance is 0"),
        ({"tolerance": 20}, "tolerance is 20.*0.20 for ±20 %"),
        ({"seed": -1}, "seed is -1"),
        ({"starts": 0}, "`starts` is 0"),
        ({"work": 0}, "`work` is 0"),
        ({"start": "kmeans"}, "start `kmeans` is unknown"),
    ],
)
def test_settings_at_fault(changed, message):
    with pytest.raises(SettingsError, match=message):
        partition_zones(ROW, WEIGHTS, options=ZoneOptions(**changed))


def test_all_faults_are_reported_together():
    with pytest.raises(InputError) as caught:
        partition_zones(ROW, WEIGHTS.iloc[:3] * -1, options=ZoneOptions(k=-1, tolerance=2))
    assert len(caught.value.lines("zh")) == 4


@pytest.mark.parametrize(
    ("polygons", "k", "message"),
    [
        (squares(5, 1), 6, "6 zones are asked for, but there are 5 cells.*zones is 5"),
        (
            squares(5, 1) + squares(2, 1, west=900) + squares(3, 1, south=900),
            2,
            "3 pieces that share no border, the smallest of 2 cells.*number of zones is 3",
        ),
    ],
    ids=["more zones than cells", "more pieces than zones"],
)
def test_hard_rules_that_cannot_be_met(polygons, k, message):
    cells = cells_of(polygons)
    with pytest.raises(InfeasibleError, match=message) as caught:
        partition_zones(cells, even(cells), options=ZoneOptions(k=k))
    assert caught.value.exit_status == 3


@pytest.mark.parametrize("crs", [None, 4326, 3857])
def test_no_metric_crs(crs):
    cells = ROW.set_crs(crs, allow_override=True)
    with pytest.raises(CrsError, match="cells"):
        partition_zones(cells, WEIGHTS, options=ZoneOptions(k=2))


def test_every_zone_count_on_a_small_block():
    cells = cells_of(squares(4, 3))
    for k, seed in itertools.product(range(1, 13), range(2)):
        options = ZoneOptions(k=k, seed=seed, starts=1, moves_per_cell=20, least_moves=1)
        assert_zones(partition_zones(cells, even(cells), options=options), cells, k)


def test_more_zones_than_the_heaviest_cell_allows_is_said_and_quick():
    cells = cells_of(squares(40, 40))
    weights = even(cells)
    weights["c00014"] = 1000
    options = ZoneOptions(k=200, tolerance=0.2)
    began = time.perf_counter()
    plan = partition_zones(cells, weights, options=options)
    assert time.perf_counter() - began < 20
    assert_zones(plan, cells, 200)
    # No course was spent on a balance that no partition has.
    assert plan.work == options.starts * options.moves_per_cell * len(cells)
    [missed] = plan.targets_missed
    assert "cell c00014 alone has 1,000, the mean of a zone is 85" in missed.message.en
    assert "Ask for at most 20 zones" in missed.message.en
    assert "不超过 20" in missed.message.zh


def test_fewer_cells_with_residents_than_zones_is_said():
    cells = cells_of(squares(6, 1))
    weights = pd.Series([10, 0, 10, 0, 10, 0], index=cells["cell_uid"])
    plan = partition_zones(cells, weights, options=ZoneOptions(k=5, tolerance=0.9, **QUICK))
    [missed] = plan.targets_missed
    assert "only 3 cells have any load. Ask for at most 3 zones" in missed.message.en
    assert "只有 3 个" in missed.message.zh


@given(
    loads=st.lists(st.integers(0, 20), min_size=2, max_size=6).filter(any),
    k=st.integers(2, 5),
    tolerance=st.sampled_from([0.1, 0.3, 1.0]),
)
def test_a_balance_that_is_ruled_out_does_not_exist(loads, k, tolerance):
    limit = balance_limit(
        np.array(loads, dtype=float), pd.Series(list("abcdef")[: len(loads)]), k, tolerance
    )
    if limit is None or k > len(loads):
        return
    mean = sum(loads) / k
    for zone in itertools.product(range(k), repeat=len(loads)):
        sums = np.bincount(zone, weights=loads, minlength=k)
        within = (np.abs(sums - mean) <= tolerance * mean + 1e-9).all()
        assert not (within and len(set(zone)) == k)
