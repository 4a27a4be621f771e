"""Whole plans of real towns, and their walks against a graph rebuilt from the raw file."""

from __future__ import annotations

import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from gridplan.commands import run_project
from gridplan.store import read_run
from gridplan.verify import verify_plan
from tests.contract import check_folder, check_layers
from tests.raw_walks import RawNetwork
from tests.real_places import haidian_project

pytestmark = pytest.mark.real

SAMPLE = 200
NEWPORT = "newport/newport.osm.pbf"
HAIDIAN = "cn_osm/beijing_haidian_tsinghua.osm"

FACILITIES = """committee_id,name,lon,lat
k1,清华园社区居委会,116.3205,40.0031
k2,东升园社区居委会,116.3268,39.9967
k3,荷清苑社区居委会,116.3290,40.0065
"""

SITES = """site_id,name,kind,lon,lat,area_m2
r1,一号,candidate,116.3120,40.0050,80
r2,二号,candidate,116.3150,40.0080,60
r3,三号,candidate,116.3180,40.0000,90
r4,四号,candidate,116.3220,40.0090,120
r5,五号,candidate,116.3250,40.0010,70
r6,六号,candidate,116.3280,39.9930,60
r7,七号,candidate,116.3300,40.0030,100
r8,八号,candidate,116.3140,39.9950,80
"""


@pytest.fixture(scope="module")
def newport(tmp_path_factory, shared, project_root):
    shared(NEWPORT)
    folder = tmp_path_factory.mktemp("newport") / "run"
    return run_project(project_root / "tests" / "newport.toml", out=folder)


@pytest.fixture(scope="module")
def haidian(tmp_path_factory, shared):
    folder = tmp_path_factory.mktemp("海淀")
    project = haidian_project(folder, shared(HAIDIAN), FACILITIES, SITES)
    return run_project(project)


@pytest.mark.parametrize(
    ("town", "residents"),
    [pytest.param("newport", 60_000, marks=pytest.mark.slow), ("haidian", 20_000)],
)
def test_the_plan_is_whole_and_satisfies_the_contract(town, residents, request):
    plan, folder = request.getfixturevalue(town)
    check_folder(folder)
    stored = read_run(folder)
    check_layers(stored.layers)
    assert int(stored.layers["demand"]["population"].sum()) == residents
    assert verify_plan(dict(stored.layers), stored.summary).ok
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert summary["residents"] == residents
    assert summary == plan.summary


@pytest.mark.slow
def test_newport_is_what_the_issue_counted(newport):
    plan, _ = newport
    committees = plan.layer("committees")
    communities = plan.layer("communities")
    tree = shapely.STRtree(committees.geometry.to_numpy())
    community, _ = tree.query(communities.geometry.to_numpy(), predicate="intersects")
    held = np.bincount(community, minlength=len(communities))
    assert sorted(held.tolist(), reverse=True) == [2, 2, 1, 1, 1, 1, 0]
    assert len(plan.layers["rooms"].query("kind == 'proposed'")) == 12
    lonely = communities["community_id"][held == 0]
    reasons = plan.layers["demand"].set_index("community_id").loc[lonely, "committee_reason"]
    assert set(reasons) == {"no_committee"}


def test_haidian_keeps_chinese_names(haidian):
    plan, _ = haidian
    names = plan.layers["streets"]["name"].dropna()
    assert names.str.contains("清华|路|街").any()
    assert plan.layers["committees"]["name"].tolist()[0] == "清华园社区居委会"
    assert plan.summary["place"]["crs"] == "EPSG:4548"


@pytest.mark.parametrize(
    ("town", "file"),
    [
        pytest.param("newport", NEWPORT, marks=pytest.mark.slow),
        ("haidian", HAIDIAN),
    ],
)
def test_walks_agree_with_a_graph_rebuilt_from_the_raw_file(town, file, request, shared):
    plan, _ = request.getfixturevalue(town)
    raw = RawNetwork(shared(file), plan.place.crs)
    demand = plan.layer("demand")
    direct = demand[demand["leg_detour"].isna()]
    sample = direct.sample(min(SAMPLE, len(direct)), random_state=1)
    starts = shapely.get_coordinates(sample.geometry.to_numpy())
    committees = plan.layer("committees")
    goals = shapely.get_coordinates(committees.geometry.to_numpy())
    least = raw.nearest_walks(goals, starts)
    ours = sample["nearest_committee_m"].fillna(np.inf).to_numpy(dtype=float)
    # On estates whose walls are unknown a door may take any street inside the outline, and the
    # raw graph the nearest alone: there a walk may be shorter than its, never longer.
    unknown = shapely.union_all(plan.place.estates.geometry[plan.place.estates["walled"].isna()])
    inside = committees[committees.intersects(unknown)]["committee_id"]
    free = sample.intersects(unknown) | sample["nearest_committee_id"].isin(inside)
    same = (np.abs(ours - least) < 0.001) | (np.isinf(ours) & np.isinf(least))
    wrong = pd.DataFrame({"id": sample["demand_id"], "raw": least, "ours": ours})[
        ~(same | (free.to_numpy() & (ours <= least)))
    ]
    assert wrong.empty, wrong.to_string()
    assert (~free).any()


def test_the_sample_of_haidian_covers_most_homes(haidian):
    plan, _ = haidian
    demand: gpd.GeoDataFrame = plan.layer("demand")
    assert demand["leg_detour"].isna().mean() > 0.9
