"""Settings: typed, all faults at once, the nearest valid name suggested, docs that do not lag."""

from __future__ import annotations

import tomllib

import pytest

from gridplan.config import Config, parse_config, read_config
from gridplan.errors import MissingInputError, SettingsError
from gridplan.people_settings import UNSTATED, UNVERIFIED
from gridplan.settings_doc import settings_markdown, settings_toml

PLACE = {"name": "t", "as_of": "2026-06-30", "population": 10}


def faults(raw):
    with pytest.raises(SettingsError) as caught:
        parse_config(raw)
    return caught.value


def test_defaults_are_the_algorithms_own():
    config = parse_config({"place": PLACE})
    assert config.cells.target_m2 == 10_000
    assert config.walk_norms_m == (300, 500, 1000)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"place": {**PLACE, "boundry": "x"}}, r"no setting \[place\].boundry. Did .* `boundary`"),
        ({"place": PLACE, "zone": {"k": 3}}, r"no setting \[zone\]. Did you mean `zones`"),
        ({"place": PLACE, "cells": {"targt_m2": 3}}, r"Did you mean `target_m2`"),
        ({"place": {"name": "t", "population": 1}}, r"\[place\].as_of is missing"),
        ({"place": PLACE, "zones": {"k": "many"}}, r"\[zones\].k = 'many' cannot be used"),
        ({"place": PLACE, "zones": {"k": -1}}, r"greater than or equal to 0"),
        ({"place": PLACE, "cells": {"method": "hex"}}, r"should be 'square'"),
        ({"place": PLACE, "cells": {"target_m2": 0}}, r"greater than 0"),
    ],
)
def test_each_fault_has_its_message(raw, message):
    error = faults(raw)
    assert len(error.faults) == 1
    with pytest.raises(SettingsError, match=message):
        raise error


@pytest.mark.parametrize(
    ("population", "message"),
    [
        (0, "there must be at least 1 resident"),
        (-5, "there must be at least 1 resident"),
        (True, "expected a whole number of residents, or a table"),
        (3.5, "expected a whole number of residents, or a table"),
        ({"total": 0}, "there must be at least 1 resident"),
        ({"total": True}, "expected a whole number of residents"),
        ({"total": 5, "file": "a.csv"}, "give either `total` or `file`, not both"),
        ({}, "give either `total` or `file`"),
        ({"fil": "a.csv"}, r"no setting \[place\].population.fil. Did you mean `file`"),
    ],
)
def test_residents_are_a_number_or_a_table(population, message):
    error = faults({"place": {**PLACE, "population": population}})
    with pytest.raises(SettingsError, match=message):
        raise error
    assert all(line.isascii() is False for line in error.lines("zh"))


@pytest.mark.parametrize("population", [1, "a.csv", {"total": 5}, {"file": "a.csv"}])
def test_residents_as_they_may_be_given(population):
    parse_config({"place": {**PLACE, "population": population}})


def test_floor_space_of_one_kind_leaves_the_others():
    demand = parse_config({"place": PLACE, "demand": {"home_m2": {"residential": 40}}}).demand
    assert demand.home_m2["residential"] == 40
    assert demand.options.home_m2["dormitory"] == 5
    named = parse_config({"place": PLACE, "demand": {"home_m2": {"住宅": 30}}}).demand
    assert named.options.home_m2["住宅"] == 30


def test_each_floor_space_has_a_source():
    unchanged = parse_config({"place": PLACE}).demand
    assert unchanged.home_m2_source == dict.fromkeys(unchanged.home_m2, UNVERIFIED)
    demand = {
        "home_m2": {"residential": 40, "village": 12, "dormitory": 5},
        "home_m2_source": {"village": "2025 survey"},
    }
    told = parse_config({"place": PLACE, "demand": demand}).demand.home_m2_source
    assert told == {
        "residential": UNSTATED,
        "resettlement": UNVERIFIED,
        "village": "2025 survey",
        "dormitory": UNVERIFIED,
    }


@pytest.mark.parametrize("value", [0, -0.1, 1.2])
def test_occupancy_is_a_share(value):
    error = faults({"place": PLACE, "demand": {"occupancy": {"village": value}}})
    assert "must be above 0 and at most 1" in error.lines("en")[0]


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_floor_space_must_be_above_zero(value):
    error = faults({"place": PLACE, "demand": {"home_m2": {"residential": value}}})
    assert "must be above 0" in error.lines("en")[0]
    assert "必须大于 0" in error.lines("zh")[0]


def test_all_faults_are_reported_together_and_in_chinese():
    raw = {"place": {**PLACE, "boundry": "x"}, "zones": {"k": -1}, "siting": {"q": 1}}
    lines = faults(raw).lines("zh")
    assert len(lines) == 3
    assert all("设置项" in line for line in lines)


def test_no_such_file(tmp_path):
    with pytest.raises(MissingInputError, match="no settings file"):
        read_config(tmp_path / "gridplan.toml")


def test_broken_toml(tmp_path):
    path = tmp_path / "gridplan.toml"
    path.write_text("[place\nname = 1", encoding="utf-8")
    with pytest.raises(SettingsError, match="no valid TOML"):
        read_config(path)


def test_settings_in_another_encoding(tmp_path):
    path = tmp_path / "gridplan.toml"
    path.write_bytes('[place]\nname = "新镇街道"'.encode("gb18030"))
    with pytest.raises(SettingsError, match="no valid TOML in UTF-8"):
        read_config(path)


def test_overrides(tmp_path):
    path = tmp_path / "gridplan.toml"
    path.write_text('[place]\nname="t"\nas_of=2026-06-30\npopulation=3\n', encoding="utf-8")
    config = read_config(path, overrides=["siting.p=3", 'report.lang="en"', "place.name=新镇"])
    assert (config.siting.p, config.report.lang, config.place.name) == (3, "en", "新镇")
    with pytest.raises(SettingsError, match="expected KEY=VALUE"):
        read_config(path, overrides=["siting.p"])


def test_the_commented_settings_file_is_valid_and_complete():
    text = settings_toml()
    config = parse_config(tomllib.loads(text))
    assert config.place.name == "某某街道"
    for section, field in Config.model_fields.items():
        if section != "norms":
            for key in field.annotation.model_fields:
                assert f"\n{key} =" in text or f"\n# {key} =" in text


def test_the_settings_page_is_up_to_date(project_root):
    page = (project_root / "docs" / "settings.md").read_text(encoding="utf-8")
    assert page == settings_markdown(), "run: python -m gridplan.settings_doc > docs/settings.md"
