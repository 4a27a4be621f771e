"""What to look at on the ground, and what comes back from there."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
import re

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from typer.testing import CliRunner

from gridplan.answers import (
    KINDS,
    apply_answers,
    check_answers,
    check_id_of,
    latest_answers,
    words_table,
)
from gridplan.answers.streets import reaching_streets, with_street, without_street
from gridplan.cli import app
from gridplan.config import Config
from gridplan.demand import spread_residents
from gridplan.errors import InputError, SettingsError
from gridplan.fieldcheck import CheckOptions, field_check
from gridplan.project.read import read_project
from gridplan.store import read_run
from tests import tiny
from tests.worlds import streets, world

TOML = tiny.TOML.replace('layers = "town.gpkg"', 'layers = "town.gpkg"\nsites = "town.gpkg"')


def doubtful():
    """The tiny town with a gate nobody mapped, an estate without one, floors and sites assumed."""
    frames = tiny.town()
    frames["estates"] = gpd.GeoDataFrame(
        {
            "estate_id": ["e1", "e2", "e3"],
            "name": ["东苑", "南苑", None],
            "kind": ["commodity"] * 3,
            "walled": [True, True, None],
        },
        geometry=[
            tiny.box(20, 20, 190, 100),
            tiny.box(320, 20, 390, 120),
            tiny.box(20, 325, 190, 390),
        ],
        crs=tiny.CRS,
    )
    extra = gpd.GeoDataFrame(
        {"street_id": ["s4"], "highway": ["footway"], "name": [None]},
        geometry=[tiny.line((100, 200), (100, 60))],
        crs=tiny.CRS,
    )
    frames["streets"] = pd.concat([frames["streets"], extra], ignore_index=True)
    homes = frames["buildings"]
    homes["floors"] = homes["floors"].astype(float)
    homes["households"] = homes["households"].astype("Int64")
    homes.loc[3:4, "floors"] = None
    homes["households"] = pd.array([pd.NA] * len(homes), dtype="Int64")
    frames["sites"]["assumed"] = [False, True, True]
    return frames


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The stored run of the doubtful town."""
    folder = tmp_path_factory.mktemp("doubtful")
    toml = tiny.write(folder / "town", doubtful(), toml=TOML)
    done(CliRunner().invoke(app, ["run", str(toml), "--out", str(folder / "run"), "--lang", "en"]))
    return folder / "run"


def done(result, code=0):
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture(scope="module")
def listed(run):
    done(CliRunner().invoke(app, ["fieldcheck", str(run), "--lang", "en"]))
    return run.with_name("run-fieldcheck")


@pytest.fixture(scope="module")
def points(listed):
    return gpd.read_file(listed / "fieldcheck.gpkg", layer="fieldcheck", engine="pyogrio")


def returned(points, path, answers, *, moved=None, day="2026-06-20"):
    """Write a returned file with the answers, by check_id: a word, or a word and a value."""
    frame = points.copy()
    frame["checked_on"] = frame["checked_on"].astype("object").where(frame["answer"].notna(), None)
    for check_id, given in answers.items():
        word, value = given if isinstance(given, tuple) else (given, None)
        own = frame["check_id"] == check_id
        assert own.any(), (check_id, frame["check_id"].tolist())
        frame.loc[own, ["answer", "value", "checked_on"]] = [word, value, day]
    for check_id, place in (moved or {}).items():
        frame.loc[frame["check_id"] == check_id, "geometry"] = place
    frame.to_file(path, layer="fieldcheck", driver="GPKG", engine="pyogrio")
    return path


GATE = "gate:proposed-e1-593100-3483100"
ANSWERS = {
    GATE: "no",
    "estate_gate:e2": "yes",
    "homes:estate:e3": ("yes", 11),
}


def test_the_list_ranks_by_what_could_change(run):
    plan = read_run(run)
    check = field_check(plan)
    items = check.items
    assert set(items["kind"]) >= {"gate", "estate_gate", "homes", "site"}
    assert items["rank"].tolist() == list(range(1, len(items) + 1))
    assert items["effect"].is_monotonic_decreasing
    assert (items["effect"] - (items["resident_m"] + 1000 * items["turned"])).abs().max() < 2
    assert (items["check_id"] == [
        check_id_of(k, t) for k, t in zip(items["kind"], items["target_id"], strict=True)
    ]).all()  # fmt: skip
    by_id = items.set_index("check_id")
    demand = plan.layers["demand"].set_index("demand_id")
    # Whoever lives in the estate without a gate has no walk; the street is the other's only way.
    assert by_id.loc["estate_gate:e2", "turned"] == demand.loc["b2", "population"]
    inside = demand.loc[["b0", "b1"], "population"].sum()
    assert by_id.loc[GATE, "turned"] == inside
    assert by_id.loc[GATE, "estate"] == "东苑"
    assert by_id.loc[GATE, "community"] == "西园社区"
    assert by_id.loc[GATE, "street"] == "东西街"
    rooms = plan.layers["rooms"].set_index("site_id")
    for row in items[items["kind"] == "site"].itertuples():
        assert row.resident_m == round(rooms.loc[row.target_id, "without_resident_m"])


def test_the_weight_of_a_lost_walk_is_an_option(run):
    plan = read_run(run)
    near, far = (field_check(plan, options=CheckOptions(lost_m=m)) for m in (0.0, 9000.0))
    assert "estate_gate:e2" not in near.items["check_id"].tolist()
    assert near.idle["estate_gate"] == 1
    turned = far.items.set_index("check_id")
    assert turned.loc[GATE, "effect"] == pytest.approx(
        turned.loc[GATE, "resident_m"] + 9000 * turned.loc[GATE, "turned"], abs=1
    )
    few = field_check(plan, options=CheckOptions(top=1))
    assert len(few.items) == 1
    assert sum(few.further.values()) == len(field_check(plan).items) - 1
    with pytest.raises(SettingsError, match="--top is 0"):
        CheckOptions(top=0)
    with pytest.raises(SettingsError, match="--lost-m is -1"):
        CheckOptions(lost_m=-1)


def test_storeys_move_the_walks_as_spreading_again_would(run):
    plan = read_run(run)
    item = field_check(plan).items.set_index("check_id").loc["homes:estate:e3"]
    members = json.loads(item["members"])
    assert members == ["b3", "b4"]
    options = Config.model_validate(dict(plan.settings)).demand.options
    demand = plan.layers["demand"].set_index("demand_id")
    found = []
    # One storey of the two that are assumed, up and down.
    for floors in (3.0, 1.0):
        buildings = plan.place.buildings.copy()
        buildings.loc[buildings["building_id"].isin(members), "floors"] = floors
        place = plan.place.__class__(**{**vars(plan.place), "buildings": buildings})
        again = spread_residents(place, options=options).set_index("demand_id")["population"]
        moved = again.reindex(demand.index).fillna(0) - demand["population"]
        walks = (demand[walk].fillna(0) for walk in ("committee_m", "room_m"))
        found += [abs((moved * metres).sum()) for metres in walks]
    # Walks of those who have one; whole residents are what differs.
    assert item["resident_m"] <= max(found) + 1000
    assert item["resident_m"] > 0


def test_the_file_for_the_field(points, listed):
    info = pyogrio.read_info(listed / "fieldcheck.gpkg", layer="fieldcheck")
    assert info["geometry_type"] == "Point"
    types = dict(zip(info["fields"], info["ogr_types"], strict=True))
    assert types["checked_on"] == "OFTDate"
    assert types["value"] == "OFTReal"
    assert points.crs.to_epsg() == 4549
    assert points["answer"].isna().all()
    assert points["remark"].isna().all()
    words = pyogrio.read_dataframe(listed / "fieldcheck.gpkg", layer="answers")
    assert set(words["kind"]) == set(KINDS)
    assert words["answer"].unique().tolist() == ["yes", "no"]
    assert words_table().query("needs_value")["kind"].tolist() == ["homes"]
    assert sorted(one.name for one in listed.iterdir()) == ["fieldcheck.gpkg", "fieldcheck.html"]


def test_the_page_says_everything_in_both_languages(points, listed):
    page = (listed / "fieldcheck.html").read_text(encoding="utf-8")
    assert 'data-lang="en"' in page
    for row in points.itertuples():
        assert row.check_id in page
        assert row.question in page
        assert row.question_en in page
    assert page.count('<article class="item">') == len(points)
    assert page.count("data:image/png;base64") == len(points)
    assert not re.search(r'(?:src|href)="https?:', page)


def test_answers_change_the_plan(run, points, tmp_path):
    site = points[points["kind"] == "site"]["check_id"].iloc[0]
    gate_at = tiny.point(320, 60)
    file = returned(
        points, tmp_path / "back.gpkg", {**ANSWERS, site: "no"}, moved={"estate_gate:e2": gate_at}
    )
    out = tmp_path / "new"
    done(
        CliRunner().invoke(
            app,
            ["fieldcheck", str(run), "--merge", str(file), "--out", str(out), "--lang", "en"],
        )
    )
    before, plan = read_run(run), read_run(out)
    gates = plan.layers["gates"].set_index("gate_id")
    assert gates["status"].to_dict() == {
        "field-e2": "checked",
        "proposed-e1-593100-3483100": "closed",
    }
    assert gates.loc["field-e2", "geometry"].distance(gate_at) == 0
    demand = plan.layers["demand"].set_index("demand_id")
    assert demand.loc[["b0", "b1"], "committee_reason"].eq("unreachable").all()
    old = before.layers["demand"].set_index("demand_id")
    assert old.loc[["b0", "b1"], "committee_m"].notna().all()
    homes = plan.place.buildings.set_index("building_id")["floors"]
    assert homes[["b3", "b4"]].tolist() == [11, 11]
    assert demand.loc["b3", "population"] > old.loc["b3", "population"]
    assert site.removeprefix("site:") not in set(plan.place.sites["site_id"])
    record = plan.layers["field_checks"]
    assert record["check_id"].tolist() == sorted([*ANSWERS, site])
    assert set(record["checked_on"]) == {"2026-06-20"}
    assert set(record["source"]) == {"back.gpkg"}
    told = [one["en"] for one in plan.summary["caveats"] if "Checked on 2026-06-20" in one["en"]]
    assert len(told) == 4
    # What was looked at is not asked again.
    again = field_check(plan)
    assert again.answered == 4
    assert not set(record["check_id"]) & set(again.items["check_id"])
    # The estate whose only way in is shut must have another.
    assert "estate_gate:e1" in set(again.items["check_id"])
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["inputs"]["back.gpkg"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert done(CliRunner().invoke(app, ["check", str(out), "--lang", "en"]))


def test_a_project_that_names_the_file_gets_the_same_place(run, points, tmp_path):
    toml = tiny.write(
        tmp_path / "town",
        doubtful(),
        toml=TOML.replace("[zones]", 'fieldcheck = ["back.gpkg"]\n\n[zones]', 1),
    )
    file = returned(points, tmp_path / "town" / "back.gpkg", ANSWERS)
    place, config = read_project(toml)
    assert config.place.fieldcheck == ["back.gpkg"]
    merged = apply_answers(
        read_run(run).place,
        latest_answers([check_answers(gpd.read_file(file), crs=place.crs, source="back.gpkg")]),
    )
    pd.testing.assert_frame_equal(place.field_checks, merged.field_checks)
    for layer in ("gates", "buildings", "sites", "streets", "estates"):
        one, two = getattr(place, layer), getattr(merged, layer)
        columns = [name for name in one if name != "geometry"]
        pd.testing.assert_frame_equal(one[columns], two[columns], check_dtype=False)
    single = TOML.replace("[zones]", 'fieldcheck = "back.gpkg"\n\n[zones]', 1)
    toml.write_text(single, encoding="utf-8")
    assert len(read_project(toml)[0].field_checks) == 3
    file.unlink()
    with pytest.raises(InputError, match=r"\[place\].fieldcheck: there is no file back.gpkg"):
        read_project(toml)


def answers_of(points, crs, edit):
    frame = points.copy()
    frame["checked_on"] = "2026-06-20"
    frame["answer"] = frame["answer"].astype("object")
    frame.loc[frame["check_id"] == GATE, "answer"] = "yes"
    return check_answers(edit(frame), crs=crs, source="back.gpkg")


def put(row, /, **values):
    def edit(frame):
        frame = frame.astype(dict.fromkeys(values, object))
        frame.loc[frame["check_id"] == row, list(values)] = list(values.values())
        return frame

    return edit


HOMES = "homes:estate:e3"


def as_link(way):
    return put(GATE, kind="link", check_id="link:x", target_id="x", way=way)


@pytest.mark.parametrize(
    ("edit", "fault"),
    [
        (put(GATE, answer="maybe"), "the answer 'maybe' is no word that is known; write yes or no"),
        (put(GATE, checked_on="soon"), "checked_on 'soon' is no date; write it as 2026-07-15"),
        (put(GATE, checked_on=None), "checked_on '' is no date"),
        (put(GATE, kind="door bell"), "kind door bell or its ids are not known"),
        (put(GATE, target_id=None), "kind gate or its ids are not known"),
        (put(HOMES, answer="yes"), r"value \(empty\) is no number of storeys; write 1 to 100"),
        (put(HOMES, answer="yes", value=0), "value 0 is no number of storeys"),
        (put(HOMES, answer="yes", value="six"), "value six is no number of storeys"),
        (
            put(GATE, kind="link"),
            r"its kind \(link\) and target_id \(proposed-e1-593100-3483100\) belong to the",
        ),
        (put(GATE, target_id="g9"), "belong to the check_id gate:g9. Put the three back"),
        (
            lambda f: f.set_geometry(f.geometry.where(f["check_id"] != GATE)),
            "its point, or the line in the column `way`, is missing",
        ),
        (as_link(None), "its point, or the line in the column `way`, is missing or cannot be read"),
        (as_link("LINESTRING (nan nan, 1 1)"), "or the line in the column `way`, is missing or"),
        (as_link("LINESTRING (1 1, 1 1)"), "or the line in the column `way`, is missing or"),
        (as_link("LINESTRING (0 0, inf 1)"), "or the line in the column `way`, is missing or"),
        (as_link("LINESTRING (0 0"), "or the line in the column `way`, is missing or cannot"),
        (
            put(HOMES, answer="yes", value=3, members='["b3", "b'),
            r"the column `members` is no list of building ids \('\[\"b3\", \"b'\)",
        ),
        (put(HOMES, answer="no", members="b3"), "the column `members` is no list"),
        (put(GATE, members="7, 8"), "the column `members` is no list"),
        (put(GATE, checked_on="7月15日"), "checked_on '7月15日' is no date"),
        (put(GATE, checked_on="2026-02-30"), "checked_on '2026-02-30' is no date"),
        (lambda f: f.drop(columns=["answer"]), "layer fieldcheck: answer missing"),
        (lambda f: f.drop(columns=["value", "kind"]), "layer fieldcheck: kind, value missing"),
        (lambda f: f.set_crs(None, allow_override=True), "layer fieldcheck: CRS missing"),
        (lambda f: pd.concat([f, f]), "1 thing is answered more than once: gate:proposed-e1"),
    ],
)
def test_an_answer_that_cannot_be_read_is_told(points, edit, fault):
    with pytest.raises(InputError, match=fault):
        answers_of(points, points.crs, edit)


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2026年7月15日", "2026-07-15"),
        ("2026年7月5号", "2026-07-05"),
        ("2026/7/5", "2026-07-05"),
        ("2026.7.1", "2026-07-01"),
        ("20260701", "2026-07-01"),
        (20260701.0, "2026-07-01"),
        ("２０２６－７－５", "2026-07-05"),
        ("2026-07-05T09:30:00+08:00", "2026-07-05"),
        ("2026/7/5 9:30", "2026-07-05"),
        (46204, "2026-07-01"),
        ("46204.4", "2026-07-01"),
        (dt.datetime(2026, 7, 5, 9, 30), "2026-07-05"),  # noqa: DTZ001 - as a field app gives it
        (pd.Timestamp("2026-07-05"), "2026-07-05"),
    ],
)
def test_a_date_is_read_as_people_write_it(points, written, day):
    [answer] = answers_of(points, points.crs, put(GATE, checked_on=written))
    assert answer.checked_on.isoformat() == day


@pytest.mark.parametrize(
    ("written", "answer"),
    [
        *((word, "yes") for word in ("YES", "是", "是的", "是。", "有", "可以", "能", "√", "✓")),
        *((tick, "yes") for tick in (True, 1, 1.0, "1", "True", "ｙｅｓ")),
        *(
            (word, "no")
            for word in ("No", "否", "不是", "没有", "不能", "不通", "×", False, 0, "0")
        ),
    ],
)
def test_an_answer_is_a_word_or_a_tick(points, written, answer):
    [found] = answers_of(points, points.crs, put(GATE, answer=written))
    assert found.answer == answer


def test_a_box_nobody_touched_is_no_answer(points):
    frame = points.assign(answer=False, checked_on=None)
    frame["checked_on"] = frame["checked_on"].astype(object)
    frame.loc[frame["check_id"] == GATE, ["answer", "checked_on"]] = [True, "2026-06-20"]
    found = check_answers(frame, crs=points.crs, source="back.gpkg")
    assert [(one.check_id, one.answer) for one in found] == [(GATE, "yes")]


@pytest.mark.parametrize("written", ["11", "11层", "11 F", 11, 11.0])
def test_storeys_are_read_with_their_unit(points, written):
    edit = put(HOMES, answer="yes", value=written, checked_on="2026-06-20")
    assert {one.kind: one.value for one in answers_of(points, points.crs, edit)}["homes"] == 11


def test_all_faults_of_a_file_are_told_at_once(points):
    def edit(frame):
        frame = put(GATE, answer="maybe")(frame)
        return put(HOMES, answer="yes", checked_on="soon")(frame)

    with pytest.raises(InputError) as told:
        answers_of(points, points.crs, edit)
    assert len(told.value.faults) == 3
    assert all(re.search("[\u4e00-\u9fff]", one.zh) for one in told.value.faults)


@pytest.mark.parametrize(
    ("kind", "target", "fault"),
    [
        ("site", "r99", "`sites` has no r99"),
        ("homes", "b99", "`buildings` has no b99"),
        ("wall", "e99", "`estates` has no e99"),
        ("estate_gate", "e99", "`estates` has no e99"),
        ("gate", "g1", "`estates` has no e77"),
    ],
)
def test_answers_about_unknown_things_are_refused(run, points, kind, target, fault):
    [answer] = answers_of(points, points.crs, lambda f: f)
    other = answer.__class__(
        **{
            **vars(answer),
            "kind": kind,
            "target_id": target,
            "value": 3.0,
            "members": (),
            "estate_id": "e77",
        }
    )
    with pytest.raises(InputError, match=fault):
        apply_answers(read_run(run).place, [other])


def changed(one, **values):
    return dataclasses.replace(one, **values)


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"way": tiny.line((0, 320), (60000, 320))}, r"lies 5\d\.\d km away from the place"),
        ({"way": shapely.LineString([(0, 0), (1, 1)])}, "km away from the place"),
        ({"place": shapely.Point(0, 0)}, "its point, or the line in the column `way`, lies 3,"),
        ({"way": tiny.line((0, 200), (0, 260))}, r"ends 6\d m short of any street, and would join"),
        ({"kind": "door", "way": tiny.line((0, 250), (0, 260))}, "ends 50 m short of any street"),
        ({"checked_on": dt.date(2062, 6, 20)}, "2062-06-20 lies more than 10 years from the date"),
        ({"checked_on": dt.date(202, 6, 20)}, "checked_on 0202-06-20 lies more than 10 years"),
    ],
)
def test_answers_that_do_not_fit_the_place_are_refused(run, points, values, fault):
    [answer] = answers_of(points, points.crs, lambda f: f)
    way = tiny.line((0, 200), (0, 320))
    link = changed(answer, kind="link", target_id="x", check_id="link:x", way=way)
    place = read_run(run).place
    assert len(apply_answers(place, [link]).streets) == len(place.streets) + 1
    with pytest.raises(InputError, match=fault) as told:
        apply_answers(place, [changed(link, **values)])
    assert len(told.value.faults) == 1
    assert re.search("[\u4e00-\u9fff]", told.value.faults[0].zh)
    # A way that is not there joins nothing, and need not.
    if "short of" in fault:
        apply_answers(place, [changed(link, **values, answer="no")])


def test_a_way_that_ends_beside_a_street_is_led_to_it():
    two = streets([(0, 0), (100, 0)], [(0, 40), (100, 40)])
    way = shapely.LineString([(50, 1.5), (50, 38)])
    both = reaching_streets(two, way, both=True)
    assert list(both.coords) == [(50, 0), (50, 1.5), (50, 38), (50, 40)]
    door = reaching_streets(two, way, both=False)
    assert list(door.coords) == [(50, 0), (50, 1.5), (50, 38)]
    assert reaching_streets(two, both, both=True).equals(both)
    joined = world(with_street(two, both, street_id="new", source="x")).network
    assert set(joined.walkable["component"]) == {0}


def test_later_answers_win_and_one_day_has_one_answer(run, points):
    [yes] = answers_of(points, points.crs, lambda f: f)
    no = changed(yes, answer="no", checked_on=dt.date(2026, 6, 25), source="second.gpkg")
    assert latest_answers([[yes], [no]]) == latest_answers([[no], [yes]]) == [no]
    same = changed(no, checked_on=yes.checked_on)
    with pytest.raises(InputError, match="has two answers of 2026-06-20: yes in back"):
        latest_answers([[yes], [same]])
    place = apply_answers(read_run(run).place, [no])
    assert set(place.gates["status"]) == {"closed"}
    # An older answer comes too late; a newer one opens the gate again.
    stale = apply_answers(place, [yes])
    assert set(stale.gates["status"]) == {"closed"}
    assert stale.notes[-1].code == "field_checks_older"
    newer = apply_answers(place, [changed(yes, checked_on=dt.date(2026, 7, 1))])
    assert set(newer.gates["status"]) == {"checked"}
    assert newer.notes[-1].code == "field_checks_later"
    assert newer.field_checks["checked_on"].tolist() == ["2026-07-01"]


def test_each_kind_of_answer_changes_its_layer(run, points):
    [answer] = answers_of(points, points.crs, lambda f: f)
    place = read_run(run).place
    wall = changed(answer, kind="wall", target_id="e3", check_id="wall:e3")
    for word, walled in (("yes", True), ("no", False)):
        estates = apply_answers(place, [changed(wall, answer=word)]).estates
        assert bool(estates.set_index("estate_id").loc["e3", "walled"]) is walled
    homes = changed(
        answer, kind="homes", answer="no", check_id="h", target_id="x", members=("b3", "b4")
    )
    kinds = apply_answers(place, [homes]).buildings.set_index("building_id")["kind"]
    assert kinds[["b3", "b4", "b5"]].tolist() == ["other", "other", "residential"]
    site = changed(answer, kind="site", target_id="r2", check_id="site:r2")
    sites = apply_answers(place, [site]).sites.set_index("site_id")
    assert sites["assumed"].tolist() == [False, False, True]
    link = changed(
        answer, kind="link", target_id="gap", check_id="link:gap", way=tiny.line((0, 200), (0, 320))
    )
    joined = apply_answers(place, [link])
    assert joined.streets.set_index("street_id").loc["field-gap", "source"] == (
        "back.gpkg, 2026-06-20"
    )
    later = changed(link, answer="no", checked_on=dt.date(2026, 6, 21))
    assert "field-gap" not in set(apply_answers(joined, [later]).streets["street_id"])
    none = changed(answer, kind="estate_gate", target_id="e2", check_id="eg", answer="no")
    assert apply_answers(place, [none]).gates.empty
    assert apply_answers(place, []) is place


def test_the_order_of_rows_does_not_matter(run, points, tmp_path):
    place = read_run(run).place
    file = returned(points, tmp_path / "back.gpkg", ANSWERS)
    frame = gpd.read_file(file)
    one, two = (
        apply_answers(place, check_answers(each, crs=place.crs, source="back.gpkg"))
        for each in (frame, frame.sample(frac=1, random_state=3))
    )
    for layer in ("gates", "buildings", "sites", "field_checks"):
        pd.testing.assert_frame_equal(getattr(one, layer), getattr(two, layer))
    plan = read_run(run)
    layers = {
        name: frame.sample(frac=1, random_state=5).reset_index(drop=True)
        for name, frame in plan.layers.items()
    }
    shuffled = plan.__class__(
        **{**{f: getattr(plan, f) for f in plan.__dataclass_fields__}, "layers": layers}
    )
    first, second = field_check(plan).items, field_check(shuffled).items
    pd.testing.assert_frame_equal(first.drop(columns="geometry"), second.drop(columns="geometry"))


def test_a_street_joins_streets_that_bring_their_nodes():
    two = streets([(0, 0), (100, 0)], [(0, 40), (100, 40)])
    two["u"], two["v"] = ["a", "c"], ["b", "d"]
    line = shapely.LineString([(50, 0), (100, 40)])
    joined = with_street(two, line, street_id="new", source="x")
    ends = joined.set_index("street_id")[["u", "v"]]
    assert ends.loc["new"].tolist() == ["new-0", "d"]
    assert len(joined) == 4
    network = world(joined).network
    assert set(network.walkable["component"]) == {0}
    assert world(two).network.walkable["component"].nunique() == 2
    apart = world(without_street(joined, "new")).network
    assert apart.walkable["component"].nunique() == 2
    assert np.isclose(apart.walkable["length_m"].sum(), 200)
    door = with_street(two, shapely.LineString([(50, 20), (50, 0)]), street_id="d", source="x")
    assert door.set_index("street_id").loc["d", "u"] == "d-0"


def invoke(*words):
    return CliRunner().invoke(app, ["fieldcheck", *map(str, words), "--lang", "en"])


def test_nothing_is_written_where_it_must_not_be(run, listed, points, tmp_path):
    assert "lies in the run's own folder" in done(invoke(run, "--out", run / "check"), 2)
    assert "lies in the run's own folder" in done(invoke(run, "--out", run), 2)
    assert "holds an earlier field check" in done(invoke(run, "--out", listed), 2)
    other = tmp_path / "other"
    other.mkdir()
    (other / "mine.txt").write_text("x")
    assert "no field check has written: mine.txt" in done(invoke(run, "--out", other), 2)
    filled = tmp_path / "filled"
    done(invoke(run, "--out", filled))
    returned(points, filled / "fieldcheck.gpkg", ANSWERS)
    assert "holds 3 answers" in done(invoke(run, "--out", filled, "--replace"), 2)
    assert "--top is 0" in done(invoke(run, "--top", 0, "--out", tmp_path / "none"), 2)
    assert not (tmp_path / "none").exists()


def test_the_same_run_gives_the_same_bytes(run, listed, tmp_path):
    done(invoke(run, "--out", tmp_path / "again"))
    for name in ("fieldcheck.html", "fieldcheck.gpkg"):
        assert (tmp_path / "again" / name).read_bytes() == (listed / name).read_bytes()


@pytest.mark.parametrize(
    ("answers", "fault"),
    [({}, "holds no answer; fill in the column answer"), ({GATE: "perhaps"}, "no word")],
)
def test_a_file_that_cannot_be_merged_writes_nothing(run, points, tmp_path, answers, fault):
    file = returned(points, tmp_path / "back.gpkg", answers)
    out = tmp_path / "new"
    assert fault in done(invoke(run, "--merge", file, "--out", out), 2)
    assert not out.exists()


def test_a_file_without_the_layer_or_no_file_is_told(run, tmp_path):
    assert "back.gpkg" in done(invoke(run, "--merge", tmp_path / "back.gpkg"), 2)
    frame = gpd.GeoDataFrame({"a": [1]}, geometry=[tiny.point(0, 0)], crs=tiny.CRS)
    frame.to_file(tmp_path / "back.gpkg", layer="other", driver="GPKG", engine="pyogrio")
    told = done(invoke(run, "--merge", tmp_path / "back.gpkg"), 2)
    assert "back.gpkg has no layer fieldcheck" in told
    assert not run.with_name("run-checked").exists()


@pytest.mark.browser
def test_the_page_opens_and_prints_without_asking_for_anything(chromium, need, listed, points):
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        need(False, "Playwright (package playwright)")  # noqa: FBT003 - the fixture's own order
    asked, wrong = [], []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 794, "height": 1123})
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto((listed / "fieldcheck.html").as_uri())
        first = page.locator(".item h2 span:visible").first
        assert first.inner_text() == points["question_en"].iloc[0]
        page.click("#language")
        assert first.inner_text() == points["question"].iloc[0]
        assert "实地核查清单" in page.title()
        drawn = "[...document.images].every((one) => one.complete && one.naturalWidth > 300)"
        assert page.evaluate(drawn)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        paper = page.pdf(prefer_css_page_size=True)
        # Four doubts a page: the list is short enough to be carried.
        pages = paper.count(b"/Type /Page") - paper.count(b"/Type /Pages")
        assert pages <= 1 + len(points) // 3
        browser.close()
    assert [one for one in asked if not one.startswith(("file:", "data:"))] == []
    assert wrong == []
