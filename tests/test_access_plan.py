"""The walks in a whole plan: the table by unit, the layer `walks`, the summary, stairs."""

from __future__ import annotations

import json

import jsonschema
import numpy as np
import pytest
import shapely
from typer.testing import CliRunner

import gridplan
from gridplan import pipeline
from gridplan.access import AccessOptions
from gridplan.cli import app
from gridplan.errors import InputError, SettingsError
from gridplan.project.read import read_project
from gridplan.store import read_run
from tests import tiny


def planned(folder, frames=None, toml=tiny.TOML):
    place, config = read_project(tiny.write(folder / "town", frames, toml=toml))
    return pipeline.run(place, config)


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    return planned(tmp_path_factory.mktemp("access"))


def test_the_table_adds_up_to_the_summary(plan):
    table = plan.layers["access_by_unit"]
    assert set(table["level"]) == {"all", "community", "estate", "cell"}
    assert table["basis"].unique().tolist() == ["committee", "room"]
    for (_, _, group), rows in table.groupby(["basis", "level", "group"]):
        expected = 1000 if group == "all" else plan.summary["groups"][group]
        assert rows["residents"].sum() == expected
    for basis, block in (("committee", "access"), ("room", "access_after")):
        [row] = (
            table[(table["basis"] == basis) & (table["unit_id"] == "all")]
            .query("group == 'all'")
            .itertuples(index=False)
        )
        figures = plan.summary[block]
        assert row.mean_m == pytest.approx(figures["mean_m"])
        assert row.p90_m == figures["p90_m"]
        assert row.max_m == figures["max_m"]
        assert row.detour == figures["detour"]
        assert row.gini == pytest.approx(figures["gini"])
        assert row.ede_m == pytest.approx(figures["ede_m"])
        for norm in ("300", "500", "1000"):
            assert getattr(row, f"within_{norm}_share") == figures["within"][norm]
            straight = figures["straight_line_within"][norm]
            assert getattr(row, f"straight_{norm}_share") == straight
            # Nobody walks less than the straight line.
            assert straight >= figures["within"][norm]
        assert figures["mean_m"] <= figures["ede_m"] <= figures["max_m"]
        assert 0 <= figures["gini"] < 1
        assert figures["detour"] >= 1


def test_the_farthest_walks_have_their_routes(plan):
    walks, demand = plan.layers["walks"], plan.layers["demand"].set_index("demand_id")
    # Without estates, each community is one place.
    assert walks["community_id"].tolist() == ["999901001001", "999901001002"]
    for row in walks.itertuples():
        home = demand.loc[row.demand_id]
        community = demand[demand["community_id"] == row.community_id]
        assert home["committee_m"] == community["committee_m"].max()
        assert row.geometry.length == pytest.approx(home["committee_m"], abs=0.001)
        assert row.walk_m == pytest.approx(row.detour * row.straight_m)
        assert row.residents == community["population"].sum()
        assert row.why
        assert row.why_en
    assert walks["walk_m"].is_monotonic_decreasing
    assert walks.crs == plan.layers["demand"].crs


def test_a_setting_says_how_many(tmp_path):
    fewer = planned(tmp_path, toml=tiny.TOML + "\n[access]\nworst = 1\naversion = 2.0\n")
    assert len(fewer.layers["walks"]) == 1
    none = planned(tmp_path / "b", toml=tiny.TOML + "\n[access]\nworst = 0\n")
    assert len(none.layers["walks"]) == 0
    assert none.summary["access"]["ede_m"] < fewer.summary["access"]["ede_m"]


def test_the_summary_keeps_to_its_schema(plan, project_root):
    schema = json.loads((project_root / "schemas" / "summary.schema.json").read_text("utf-8"))
    jsonschema.validate(plan.summary, schema)


def test_minutes_follow_the_pace(plan):
    access = plan.summary["access"]
    minutes = access["minutes"]
    assert minutes["adult"]["median_min"] == pytest.approx(access["median_m"] / 60)
    assert minutes["elderly"]["p90_min"] == pytest.approx(access["p90_m"] / 48)
    # No stairs in the town: a wheelchair takes the same ways.
    assert minutes["wheelchair"]["p90_min"] == pytest.approx(access["p90_m"] / 33)
    assert minutes["wheelchair"]["without_way"] == 0


def test_the_minutes_of_the_whole_place_are_those_of_the_summary(plan):
    table = plan.layers["minutes_by_unit"]
    assert set(table["level"]) == {"all", "community", "estate", "cell"}
    whole = table[table["level"] == "all"].set_index("group")
    assert whole.index.tolist() == list(plan.summary["access"]["minutes"])
    for group, figures in plan.summary["access"]["minutes"].items():
        for name, value in figures.items():
            assert whole.loc[group, name] == pytest.approx(value)
    assert whole.loc["adult", "mean_min"] == pytest.approx(plan.summary["access"]["mean_m"] / 60)


def test_stairs_are_no_way_for_a_wheelchair(tmp_path):
    frames = tiny.town()
    # All homes in the north reach the committees over this street alone.
    frames["streets"]["highway"] = ["residential", "steps", "residential"]
    stairs = planned(tmp_path, frames).summary["access"]
    same = planned(tmp_path / "b").summary["access"]
    assert stairs["median_m"] == same["median_m"]
    assert stairs["minutes"]["wheelchair"]["without_way"] == 500
    assert stairs["minutes"]["adult"]["without_way"] == 0


def test_options_that_mean_nothing_are_refused():
    with pytest.raises(SettingsError, match=r"worst is -1 and nearest_k 3 .*aversion is 0"):
        AccessOptions(worst=-1, aversion=0)


def test_the_nearest_of_each_home_are_its_walks_in_order(plan, tmp_path):
    table = plan.layers["nearest_facilities"]
    demand = plan.layers["demand"].set_index("demand_id")
    first = table[table["rank"] == 1].set_index("demand_id")
    assert first["metres"].to_dict() == demand["room_m"].dropna().to_dict()
    # The own committee is a committee like the others: its walk is in the table.
    every = table.set_index(["demand_id", "facility_id"])["metres"]
    for home, own in demand.dropna(subset=["committee_m"]).iterrows():
        if (home, own["committee_id"]) in every.index:
            assert every[home, own["committee_id"]] == own["committee_m"]
    committees = set(plan.layers["committees"]["committee_id"])
    assert set(table["facility_id"]) <= committees | set(plan.layers["rooms"]["site_id"])
    assert ((table["kind"] == "committee") == table["facility_id"].isin(committees)).all()
    for _, rows in table.groupby("demand_id"):
        assert rows["rank"].tolist() == list(range(1, len(rows) + 1))
        assert rows["metres"].is_monotonic_increasing
    assert table["rank"].max() == 3
    none = planned(tmp_path, toml=tiny.TOML + "\n[access]\nnearest_k = 0\n")
    assert none.layers["nearest_facilities"].empty
    assert list(none.layers["nearest_facilities"]) == list(table)


def test_the_route_of_a_home_is_asked_in_one_line(plan):
    demand = plan.layers["demand"].set_index("demand_id")
    found = gridplan.routes(plan, demand.index)
    assert found["demand_id"].tolist() == demand.index.tolist()
    assert found["metres"].tolist() == pytest.approx(demand["committee_m"].tolist())
    assert found.length.tolist() == pytest.approx(demand["committee_m"].tolist(), abs=0.001)
    assert found["facility_id"].tolist() == demand["committee_id"].tolist()
    assert found.crs == plan.place.crs
    home = demand.index[0]
    [room] = gridplan.routes(plan, home, to=demand.loc[home, "room_id"]).itertuples()
    assert room.metres == pytest.approx(demand.loc[home, "room_m"])
    assert shapely.get_point(room.geometry, 0).equals(demand.loc[home, "geometry"])
    with pytest.raises(InputError, match="`demand` of the plan: there is no b99"):
        gridplan.routes(plan, [home, "b99"])
    with pytest.raises(InputError, match="`in_facilities` of the plan: there is no c99"):
        gridplan.routes(plan, home, to="c99")


def test_a_home_without_a_way_has_no_route(tmp_path):
    frames = tiny.town()
    frames["buildings"].geometry = frames["buildings"].geometry.where(
        frames["buildings"]["building_id"] != "b0", tiny.box(20, 1020, 40, 1040)
    )
    cut = planned(tmp_path, frames)
    away = cut.layers["demand"].set_index("demand_id")["committee_m"]
    found = gridplan.routes(cut, away.index).set_index("demand_id")
    assert (found["metres"].isna() == away.isna()).all()
    assert (found.geometry.isna() == away.isna()).all()


def test_a_stored_plan_has_them(tmp_path, plan):

    project = tiny.write(tmp_path / "town")
    done = CliRunner().invoke(app, ["run", str(project), "--out", str(tmp_path / "run")])
    assert done.exit_code == 0, done.output
    stored = read_run(tmp_path / "run")
    table, walks = stored.layers["access_by_unit"], stored.layers["walks"]
    assert len(table) == len(plan.layers["access_by_unit"])
    assert np.allclose(table["mean_m"], plan.layers["access_by_unit"]["mean_m"], equal_nan=True)
    assert walks["why"].tolist() == plan.layers["walks"]["why"].tolist()


def test_the_room_sequence_of_a_plan_holds_the_siting(plan):
    table, siting = plan.layers["frontier"], plan.summary["siting"]
    at_p = table[(table["sequence"] == "free") & (table["p"] == siting["p"])]
    assert len(at_p) == 1
    row = at_p.iloc[0]
    for key in ("objective", "lower_bound", "gap"):
        assert row[key] == pytest.approx(siting[key], abs=1e-6)
    assert row["status"] == siting["status"]
    assert sorted(row["sites"].split()) == plan.layers["rooms"]["site_id"].tolist()
