"""The checks by themselves: edge cases, layers drawn by hand, oracles and invariants."""

import itertools
import math

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import box

from gridplan import verify
from gridplan.verify import Tolerances, check_claims, check_codes, verify_plan
from gridplan.verify import contact as contact_module
from gridplan.verify.contact import components, neighbours, rook, second_largest

FEW = settings(max_examples=30, deadline=None)
UNIT = box(0, 0, 1000, 1000)


def rules(checked):
    return sorted({one.rule for one in checked.findings})


def layer(polygons, **columns):
    return pd.DataFrame({**columns, "geometry": list(polygons)})


def cut(rectangle, rng, depth):
    """Cut a rectangle at random, without vertices where cuts of neighbours end."""
    x0, y0, x1, y1 = rectangle
    if depth == 0 or min(x1 - x0, y1 - y0) < 20:
        return [rectangle]
    share = rng.uniform(0.3, 0.7)
    if rng.random() < 0.5:
        x = round(x0 + share * (x1 - x0), 3)
        halves = [(x0, y0, x, y1), (x, y0, x1, y1)]
    else:
        y = round(y0 + share * (y1 - y0), 3)
        halves = [(x0, y0, x1, y), (x0, y, x1, y1)]
    return [one for half in halves for one in cut(half, rng, depth - 1)]


def random_partition(seed):
    rng = np.random.default_rng(seed)
    return [box(*one) for one in cut((0.0, 0.0, 1000.0, 1000.0), rng, 4)]


# --- geometry -----------------------------------------------------------------------------------


@FEW
@given(st.integers(0, 10_000))
def test_a_random_partition_tiles_and_losing_any_cell_shows(seed):
    cells = random_partition(seed)
    whole = verify.check_tiling(layer(cells), UNIT)
    assert whole.figures["cells_tiling_error_m2"] == pytest.approx(0, abs=1e-6)
    assert not {"gap", "overlap", "outside"} & set(rules(whole))
    lost = verify.check_tiling(layer(cells[1:]), UNIT)
    assert lost.figures["cells_gap_m2"] == pytest.approx(cells[0].area)
    twice = verify.check_tiling(layer([*cells, cells[0]]), UNIT)
    assert twice.figures["cells_tiling_error_m2"] == pytest.approx(cells[0].area)


@FEW
@given(st.integers(0, 10_000))
def test_neighbours_agree_with_brute_force(seed):
    cells = np.array(random_partition(seed), dtype=object)
    pairs = neighbours(cells)
    found = set(map(tuple, pairs.loc[pairs["joined"], ["left", "right"]].to_numpy().tolist()))
    expected = {
        (a, b)
        for a, b in itertools.combinations(range(len(cells)), 2)
        if cells[a].intersection(cells[b]).length > 0
    }
    assert found == expected
    assert pairs["area_m2"].max() == 0


@FEW
@given(st.lists(st.tuples(st.integers(0, 14), st.integers(0, 14)), max_size=20))
def test_components_agree_with_networkx(edges):
    graph = nx.Graph()
    graph.add_nodes_from(range(15))
    graph.add_edges_from(edges)
    expected = {node: min(part) for part in nx.connected_components(graph) for node in part}
    found = components(15, [a for a, _ in edges], [b for _, b in edges])
    assert dict(enumerate(found.tolist())) == expected


@FEW
@given(st.lists(st.tuples(st.integers(0, 4), st.floats(0, 9)), max_size=20))
def test_second_largest_agrees_with_sorting(rows):
    groups = np.array([group for group, _ in rows], dtype=np.intp)
    found = second_largest(groups, np.array([value for _, value in rows], dtype=float), count=5)
    for group in range(5):
        values = sorted((value for one, value in rows if one == group), reverse=True)
        assert found[group] == (values[1] if len(values) > 1 else 0)


def test_a_border_counts_where_vertices_lie_beside_it():
    left, corner = box(0, 0, 10, 10), box(10, 10, 20, 20)
    beside = box(10.004, 0, 20, 10)
    shapes = np.array([left, beside, corner], dtype=object)
    pairs = neighbours(shapes)
    joined = pairs[rook(shapes, pairs)]
    assert joined[["left", "right"]].to_numpy().tolist() == [[0, 1], [1, 2]]


@pytest.mark.parametrize(("length_m", "severity"), [(5, "soft"), (50, "hard")])
def test_a_gap_is_hard_from_a_hundredth_of_a_square_metre_in_total(length_m, severity):
    cells = [box(0, 0, 10 - 0.001, length_m), box(10, 0, 20, length_m)]
    found = verify.check_tiling(layer(cells), box(0, 0, 20, length_m))
    assert [(one.rule, one.severity) for one in found.findings if one.rule == "gap"] == [
        ("gap", severity)
    ]


def test_a_lost_cell_is_located_between_those_beside_it():
    grid = [box(x, y, x + 10, y + 10) for y in (0, 10, 20) for x in (0, 10, 20)]
    names = list("abcdefghi")
    cells = layer(grid, cell_id=names).drop(index=4)
    (gap,) = verify.check_tiling(cells, box(0, 0, 30, 30)).findings
    assert gap.ids == ("b + d + f + h",)
    assert gap.amount == 100
    assert gap.where.equals(grid[4])


def test_no_cells_leave_the_whole_sub_district_as_a_gap():
    report = verify_plan({"boundary": layer([UNIT], name=["A"]), "cells": layer([], cell_id=[])})
    assert report.proofs["tiling_error_m2"] == UNIT.area
    assert report.of_rule("gap")[0].amount == UNIT.area


def test_a_boundary_that_crosses_itself_is_named_and_proves_nothing():
    bowtie = shapely.Polygon([(0, 0), (10, 10), (10, 0), (0, 10)])
    report = verify_plan({"boundary": layer([bowtie], name=["A"]), "cells": layer([UNIT])})
    assert report.of_rule("invalid")[0].layer == "boundary"
    assert report.proofs["tiling_error_m2"] is None
    assert not report.ok


def test_an_overlay_that_fails_is_a_finding(monkeypatch):
    def fail(*_):
        message = "TopologyException: side location conflict"
        raise shapely.GEOSException(message)

    monkeypatch.setattr(contact_module.shapely, "relate", fail)
    report = verify_plan({"boundary": layer([UNIT], name=["A"]), "cells": layer([UNIT])})
    (found,) = report.of_rule("not_measured")
    assert found.ids == ("TopologyException: side location conflict",)
    assert "cell_tiling" in found.message.zh
    assert not report.ok


# --- layers drawn by hand -----------------------------------------------------------------------


def by_hand():
    cells = layer(
        [box(0, 0, 500, 1000), box(500, 0, 1000, 1000)],
        cell_id=["320583102001001", "320583102001002"],
    )
    return {"boundary": layer([UNIT], name=["A"]), "cells": cells}


def test_a_boundary_and_cells_suffice():
    report = verify_plan(by_hand())
    assert report.ok
    assert [(one.rule, one.ids) for one in report.findings] == [("column_missing", ("cell_uid",))]
    assert dict(report.proofs) == {
        "tiling_error_m2": 0,
        "buildings_cut": None,
        "communities_crossed": None,
        "zones_disconnected": None,
    }
    assert "buildings" in report.skipped
    assert "cell_tiling" in report.checked


def test_hand_drawn_cells_with_zone_ids_are_checked_for_connection():
    layers = by_hand()
    strips = [box(x, 0, x + 250, 1000) for x in (0, 250, 500, 750)]
    codes = [f"32058310200100{n}" for n in range(1, 5)]
    layers["cells"] = layer(strips, cell_id=codes, zone_id=["a", "b", "b", "a"])
    report = verify_plan(layers)
    assert report.proofs["zones_disconnected"] == 1
    assert report.of_rule("zone_disconnected")[0].ids == ("main/a (2)",)


@pytest.mark.parametrize(
    ("polygons", "rule"),
    [
        ([box(0, 0, 500, 1000), box(500, 0, 1000, 1000)], None),
        ([box(0, 0, 500, 1000), box(510, 0, 1000, 1000)], "gap"),
        ([box(0, 0, 510, 1000), box(500, 0, 1000, 1000)], "overlap"),
        ([box(0, 0, 500, 1000), box(500, 0, 1001, 1000)], "outside"),
    ],
)
def test_zones_drawn_without_cells_must_tile_the_boundary(polygons, rule):
    layers = {"boundary": layer([UNIT], name=["A"]), "zones": layer(polygons, zone_id=["a", "b"])}
    report = verify_plan(layers)
    assert report.ok == (rule is None)
    assert rule is None or report.of_rule(rule)[0].layer == "zones"
    assert report.proofs["zones_disconnected"] == 0


@pytest.mark.parametrize(("method", "severity"), [("square", "soft"), ("fabric", "hard")])
def test_a_cut_building_is_soft_for_squares(method, severity):
    layers = by_hand() | {"in_buildings": layer([box(490, 5, 505, 15)], building_id=["b"])}
    report = verify_plan(layers, cells_method=method)
    assert report.proofs["buildings_cut"] == 1
    (found,) = report.of_rule("building_cut")
    assert (found.severity, found.amount) == (severity, 50.0)
    assert report.ok == (severity == "soft")


def test_the_second_cell_may_hold_a_hundredth_of_a_square_metre():
    cells = by_hand()["cells"]
    for reach, cut_buildings in ((0.0009, 0), (0.0011, 1)):
        building = layer([box(490, 0, 500 + reach, 10)], building_id=["b"])
        found = verify.check_buildings(cells, building)
        assert found.figures["buildings_cut"] == cut_buildings


# --- codes --------------------------------------------------------------------------------------


def coded(codes, communities):
    return pd.DataFrame({"cell_id": codes, "community_id": communities})


def test_a_community_without_a_code_has_one_front_of_its_own():
    codes = ["900000000001001", "900000000001002", "900000000002001"]
    assert not check_codes(coded(codes, ["r1", "r1", "r2"])).findings
    shared = check_codes(coded(codes, ["r1", "r2", "r2"]))
    assert [(one.rule, one.ids) for one in shared.findings] == [
        ("code_community", ("900000000001002",))
    ]


def test_order_is_free_of_the_height_of_rows():
    x, y = np.meshgrid(np.arange(5) * 100.0, np.arange(5) * 100.0)
    centres = np.column_stack([x.ravel(), y.ravel()]) + np.random.default_rng(3).uniform(
        -30, 30, (25, 2)
    )
    for height in (80.0, 137.0):
        order = np.lexsort((centres[:, 0], -np.floor(centres[:, 1] / height)))
        codes = [f"320583102001{n + 1:03d}" for n in range(25)]
        cells = layer([shapely.Point(*centres[n]).buffer(20) for n in order], cell_id=codes)
        assert not check_codes(cells).findings
        cells["cell_id"] = [codes[20], *codes[1:20], codes[0], *codes[21:]]
        (found,) = check_codes(cells).findings
        assert (found.rule, found.severity) == ("code_order", "soft")
        assert set(found.ids) <= {codes[0], codes[20]}
        assert not check_codes(cells, ordered=False).findings


def test_another_profile_takes_other_codes():
    profile = verify.CodeProfile(pattern="[0-9A-Z]{14}", community_length=11)
    assert not check_codes(coded(["3205831020A001"], ["r1"]), profile=profile).findings
    assert rules(check_codes(coded(["3205831020A001"], ["r1"]))) == ["code_malformed"]


# --- claims of a siting -------------------------------------------------------------------------


def served(room_m=(100.0, 300.0, np.nan), population=(10, 20, 5)):
    return pd.DataFrame({"population": population, "room_m": room_m})


@pytest.mark.parametrize(
    ("model", "objective", "extra"),
    [
        ("p-median", 7000.0, {}),
        ("p_center", 300.0, {}),
        ("mclp", 10.0, {"radius_m": 200.0}),
        ("lscp", 4.0, {}),
    ],
)
def test_each_model_has_its_objective(model, objective, extra):
    said = {"model": model, "lower_bound": objective, "gap": 0.0, "status": "proven", **extra}
    right = check_claims({**said, "objective": objective}, served(), rooms=4)
    assert right.findings == ()
    assert right.figures["siting_objective"] == objective
    wrong = check_claims({**said, "objective": objective + 1}, served(), rooms=4)
    assert "objective_differs" in rules(wrong)


@pytest.mark.parametrize(
    ("room_m", "bound", "proven"),
    [
        ((100.0, 300.0, np.nan), 6999.5, True),
        ((100.0, 300.0, np.nan), 6998.5, False),
        ((100.5, 299.75, np.nan), 6999.5, False),
    ],
)
def test_less_than_one_is_a_proof_on_whole_numbers_only(room_m, bound, proven):
    said = {"model": "p_median", "objective": 7000.0, "lower_bound": bound, "status": "proven"}
    found = check_claims({**said, "gap": (7000 - bound) / 7000}, served(room_m))
    assert ("status_unproven" not in rules(found)) == proven


def test_a_bound_of_a_maximum_lies_above():
    said = {"model": "mclp", "objective": 10.0, "status": "gap", "radius_m": 200.0}
    above = check_claims({**said, "lower_bound": 12.0, "gap": 0.2}, served())
    below = check_claims({**said, "lower_bound": 8.0, "gap": 0.2}, served())
    assert rules(above) == []
    assert rules(below) == ["bound_wrong"]


def test_a_siting_that_found_no_plan_claims_nothing():
    said = {"model": "p_median", "objective": None, "lower_bound": None, "status": "infeasible"}
    assert check_claims(said, served()).findings == ()
    assert rules(check_claims({**said, "status": "proven"}, served())) == ["status_unproven"]


# --- residents ----------------------------------------------------------------------------------


def test_counts_that_were_not_given_are_not_compared():
    demand = pd.DataFrame({"population": [3, 4], "elderly": [1, 1], "community_id": ["a", "b"]})
    table = pd.DataFrame(
        {
            "level": ["community", "community", "total"],
            "unit_id": ["a", "b", "place"],
            "population": [3, math.nan, 7],
            "elderly": [math.nan, math.nan, 2],
            "households": [1, 2, 3],
        }
    )
    assert verify.check_residents(demand, table).findings == ()
    lost = verify.check_residents(demand.assign(elderly=[1, 0]), table)
    assert [one.ids for one in lost.findings] == [("place: 1 / 2",)]
    assert lost.figures["residents_error"] == 1


def test_counts_of_estates_are_compared_and_texts_are_not():
    demand = pd.DataFrame(
        {"population": [3, 4], "community_id": ["a", "a"], "estate_id": ["e", None]}
    )
    table = pd.DataFrame(
        {
            "level": ["community", "estate"],
            "unit_id": ["a", "e"],
            "population": [7, 3],
            "as_of": "2026-06-30",
            "source": "台账",
            "grade": ["B", "A"],
        }
    )
    assert verify.check_residents(demand, table).findings == ()
    lost = verify.check_residents(demand.assign(population=[2, 5]), table)
    assert [one.ids for one in lost.findings] == [("e: 2 / 3",)]


def test_a_group_that_demand_lacks_is_a_missing_column():
    demand = pd.DataFrame({"population": [3], "community_id": ["a"]})
    table = pd.DataFrame(
        {"level": ["total"], "unit_id": ["place"], "population": [3], "elderly": [1]}
    )
    (found,) = verify.check_residents(demand, table).findings
    assert (found.rule, found.ids) == ("column_missing", ("elderly",))


def test_tolerances_are_the_callers():
    cells = [box(0, 0, 9, 10), box(10, 0, 20, 10)]
    strict = verify.check_tiling(layer(cells), box(0, 0, 20, 10))
    lax = verify.check_tiling(layer(cells), box(0, 0, 20, 10), tolerances=Tolerances(area_m2=10))
    assert [one.severity for one in strict.findings] == ["hard"]
    assert [one.severity for one in lax.findings] == ["soft"]
