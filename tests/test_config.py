"""Settings: typed, all faults at once, the nearest valid name suggested, docs that do not lag."""

from __future__ import annotations

import datetime as dt
import re
import tomllib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gridplan.config import Config, PlaceSettings, parse_config, read_config, written_language
from gridplan.errors import GridplanError, MissingInputError, SettingsError
from gridplan.people_settings import UNSTATED, UNVERIFIED
from gridplan.settings_doc import _toml, settings_markdown, settings_toml

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
        ({"place": PLACE, "cells": {"method": "hex"}}, r"should be 'fabric', 'square' or 'given'"),
        ({"place": PLACE, "cells": {"target_m2": 0}}, r"greater than or equal to 10"),
        ({"place": PLACE, "siting": {"time_s": 0}}, r"greater than 0"),
    ],
)
def test_each_fault_has_its_message(raw, message):
    error = faults(raw)
    assert len(error.faults) == 1
    with pytest.raises(SettingsError, match=message):
        raise error


INF, NAN = float("inf"), float("nan")


def norms(key, **changes):
    return {"place": PLACE, "norms": {key: {"value": 300, "unit": "m", "source": "s", **changes}}}


@pytest.mark.parametrize(
    ("raw", "en", "zh"),
    [
        ({"place": PLACE, "network": {"max_leg_m": INF}}, "[network].max_leg_m = inf", "有限数值"),
        ({"place": PLACE, "network": {"max_leg_m": NAN}}, "[network].max_leg_m = nan", "有限数值"),
        ({"place": PLACE, "network": {"max_leg_m": 1e9}}, "less than or equal to 100000", "不大于"),
        ({"place": PLACE, "demand": {"home_m2": {"house": INF}}}, "home_m2.house = inf", "有限"),
        ({"place": {**PLACE, "boundary": [0, 1, NAN, 2]}}, "boundary[3] = nan", "有限数值"),
        ({"place": {**PLACE, "boundary": 5}}, "text or a table or a list of numbers", "文字或表"),
        (
            {"place": {**PLACE, "water": {"fiel": "x"}}},
            "[place].water.fiel. Did you mean `file`",
            "",
        ),
        ({"place": {**PLACE, "population": True}}, "expected a whole number of residents", "应为"),
        ({"place": {**PLACE, "population": 1.5}}, "population = 1.5 cannot be used", "整数"),
        ({"place": {**PLACE, "name": "  "}}, "should be a name", "不能为空"),
        ({"place": {**PLACE, "name": "a\nb"}}, "should be a name", "不能换行"),
        ({"place": {**PLACE, "as_of": 20260630}}, "a date such as 2026-06-30", "应为日期"),
        ({"place": {**PLACE, "as_of": "30.6.2026"}}, "a date such as 2026-06-30", "应为日期"),
        (
            {"place": {**PLACE, "as_of": "2026-06-31"}},
            "a date such as 2026-06-30",
            "应为日期，如 2026-06-30",
        ),
        ({"place": {**PLACE, "community_code": "32058"}}, "12 digits", "12 位数字"),
        ({"place": PLACE, "sitting": {"p": 1}}, "no setting [sitting]. Did you mean `siting`", ""),
        ({"place": PLACE, "siting": 3}, "[siting] = 3 cannot be used: it should be a table", "表"),
        ({"place": PLACE, "siting": {"p": True}}, "true and false", "true 或 false"),
        (
            {"place": PLACE, "zones": {"systems": {"own": {"water_parts": "no"}}}},
            "should be true or false, without quotes",
            "应为 true 或 false，不加引号",
        ),
        (
            {"place": PLACE, "cells": {"preset": "round"}},
            "'uniform' or 'recognisable'",
            "取值为 'uniform'或'recognisable'",
        ),
        (
            {"place": PLACE, "demand": {"home_m2": {"village": True}}},
            "no numbers (village)",
            "数值",
        ),
        ({"place": PLACE, "demand": {"occupancy": {"village": False}}}, "no numbers", "不是数值"),
        (
            {"place": PLACE, "access": {"speeds": {"adult": True}}},
            "[access].speeds = {'adult': True} cannot be used: true and false are no numbers",
            "true 和 false 不是数值（adult）",
        ),
        ({"place": {**PLACE, "boundary": [1, 2, 3, True]}}, "no numbers (4)", "不是数值（4）"),
        (norms("walk_here", value=True), "true and false", "true 或 false"),
        ({"place": PLACE, "run": {"seed": -1}}, "greater than or equal to 0", "不小于 0"),
        ({"place": PLACE, "run": {"seed": 2**31}}, "less than or equal to 2147483647", "不大于"),
        ({"place": PLACE, "zones": {"tolerance": 1.5}}, "less than or equal to 1", "不大于"),
        ({"place": PLACE, "str": 1}, "There is no setting [str]", "没有设置项"),
        ({"place": PLACE, "float": {"x": 2}}, "There is no setting [float]", "没有设置项"),
        (norms("walk_5min_m", value=0), "walk_5min_m = 0 should be above 0", "应大于 0"),
        (norms("walk_here", value=2e5), "at most 100,000 metres", "不超过 100,000 米"),
        (norms("walk_5min_m", value="far"), "walk_5min_m.value = 'far'", "应为数字"),
        (norms("walk_5min_m", unit="km"), "should be 'm', not 'km'", "单位应为"),
        (norms("walk_here", unit="min"), "should be 'm', not 'min'", "单位应为"),
        (norms("workers_per_10000"), "should be '1', not 'm'", "单位应为"),
        (norms("walk_5min_m", valeu=3), "walk_5min_m.valeu. Did you mean `value`", ""),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused(raw, en, zh):
    error = faults(raw)
    assert len(error.faults) == 1
    assert en in error.faults[0].en
    assert zh in error.faults[0].zh


def test_a_date_in_quotation_marks_is_a_date():
    assert parse_config({"place": PLACE}).place.as_of == dt.date(2026, 6, 30)
    date = dt.date(2026, 1, 31)
    assert parse_config({"place": {**PLACE, "as_of": date}}).place.as_of == date


@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("walk_5min", "walk_5min_m"),
        ("worker_per_10000", "workers_per_10000"),
        ("room_norm", "room_norm_m"),
        ("social_grid_most_housholds", "social_grid_most_households"),
        ("noise_db", None),
    ],
)
def test_a_norm_that_nothing_reads_is_refused_with_the_nearest_name(key, near):
    (fault,) = faults(norms(key)).faults
    assert f"there is no norm [norms].{key}" in fault.en
    assert f"没有规范值 [norms].{key}" in fault.zh
    assert (f"did you mean `{near}`?" in fault.en) == (near is not None)
    assert (f"是否指 `{near}`？" in fault.zh) == (near is not None)


@pytest.mark.parametrize("key", ["walk_20min_m", "walk_own_m", "walk_5min_m", "room_grade4_m2"])
def test_a_norm_of_ones_own_is_allowed(key):
    unit = {"unit": "m²"} if key.endswith("m2") else {}
    both = {**norms(key, **unit)["norms"]}
    if unit:
        both["room_grade4_households"] = {"value": 9000, "unit": "households", "source": "s"}
    raw = {"place": PLACE, "norms": both}
    if unit:
        raw["norms"][key]["value"] = 9000
    assert key in parse_config(raw).all_norms
    raw = {**norms("to_school_m"), "access": {"area_norms": ["to_school_m"]}}
    assert parse_config(raw).all_norms["to_school_m"].value == 300


@pytest.mark.parametrize(
    ("cells", "unused"),
    [
        ({"method": "square", "even_components": 1.0}, ["even_components"]),
        ({"method": "square", "repair": True, "estates": "whole"}, ["estates", "repair"]),
        ({"method": "given", "even_components": 1.0, "repair": True}, ["even_components"]),
        ({"repair": True, "even_components": 1.0}, ["repair"]),
        ({"method": "square", "open_share": 0.1, "target_m2": 8000.0}, []),
        ({"even_components": 0.0, "preset": "recognisable"}, []),
    ],
)
def test_settings_of_cells_that_the_method_does_not_look_at_are_noted(cells, unused):
    place = {**PLACE, "cells": "grid.gpkg"} if cells.get("method") == "given" else PLACE
    notes = parse_config({"place": place, "cells": cells}).notes
    assert [note.code for note in notes] == (["cell_settings_unused"] if unused else [])
    for note in notes:
        assert list(note.ids) == unused
        assert f"does not look at {', '.join(f'`{one}`' for one in unused)}" in note.message.en
        assert f"不使用 {'、'.join(f'`{one}`' for one in unused)}" in note.message.zh


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


@pytest.mark.parametrize("date", ["soon", "2026-13-40", []])
def test_a_date_of_counts_is_a_date(date):
    error = faults({"place": {**PLACE, "population": {"total": 5, "as_of": date}}})
    [zh] = error.lines("zh")
    assert zh == f"设置项 [place].population.as_of = {date!r} 无效：应为日期，如 2026-06-30。"


def test_a_walking_speed_replaces_that_of_its_group_alone():
    speeds = parse_config({"place": PLACE, "access": {"speeds": {"adult": 1.2, "pram": 0.9}}})
    assert speeds.access.speeds == {"adult": 1.2, "elderly": 0.8, "wheelchair": 0.55, "pram": 0.9}


@pytest.mark.parametrize("value", [0, -1])
def test_walking_speeds_are_above_zero(value):
    error = faults({"place": PLACE, "access": {"speeds": {"adult": value}}})
    assert "[access].speeds" in error.lines("en")[0]
    assert "walking speeds must be above 0 m/s" in error.lines("en")[0]


@pytest.mark.parametrize("value", [0, -0.1, 1.2])
def test_occupancy_is_a_share(value):
    error = faults({"place": PLACE, "demand": {"occupancy": {"village": value}}})
    assert "must be above 0 and at most 1" in error.lines("en")[0]


@pytest.mark.parametrize("value", [0, -1])
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


@pytest.fixture
def small(tmp_path):
    """Return a settings file with what has to be there."""
    path = tmp_path / "gridplan.toml"
    path.write_text('[place]\nname="t"\nas_of=2026-06-30\npopulation=3\n', encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('[place]\nname = "新镇街道"'.encode("gb18030"), "seems to be GB18030; save it as UTF-8"),
        ('[place]\nname = "新镇街道"'.encode("utf-16"), "seems to be UTF-16; save it as UTF-8"),
        (b"\x89PNG\r\n\x1a\n\x00\xff", "byte 1 is not UTF-8"),
        (b"x = " + b"[" * 10_000, "no valid TOML"),
        (b"x = " + b"9" * 5_000, "no valid TOML"),
    ],
)
def test_a_file_that_is_no_toml_in_utf8(tmp_path, content, message):
    path = tmp_path / "gridplan.toml"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match=message):
        read_config(path)


def test_a_byte_order_mark_is_no_fault(small):
    small.write_bytes(b"\xef\xbb\xbf" + small.read_bytes())
    assert read_config(small).place.population == 3


def test_a_folder_in_place_of_its_settings_file(small):
    with pytest.raises(MissingInputError, match=r"is a folder. Name the settings file in it"):
        read_config(small.parent)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["place.name.x=1"], "place.name is a single value"),
        (["str=1"], r"There is no setting \[str\]"),
        (["float.x=2"], r"There is no setting \[float\]"),
        (["network.max_leg_m=inf"], "finite"),
        (["network.max_leg_m=nan"], "finite"),
        (["siting.p=1\nq=2"], r"siting\].p = '1\\nq=2' cannot be used"),
        (["siting..p=1"], "expected KEY=VALUE"),
        (["siting.p=1", "siting.p=2"], "siting.p is set twice, to 1 and to 2"),
    ],
)
def test_overrides_that_are_refused(small, overrides, message):
    with pytest.raises(SettingsError, match=message):
        read_config(small, overrides=overrides)


def test_the_same_override_twice_is_no_fault(small):
    assert read_config(small, overrides=["siting.p=3", "siting . p= 3"]).siting.p == 3


WORDS = "p k lang str int float LayerSource list[float] value walk_5min_m osm file rename 新"
NAMES = st.sampled_from([*Config.model_fields, *PlaceSettings.model_fields, *WORDS.split()])
SCALARS = st.one_of(
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.dates(),
    st.sampled_from(["zh", "m", "none", "box"]),
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3)
)


def only_sentences(call):
    """Call; allow settings, or faults in both languages, and nothing else."""
    faults = []
    try:
        assert isinstance(call(), Config)
    except GridplanError as error:
        faults = [error.lines("zh"), error.lines("en")]
    assert all(lines and all(line.strip() for line in lines) for lines in faults)


@given(st.dictionaries(NAMES, VALUES, max_size=4))
def test_any_tables_give_settings_or_sentences(tables):
    only_sentences(lambda: parse_config({"place": PLACE, **tables}))
    place = tables.get("place")
    if isinstance(place, dict):
        only_sentences(lambda: parse_config({"place": {**PLACE, **place}}))


PARTS = st.lists(NAMES | st.text(max_size=4), min_size=1, max_size=4).map(".".join)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(PARTS, st.text(max_size=8) | VALUES.map(_toml)), max_size=3))
def test_any_override_gives_settings_or_sentences(small, pairs):
    only_sentences(lambda: read_config(small, overrides=[f"{key}={text}" for key, text in pairs]))
    only_sentences(lambda: read_config(small, overrides=[text for _, text in pairs]))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=30) | st.text(max_size=30).map(str.encode))
def test_any_file_gives_settings_or_sentences(small, content):
    path = small.with_name("any.toml")
    path.write_bytes(small.read_bytes() + content)
    only_sentences(lambda: read_config(path))


def test_overrides(small):
    path = small
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


def test_the_form_of_a_norm_that_the_docs_show_can_be_used():
    shown = settings_markdown().partition("## `[norms.NAME]`")[2]
    example = tomllib.loads(shown.partition("```toml\n")[2].partition("```")[0])
    place = {"name": "A", "as_of": "2026-01-31", "population": 5}
    norm = parse_config({"place": place, **example}).all_norms["room_norm_m"]
    assert (norm.value, norm.verified) == (400, True)


@pytest.mark.parametrize(
    ("raw", "lang"),
    [
        ({"report": {"lang": "en"}, "zones": {"k": -1}}, "en"),
        ({"report": {"lang": "zh"}}, "zh"),
        ({"report": {"lang": ["zh"]}}, None),
        ({"report": "en"}, None),
        ({}, None),
    ],
)
def test_the_language_is_known_also_where_other_settings_are_at_fault(raw, lang):
    assert written_language(raw) == lang


@pytest.mark.parametrize(
    ("line", "en", "zh"),
    [
        ("name = “试验街道”", "write the plain signs", "英文标点"),
        ('name = "D:\\资料\\a.shp"', "write / for", "代替"),
    ],
)
def test_slips_in_the_settings_file_come_with_their_cure(tmp_path, line, en, zh):
    path = tmp_path / "gridplan.toml"
    path.write_text(f"[place]\n{line}\n", encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        read_config(path)
    assert en in caught.value.faults[0].en
    assert zh in caught.value.faults[0].zh


@pytest.mark.parametrize(
    ("line", "en", "zh"),
    [
        ("p 12", "line 2, `p 12`: `=` is missing", "第 2 行 `p 12`：名称之后缺少 `=`"),
        ("p = ", "line 2, `p =`: the value cannot be read", "第 2 行 `p =`：无法识别的值"),
        ("p = 12 处", "more on the line than one setting", "一行内多于一个设置项"),
        ("p = 500m", "more on the line", "一行内多于一个设置项"),
        ("p = True", "the value cannot be read", "true / false 小写"),
        ("p = 2026-02-31", "the value cannot be read", "日期写作 2026-06-30"),
        ('p = "a', 'quotes " are not closed', "未成对"),
        ("p = [1 2]", "a comma between values is missing", "缺少逗号"),
        ("p = {a = 1", "is not closed", "未闭合"),
        ("[siting", "is not closed", "未闭合"),
        ("p = 1\np = 2", "line 3, `p = 2`: this setting or table is there twice", "重复出现"),
        ("[place]", "is there twice", "重复出现"),
        ("设 = 1", "letters, digits", "名称只能含字母"),
    ],
)
def test_broken_toml_is_told_in_plain_words_with_its_line(tmp_path, line, en, zh):
    path = tmp_path / "gridplan.toml"
    path.write_text(f"[place]\n{line}\n", encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        read_config(path)
    (fault,) = caught.value.faults
    assert en in fault.en
    assert zh in fault.zh
    assert not re.search("Expected|Invalid|Unclosed|document", fault.zh)


@pytest.mark.parametrize(
    ("raw", "en", "zh"),
    [
        ({"p": 12}, "no setting p outside sections. It belongs to [siting].p:", "[siting] 之下"),
        (
            {"zones": {"p": 12}},
            "no setting [zones].p. Did you mean [siting].p?",
            "是否指 [siting].p",
        ),
        ({"siting": {"p": "many"}}, "it should be a whole number.", "整数"),
        (
            {"zones": {"k": "12x"}},
            "'12x' cannot be used: it should be a whole number.",
            "应为整数。",
        ),
        ({"siting": {"least_share": 2}}, "equal to 1.", "应不大于 1。"),
        ({"zones": {"systems": {"own": {"weights": {"cells": 3}}}}}, "not cells = 3", "cells = 3"),
    ],
)
def test_faults_are_told_without_the_words_of_the_program(raw, en, zh):
    error = faults({"place": PLACE, **raw})
    assert en in error.faults[0].en
    assert zh in error.faults[0].zh


ODD = [None, "x", "", "2026", 3, -1, 2.5, 1e300, 10**30, float("nan"), [], [1], ["a", 2], {},
       {"a": "b"}, dt.date(2026, 1, 1), dt.time(5, 30)]  # fmt: skip
RAW = re.compile(
    r"valid|unable|pars|input|Input|iterable|instance|field|Tuple|List|See docs|项所接受"
)


@pytest.mark.parametrize("section", [one for one in Config.model_fields if one != "norms"])
def test_no_kind_of_value_meets_a_sentence_of_the_program(section):
    model = Config.model_fields[section].annotation
    for name in model.model_fields:
        for value in ODD:
            place = {**PLACE, **({name: value} if section == "place" else {})}
            raw = {"place": place, **({} if section == "place" else {section: {name: value}})}
            try:
                parse_config(raw)
            except SettingsError as error:
                for one in error.faults:
                    reason = one.en.partition("cannot be used: ")[2]
                    assert not RAW.search(reason), one.en
                    assert not re.search("it should|see docs", one.zh), one.zh
