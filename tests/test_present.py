"""Words, classes, encoding, fonts and tables of `gridplan.present`."""

import io
import json
import runpy
import zipfile
from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridplan.errors import Message, MissingPackageError
from gridplan.present import aggregate, classes, finding, fonts, tables, tables_xlsx, tabulation
from gridplan.present.encode import STEPS_PER_DEGREE, Encoder, script_json
from gridplan.present.report import _value
from gridplan.present.words import choice_status, number, percent, siting_status, word

TOWN = runpy.run_path(str(Path(__file__).with_name("test_present_town.py")))


@pytest.fixture(scope="module")
def plan():
    return TOWN["make_plan"]()


def changed(plan, **summary):
    return type(plan)(plan.place, plan.layers, {**plan.summary, **summary}, plan.settings)


# Words.


def test_the_finding_counts_the_residents_that_its_share_means(plan) -> None:
    share = plan.summary["access_after"]["within"]["500"]
    people = aggregate.residents_within(plan, 500.0)
    assert people == pytest.approx(share * plan.summary["residents"])
    told = finding(plan)
    assert f"{people:,}" in told.en
    assert f"{people:,}" in told.zh
    assert told.en.startswith("5 activity rooms bring")
    assert percent(plan.summary["access"]["before"]["within"]["500"], "zh") in told.zh


def test_without_siting_the_finding_speaks_of_today_only(plan) -> None:
    told = finding(changed(plan, access_after=None, siting=None))
    assert "bring" not in told.en
    assert percent(plan.summary["access"]["before"]["within"]["500"], "en") in told.en


@pytest.mark.parametrize(
    ("siting", "en", "zh"),
    [
        (
            {"status": "proven", "gap": 0.0, "model": "p-median", "candidates": 79},
            (
                "Proven: the least total walk among the 79 candidate sites given, with the "
                "committees and existing rooms fixed."
            ),
            "已证明：在给定的 79 处候选场地中，居委会与现有活动室不变时，居民步行总和最小。",
        ),
        ({"status": "gap", "gap": 0.0057, "stopped_by": "work"}, "not proven", "提前停止"),
        (
            {"status": "gap", "gap": 0.0001, "stopped_by": "time"},
            "by more than 0.01 %",
            "至多再改进 0.01%",
        ),
        ({"status": "infeasible", "gap": None}, "No plan was found", "未得到可行方案"),
        ({"status": "gap", "gap": 0.1, "stopped_by": "user"}, "(user)", "（user）"),
    ],
)
def test_a_proof_says_among_which_sites_and_nothing_is_called_optimal(siting, en, zh) -> None:
    told = siting_status(siting)
    assert en in told.en
    assert zh in told.zh
    assert "optimal" not in told.en
    assert ("Proven" in told.en) == (siting["status"] == "proven")
    assert "最优" not in told.zh.replace("未证明最优", "")


PROVEN = {"status": "proven", "gap": 0.0, "model": "p-median", "candidates": 79, "answer": "C"}


@pytest.mark.parametrize(
    ("more", "en", "zh"),
    [
        (
            {"budget": 80000.0},
            "rooms fixed and within the budget of 80,000 yuan.",
            "不变、不超过预算 80,000 元时，",
        ),
        (
            {"answer": "B", "model": "lscp", "backup": 2, "budget": 8.0},
            "rooms fixed and 2 places for each home, or as many as can be.",
            "不变、每处住房有 2 处场所（不足者尽量多）时，",
        ),
        ({"backup": 2}, "existing rooms fixed.", "现有活动室不变时，"),
        (
            {"forbidden": ["a", "b"], "required": ["c"], "moves": [{"from": "b", "to": "c"}]},
            (
                "the 77 candidate sites given, with the committees and existing rooms fixed and 2 "
                "decisions on sites kept."
            ),
            "77 处候选场地中，居委会与现有活动室不变、2 条场地决定照办时",
        ),
        ({"stages": [{}]}, "fixed and the objectives before it kept.", "前面各级目标得到保证时"),
        ({"capacity": "hard"}, "fixed and floor area as a limit.", "面积为硬性容量时"),
        ({"at_most": {"k1": 1}}, "the numbers by community kept.", "各社区数量要求得到满足时"),
    ],
)
def test_a_proof_says_under_which_conditions(more, en, zh) -> None:
    proven, gap = siting_status(PROVEN | more), {"status": "gap", "gap": 0.01}
    assert en in proven.en
    assert zh in proven.zh
    for stopped in (None, "work"):
        unproven = siting_status(PROVEN | more | gap | {"stopped_by": stopped})
        assert en.rstrip(".") + ", can be better by more than 1.00 %" in unproven.en
        assert zh in unproven.zh


def test_what_is_missing_is_never_a_number() -> None:
    assert {number(None), number(np.nan), number(np.inf), percent(None, "zh")} == {"–"}
    assert number(-3) == "−3"


# Aggregates.


@given(
    st.lists(
        st.tuples(st.one_of(st.none(), st.floats(0, 5000)), st.integers(0, 500)),
        min_size=1,
        max_size=30,
    )
)
@settings(max_examples=40)
def test_percentiles_agree_with_a_list_of_every_resident(rows) -> None:
    metres = pd.Series([far for far, _ in rows], dtype="float64")
    people = pd.Series([float(count) for _, count in rows])
    found = aggregate.spread(metres, people)
    everyone = sorted(far for far, count in rows for _ in range(count) if far is not None)
    assert found.missing == sum(count for far, count in rows if far is None)
    if not everyone:
        assert found.mean_m is None
        return
    assert found.mean_m == pytest.approx(np.mean(everyone))
    assert found.median_m == everyone[-(-len(everyone) // 2) - 1]
    assert found.p90_m == everyone[-(-9 * len(everyone) // 10) - 1]
    assert found.max_m == everyone[-1]


def test_coverage_ends_at_the_share_that_has_a_route() -> None:
    far, share = aggregate.coverage(pd.Series([300.0, None, 100.0]), pd.Series([2.0, 4.0, 2.0]))
    assert far.tolist() == [100.0, 300.0]
    assert share.tolist() == [0.25, 0.5]


# Classes.


def test_walk_classes_keep_norms_no_route_and_no_residents_apart() -> None:
    metres = pd.Series([300.0, 300.1, 1600.0, np.nan, np.nan])
    people = pd.Series([1, 1, 1, 5, 0])
    why = pd.Series(["", "", "", "unreachable", None])
    found = classes.by_walk(metres, people, [300.0, 500.0, 1000.0, 1500.0], reasons=why)
    labels = [found.classes[member].label.en for member in found.member]
    assert labels == ["≤ 300", "300–500", "> 1,500", "no walking route", "no residents"]
    assert found.counts(people.to_numpy(float)) == [1, 1, 0, 0, 1, 5, 0]


def test_every_reason_for_no_distance_is_a_class_of_its_own() -> None:
    why = pd.Series(["unplaced", "no_committee", "unreachable", "too_far_from_street", None, ""])
    metres = pd.Series([np.nan] * 5 + [100.0])
    people = pd.Series([1, 2, 4, 8, 16, 32])
    found = classes.by_walk(metres, people, [300.0], reasons=why)
    told = {
        one.label.en: count for one, count in zip(found.classes, found.counts(people), strict=True)
    }
    assert list(told.items()) == [
        ("≤ 300", 32), ("> 300", 0), ("no committee", 2), ("no walking route", 4),
        ("too far from a street", 8), ("not placed", 1), ("no reason given", 16),
        ("no residents", 0),
    ]  # fmt: skip
    colours = [one.colour for one in found.classes]
    assert len(set(colours)) == len(colours)
    assert sum(found.counts(people)) == people.sum()


@given(st.lists(st.integers(0, 3000), min_size=1, max_size=60))
@settings(max_examples=40)
def test_every_cell_has_one_class_of_residents_and_its_label_says_so(counts) -> None:
    found = classes.by_residents(pd.Series(counts))
    assert sum(found.counts()) == len(counts)
    for count, member in zip(counts, found.member, strict=True):
        label = found.classes[member].label.en.replace(",", "")
        if label.startswith(">"):
            assert count > int(label[2:])
        elif "–" in label:
            low, high = map(int, label.split("–"))
            assert low <= count <= high
        else:
            assert count == int(label) == 0


@pytest.mark.parametrize("scheme", [classes.YL_GN_BU, classes.YL_OR_BR, classes.PURPLES])
def test_schemes_survive_a_grey_photocopy(scheme) -> None:
    def lightness(colour: str) -> float:
        red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
        return 0.299 * red + 0.587 * green + 0.114 * blue

    grey = [lightness(one) for one in scheme]
    assert all(a - b > 10 for a, b in pairwise(grey))
    assert grey[-1] - lightness(classes.UNREACHABLE) > 10


def test_gain_shows_a_new_route_as_the_largest_gain() -> None:
    cells = pd.DataFrame(
        {
            "population": [1, 1, 1, 0, 1],
            "before_m": [900.0, 400.0, np.nan, np.nan, np.nan],
            "after_m": [300.0, 400.0, 250.0, np.nan, np.nan],
            "after_reason": [None, None, None, None, "unreachable"],
        }
    )
    found = classes.by_gain(cells)
    labels = [found.classes[member].label.en for member in found.member]
    assert labels == [
        "> 500 or new route", "no change", "> 500 or new route", "no residents", "no walking route",
    ]  # fmt: skip


# Encoding.


def decode(path: list[int], origin: tuple[int, int]) -> np.ndarray:
    return (np.cumsum(np.reshape(path, (-1, 2)), axis=0) + origin) / STEPS_PER_DEGREE


def test_encoded_rings_come_back_within_a_tenth_of_a_metre() -> None:
    crs = pyproj.CRS.from_epsg(4549)
    hole = shapely.box(591_400, 3_482_400, 591_500, 3_482_450)
    ring = shapely.difference(shapely.box(591_000, 3_482_000, 592_000, 3_483_000), hole)
    shapes = gpd.GeoSeries([shapely.MultiPolygon([ring, shapely.box(0, 0, 9, 9)]), hole], crs=crs)
    encoder = Encoder(crs, (591_000, 3_482_000, 592_000, 3_483_000))
    parts, whole = encoder.polygons(shapes)
    assert [len(rings) for rings in parts] == [2, 1]
    back = decode(whole[0][0], encoder.origin)
    there = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    x, y = there.transform(back[:, 1], back[:, 0])
    wanted = shapely.get_coordinates(hole)[:-1]
    assert np.abs(np.column_stack([x, y]) - wanted).max() < 0.12


@given(st.text())
@settings(max_examples=40)
def test_script_json_is_json_and_cannot_leave_its_element(text) -> None:
    found = script_json({"name": text})
    assert json.loads(found) == {"name": text}
    assert "<" not in found


# Fonts.


def test_a_font_is_found_and_names_what_it_lacks() -> None:
    path = fonts.chinese_font()
    assert not fonts.missing_glyphs("新镇街道垚鑫㐂 1,234 m²", path)
    assert fonts.missing_glyphs("a\U0001f600한", path) == ["한", "\U0001f600"]
    assert fonts.named(["\U0001f600"]) == "U+1F600 GRINNING FACE"
    assert fonts.drawable("好\U0001f600\t", path) == f"好{fonts.STAND_IN}"


def test_no_font_at_all_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setattr(fonts, "bundled", lambda _: [])
    monkeypatch.setattr(fonts, "SYSTEM_FAMILIES", ("No Such Family",))
    with pytest.raises(MissingPackageError) as caught:
        fonts.chinese_font()
    assert "pip install pylopdf-fonts-zh-cn" in str(caught.value)
    assert "方框" in caught.value.lines("zh")[0]


def test_without_the_bundled_font_the_system_is_asked(monkeypatch) -> None:
    bundled = fonts.bundled(fonts.SANS)
    monkeypatch.setattr(fonts, "bundled", lambda _: [])
    monkeypatch.setattr(fonts, "_system_fonts", lambda: [Path(fonts.__file__), *bundled][1:])
    assert fonts.chinese_font() == bundled[0]


# Tables.


def test_every_table_adds_up(plan) -> None:
    made = tables(plan)
    people = plan.summary["residents"]
    assert made["reconcile"]["ok"].all()
    for name, column in (
        ("communities", "population"),
        ("rooms", "residents"),
        ("committees", "residents_own"),
        ("committees", "residents_nearest"),
        ("ledger", "committee_residents"),
        ("change", "population"),
        ("ledger", "room_before_residents"),
        ("ledger", "room_residents"),
    ):
        values = made[name][column].fillna(0)
        assert values.iloc[:-1].sum() == values.iloc[-1] == people, (name, column)
    zones = made["zones"]
    assert zones["population"].iloc[-1] == people - TOWN["UNPLACED"]
    assert zones["area_m2"].iloc[-1] == plan.summary["place"]["area_m2"]


def test_a_sum_that_is_off_is_shown(plan) -> None:
    wrong = changed(plan, residents=plan.summary["residents"] + 1)
    table = tabulation.reconcile_table(wrong)
    assert not table["ok"].iloc[0]
    assert table["difference"].iloc[0] == -1


def test_residents_outside_all_communities_have_a_row(plan) -> None:
    demand = plan.layers["demand"].copy()
    demand.loc[demand.index[:3], "community_id"] = None
    moved = type(plan)(plan.place, {**plan.layers, "demand": demand}, plan.summary, plan.settings)
    assert tables(moved)["change"]["population"].iloc[-2] == demand["population"].iloc[:3].sum()
    table = tables(moved)["communities"]
    assert table["community_id"].iloc[-2] == "无 none"
    assert table["population"].iloc[-2] == demand["population"].iloc[:3].sum()
    assert table["population"].iloc[:-1].sum() == table["population"].iloc[-1]


def test_community_figures_agree_with_the_summary(plan) -> None:
    total = tables(plan)["communities"].iloc[-1]
    access = plan.summary["access"]
    for field in ("mean_m", "median_m", "p90_m", "max_m"):
        assert total[field] == pytest.approx(access[field])
    for norm, share in access["within"].items():
        assert total[f"within_{norm}_share"] == pytest.approx(share)
    change = tables(plan)["change"].iloc[-1]
    for state, block in (("before", access["before"]), ("after", plan.summary["access_after"])):
        assert change[f"{state}_mean_m"] == pytest.approx(block["mean_m"])
        assert change[f"{state}_within_share"] == pytest.approx(block["within"]["500"])
        assert change[f"{state}_missing"] == block["unreachable_residents"]
        within = change[f"{state}_within_share"] * plan.summary["residents"]
        whole = within + change[f"{state}_beyond"] + change[f"{state}_missing"]
        assert whole == pytest.approx(plan.summary["residents"])


def test_tables_do_not_change_the_plan(plan) -> None:
    before = {name: layer.copy() for name, layer in plan.layers.items()}
    tables(plan)
    for name, layer in plan.layers.items():
        pd.testing.assert_frame_equal(pd.DataFrame(layer), pd.DataFrame(before[name]))


def test_the_workbook_keeps_ids_as_text_and_names_as_names(plan) -> None:
    rooms = plan.layers["rooms"].copy()
    rooms.loc[0, "name"] = "=1+1"
    rooms.loc[1, "name"] = "a\x07b"
    book = openpyxl.load_workbook(io.BytesIO(tables_xlsx(with_layer(plan, "rooms", rooms))))
    assert book.sheetnames[:3] == ["说明 About", "概要 Summary", "社区 Communities"]
    cell = book["社区 Communities"]["A2"]
    assert (cell.value, cell.data_type, cell.number_format) == ("990101001001", "s", "@")
    assert book["社区 Communities"]["A1"].value == "社区编号\ncommunity"
    names = {row[1].value: row[1].data_type for row in book["活动室 Rooms"].iter_rows(min_row=2)}
    assert names["=1+1"] == "s"
    assert "ab" in names
    people = [row[3].value for row in book["社区 Communities"].iter_rows(min_row=2)]
    assert sum(people[:-1]) == people[-1] == plan.summary["residents"]


def with_layer(plan, name, layer):
    return type(plan)(plan.place, {**plan.layers, name: layer}, plan.summary, plan.settings)


def test_the_workbook_has_the_same_bytes_and_no_clock(plan) -> None:
    content = tables_xlsx(plan)
    assert content == tables_xlsx(plan)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        core = archive.read("docProps/core.xml").decode()
    assert core.count("2026-07-01T00:00:00Z") == 2


def test_a_group_the_house_does_not_know_keeps_its_name() -> None:
    assert word("group", "age_60_plus").zh == "60 岁及以上"
    assert word("group", "学生") == Message(en="学生", zh="学生")


@pytest.mark.parametrize(
    ("gap", "cell", "sentence"),
    [(0.00016, "< 0.1 %", "0.02 %"), (0.0, "0.0 %", "0.00 %"), (0.0123, "1.2 %", "1.23 %")],
)
def test_a_gap_above_zero_is_never_printed_as_zero(gap, cell, sentence):
    # 24,918 against a bound of 24,914 stood as "0.0 %, not proven".
    assert _value("gap_share", gap).text.en == cell
    option = {"model": "p-median", "status": "gap", "gap": gap}
    assert choice_status(option, {}).en == f"not proven: at most {sentence} better"
