"""Zones of a plain partition: seeds, numbers, names, any number of zones, faults of the input."""

import itertools

import numpy as np
import pandas as pd
import pytest
import shapely

from gridplan.errors import CrsError, InfeasibleError, InputError, SettingsError
from gridplan.zones import SystemOptions, zone_system
from tests.test_zones_system import QUICK, assert_system, cells_of, squares, voronoi


def even(cells, load=10):
    return pd.DataFrame({"residents": load}, index=pd.Index(cells["cell_uid"]))


def planned(cells, weights=None, **options):
    weights = even(cells) if weights is None else weights
    return zone_system(cells, weights, options=SystemOptions(**options))


def test_a_seed_gives_one_plan_and_another_seed_another():
    cells = voronoi(200, 3)
    loads = np.random.default_rng(3).integers(0, 90, 200)
    plans = [planned(cells, even(cells, loads), k=7, seed=seed, **QUICK) for seed in (1, 1, 2)]
    assert plans[0].zone_of.equals(plans[1].zone_of)
    assert not plans[0].zone_of.equals(plans[2].zone_of)


def test_the_input_is_not_changed():
    cells = voronoi(20, 5)
    weights = even(cells)
    before, loads = cells.copy(), weights.copy()
    planned(cells, weights, k=3, **QUICK)
    pd.testing.assert_frame_equal(cells, before)
    pd.testing.assert_frame_equal(weights, loads)


def test_zones_are_numbered_west_to_east_and_north_to_south():
    cells = cells_of(squares(12, 12))
    plan = planned(cells, k=4, tolerance=0.02)
    assert plan.balance["residents"].tolist() == [360.0] * 4
    assert plan.balance["compactness"].min() > 0.7
    corners = {(50, 1150): "Z01", (1150, 1150): "Z02", (50, 50): "Z03", (1150, 50): "Z04"}
    for (x, y), zone in corners.items():
        [cell] = cells.loc[cells.contains(shapely.Point(x, y)), "cell_uid"]
        assert plan.zone_of[cell] == zone


def test_names_have_the_same_width():
    cells = cells_of(squares(120, 1))
    plan = planned(cells, k=120, moves_per_unit=1, least_moves=1)
    assert plan.zone_of.tolist() == [f"Z{number:03d}" for number in range(1, 121)]


@pytest.mark.parametrize(
    ("residents", "k"), [(0, 4), (30_000, 4), (80_000, 8), (110_000, 11), (300_000, 30)]
)
def test_the_number_of_zones_is_proposed_from_the_residents(residents, k):
    cells = cells_of(squares(10, 10))
    assert planned(cells, even(cells, residents // 100), **QUICK).k == k


def test_every_zone_count_on_a_small_block():
    cells = cells_of(squares(4, 3))
    weights = even(cells)
    for k, seed in itertools.product(range(1, 13), range(2)):
        plan = planned(cells, weights, k=k, seed=seed, starts=1, moves_per_unit=20, least_moves=1)
        assert plan.k == k
        assert_system(plan, cells, weights)


def test_lumps_of_residents_are_balanced():
    cells = cells_of(squares(40, 38))
    rng = np.random.default_rng(11)
    residents = rng.gamma(0.3, 100, len(cells)).astype(int) * rng.integers(0, 2, len(cells))
    residents[rng.integers(0, len(cells), 6)] += residents.sum() // 30
    plan = planned(cells, even(cells, residents), k=8, tolerance=0.1)
    assert plan.balance["residents_deviation_share"].abs().max() <= 0.1
    assert plan.balance["compactness"].median() >= 0.45


# Faults


ROW = cells_of(squares(5, 1))
WEIGHTS = even(ROW)


@pytest.mark.parametrize(
    ("cells", "weights", "message"),
    [
        (ROW.drop(columns="cell_uid"), WEIGHTS, "need cells with a column `cell_uid`"),
        (ROW.iloc[:0], WEIGHTS, "there are 0 cells"),
        (ROW.assign(cell_uid="a"), WEIGHTS, "5 of 5 cells have no `cell_uid` or one that.*: a"),
        (ROW, WEIGHTS.iloc[:3], "2 of 5 cells have no weight: c0003, c0004"),
        (ROW.iloc[:3], WEIGHTS, "2 weights belong to no cell: c0003, c0004"),
        (ROW, pd.concat([WEIGHTS, WEIGHTS[:1]]), "1 cells have more than one weight: c0000"),
        (ROW, WEIGHTS - 11, r"5 of 5 weights are missing, negative.*: c0000 = -1"),
        (ROW, WEIGHTS.astype(float).replace(10, np.inf), "5 of 5 weights are missing"),
        (ROW, WEIGHTS.astype(object).replace(10, "ten"), "5 of 5 weights are missing.*= ten"),
        (ROW, WEIGHTS.astype(float) * np.nan, "5 of 5 weights are missing.*= nan"),
    ],
)
def test_cells_and_weights_at_fault(cells, weights, message):
    with pytest.raises(InputError, match=message):
        planned(cells, weights, k=2)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"k": -1}, "number of zones is -1"),
        ({"tolerance": 0}, "tolerance of `tolerance` is 0"),
        ({"tolerance": 20}, "tolerance of `tolerance` is 20"),
        ({"seed": -1}, "seed is -1"),
        ({"starts": 0}, "`starts` is 0"),
        ({"work": 0}, "`work` is 0"),
    ],
)
def test_settings_at_fault(changed, message):
    with pytest.raises(SettingsError, match=message):
        planned(ROW, WEIGHTS, **changed)


def test_all_faults_are_reported_together():
    with pytest.raises(InputError) as caught:
        planned(ROW, WEIGHTS.iloc[:3] * -1, k=-1, tolerance=2)
    assert len(caught.value.lines("zh")) == 4


@pytest.mark.parametrize(
    ("polygons", "k", "message"),
    [
        (squares(5, 1), 6, "6 zones are asked for, but there are 5 cells.*zones is 5"),
        (
            squares(5, 1) + squares(2, 1, west=900) + squares(3, 1, west=1900),
            2,
            "3 pieces with no way between them.*smallest of 2 units.*smallest possible number is 3",
        ),
        ([shapely.box(0, 0, 1, 1), shapely.box(1, 1, 2, 2)], 1, "2 pieces"),
    ],
    ids=["more zones than cells", "more pieces than zones", "a common corner joins nothing"],
)
def test_hard_rules_that_cannot_be_met(polygons, k, message):
    with pytest.raises(InfeasibleError, match=message) as caught:
        planned(cells_of(polygons), k=k)
    assert caught.value.exit_status == 3


@pytest.mark.parametrize("crs", [None, 4326, 3857])
def test_no_metric_crs(crs):
    with pytest.raises(CrsError, match="cells"):
        planned(ROW.set_crs(crs, allow_override=True), WEIGHTS, k=2)
