"""Weights of zone systems in tables, map and picture: the system's own, with their units."""

import runpy
from pathlib import Path

import pandas as pd
import pytest

from gridplan.errors import amount
from gridplan.present import tabulation
from gridplan.present.drawings import zones_title
from gridplan.present.payload import payload
from gridplan.present.tables_zones import systems_table
from gridplan.present.zone_limits import range_text, ranges
from gridplan.present.zone_weights import load_number, weight_definition, weight_word

TOWN = runpy.run_path(str(Path(__file__).with_name("test_present_town.py")))


@pytest.fixture(scope="module")
def plan():
    return TOWN["make_plan"]()


def patrolled(plan):
    """Return the plan with its zones even in effort, and the effort of each."""
    zones = plan.layers["zones"].assign(zone_system="patrol")
    effort = pd.Series([float(at + 10) for at in range(len(zones))], index=zones.index)
    loads = pd.DataFrame(
        {
            "zone_system": "patrol",
            "zone_id": zones["zone_id"],
            "load_kind": "effort",
            "load": effort,
        }
    )
    members = plan.layers["cell_zones"].assign(zone_system="patrol")
    layers = {**plan.layers, "zones": zones, "cell_zones": members, "zone_loads": loads[::-1]}
    return type(plan)(plan.place, layers, plan.summary, plan.settings), effort


def test_the_effort_of_patrols_has_a_unit_and_says_what_it_is():
    assert weight_word("effort").en == "patrol effort (‰)"
    assert weight_word("effort").zh == "巡查工作量（‰）"
    about = weight_definition("effort")
    assert "1000 ‰" in about.en
    assert "half" in about.en
    assert "各取一半" in about.zh
    assert about.en in tabulation.ABOUT["zone_systems"].en
    assert weight_definition("households") is None
    assert weight_word("households").en == "households"
    assert [load_number(one, 1) for one in (13.25, 3.0, 1234.5)] == ["13.2", "3.0", "1,234"]


def test_the_map_counts_zones_in_what_they_are_even_in(plan):
    changed, effort = patrolled(plan)
    (load,) = payload(changed)["zones"]["loads"]
    assert "‰" in str(load["label"])
    assert load["of"] == effort.tolist()
    assert load["about"] is not None
    (load,) = payload(plan)["zones"]["loads"]
    assert load["of"] == plan.layers["zones"]["population"].tolist()
    assert load["about"] is None


def test_the_picture_and_the_tables_count_in_it_too(plan):
    changed, effort = patrolled(plan)
    assert f"patrol effort (‰) {amount(effort.mean())} on average" in zones_title(changed).en
    assert "平均巡查工作量（‰）" in zones_title(changed).zh
    assert "residents on average" in zones_title(plan).en
    table = tabulation.bilingual_tables(changed)["zones"]
    assert {one.zh for one in table["evenly"].dropna() if one} == {"巡查工作量（‰）"}
    assert "evenly" not in tabulation.bilingual_tables(plan)["zones"]


def test_each_weight_has_its_own_tolerance_and_range(plan):
    def weight(tolerance, least, most):
        return {"tolerance": tolerance, "least": least, "most": most, "max_over_mean": 1.1,
                "cv": 0.1, "missed": []}  # fmt: skip

    several = {"effort": weight(0.1, 13.4, 16.4), "area_m2": weight(0.5, 111_935.0, 335_805.0)}
    systems = {
        "patrol": {"count": 3, "nest": "free", "band": None, "weights": several},
        "social_grid": {
            "count": 4,
            "nest": "inside",
            "band": [300, 500],
            "weights": {"households": weight(0.2, 300, 500), "population": weight(0.3, 491, 1697)},
        },
    }
    changed = type(plan)(
        plan.place, plan.layers, {**plan.summary, "zones": {"systems": systems}}, plan.settings
    )
    table = systems_table(changed)
    assert [one.en for one in table["allowed"]] == [
        "13.4–16.4 (±10 %)",
        "111,935–335,805 (±50 %)",
        "300–500",
        "491–1,697 (±30 %, each by the mean of its own part)",
    ]
    assert table["allowed"].iloc[3].zh == "491–1,697（±30%，按所在范围均值）"


def bounded(plan):
    """Return the plan with zones even in households by community, the first one beyond."""
    zones = plan.layers["zones"].assign(
        zone_system="social_grid",
        community_id=["A", "B"] + ["B"] * (len(plan.layers["zones"]) - 2),
        parent_zone_id=None,
    )
    least = [300.4] + [200.0] * (len(zones) - 1)
    loads = pd.DataFrame(
        {
            "zone_system": "social_grid",
            "zone_id": zones["zone_id"],
            "load_kind": "households",
            "load": [258.0] + [250.0] * (len(zones) - 1),
            "deviation_share": 0.0,
            "least": least,
            "most": [one + 100 for one in least],
        }
    )
    first = str(zones["zone_id"].iloc[0])
    balance = {"tolerance": 0.1, "least": 200.0, "most": 400.4, "max_over_mean": 1.1, "cv": 0.1,
               "missed": [first]}  # fmt: skip
    systems = {"social_grid": {"count": len(zones), "nest": "inside", "band": None,
                               "weights": {"households": balance}}}  # fmt: skip
    layers = {**plan.layers, "zones": zones, "zone_loads": loads[::-1]}
    summary = {**plan.summary, "zones": {"systems": systems}}
    return type(plan)(plan.place, layers, summary, plan.settings), first


def test_zones_beyond_are_marked_beside_what_they_may_have(plan):
    changed, first = bounded(plan)
    made = tabulation.bilingual_tables(changed)
    row = made["zones"].set_index("zone_id").loc[first]
    assert row["allowed"] == range_text(300.4, 400.4) == "300–400"
    assert row["beyond_allowed"].en == "−42.4 households"
    assert row["beyond_allowed"].zh == "户数 −42.4"
    within = made["zones"]["zone_id"].ne(first)
    assert made["zones"].loc[within, "beyond_allowed"].isna().all()
    assert tabulation.heading(changed, "beyond_allowed").zh == "超出允许范围"


def test_what_zones_may_have_is_told_by_community(plan):
    changed, first = bounded(plan)
    table = tabulation.bilingual_tables(changed)["zone_ranges"]
    assert table["allowed"].tolist() == ["300–400", "200–300"]
    assert table["beyond_ids"].dropna().tolist() == [first]
    assert table["zones_count"].sum() == len(changed.layers["zones"])
    assert "zone_ranges" not in tabulation.bilingual_tables(plan)
    (one, other) = ranges(changed)
    assert (one["beyond"], other["beyond"]) == ([first], [])


def test_plans_without_bounds_are_told_without(plan):
    changed, _ = patrolled(plan)  # their zone_loads have no least and most
    assert tabulation.bilingual_tables(changed)["zones"]["allowed"].isna().all()
