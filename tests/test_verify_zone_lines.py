"""Borders on streets, counted by points; balance of zones that somebody drew."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from gridplan.verify import Tolerances, verify_plan
from gridplan.verify.zone_lines import line_findings
from gridplan.zones import border_share
from tests.test_verify_zone_allowed import FewLayers

PAIR = shapely.box([0, 100], 0, [100, 200], 100)
STREETS = np.array([shapely.LineString([(101, -10), (101, 40)])])


def layers_of(streets):
    few = FewLayers()
    few.layers = {
        "zones": gpd.GeoDataFrame({"zone_system": ["s", "s"]}, geometry=PAIR),
        "in_streets": gpd.GeoDataFrame(geometry=streets),
        "in_water": gpd.GeoDataFrame(geometry=streets[:0]),
    }
    return few


def test_the_share_of_borders_on_streets_is_counted_again():
    told = border_share(PAIR, streets=STREETS, water=STREETS[:0])
    assert told == pytest.approx(0.42, abs=0.01)
    assert not line_findings(layers_of(STREETS), {"s": {"border_share": told}})
    (found,) = line_findings(layers_of(STREETS), {"s": {"border_share": 0.9}})
    assert found.ids == ("s border_share",)
    assert line_findings(layers_of(STREETS), {"s": {"border_share": None}})
    assert not line_findings(layers_of(STREETS[:0]), {"s": {"border_share": 0.0}})


def test_zones_drawn_by_hand_are_held_to_a_tolerance_that_is_asked():
    zones = gpd.GeoDataFrame({"zone_id": ["a", "b"]}, geometry=PAIR, crs=4549)
    demand = gpd.GeoDataFrame({"population": [30.0, 70.0]},
                              geometry=shapely.points([50, 150], 50), crs=4549)  # fmt: skip
    layers = {"boundary": gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 200, 100)], crs=4549),
              "zones": zones, "demand": demand}  # fmt: skip
    assert not verify_plan(layers).of_rule("zone_unbalanced")
    assert not verify_plan(layers, tolerances=Tolerances(zone_share=0.5)).of_rule("zone_unbalanced")
    (found,) = verify_plan(layers, tolerances=Tolerances(zone_share=0.3)).of_rule("zone_unbalanced")
    assert found.ids == ("main/b (population 70)", "main/a (population 30)")[::-1]
    assert "35" in found.message.en


# --- zones drawn by hand, without cells -----------------------------------------------------------


def drawn(ids, boxes, **more):
    columns = {"zone_id": ids, **more}
    return gpd.GeoDataFrame(columns, geometry=[shapely.box(*one) for one in boxes], crs=4549)


@pytest.mark.parametrize(
    ("ids", "boxes", "rules", "pieces"),
    [
        # Two rows of one zone that join are one zone, though drawn in two rows.
        (["a", "a", "b"], [(0, 0, 50, 100), (50, 0, 100, 100), (100, 0, 200, 100)],
         {"id_repeated"}, 0),
        (["a", "b", "a"], [(0, 0, 50, 100), (50, 0, 100, 100), (100, 0, 200, 100)],
         {"id_repeated", "zone_disconnected"}, 1),
        # A corner does not join.
        (["a", "b", "a"], [(0, 0, 100, 50), (100, 0, 200, 50), (100, 50, 200, 100)],
         {"id_repeated", "zone_disconnected"}, 1),
        (["a", "b"], [(0, 0, 110, 100), (100, 0, 200, 100)], {"overlap"}, 0),
        (["a", None], [(0, 0, 100, 100), (100, 0, 200, 100)], {"id_missing"}, 0),
        (["a", "b"], [(0, 0, 100, 100), (100, 0, 200, 100)], set(), 0),
    ],
)  # fmt: skip
def test_zones_drawn_alone_are_checked_without_a_boundary(ids, boxes, rules, pieces):
    report = verify_plan({"zones": drawn(ids, boxes)})
    found = {one.rule for one in report.findings} - {"layer_missing", "edges_differ"}
    assert found == rules
    assert report.proofs["zones_disconnected"] == pieces
    assert "zone_balance" in report.skipped


def test_the_same_id_in_two_systems_is_no_repetition():
    boxes = [(0, 0, 100, 100), (100, 0, 200, 100)] * 2
    frame = drawn(["a", "b"] * 2, boxes, zone_system=["s", "s", "t", "t"])
    report = verify_plan({"zones": frame})
    assert {one.rule for one in report.findings} == {"layer_missing"}


@pytest.mark.parametrize("by_cells", [True, False])
def test_balance_of_drawn_zones_is_of_whole_zones(by_cells):
    boxes = [(0, 0, 50, 100), (50, 0, 100, 100), (100, 0, 200, 100)]
    if by_cells:
        cells = drawn(["a", "a", "b"], boxes, population=[20.0, 20.0, 60.0])
        layers = {"cells": cells}
    else:
        points = shapely.points([25, 75, 150], 50)
        homes = gpd.GeoDataFrame({"population": [20.0, 20.0, 60.0]}, geometry=points, crs=4549)
        layers = {"zones": drawn(["a", "a", "b"], boxes), "demand": homes}
    report = verify_plan(layers, tolerances=Tolerances(zone_share=0.1))
    (found,) = report.of_rule("zone_unbalanced")
    assert found.ids == ("main/a (population 40)", "main/b (population 60)")
    assert "45–55 residents" in found.message.en
    assert not verify_plan(layers, tolerances=Tolerances(zone_share=0.2)).of_rule("zone_unbalanced")
    assert "zone_balance" in report.checked


def test_a_finding_on_zones_is_where_its_own_system_has_them():
    boxes = [(0, 0, 100, 100), (100, 0, 200, 100)]
    homes = gpd.GeoDataFrame(
        {"population": [10.0, 90.0]}, geometry=shapely.points([50, 150], 50), crs=4549
    )
    frame = drawn(["a", "b", "a", "b"], [*boxes, *boxes[::-1]], zone_system=[*"sstt"])
    report = verify_plan({"zones": frame, "demand": homes}, tolerances=Tolerances(zone_share=0.1))
    first, second = report.of_rule("zone_unbalanced")
    assert first.ids[0] == "s/a (population 10)"
    assert first.where.geoms[0].equals(frame.geometry[0])
    assert second.ids[0] == "t/a (population 90)"
    assert second.where.geoms[0].equals(frame.geometry[2])


@pytest.mark.parametrize("claims", [[40, 40, 60], [40, None, 60], [20, 20, 60]])
def test_rows_of_one_zone_may_each_tell_its_residents_or_all_together(claims):
    boxes = [(0, 0, 50, 100), (50, 0, 100, 100), (100, 0, 200, 100)]
    points = shapely.points([25, 75, 150], 50)
    homes = gpd.GeoDataFrame({"population": [20.0, 20.0, 60.0]}, geometry=points, crs=4549)
    zones = drawn(["a", "a", "b"], boxes, population=claims)
    assert not verify_plan({"zones": zones, "demand": homes}).of_rule("zone_sums")
    (wrong,) = verify_plan({"zones": zones.assign(population=[1, 1, 60]), "demand": homes}).of_rule(
        "zone_sums"
    )
    assert wrong.ids == ("main/a",)


def test_homes_on_a_common_border_count_once_and_those_outside_are_told():
    boxes = [(0, 0, 100, 100), (100, 0, 200, 100)]
    points = shapely.points([100, 50, 150, 500], 50)
    homes = gpd.GeoDataFrame({"population": [50.0, 10.0, 20.0, 900.0]}, geometry=points, crs=4549)
    for claims in ([60, 20], [10, 70], [10, 20]):
        zones = drawn(["a", "b"], boxes, population=claims)
        report = verify_plan({"zones": zones, "demand": homes})
        assert not report.of_rule("zone_sums")
        assert report.figures["zones_drawn_max_over_mean/main"] == pytest.approx(1.5)
        (outside,) = report.of_rule("zone_homes_outside")
        assert outside.amount == 900.0


def test_parts_of_a_zone_that_another_row_of_it_joins_are_no_fault():
    ends = shapely.MultiPolygon([shapely.box(0, 0, 50, 100), shapely.box(100, 0, 150, 100)])
    zones = gpd.GeoDataFrame(
        {"zone_id": ["a", "a"]}, geometry=[ends, shapely.box(50, 0, 100, 100)], crs=4549
    )
    report = verify_plan({"zones": zones})
    assert report.proofs["zones_disconnected"] == 0
    assert not report.of_rule("multipart")
    torn = verify_plan({"zones": zones.iloc[:1]})
    assert torn.proofs["zones_disconnected"] == 1
    assert torn.of_rule("multipart")


def test_a_system_drawn_beside_those_of_the_cells_is_checked_as_drawn():
    boxes = [(0, 0, 100, 100), (100, 0, 200, 100), (200, 0, 300, 100)]
    cells = drawn([None] * 3, boxes, cell_uid=["c1", "c2", "c3"]).drop(columns="zone_id")
    listed = pd.DataFrame({"cell_uid": ["c1", "c2", "c3"], "zone_system": "s", "zone_id": "z"})
    whole = gpd.GeoDataFrame(
        {"zone_system": ["s", "mine", "mine", "mine"], "zone_id": ["z", "a", "b", "a"]},
        geometry=[shapely.box(0, 0, 300, 100), *cells.geometry], crs=4549,
    )  # fmt: skip
    report = verify_plan({"cells": cells, "zones": whole, "cell_zones": listed})
    rules = {one.rule for one in report.findings}
    assert report.proofs["zones_disconnected"] == 1
    assert report.of_rule("zone_disconnected")[0].ids == ("mine/a (2)",)
    assert not rules & {"cell_without_zone", "zone_empty", "overlap"}
