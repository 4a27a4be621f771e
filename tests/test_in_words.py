"""Tables as a notebook shows them: headings of both languages, numbers as the report has them."""

import re
import runpy
from pathlib import Path

import nbformat
import pytest

from gridplan.present import (
    tables_cells,
    tables_measures,
    tables_several,
    tables_unify,
    tables_zones,
    tabulation,
)
from gridplan.present.room_headings import room_headings
from gridplan.present.tabulation import tables
from gridplan.widgets import in_words, show_table

TOWN = runpy.run_path(str(Path(__file__).with_name("test_present_town.py")))
NOTEBOOK = Path(__file__).resolve().parent.parent / "notebooks" / "04_activity_rooms.ipynb"
RAW = re.compile(r"[a-z0-9]+(_[a-z0-9]+)+")


@pytest.fixture(scope="module")
def plan():
    return TOWN["make_plan"]()


def test_no_table_shows_the_name_of_a_column(plan):
    made = tables(plan)
    assert len(made) > 5
    for name, table in made.items():
        written = in_words(plan, table).data
        raw = [one for one in written.columns if RAW.fullmatch(one)]
        assert raw == [], name
        assert len(written) == len(table)
        assert written.columns.is_unique, name


def test_figures_are_written_as_in_the_report(plan):
    table = show_table(plan, "communities")
    written = in_words(plan, table.head(2)).data
    residents = next(one for one in written.columns if one.endswith("residents"))
    assert written[residents].tolist() == [f"{n:,.0f}" for n in table["population"].head(2)]
    share = next(one for one in written.columns if "walk ≤ 500 m" in one)
    assert re.fullmatch(r"\d+\.\d%", written[share].iloc[0])
    assert "nan" not in written.to_string().lower()


def test_every_table_of_the_notebook_is_in_words():
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    shown = [cell.source.splitlines()[-1] for cell in cells if cell.cell_type == "code"]
    tables_shown = [line for line in shown if "show_table(" in line or "DataFrame(" in line]
    assert len(tables_shown) >= 7
    assert [line for line in tables_shown if not line.startswith("in_words(")] == []


def test_no_text_is_cut_and_no_row_has_a_number(plan):
    long = "<b>" + "每个小区一处活动室，" * 20
    rows = show_table(plan, "rooms").head(3).assign(name=long)
    rows.index = [4711, 4712, 4713]
    page = in_words(plan, rows).to_html()
    assert page.count(long.replace("<b>", "&lt;b&gt;")) == 3
    assert "…" not in page
    assert "4711" not in page
    assert "row_heading" not in page
    assert page == in_words(plan, rows).to_html()


def test_headings_of_tables_do_not_take_each_other_s_words(plan):
    rooms, zones = room_headings("500"), tables_zones.zone_headings()
    others = [
        tabulation._HEADINGS,
        rooms,
        tables_several.several_headings(),
        tables_measures.measure_headings(),
        tables_cells.cell_headings(),
        tables_unify.unify_headings(plan),
    ]
    assert [key for own in others for key in own if key in zones and own[key] != zones[key]] == []
    assert tabulation.heading(plan, "beyond").en.startswith("left: beyond")


def test_the_first_words_of_the_notebook_say_whose_proposal_it_is():
    first = nbformat.read(NOTEBOOK, as_version=4).cells[0].source
    assert "源文本" not in first
