"""Code profiles: forms, capacity found before coding, what the verifier holds a plan to."""

from __future__ import annotations

import io
import json
import re

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from gridplan.cells import (
    CJ_T_213,
    GB_T_30428,
    GB_T_47678,
    LOCAL_16,
    PROFILES,
    CellOptions,
    CodeProfile,
    Overflow,
    assign_codes,
    coarser_open_factor,
    code_faults,
    community_code_faults,
    overflows,
)
from gridplan.cli import app
from gridplan.config import parse_config
from gridplan.errors import InfeasibleError, InputError, SettingsError
from gridplan.pipeline import rehearse, run
from gridplan.present import tables_xlsx
from gridplan.project import open_project
from gridplan.verify import check_codes, profile_of_form, verify_plan
from gridplan.verify.profiles import PROFILES as VERIFIED
from tests import tiny

PLACE = {"name": "x", "as_of": "2026-06-30", "population": 10}
NARROW = 'method = "fabric"\ntarget_m2 = 2000\ncode_profile = { name = "窄码", sequence = 1 }\n'


@st.composite
def profiles(draw):
    names = ("county", "street", "community", "sequence")
    widths = [draw(st.integers(1, 6)) for _ in names]
    letters = tuple(sorted(draw(st.sets(st.sampled_from(names[1:])))))
    return CodeProfile("own", tuple(zip(names, widths, strict=True)), letters)


def squares(community, count, columns=7):
    places = [(n % columns * 100.0, n // columns * 100.0) for n in range(count)]
    shapes = [shapely.box(x, y, x + 100, y + 100) for x, y in places]
    return gpd.GeoDataFrame({"community_id": [community] * count}, geometry=shapes, crs=4549)


# --- profiles -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("profile", "length", "capacity"),
    [(GB_T_30428, 15, 999), (CJ_T_213, 14, 99), (GB_T_47678, 15, 3399), (LOCAL_16, 16, 9999)],
)
def test_the_standards(profile, length, capacity):
    assert (profile.length, profile.community_length, profile.capacity) == (length, 12, capacity)
    assert PROFILES[profile.name] is profile


def test_the_verifier_knows_the_same_standards_by_its_own_table():
    assert {name: profile.length for name, profile in PROFILES.items()} == {
        "GB/T 30428": 15, "CJ/T 213": 14, "GB/T 47678-2026": 15, "local 16": 16
    }  # fmt: skip
    assert set(VERIFIED) == set(PROFILES)
    for name, profile in PROFILES.items():
        last = "320583102001" + profile.sequence(profile.capacity)
        assert re.fullmatch(VERIFIED[name].pattern, last)
        assert not re.fullmatch(VERIFIED[name].pattern, last[:-1])


@given(profile=profiles(), data=st.data())
def test_the_text_of_sequences_is_in_the_order_of_numbers(profile, data):
    lower = data.draw(st.integers(1, profile.capacity))
    upper = data.draw(st.integers(lower, profile.capacity))
    assert profile.sequence(lower) <= profile.sequence(upper)
    assert (profile.sequence(lower) == profile.sequence(upper)) == (lower == upper)
    assert len(profile.sequence(upper)) == profile.sequence_length


@settings(max_examples=60, deadline=None)
@given(profile=profiles(), count=st.integers(1, 40), seed=st.integers(0, 99))
def test_codes_of_any_profile_pass_both_checks_in_any_row_order(profile, count, seed):
    community = "1" * profile.community_length
    cells = squares(community, min(count, profile.capacity))
    codes = assign_codes(cells, profile=profile)
    assert code_faults(codes, profile) == []
    read = profile_of_form(profile.form, name=profile.name)
    checked = check_codes(cells.assign(cell_id=codes), profile=read)
    assert [one.rule for one in checked.findings] == []
    shuffled = cells.sample(frac=1, random_state=seed)
    pd.testing.assert_series_equal(assign_codes(shuffled, profile=profile).sort_index(), codes)


@given(profile=profiles(), data=st.data())
def test_a_code_that_is_spoilt_is_found_by_both(profile, data):
    good = "1" * profile.community_length + profile.sequence(1)
    place = data.draw(st.integers(0, len(good) - 1))
    spoilt = data.draw(
        st.sampled_from([good[1:], good + "1", good[:place] + "!" + good[place + 1 :], good.lower()
                         + " ", good[: profile.community_length] + "0" * profile.sequence_length])
    )  # fmt: skip
    assert code_faults(pd.Series([spoilt], dtype="object"), profile)
    read = profile_of_form(profile.form, name=profile.name)
    found = check_codes(pd.DataFrame({"cell_id": [spoilt]}), profile=read)
    assert [one.rule for one in found.findings] == ["code_malformed"]


def test_letters_are_taken_in_the_new_family_only():
    lettered = pd.Series(["32058310200A"])
    assert community_code_faults(lettered, GB_T_47678) == []
    [fault] = community_code_faults(lettered)
    assert "does not have the 12 digits of GB/T 30428" in fault.en
    [fault] = community_code_faults(pd.Series(["32058310200a"]), GB_T_47678)
    assert "the 12 characters of GB/T 47678-2026 (6+3+3A+3A)" in fault.en


# --- settings -----------------------------------------------------------------------------------


def test_a_profile_is_named_or_given_by_its_widths():
    assert parse_config({"place": PLACE}).cells.profile is GB_T_30428
    named = parse_config({"place": PLACE, "cells": {"code_profile": "local 16"}})
    assert named.cells.profile is LOCAL_16
    own = {"name": "某市", "street": 0, "sequence": 4, "letters": ["community"]}
    given_widths = parse_config({"place": PLACE, "cells": {"code_profile": own}}).cells
    assert (given_widths.profile.name, given_widths.profile.form) == ("某市", "6+3A+4")
    assert given_widths.options == CellOptions()


@pytest.mark.parametrize(
    ("cells", "en", "zh"),
    [
        ({"code_profile": "GB 30428"}, "one of GB/T 30428, CJ/T 213", "可选 GB/T 30428"),
        ({"code_profile": {"name": "CJ/T 213"}}, "a name of its own", "不能与内置规则同名"),
        ({"code_profile": {"sequence": 3}}, "code_profile.name is missing", "缺少设置项"),
        ({"code_profile": {"name": "n", "sequence": 0}}, "greater than or equal to 1", "不小于 1"),
        ({"code_profile": {"name": "n", "letters": ["town"]}}, "letters", "letters"),
        ({"when_full": "grow"}, "'coarsen' or 'stop'", "coarsen"),
    ],
)
def test_a_profile_at_fault(cells, en, zh):
    with pytest.raises(SettingsError) as caught:
        parse_config({"place": PLACE, "cells": cells})
    assert en in "\n".join(caught.value.lines("en"))
    assert zh in "\n".join(caught.value.lines("zh"))


def test_the_code_of_a_single_community_is_held_to_the_profile():
    lettered = {**PLACE, "community_code": "32058310200A"}
    parse_config({"place": lettered, "cells": {"code_profile": "GB/T 47678-2026"}})
    with pytest.raises(SettingsError) as caught:
        parse_config({"place": lettered})
    [line] = caught.value.lines("en")
    assert line == (
        "[place].community_code = '32058310200A' does not have the 12 digits of GB/T 30428."
    )


# --- more cells than numbers --------------------------------------------------------------------


def full(cells, open_cells, capacity=999):
    return Overflow("c", cells, open_cells, 1e7, capacity)


def test_open_land_grows_by_what_is_too_much():
    fabric = CellOptions(method="fabric", open_factor=4.0)
    factor = coarser_open_factor([full(1100, 300), full(1000, 100)], fabric)
    assert 4 * 300 / 199 < factor < 1.3 * 4 * 300 / 199
    assert coarser_open_factor([full(1100, 300), full(1100, 90)], fabric) is None
    assert coarser_open_factor([full(1100, 0)], fabric) is None
    assert coarser_open_factor([full(1000, 2)], fabric) is not None
    assert coarser_open_factor([full(100_000, 99_002)], fabric) is None
    assert coarser_open_factor([full(1100, 300)], CellOptions(method="square")) is None
    assert coarser_open_factor([], fabric) is None


def test_too_many_cells_name_the_settings_that_would_do():
    cells = squares("320583999001", 120).assign(exception=["rural"] * 20 + [None] * 100)
    assert [(one.cells, one.open_cells) for one in overflows(cells, CJ_T_213)] == [(120, 20)]
    with pytest.raises(InfeasibleError) as caught:
        assign_codes(cells, profile=CJ_T_213)
    assert caught.value.exit_status == 3
    [en], [zh] = caught.value.lines("en"), caught.value.lines("zh")
    assert "Community 320583999001 has 120 cells; CJ/T 213 numbers at most 99" in en
    assert 'or `code_profile = "GB/T 30428"` (up to 999)' in en
    assert "20 are open land or water; a larger `open_factor`" in en
    with pytest.raises(InfeasibleError, match=r"of about 2 may be enough \(drawn with 1\)"):
        assign_codes(
            cells.assign(exception=None, open_land=[True] * 61 + [False] * 59),
            profile=CJ_T_213,
            open_factor=1.0,
        )
    with pytest.raises(InfeasibleError, match="larger than with `open_factor` = 4 is not enough"):
        assign_codes(cells, profile=CJ_T_213, open_factor=4.0)
    assert 'code_profile = "GB/T 30428"' in zh
    assert "20 个为非建成区" in zh
    assert assign_codes(cells, profile=GB_T_30428).is_unique


def project(folder, cells):
    return open_project(tiny.write(folder / "p", toml=tiny.TOML + f"\n[cells]\n{cells}"))


def test_a_run_draws_open_land_coarser_until_its_codes_suffice(tmp_path):
    opened = project(tmp_path, NARROW)
    notes = {note.code: note for note in rehearse(opened.place, opened.config)}
    plan = run(opened.place, opened.config)
    cells = plan.layer("cells")
    assert cells.groupby("community_id").size().max() <= 9
    assert cells["cell_id"].str.fullmatch("[0-9]{13}").all()
    assert set(cells["standard"]) == {"窄码"}
    assert set(cells["grid_system"]) == {"unit_grid"}
    assert plan.summary["cells"]["code_profile"] == "窄码"
    assert plan.summary["cells"]["code_form"] == "6+3+3+1"
    assert notes["open_land_coarser"].count == 2
    said = notes["open_land_coarser"].message
    assert "more than the 9 cells that their codes can number" in said.en
    assert said.zh in [one["zh"] for one in plan.summary["caveats"]]
    # The verifier reads the form from the summary; told nothing, it expects 15 digits.
    layers = {**plan.layers, "buildings": opened.place.buildings}
    assert verify_plan(layers, json.loads(json.dumps(plan.summary))).of_rule("code_malformed") == ()
    alone = verify_plan(layers)
    assert [one.count for one in alone.of_rule("code_malformed")] == [len(cells)]


def test_open_land_in_the_band_grows_too(tmp_path):
    """With a factor of 1 its cells are as large as any, and no exception tells that it is open."""
    opened = project(tmp_path, NARROW + "open_factor = 1.0\n")
    notes = {note.code: note for note in rehearse(opened.place, opened.config)}
    assert "instead of 1." in notes["open_land_coarser"].message.en


@pytest.mark.parametrize("also", ['when_full = "stop"\n', "open_share = 0.0\n"])
def test_a_run_refuses_what_it_may_not_or_cannot_make_coarser(tmp_path, also):
    opened = project(tmp_path, NARROW + also)
    with pytest.raises(InfeasibleError, match="窄码 numbers at most 9 in one community") as caught:
        rehearse(opened.place, opened.config)
    assert len(caught.value.lines("en")) == 2


def test_check_and_run_find_codes_of_communities_that_are_not_of_the_profile(tmp_path):
    with pytest.raises(InputError, match="2 of 2 community codes do not have the 11 digits of 短"):
        project(tmp_path, 'code_profile = { name = "短", community = 2 }\n')


# --- what a plan is checked by ------------------------------------------------------------------


def test_each_code_is_held_to_the_standard_that_its_row_names():
    cells = pd.DataFrame(
        {
            "cell_id": ["320583102001001", "32058310200101", "3205831020010001", "32058310200101"],
            "standard": ["GB/T 30428", "CJ/T 213", "local 16", None],
            "community_id": "320583102001",
        }
    )
    found = {one.rule: one for one in check_codes(cells).findings}
    assert found["code_malformed"].ids == ("32058310200101",)
    assert "15 digits" in found["code_malformed"].message.en
    assert set(found) == {"code_malformed", "id_repeated"}


@pytest.mark.parametrize("form", ["6+3+3A+3A", "6+3+3+4"])
def test_swapped_and_repeated_codes_are_found_in_every_profile(form):
    profile = profile_of_form(form, name="own")
    end = "A07" if form[-1] == "A" else "1007"
    codes = ["32058310200B" + end, "320583102001" + end, "320583102001" + end]
    own = ["320583102001", "32058310200B" if "A" in form else "320583102002", "320583102001"]
    if "A" not in form:
        codes[0] = "320583102002" + end
    cells = pd.DataFrame({"cell_id": codes, "community_id": own})
    found = {one.rule: one.ids for one in check_codes(cells, profile=profile).findings}
    assert found["id_repeated"] == (codes[1],)
    assert found["code_community"] == (codes[1], codes[0])


def test_a_form_that_cannot_be_read_is_none():
    assert profile_of_form("15", name="x") is None
    assert profile_of_form("6+3+b", name="x") is None


# --- text everywhere ----------------------------------------------------------------------------


def test_codes_are_text_in_the_workbook(tmp_path):
    opened = project(tmp_path, 'code_profile = "local 16"\n')
    plan = run(opened.place, opened.config)
    book = openpyxl.load_workbook(io.BytesIO(tables_xlsx(plan)))
    columns = {str(column[0].value).split("\n")[-1]: column[1:] for column in
               book["单元网格 Cells"].iter_cols()}  # fmt: skip
    codes = columns["cell code"][:-1]
    assert [cell.value for cell in codes] == sorted(plan.layer("cells")["cell_id"])
    assert {(cell.data_type, cell.number_format) for cell in codes} == {("s", "@")}
    assert {len(cell.value) for cell in codes} == {16}
    assert {cell.value for cell in columns["code standard"][:-1]} == {"local 16"}
    assert columns["residents"][-1].value == plan.summary["residents"]
    for sheet in book.worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                assert not isinstance(cell.value, int | float) or cell.value < 10**11


# --- on the command line ------------------------------------------------------------------------


def call(*arguments):
    return CliRunner().invoke(app, [*map(str, arguments), "--lang", "en"])


def test_check_finds_too_many_cells_before_a_run(tmp_path):
    toml = tiny.write(tmp_path / "p", toml=f"{tiny.TOML}\n[cells]\n{NARROW}")
    assert "more than the 9 cells" in call("check", toml).output
    toml.write_text(f'{tiny.TOML}\n[cells]\n{NARROW}when_full = "stop"\n', encoding="utf-8")
    result = call("check", toml)
    assert result.exit_code == 3
    assert "窄码 numbers at most 9 in one community" in result.output
    assert call("run", toml).exit_code == 3
    assert not (toml.parent / "runs").exists()


def test_check_holds_a_stored_run_to_its_own_profile(tmp_path):
    own = '{ name = "某市", community = 3, sequence = 4, letters = ["sequence"] }'
    toml = tiny.write(tmp_path / "p", toml=f"{tiny.TOML}\n[cells]\ncode_profile = {own}\n")
    folder = tmp_path / "run"
    assert call("run", toml, "--out", folder).exit_code == 0
    assert call("check", folder).exit_code == 0
    assert "某市 (6+3+3+4A)" in (folder / "report.html").read_text(encoding="utf-8")
    cells = gpd.read_file(folder / "plan.gpkg", layer="cells")
    assert cells["cell_id"].map(type).eq(str).all()
    cells.loc[0, "cell_id"] = cells.loc[0, "cell_id"][:15]
    cells.to_file(folder / "plan.gpkg", layer="cells", driver="GPKG", engine="pyogrio")
    result = call("check", folder)
    assert result.exit_code != 0
    assert "16 characters of 某市 (6+3+3+4A, the number from 1): 1" in result.output


def test_a_layer_drawn_by_hand_says_its_standard(tmp_path):
    halves = [tiny.box(0, 0, 100, 100), tiny.box(100, 0, 200, 100)]
    cells = gpd.GeoDataFrame(
        {"网格编码": ["32058310200101", "32058310200102"], "编码标准": "CJ/T 213"},
        geometry=halves, crs=tiny.CRS,
    )  # fmt: skip
    boundary = gpd.GeoDataFrame({"name": ["x"]}, geometry=[tiny.box(0, 0, 200, 100)], crs=tiny.CRS)
    for name, frame in (("boundary", boundary), ("cells", cells)):
        frame.to_file(tmp_path / "hand.gpkg", layer=name, driver="GPKG", engine="pyogrio")
    assert "15 digits" not in call("check", tmp_path / "hand.gpkg").output
    bare = cells.drop(columns="编码标准")
    bare.to_file(tmp_path / "hand.gpkg", layer="cells", driver="GPKG", engine="pyogrio")
    said = call("check", tmp_path / "hand.gpkg").output
    assert "15 digits" in said
    assert "`standard`" in said
