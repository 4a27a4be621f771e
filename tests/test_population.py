"""The population table: what its headers mean, and what is wrong or odd in its rows."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridplan.demand import partitions
from gridplan.errors import InputError
from gridplan.people_settings import PopulationTable
from gridplan.project.population_headers import age_name, group_name
from gridplan.project.population_table import Units, population_table

IDS = {"a", "b", "c"}
ESTATES = pd.DataFrame(
    {"estate_id": ["e1", "e2", "e3", "e4"], "name": ["柳苑", "桐苑", "同名里", "同名里"]},
    dtype="object",
)


def table(text):
    """Return a table of text from lines of comma-separated cells."""
    rows = [[cell.strip() or None for cell in line.split(",")] for line in text.strip().split("\n")]
    return pd.DataFrame(rows[1:], columns=rows[0], dtype="object")


def read(text, ids=IDS, estates=ESTATES, **options):
    units = Units(frozenset(ids), estates)
    return population_table(
        table(text), units, settings=PopulationTable(**options), what="人口.xlsx"
    )


def faults_of(text, ids=IDS, **options):
    with pytest.raises(InputError) as caught:
        read(text, ids, **options)
    assert all(fault.zh != fault.en for fault in caught.value.faults)
    return caught.value.lines("en")


def notes_of(text, ids=IDS, **options):
    return {note.code: note for note in read(text, ids, **options)[1]}


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("0-14岁", "age_0_14"), ("0—14岁", "age_0_14"), ("15 ~ 59 岁", "age_15_59"),
        ("０－１４岁（人）", "age_0_14"),
        ("60岁及以上", "age_60_plus"), ("60岁以上", "age_60_plus"),
        ("65周岁及以上老年人", "age_65_plus"), ("≥80岁", "age_80_plus"), ("60+", "age_60_plus"),
        ("age_0_14", "age_0_14"), ("age_60_plus", "age_60_plus"), ("0–3", "age_0_3"),
        ("80+", "age_80_plus"), ("14岁及以下", "age_0_14"), ("15至59岁人口", "age_15_59"),
        ("aged 15-59 years", "age_15_59"),
        ("序号", None), ("60", None), ("2020-2021", None), ("14-0岁", None), ("130+", None),
    ],
)  # fmt: skip
def test_ages_are_recognised(header, name):
    assert age_name(header) == name


def test_well_known_groups_are_recognised():
    headers = ["女", "男（人）", "流动人口", "女性人口", "women", "残疾人", "户主"]
    assert [group_name(one) for one in headers] == [
        "women", "men", "migrants", "women", "women", "disabled", None,
    ]  # fmt: skip


PERSONAL = """序号,社区编码,社区名称,常住人口,60岁及以上,联系人,联系电话,邮编,备注
1,a,甲,100,20,王某,13900000001,215300,x
2,b,乙,200,30,李某,13900000002,215300,
3,c,丙,300,40,赵某,13900000003,215300,"""


def test_only_known_columns_become_groups():
    units, _ = read(PERSONAL)
    assert units.columns.tolist() == ["level", "unit_id", "population", "age_60_plus"]


def test_columns_left_alone_are_listed_once_by_header_and_never_by_value():
    notes = [note for note in read(PERSONAL)[1] if note.code == "population_columns_unused"]
    assert len(notes) == 1
    assert notes[0].ids == ("序号", "邮编", "备注", "联系人", "联系电话")
    text = notes[0].message.en + notes[0].message.zh
    assert "look personal: 联系人、联系电话." in notes[0].message.en
    assert "13900000001" not in text
    assert "王某" not in text


def test_groups_are_what_the_planner_lists():
    text = "社区编码,人口,低保户,楼栋长数\na,10,1,2\nb,10,1,2\nc,10,1,2"
    units, notes = read(text, groups=["楼栋长数"], rename={"poor": "低保户"})
    assert units.columns.tolist() == ["level", "unit_id", "population", "poor", "楼栋长数"]
    assert units["楼栋长数"].tolist() == [2, 2, 2]
    assert notes == []


def test_the_column_wanted_is_said_by_rename():
    text = "社区编码,常住人口,实有人口\na,1,10\nb,1,10\nc,1,10"
    units, notes = read(text, rename={"population": "实有人口"})
    assert units["population"].tolist() == [10, 10, 10]
    assert notes[0].ids == ("常住人口",)


GOOD = "社区编码,社区名称,常住人口,户籍人口,户数,0-14岁,15-59岁,60岁及以上,男,女"


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("社区编码,人口\na,1\nb,1\nc,1", {"groups": ["低保"]}, "no columns 低保"),
        ("社区编码,人口\na,1\nb,1\nc,1", {"rename": {"x": "人囗"}}, "Did you mean 人口?"),
        ("社区编码,人口,60岁以上,60+\na,9,1,1\nb,9,1,1\nc,9,1,1", {},
         "mean `age_60_plus`: 60岁以上, 60+"),
        ("社区编码,人口,费用\na,9,1\nb,9,1\nc,9,1", {"rename": {"cost": "费用"}},
         "a group cannot be called cost"),
        ("社区编码,人口\na,1\n,5\nb,1\nc,1", {},
         "1 row has no community code (or estate) without being a row of sums (合计"),
        ("社区编码,社区名称,人口\na,甲,1\n,丁,5\nb,乙,1\nc,丙,1", {}, "1 row has no community"),
        ("社区编码,人口,60岁以上\na,10,11\nb,10,1\nc,10,1", {},
         "the group `age_60_plus` is larger than the population in 1 of 3 rows: a: 11 > 10"),
        ("社区编码,人口\na,10\nb,20\nc,30\n合计,61", {},
         "`population`: the row of sums says 61, but its communities sum to 60"),
        ("社区编码,社区名称,人口\na,甲,10\nb,乙,20\nc,丙,30\n,总 计,59", {}, "sums says 59"),
        ("社区编码,人口\na,10\nb,20\n小计,31\nc,30\n合计,60", {},
         "the row of sums says 31, but its communities sum to 30"),
        ("社区编码,人口\na,10\nb,20\nc,30\n合计,约六十", {}, "合计 = 约六十"),
        ("社区编码,人口\na,0\nb,0\nc,0", {}, "all counts of residents are 0"),
    ],
)  # fmt: skip
def test_a_fault_of_the_table_is_named(text, options, message):
    lines = faults_of(text, **options)
    assert len(lines) == 1, lines
    assert message in lines[0]


@pytest.mark.parametrize(
    "sums",
    ["合计,,60", ",合计,60", "320583102,全街道总计：,60", "合  计,,60", "TOTAL,,60", "合计,,"],
)
def test_a_row_of_sums_is_no_community(sums):
    if sums.startswith("320583102"):
        sums = sums.replace("全街道总计", "总计")
    units, _ = read(f"社区编码,社区名称,人口\na,甲,10\nb,乙,20\nc,丙,30\n{sums}")
    assert units["unit_id"].tolist() == ["a", "b", "c"]


def test_sums_of_blocks_may_stand_above_or_below():
    units, _ = read("社区编码,人口\n合计,60\n小计,30\na,10\nb,20\n小计,30\nc,30")
    assert units["population"].sum() == 60


def test_ages_that_miss_the_population_are_noted_with_the_difference():
    text = (
        "社区编码,人口,0-14岁,15-59岁,60岁及以上,80岁及以上\n"
        "a,100,10,70,20,5\nb,100,10,70,15,5\nc,100,10,72,20,5"
    )
    note = notes_of(text)["groups_sum"]
    assert note.ids == ("b", "c")
    assert "in 2 of 3 rows (in all -3): b: -5, c: +2" in note.message.en


def test_the_register_may_differ_from_the_population():
    assert notes_of("社区编码,人口,户籍人口\na,100,150\nb,100,10\nc,100,0") == {}


def test_odd_households_and_registers_are_noted():
    text = "社区编码,人口,户籍人口,户数\na,100,301,100\nb,100,10,10\nc,0,0,0"
    notes = notes_of(text)
    assert notes["register_ratio"].ids == ("a",)
    assert notes["household_size"].ids == ("a", "b")
    assert "a (1.0), b (10.0)" in notes["household_size"].message.en


def test_a_whole_table_has_no_notes():
    assert notes_of(GOOD + "\na,甲,100,50,40,10,70,20,51,49\nb,乙,10,5,4,1,7,2,5,5\n"
                    "c,丙,10,5,4,1,7,2,5,5\n合计,,120,60,48,12,84,24,61,59") == {}  # fmt: skip


def test_partitions_take_the_finest_chain():
    groups = ["age_0_14", "age_0_3", "age_4_14", "age_15_59", "age_60_plus", "age_65_plus", "men"]
    assert partitions(groups) == [("age_0_3", "age_4_14", "age_15_59", "age_60_plus")]
    assert partitions(["age_0_14", "age_60_plus", "women", "men"]) == [("women", "men")]


@given(
    counts=st.lists(st.integers(0, 10**6), min_size=3, max_size=3).filter(any),
    wrong=st.integers(-3, 3),
)
@settings(max_examples=40)
def test_a_row_of_sums_is_believed_only_if_it_is_one(counts, wrong):
    lines = [f"{unit},{count}" for unit, count in zip("abc", counts, strict=True)]
    total = sum(counts) + wrong
    text = "\n".join(["社区编码,人口", *lines, f"合计,{total}"])
    if wrong == 0:
        assert read(text)[0]["population"].tolist() == counts
    else:
        assert faults_of(text)


ESTATE_ROWS = """社区编码,小区名称,人口,户数
a,,100,40
b,,50,20
c,,10,4
,柳苑,30,10
b,桐 苑,,8
合计,,160,64"""


def test_rows_may_count_communities_and_estates():
    units, notes = read(ESTATE_ROWS)
    assert units["level"].tolist() == ["community"] * 3 + ["estate"] * 2
    assert units["unit_id"].tolist() == ["a", "b", "c", "e1", "e2"]
    assert units["population"].tolist()[:4] == [100, 50, 10, 30]
    assert units["population"].isna().tolist() == [False] * 4 + [True]
    assert notes == []


def test_a_table_of_estates_alone_needs_no_communities():
    units, _ = read("小区编号,小区,人口\ne1,,30\ne3,同名里,5\n合计,,35")
    assert units["unit_id"].tolist() == ["e1", "e3"]


def test_without_a_layer_of_estates_a_table_counts_communities():
    text = "社区编码,主要小区,小区,人口\na,柳苑,柳苑等,1\nb,桐苑,桐苑等,2\nc,x,y,3"
    units, notes = read(text, estates=ESTATES.iloc[:0])
    assert units["unit_id"].tolist() == ["a", "b", "c"]
    assert notes[0].ids == ("主要小区", "小区")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("小区,人口\n柳苑,3\n柳苑,4", "1 estate occurs more than once: e1"),
        ("小区编号,小区,人口\ne1,,3\n,柳 苑,4", "1 estate occurs more than once: e1"),
        ("小区,人口\n柳园,3", "estates that the layer `estates` does not have: 柳园. Did you mean"),
        ("小区编号,人口\ne9,3", "does not have: e9"),
        ("小区,人口\n同名里,3", "several estates have the name 同名里: e3, e4"),
        ("小区,人口,户数\n柳苑,,\n桐苑,3,1", "1 row has no count of residents: e1"),
        ("社区编码,小区,人口\nx,柳苑,3", "1 code only in the table (x), 0 only in the layer"),
        ("小区,人口\n柳苑,3\n合计,4", "the row of sums says 4"),
        ("小区,人口,数据日期\n柳苑,3,2026年", "1 value is no date: 2026年"),
    ],
)
def test_a_fault_of_a_table_of_estates_is_named(text, message):
    lines = faults_of(text)
    assert len(lines) == 1, lines
    assert message in lines[0]


def test_dates_and_sources_of_rows_are_kept():
    units, _ = read("小区,人口,数据日期,来源\n柳苑,3,2025-12-31,物业\n桐苑,3,,")
    assert units["as_of"].tolist() == ["2025-12-31", None]
    assert units["source"].tolist() == ["物业", None]
