"""What zones may have, and which of them one indivisible thing keeps from it."""

import numpy as np
import pandas as pd
import pytest
import shapely

from gridplan.verify.zone_allowed import allowed, held_back

LOADS = [300.0, 80.0, 60.0, 90.0, 90.0, 95.0]
ESTATES = ["A", "A", None, "B", "B", "C"]


class FewLayers:
    """Six cells in a row, each with a home."""

    def __init__(self):
        ids = [f"c{at}" for at in range(6)]
        west = np.arange(6) * 100.0
        strips = shapely.box(west, 0, west + 100, 9)
        self.layers = {
            "cells": pd.DataFrame({"cell_uid": ids, "geometry": strips}),
            "demand": pd.DataFrame({"cell_uid": ids, "estate_id": ESTATES, "population": 1.0}),
        }  # fmt: skip

    def has(self, layer, *columns):
        return set(columns) <= set(self.layers.get(layer, ()))


def held(zones, least, most, *, estates="whole", body="x"):
    own = pd.DataFrame({"cell": range(6), "zone_id": list(zones)})
    names = sorted(set(zones))
    bodies = list((body * len(names))[: len(names)])
    bounds = pd.DataFrame({"least": least, "most": most, "body": bodies}, index=names)
    return held_back(FewLayers(), {"estates": estates}, own, np.array(LOADS), bounds)


def test_a_cell_that_alone_is_too_much_is_named_with_its_estate():
    assert held("pqqqqq", 100.0, 250.0)["p"] == "A/c0 300"


def test_an_estate_that_has_no_room_in_its_neighbour_holds_it_back():
    """The zone of 60 lacks 40; of what is beside it 80 is the least, and it has room for 70."""
    assert "q" not in held("ppqrrs", 100.0, 200.0)
    assert held("ppqrrs", 100.0, 130.0)["q"] == "+ c1 80"
    assert "q" not in held("ppqrrs", 100.0, 180.0, estates="cut")


def test_what_would_leave_too_little_holds_a_zone_back():
    """Of 275 nothing can go: without the house of 95 there would be 180, without B 95."""
    assert held("ppqrrr", 200.0, 250.0)["r"] == "− C 95"
    assert "r" not in held("ppqrrr", 150.0, 250.0)


def test_a_zone_of_another_body_gives_nothing():
    told = held("ppqrrs", 100.0, 130.0, body="xyz?")
    assert told["q"] == "+ –"


def test_bounds_are_the_band_or_the_tolerance_of_the_body():
    load = pd.Series({"a": 100.0, "b": 200.0, "c": 60.0})
    body = pd.Series({"a": "x", "b": "x", "c": "y"})
    claims = {"weights": {"people": {"tolerance": 0.1}, "m2": {"tolerance": 0.5}}}
    told = allowed(claims, "people", load, body)
    assert told["most"].tolist() == pytest.approx([165.0, 165.0, 66.0])
    told = allowed({**claims, "band": [1, 2]}, "people", load, body)
    assert told.loc["a"].tolist() == [1.0, 2.0]
    assert allowed({**claims, "band": [1, 2]}, "m2", load, body)["least"]["c"] == 30.0
