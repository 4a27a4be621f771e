"""Borders on streets, counted by points; balance of zones that somebody drew."""

import geopandas as gpd
import numpy as np
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
