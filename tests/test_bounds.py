"""Borders in words: hand-drawn units with known answers, and what must hold on any ground."""

from __future__ import annotations

import io

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridplan.bounds import BOUNDS_COLUMNS, BoundsOptions, bounds_words, landmarks_of
from gridplan.bounds.sides import SIDES, border_pieces, corner, sides_of
from gridplan.pipeline import run
from gridplan.present import report_html, tables_xlsx
from gridplan.project import open_project
from gridplan.verify import verify_plan
from gridplan.verify.bounds import check_bounds
from tests import tiny

CRS = "EPSG:4549"


def frame(shapes, **columns):
    data = {name: pd.Series(values, dtype="object") for name, values in columns.items()}
    return gpd.GeoDataFrame(data, geometry=gpd.GeoSeries(list(shapes), crs=CRS), crs=CRS)


def line(*places):
    return shapely.LineString(places)


def units_of(level="community", **shapes):
    names = list(shapes)
    word = {"community": "{}", "zone": "责任区{}", "cell": "网格{}"}[level]
    return frame(
        shapes.values(),
        level=[level] * len(names),
        unit_id=names,
        name_zh=[word.format(one) for one in names],
        name_en=[f"{level} {one}" for one in names],
    )


def ground(*, streets=None, water=None, barriers=None, estates=None, walled=True):
    def layer(given):
        found = given or {}
        return frame(found.values(), name=list(found))

    grounds = layer(estates).assign(walled=walled)
    marks = landmarks_of(
        streets=layer(streets), water=layer(water), barriers=layer(barriers), estates=grounds
    )
    return marks, grounds


def told(units, marks, estates, **options):
    """Return the Chinese words by unit and side."""
    table = bounds_words(units, marks, estates, options=BoundsOptions(**options))
    assert list(table) == list(BOUNDS_COLUMNS)
    assert len(table) == 4 * len(units)
    assert table["text_zh"].str.len().gt(0).all()
    assert table["text_en"].str.len().gt(0).all()
    return table.set_index(["unit_id", "side"])


FOUR = {
    "东街": line((1000, -200), (1000, 1200)),
    "南路": line((-200, 0), (1200, 0)),
    "西街": line((0, -200), (0, 1200)),
    "北路": line((-200, 1000), (1200, 1000)),
}
SQUARE = shapely.box(0, 0, 1000, 1000)


def test_a_community_between_four_named_roads():
    table = told(units_of(a=SQUARE), *ground(streets=FOUR))
    assert table.loc["a", "text_zh"].to_dict() == {
        "east": "东街", "south": "南路", "west": "西街", "north": "北路"
    }  # fmt: skip
    assert (table["named_share"] == 1).all()
    assert (table["length_m"].round(6) == 1000).all()


@pytest.mark.parametrize("shift", [0, 14, -14])
def test_a_border_on_the_kerb_has_the_name_of_its_street(shift):
    moved = {"东街": shapely.affinity.translate(FOUR["东街"], shift)}
    table = told(units_of(a=SQUARE), *ground(streets=moved))
    assert table.loc[("a", "east"), "text_zh"] == "东街"


def test_a_street_too_far_off_or_across_the_border_bounds_nothing():
    table = told(
        units_of(a=SQUARE),
        *ground(
            streets={"远街": line((1016, 0), (1016, 1000)), "横街": line((0, 500), (2000, 500))}
        ),
    )
    assert table.loc[("a", "east"), "text_zh"] == "辖区边界（东1000，北1000至东1000，北0）"
    assert table.loc[("a", "east"), "named_share"] == 0


@pytest.mark.parametrize("north_shore", [-30, -10, 0, 5])
def test_a_canal_in_the_south_on_its_bank_or_in_its_middle(north_shore):
    canal = {"荷塘浦": shapely.box(-300, north_shore - 60, 1300, north_shore + 0.0)}
    if north_shore == -30:  # beyond the reach of a bank
        table = told(units_of(a=SQUARE), *ground(water=canal))
        assert table.loc[("a", "south"), "named_share"] == 0
        return
    table = told(units_of(a=SQUARE), *ground(water=canal))
    assert table.loc[("a", "south"), "text_zh"] == "荷塘浦"
    middle = {"荷塘浦": shapely.box(-300, -100, 1300, 100)}
    table = told(units_of(a=SQUARE), *ground(water=middle))
    assert table.loc[("a", "south"), "text_zh"] == "荷塘浦"


def test_a_river_that_crosses_a_border_does_not_run_along_it():
    river = {"大江": shapely.box(400, -500, 700, 1500)}
    table = told(units_of(a=SQUARE), *ground(water=river, streets={"南路": FOUR["南路"]}))
    assert table.loc[("a", "south"), "text_zh"] == "南路"
    assert "大江" not in table.loc[("a", "north"), "text_zh"]


def test_an_unnamed_side_is_told_by_the_neighbour_and_that_by_the_estate():
    pair = units_of(a=SQUARE, b=shapely.box(1000, 0, 2000, 1000))
    alone = told(pair, *ground())
    assert alone.loc[("a", "east"), "text_zh"] == "b界（东1000，北1000至东1000，北0）"
    assert alone.loc[("a", "east"), "text_en"] == (
        "the line with community b from E 1000 N 1000 to E 1000 N 0"
    )
    estate = {"幸福小区": shapely.box(1000, 0, 1300, 1000)}
    table = told(pair, *ground(estates=estate, walled=False))
    assert table.loc[("a", "east"), "text_zh"] == "幸福小区"
    assert table.loc[("a", "east"), "named_share"] == 0
    assert table.loc[("b", "west"), "text_zh"] == "a界（东1000，北1000至东1000，北0）"
    table = told(pair, *ground(estates=estate))
    assert table.loc[("a", "east"), "text_zh"] == "幸福小区围墙"
    assert table.loc[("b", "west"), "text_en"] == "the wall of 幸福小区"
    assert table.loc[("b", "west"), "named_share"] == 1


def test_a_narrow_notch_is_told_by_the_neighbour_and_not_as_the_outer_boundary():
    slot = shapely.box(500, 200, 501, 1000)
    pair = units_of(
        "cell",
        a=SQUARE.difference(slot),
        b=shapely.union(shapely.box(0, 1000, 1000, 2000), slot),
    )
    table = told(pair, *ground())
    assert table.loc[("a", "east"), "text_zh"] == (
        "网格b界（东500，北1000至东501，北200）、辖区边界（东1000，北1000至东1000，北0）"
    )
    assert table.loc[("a", "north"), "text_zh"] == "网格b界（东0，北1000至东1000，北1000）"


def test_a_border_through_an_estate_is_told_by_the_neighbour():
    pair = units_of("zone", a=SQUARE, b=shapely.box(1000, 0, 2000, 1000))
    table = told(pair, *ground(estates={"大院": shapely.box(700, -50, 1300, 1050)}))
    assert table.loc[("a", "east"), "text_zh"] == "责任区b界（东1000，北1000至东1000，北0）"


def test_several_names_stand_from_north_to_south_and_from_west_to_east():
    streets = {
        "东南街": line((1000, 0), (1000, 400)),
        "东北街": line((1000, 400), (1000, 1000)),
        "北东路": line((500, 1000), (1000, 1000)),
        "北西路": line((0, 1000), (500, 1000)),
        "短巷": line((0, 0), (0, 60)),
        "西街": line((0, 60), (0, 1000)),
    }
    table = told(units_of(a=SQUARE), *ground(streets=streets))
    assert table.loc[("a", "east"), "text_zh"] == "东北街、东南街"
    assert table.loc[("a", "east"), "text_en"] == "东北街, 东南街"
    assert table.loc[("a", "north"), "text_zh"] == "北西路、北东路"
    assert table.loc[("a", "west"), "text_zh"] == "西街"  # less than a tenth is not told
    assert table.loc[("a", "west"), "named_share"] == 1


def test_stretches_of_the_outer_boundary_are_told_by_their_ends_each_by_itself():
    streets = {"中街": line((1000, 300), (1000, 600)), "北街": line((1000, 950), (1000, 1000))}
    table = told(units_of(a=SQUARE), *ground(streets=streets))
    assert table.loc[("a", "east"), "text_zh"] == (
        "辖区边界（东1000，北950至东1000，北600）、中街、辖区边界（东1000，北300至东1000，北0）"
    )
    short = {"短街": line((1000, 500), (1000, 560))}
    table = told(units_of(a=SQUARE), *ground(streets=short))
    assert table.loc[("a", "east"), "text_en"] == (
        "the outer boundary from E 1000 N 1000 to E 1000 N 0"
    )


def test_stretches_along_a_neighbour_are_told_by_their_ends_each_by_itself():
    pair = units_of(a=SQUARE, b=shapely.box(1000, 0, 2000, 1000))
    table = told(pair, *ground(streets={"中街": line((1000, 300), (1000, 600))}))
    assert table.loc[("a", "east"), "text_en"] == (
        "the line with community b from E 1000 N 1000 to E 1000 N 600, 中街, "
        "the line with community b from E 1000 N 300 to E 1000 N 0"
    )


def test_a_stretch_is_not_parted_where_the_ring_begins():
    bulge = shapely.Polygon([(0, 0), (1000, 0), (1000, 1000), (0, 1000), (-60, 480)])
    table = told(units_of(a=bulge), *ground())
    assert table.loc[("a", "west"), "text_zh"] == "辖区边界（东0，北1000至东0，北0）"
    ring = shapely.get_coordinates(bulge)[:-1]
    turned = shapely.Polygon(np.roll(ring, 2, axis=0)[::-1])
    pd.testing.assert_frame_equal(told(units_of(a=turned), *ground()), table)


def test_a_staircase_along_a_street_is_one_side():
    steps = [(1000 + (n % 4 > 1) * 8, n // 2 * 25) for n in range(82)]
    stairs = shapely.Polygon([(0, 0), *steps, (0, 1000)])
    table = told(units_of(a=stairs), *ground(streets={"东街": FOUR["东街"]}))
    assert table.loc[("a", "east"), "text_zh"] == "东街"
    assert table.loc[("a", "east"), "named_share"] == pytest.approx(1, abs=0.1)
    assert table.loc[("a", "north"), "length_m"] < 1100


def test_a_side_that_a_unit_does_not_have_is_its_corner():
    wedge = shapely.Polygon([(0, 0), (400, 0), (200, 2000)])
    table = told(units_of(a=wedge), *ground(streets=FOUR))
    assert table.loc[("a", "north"), "text_zh"] == "界点东200，北2000"
    assert table.loc[("a", "north"), "text_en"] == "the corner at E 200 N 2000"
    assert table.loc[("a", "north"), "length_m"] == 0
    assert np.isnan(table.loc[("a", "north"), "named_share"])


def test_railways_and_waters_drawn_as_lines_count_and_tunnels_do_not():
    streets = frame([line((1000, -10), (1000, 1010))], name=["地下道"], tunnel=[True])
    barriers = frame([line((0, 1000), (1000, 1000))], name=["京沪铁路"], kind=["rail"])
    none = frame([], name=[])
    marks = landmarks_of(streets=streets, water=none, barriers=barriers, estates=none)
    table = told(units_of(a=SQUARE), marks, none)
    assert table.loc[("a", "north"), "text_zh"] == "京沪铁路"
    assert table.loc[("a", "east"), "named_share"] == 0


def test_all_parts_of_a_unit_have_sides_and_its_holes_none():
    apart = shapely.MultiPolygon([shapely.box(0, 0, 100, 100), shapely.box(900, 0, 1000, 100)])
    holed = SQUARE.difference(shapely.box(300, 300, 600, 600))
    pieces = border_pieces(np.array([apart, holed], dtype=object), options=BoundsOptions())
    by = pd.DataFrame({"unit": pieces.unit, "side": pieces.side, "m": pieces.length})
    assert by.groupby(["unit", "side"])["m"].sum().round(6).to_list() == [200.0] * 4 + [1000.0] * 4


def test_the_diagonals_belong_to_the_sides_clockwise():
    # Outward normals to north-east, south-east, south-west, north-west.
    course = np.array([[-1.0, 1.0], [1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]])
    assert [SIDES[one] for one in sides_of(course)] == ["east", "south", "west", "north"]


def test_the_corner_is_the_farthest_place():
    wedge = shapely.Polygon([(0, 0), (400, 50), (200, 2000)])
    assert [corner(wedge, side) for side in range(4)] == [(400, 50), (0, 0), (0, 0), (200, 2000)]


@st.composite
def towns(draw):
    """Return a lattice of units with jittered corners, and some of its lines as streets."""
    n = draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    knots = (
        np.stack(np.meshgrid(np.arange(n + 1), np.arange(n + 1), indexing="ij"), axis=-1) * 300.0
    )
    knots = knots + rng.uniform(-60, 60, knots.shape)
    cells = {
        f"u{i}{j}": shapely.Polygon(
            [knots[i, j], knots[i + 1, j], knots[i + 1, j + 1], knots[i, j + 1]]
        )
        for i in range(n) for j in range(n)
    }  # fmt: skip
    rows = {f"r{j}": line(*knots[:, j]) for j in range(n + 1) if rng.random() < 0.6}
    return units_of("cell", **cells), ground(streets=rows)


def verified(units, table):
    frames = {"cell": units.set_index("unit_id")}
    return [(one.rule, one.ids) for one in check_bounds(table, frames).findings]


@settings(max_examples=20, deadline=None)
@given(town=towns())
def test_the_verifier_finds_no_fault_with_them(town):
    units, (marks, estates) = town
    assert verified(units, bounds_words(units, marks, estates)) == []


@pytest.mark.parametrize(
    ("row", "column", "value", "rule"),
    [
        (0, "text_en", "", "bounds_incomplete"),
        (0, "side", "north", "bounds_incomplete"),
        (0, "side", "up", "bounds_incomplete"),
        (1, "named_share", 1.1, "bounds_incomplete"),
        (1, "length_m", 999.0, "bounds_length"),
    ],
)
def test_the_verifier_finds_a_spoilt_side(row, column, value, rule):
    units = units_of("cell", a=SQUARE)
    table = bounds_words(units, *ground(streets=FOUR))
    table[column] = table[column].astype("object")
    table.loc[row, column] = value
    assert verified(units, table) == [(rule, ("cell a",))]
    assert verified(units, table.assign(unit_id="b"))[0] == (
        "bounds_incomplete", ("cell a", "cell b")
    )  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(town=towns(), seed=st.integers(0, 99))
def test_lengths_add_up_and_neither_rows_nor_vertices_matter(town, seed):
    units, (marks, estates) = town
    table = told(units, marks, estates)
    around = shapely.length(units.geometry.to_numpy())
    assert np.allclose(table.groupby(level=0)["length_m"].sum().loc[units["unit_id"]], around)
    assert table["named_share"].dropna().between(0, 1).all()
    turned = units.sample(frac=1, random_state=seed)
    turned = turned.assign(geometry=shapely.reverse(turned.geometry.to_numpy()))
    again = told(turned, marks, estates)
    pd.testing.assert_frame_equal(again.sort_index(), table.sort_index())


def test_no_units_and_no_lines():
    table = bounds_words(units_of(), *ground())
    assert list(table) == list(BOUNDS_COLUMNS)
    assert table.empty


# --- in a run -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def plans(tmp_path_factory):
    folder = tmp_path_factory.mktemp("town")
    made = {}
    for name, more in (("plain", ""), ("cells", "\n[report]\ncell_bounds = true\n")):
        opened = open_project(tiny.write(folder / name, toml=tiny.TOML + more))
        made[name] = run(opened.place, opened.config)
    return made


def test_a_plan_says_what_its_communities_and_zones_reach_to(plans):
    table = plans["plain"].layers["bounds_words"]
    zones = plans["plain"].layers["zones"]
    assert set(zones["zone_system"]) == {"enforcement", "social_grid", "patrol"}
    assert table["level"].value_counts().to_dict() == {"community": 8, "zone": 4 * len(zones)}
    east = table.set_index(["unit_id", "side"]).loc[("999901001001", "west")]
    assert (east["text_zh"], east["named_share"]) == ("南北路", 1.0)
    assert plans["plain"].summary == plans["cells"].summary


def test_cells_have_theirs_on_request(plans):
    plan = plans["cells"]
    table = plan.layers["bounds_words"]
    assert (table["level"] == "cell").sum() == 4 * len(plan.layer("cells"))
    assert set(table.loc[table["level"] == "cell", "unit_id"]) == set(
        plan.layer("cells")["cell_uid"]
    )
    assert not [
        one.message.en
        for one in verify_plan(plan.layers, plan.summary).findings
        if one.layer == "bounds_words"
    ]


def test_report_and_workbook_tell_them_in_both_languages(plans):
    page = report_html(plans["cells"], lang="zh")
    assert "东至" in page
    assert "west to" in page
    assert "南北路" in page
    assert "网格四至" not in page  # a row for each cell is for the workbook
    whole, by_cell = "四至 Borders in words", "网格四至 Borders of cells"
    for name, sheets in (("plain", [whole]), ("cells", [whole, by_cell])):
        book = openpyxl.load_workbook(io.BytesIO(tables_xlsx(plans[name])))
        assert [one for one in book.sheetnames if "四至" in one] == sheets
        heads = [cell.value for cell in book[sheets[0]][1]]
        assert "东至\neast to" in heads
    codes = [cell.value for cell in book[by_cell]["B"]][1:]
    assert codes == sorted(plans["cells"].layer("cells")["cell_id"])
