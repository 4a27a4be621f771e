"""Where walls are unknown, summary, report and workbook give the walk as a range."""

from __future__ import annotations

import json

import geopandas as gpd
import jsonschema
import numpy as np
import pandas as pd
import pytest

from gridplan import pipeline
from gridplan.evaluation import caveats
from gridplan.present import tabulation
from gridplan.present.report import report_html, table_view
from gridplan.project.read import read_project
from tests import tiny


def planned(folder, *, walled):
    """A town whose estate has two homes and one gate far from the way to the committee."""
    frames = tiny.town()
    frames["estates"] = gpd.GeoDataFrame(
        {"estate_id": ["e1"], "name": ["东苑"], "kind": ["commodity"], "walled": [walled]},
        geometry=[tiny.box(20, 20, 190, 100)],
        crs=tiny.CRS,
    ).astype({"walled": object})
    drive = gpd.GeoDataFrame(
        {"street_id": ["s4"], "highway": ["footway"], "name": [None]},
        geometry=[tiny.line((30, 200), (30, 60))],
        crs=tiny.CRS,
    )
    frames["streets"] = pd.concat([frames["streets"], drive], ignore_index=True)
    place, config = read_project(tiny.write(folder / "town", frames, toml=tiny.TOML))
    return pipeline.run(place, config)


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    return planned(tmp_path_factory.mktemp("unknown"), walled=None)


def test_the_summary_has_both_ends_of_the_range(plan, project_root):
    walls, demand = plan.summary["access"]["walls_unknown"], plan.layers["demand"]
    inside = demand["estate_id"] == "e1"
    assert walls["estates"] == 1
    assert walls["residents"] == demand["population"][inside].sum() > 0
    for case in ("open", "walled"):
        known = demand[demand[f"committee_{case}_m"].notna()]
        assert walls[case]["mean_m"] == pytest.approx(
            np.average(known[f"committee_{case}_m"], weights=known["population"])
        )
        assert walls[case]["residents"] == 1000
    assert walls["open"]["mean_m"] == plan.summary["access"]["mean_m"]
    assert walls["open"]["within"] == plan.summary["access"]["within"]
    schema = json.loads((project_root / "schemas" / "summary.schema.json").read_text("utf-8"))
    jsonschema.validate(plan.summary, schema)


def test_the_range_is_a_caveat_and_a_table(plan):
    walls = plan.summary["access"]["walls_unknown"]
    [told] = [one for one in plan.summary["caveats"] if "if they are open" in one["en"]]
    assert told["en"].startswith("Whether walls enclose them is not known: 1 estate is concerned")
    for case in ("open", "walled"):
        assert f"{walls[case]['mean_m']:,.0f} m" in told["en"]
        assert f"{walls[case]['mean_m']:,.0f} 米" in told["zh"]
    table = tabulation.bilingual_tables(plan)["walls"]
    assert [str(getattr(one, "zh", one)) for one in table["of_unit"]] == [
        "东苑",
        "其他居民",
        "合计",
    ]
    assert table["population"].tolist()[:2] == [walls["residents"], 1000 - walls["residents"]]
    last = table.iloc[-1]
    for case in ("open", "walled"):
        assert last[f"{case}_mean_m"] == pytest.approx(walls[case]["mean_m"])
        assert last[f"{case}_within_share"] == pytest.approx(walls[case]["within"]["500"])
        assert table[f"{case}_missing"].iloc[:2].sum() == last[f"{case}_missing"]
    heads = [one.text.zh for one in table_view(plan, "walls", table).heads]
    assert "有围墙时平均 (m)" in heads
    assert "开放时 ≤ 500 m" in heads
    page = report_html(plan, figures={})
    assert 'id="more-walls"' in page
    assert "if they are open, as the figures take them" in page
    keys = tabulation.tables(plan)["summary"]["key"].tolist()
    assert "access.walls_unknown.walled.mean_m" in keys


def test_who_loses_the_walk_is_told(plan):
    access = json.loads(json.dumps(plan.summary["access"]))
    access["walls_unknown"]["walled"]["unreachable_residents"] += 7
    found = caveats({**plan.summary, "access": access}, [])
    assert any("7 residents then have no walk" in one["en"] for one in found)
    access["walls_unknown"]["walled"]["mean_m"] = None
    found = caveats({**plan.summary, "access": access}, [])
    assert any("无人有步行路线" in one["zh"] for one in found)


def test_known_walls_have_no_range(tmp_path):
    known = planned(tmp_path, walled=True)
    assert "walls_unknown" not in known.summary["access"]
    assert "walls" not in tabulation.bilingual_tables(known)
