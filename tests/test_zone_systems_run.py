"""Zone systems of a run: presets, nested, anchored, given and kept; planted faults are named."""

import copy
from dataclasses import replace
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

import gridplan
from gridplan.config import parse_config
from gridplan.errors import Message, Note, SettingsError
from gridplan.steps import zoning
from gridplan.terms import TERMS
from gridplan.verify import verify_plan
from gridplan.zone_settings import SystemSettings
from tests import tiny

TOML = (
    tiny.TOML
    + """
[zones.systems.teams]
parent = "enforcement"
k = 4
weights = { area_m2 = 0.5 }
estates = "cut"

[zones.systems.kept]
given = "城管"
keep = ["1"]
k = 3
weights = { cells = 0.3, area_m2 = 0.6 }

[zones.systems.old]
given = "城管"

[zones.systems.held]
anchors = "committees"
nest = "unions"

[zones.systems.anew]
given = "城管"
keep = []
k = 3

[zones.systems.again]
k = 2
stability = 1.0

[zones.systems.grids]
preset = "social_grid"
parent = "enforcement"

[zones.systems.work]
k = 2
weights = { age_60_plus = 0.9, components = 0.9, cases = 0.9, street_m = 0.9 }
"""
)

BASE = {"place": {"name": "a", "as_of": "2026-01-01", "population": 10}}


def points(name, rows):
    """Return a layer of points; the rows are x, y and further columns."""
    frame = pd.DataFrame([row[2] for row in rows]).assign(**{f"{name}_id": range(len(rows))})
    frame[f"{name}_id"] = frame[f"{name}_id"].astype(str)
    places = [tiny.point(*row[:2]) for row in rows]
    return gpd.GeoDataFrame(frame, geometry=places, crs=tiny.CRS)


def counted():
    """Return components, and cases of which one has no minutes and one lies on a border."""
    lamps = [(20 + 50 * x, 20 + 50 * y, {"kind": "lamp"}) for x in range(8) for y in range(8)]
    cases = [(50, 60, {"effort_min": 30.0}), (350, 350, {"effort_min": None}),
             (200, 100, {"effort_min": 20.0})]  # fmt: skip
    return {"components": points("component", lamps), "cases": points("case", cases)}


def zonings():
    rows = [("城管", "1", tiny.box(0, 0, 200, 400)), ("城管", "2", tiny.box(200, 0, 400, 340))]
    frame = pd.DataFrame([row[:2] for row in rows], columns=["department", "zone_id"])
    return gpd.GeoDataFrame(frame, geometry=[row[2] for row in rows], crs=tiny.CRS)


def earlier():
    """Zones of an earlier plan: north and south, and a system that the new plan has not."""
    rows = [("again", "S", tiny.box(0, 0, 400, 200)), ("again", "N", tiny.box(0, 200, 400, 400)),
            ("gone", "G", tiny.box(0, 0, 400, 400))]  # fmt: skip
    frame = pd.DataFrame([row[:2] for row in rows], columns=["zone_system", "zone_id"])
    return gpd.GeoDataFrame(frame, geometry=[row[2] for row in rows], crs=tiny.CRS)


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    folder = tmp_path_factory.mktemp("systems") / "town"
    layers = {**tiny.town(), "zonings": zonings(), "earlier_zones": earlier(), **counted()}
    return gridplan.run(*gridplan.read_project(tiny.write(folder, layers, toml=TOML)))


def report(plan, summary=None, **changed):
    names = ("boundary", "communities", "buildings", "sites", "facilities", "population", "zonings",
             "earlier_zones", "streets", "water", "components", "cases")  # fmt: skip
    layers = {**plan.layers, **{f"in_{name}": getattr(plan.place, name) for name in names}}
    return verify_plan({**layers, **changed}, summary or plan.summary)


def of_system(plan, name):
    zones = plan.layers["zones"]
    return zones[zones["zone_system"] == name]


def test_a_run_has_the_three_presets_and_those_of_the_settings(plan):
    systems = plan.summary["zones"]["systems"]
    names = [
        "enforcement",
        "social_grid",
        "patrol",
        "teams",
        "kept",
        "old",
        "held",
        "anew",
        "again",
        "grids",
        "work",
    ]
    assert list(systems) == names
    assert plan.summary["zones"]["main"] == "enforcement"
    assert set(plan.layers["cell_zones"]["zone_system"]) == {*names, "unified"}
    members = plan.layers["cell_zones"].groupby(["zone_system", "cell_uid"]).size()
    assert (members == 1).all()
    assert not [one for one in report(plan).findings if one.severity == "hard"]


def test_zone_ids_tell_systems_apart(plan):
    ids = plan.layers["zones"]["zone_id"]
    assert ids.is_unique
    assert of_system(plan, "social_grid")["zone_id"].str.match(r"G\d\d$").all()


def test_given_ids_that_another_system_would_give_have_the_name_of_their_own(plan):
    place = replace(plan.place, zonings=zonings().assign(zone_id=["G01", "U02"]))
    cells = plan.layers["cells"].assign(estate_id=None)
    loads = pd.DataFrame({"population": 1.0}, index=cells["cell_uid"])
    config = parse_config({**BASE, "zones": {"systems": {"enforcement": {"given": "城管"}}}})
    settings = config.zones.named[0][1]
    made = zoning.make_system(place, config, "enforcement", settings, ground=cells, loads=loads)
    assert set(made.plan.balance.index) == {"enforcement-G01", "enforcement-U02"}


def test_nested_zones_lie_inside_their_parents(plan):
    teams, main = of_system(plan, "teams"), of_system(plan, "enforcement").set_index("zone_id")
    parents = main.geometry.loc[teams["parent_zone_id"]].to_numpy()
    outside = teams.geometry.difference(gpd.GeoSeries(parents, index=teams.index, crs=teams.crs))
    assert outside.area.max() < 0.01


def test_a_kept_zone_has_just_the_cells_it_had(plan):
    kept = of_system(plan, "kept").set_index("zone_id")
    assert plan.summary["zones"]["systems"]["kept"]["kept"] == ["1"]
    wrong = kept.geometry["1"].symmetric_difference(zonings().geometry[0]).area
    assert wrong < 0.5 * 100 * 100
    assert len(kept) == 3
    old = of_system(plan, "old")["zone_id"].tolist()
    assert old == ["2", "old-1"]


def test_grids_in_a_parent_are_inside_communities_too_and_checked_so(plan):
    systems = plan.summary["zones"]["systems"]
    assert (systems["grids"]["nest"], systems["teams"]["nest"]) == ("inside", "free")
    zones = of_system(plan, "grids")["zone_id"].tolist()
    members = plan.layers["cell_zones"].copy()
    members.loc[members["zone_system"] == "grids", "zone_id"] = zones[0]
    crossing = report(plan, cell_zones=members).of_rule("zone_crosses_community")
    assert crossing[0].ids == (f"grids/{zones[0]}",)


def test_estates_that_are_not_whole_are_named(plan):
    zone_of = pd.Series({"c1": "Z1", "c2": "Z1", "c3": "Z2"})
    homes = pd.DataFrame({"cell_uid": ["c1", "c2", "c2", "c3", None],
                          "estate_id": ["A", "A", "B", "B", None]})  # fmt: skip
    assert zoning.cut_estates(zone_of, homes) == ("B",)
    note = Note("zones_estate_divided", 1, Message(en="", zh=""), ("B",))
    whole = SystemSettings(estates="whole")

    def told(settings, *notes):
        one = SimpleNamespace(zone_of=zone_of, notes=notes)
        return zoning._cut_note(SimpleNamespace(settings=settings, plan=one), homes)

    [found] = told(whole)
    assert (found.code, found.ids) == ("zones_estate_cut", ("B",))
    assert "1 estate should stay whole but lies in several zones: B." in found.message.en
    assert told(whole, note) == told(SystemSettings(estates="cut")) == ()
    assert plan.summary["zones"]["systems"]["enforcement"]["estates_cut"] == []


def test_an_empty_list_of_zones_to_keep_keeps_none(plan):
    told = plan.summary["zones"]["systems"]["anew"]
    assert (told["given"], told["kept"], told["count"]) == (None, [], 3)
    assert of_system(plan, "anew")["zone_id"].str.match(r"anew-\d\d$").all()


def test_each_zone_of_whole_communities_holds_one_committee(plan):
    held = plan.summary["zones"]["systems"]["held"]
    assert len(held["anchors"]) == held["count"] == 2
    zones = of_system(plan, "held")
    assert set(zones["anchor"]) == set(held["anchors"])
    assert (zones["reach_m"] > 0).all()


def test_every_zone_lists_all_its_homes_and_residents(plan):
    table = plan.layers["zone_estates"]
    people = plan.layers["cells"]["population"].sum()
    assert (table.groupby("zone_system")["population"].sum() == people).all()
    homes = table.groupby("zone_system")["building_ids"].agg(" ".join).str.split()
    assert all(len(one) == len(set(one)) == len(homes.iloc[0]) for one in homes)


def changed(frame, row, **values):
    frame = frame.copy()
    for column, value in values.items():
        frame[column] = frame[column].astype(object)
        frame.iloc[row, frame.columns.get_loc(column)] = value
    return frame


def claimed(plan, system, **values):
    summary = copy.deepcopy(plan.summary)
    summary["zones"]["systems"][system].update(values)
    return summary


def weight(plan, system, name, **values):
    weights = copy.deepcopy(plan.summary["zones"]["systems"][system]["weights"])
    weights[name].update(values)
    return claimed(plan, system, weights=weights)


def moved(plan, system, start, end):
    """The members with the cells of one zone in another."""
    members = plan.layers["cell_zones"].copy()
    mine = (members["zone_system"] == system) & (members["zone_id"] == start)
    members.loc[members.index[mine][:1], "zone_id"] = end
    return members


FAULTS = {
    "zone_balance_claim": lambda plan: {
        "summary": weight(plan, "enforcement", "population", missed=["Z01"])
    },
    "zone_band_wrong": lambda plan: {
        "summary": weight(plan, "enforcement", "population", most=99_999.0)
    },
    "zone_unbalanced": lambda plan: {
        "summary": weight(plan, "enforcement", "population", least=500.0, most=500.0,
                          tolerance=0.0, missed=[])
    },
    "zone_system_missing": lambda plan: {
        "summary": {**plan.summary, "zones": {"systems": {"ghost": {}}}}
    },
    "zone_crosses_community": lambda plan: {
        "cell_zones": moved(plan, "held", "held-01", "held-02")
    },
    "zone_parent_unknown": lambda plan: {
        "zones": changed(
            plan.layers["zones"],
            int(np.flatnonzero(plan.layers["zones"]["zone_system"] == "teams")[0]),
            parent_zone_id=None,
        )
    },
    "zone_anchors": lambda plan: {
        "summary": claimed(plan, "held", anchors={"k1": "c0", "k2": "c0"})
    },
    "zone_not_kept": lambda plan: {"cell_zones": moved(plan, "kept", "1", "kept-01")},
    "zone_not_locked": lambda plan: {
        "summary": claimed(plan, "enforcement", locked={"Z09": ["nowhere"]})
    },
    "zone_moves": lambda plan: {
        "summary": claimed(plan, "again", rezoned={"moved_cells": 99, "moved_residents": 0})
    },
    "zone_estates_cut": lambda plan: {
        "summary": claimed(plan, "enforcement", estates_cut=["E9"])
    },
    "zone_load_differs": lambda plan: {
        "zone_loads": changed(plan.layers["zone_loads"], 0, load=1.0)
    },
    "zone_listing": lambda plan: {
        "zone_estates": changed(plan.layers["zone_estates"], 0, building_ids="b1 b1")
    },
}  # fmt: skip


@pytest.mark.parametrize("rule", FAULTS)
def test_a_planted_fault_of_a_system_is_found_and_named(plan, rule):
    found = {one.rule: one for one in report(plan, **FAULTS[rule](plan)).findings}
    assert rule in found, sorted(found)
    assert found[rule].severity == ("soft" if rule == "zone_unbalanced" else "hard")
    assert found[rule].ids[0] in found[rule].message.en
    assert found[rule].ids[0] in found[rule].message.zh


FALSE_SUMMARY = {"count": 3, "cv": 0.9, "max_over_mean": 1.4, "max_deviation_share": 0.1,
                 "compactness_median": 0.99, "reach_max_m": 1.0, "border_share": 0.123}  # fmt: skip
FALSE_ZONES = {"households": 91, "workload": 499.0, "compactness": 0.9, "estates": 5,
               "buildings": 2, "reach_m": 410.0, "unreached": 1}  # fmt: skip


@pytest.mark.parametrize("key", FALSE_SUMMARY)
def test_a_false_figure_of_a_system_is_found(plan, key):
    (found,) = report(plan, claimed(plan, "held", **{key: FALSE_SUMMARY[key]})).of_rule(
        "zone_summary"
    )
    assert found.ids == (f"held {key}",)


def test_a_false_figure_of_a_weight_or_a_missed_target_left_out_is_found(plan):
    false = weight(plan, "kept", "area_m2", cv=0.1)
    assert report(plan, false).of_rule("zone_summary")[0].ids == ("kept area_m2 cv",)
    silent = {**plan.summary, "targets_missed": []}
    missed = len(plan.summary["targets_missed"])
    assert report(plan, silent).of_rule("zone_summary")[0].ids == (
        f"targets_missed (0 / {missed})",
    )


@pytest.mark.parametrize("column", FALSE_ZONES)
@pytest.mark.parametrize("more", [0, 1])
def test_a_false_figure_of_a_zone_is_found(plan, column, more):
    value = FALSE_ZONES[column] * (1 + more)
    zones = changed(plan.layers["zones"], 0, **{column: value})
    found = report(plan, zones=zones).of_rule("zone_figures")
    assert [one.ids for one in found] == [("enforcement/Z01",)]
    assert f"`{column}`" in found[0].message.en


def test_an_anchor_that_stands_elsewhere_is_found(plan):
    zones = changed(plan.layers["zones"], 3, anchor="k2")
    assert report(plan, zones=zones).of_rule("zone_anchors")[0].ids == ("social_grid/G02: k2",)


@pytest.mark.parametrize("column", ["least", "most", "deviation_share"])
def test_a_false_bound_of_a_load_is_found(plan, column):
    table = changed(plan.layers["zone_loads"], 0, **{column: 7.0})
    (found,) = report(plan, zone_loads=table).of_rule("zone_load_differs")
    assert found.ids == ("enforcement/Z01 population",)


@pytest.mark.parametrize(
    ("table", "rule"), [("zone_loads", "zone_load_differs"), ("zone_estates", "zone_listing")]
)
def test_a_system_left_out_of_a_table_is_found(plan, table, rule):
    rows = plan.layers[table]
    rows = rows[rows["zone_system"] != "held"]
    (found,) = report(plan, **{table: rows}).of_rule(rule)
    assert [one.split()[0] for one in found.ids] == ["held/held-01", "held/held-02"]


def test_the_verifier_says_where_one_estate_more_would_be_too_much(plan):
    told = report(plan).of_rule("zone_unbalanced")
    (own,) = (one.message for one in told if one.ids[0].startswith("grids/"))
    assert "; 4 of them since one indivisible estate or cell more (+)" in own.en
    assert "alone" not in own.en


def by_hand(plan, **values):
    """Check the zones of two systems as somebody may have drawn them, without tables of cells."""
    zones = plan.layers["zones"]
    drawn = zones[zones["zone_system"].isin(["enforcement", "teams"])].reset_index(drop=True)
    if values:
        drawn = changed(drawn, -1, **values)
    layers = {name: plan.layers[name] for name in ("boundary", "demand")}
    return verify_plan({**layers, "zones": drawn})


def test_zones_drawn_by_hand_are_checked_and_weighed(plan):
    found = by_hand(plan)
    assert not [one for one in found.findings if one.severity == "hard"]
    told = plan.summary["zones"]["systems"]["enforcement"]["max_over_mean"]
    assert found.figures["zones_balance_max_over_mean/enforcement"] == pytest.approx(told)


def test_zones_drawn_by_hand_that_do_not_nest_or_add_up_are_named(plan):
    parents = of_system(plan, "enforcement")["zone_id"]
    own = of_system(plan, "teams")["parent_zone_id"].iloc[-1]
    other = next(one for one in parents if one != own)
    stray = by_hand(plan, parent_zone_id=other).of_rule("zone_not_nested")
    assert stray[0].ids[0].startswith("teams/")
    assert by_hand(plan, population=1).of_rule("zone_sums")[0].ids[0].startswith("teams/")


def test_a_system_with_earlier_zones_keeps_their_names_and_tells_who_moved(plan):
    told = plan.summary["zones"]["systems"]["again"]["rezoned"]
    zone_of = dict(zip(*(plan.layers["cell_zones"].query("zone_system == 'again'")[one]
                         for one in ("cell_uid", "zone_id")), strict=True))  # fmt: skip
    assert set(zone_of.values()) == {"N", "S"}
    cells = plan.layers["cells"]
    north = cells.geometry.intersection(tiny.box(0, 200, 400, 400)).area / cells.area > 0.5
    now = cells["cell_uid"].map(zone_of)
    moved = cells[now.to_numpy() != np.where(north, "N", "S")]
    assert told["moved_cells"] == len(moved)
    assert told["moved_residents"] == pytest.approx(moved["population"].sum())
    assert plan.layers["zone_moves"]["cells"].sum() == len(moved)
    assert plan.summary["zones"]["systems"]["enforcement"]["rezoned"] is None


def locked_system(plan, locked, *, own=None, **more):
    """Make a system of two zones with locked cells of the plan."""
    own = plan.layers["cells"].assign(estate_id=None) if own is None else own
    loads = pd.DataFrame({"population": own["population"].astype(float).to_numpy()},
                         index=own["cell_uid"])  # fmt: skip
    settings = SystemSettings(**{"k": 2, "estates": "cut", "locked": locked, **more})
    config = parse_config({**BASE, "zones": {"systems": {"mine": settings.model_dump()}}})
    return zoning.make_system(plan.place, config, "mine", settings, ground=own, loads=loads)


def test_locked_cells_are_in_the_zone_of_their_name(plan):
    cells = plan.layers["cells"].sort_values("cell_id")
    codes = tuple(cells["cell_id"].iloc[[0, -1]])
    made = locked_system(plan, {"市场": codes[:1], "车站": codes[1:]})
    zone = made.plan.zone_of[cells["cell_uid"].iloc[[0, -1]]]
    assert zone.tolist() == ["市场", "车站"]


def test_islands_have_zones_of_their_own_or_are_attached_as_the_settings_say(plan):
    cells = plan.layers["cells"].assign(estate_id=None)
    far = cells.iloc[[0]].assign(cell_uid="island", cell_id="island", population=0)
    land = pd.concat([cells, far.set_geometry(far.translate(5_000, 0))], ignore_index=True)
    own = locked_system(plan, {}, own=land, k=3)
    assert (own.plan.zone_of == own.plan.zone_of["island"]).sum() == 1
    made = locked_system(plan, {}, own=land, k=3, islands="attach")
    assert (made.plan.zone_of == made.plan.zone_of["island"]).sum() > 1
    (note,) = (one for one in made.plan.notes if one.code == "zones_island_attached")
    assert "1 island goes with the nearest cell: island/" in note.message.en


def test_locked_cells_that_contradict_are_refused(plan):
    code = plan.layers["cells"]["cell_id"].iloc[0]
    with pytest.raises(SettingsError, match="locked to 2 zones that contradict") as caught:
        locked_system(plan, {"a": (code,), "b": (code, "no such"), "Z01": ("x",)})
    assert "names 2 cells that do not exist" in str(caught.value)
    assert "as another system does" in str(caught.value)


def test_age_components_and_cases_are_shared_and_counted_again(plan):
    figures = plan.summary["zones"]["systems"]["work"]["weights"]
    loads = plan.layers["zone_loads"]
    own = loads[loads["zone_system"] == "work"].groupby("load_kind")["load"].sum()
    assert own["age_60_plus"] == plan.layers["demand"]["age_60_plus"].sum() > 0
    assert own["components"] == len(plan.place.components) == 64
    # The case without minutes takes as long as the others in the mean.
    assert own["cases"] == pytest.approx(30 + 20 + 25)
    assert [figures[one]["tolerance"] for one in own.index] == [0.9] * 4
    for weight in ("age_60_plus", "components", "cases"):
        false = changed(loads, loads.index[loads["load_kind"] == weight][0], load=1.5)
        assert report(plan, zone_loads=false).of_rule("zone_load_differs")


def test_the_anchor_of_a_grid_serves_its_community(plan):
    zones = of_system(plan, "social_grid")
    pairs = plan.layers["community_committees"]
    serving = dict(zip(pairs["committee_id"], pairs["community_id"], strict=True))
    assert zones["anchor"].map(serving).tolist() == zones["community_id"].tolist()


def test_targets_missed_speak_both_languages(plan):
    told = [one for one in plan.summary["targets_missed"] if one["key"] == "zone_balance"]
    assert told
    assert not any("population" in one["zh"] or "households" in one["zh"] for one in told)


def test_chinese_notes_on_zones_use_the_words_of_systems_and_loads():
    note = Note(
        "any", 1, Message(en="cell c1: 630 households.", zh="（网格 c1：households 630）。"), ()
    )
    systems = [SimpleNamespace(name=one, weights=("households",)) for one in ("social_grid", "own")]
    told = zoning._under_names(systems, note).message
    assert told.zh == f"{TERMS['kind']['social_grid'].zh}、own：（网格 c1：户数 630）。"
    assert told.en == "Zone systems social_grid, own: cell c1: 630 households."
