"""What a reader of the report relies on: reasons, words, notes, units, and sums that agree."""

import io
import re
import runpy
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
import shapely

from gridplan import dictionary, evaluation
from gridplan.config import Config, parse_config
from gridplan.errors import Message, Note, counted
from gridplan.norm_settings import DEFAULT_NORMS
from gridplan.present import (
    aggregate,
    appendix,
    curve,
    keys,
    map_html,
    method,
    payload,
    report_html,
    tables,
    tables_xlsx,
    tabulation,
    words,
)
from gridplan.present.report import table_view
from gridplan.present.tables_sums import summary_table
from gridplan.terms import TERMS, term

TOWN = runpy.run_path(str(Path(__file__).with_name("test_present_town.py")))
HAN = "[\u4e00-\u9fff]"
TOUCHING = re.compile(f"{HAN}[A-Za-z0-9%²]|[A-Za-z0-9%²]{HAN}")
AWAY_M = 5_000.0


@pytest.fixture(scope="module")
def plan():
    return TOWN["make_plan"](10)


def remade(plan, **parts):
    made = {"place": plan.place, "layers": plan.layers, "summary": plan.summary, **parts}
    return type(plan)(made["place"], made["layers"], made["summary"], plan.settings)


@pytest.fixture(scope="module")
def gappy(plan):
    """The town with a community without committee, whose former one stands beyond the boundary."""
    demand, committees = plan.layers["demand"].copy(), plan.layers["committees"].copy()
    orphans = (demand["community_id"] == "990101001004") & demand["committee_m"].notna()
    demand.loc[orphans, ["committee_m", "committee_id"]] = [np.nan, None]
    demand.loc[orphans, "committee_reason"] = "no_committee"
    committees.loc[3, "geometry"] = shapely.Point(TOWN["X0"] - AWAY_M, TOWN["Y0"])
    cells = plan.layers["cells"].copy()
    cells.loc[cells["cell_uid"] == "u00099", "zone_id"] = "Z01"
    zones = plan.layers["zones"].copy()
    zones.loc[zones["zone_id"] == "Z01", "community_id"] = None
    changed = {"demand": demand, "committees": committees, "cells": cells, "zones": zones}
    return remade(plan, layers={**plan.layers, **changed})


# Reasons.


@pytest.mark.parametrize("column", ["committee_m", "room_before_m", "room_m"])
def test_reasons_and_distances_add_up_to_all_residents(gappy, column) -> None:
    demand = gappy.layers["demand"]
    people = aggregate.people(demand)
    missing = aggregate.missing(demand, column)
    assert set(missing) >= {"unreachable", "too_far_from_street", "unplaced"}
    assert ("no_committee" in missing) == (column == "committee_m")
    reached = people[demand[column].notna()].sum()
    assert reached + sum(missing.values()) == gappy.summary["residents"]


def test_the_own_committee_card_tells_each_reason_by_itself(gappy) -> None:
    missing = aggregate.missing(gappy.layers["demand"], "committee_m")
    told = keys.key_figures(gappy)[4]
    assert told.label.en == "mean walk to own committee"
    text = " ".join(note.en for note in told.notes)
    for code, label in (
        ("no_committee", "no committee"),
        ("unreachable", "no walking route"),
        ("too_far_from_street", "too far from a street"),
        ("unplaced", "not placed"),
    ):
        assert f"{label}: {missing[code]:,}" in text
    assert f"无居委会 {missing['no_committee']:,} 人" in told.notes[-1].zh


def test_tables_map_and_curve_have_the_same_reasons_with_the_same_counts(gappy) -> None:
    missing = aggregate.missing(gappy.layers["demand"], "committee_m")
    labels = {words.reason_label(code).en: count for code, count in missing.items()}
    row = tables(gappy)["communities"].iloc[-1]
    assert {code: row[f"missing_{code}"] for code in missing} == missing
    ledger = tabulation.bilingual_tables(gappy)["ledger"]
    said = {
        one.en: n for one, n in zip(ledger["reason"], ledger["committee_residents"], strict=True)
    }
    assert {label: said[label] for label in labels} == labels
    legend = payload.payload(gappy)["measures"]["committee_walk"]["classes"]
    drawn = {one["label"][1]: one["people"] for one in legend}
    assert {label: drawn[label] for label in labels} == labels
    with curve.canvas.drawing("en") as ink:
        axes = curve.coverage_figure(gappy, ink).axes[0]
        own = axes.get_legend().get_texts()[0].get_text()
    assert all(f"{label} {count:,}" in own for label, count in labels.items())


def test_the_map_counts_residents_as_the_figures_do(plan) -> None:
    norm = aggregate.headline_norm(plan.summary)
    classes = payload.payload(plan)["measures"]["after"]["classes"]
    within = sum(one["people"] for one in classes if one["label"][1] in {"≤ 300", "300–500"})
    assert norm == "500"
    assert within == aggregate.residents_within(plan, 500.0)
    assert "as in the figures and tables" in map_html(plan)


def test_a_cell_has_the_reason_of_most_of_its_residents(plan) -> None:
    demand = plan.layers["demand"].copy()
    cell = demand["cell_uid"].dropna().value_counts().index[0]
    rows = demand.index[demand["cell_uid"] == cell]
    assert len(rows) > 2
    demand.loc[rows, "room_m"] = np.nan
    demand.loc[rows, "room_reason"] = "unreachable"
    demand.loc[rows[0], ["room_reason", "population"]] = ["too_far_from_street", 10_000]
    found = aggregate.by_cell(remade(plan, layers={**plan.layers, "demand": demand}))
    assert found.loc[cell, "after_reason"] == "too_far_from_street"
    assert np.isnan(found.loc[cell, "after_m"])


# Communities, committees, zones.


def test_the_table_of_communities_names_committee_shares_and_service_radius(gappy) -> None:
    table = tables(gappy)["communities"].set_index("community_id")
    assert table.loc["990101001001", "committees"] == "新桥社区居委会"
    assert table.loc["990101001004", "committees"] == "无 none"
    assert table.loc["990101001004", "within_500_share"] == 0
    demand, committees = gappy.layers["demand"], gappy.layers["committees"]
    home = demand[demand["community_id"] == "990101001001"]
    away = home.geometry.distance(committees.geometry.iloc[0])
    people = aggregate.people(home)
    assert table.loc["990101001001", "line_500_share"] == pytest.approx(
        people[away <= 500].sum() / people.sum()
    )
    # A walk is never shorter than the straight line.
    assert (table["line_500_share"] >= table["within_500_share"]).all()


def test_committees_beyond_the_boundary_are_counted_apart(plan, gappy) -> None:
    assert aggregate.committees_inside(plan).all()
    assert "inside" not in tables(plan)["committees"]
    assert keys.key_figures(plan)[0].notes[1].zh == "4 个居委会"
    assert keys.key_figures(gappy)[0].notes[1] == Message(
        en="3 committees inside, 1 outside the boundary", zh="辖区内 3 个居委会，边界外 1 个"
    )
    assert tables(gappy)["committees"]["inside"].tolist()[:4] == [True, True, True, False]
    assert payload.payload(gappy)["committees"]["inside"] == [True, True, True, False]


def test_zones_that_cross_community_lines_are_told(plan, gappy) -> None:
    assert keys.zones_across_line(plan) == Message(
        en="No zone crosses a community line.", zh="各责任区均未跨越社区界线。"
    )
    assert aggregate.zones_across(gappy) == 1
    told = keys.zones_across_line(gappy)
    assert told.en.startswith("1 of 4 zones hold cells of more than one community")
    assert told.zh.startswith("4 个责任区中有 1 个跨越社区界线")
    assert tables(gappy)["zones"]["community"].iloc[0] == "跨社区 several"


def test_one_is_singular() -> None:
    assert words.committees_line(1, 0).en == "1 committee"
    assert words.committees_line(1, 1).en == "1 committee inside, 1 outside the boundary"
    assert counted(2, "community", "communities") == "2 communities"


@pytest.mark.parametrize(("count", "noun"), [(1, ""), (2, "s")])
def test_a_caveat_about_one_is_singular(count, noun) -> None:
    figures = {
        "proofs": {"buildings_cut": count}, "cells": {"method": "square"},
        "access": {"missing": {"no_committee": count}, "unreachable_residents": count},
        "residents_unplaced": count, "access_after": {"unreachable_residents": count},
        "siting": {"assumed_candidates": count}, "place": {"codes_official": True},
    }  # fmt: skip
    told = " ".join(one["en"] for one in evaluation.caveats(figures, []))
    for one in ("building", "resident", "candidate site"):
        assert re.search(rf"\b{count} {one}{noun}\b", told)


# Rooms.


def test_an_assumed_site_has_a_footprint_and_no_room_area(plan) -> None:
    table = tables(plan)["rooms"].set_index("site_id")
    assert table.loc["S4", "footprint_m2"] == 90
    assert np.isnan(table.loc["S4", "area_m2"])
    assert table.loc["S0", "area_m2"] == 80
    assert np.isnan(table.loc["S0", "footprint_m2"])
    assert "not the room" in tabulation.heading(plan, "footprint_m2").en
    assert "footprint of the building, not the room" in map_html(plan)


def test_costs_are_in_yuan_without_decimals(plan) -> None:
    rooms = plan.layers["rooms"].assign(cost=581_000.0)
    costly = remade(plan, layers={**plan.layers, "rooms": rooms})
    assert tabulation.heading(plan, "cost") == Message(en="cost (yuan)", zh="费用 (元)")
    view = table_view(costly, "rooms", tabulation.bilingual_tables(costly)["rooms"])
    at = [head.text.en for head in view.heads].index("cost (yuan)")
    assert view.rows[0][at].text.zh == "581,000"


def test_nothing_speaks_of_an_open_place(plan) -> None:
    page = report_html(plan, figures={})
    assert "开放场所" not in page
    assert "open place" not in page
    for family in TERMS.values():
        for word in family.values():
            assert "开放场所" not in word.zh + word.definition.zh
            assert "open place" not in word.en + word.definition.en


# Notes.


def test_notes_on_the_data_are_apart_from_what_to_be_careful_of(plan) -> None:
    figures = {
        "proofs": {"buildings_cut": 3}, "cells": {"method": "square"}, "residents_unplaced": 0,
        "access": {"missing": {}, "unreachable_residents": 0},
        "access_after": {"unreachable_residents": 0}, "siting": {},
        "place": {"codes_official": True},
    }  # fmt: skip
    note = Message(en="5 ways were cut.", zh="5 条道路被截断。")
    found = evaluation.caveats(figures, [note])
    assert [one["key"] for one in found] == ["caveat_0", "note_0"]
    page = report_html(remade(plan, summary={**plan.summary, "caveats": found}), figures={})
    cautions, folded = page.split('<details id="data-notes">')
    assert "Square cells cut 3 buildings." in cautions
    assert note.en not in cautions
    # The note of the run, and the one that reading the place left.
    assert "About the data (2)" in folded
    assert note.en in folded


def test_a_note_that_is_also_a_caveat_stands_once(plan) -> None:
    note = plan.place.notes[0]
    assert isinstance(note, Note)
    again = {"key": "caveat_7", "en": note.message.en, "zh": note.message.zh}
    summary = {**plan.summary, "caveats": [again]}
    page = report_html(remade(plan, summary=summary), figures={})
    assert page.count("3 ways were cut at the edge of the file") == 1


# Appendix.


def test_every_setting_is_told_by_its_meaning_in_both_languages() -> None:
    given = {"place": {"name": "新镇", "as_of": "2026-06-30", "population": "people.xlsx"}}
    settings = parse_config(given).model_dump(mode="json")
    rows = appendix.setting_rows(settings)
    assert {row.key.split(".")[0] for row in rows} == set(Config.model_fields) - {"norms"}
    for row in rows:
        assert row.key not in {row.meaning.en, row.meaning.zh}
        assert re.search(HAN, row.meaning.zh)
        assert not re.search(HAN, row.meaning.en)
    told = {row.key: row for row in rows}
    assert told["network.buffer_m"].value.en.endswith(" m")
    assert told["zones.tolerance"].value.en == "20%"
    assert told["cells.method"].value.zh == "肌理"
    assert told["demand.home_m2.dormitory"].meaning.zh.endswith("：宿舍")
    assert told["cells.preset"].value.zh == "面积均匀（uniform）"
    assert told["access.area_norms"].value.zh == "十分钟步行"
    assert told["access.speeds.adult"].meaning.zh.endswith("：成年人")
    assert told["demand.home_m2_source.village"].value.zh == "初始值，未核实"
    assert told["network.not_walkable"].value.zh == told["network.not_walkable"].value.en
    more = {
        "siting": {"decisions": [
            {"site_id": "R5", "decision": "moved", "moved_from": "R4", "reason": None},
            {"site_id": "R7", "decision": "forbidden", "moved_from": None},
        ]},
        "norms": {"room_norm_m": {"value": 400.0, "unit": "m", "source": "x", "verified": False}},
    }  # fmt: skip
    few = {row.key: row for row in appendix.setting_rows(more)}
    assert few["siting.decisions"].value.zh == "R5 改设（原 R4）、R7 禁用"
    assert few["norms.room_norm_m"].value.en == "400 m"
    assert few["norms.room_norm_m"].meaning.zh.endswith("：活动室服务半径")
    assert told["report.cell_bounds"].value == Message(en="no", zh="否")
    assert told["siting.work"].value.en == f"{settings['siting']['work']:,}"


def test_every_norm_has_a_label(plan) -> None:
    assert all(term(key, "norm").zh for key in DEFAULT_NORMS)
    norms = [{"key": key, **norm.model_dump()} for key, norm in DEFAULT_NORMS.items()]
    rows = appendix.norm_rows(remade(plan, summary={**plan.summary, "norms": norms}))
    assert {row.label.en for row in rows} >= {"service radius of a room", "5-minute walk"}
    assert "GB 50180-2018，五分钟生活圈" in {row.source.zh for row in rows}
    assert not any(re.search(HAN, row.source.en) for row in rows)
    assert "1,500 户" in {row.value.zh for row in rows}


def test_no_figure_of_the_summary_sheet_is_a_raw_key(plan) -> None:
    for row in summary_table(plan).to_dict("records"):
        assert row["figure"].en != row["figure"].zh, row["key"]
        assert row["block"].zh, row["key"]
    told = method.paragraphs(plan)
    facts = {label.zh: value for label, value in keys.siting_facts(plan)}
    assert facts["模型"].zh
    assert not any("p-median 模型" in one.zh or "model p-median" in one.en for one in told)


@pytest.mark.parametrize("path", ["/a/b/town.osm.pbf", "D:\\a\\town.osm.pbf"])
def test_no_path_of_a_machine_is_printed(plan, path) -> None:
    settings = {"place": {"osm": path, "communities": {"file": path, "osm": None}}}
    given = type(plan)(plan.place, plan.layers, plan.summary, settings)
    page = report_html(given, figures={})
    assert path not in page
    assert page.count("town.osm.pbf") == 2


# Spacing.


def chinese_of_the_house():
    for family in TERMS.values():
        for word in family.values():
            yield from (word.zh, word.definition.zh)
    for group in (
        payload.WORDS, tabulation.TITLES, tabulation.ABOUT, tabulation._HEADINGS, method.SECTIONS,
        method.SHORT, dictionary.CONTENTS, dictionary._KIND_NOTES, words._LEAST,
    ):  # fmt: skip
        yield from (one.zh for one in group.values())
    for model in (field.annotation for field in Config.model_fields.values()):
        for field in getattr(model, "model_fields", {}).values():
            yield field.json_schema_extra["zh"]


def test_a_space_stands_between_han_and_latin() -> None:
    texts = list(chinese_of_the_house())
    assert len(texts) > 400
    assert [text for text in texts if TOUCHING.search(text)] == []


def test_sentences_with_figures_keep_the_space(plan, gappy) -> None:
    named = type(plan.place)(**{**vars(plan.place), "name": "Newport"})
    latin = remade(plan, place=named)
    for one in (plan, gappy, latin, remade(plan, summary={**plan.summary, "access_after": None})):
        told = [words.title(one), words.finding(one), curve.coverage_title(one)]
        told += [words.siting_status(one.summary["siting"]), words.source_line(one)]
        told += [note for figure in keys.key_figures(one) for note in (figure.label, *figure.notes)]
        told += [value for rows in (keys.siting_facts(one), keys.cell_facts(one)) for row in rows
                 for value in row]  # fmt: skip
        told += method.paragraphs(one)
        assert [text.zh for text in told if TOUCHING.search(text.zh)] == []


# The workbook.


def test_the_workbook_begins_with_what_each_sheet_is(plan) -> None:
    book = openpyxl.load_workbook(io.BytesIO(tables_xlsx(plan)))
    about = book["说明 About"]
    listed = [row[0].value for row in about.iter_rows(min_row=6) if row[0].value]
    assert listed == book.sheetnames[1:]
    text = "\n".join(str(cell.value) for row in about.iter_rows() for cell in row)
    assert words.finding(plan).zh in text


def test_columns_that_hold_nothing_are_left_out_and_named(plan) -> None:
    rooms = plan.layers["rooms"].assign(phase=np.nan)
    book = openpyxl.load_workbook(
        io.BytesIO(tables_xlsx(remade(plan, layers={**plan.layers, "rooms": rooms})))
    )
    heads = [cell.value for cell in book["活动室 Rooms"][1]]
    assert "实施阶段\nphase" not in heads
    row = next(row for row in book["说明 About"].iter_rows() if row[0].value == "活动室 Rooms")
    assert "实施阶段 phase" in row[3].value


def columns_of(sheet) -> dict[str, list]:
    return {str(column[0].value).split("\n")[-1]: list(column[1:]) for column in sheet.iter_cols()}


def test_numbers_have_formats_that_a_planner_reads(plan) -> None:
    book = openpyxl.load_workbook(io.BytesIO(tables_xlsx(plan)))
    communities = columns_of(book["社区 Communities"])
    shares = communities["walk ≤ 500 m"]
    assert {cell.number_format for cell in shares} == {"0.0%"}
    assert all(0 <= cell.value <= 1 for cell in shares)
    assert {cell.number_format for cell in communities["mean walk (m)"]} == {"#,##0"}
    assert {cell.number_format for cell in communities["community"]} == {"@"}
    assert columns_of(book["责任区 Zones"])["compactness"][0].number_format == "#,##0.00"
    rooms = columns_of(book["活动室 Rooms"])
    assert {cell.value for cell in rooms["kind"]} == {"建议新增 proposed", "现有 existing", None}
    assert book["活动室 Rooms"].freeze_panes == "C2"
    summary = columns_of(book["概要 Summary"])
    figures = dict(zip((cell.value for cell in summary["key"]), summary["value"], strict=True))
    assert figures["access.within.500"].number_format == "0.0%"
    assert figures["access.mean_m"].number_format == "#,##0"
    assert "< 0.1%" in figures["siting.gap"].number_format
    assert figures["place.area_scale"].number_format == "0.0000"
    assert not [cell.value for cell in summary["figure"] if "_" in str(cell.value)]


def test_the_foot_of_every_sheet_is_that_of_the_report(plan) -> None:
    book = openpyxl.load_workbook(io.BytesIO(tables_xlsx(plan)))
    made = tabulation.bilingual_tables(plan)
    # The town of these tests is drawn by hand and has no tables of services.
    own = tabulation.TOTALLED & set(made)
    assert own >= {"communities", "change", "groups", "rooms", "zones", "committees", "ledger"}
    for name in sorted(own):
        title = tabulation.TITLES[name]
        sheet = book[f"{title.zh} {title.en}"]
        foot = table_view(plan, name, made[name]).foot
        shown = [shown_by_excel(cell) for cell in sheet[sheet.max_row]]
        assert shown[1:] == [value.text.zh for value in foot][1:], name
        assert shown[0] == "合计 Total"


def shown_by_excel(cell) -> str:
    if cell.value is None:
        return ""
    if cell.number_format == "0.0%":
        return f"{100 * cell.value:.1f}%"
    digits = 1 if cell.number_format == "#,##0.0" else 0
    return f"{cell.value:,.{digits}f}" if isinstance(cell.value, int | float) else str(cell.value)


def test_widths_follow_what_is_shown(plan) -> None:
    book = openpyxl.load_workbook(io.BytesIO(tables_xlsx(plan)))
    for sheet in book.worksheets[1:]:
        for letter, dimension in sheet.column_dimensions.items():
            assert 8 <= dimension.width <= 52, (sheet.title, letter)
    assert book["社区 Communities"].column_dimensions["A"].width >= 14
    assert pd.notna(book["社区 Communities"]["A2"].value)
