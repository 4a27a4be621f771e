"""Settings of zone systems: what cannot be, what a preset changes, how many zones norms propose."""

from types import SimpleNamespace

import pandas as pd
import pytest

import gridplan
from gridplan.config import parse_config
from gridplan.errors import GridplanError, Message, Note, SettingsError
from gridplan.pipeline import rehearse
from gridplan.steps import zoning
from gridplan.steps.zone_bands import check_band
from gridplan.steps.zone_layers import missed_by_systems
from gridplan.zone_settings import SystemSettings
from tests import tiny
from tests.test_zone_systems_run import BASE, zonings


@pytest.mark.parametrize(
    ("zones", "message"),
    [
        ({"presets": []}, "one system at least"),
        ({"systems": {"unified": {}}}, "choose another name"),
        ({"systems": {"patrol": {"preset": "enforcement"}}}, "has that preset"),
        ({"systems": {"a": {"parent": "b"}, "b": {}}}, "not made before it"),
        ({"systems": {"a": {"band": [300]}}}, "e.g. .300, 500.; it has 1"),
        ({"systems": {"a": {"keep": [3.5], "given": "b"}}}, "ids of zones are text"),
        ({"systems": {"a": {"weights": {"cells": 2.0}}}}, "above 0 and at most 1"),
        ({"systems": {"a": {"band": [5, 3]}}}, "least and the most"),
        ({"systems": {"a": {"parent": "patrol", "nest": "unions"}}}, "whole communities"),
        ({"systems": {"a": {"k": -1}}}, "k"),
        ({"systems": {"a": {"keep": ["1"]}}}, "no `given` says whose"),
    ],
)
def test_settings_that_cannot_be_are_refused(zones, message):
    with pytest.raises(SettingsError, match=message):
        parse_config({**BASE, "zones": zones})


def test_a_preset_is_changed_by_a_system_of_its_name():
    config = parse_config({**BASE, "zones": {"systems": {"patrol": {"tolerance": 0.1}}}})
    named = dict(config.zones.named)
    assert list(named) == ["enforcement", "social_grid", "patrol"]
    assert (named["patrol"].preset, named["patrol"].tolerance) == ("patrol", 0.1)


@pytest.mark.parametrize(
    ("system", "message"),
    [('given = "水务"', "no zones; it has those of"),
     ('given = "城管"\nkeep = ["9"]', "`keep` names"),
     ('given = "城管"\nk = 4', "2 zones of 城管 are kept and"),
     ('nest = "inside"\nk = 1', "but 2 communities have cells. Ask for 2 at least"),
     ('nest = "unions"\nk = 3', "but 2 communities have cells. Ask for 2 at most"),
     ("weights = { shops = 0.2 }", "no such weights: shops"),
     ("weights = { cases = 0.2 }", "the place has none. Give .place..cases"),
     ("band = [700, 900]", "No number of zones has 700 to 900 residents each"),
     ('nest = "inside"\nband = [350, 380]', "the largest land that zones divide has 600"),
     ("k = 1000", "There can be no more zones than cells, and fewer where")],
)  # fmt: skip
def test_a_system_that_cannot_be_made_says_which(tmp_path, system, message):
    toml = tiny.TOML + f"\n[zones.systems.mine]\n{system}\n"
    project = tiny.write(tmp_path / "town", {**tiny.town(), "zonings": zonings()}, toml=toml)
    with pytest.raises(GridplanError, match=message) as caught:
        rehearse(*gridplan.read_project(project))
    assert "Zone system mine" in str(caught.value)


def test_the_norm_proposes_zones_for_what_no_kept_zone_has():
    loads = pd.DataFrame({"population": 1000.0, "households": 400.0, "effort": 1.0},
                         index=[f"c{at}" for at in range(90)])  # fmt: skip
    kept = {f"c{at}": "1" if at < 20 else "2" for at in range(36)}
    config = parse_config(BASE)

    def asked(locked=kept, **values):
        system = SystemSettings(given="城管", **values)
        return zoning.system_options(config, "mine", system, loads, locked=locked)[0]

    assert asked(preset="enforcement", keep=["1", "2"]).proposed == 2 + 5
    assert asked(preset="patrol", keep=["1", "2"]).proposed == 2 + 3
    grid = asked(preset="social_grid", keep=["1", "2"])
    assert (grid.proposed, grid.band) == (2 + 54, (300.0, 500.0))
    assert asked(preset="patrol").proposed == 2
    every = dict.fromkeys(loads.index, "1")
    assert asked(every, preset="patrol", keep=["1"]).proposed == 1


def test_a_band_says_in_words_what_it_counts():
    with pytest.raises(GridplanError) as caught:
        check_band((700, 900), [1000.0], weight="population", k=0)
    assert "700 to 900 residents each" in caught.value.faults[0].en
    assert "至 900（居民数）" in caught.value.faults[0].zh
    with pytest.raises(GridplanError) as caught:
        check_band((700, 900), [1000.0], weight="effort", k=2)
    assert "（巡查工作量）" in caught.value.faults[0].zh


def test_what_was_missed_names_communities_beside_their_ids():
    note = Note("missed", 1, Message(en="load: 11 1 of 6, 12 2 of 3, 111", zh="11 6 个中 1 个"))
    system = SimpleNamespace(
        weights=("load",),
        plan=SimpleNamespace(targets_missed=[note], zone_of=pd.Series(dtype=object)),
        name="patrol",
    )
    communities = pd.DataFrame({"community_id": ["11", "12"], "name": ["东园社区", None]})
    (told,) = missed_by_systems({"patrol": system}, communities)
    assert told.message.en.endswith("东园社区 (11) 1 of 6, 12 2 of 3, 111")
    assert told.message.zh.endswith("东园社区（11） 6 个中 1 个")
    assert missed_by_systems({"patrol": system})[0].message.zh.endswith("：11 6 个中 1 个")


def test_what_parts_land_is_looked_for_only_where_zones_ask(monkeypatch):
    monkeypatch.setattr(zoning, "parted", lambda *_, **__: "parted")
    monkeypatch.setattr(zoning, "bridges", lambda *_: "crossed")
    dry = {name: {"water_parts": False} for name in ("enforcement", "social_grid", "patrol")}
    config = parse_config({**BASE, "zones": {"systems": dry}})
    assert zoning.barred_borders(None, config, None) == (None, None)
    del dry["patrol"]
    config = parse_config({**BASE, "zones": {"systems": dry}})
    assert zoning.barred_borders(None, config, None) == ("parted", "crossed")
    asked = {"zones": {"presets": ["enforcement"], "systems": {"enforcement": dry["enforcement"]}},
             "unify": {"water_parts": True}}  # fmt: skip
    assert zoning.barred_borders(None, parse_config({**BASE, **asked}), None)[0] == "parted"
