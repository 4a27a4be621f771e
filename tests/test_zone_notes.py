"""What is told of zones beyond what is allowed: alike in a run's note and in the verification."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from gridplan.errors import amount, ids_zh
from gridplan.present.zone_limits import range_text
from gridplan.present.zone_weights import load_digits, load_number, system_name, weight_word
from gridplan.steps.zone_bands import load_word
from gridplan.verify.zone_beyond import beyond_findings
from gridplan.zones.contiguity import Contiguity
from gridplan.zones.overland_notes import carried_note, parted_note
from gridplan.zones.system_notes import CutOff, Fewest, Proof, missed_tolerances

CELLS = gpd.GeoDataFrame(
    {"cell_uid": ["c1", "c2", "c3", "c4"]},
    geometry=shapely.box(np.arange(4), 0, np.arange(1, 5), 1),
)
ZONE = np.array([0, 0, 1, 1])
LOADS = pd.DataFrame({"households": [300.0, 289.3, 100.0, 90.0], "effort": [3.4, 10.0328, 2, 3.1]})
BOUNDS = np.array([[411.12, 5.25], [411.12, 5.25]]), np.array([[502.48, 8.75], [502.48, 8.75]])


def notes(proof):
    found = missed_tolerances(
        CELLS, LOADS, ZONE, np.arange(4), names=["Z1", "Z2"], bounds=BOUNDS, proof=proof
    )
    return [one.message for one in found]


def test_figures_of_a_note_are_rounded_as_the_verification_rounds_them():
    first, second = notes(Proof())
    assert "Z2, Z1. Z2 binds: 190, allowed 411 to 502, the" in first.en
    assert "Z2、Z1。偏差最大的是 Z2：190，允许 411 至 502，" in first.zh
    assert "Z1 binds: 13.4, allowed 5.2 to 8.8, the" in second.en
    assert range_text(5.25, 8.75) == "5.2–8.8"
    assert range_text(411.12, 502.48) == "411–502"


@pytest.mark.parametrize(
    ("beyond", "en", "zh"),
    [(2, "all of them must be", "已证明其全部必然超出"),
     (1, "at least 1 of them must be", "已证明其中至少 1 个必然超出")],
)  # fmt: skip
def test_it_is_said_where_all_of_them_must_be_beyond(beyond, en, zh):
    first, second = notes(Proof(fewest=(Fewest("", 2, beyond),)))
    assert f"It is proven that {en}" in first.en
    assert zh in first.zh
    assert "proven" not in second.en


def test_the_reasons_of_each_weight_are_told_in_its_own_note():
    land = CutOff(("Z2",), 5.1, weight=1)
    first, second = notes(Proof(cut_off=(land,), held={0: {"Z1": "− E1 300"}, 1: {"Z1": "c2 10"}}))
    assert "Single estates or cells keep 1 of them so" in first.en
    assert "Z1 − E1 300" in first.en
    assert "on land" not in first.en
    assert "Z2: 5.1 on land that joins the rest" in second.en
    assert "Z2：所在用地合计 5.1，" in second.zh
    assert "Z1 c2 10" in second.en


def told(held, proven=None, cut=None):
    load = pd.Series({"Z1": 589.3, "Z2": 13.0})
    bounds = pd.DataFrame({"least": 411.12, "most": 502.48, "body": ""}, index=load.index)
    (found,) = beyond_findings("a", "households", load, bounds, (held, proven or {}), cut or {})
    return found.message


def test_a_verification_tells_no_reason_that_none_has():
    message = told({})
    assert message.en.startswith("Zones beyond what is allowed: 2 (a/Z2 (households 13), a/Z1 (")
    assert message.zh.startswith("2 个分区超出允许范围：a/Z2 (households 13)、a/Z1 (")
    assert "(411–502)" in message.en
    assert "; " not in message.en.partition("(411")[2].partition(")")[0]
    message = told({"Z1": "− E1 300"})
    assert "; 1 of them since one indivisible estate" in message.en
    assert "alone" not in message.en
    assert "0 个" not in message.zh
    message = told({"Z1": "E1 589"})
    assert "; 1 of them by one estate or cell alone)" in message.en
    assert "；其中 1 个因单个小区或网格本身即超出）" in message.zh


def test_a_verification_says_where_all_must_be_beyond():
    assert "; all of them must be, for" in told({}, {"": (2, 0, False)}).en
    assert "；已证明其全部必然超出" in told({}, {"": (2, 0, False)}).zh
    assert "; at least 1 of them must be, for" in told({}, {"": (2, 1, False)}).en


def test_one_cell_and_one_border_are_told_as_one():
    graph = Contiguity(np.array([0]), np.array([1]), np.array([1.0]), 4)
    (parted,) = parted_note(CELLS, graph, np.array([True]))
    assert parted.message.en.startswith("1 common border of cells runs along water")
    assert "no zone hangs together by it: c1/c2." in parted.message.en
    assert "高速公路" in parted.message.zh
    (carried,) = carried_note(CELLS, np.array([True, False, False, False]))
    assert "no zone hangs together by it: c1." in carried.message.en


def test_loads_beside_each_other_have_the_same_decimals():
    loads = pd.Series([12.0, 17.8, 121.3])
    assert [load_number(one, load_digits(loads)) for one in loads] == ["12.0", "17.8", "121"]
    assert load_digits(pd.Series([12.0, 17.0, 121.3])) == 0


def test_residents_are_residents():
    for word in (weight_word("population"), load_word("population")):
        assert (word.en, word.zh) == ("residents", "居民数")


def test_lists_and_amounts():
    assert ids_zh(["a", "b"]) == "a、b"
    assert ids_zh("abcdefg") == "a、b、c、d、e……"
    told = [amount(one) for one in (0.0, 0.933, 99.96, 100.4, 12.0)]
    assert told == ["0", "0.9", "100", "100", "12"]


def test_a_map_names_its_zone_system():
    names = [system_name(pd.DataFrame({"zone_system": [one]})) for one in ("enforcement", "mine")]
    assert [one.en for one in names] == ["enforcement zones", "zones mine"]
    assert [one.zh for one in names] == ["工作责任区", "责任区 mine"]
